"""`book` and `books`: any moment of any recording is what applying its rows one by one gives."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import tick_logger
from tests.reader.book_rows import ASK, BID, DAY_MS, MS, at, row, snapshot
from tests.reader.recorded import Recorder, aside
from tests.storage.sample import DAY, NAN
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import Table
from tick_logger.reader import books
from tick_logger.reader.recording import Recording

BTC = "venue:BTC-USD"

FIRST = snapshot(10, (BID, 99, 1), (BID, 98, 2), (ASK, 101, 3), (ASK, 102, 4))


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path / "data")


def open_books(recorder: Recorder) -> Recording:
    return tick_logger.open(recorder.folder)


def test_a_book_is_its_snapshot_and_what_changed_since(recorder: Recorder) -> None:
    """Best first, float64, frozen; a size of 0 deletes; rows at the moment itself count."""
    recorder.write(Table.BOOK, [*FIRST, row(20, BID, 99, 0), row(30, ASK, 100.5, 0.125)])
    rec = open_books(recorder)
    book = rec.book(BTC, at(20))
    assert book.bids.tolist() == [[98, 2]]
    assert book.asks.tolist() == [[101, 3], [102, 4]]
    assert (book.broken, book.cause) == (False, "")
    assert book.as_of == np.datetime64(at(20), "ns")
    assert rec.book(BTC, at(20) - 1).best == (99, 1, 101, 3)
    last = rec.book(BTC, at(99), depth=1)
    assert last.asks.tolist() == [[100.5, 0.125]]
    assert last.levels == (1, 3)
    with pytest.raises(ValueError, match="read-only"):
        last.asks[0, 0] = 1
    assert repr(rec.book(BTC, at(15))) == (
        "venue:BTC-USD book at 2024-02-01T00:00:00.015000000Z, "
        "as of 2024-02-01T00:00:00.010000000Z: 2 bids, 2 asks\n"
        "bid size  bid  ask  ask size\n"
        "       1   99  101         3\n"
        "       2   98  102         4"
    )


def test_before_its_first_snapshot_there_is_no_book(recorder: Recorder) -> None:
    """Updates before it cannot be used; of another table's rows there is none either."""
    recorder.write(Table.BOOK, [row(5, BID, 99, 1), *FIRST])
    rec = open_books(recorder)
    book = rec.book(BTC, at(9))
    assert (book.broken, book.cause, book.levels) == (True, "no snapshot", (0, 0))
    assert np.isnat(book.as_of)
    assert all(map(math.isnan, book.best))
    assert "no snapshot" in repr(book)
    assert rec.book(BTC, at(10)).best == (99, 1, 101, 3)
    recorder.write(Table.TRADES, [{"event_ns": at(5)}], of=1)
    assert rec.book("other:XBT/USD", at(9)).cause == "no snapshot"


def test_a_snapshot_replaces_the_book_and_may_be_empty(recorder: Recorder) -> None:
    """Each run of flagged rows with one id and receive time is one."""
    empty = snapshot(30, (BID, NAN, 0), (ASK, NAN, 0), seq=7)
    one_sided = snapshot(40, (BID, 5, 1), (ASK, NAN, 0), seq=7)
    recorder.write(Table.BOOK, [*FIRST, *snapshot(20, (BID, 90, 9)), *empty, *one_sided])
    rec = open_books(recorder)
    assert rec.book(BTC, at(20)).bids.tolist() == [[90, 9]]
    assert rec.book(BTC, at(20)).asks.tolist() == []
    empty_book = rec.book(BTC, at(30))
    assert (empty_book.levels, empty_book.broken) == ((0, 0), False)
    assert rec.book(BTC, at(40)).bids.tolist() == [[5, 1]]
    assert math.isnan(rec.book(BTC, at(40)).best.ask)


def test_a_hole_breaks_a_book_by_its_own_clock(recorder: Recorder) -> None:
    """Holes are in receive times; here a venue's clock is 50 ms behind."""
    rows = [*FIRST, row(20, BID, 97, 1), row(100, BID, 96, 1)]
    rows = [{**each, "recv_ns": each["event_ns"] + 50 * MS} for each in rows]
    recorder.write(Table.BOOK, rows)
    recorder.miss(
        GapRecord(0, Table.BOOK, None, None, at(80), at(120), Cause.DISCONNECT),
        GapRecord(0, Table.BOOK, None, None, at(110), at(130), Cause.RESYNC),
        GapRecord(0, Table.QUOTES, None, None, at(0), None, Cause.SILENT),
        GapRecord(0, Table.BOOK, None, None, at(500), None, Cause.SILENT),
    )
    rec = open_books(recorder)
    causes = {29: "", 30: "disconnect", 69: "disconnect", 70: "resync", 79: "resync", 80: "",
              449: "", 450: "silent", 10**6: "silent"}  # fmt: skip
    assert {ms: rec.book(BTC, at(ms)).cause for ms in causes} == causes
    table = rec.books(BTC, at(0), at(600), every="1ms", depth=1).numpy()
    found = dict(enumerate(table["cause"].tolist()))
    assert {ms: found[ms] for ms in causes if ms < 600} == {
        k: v for k, v in causes.items() if k < 600
    }
    assert found[9] == "no snapshot"
    assert table["broken"].tolist() == [bool(each) for each in found.values()]


