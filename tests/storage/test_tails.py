"""What a new process learns of a stream that is on disk already."""

from __future__ import annotations

import pytest

from tests.fakes.memory_files import MemoryFiles
from tests.storage.sample import DAY, MIDNIGHT_NS, SECOND, flush, instruments, numbered, run
from tests.storage.stored import put
from tick_logger.model.flush import IdRun, StreamTail
from tick_logger.model.schemas import Schemas
from tick_logger.model.tables import ORIGIN_ASIDE, Table
from tick_logger.model.times import NS_PER_DAY
from tick_logger.storage import tails
from tick_logger.storage.store import Store
from tick_logger.storage.tails import load_tail


def recorded(
    files: MemoryFiles, *days: tuple[int, int, int, bool], price_dtype: str = "f4"
) -> None:
    """Trades of days: (day, first id, last id, late)."""
    store = Store(files, instruments(), Schemas.first(price_dtype))
    for day, first, last, late in days:
        rows = numbered(first, last, day=day)
        put(store, flush(run(Table.TRADES, rows, day=day, late=late)))


def ids(first: int, last: int, day: int = DAY) -> IdRun:
    """A run of ids as `recorded` writes them."""
    start = MIDNIGHT_NS + (day - DAY) * NS_PER_DAY
    events = [start + number * SECOND for number in (first, last)]
    return IdRun(first, last, *events, *(event + 9 for event in events))


def ranges(tail: StreamTail) -> tuple[tuple[int, int], ...]:
    """The ids of its runs."""
    return tuple((run.first, run.last) for run in tail.id_runs)


def trades_tail(files: MemoryFiles) -> StreamTail | None:
    return load_tail(files, "venue", "BTC-USD", Table.TRADES)


@pytest.mark.parametrize("table", Table)
def test_unknown_stream_has_no_tail(table: Table) -> None:
    """Nothing on disk, nothing to continue."""
    assert load_tail(MemoryFiles(), "venue", "BTC-USD", table) is None


@pytest.mark.parametrize("price_dtype", ["f4", "f8"])
def test_tail_of_trades(price_dtype: str) -> None:
    """The last row of the newest day, and the ids of two days as ranges."""
    files = MemoryFiles()
    days = [(DAY, 1, 3, False), (DAY, 5, 6, False), (DAY + 1, 8, 9, False)]
    recorded(files, *days, price_dtype=price_dtype)
    assert trades_tail(files) == StreamTail(
        last_event_ns=MIDNIGHT_NS + NS_PER_DAY + 9 * SECOND,
        last_seq=9,
        last_recv_ns=MIDNIGHT_NS + NS_PER_DAY + 9 * SECOND + 9,
        id_runs=(ids(1, 3), ids(5, 6), ids(8, 9, DAY + 1)),
        recent_ids=(8, 9),
        recent_event_ns=tuple(MIDNIGHT_NS + NS_PER_DAY + at * SECOND for at in (8, 9)),
    )


def test_ids_of_late_rows_count() -> None:
    """A late row is on disk; it is never the last one."""
    files = MemoryFiles()
    recorded(files, (DAY, 1, 3, False), (DAY, 7, 7, False), (DAY, 4, 5, True))
    tail = trades_tail(files)
    assert tail is not None
    assert tail.last_seq == 7
    assert ranges(tail) == ((1, 5), (7, 7))


def test_only_late_rows_make_no_tail() -> None:
    """The main files decide where a stream continues."""
    files = MemoryFiles()
    recorded(files, (DAY, 4, 5, True))
    assert trades_tail(files) is None


def test_ids_of_the_two_newest_days() -> None:
    """Days without rows of the stream do not count, older days are left alone."""
    files = MemoryFiles()
    recorded(files, (DAY, 1, 2, False), (DAY + 3, 3, 4, True), (DAY + 9, 5, 6, False))
    tail = trades_tail(files)
    assert tail is not None
    assert ranges(tail) == ((3, 6),)


