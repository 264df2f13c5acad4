"""How what is found flush by flush becomes doubts with a beginning and an end."""

from __future__ import annotations

from tests.quality.flushes import at, quotes, unnamed
from tick_logger.model.doubts import DoubtKind, DoubtRecord
from tick_logger.model.flush import Flush
from tick_logger.model.tables import Table
from tick_logger.quality.checks import Checks

NOTHING = Flush()


def crossed(checks: Checks, secs: float, bid: float = 101.0) -> list[DoubtRecord]:
    """The doubts that end when a quote is crossed at this second."""
    return checks.look(Flush((quotes(0, [secs], [bid], [100.0]),)), at(secs))[1]


def doubt(begin: float, end: float, rows: int, bid: float = 101.0) -> DoubtRecord:
    """Of crossed quotes."""
    kind, figures = DoubtKind.CROSSED, {"bid": bid, "ask": 100.0}
    return DoubtRecord(0, Table.QUOTES, kind, at(begin), at(end), rows, figures)


def test_what_follows_soon_is_one_doubt_with_the_worst_figures() -> None:
    """It is over once nothing came for more than ten seconds."""
    checks = unnamed()
    assert [*crossed(checks, 1), *crossed(checks, 2, 105.0), *crossed(checks, 12)] == []
    assert checks.look(NOTHING, at(22))[1] == []
    assert checks.look(NOTHING, at(22.1))[1] == [doubt(1, 12, 3, 105.0)]
    assert checks.close() == []


def test_what_lasts_is_told_in_pieces() -> None:
    """Of five minutes each; every row is in one of them."""
    checks, told = unnamed(), list[DoubtRecord]()
    for second in range(0, 700, 5):
        told += crossed(checks, second)
    told += checks.close()
    assert told == [doubt(0, 300, 61), doubt(305, 605, 61), doubt(610, 695, 18)]


def test_what_is_left_at_the_end_is_told() -> None:
    """Each doubt once."""
    checks = unnamed()
    crossed(checks, 1)
    assert checks.close() == [doubt(1, 1, 1)]
    assert checks.close() == []
