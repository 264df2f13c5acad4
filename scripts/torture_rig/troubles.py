"""Faults that the recorder must live through: injected errors, a full disk, a frozen one."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import attrs
import trio

from scripts.torture_rig.disks import LoopDisk, frozen, inflate, require
from scripts.torture_rig.errors import Failed
from scripts.torture_rig.recorder import Recorder
from scripts.torture_rig.rows import columns_of
from scripts.torture_rig.trial import Trial
from scripts.torture_rig.venues import MORE_FEEDS

BEFORE_SECS, AFTER_SECS = 2.0, 2.0  # of peace, around a trouble
TRACED_SECS = 8.0
FROZEN_SECS = 4.0
FULL_SECS = 4.0
FILL_PATIENCE_SECS = 60.0
ROOM_BYTES = 1024 * 1024  # what the recording may still fill
FULL_BYTES = 256 * 1024  # the last of it is the balloon's, or single appends might still fit
LOOK_SECS = 0.1
DAY_SECS = 86_400
SEGMENTS = 20  # of the journal that a short recording can have
CHECKPOINT_SECS = 1.0  # so that a sync of the file system happens soon

_WRITES = "write,pwrite64,writev,pwritev,pwritev2"


@attrs.frozen
class Injection:
    """System calls that fail; counted for each thread by itself."""

    calls: str
    error: str
    which: str  # "5..8": from the fifth to the eighth
    where: str = ""  # "journal" or "columns"; empty: on every file

    def tracer(self, data: Path, log: Path) -> list[str]:
        """The command that runs another one with this fault."""
        command = ["strace", "-f", "--seccomp-bpf", "-qq", "-o", str(log)]
        for path in {"journal": _journal, "columns": _columns}.get(self.where, _nothing)(data):
            command += ["-P", str(path)]
        command += ["-e", f"trace={self.calls}"]
        return [*command, "-e", f"inject={self.calls}:error={self.error}:when={self.which}"]


NO_SPACE_FOR_JOURNAL = Injection(_WRITES, "ENOSPC", "5..8", "journal")
NO_SPACE_FOR_COLUMNS = Injection(_WRITES, "ENOSPC", "60..64", "columns")
FAILED_SYNC = Injection("fdatasync", "EIO", "3")
FAILED_CHECKPOINT = Injection("syncfs", "EIO", "2")


async def injected(trial: Trial, injection: Injection) -> None:
    """Some system calls of the recorder fail; it goes on by itself."""
    require("strace", "strace")
    for _ in range(trial.rig.settings.rounds["troubles"]):
        trial.rounds += 1
        log = trial.folder / "strace"
        tracer = injection.tracer(trial.data.resolve(), log)
        async with trial.recording(tracer, CHECKPOINT_SECS) as recorder:
            await recorder.flowing()
            await trio.sleep(TRACED_SECS)
            faults = log.read_text(errors="replace").count("(INJECTED)")
            trial.say(f"round {trial.rounds}: {faults} system calls have failed")
            await trial.resumed(recorder)
            trial.stopped(recorder, await recorder.terminate(), gaps_excuse=True)
        if not faults:
            raise Failed("no fault was injected, so nothing was tried")
    await trial.conclude()


async def full(trial: Trial) -> None:
    """The recording fills the disk, which a balloon has made small; the balloon goes later."""
    balloon = trial.data.parent / "balloon"
    for _ in range(trial.rig.settings.rounds["troubles"]):
        trial.rounds += 1
        async with trial.recording() as recorder:
            await recorder.flowing()
            await trio.sleep(BEFORE_SECS)
            os.truncate(balloon, max(0, inflate(balloon) - ROOM_BYTES))
            await _filled(recorder, trial.data.parent)
            inflate(balloon)
            trial.say(f"round {trial.rounds}: the disk is full")
            await trio.sleep(FULL_SECS)
            balloon.unlink()
            await trial.resumed(recorder)
            await trio.sleep(AFTER_SECS)
            trial.stopped(recorder, await recorder.terminate(), gaps_excuse=True)
    await trial.conclude()


async def freezes(trial: Trial, disk: LoopDisk) -> None:
    """All writes wait for some seconds, and nothing is lost."""
    for _ in range(trial.rig.settings.rounds["troubles"]):
        trial.rounds += 1
        async with trial.recording() as recorder:
            await recorder.flowing()
            await trio.sleep(BEFORE_SECS)
            async with frozen(disk.folder):
                trial.say(f"round {trial.rounds}: frozen for {FROZEN_SECS:g} s")
                await trio.sleep(FROZEN_SECS)
            await trial.resumed(recorder)
            await trio.sleep(AFTER_SECS)
            trial.stopped(recorder, await recorder.terminate())
    await trial.conclude()


async def _filled(recorder: Recorder, folder: Path) -> None:
    with trio.move_on_after(FILL_PATIENCE_SECS):
        while True:
            status = os.statvfs(folder)
            if status.f_bavail * status.f_frsize < FULL_BYTES:
                return
            recorder.check_alive()
            await trio.sleep(LOOK_SECS)
    raise Failed(f"the recording did not fill the disk within {FILL_PATIENCE_SECS:g} s")


def _nothing(data: Path) -> Sequence[Path]:
    return ()


def _journal(data: Path) -> Sequence[Path]:
    return [data / "journal" / f"{number:08d}.tlj" for number in range(SEGMENTS)]


def _columns(data: Path) -> Sequence[Path]:
    """The trades of the busy symbols, today and tomorrow."""
    now = time.time()
    days = [time.strftime("%d.%m.%y", time.gmtime(secs)) for secs in (now, now + DAY_SECS)]
    return [
        data / exchange / symbol / "TRADES" / f"{column}.{day}.bin"
        for exchange, (symbols, _) in MORE_FEEDS.items()
        for symbol in symbols
        for column in columns_of("TRADES")
        for day in days
    ]
