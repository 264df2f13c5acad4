"""Pruning the journal: what anybody still needs stays, and a segment that was removed stays away.

One that came back after a power cut, without the segments that followed it, would look like damage.
"""

from __future__ import annotations

import copy
from random import Random

import pytest

from tests.derive.derived import NOW_NS, bytes_of, recorded
from tests.derive.story import entries_of, story
from tests.fakes.sim_disk import SimDisk
from tests.recording.lives import EVERYTHING, NOTHING, live
from tick_logger.derive.checkpoints import prune_journal
from tick_logger.journal.reader import segments

STORY = story(0, rounds=2)
EXPECTED = bytes_of(entries_of(STORY))
POWER_CUTS = 20
"""A removal that was not synced outlives one of them in two or so."""


def numbers(disk: SimDisk) -> list[int]:
    return [each.number for each in segments(disk)]


def shortened() -> SimDisk:
    """A disk from whose journal the second checkpoint has just removed all older segments."""
    disk = SimDisk()
    for count in (3, 6, 9):
        live(disk, STORY[:count])  # each life begins a segment
    live(disk, STORY[:11], checkpoints=(11,), kept=NOTHING)
    assert numbers(disk) == [1, 2, 3, 4]
    live(disk, STORY[:12], checkpoints=(12,), kept=NOTHING)
    assert numbers(disk) == [5]
    return disk


def test_no_removed_segment_comes_back() -> None:
    """Whatever else the power cut takes, and the next life goes on as if none had been there."""
    whole = shortened()
    for seed in range(POWER_CUTS):
        disk = copy.deepcopy(whole)
        disk.crash(Random(seed), "power")
        assert numbers(disk) == [5], seed
        live(disk, STORY, kept=NOTHING)
        assert recorded(disk) == EXPECTED, seed


@pytest.mark.parametrize(("needed_seq", "left"), [(1, [1, 2, 3, 4]), (7, [3, 4]), (12, [4])])
def test_what_is_needed_is_for_the_caller_to_say(needed_seq: int, left: list[int]) -> None:
    """Another reader of the journal may be behind the checkpoints."""
    disk = SimDisk()
    for count in (3, 6, 9, 11):
        live(disk, STORY[:count], kept=EVERYTHING)
    prune_journal(disk, needed_seq=needed_seq, kept=NOTHING, now_ns=NOW_NS)
    assert numbers(disk) == left
