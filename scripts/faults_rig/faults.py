"""The faults by name: what each breaks, for how long, and what it needs.

Where the recorder has two lines, faults of single connections hit one of them (`ONE_LINE`); all
others hit whatever there is.  What cannot be tried here is skipped with the reason.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

import attrs
import trio

from scripts.faults_rig.case import Act, Case, World
from scripts.torture_rig.disks import LoopDisk, inflate, loop_disk, tmpfs

DOWN_SECS = 3.0
"""How long what is broken stays so."""

MISBEHAVING_SECS = 4.0
HOLE_PROBABILITY = 0.02
ODD_PROBABILITY = 0.1
LIFETIME_SECS = 9.0  # of a connection; stands for the 24 hours
TMPFS_MIB = 48
ROOM_BYTES = 1024 * 1024
FULL_SECS = 4.0

Disk = Callable[[Path], AbstractAsyncContextManager[tuple[Path, LoopDisk | None]]]


class NeedsRoot(Exception):
    """Why a fault cannot be tried here."""


@attrs.frozen(kw_only=True)
class Fault:
    """What is broken, in words, and how."""

    words: str
    act: Act | None = None
    world: World = attrs.field(factory=World)
    disk: str = ""  # "loop" or "tmpfs": the recording lies on a file system of its own
    by_network: bool = True  # whether another recorder can be hit by it, too
    why_not: str = ""  # it is never tried, and why


async def _order(what: str, case: Case) -> None:
    await case.venues.do(what, one=case.one)
    case.well()


async def _half_open(case: Case) -> None:
    await case.venues.do("freeze", one=case.one)
    case.well()
    if case.one:  # the other line goes on: wait until this one is noticed
        await trio.sleep(2 * case.setting.data_timeout_secs)


async def _silent(case: Case) -> None:
    await case.venues.do("misbehave", silent=True)
    await trio.sleep(0.2)  # whoever subscribes from now on is served
    await case.venues.do("misbehave")
    case.well()


async def _restart(case: Case) -> None:
    await case.venues.do("down")
    await trio.sleep(DOWN_SECS)
    await case.venues.do("up")
    case.well()


async def _misbehave(case: Case, **faults: object) -> None:
    await case.venues.do("misbehave", faults=faults)
    await trio.sleep(MISBEHAVING_SECS)
    await case.venues.do("misbehave")
    case.well()


async def _no_names(case: Case) -> None:
    case.recorder.resolver_off.touch()
    await case.venues.do("reset")
    await trio.sleep(DOWN_SECS)
    case.recorder.resolver_off.unlink()
    case.well()


async def _other_certificate(case: Case) -> None:
    await case.venues.do("certificate", good=False)
    await case.venues.do("reset")
    await trio.sleep(DOWN_SECS)
    await case.venues.do("certificate", good=True)
    case.well()


async def _no_rest(case: Case, **faults: object) -> None:
    """A reset, and whoever asks by REST for what was missed is refused for a while."""
    await case.venues.do("misbehave", faults=faults)
    await case.venues.do("reset", one=case.one)
    await trio.sleep(DOWN_SECS)
    await case.venues.do("misbehave")
    case.well()


async def _kill(case: Case) -> None:
    await case.recorder.kill()
    await case.recorder.start()
    case.well()


async def _cut_power(case: Case, disk: LoopDisk) -> None:
    disk.cut()
    await case.recorder.kill()
    await disk.unmount()
    await disk.mount()
    await case.recorder.start()
    case.well()


async def _fill(case: Case) -> None:
    balloon = case.data.parent / "balloon"
    os.truncate(balloon, max(0, inflate(balloon) - ROOM_BYTES))
    await trio.sleep(FULL_SECS)
    balloon.unlink()
    case.well()


async def _grow_old(case: Case) -> None:
    """The venue ends each connection by itself, with a close frame."""
    await trio.sleep(LIFETIME_SECS)
    case.well()


FAULTS: Mapping[str, Fault] = {
    "reset": Fault(words="connections are reset (RST)", act=partial(_order, "reset")),
    "fin": Fault(words="connections end without a close frame (FIN)", act=partial(_order, "fin")),
    "half-open": Fault(words="nothing is forwarded any more, and nothing closed", act=_half_open),
    "silent": Fault(words="subscriptions are acknowledged and deliver nothing", act=_silent),
    "restart": Fault(words=f"the venue is away for {DOWN_SECS:g} s", act=_restart),
    "id-hole": Fault(
        words=f"{HOLE_PROBABILITY:.0%} of the trades are not sent, for {MISBEHAVING_SECS:g} s",
        act=partial(_misbehave, id_hole_probability=HOLE_PROBABILITY),
    ),
    "disorder": Fault(
        words=f"{ODD_PROBABILITY:.0%} of the messages come twice, and as many too late",
        act=partial(
            _misbehave, duplicate_probability=ODD_PROBABILITY, reorder_probability=ODD_PROBABILITY
        ),
    ),
    "dns": Fault(
        words=f"a reset, and no name is known for {DOWN_SECS:g} s (`resolver`)",
        act=_no_names,
        world=World(named=True),
        by_network=False,
    ),
    "tls": Fault(
        words=f"a reset, and for {DOWN_SECS:g} s a certificate that nobody trusts",
        act=_other_certificate,
        world=World(tls=True),
    ),
    "rest-down": Fault(
        words=f"a reset, and REST answers 503 for {DOWN_SECS:g} s",
        act=partial(_no_rest, rest_status=503),
    ),
    "rest-429": Fault(
        words=f"a reset, and REST answers 429 for {DOWN_SECS:g} s (Retry-After: 2)",
        act=partial(_no_rest, rest_status=429, retry_after="2"),
    ),
    "kill": Fault(words="kill -9, and started again", act=_kill, by_network=False),
    "power": Fault(
        words="the disk loses what was not synced, and it is started again",
        disk="loop",
        by_network=False,
    ),
    "disk-full": Fault(
        words=f"the disk is full for {FULL_SECS:g} s", act=_fill, disk="tmpfs", by_network=False
    ),
    "clock": Fault(
        words="the clock steps",
        by_network=False,
        why_not="it would need a library that shows one process another time; "
        "tests/service/test_clock.py steps the clock in virtual time",
    ),
    "24h": Fault(
        words=f"each connection is ended by the venue after {LIFETIME_SECS:g} s",
        act=_grow_old,
        world=World(lifetime_secs=LIFETIME_SECS),
    ),
}


def act_of(fault: Fault, disk: LoopDisk | None) -> Act:
    """What the fault does, on its own disk if it has one that can be cut."""
    if fault.act is not None:
        return fault.act
    assert disk is not None
    return partial(_cut_power, disk=disk)


@asynccontextmanager
async def disk_for(fault: Fault, folder: Path) -> AsyncIterator[tuple[Path, LoopDisk | None]]:
    """Where the recording of a fault lies; raises `NeedsRoot` if that cannot be had here."""
    if fault.disk and (sys.platform != "linux" or os.geteuid() != 0):
        raise NeedsRoot("it mounts a disk, which needs Linux and root")
    if fault.disk == "loop":
        async with loop_disk(folder, "ext4") as disk:
            yield disk.folder / "data", disk
    elif fault.disk == "tmpfs":
        async with tmpfs(folder, TMPFS_MIB) as mounted:
            yield mounted / "data", None
    else:
        yield folder / "data", None
