"""What a second line costs: the recorder with `redundancy` 1 and 2, by turns, at one venue.

The venue is the simulated one, at a steady rate.  Each recorder is the real command with all feeds
of the venue; CPU and the growth of its journal count over the same span of seconds after it has
settled.  With two lines the venue sends everything twice; that is the venue's cost, not counted.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import attrs
import numpy as np

from scripts.benchmark.exchanges import Row, local, recorder, rows_on_disk
from scripts.benchmark.processes import Process, cpu_secs
from scripts.benchmark.venues import symbols_of
from tick_logger.exchanges import registry
from tick_logger.model.tables import Table
from tick_logger.simulator.registry import DIALECTS

SYMBOLS = 20
SETTLE_SECS = 10.0
"""All is subscribed, the day's files are there, and what imports cost is over."""

MOST_SECS = 60.0
"""Until every connection is open; more and the machine is too slow to tell anything."""


@attrs.frozen
class Spent:
    """What one recorder has used in a span."""

    cpu_share: float  # of a core
    journal_bytes_per_sec: float
    rows_per_sec: float
    reconnects: int


def configuration(name: str, port: int, lines: int) -> str:
    """The recorder's configuration file."""
    venue = registry.get(name)
    return f"""
[http]
enabled = false
[exchanges.{name}]
ws_endpoint = "{local(venue.ws_endpoint, port)}"
rest_endpoint = "{local(venue.rest_endpoint, port)}"
redundancy = {lines}
connects_per_second = 5.0
"""


def recorded(name: str, port: int, lines: int, seconds: float) -> Spent:
    """One recorder, from its start to its end."""
    folder = Path(tempfile.mkdtemp(prefix="tick_logger_bench_"))
    data, log = folder / "data", folder / "log"
    (folder / "bench.toml").write_text(configuration(name, port, lines))
    try:
        with recorder(folder) as pid:
            _until_connected(log, lines)
            time.sleep(SETTLE_SECS)
            opened, began = _connections(log), time.monotonic()
            before = _used(pid, data)
            time.sleep(seconds)
            spent = (_used(pid, data) - before) / (time.monotonic() - began)
            cpu, journal, rows = spent.tolist()
            return Spent(cpu, journal, rows, _connections(log) - opened)
    finally:
        shutil.rmtree(folder)


def _used(pid: int, data: Path) -> np.ndarray:
    """CPU seconds, bytes of the journal, and rows so far."""
    journal = sum(each.stat().st_size for each in (data / "journal").glob("*") if each.is_file())
    return np.array([cpu_secs(pid), journal, sum(rows_on_disk(data, table) for table in Table)])


def _until_connected(log: Path, lines: int) -> None:
    until = time.monotonic() + MOST_SECS
    while _connections(log) < lines:
        if time.monotonic() > until:
            raise SystemExit(f"not connected within {MOST_SECS:g} s: {log.read_text()}")
        time.sleep(0.1)


def _connections(log: Path) -> int:
    events = [json.loads(line) for line in log.read_text().splitlines() if line.endswith("}")]
    return sum(each["event"] == "connected" and bool(each["symbols"]) for each in events)


def measure(name: str, rate: float, seconds: float, rounds: int) -> Row:
    """One venue: medians of both, and what two lines cost of one."""
    listed = [word for each in symbols_of(DIALECTS[name], SYMBOLS) for word in ("--symbols", each)]
    venue = Process("-m", "tick_logger", "simulate", name, "--rate", str(rate), *listed)
    try:
        assert venue.child.stdout is not None
        said = next(line for line in venue.child.stdout if "ws://127.0.0.1:" in line)
        port = int(said.split("ws://127.0.0.1:")[1].split(" ")[0])
        spent: dict[int, list[Spent]] = {1: [], 2: []}
        for _ in range(rounds):
            for lines, found in spent.items():
                found.append(recorded(name, port, lines, seconds))
    finally:
        venue.child.kill()
    cpu, size, stored = (
        [float(np.median([getattr(each, key) for each in found])) for found in spent.values()]
        for key in ("cpu_share", "journal_bytes_per_sec", "rows_per_sec")
    )
    return {
        "exchange": name,
        "rows_per_sec": round(stored[0]),
        "cpu_one_line": round(cpu[0], 4),
        "cpu_more": round(cpu[1] / cpu[0] - 1, 3),
        "journal_one_line": round(size[0]),
        "journal_more": round(size[1] / size[0] - 1, 3),
        "reconnects": sum(each.reconnects for found in spent.values() for each in found),
    }


def table(rows: Sequence[Row]) -> str:
    """The results for people."""
    lines = [
        "| exchange | rows/s | CPU, one line | two | journal kB/s, one line | two |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['exchange']} | {row['rows_per_sec']:,.0f} | {row['cpu_one_line']:.1%} | "
        f"{row['cpu_more']:+.0%} | {row['journal_one_line'] / 1000:,.0f} | "
        f"{row['journal_more']:+.0%} |"
        for row in rows
    ]
    return "\n".join(lines)


def report(rate: float, seconds: float, rounds: int, only: str) -> list[Row]:
    """Measure the exchanges whose name contains `only`, and print the table; results for JSON."""
    rows = []
    for name in registry.available():
        if name in DIALECTS and only in name:
            print(f"measuring: {name} ...", file=sys.stderr, flush=True)  # noqa: T201
            rows.append(measure(name, rate, seconds, rounds))
    print(table(rows))  # noqa: T201
    print(json.dumps(rows, indent=2))  # noqa: T201
    return rows
