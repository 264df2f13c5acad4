"""Runs the faults that were asked for at simulated venues, and prints what each has cost.

    scripts/faults                                     # one line, no back-fill
    scripts/faults --faults reset,kill --venues okx,kraken
    scripts/faults --lines 1,2 --backfill yes,no       # all four settings
    scripts/faults --peer kraken reset < ids           # another recorder (see `peer`)

All processes are on loopback, on free ports.  Exit codes: 0 all that was asked for was measured, or
cannot be here (which is said) · 1 a case failed, or something is recorded that was never traded, or
twice · 2 wrong arguments.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import attrs
import trio

from scripts.faults_rig.case import Setting, open_case, settings_known
from scripts.faults_rig.faults import FAULTS, NeedsRoot, act_of, disk_for
from scripts.faults_rig.peer import against_peer
from scripts.faults_rig.processes import Failed
from scripts.faults_rig.table import Outcome, as_json, summary, table
from scripts.torture_rig.disks import is_mounted
from scripts.torture_rig.errors import Failed as DiskFailed
from scripts.torture_rig.errors import MissingToolError
from tick_logger.simulator.registry import DIALECTS


async def one_case(
    name: str, setting: Setting, venues: Sequence[str], keep: Path | None
) -> list[Outcome]:
    """The rows of one fault, one for each venue; or one that says why there are none."""
    fault = FAULTS[name]
    outcome = partial(Outcome, name, setting.lines, setting.backfill)
    why_not = fault.why_not or _unknown(setting)
    if why_not:
        return [outcome(why_not=why_not)]
    with _folder(name, keep) as folder:
        try:
            async with (
                disk_for(fault, folder) as (data, disk),
                open_case(setting, fault.world, venues, folder, data) as case,
            ):
                await case.flowing()
                await trio.sleep(setting.seconds)
                _say(f"{name}: {fault.words}")
                await act_of(fault, disk)(case)
                await case.recovered()
                if setting.backfill:
                    await case.healed()
                await trio.sleep(setting.seconds)
                await case.end()
                found = await case.figures()
        except (NeedsRoot, MissingToolError) as missing:
            return [outcome(why_not=str(missing))]
        except (Failed, DiskFailed, trio.BrokenResourceError) as failure:
            return [outcome(why_not=f"failed: {failure}", failed=True)]
    return [outcome(venue, figures) for venue, figures in found.items()]


def _unknown(setting: Setting) -> str:
    known = settings_known()
    if setting.backfill and "backfill" not in known:
        return "this version has no back-fill"
    if setting.lines > 1 and "redundancy" not in known:
        return "this version has one line only"
    return ""


async def _all(options: argparse.Namespace, settings: Sequence[Setting]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for setting in settings:
        for name in options.faults:
            rows = await one_case(name, setting, options.venues, options.keep)
            outcomes += rows
            for row in rows:
                _say(row.told())
    return outcomes


# -- around ----------------------------------------------------------------------------------------


@contextlib.contextmanager
def _folder(name: str, keep: Path | None) -> Iterator[Path]:
    """A folder for one case, removed at the end unless it is to be kept."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"faults-{name}-", dir=keep)).resolve()
    try:
        yield folder
    finally:
        if keep is None and not any(is_mounted(path) for path in folder.iterdir()):
            shutil.rmtree(folder)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _words(known: Sequence[str], text: str) -> list[str]:
    chosen = list(known) if text == "all" else text.split(",")
    unknown = [word for word in chosen if word not in known]
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: not one of {', '.join(known)}")
    return chosen


def _options() -> argparse.Namespace:
    said = "\n".join(f"  {name:10} {each.words}" for name, each in FAULTS.items())
    parser = argparse.ArgumentParser(
        prog="scripts/faults", description=__doc__, formatter_class=argparse.RawTextHelpFormatter,
        epilog=f"faults:\n{said}",
    )  # fmt: skip
    venues, faults = partial(_words, sorted(DIALECTS)), partial(_words, list(FAULTS))
    parser.add_argument("--venues", type=venues, default="all", help="names, comma between; all")
    parser.add_argument("--faults", type=faults, default="all", help="names, comma between; all")
    parser.add_argument("--lines", type=partial(_words, ["1", "2"]), default="1", help="1,2")
    parser.add_argument("--backfill", type=partial(_words, ["no", "yes"]), default="no")
    parser.add_argument("--seconds", type=float, default=4.0, help="of peace before, and after")
    parser.add_argument("--rate", type=float, default=1000.0, help="trades/s, each venue")
    parser.add_argument("--json", action="store_true", help="instead of tables")
    parser.add_argument("--keep", type=Path, help="folder in which recordings and logs stay")
    parser.add_argument("--peer", nargs=2, metavar=("VENUE", "FAULT"), help="another recorder")
    parser.add_argument("--port", type=int, default=0, help="of the venue, for --peer; 0: any")
    parser.add_argument("--after", type=float, default=20.0, help="seconds after it, for --peer")
    options = parser.parse_args()
    if options.peer:
        venue, fault = options.peer
        if venue not in DIALECTS or fault not in FAULTS or not FAULTS[fault].by_network:
            reached = ", ".join(name for name, each in FAULTS.items() if each.by_network)
            parser.error(f"--peer: one of {', '.join(sorted(DIALECTS))}, and one of {reached}")
    return options


def main() -> int:
    """Break, measure, tell, and return the exit code."""
    options = _options()
    base = Setting(seconds=options.seconds, rate=options.rate)
    if options.peer:
        with _folder("peer", options.keep) as folder:
            venue, fault = options.peer
            peer = partial(against_peer, base, venue, fault, folder)
            outcomes = [trio.run(partial(peer, port=options.port, after_secs=options.after))]
    else:
        settings = [
            attrs.evolve(base, lines=int(lines), backfill=backfill == "yes")
            for lines in options.lines
            for backfill in options.backfill
        ]
        outcomes = trio.run(_all, options, settings)
    if options.json:
        sys.stdout.write(as_json(outcomes) + "\n")
    else:
        sys.stdout.write(table(outcomes) + "\n")
        if len(outcomes) > 1:
            sys.stdout.write("\n" + summary(outcomes) + "\n")
    return 1 if any(each.amiss for each in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
