"""Whenever the power is cut, the next start leads to the bytes of an undisturbed recording."""

from __future__ import annotations

import copy
from random import Random

import pytest

from tests.derive.derived import bytes_of, recorded
from tests.derive.story import entries_of, story
from tests.fakes.sim_disk import Kind, PowerCut, SimDisk
from tests.recording.lives import NOTHING, die, live, recover

CHECKPOINTS = (1, 5, 9, 10, 16)
STEP = 37
"""Each test tries every 37th operation, beginning with another one: all would take a minute."""


@pytest.mark.parametrize("kind", ["power", "kill"])
@pytest.mark.parametrize("phase", range(8))
def test_a_recording_survives_a_crash_at_any_moment(phase: int, kind: Kind) -> None:
    """In the journal, between columns, in the middle of a checkpoint: two crashes, then the end."""
    frames = story(phase, rounds=2)
    expected = bytes_of(entries_of(frames))
    for at in range(1 + phase, 1000, STEP):
        disk = SimDisk(Random(at))
        died = die(disk, frames, at, kind=kind, checkpoints=CHECKPOINTS, kept=NOTHING)
        die(disk, frames, 37 + at % 101, kind=kind, checkpoints=CHECKPOINTS, kept=NOTHING)
        live(disk, frames, checkpoints=CHECKPOINTS, kept=NOTHING)
        assert recorded(disk) == expected, at
        if not died:
            break
    assert at > 200


@pytest.mark.parametrize("seed", range(2))
def test_a_recovery_survives_a_crash_at_any_moment(seed: int) -> None:
    """And does not add up: the second one gives what the first would have given."""
    frames = story(seed, rounds=2)
    crashed = SimDisk(Random(seed))
    die(crashed, frames, 330, checkpoints=(1, 5))
    whole = copy.deepcopy(crashed)
    messages = recover(whole).messages
    assert messages > 5
    for at in range(1 + seed, 1000, 7):
        disk = copy.deepcopy(crashed)
        disk.power_cut_at(disk.operations + at)
        try:
            recover(disk)
        except PowerCut:
            disk.crash(Random(at))
        else:
            break
        assert recover(disk).messages == messages
        assert recorded(disk) == recorded(whole), at
    assert at > 60
