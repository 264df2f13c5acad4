"""What the gaps files of a symbol add up to in the last line of `verify`."""

from __future__ import annotations

from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import Table
from tick_logger.verify.holes import Holes, holes_of


def hole(table: Table, cause: Cause, from_s: int, to_s: int | None) -> GapRecord:
    to_ns = None if to_s is None else to_s * 10**9
    return GapRecord(0, table, None, None, from_s * 10**9, to_ns, cause)


def test_stops_are_no_gaps_and_each_counts_once() -> None:
    """Whatever tables have a record of it; one that reaches to the next trade is too long."""
    records = [
        hole(Table.MD, Cause.RESTART, 10, 17),
        hole(Table.TRADES, Cause.RESTART, 9, 30),
        hole(Table.MD, Cause.RESTART, 100, 103),
        hole(Table.TRADES, Cause.RESTART, 99, 104),
        hole(Table.MD, Cause.DISCONNECT, 40, 41),
        hole(Table.MD, Cause.RENUMBERED, 42, 43),
        hole(Table.TRADES, Cause.SILENT, 200, None),
    ]
    assert holes_of(records) == Holes(holes=2, stopped_symbols=1, stopped_secs=10.0)
    assert holes_of([]) == Holes()


def test_symbols_together() -> None:
    """Their holes and symbols are added; the longest time counts."""
    total = Holes(1, 1, 5.0)
    total.add(Holes(2, 1, 9.0))
    total.add(Holes())
    assert total == Holes(3, 2, 9.0)
