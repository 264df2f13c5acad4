"""What a recording says that it has: rows, holes, seconds and conditions, day by day."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pytest

import tick_logger
from tests.reader.recorded import Recorder
from tests.reader.test_rows import BTC, MS, trade
from tests.storage.sample import MIDNIGHT_NS, SECOND
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import Table

DAY_MS = 86_400_000
HOUR_NS = 3_600 * SECOND


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path / "data")


def hole(begin_ms: int, end_ms: int | None, table: Table = Table.TRADES) -> GapRecord:
    """Of the first symbol, in ms after midnight."""
    end = None if end_ms is None else MIDNIGHT_NS + end_ms * MS
    return GapRecord(0, table, None, None, MIDNIGHT_NS + begin_ms * MS, end, Cause.DISCONNECT)


def test_a_row_for_each_table_and_day(recorder: Recorder) -> None:
    """With rows, late ones, holes that touch the day, and seconds without those in holes."""
    rows = [trade(1, 1000), trade(2, 9000), trade(3, DAY_MS + 5), trade(4, DAY_MS + 1005)]
    recorder.write(Table.TRADES, rows)
    recorder.write(Table.TRADES, [trade(9, 2000)], late=True)
    recorder.write(Table.QUOTES, [trade(1, 7)])
    recorder.write(Table.MD, [trade(1, 8)], of=1)
    # Two that overlap from 2 s to 5 s, and one that ends after the last row.
    recorder.miss(hole(2000, 4000), hole(3000, 5000), hole(8500, DAY_MS - 1))
    catalog = tick_logger.open(recorder.folder).catalog()
    assert catalog.columns == (
        *("exchange", "symbol", "table", "day", "rows", "late", "holes", "seconds", "proof"),
        "condition",
    )
    assert catalog.numpy("day").dtype == "datetime64[D]"
    found = catalog.polars().rows()
    first, second = datetime.date(2024, 2, 1), datetime.date(2024, 2, 2)
    assert sorted(found) == [
        ("other", "XBT/USD", "ticker", first, 1, 0, 0, 0.0, "unprovable", "pending"),
        ("venue", "BTC-USD", "quotes", first, 1, 0, 0, 0.0, "unprovable", "available"),
        ("venue", "BTC-USD", "trades", first, 3, 1, 3, 4.5, "proven", "degraded"),
        ("venue", "BTC-USD", "trades", second, 2, 0, 0, 1.0, "proven", "pending"),
    ]
    assert catalog.pandas()["rows"].sum() == 7
    assert catalog.arrow()["day"].to_pylist()[0] == first


def test_it_can_be_asked_for_less(recorder: Recorder) -> None:
    """By symbols, days and tables, in the words that people have for them."""
    recorder.write(Table.TRADES, [trade(1, 1), trade(2, DAY_MS)])
    recorder.write(Table.BOOK, [trade(1, 1)])
    recorder.write(Table.TRADES, [trade(1, 1)], of=1)
    rec = tick_logger.open(recorder.folder)
    assert len(rec.catalog()) == 4
    assert len(rec.catalog(BTC)) == 3
    assert len(rec.catalog(BTC, "2024-02-01")) == 2
    assert rec.catalog(tables=["orderbook"]).numpy("table").tolist() == ["book"]
    assert len(rec.catalog(tables=["TRADES"])) == 3
    with pytest.raises(ValueError, match=r"no table 'trads', but .* did you mean trades"):
        rec.catalog(tables=["trads"])
    with pytest.raises(LookupError):
        rec.catalog("venue:NONE")


def test_days_whose_time_column_is_empty_are_none(recorder: Recorder) -> None:
    """An empty file is no day."""
    recorder.write(Table.TRADES, [trade(1, 1)])
    folder = recorder.folder / "venue/BTC-USD/TRADES"
    (folder / "trade_time.02.02.24.bin").write_bytes(b"")
    rec = tick_logger.open(recorder.folder)
    assert rec.catalog().numpy("day").tolist() == [datetime.date(2024, 2, 1)]
    assert rec.condition(BTC, "2024-02-02") == "missing"


@pytest.mark.parametrize(
    ("now_ns", "said"),
    [
        (MIDNIGHT_NS + 24 * HOUR_NS, "pending"),
        (MIDNIGHT_NS + 25 * HOUR_NS - 1, "pending"),
        (MIDNIGHT_NS + 25 * HOUR_NS, "available"),
        (None, "pending"),
    ],
)
def test_a_day_is_pending_while_it_may_grow(
    recorder: Recorder, now_ns: int | None, said: str
) -> None:
    """Until an hour after its end; where nobody says how late it is, until the next one."""
    recorder.write(Table.TRADES, [trade(1, 5)])
    rec = tick_logger.open(recorder.folder)
    assert rec.condition(BTC, "2024-02-01", now=now_ns) == said
    assert rec.catalog(now=now_ns).numpy("condition").tolist() == [said]
    recorder.write(Table.QUOTES, [trade(1, DAY_MS)])
    assert rec.condition(BTC, "2024-02-01") == "available"


def test_any_hole_degrades_the_days_it_touches(recorder: Recorder) -> None:
    """An open one all later days too; a hole of one table the symbol, and not the other tables."""
    recorder.write(Table.TRADES, [trade(n, n * DAY_MS) for n in range(3)])
    recorder.write(Table.QUOTES, [trade(n, n * DAY_MS) for n in range(4)])
    recorder.miss(hole(DAY_MS + 1, None))
    rec = tick_logger.open(recorder.folder)
    days = ("2024-02-01", "2024-02-02", "2024-02-03", "2024-02-05")
    assert [rec.condition(BTC, day) for day in days] == [
        *("available", "degraded", "degraded", "missing"),
    ]
    trades = rec.catalog(tables=["trades"]).numpy("condition").tolist()
    assert trades == ["available", "degraded", "degraded"]
    quotes = rec.catalog(tables=["quotes"]).numpy("condition").tolist()
    assert quotes == [*("available",) * 3, "pending"]


def test_a_healed_hole_degrades_nothing(recorder: Recorder) -> None:
    """Its ids came later."""
    recorder.write(Table.TRADES, [trade(1, 5), trade(2, DAY_MS)])
    ns = MIDNIGHT_NS + 5 * MS
    missed = GapRecord(0, Table.TRADES, 2, 3, ns, ns + 9, Cause.DISCONNECT)
    recorder.miss(missed)
    rec = tick_logger.open(recorder.folder)
    assert rec.condition(BTC, "2024-02-01") == "degraded"
    recorder.miss(GapRecord(0, Table.TRADES, 2, 3, ns, ns + 9, Cause.DISCONNECT, healed="rest"))
    assert rec.condition(BTC, "2024-02-01") == "available"
    assert np.all(rec.catalog().numpy("holes") == 0)
