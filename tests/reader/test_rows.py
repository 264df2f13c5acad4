"""What `tick_logger.open` gives of rows: in order, late ones merged, exact, with their holes."""

from __future__ import annotations

import datetime
import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tick_logger
from tests.reader.recorded import Recorder, aside
from tests.storage.sample import DAY, MIDNIGHT_NS, SECOND
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import Table

MS = 10**6
BTC = "venue:BTC-USD"
EXACT = [84106.09, 1234567.89, 0.00001234, 123456789.12, 1e-8, 123456789012345.6]


def trade(seq: int, ms: int, **fields: object) -> dict[str, Any]:
    """A trade some ms after midnight, received a ms later."""
    at = MIDNIGHT_NS + ms * MS
    return {"seq": seq, "event_ns": at, "recv_ns": at + MS, **fields}


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path / "data")


def test_columns_have_public_names_and_dtypes(recorder: Recorder) -> None:
    """Times in ns, ids signed, sides as signs, prices as they were sent."""
    rows = [trade(7, 5, price=84106.09, side=1), trade(8, 6, price=1e-8, side=0)]
    recorder.write(Table.TRADES, [*rows, trade(9, 7, side=2)])
    found = tick_logger.open(recorder.folder).trades(BTC, "2024-02-01").numpy()
    assert list(found) == ["ts", "recv_ts", "id", "price", "size", "side", "origin"]
    assert found["ts"].dtype == found["recv_ts"].dtype == "datetime64[ns]"
    assert found["ts"].astype(np.int64).tolist() == [MIDNIGHT_NS + n * MS for n in (5, 6, 7)]
    assert found["recv_ts"].astype(np.int64).tolist() == [MIDNIGHT_NS + n * MS for n in (6, 7, 8)]
    assert found["id"].dtype == np.dtype(np.int64)
    assert found["id"].tolist() == [7, 8, 9]
    assert found["price"].tolist() == [84106.09, 1e-8, 100.5]
    assert found["side"].dtype == np.dtype(np.int8)
    assert found["side"].tolist() == [1, -1, 0]
    assert found["origin"].tolist() == [0, 0, 0]


@pytest.mark.parametrize("price_dtype", ["f4", "f4+rest", "f8"])
def test_every_width_is_read(tmp_path: Path, price_dtype: str) -> None:
    """Exact but for f4, which gives the nearest f4."""
    recorder = Recorder(tmp_path, price_dtype)
    recorder.write(Table.TRADES, [trade(n, n, price=price) for n, price in enumerate(EXACT)])
    found = tick_logger.open(tmp_path).trades(BTC, "2024-02-01").numpy("price").tolist()
    f4 = [float(np.float32(price)) for price in EXACT]
    assert found == (f4 if price_dtype == "f4" else EXACT)


def test_late_rows_are_merged_by_time_and_id(recorder: Recorder) -> None:
    """Behind earlier times; among equal times before the first greater id; stable."""
    recorder.write(Table.TRADES, [trade(1, 10), trade(5, 20), trade(9, 20), trade(10, 30)])
    recorder.write(Table.TRADES, [trade(11, 31), trade(7, 20), trade(2, 11)], late=True)
    recorder.write(Table.TRADES, [trade(3, 11)], late=True, origin=2)
    rec = tick_logger.open(recorder.folder)
    found = rec.trades(BTC, "2024-02-01").numpy()
    assert found["id"].tolist() == [1, 2, 3, 5, 7, 9, 10, 11]
    assert found["origin"].tolist() == [0, 1, 2, 0, 1, 0, 0, 1]
    assert rec.trades(BTC, "2024-02-01", late="drop").numpy("id").tolist() == [1, 5, 9, 10]
    assert rec.trades(BTC, "2024-02-01", late="only").numpy("id").tolist() == [2, 3, 7, 11]


def test_what_is_aside_is_read_only_when_asked_for(recorder: Recorder) -> None:
    """It lies in the day of its receipt, and has its time as sent."""
    recorder.write(Table.TRADES, [trade(1, 10)])
    far = trade(2, 10 + 86_400_000, recv_ns=MIDNIGHT_NS + 11 * MS)
    aside(recorder, Table.TRADES, [far], DAY)
    rec = tick_logger.open(recorder.folder)
    assert rec.trades(BTC, 0).numpy("id").tolist() == [1]
    only = rec.trades(BTC, "2024-02-02", late="only").numpy()
    assert (only["id"].tolist(), only["origin"].tolist()) == ([2], [3])
    assert rec.trades(BTC, "2024-02-01", late="only", by="received").numpy("id").tolist() == [2]


