"""A hole is left when it is not healed and nobody is asked about it, and is healed once."""

from __future__ import annotations

import attrs
import pytest

from tick_logger.model.cause import Cause
from tick_logger.model.flush import HEALED, VOID, GapRecord
from tick_logger.model.tables import Table
from tick_logger.recording import left_holes
from tick_logger.recording.left_holes import LeftHoles

IDS = GapRecord(0, Table.TRADES, 100, 199, 5, 9, Cause.SEQUENCE)
TIMES = GapRecord(0, Table.BOOK, None, None, 5, 9, Cause.RESYNC)


def part(first: int, last: int, how: str = "rest") -> GapRecord:
    """What heals some of the ids."""
    return attrs.evolve(IDS, from_id=first, to_id=last, to_ns=50, healed=how)


@pytest.mark.parametrize("how", ["rest", HEALED, VOID])
def test_a_hole_is_healed_when_its_last_id_is(how: str) -> None:
    """Part by part, in any order; what was healed is not healed again."""
    holes = LeftHoles()
    holes.written("one", IDS)
    assert holes.count("one", Cause.SEQUENCE) == 1
    assert holes.healed(part(120, 150)) == []
    assert holes.healed(part(100, 119, how)) == []
    assert holes.count("one", Cause.SEQUENCE) == 1
    assert holes.healed(part(151, 199)) == [Cause.SEQUENCE]
    assert holes.count("one", Cause.SEQUENCE) == 0
    assert holes.healed(part(151, 199)) == []


def test_a_hole_known_by_times_is_healed_as_a_whole() -> None:
    """By a record with its bounds, and by no other."""
    holes = LeftHoles()
    holes.written("one", TIMES)
    healing = attrs.evolve(TIMES, healed=HEALED)
    for other in ({"to_ns": 8}, {"from_ns": 6}, {"table": Table.QUOTES}, {"instrument": 1}):
        assert holes.healed(attrs.evolve(healing, **other)) == []
    assert holes.healed(healing) == [Cause.RESYNC]
    assert holes.count("one", Cause.RESYNC) == 0


def test_holes_of_the_same_beginning_are_told_apart() -> None:
    """One interruption may leave several, of which one heals."""
    holes = LeftHoles()
    holes.written("one", IDS)
    holes.written("one", attrs.evolve(IDS, from_id=300, to_id=309))
    assert holes.healed(part(300, 309)) == [Cause.SEQUENCE]
    assert holes.count("one", Cause.SEQUENCE) == 1
    assert holes.count("one", Cause.DISCONNECT) == 0
    assert holes.count("two", Cause.SEQUENCE) == 0


def test_what_is_asked_about_is_not_left() -> None:
    """As long as it is."""
    asked = {IDS, attrs.evolve(IDS, from_ns=1)}  # one of which is of an earlier process
    holes = LeftHoles(lambda exchange: asked if exchange == "one" else ())
    holes.written("one", IDS)
    holes.written("one", attrs.evolve(IDS, from_id=300, to_id=309))
    assert holes.count("one", Cause.SEQUENCE) == 1
    asked.clear()
    assert holes.count("one", Cause.SEQUENCE) == 2


def test_what_heals_a_hole_of_an_earlier_process_counts_for_nothing() -> None:
    assert LeftHoles().healed(part(100, 199)) == []


def test_the_oldest_are_forgotten_and_stay_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(left_holes, "MAX_KNOWN", 3)
    holes = LeftHoles()
    for number in range(5):
        holes.written("one", attrs.evolve(IDS, instrument=number))
    assert holes.healed(attrs.evolve(part(100, 199), instrument=0)) == []
    assert holes.healed(attrs.evolve(part(100, 199), instrument=4)) == [Cause.SEQUENCE]
    assert holes.count("one", Cause.SEQUENCE) == 4
