"""The power goes while what an older version left is recovered: the next start makes up for it."""

from __future__ import annotations

from random import Random

import pytest

from tests.fakes.sim_disk import Kind, PowerCut, SimDisk
from tests.upgrade.fixture import Fixture, load, lost, tables
from tests.upgrade.program import recover

LATER_NS = 5 * 10**9

KINDS: tuple[Kind, ...] = ("power", "kill")

STRIDE = 97
"""Of the thousands of operations that the large recording needs, every so many (a prime, so that
no kind of operation is always missed): all of them would take minutes, and the small recording,
whose operations are tried one by one, differs only in how many files there are."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "stride"),
    [("small", 1), pytest.param("killed", STRIDE, marks=pytest.mark.seldom)],
)
def test_it_dies_while_it_recovers(name: str, stride: int, kind: Kind) -> None:
    """In each of its operations: then recovering again gives what it would have given."""
    recorded = load(name)
    rehearsal = disk_with(recorded, 0)
    begin = rehearsal.operations
    recover(rehearsal, recorded.ended_ns + LATER_NS)
    end = rehearsal.operations
    assert (end - begin) // stride > 40
    for number in range(begin + 1, end + 1, stride):
        disk = disk_with(recorded, number)
        disk.power_cut_at(number)
        with pytest.raises(PowerCut):
            recover(disk, recorded.ended_ns + LATER_NS)
        disk.crash(Random(number), kind)
        recover(disk, recorded.ended_ns + 2 * LATER_NS)
        assert lost(recorded, disk.contents) == [], f"operation {number}"
        assert rows(disk) == rows(rehearsal), f"operation {number}"


def disk_with(recorded: Fixture, seed: int) -> SimDisk:
    """A disk on which everything lies as the recorder left it, and is durable."""
    disk = SimDisk(Random(seed))
    for path, content in recorded.files.items():
        disk.append(path, content)
    disk.sync()
    return disk


def rows(disk: SimDisk) -> dict[str, int]:
    """By table and day."""
    return {where: table["rows"] for where, table in tables(disk.contents).items()}