def test_ranges_are_half_open_and_cross_midnight(recorder: Recorder) -> None:
    """By ISO text, by datetimes and by ns."""
    day = 86_400_000
    recorder.write(Table.TRADES, [trade(1, day - 1), trade(2, day), trade(3, day + 1)])
    rec = tick_logger.open(recorder.folder)
    for start, end, ids in (
        ("2024-02-01", None, [1]),
        ("2024-02-01", "2024-02-03", [1, 2, 3]),
        ("2024-02-01T23:59:59.999Z", "2024-02-02T00:00:00.001Z", [1, 2]),
        ("2024-02-02T01:00:00+01:00", None, [2, 3]),
        (MIDNIGHT_NS + day * MS, MIDNIGHT_NS + day * MS + 1, [2]),
        (datetime.date(2024, 2, 2), None, [2, 3]),
        (datetime.datetime(2024, 2, 2, tzinfo=datetime.UTC), None, [2, 3]),
        ("2024-03-01", None, []),
    ):
        assert rec.trades(BTC, start, end).numpy("id").tolist() == ids, (start, end)


def test_by_received_sorts_and_cuts_by_receipt(recorder: Recorder) -> None:
    """Rows of other days' files are found, late ones among them."""
    day = 86_400_000
    early = trade(1, day - 5, recv_ns=MIDNIGHT_NS + (day + 7) * MS)
    recorder.write(Table.TRADES, [early, trade(2, day + 1), trade(3, day + 9)])
    recorder.write(Table.TRADES, [trade(4, 5, recv_ns=MIDNIGHT_NS + (day + 8) * MS)], late=True)
    rec = tick_logger.open(recorder.folder)
    found = rec.trades(BTC, "2024-02-02", by="received").numpy()
    assert found["id"].tolist() == [2, 1, 4, 3]
    assert found["origin"].tolist() == [0, 0, 1, 0]
    assert rec.trades(BTC, "2024-02-01", by="received").numpy("id").tolist() == []


def test_several_symbols_say_which_is_which(recorder: Recorder) -> None:
    """Rows of a symbol together, by pattern or by a list; frames have words."""
    recorder.write(Table.TRADES, [trade(1, 3), trade(2, 5)])
    recorder.write(Table.TRADES, [trade(1, 4, side=0)], of=1)
    rows = tick_logger.open(recorder.folder).trades(["other:*", BTC], "2024-02-01")
    frame = rows.polars()
    assert frame["symbol"].to_list() == ["XBT/USD", "BTC-USD", "BTC-USD"]
    assert frame["exchange"].to_list() == ["other", "venue", "venue"]
    assert frame["side"].to_list() == ["sell", "buy", "buy"]
    assert rows.numpy("exchange").tolist() == ["other", "venue", "venue"]
    assert rows.pandas()["symbol"].tolist() == ["XBT/USD", "BTC-USD", "BTC-USD"]
    assert rows.arrow()["symbol"].to_pylist() == ["XBT/USD", "BTC-USD", "BTC-USD"]


def test_holes_come_with_the_rows(recorder: Recorder) -> None:
    """An open hole counts, a healed part does not; completeness needs rows on both sides."""
    recorder.write(Table.TRADES, [trade(1, 10), trade(4, 20), trade(9, 30)])
    recorder.miss(GapRecord(0, Table.QUOTES, None, None, 1, MIDNIGHT_NS, Cause.CRASH))
    rec = tick_logger.open(recorder.folder)
    inside = rec.trades(BTC, MIDNIGHT_NS + 15 * MS, MIDNIGHT_NS + 25 * MS)
    assert (inside.gaps, inside.proof, inside.complete) == ((), "proven", True)
    assert inside.require() is inside
    day = rec.trades(BTC, "2024-02-01")
    assert day.complete is None
    with pytest.raises(tick_logger.IncompleteError, match="both sides"):
        day.require()
    begin = MIDNIGHT_NS + 10 * MS
    recorder.miss(
        GapRecord(0, Table.TRADES, 2, 3, begin, begin + 10 * MS, Cause.SEQUENCE),
        GapRecord(0, Table.TRADES, 2, 2, begin, begin, Cause.SEQUENCE, "stream"),
        GapRecord(0, Table.BOOK, None, None, begin, None, Cause.SILENT),
    )
    gaps = rec.trades(BTC, "2024-02-01").gaps
    assert [(gap.from_id, gap.to_id, gap.cause) for gap in gaps] == [(3, 3, "sequence")]
    books = rec.book_updates(BTC, "2024-02-01")
    assert [gap.is_open for gap in books.gaps] == [True]
    assert books.complete is False
    with pytest.raises(tick_logger.IncompleteError, match="sequence"):
        rec.trades(BTC, "2024-02-01").require()
    assert [gap.table for gap in rec.gaps()] == ["quotes", "trades", "book"]


