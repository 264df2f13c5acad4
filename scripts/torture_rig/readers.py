"""Lets a reader map the column files of a busy recorder, and prints what it saw; needs no root.

The real recorder records simulated exchanges, all feeds of all symbols; the reader is a process of
its own that looks at every file all the time.

Exit codes: 0 the reader saw only complete, sorted rows that never changed · 1 it saw others, or
nothing, or the recorder did not do as it should · 2 wrong arguments.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import trio

from scripts.torture_rig.errors import Failed
from scripts.torture_rig.reading import Tally
from scripts.torture_rig.recorder import ROOT, recording
from scripts.torture_rig.venues import Venues, open_venues
from tick_logger.model.tables import FEEDS
from tick_logger.simulator.faults import Faults

NS_PER_SECOND = 10**9

DISORDER = Faults(reorder_probability=0.05, duplicate_probability=0.01)
"""Without any, rows would be sorted by themselves."""

ENOUGH = 0.5
"""Rows to be seen per message sent, at the least: most messages make one row, some make many."""


def configuration(venues: Venues) -> str:
    """The recorder's configuration: everything that the exchanges have."""
    parts = ["[http]\nenabled = false\n"]
    for name, port in venues.ports.items():
        parts.append(
            f"[exchanges.{name}]\n"
            f'ws_endpoint = "ws://127.0.0.1:{port}"\n'
            f'rest_endpoint = "http://127.0.0.1:{port}"\n'
            f"feeds = {list(FEEDS)}\n"
            "connects_per_second = 100.0\n"
        )
    return "".join(parts)


async def _watch(rate: float, seconds: float, seed: int) -> tuple[Tally, str]:
    """Record and read at the same time; what was seen, and what else went wrong in words."""
    with tempfile.TemporaryDirectory(prefix="watch-readers-") as folder:
        async with open_venues(rate, seed, DISORDER) as venues:
            try:
                tally = await _record_and_read(venues, Path(folder), seconds)
            except Failed as failure:
                return Tally(), str(failure)
    if tally.rows < rate * seconds * ENOUGH:
        return tally, f"only {tally.rows:,} rows were there to be seen, so little was tried"
    return tally, ""


async def _record_and_read(venues: Venues, folder: Path, seconds: float) -> Tally:
    data, toml, log = folder / "data", folder / "recorder.toml", folder / "log"
    toml.write_text(configuration(venues))
    async with recording(toml, data, venues.ledger, log=log) as recorder:
        await recorder.flowing()
        tally = await _read(data, recorder.start_ns // NS_PER_SECOND, seconds)
        await recorder.terminate()
    return tally


async def _read(data: Path, since_secs: int, seconds: float) -> Tally:
    command = [sys.executable, "-m", "scripts.torture_rig.reading"]
    done = await trio.run_process(
        [*command, str(data), str(since_secs), str(seconds)],
        cwd=ROOT, check=False, capture_stdout=True,
    )  # fmt: skip
    if done.returncode != 0:
        raise Failed(f"the reader ended with {done.returncode}")
    return Tally(**json.loads(done.stdout))


def report(tally: Tally) -> str:
    """The numbers, one to a line, then what they are about."""
    counts = [
        f"looks at a table's day   {tally.looks:>12,}",
        f"rows checked             {tally.rows:>12,}",
        f"rows incomplete          {tally.incomplete:>12,}",
        f"rows unsorted            {tally.unsorted:>12,}",
        f"rows changed             {tally.changed:>12,}",
    ]
    return "\n".join([*counts, *tally.examples])


def main() -> int:
    """Watch, tell, and return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/watch_readers", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to read")
    parser.add_argument("--rate", type=float, default=5000.0, help="messages/s, all exchanges")
    parser.add_argument("--seed", type=int, default=1, help="of the markets")
    options = parser.parse_args()
    tally, trouble = trio.run(_watch, options.rate, options.seconds, options.seed)
    sys.stdout.write(report(tally) + "\n")
    if trouble:
        sys.stderr.write(f"watch_readers: {trouble}\n")
    amiss = trouble or tally.incomplete or tally.unsorted or tally.changed
    return 1 if amiss else 0


if __name__ == "__main__":
    sys.exit(main())
