"""A crash at any moment between seal and certificate: what is vouched for afterwards is so."""

from __future__ import annotations

from random import Random

import pytest
import trio

from tests.derive.derived import bytes_of, decoded, recorded
from tests.derive.story import INSTRUMENTS, MIDNIGHT_NS, SECOND, entries_of, story
from tests.fakes.clock import VirtualClock
from tests.fakes.sim_disk import Kind, PowerCut, SimDisk
from tests.recording.rig import DerivingRig
from tests.service.world import in_virtual_time
from tick_logger.archive.certificate import numbers_of
from tick_logger.archive.certifying import Place
from tick_logger.archive.sealer import Sealer
from tick_logger.archive.verifying import check_certificates
from tick_logger.model.entries import Entry, Received, Started, Ticked
from tick_logger.offload import InlineOffload
from tick_logger.reader.column_files import ColumnFiles
from tick_logger.reader.places import OwnPlaces
from tick_logger.reader.tree import FilesTree

DAY = MIDNIGHT_NS // (86_400 * SECOND) - 1
FRAMES = story(3, rounds=3)
CUTS = 12
"""In each test, evenly from the seal to the certificate; each test begins with another one."""
PHASES = 2


def source(disk: SimDisk) -> ColumnFiles:
    tree = FilesTree("disk", disk)
    return ColumnFiles(tree, OwnPlaces(tree))


async def live(disk: SimDisk, journal: list[list[Entry]], begun: list[int]) -> None:
    """Go on with the story where the journal ends; the day before is sealed and certified.

    `journal` has its frames; those that a power cut took are taken out.  `begun` gets the numbers
    of the operations before the seal and after the certificates.
    """
    rig = DerivingRig(disk, checkpoint_interval_secs=1.0)
    del journal[rig.journal.next_seq - 1 :]
    for entry in entries_of(journal):  # what is wanted is said once for each process
        if isinstance(entry, Started):
            rig.wanted.clear()
        elif isinstance(entry, Received):
            decoded(entry, INSTRUMENTS, rig.wanted)
    place = Place(files=disk, source=lambda: source(disk), collector="a1", version="9")
    sealer = Sealer(
        place,
        rig.seals,
        clock=VirtualClock(MIDNIGHT_NS + 2 * SECOND),
        offload=InlineOffload(),
        seal_after_secs=1.0,
    )
    done = trio.Event()

    async def seal() -> None:
        await trio.sleep(2.0)
        begun.append(disk.operations)
        await sealer.round()
        begun.append(disk.operations)
        done.set()

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(rig.deriver.run)
            nursery.start_soon(seal)
            rest = iter(FRAMES[rig.journal.next_seq - 1 :])
            while (frame := next(rest, None)) is not None or not done.is_set():
                journal.append([*(frame or [Ticked(MIDNIGHT_NS)]), *rig.seals.take(5)])
                rig.put(journal[-1])
                await trio.sleep(0.3)
            rig.backlog.end()
    except* PowerCut:
        raise PowerCut from None


def assert_sound(disk: SimDisk, journal: list[list[Entry]]) -> None:
    """Each certificate is as the files are, and these are what the journal gives."""
    told = check_certificates(disk, source(disk))
    assert [each for each in told if each.is_fault] == []
    for exchange in INSTRUMENTS:
        numbers = numbers_of(disk, exchange, DAY)
        assert numbers == list(range(1, len(numbers) + 1))
        assert numbers, "the day has no certificate"
    files = {path: data for path, data in recorded(disk).items() if "certificate" not in path}
    assert files == bytes_of(entries_of(journal))


def test_an_undisturbed_life_seals_and_certifies() -> None:
    """The others are compared with it."""
    disk, journal = SimDisk(Random(0)), list[list[Entry]]()
    in_virtual_time(live, disk, journal, [])
    assert_sound(disk, journal)


@pytest.mark.parametrize("kind", ["power", "kill"])
@pytest.mark.parametrize("phase", range(PHASES))
def test_what_is_certified_outlives_a_crash(phase: int, kind: Kind) -> None:
    """At each operation on the disk, then a life to the end."""
    begun = list[int]()
    in_virtual_time(live, SimDisk(Random(0)), [], begun)
    first, last = begun
    step = (last - first) // CUTS
    for at in range(first + 1 + phase * step // PHASES, last, step):
        disk, journal = SimDisk(Random(at)), list[list[Entry]]()
        disk.power_cut_at(at)
        with pytest.raises(PowerCut):
            in_virtual_time(live, disk, journal, [])
        disk.crash(Random(at), kind)
        in_virtual_time(live, disk, journal, [])
        assert_sound(disk, journal)
    assert step > 1
