"""What the journal does when somebody else's sync of the whole disk has failed."""

from __future__ import annotations

import errno
from random import Random

import pytest

from tests.fakes.sim_disk import SimDisk
from tick_logger.journal.journal import Journal
from tick_logger.journal.reader import JournalReader


@pytest.mark.parametrize("seed", range(20))
def test_frames_that_were_only_written_are_written_elsewhere(seed: int) -> None:
    """Their segment's next sync would succeed, and a power cut would take them all the same."""
    disk = SimDisk(Random(seed))
    journal = Journal(disk, next_seq=1, segment=1)
    for number in range(3):
        journal.accept(b"%d" % number)
        journal.write(0)
        if number == 0:
            journal.sync()
    disk.fail("sync", number=errno.EIO, times=1)
    with pytest.raises(OSError, match="Input/output"):
        disk.sync()
    journal.doubt()
    journal.write(0)
    journal.sync()
    assert (journal.durable_seq, journal.segment) == (4, 2)
    disk.crash(Random(seed), "power")
    assert [frame.body for frame in JournalReader(disk, from_seq=1)] == [b"0", b"1", b"2"]


def test_what_is_durable_stays_where_it_is() -> None:
    """Nothing is written again without need."""
    disk = SimDisk(Random(1))
    journal = Journal(disk, next_seq=1, segment=1)
    journal.accept(b"a")
    journal.write(0)
    journal.sync()
    journal.doubt()
    journal.accept(b"b")
    journal.write(0)
    assert journal.segment == 1
