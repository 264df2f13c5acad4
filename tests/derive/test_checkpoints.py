"""Pruning the journal: what anybody still needs stays, and a segment that was removed stays away.

One that came back after a power cut, without the segments that followed it, would look like damage.
"""

from __future__ import annotations

import copy
import errno
from random import Random

import pytest

from tests.derive.derived import NOW_NS, bytes_of, recorded
from tests.derive.story import entries_of, story
from tests.fakes.sim_disk import SimDisk
from tests.recording.lives import EVERYTHING, NOTHING, live, recover
from tick_logger.derive.checkpoints import Checkpoints, prune_journal
from tick_logger.journal.reader import segments
from tick_logger.model.times import NS_PER_DAY
from tick_logger.storage.journal_layout import segment_path

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


def test_files_of_today_that_are_gone_are_named() -> None:
    """Columns that are removed or cut, and segments; not those of a day that is over."""
    disk = SimDisk()
    live(disk, STORY[:11], checkpoints=(11,))
    derivation, checkpoints = recover(disk).derivation, Checkpoints(disk)
    days = sorted({extent.day for extent in derivation.store.extents()})
    today_ns, tomorrow_ns = (day * NS_PER_DAY for day in (days[-1], days[-1] + 1))
    checkpoints.note_journal([])
    assert checkpoints.missing(derivation, today_ns) == []
    sizes = {
        path: size
        for extent in derivation.store.extents()
        if extent.day == days[-1]
        for path, size in extent.sizes().items()
        if size
    }
    removed, cut, *_ = sizes
    disk.remove(removed)
    disk.truncate(cut, sizes[cut] - 1)
    disk.remove(segment_path(1))
    assert checkpoints.missing(derivation, today_ns) == [removed, cut, segment_path(1)]
    assert checkpoints.missing(derivation, tomorrow_ns) == [segment_path(1)]
    checkpoints.note_journal([])
    assert checkpoints.missing(derivation, tomorrow_ns) == [segment_path(1)]


@pytest.mark.parametrize("number", [errno.ENOTDIR, errno.EACCES, errno.EISDIR])
def test_what_is_in_the_way_of_a_file_hides_it(number: int) -> None:
    """Until its place is known as one that cannot be written, and is told of as such."""
    disk = SimDisk()
    live(disk, STORY[:11], checkpoints=(11,))
    derivation, checkpoints = recover(disk).derivation, Checkpoints(disk)
    extents = derivation.store.extents()
    today = max(extent.day for extent in extents)
    folder = next(each.path for each in extents if each.day == today and each.schema is not None)
    hidden = [
        path
        for extent in extents
        if (extent.path, extent.day) == (folder, today)
        for path, size in extent.sizes().items()
        if size
    ]
    disk.fail("size", number=number, path=f"{folder}/*")
    assert checkpoints.missing(derivation, today * NS_PER_DAY) == hidden


@pytest.mark.parametrize("number", [errno.ENOTDIR, errno.EACCES])
def test_what_cannot_be_written_is_not_missed(number: int) -> None:
    """It is told of elsewhere."""
    disk = SimDisk()
    live(disk, STORY[:9], checkpoints=(9,))
    disk.fail(number=number, path="coinbase/BTC-USD/*")
    derivation, checkpoints = recover(disk).derivation, Checkpoints(disk)
    for entry in entries_of(STORY[9:]):
        derivation.apply(entry)
        derivation.settle()
    barred = derivation.store.unwritable
    assert any(extent.path in barred and extent.length for extent in derivation.store.extents())
    today_ns = max(extent.day for extent in derivation.store.extents()) * NS_PER_DAY
    assert checkpoints.missing(derivation, today_ns) == []


def test_a_disk_in_trouble_is_no_missing_file() -> None:
    """It is trouble of the checkpoint."""
    disk = SimDisk()
    live(disk, STORY[:11], checkpoints=(11,))
    derivation, checkpoints = recover(disk).derivation, Checkpoints(disk)
    disk.fail("size", number=errno.EIO)
    today_ns = max(extent.day for extent in derivation.store.extents()) * NS_PER_DAY
    with pytest.raises(OSError, match="error"):
        checkpoints.missing(derivation, today_ns)


def test_segments_that_were_pruned_are_not_missed() -> None:
    """Nor those that another process has pruned before."""
    disk = SimDisk()
    for count in (3, 6, 9):
        live(disk, STORY[:count])
    derivation, checkpoints = recover(disk).derivation, Checkpoints(disk)
    checkpoints.note_journal([])
    pruned = prune_journal(disk, needed_seq=7, kept=NOTHING, now_ns=NOW_NS)
    assert pruned == [segment_path(1), segment_path(2)]
    checkpoints.note_journal(pruned)
    assert checkpoints.missing(derivation, NOW_NS) == []