def test_a_book_goes_on_over_days_without_rows(recorder: Recorder) -> None:
    """Back to the newest snapshot, wherever it is; across an end of a year as well."""
    far = [row(day * DAY_MS + 5, BID, 50 + day, 1) for day in (1, 2, 40, 400)]
    recorder.write(Table.BOOK, [*FIRST, *far])
    rec = open_books(recorder)
    assert rec.book(BTC, at(500 * DAY_MS)).levels == (6, 2)
    assert rec.book(BTC, at(39 * DAY_MS)).levels == (4, 2)
    assert rec.book(BTC, at(40 * DAY_MS + 5)).bids[2].tolist() == [90, 1]
    assert rec.book(BTC, at(40 * DAY_MS + 4)).levels == (4, 2)
    table = rec.books(BTC, at(0), at(401 * DAY_MS), every="1d", depth=6).numpy()
    bids = [
        int(np.isfinite([table[f"bid_{n}"][day] for n in range(6)]).sum())
        for day in (0, 1, 2, 3, 40, 41, 400)
    ]
    assert bids == [0, 2, 3, 4, 4, 5, 5]


def test_late_rows_of_yesterday_are_noticed(recorder: Recorder) -> None:
    """The book of today is made anew if the day before it got rows."""
    recorder.write(Table.BOOK, [*FIRST, row(DAY_MS + 5, BID, 97, 1)])
    rec = open_books(recorder)
    assert rec.book(BTC, at(DAY_MS + 9)).levels == (3, 2)
    recorder.write(Table.BOOK, [row(DAY_MS - 5, BID, 96, 1)], late=True)
    assert rec.book(BTC, at(DAY_MS + 9)).levels == (4, 2)
    recorder.write(Table.BOOK, snapshot(DAY_MS - 4, (BID, 1, 1)), late=True)
    assert rec.book(BTC, at(DAY_MS + 9)).bids.tolist() == [[97, 1], [1, 1]]


def test_what_is_aside_is_never_applied(recorder: Recorder) -> None:
    """Its time cannot be right."""
    recorder.write(Table.BOOK, FIRST)
    aside(recorder, Table.BOOK, [row(11, BID, 97, 1)], DAY)
    assert open_books(recorder).book(BTC, at(50)).levels == (2, 2)


def test_a_book_is_one_symbols(recorder: Recorder) -> None:
    """A name of several is an error that names them; so is a depth of nothing."""
    recorder.write(Table.BOOK, FIRST)
    recorder.write(Table.BOOK, FIRST, of=1)
    rec = open_books(recorder)
    with pytest.raises(ValueError, match="other:XBT/USD"):
        rec.book("*:*", at(50))
    with pytest.raises(LookupError):
        rec.book("venue:ETH-USD", at(50))
    with pytest.raises(ValueError, match="depth 0"):
        rec.book(BTC, at(50), depth=0)
    with pytest.raises(ValueError, match="depth 0"):
        rec.books(BTC, at(50), at(51), depth=0)
    with pytest.raises(ValueError, match="too many"):
        rec.books(BTC, at(50), at(10 * DAY_MS), every="1us")
    with pytest.raises(ValueError, match="no period"):
        rec.books(BTC, at(50), at(51), every="soon")


def test_books_as_frames(recorder: Recorder) -> None:
    """Every column has a dtype that each library knows; what there is not is null or NaN."""
    recorder.write(Table.BOOK, FIRST)
    rows = open_books(recorder).books(BTC, at(0), at(40), every="10ms", depth=2)
    assert rows.columns == (
        "ts", "as_of", "broken", "cause", "bid_0", "bid_size_0", "bid_1", "bid_size_1",
        "ask_0", "ask_size_0", "ask_1", "ask_size_1",
    )  # fmt: skip
    assert len(rows) == 4
    assert repr(rows).startswith("venue:BTC-USD books each 10ms 2024-02-01T00:00:00Z to ")
    frame = rows.polars()
    assert frame["as_of"].null_count() == 1
    assert frame["cause"].to_list() == ["no snapshot", "", "", ""]
    assert frame["bid_0"].to_list()[1:] == [99.0] * 3
    assert rows.arrow()["as_of"].null_count == 1
    assert rows.pandas()["as_of"].isna().tolist() == [True, False, False, False]
    assert rows.pandas()["as_of"].dt.tz is not None
    assert len(rows.duckdb().fetchall()) == 4
    assert len(open_books(recorder).books(BTC, at(0), at(0))) == 0


def test_days_that_are_kept_are_bounded(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that were not used for longest are forgotten, and looked at anew."""
    monkeypatch.setattr(books, "MOST_BYTES", 200)
    rows = [each for day in range(9) for each in snapshot(day * DAY_MS + 1, (BID, 9, day + 1))]
    recorder.write(Table.BOOK, rows)
    rec = open_books(recorder)
    for day in (0, 1, 2, 3, 8, 0, 4):
        assert rec.book(BTC, at(day * DAY_MS + 2)).bids.tolist() == [[9, day + 1]]
    assert len(rec._books._days) < 9
    assert rec.book(BTC, at(0)).cause == "no snapshot"