def test_runs_are_in_the_order_of_their_times() -> None:
    """So that the last one is of the present numbering, however large the ids before it."""
    files = MemoryFiles()
    recorded(files, (DAY, 50, 52, False), (DAY + 1, 1, 3, False), (DAY, 54, 54, True))
    tail = trades_tail(files)
    assert tail is not None
    assert tail.id_runs == (ids(50, 52), ids(54, 54), ids(1, 3, DAY + 1))


def test_a_time_that_cannot_be_right_does_not_make_a_row_the_last() -> None:
    """It lies in the day of its receipt, and has its place there."""
    files = MemoryFiles()
    recorded(files, (DAY, 1, 2, False), (DAY, 5, 5, True), (DAY, 7, 8, False))
    late = "venue/BTC-USD/late/TRADES/{}.01.02.24.bin"
    files.contents[late.format("origin")] = bytearray([ORIGIN_ASIDE])
    files.contents[late.format("trade_time")][:] = (2**32 - 1).to_bytes(4, "little")
    tail = trades_tail(files)
    assert tail is not None
    assert ranges(tail) == ((1, 2), (5, 5), (7, 8))


def test_rows_without_an_id_are_in_no_range() -> None:
    """Zero stands for no id."""
    files = MemoryFiles()
    recorded(files, (DAY, 0, 0, False), (DAY, 2, 2, False))
    tail = trades_tail(files)
    assert tail is not None
    assert ranges(tail) == ((2, 2),)


def test_newest_ranges_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sparse ids do not grow without bound."""
    monkeypatch.setattr(tails, "MAX_ID_RUNS", 2)
    files = MemoryFiles()
    recorded(files, *((DAY, first, first, False) for first in (1, 3, 5, 7)))
    tail = trades_tail(files)
    assert tail is not None
    assert ranges(tail) == ((5, 5), (7, 7))


@pytest.mark.parametrize("price_dtype", ["f4", "f8"])
@pytest.mark.parametrize("column", ["trade_price", "trade_id", "trade_time"])
def test_only_complete_rows_count(column: str, price_dtype: str) -> None:
    """The tail is what remains after the store has cut the columns to whole rows."""
    files = MemoryFiles()
    recorded(files, (DAY, 1, 3, False), price_dtype=price_dtype)
    del files.contents[f"venue/BTC-USD/TRADES/{column}.01.02.24.bin"][-1:]
    tail = trades_tail(files)
    assert tail is not None
    assert (tail.last_seq, ranges(tail)) == (2, ((1, 2),))


def test_day_without_a_complete_row_is_passed_over() -> None:
    """Then the day before has the last row."""
    files = MemoryFiles()
    recorded(files, (DAY, 1, 3, False), (DAY + 1, 4, 4, False))
    files.contents["venue/BTC-USD/TRADES/trade_time.02.02.24.bin"].clear()
    tail = trades_tail(files)
    assert tail is not None
    assert (tail.last_seq, ranges(tail)) == (3, ((1, 3),))


@pytest.mark.parametrize(
    ("table", "last_seq"), [(Table.MD, 0), (Table.QUOTES, 12), (Table.BOOK, 12)]
)
def test_other_tables(table: Table, last_seq: int) -> None:
    """Update ids are continued where there are any; ranges are for trades only."""
    files = MemoryFiles()
    put(Store(files, instruments(), Schemas.first("f4")), flush(run(table, numbered(11, 12))))
    assert load_tail(files, "venue", "BTC-USD", table) == StreamTail(
        last_event_ns=MIDNIGHT_NS + 12 * SECOND,
        last_seq=last_seq,
        last_recv_ns=MIDNIGHT_NS + 12 * SECOND + 9,
    )


def test_strange_files_are_passed_over() -> None:
    """Only column files are looked at."""
    files = MemoryFiles()
    recorded(files, (DAY, 1, 3, False))
    files.append("venue/BTC-USD/TRADES/notes.txt", b"x")
    files.append("venue/BTC-USD/TRADES/trade_time.99.99.24.bin", b"1234")
    tail = trades_tail(files)
    assert tail is not None
    assert tail.last_seq == 3