def test_rows_stay_what_they_were_at_the_first_look(recorder: Recorder) -> None:
    """A recorder appends meanwhile; a new question sees the new rows."""
    recorder.write(Table.TRADES, [trade(1, 10)])
    rec = tick_logger.open(recorder.folder)
    rows = rec.trades(BTC, "2024-02-01")
    assert len(rows) == 1
    recorder.write(Table.TRADES, [trade(2, 20)])
    assert rows.numpy("id").tolist() == [1]
    assert rec.trades(BTC, "2024-02-01").numpy("id").tolist() == [1, 2]


@given(
    main=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)), max_size=12),
    late=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)), max_size=6),
    edges=st.tuples(st.integers(0, 7), st.integers(0, 7)),
    chunk=st.integers(1, 5),
)
def test_any_range_of_any_mixture_in_any_pieces(
    tmp_path_factory: pytest.TempPathFactory,
    main: list[tuple[int, int]],
    late: list[tuple[int, int]],
    edges: tuple[int, int],
    chunk: int,
) -> None:
    """Main rows keep their order, late ones are put in by (time, id); pieces are the whole."""
    recorder = Recorder(tmp_path_factory.mktemp("any"))
    ordered = sorted(main, key=lambda row: row[0])
    recorder.write(Table.TRADES, [trade(seq, ms) for ms, seq in ordered] or [trade(1, 50)])
    recorder.write(Table.TRADES, [trade(seq, ms) for ms, seq in late], late=True)
    begin, end = sorted(edges)
    expected = [row for row in ordered if begin <= row[0] < end]
    for ms, seq in sorted(row for row in late if begin <= row[0] < end):
        before = [
            n for n, row in enumerate(expected) if row[0] > ms or (row[0] == ms and row[1] > seq)
        ]
        expected.insert(before[0] if before else len(expected), (ms, seq))
    rows = tick_logger.open(recorder.folder).trades(
        BTC, MIDNIGHT_NS + begin * MS, MIDNIGHT_NS + end * MS, columns=["id", "ts"]
    )
    pieces = [piece.numpy() for piece in rows.chunks(chunk)]
    for found in ([rows.numpy()], pieces):
        ids = itertools.chain.from_iterable(piece["id"].tolist() for piece in found)
        times = itertools.chain.from_iterable(piece["ts"].astype(int).tolist() for piece in found)
        assert [
            ((at - MIDNIGHT_NS) // MS, seq) for at, seq in zip(times, ids, strict=True)
        ] == expected


def test_absent_values_are_nan_and_null(recorder: Recorder) -> None:
    """A ticker without a last trade."""
    recorder.write(Table.MD, [trade(0, 5, price=math.nan, volume=math.nan, side=2)])
    rows = tick_logger.open(recorder.folder).ticker(BTC, "2024-02-01")
    assert math.isnan(rows.numpy("price")[0])
    assert rows.polars()["side"].to_list() == [None]
    assert rows.arrow()["side"].to_pylist() == [None]
    assert rows.pandas()["side"].isna().tolist() == [True]


def test_what_makes_no_sense_is_said(recorder: Recorder) -> None:
    """In words that name what there is."""
    recorder.write(Table.TRADES, [trade(1, 10)])
    rec = tick_logger.open(recorder.folder)
    with pytest.raises(LookupError, match="near are: venue:BTC-USD"):
        rec.trades("venue:BTC-USDT", "2024-02-01")
    with pytest.raises(LookupError, match="there are: venue"):
        rec.trades("vnue:BTC-USD", "2024-02-01")
    with pytest.raises(ValueError, match="no column 'prize'"):
        rec.trades(BTC, "2024-02-01", columns=["prize"])
    with pytest.raises(ValueError, match="time zone"):
        rec.trades(BTC, datetime.datetime(2024, 2, 1))  # noqa: DTZ001
    with pytest.raises(ValueError, match="1970"):
        rec.trades(BTC, MIDNIGHT_NS // SECOND)
    with pytest.raises(ValueError, match="before it begins"):
        rec.trades(BTC, "2024-02-02", "2024-02-01")
    with pytest.raises(tick_logger.NotRecordedError, match="no directory"):
        tick_logger.open(recorder.folder / "nowhere")
