"""How late rows were received: those with a time of the exchange, and that are news."""

from __future__ import annotations

import warnings
from typing import Any

from tests.storage.sample import MIDNIGHT_NS, SECOND, batch
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import FLAG_SNAPSHOT, NO_TIME, Table
from tick_logger.net.intake.latency import FIRST_SIZE, Delays


def row(event_secs: float, late_secs: float, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - those of the value
    event_ns = MIDNIGHT_NS + int(event_secs * SECOND)
    return {"event_ns": event_ns, "recv_ns": event_ns + int(late_secs * SECOND), **fields}


def at(secs: float) -> int:
    return MIDNIGHT_NS + int(secs * SECOND)


def test_of_all_tables_together() -> None:
    """In seconds; whole hours as well."""
    found = Delays().secs(
        [
            batch(Table.TRADES, [row(1, 0.25), row(2, 3600)]),
            batch(Table.MD, [row(3, 0.5)]),
            RowBatch.empty(Table.QUOTES),
        ]
    )
    assert found.tolist() == [0.25, 3600.0, 0.5]


def test_a_clock_that_is_ahead() -> None:
    """Nothing is received before it was sent."""
    assert Delays().secs([batch(Table.TRADES, [row(1, -0.25)])]).tolist() == [0.0]


def test_rows_without_a_time() -> None:
    """Are left out, without a warning about numbers too large."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = batch(Table.QUOTES, [row(1, 0.5), {"event_ns": NO_TIME}])
        assert Delays().secs([rows]).tolist() == [0.5]


def test_snapshots_of_books() -> None:
    """Their levels are old by nature."""
    rows = batch(Table.BOOK, [row(1, 9, flags=FLAG_SNAPSHOT), row(1, 0.5, flags=0)])
    assert Delays().secs([rows]).tolist() == [0.5]


def test_of_nothing() -> None:
    """An empty array of numbers."""
    for nothing in ([], [RowBatch.empty(Table.MD)]):
        found = Delays().secs(nothing)
        assert (str(found.dtype), found.shape) == ("float64", (0,))


def test_what_happened_before_it_was_asked_for() -> None:
    """Is history, which is told again after a reconnect; each table and instrument has its own."""
    delays = Delays()
    delays.asked([Table.TRADES], [0, 2], at(10))
    trades = batch(
        Table.TRADES,
        [
            row(9.5, 1.0, instrument=0),
            row(10.5, 1.25, instrument=0),
            row(9.5, 1.5, instrument=1),
            row(5, 7, instrument=2),
        ],
    )
    tickers = batch(Table.MD, [row(9.5, 1.75)])
    assert delays.secs([trades, tickers]).tolist() == [1.25, 1.5, 1.75]
    delays.asked([Table.TRADES], [0], at(60))
    later = batch(Table.TRADES, [row(11, 50), row(60.5, 0.25)])
    assert delays.secs([later]).tolist() == [0.25]


def test_what_was_told_before() -> None:
    """On another connection, or as a sign of life; within a batch many rows share a time."""
    delays, quote = Delays(), row(10, 0.5, instrument=1)

    def secs(*rows: dict[str, Any]) -> list[float]:
        found: list[float] = delays.secs([batch(Table.QUOTES, rows)]).tolist()
        return found

    assert secs(quote, quote, row(9, 0.25)) == [0.5, 0.5, 0.25]
    assert secs({**quote, "recv_ns": at(13.5)}) == []
    assert secs({**quote, "recv_ns": at(16.5)}, row(16, 0.75, instrument=1)) == [0.75]


def test_a_time_in_the_future_is_forgotten() -> None:
    """What comes after it is news again."""
    delays = Delays()
    assert delays.secs([batch(Table.TRADES, [row(10_000, -9_000)])]).tolist() == [0.0]
    assert delays.secs([batch(Table.TRADES, [row(1000.25, 0.5)])]).tolist() == [0.5]


def test_more_instruments_than_expected() -> None:
    """Asked for, or coming without."""
    delays, far = Delays(), 40 * FIRST_SIZE
    delays.asked([Table.MD], [FIRST_SIZE, far], at(2))
    rows = [row(1, 0.5, instrument=far), row(1, 0.25, instrument=2 * far + 9)]
    assert delays.secs([batch(Table.MD, rows)]).tolist() == [0.25]
