"""Runs the faults that were asked for and prints a table; exit code 1 if anything is amiss.

Exit codes: 0 nothing lost and nothing wrong, or nothing could be tried here (which is said) ·
1 rows lost or wrong, a recorder that did not do as it should, or interrupted · 2 wrong arguments.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import TypeAlias

import attrs
import trio

from scripts.torture_rig import crashes, large_messages, rough, troubles
from scripts.torture_rig.disks import is_mounted, loop_disk, tmpfs
from scripts.torture_rig.errors import Failed, MissingToolError
from scripts.torture_rig.ledger import Ledger
from scripts.torture_rig.trial import Rig, Settings, Trial
from scripts.torture_rig.venues import open_venues

TMPFS_MIB = 64

Fault: TypeAlias = Callable[[Rig, str, Path], Awaitable[Trial]]


@attrs.define
class Outcome:
    """One line of the table; `skipped` says why there is nothing to tell."""

    fault: str
    trial: Trial | None = None
    skipped: str = ""

    @property
    def amiss(self) -> bool:
        """Whether anything was lost, wrong, or not as it should be."""
        if self.trial is None:
            return False
        v = self.trial.verdict
        return bool(v.lost or v.untold or v.wrong or self.trial.troubles)


# -- the faults -----------------------------------------------------------------------------------


async def _on_plain_folder(
    torture: Callable[[Trial], Awaitable[None]], rig: Rig, name: str, folder: Path
) -> Trial:
    trial = Trial(rig, name, folder, folder / "data")
    await _suffer(trial, partial(torture, trial))
    return trial


async def _on_tmpfs(
    torture: Callable[[Trial], Awaitable[None]], rig: Rig, name: str, folder: Path
) -> Trial:
    async with tmpfs(folder, TMPFS_MIB) as mounted:
        trial = Trial(rig, name, folder, mounted / "data")
        await _suffer(trial, partial(torture, trial))
    return trial


def _on_loop(kind: str, options: str = "", *, cuts: bool = False, stalls: bool = False) -> Fault:
    async def fault(rig: Rig, name: str, folder: Path) -> Trial:
        async with loop_disk(folder, kind, options) as disk:
            trial = Trial(rig, name, folder, disk.folder / "data")
            if cuts:
                await _suffer(trial, partial(crashes.power_cuts, trial, disk))
            elif stalls:
                await _suffer(trial, partial(troubles.freezes, trial, disk))
            else:
                await _suffer(trial, partial(crashes.signals, trial))
        return trial

    return fault


def _injected(injection: troubles.Injection) -> Fault:
    return partial(_on_plain_folder, partial(troubles.injected, injection=injection))


async def _flooded(rig: Rig, name: str, folder: Path) -> Trial:
    async with loop_disk(folder, "ext4", size_mib=large_messages.DISK_MIB) as disk:
        trial = Trial(rig, name, folder, disk.folder / "data")
        await _suffer(trial, partial(large_messages.flood, trial, disk))
    return trial


FAULTS: dict[str, Fault] = {
    "kill9": partial(_on_plain_folder, crashes.kills),
    "kill9-reads": partial(_on_plain_folder, crashes.kills_by_reads),
    "cut-ext4": _on_loop("ext4", cuts=True),
    "cut-ext4-nodelalloc": _on_loop("ext4", "nodelalloc", cuts=True),
    "cut-xfs": _on_loop("xfs", cuts=True),
    "sigterm-ext4": _on_loop("ext4"),
    "enospc-journal": _injected(troubles.NO_SPACE_FOR_JOURNAL),
    "enospc-columns": _injected(troubles.NO_SPACE_FOR_COLUMNS),
    "eio-fdatasync": _injected(troubles.FAILED_SYNC),
    "eio-syncfs": _injected(troubles.FAILED_CHECKPOINT),
    "full-tmpfs": partial(_on_tmpfs, troubles.full),
    "freeze-ext4": _on_loop("ext4", stalls=True),
    "large-messages": _flooded,
    "rough-names": partial(_on_plain_folder, rough.names),
    "rough-crowd": partial(_on_plain_folder, rough.crowd),
    "rough-bomb": partial(_on_plain_folder, rough.bomb),
    "rough-removed": partial(_on_plain_folder, rough.removed),
}


async def _suffer(trial: Trial, torture: Callable[[], Awaitable[None]]) -> None:
    """Torture and judge, while the disk is still there."""
    try:
        await torture()
    except Failed as failure:
        trial.troubles.append(f"round {trial.rounds}: {failure}")
    trial.judge()


# -- running --------------------------------------------------------------------------------------


async def _torture(options: argparse.Namespace, chosen: list[str]) -> list[Outcome]:
    rounds = {
        "kills": options.kill_rounds,
        "cuts": options.rounds,
        "signals": options.rounds,
        "troubles": options.trouble_rounds,
    }
    bound_secs = options.persist if options.bound is None else options.bound
    settings = Settings(options.persist, bound_secs, options.deep, rounds)
    outcomes = []
    async with trio.open_nursery() as nursery:
        await nursery.start(_end_on_signals, nursery.cancel_scope)
        async with open_venues(options.rate, options.seed) as venues:
            rig = Rig(settings, venues, Random(options.seed))
            for name in chosen:
                rig.venues.ledger = Ledger()
                outcome = await _one(rig, name, Path(options.keep) if options.keep else None)
                outcomes.append(outcome)
                _say("\n".join(_details(outcome)))
        nursery.cancel_scope.cancel("everything was tried")
    return outcomes


async def _end_on_signals(
    everything: trio.CancelScope, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Ctrl-C and SIGTERM end the torture, and every disk and process with it."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        number = await anext(aiter(signals))
        _say(f"interrupted by {signal.Signals(number).name}; cleaning up")
        everything.cancel("interrupted")


async def _one(rig: Rig, name: str, keep: Path | None) -> Outcome:
    with _folder(name, keep) as folder:
        try:
            return Outcome(name, await FAULTS[name](rig, name, folder))
        except MissingToolError as missing:
            return Outcome(name, skipped=str(missing))


@contextlib.contextmanager
def _folder(name: str, keep: Path | None) -> Iterator[Path]:
    """A folder for one fault, removed at the end unless it is to be kept."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"torture-{name}-", dir=keep)).resolve()
    try:
        yield folder
    finally:
        if keep is None and not any(is_mounted(path) for path in folder.iterdir()):
            shutil.rmtree(folder)


