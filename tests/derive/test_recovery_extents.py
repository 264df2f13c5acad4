"""Lengths of files that a killed process had written down, but not synced, are kept durable."""

from __future__ import annotations

import copy
from random import Random

import attrs
import pytest

from tests.derive.derived import bytes_of, recorded
from tests.derive.story import Frames, entries_of, story
from tests.fakes.sim_disk import SimDisk
from tests.recording.lives import die, live

POWER_CUTS = range(6)
"""Each loses something else of what was not synced."""


class WatchedDisk(SimDisk):
    """Knows the operations that make the lengths of files durable."""

    def __init__(self, rng: Random) -> None:
        super().__init__(rng)
        self.extents_syncs: list[int] = []

    def sync_file(self, path: str) -> None:
        if path.startswith("journal/extents."):
            self.extents_syncs.append(self.operations + 1)
        super().sync_file(path)

    def write_back(self) -> None:
        """As a system does that gets around to the column files first."""
        for path in [*self.contents]:
            if not path.startswith("journal/"):
                self.sync_file(path)


@attrs.frozen
class Moment:
    """An operation of an undisturbed life in which it syncs the lengths of files."""

    frames: Frames
    at: int


def moments() -> list[Moment]:
    frames = story(3, rounds=2)
    disk = WatchedDisk(Random(0))
    live(disk, frames, checkpoints=(5,))
    return [Moment(frames, at) for at in disk.extents_syncs]


@pytest.mark.parametrize("moment", moments(), ids=lambda moment: str(moment.at))
def test_lengths_that_a_killed_process_had_not_synced_survive_a_later_power_cut(
    moment: Moment,
) -> None:
    """The next process has read them and appends to these files: it must not rely on memory."""
    killed = WatchedDisk(Random(0))
    assert die(killed, moment.frames, moment.at, kind="kill", checkpoints=(5,))
    live(killed, moment.frames)
    killed.write_back()
    for seed in POWER_CUTS:
        disk = copy.deepcopy(killed)
        disk.crash(Random(seed), "power")
        live(disk, moment.frames)
        assert recorded(disk) == bytes_of(entries_of(moment.frames)), seed
