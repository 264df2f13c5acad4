"""Whenever the power is cut, the next start leads to the bytes of an undisturbed recording."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from random import Random

import pytest

from tests.derive.derived import bytes_of, recorded
from tests.derive.story import SECOND, Frames, entries_of, story
from tests.fakes.sim_disk import Kind, PowerCut, SimDisk
from tests.recording.lives import NOTHING, die, live, recover
from tick_logger.model.entries import Started
from tick_logger.model.tables import FIRST_VERSION, SPECS, Table
from tick_logger.storage.format_file import VERSION

CHECKPOINTS = (1, 5, 9, 10, 16)
STEP = 37
"""Each test tries every 37th operation, beginning with another one: all would take a minute."""


def crash_at_every_moment(
    frames: Frames, expected: Mapping[str, bytes], phase: int, kind: Kind
) -> None:
    """Two crashes, the first at each moment of this phase, and a life to the end."""
    for at in range(1 + phase, 1000, STEP):
        disk = SimDisk(Random(at))
        died = die(disk, frames, at, kind=kind, checkpoints=CHECKPOINTS, kept=NOTHING)
        die(disk, frames, 37 + at % 101, kind=kind, checkpoints=CHECKPOINTS, kept=NOTHING)
        live(disk, frames, checkpoints=CHECKPOINTS, kept=NOTHING)
        assert recorded(disk) == expected, at
        if not died:
            break
    assert at > 200


@pytest.mark.parametrize("kind", ["power", "kill"])
@pytest.mark.parametrize("phase", range(8))
def test_a_recording_survives_a_crash_at_any_moment(phase: int, kind: Kind) -> None:
    """In the journal, between columns, in the middle of a checkpoint: two crashes, then the end."""
    frames = story(phase, rounds=2)
    expected = bytes_of(entries_of(frames))
    crash_at_every_moment(frames, expected, phase, kind)


VERSIONS = tuple(range(FIRST_VERSION, VERSION + 1))


@pytest.mark.parametrize("kind", ["power", "kill"])
@pytest.mark.parametrize("before", VERSIONS)
@pytest.mark.parametrize("phase", range(4))
def test_an_upgrade_survives_a_crash_at_any_moment(phase: int, before: int, kind: Kind) -> None:
    """Two processes of an earlier version, and one of this, all on one day."""
    versions = (FIRST_VERSION, before, VERSION)
    frames = story(phase, rounds=2, pause_ns=SECOND // 2, versions=versions)
    entries = entries_of(frames)
    expected = bytes_of(entries)
    upgraded = max(at for at, entry in enumerate(entries) if isinstance(entry, Started))
    check_grown(expected, bytes_of(entries[:upgraded]))
    crash_at_every_moment(frames, expected, phase, kind)


def check_grown(files: Mapping[str, bytes], before: Mapping[str, bytes]) -> None:
    """Each day has all its columns in equal length, and what was there before is still there."""
    days: dict[str, dict[str, int]] = {}
    for path, content in files.items():
        folder, name = path.rsplit("/", 1)
        column, _, day = name.partition(".")
        if day.endswith(".bin"):
            spec = SPECS[Table(folder.rsplit("/", 1)[1])]
            rows, torn = divmod(len(content), spec.column(column).numpy_dtype("f4").itemsize)
            assert torn == 0, path
            days.setdefault(f"{folder} {day}", {})[column] = rows
    assert all(len(set(columns.values())) == 1 for columns in days.values())
    assert any("rest" in columns for columns in days.values())
    assert all(files[path].startswith(content) for path, content in before.items())


@pytest.mark.parametrize("seed", range(2))
def test_a_recovery_survives_a_crash_at_any_moment(seed: int) -> None:
    """And does not add up: the second one gives what the first would have given."""
    frames = story(seed, rounds=2)
    rehearsal, crashed = SimDisk(Random(seed)), SimDisk(Random(seed))
    live(rehearsal, frames, checkpoints=(1, 5))
    die(crashed, frames, rehearsal.operations * 3 // 4, checkpoints=(1, 5))
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