# -- telling --------------------------------------------------------------------------------------

_TITLES = (
    "fault", "rounds", "rows acknowledged durable", "lost beyond the bound", "rows wrong",
    "missing, in a gap record", "missing, in none", "longest loss ms",
)  # fmt: skip


def table(outcomes: list[Outcome]) -> str:
    """The results for people."""
    lines = ["| " + " | ".join(_TITLES) + " |", "|---" * len(_TITLES) + "|"]
    for outcome in outcomes:
        if outcome.trial is None:
            cells = ["skipped: " + outcome.skipped, *[""] * (len(_TITLES) - 2)]
        else:
            v = outcome.trial.verdict
            counts = (outcome.trial.rounds, v.promised, v.lost, v.wrong, v.excused, v.untold)
            cells = [*(f"{count:,}" for count in counts), f"{v.longest_ns / 1e6:,.0f}"]
        lines.append(f"| {outcome.fault} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _details(outcome: Outcome) -> list[str]:
    if outcome.trial is None:
        return [f"{outcome.fault}: skipped: {outcome.skipped}"]
    lines = [f"{outcome.fault}: {figures}" for figures in outcome.trial.figures]
    lines += [f"{outcome.fault}: trouble: {trouble}" for trouble in outcome.trial.troubles]
    lines += [f"{outcome.fault}: {example}" for example in outcome.trial.verdict.examples]
    if not outcome.amiss:
        lines.append(f"{outcome.fault}: nothing lost, nothing wrong")
    return lines


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _options() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(prog="scripts/torture", description=__doc__)
    parser.add_argument("--kill-rounds", type=int, default=20, help="kill -9, one directory")
    parser.add_argument("--rounds", type=int, default=6, help="of each power cut, and SIGTERM")
    parser.add_argument("--trouble-rounds", type=int, default=1, help="of errors, full, freeze")
    parser.add_argument("--only", default="", help=f"words, comma between: of {', '.join(FAULTS)}")
    parser.add_argument("--rate", type=float, default=2000.0, help="messages/s, all exchanges")
    parser.add_argument("--seed", type=int, default=1, help="of markets and moments")
    parser.add_argument("--persist", type=float, default=1.0, help="persist_interval_secs")
    parser.add_argument("--bound", type=float, help="allowed loss in s; default as --persist")
    parser.add_argument("--deep", action="store_true", help="verify replays the journal, too")
    parser.add_argument("--keep", default="", help="folder in which recordings and logs stay")
    options = parser.parse_args()
    words = [word for word in options.only.split(",") if word]
    chosen = [name for name in FAULTS if not words or any(word in name for word in words)]
    if not chosen:
        parser.error(f"--only {options.only} matches none of {', '.join(FAULTS)}")
    return options, chosen


def main() -> int:
    """Torture, tell, and return the exit code."""
    options, chosen = _options()
    if sys.platform != "linux" or os.geteuid() != 0:
        sys.stdout.write("torture: skipped: it mounts disks, which needs Linux and root\n")
        return 0
    outcomes = trio.run(_torture, options, chosen)
    sys.stdout.write(table(outcomes) + "\n")
    finished = len(outcomes) == len(chosen)
    return 1 if any(outcome.amiss for outcome in outcomes) or not finished else 0


if __name__ == "__main__":
    sys.exit(main())
