"""How late rows were received: those with a time of the exchange, and that are news."""

from __future__ import annotations

import warnings
from typing import Any

from tests.storage.sample import MIDNIGHT_NS, SECOND, batch
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import FLAG_SNAPSHOT, NO_TIME, Table
from tick_logger.net.latency import latencies_secs


def row(event_secs: float, late_secs: float, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - those of the value
    event_ns = MIDNIGHT_NS + int(event_secs * SECOND)
    return {"event_ns": event_ns, "recv_ns": event_ns + int(late_secs * SECOND), **fields}


def test_of_all_tables_together() -> None:
    """In seconds; whole hours as well."""
    found = latencies_secs(
        [
            batch(Table.TRADES, [row(1, 0.25), row(2, 3600)]),
            batch(Table.MD, [row(3, 0.5)]),
            RowBatch.empty(Table.QUOTES),
        ]
    )
    assert found.tolist() == [0.25, 3600.0, 0.5]


def test_a_clock_that_is_ahead() -> None:
    """Nothing is received before it was sent."""
    assert latencies_secs([batch(Table.TRADES, [row(1, -0.25)])]).tolist() == [0.0]


def test_rows_without_a_time() -> None:
    """Are left out, without a warning about numbers too large."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = batch(Table.QUOTES, [row(1, 0.5), {"event_ns": NO_TIME}])
        assert latencies_secs([rows]).tolist() == [0.5]


def test_snapshots_of_books() -> None:
    """Their levels are old by nature."""
    rows = batch(Table.BOOK, [row(1, 9, flags=FLAG_SNAPSHOT), row(1, 0.5, flags=0)])
    assert latencies_secs([rows]).tolist() == [0.5]


def test_of_nothing() -> None:
    """An empty array of numbers."""
    found = latencies_secs([])
    assert (str(found.dtype), found.shape) == ("float64", (0,))
