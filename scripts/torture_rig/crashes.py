"""Faults that end the recorder, again and again in one directory: kills, power cuts, signals."""

from __future__ import annotations

import time
from collections.abc import Callable

import trio

from scripts.torture_rig.disks import LoopDisk
from scripts.torture_rig.queues import Account, read_of, stop
from scripts.torture_rig.trial import Trial

SOON_SECS = (0.3, 2.5)
"""Between the first row and a kill: batches wait for the journal a second at most."""

LONG_SECS = 3600.0
"""What was sent is due here only if it was read, however long ago; the account says which was."""

EARLY_SHARE, EARLY_SECS = 0.1, 1.5
"""Of all cuts, those that come before the first row or soon after: while it starts or recovers."""


async def kills(trial: Trial) -> None:
    """`kill -9`, restart in the same directory."""
    for _ in range(trial.rig.settings.rounds["kills"]):
        await _cut(trial, lambda: None)
    await trial.conclude()


async def kills_by_reads(trial: Trial) -> None:
    """Stop it, ask how much it has read of each connection, then `kill -9`; all of that is due."""
    account = Account()
    for _ in range(trial.rig.settings.rounds["kills"]):
        trial.rounds += 1
        trial.rig.venues.tapes.clear()
        async with trial.recording() as recorder:
            await recorder.flowing()
            wait_secs = trial.rng.uniform(*SOON_SECS)
            await trio.sleep(wait_secs)
            recorder.check_alive()
            stop(recorder)
            read_of(trial.rig.venues.tapes, account)
            end_ns = time.time_ns()
            await recorder.kill()
            trial.crashed(recorder, end_ns, bound_secs=LONG_SECS)
        trial.say(f"round {trial.rounds}: killed {wait_secs:.2f} s after the first row")
    await trial.conclude()
    account.judge(trial.data)
    trial.figures.append(str(account))
    trial.troubles += account.amiss


async def power_cuts(trial: Trial, disk: LoopDisk) -> None:
    """The file system under the recorder is cut, mounted again, and the recorder restarted."""
    for _ in range(trial.rig.settings.rounds["cuts"]):
        await _cut(trial, disk.cut)
        await disk.unmount()
        await disk.mount()
    await trial.conclude()


async def signals(trial: Trial) -> None:
    """SIGTERM: every stop is clean and costs nothing."""
    for _ in range(trial.rig.settings.rounds["signals"]):
        trial.rounds += 1
        async with trial.recording() as recorder:
            await recorder.flowing()
            wait_secs = trial.rig.moment()
            await trio.sleep(wait_secs)
            trial.stopped(recorder, await recorder.terminate())
        trial.say(f"round {trial.rounds}: stopped {wait_secs:.2f} s after the first row")
    await trial.conclude()


async def _cut(trial: Trial, cut_disk: Callable[[], None]) -> None:
    trial.rounds += 1
    async with trial.recording() as recorder:
        early = trial.rng.random() < EARLY_SHARE
        if not early:
            await recorder.flowing()
        wait_secs = trial.rng.uniform(0, EARLY_SECS) if early else trial.rig.moment()
        await trio.sleep(wait_secs)
        recorder.check_alive()
        end_ns = time.time_ns()
        cut_disk()
        await recorder.kill()
        trial.crashed(recorder, end_ns)
    since = "its start" if early else "the first row"
    trial.say(f"round {trial.rounds}: cut {wait_secs:.2f} s after {since}")
