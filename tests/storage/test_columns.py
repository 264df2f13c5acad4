"""Column files: their bytes, and that they stay equal whatever fails."""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterator

import pytest

from tests.fakes.memory_files import MemoryFiles
from tests.storage.sample import DAY, MIDNIGHT_NS, NAN, SECOND, flush, numbered, run
from tests.storage.stored import (
    MD,
    MD_WIDTHS,
    TRADES,
    TRADES_WIDTHS,
    column,
    rows_of_each_day,
    store,
)
from tick_logger.model.flush import Flush
from tick_logger.model.tables import SPECS, Table
from tick_logger.storage import columns
from tick_logger.storage.columns import AppendError, ColumnStore, Repair, Written


def test_md_bytes() -> None:
    """Each column holds the plain little-endian records that the format promises."""
    files = MemoryFiles()
    rows = [
        {"event_ns": MIDNIGHT_NS + 7, "recv_ns": MIDNIGHT_NS - 1, "price": 61234.56, "side": 0},
        {"event_ns": MIDNIGHT_NS + 3 * SECOND, "volume": NAN, "side": 2, "best_bid": 0.0},
    ]
    store(files).append(flush(run(Table.MD, rows)))
    seconds = MIDNIGHT_NS // SECOND
    expected = {
        "time": struct.pack("<II", seconds, seconds + 3),
        "nanos": struct.pack("<II", 7, 0),
        "price": struct.pack("<ff", 61234.56, 100.5),
        "volume": struct.pack("<ff", 0.25, NAN),
        "side": b"\x00\x00\x00\x00\x02\x00\x00\x00",
        "best_bid": struct.pack("<ff", 100.25, 0.0),
        "best_ask": struct.pack("<ff", 100.75, 100.75),
        "recv_time": struct.pack("<II", seconds - 1, seconds + 5),
        "recv_nanos": struct.pack("<II", 999_999_999, 17),
    }
    assert {path.split("/")[-1].split(".")[0] for path in files.contents} == set(expected)
    for name, data in expected.items():
        assert column(files, MD, name) == data, name


def test_trades_bytes() -> None:
    """Ids have eight bytes and order ids sixteen."""
    files = MemoryFiles()
    rows = [{"seq": 2**40 + 1, "maker": bytes(range(16)), "side": 1, "price": 0.1, "size": 1e-8}]
    store(files).append(flush(run(Table.TRADES, rows)))
    assert column(files, TRADES, "trade_id") == struct.pack("<Q", 2**40 + 1)
    assert column(files, TRADES, "maker_order_id") == bytes(range(16))
    assert column(files, TRADES, "taker_order_id") == b"t" * 16
    assert column(files, TRADES, "trade_price") == struct.pack("<f", 0.1)
    assert column(files, TRADES, "trade_size") == struct.pack("<f", 1e-8)
    assert column(files, TRADES, "trade_side") == b"\x01\x00\x00\x00"
    assert column(files, TRADES, "trade_time") == struct.pack("<I", MIDNIGHT_NS // SECOND + 4)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (
            Table.QUOTES,
            {
                "update_id": struct.pack("<Q", 9),
                "best_bid": struct.pack("<d", 0.1),
                "best_bid_size": struct.pack("<d", 2.0),
                "best_ask": struct.pack("<d", 100.75),
                "best_ask_size": struct.pack("<d", 3.0),
            },
        ),
        (
            Table.BOOK,
            {
                "update_id": struct.pack("<Q", 9),
                "side": struct.pack("<I", 1),
                "price": struct.pack("<d", 100.5),
                "size": struct.pack("<d", 0.25),
                "flags": struct.pack("<I", 1),
            },
        ),
    ],
)
def test_wide_prices(table: Table, expected: dict[str, bytes]) -> None:
    """With "f8" all prices and sizes are doubles, and nothing else changes."""
    files = MemoryFiles()
    row = {"seq": 9, "best_bid": 0.1, "flags": 1}
    store(files, "f8").append(flush(run(table, [row])))
    for name, data in expected.items():
        assert column(files, f"venue/BTC-USD/{table}", name) == data, name
    for name in ("time", "nanos", "recv_time", "recv_nanos"):
        assert len(column(files, f"venue/BTC-USD/{table}", name)) == 4


def test_price_too_large_for_four_bytes_is_infinite() -> None:
    """A price beyond all reason stops nothing."""
    files = MemoryFiles()
    store(files).append(flush(run(Table.MD, [{"price": 1e300}])))
    assert column(files, MD, "price") == struct.pack("<f", float("inf"))


def test_time_column_is_written_last() -> None:
    """Its length is what readers rely on."""
    for table, spec in SPECS.items():
        files = MemoryFiles()
        store(files).append(flush(run(table, [{}])))
        assert list(files.contents)[-1].split("/")[-1] == f"{spec.time_column}.01.02.24.bin"


def test_runs_go_to_their_own_files() -> None:
    """Symbols, tables, days and late rows are kept apart; the counts say what was written."""
    files = MemoryFiles()
    made = store(files).append(
        flush(
            run(Table.TRADES, numbered(1, 2)),
            run(Table.MD, [{}]),
            run(Table.TRADES, numbered(7, 9, instrument=2)),
            run(Table.TRADES, numbered(3, 3, day=DAY + 1), day=DAY + 1),
            run(Table.TRADES, []),
            run(Table.TRADES, numbered(5, 6), late=True),
        )
    )
    ids = {
        path: [number for (number,) in struct.iter_unpack("<Q", data)]
        for path, data in files.contents.items()
        if "/trade_id." in path
    }
    assert ids == {
        "venue/BTC-USD/TRADES/trade_id.01.02.24.bin": [1, 2],
        "venue/BTC-USD/TRADES/trade_id.02.02.24.bin": [3],
        "venue/BTC-USD/late/TRADES/trade_id.01.02.24.bin": [5, 6],
        "venue/A%2FB/TRADES/trade_id.01.02.24.bin": [7, 8, 9],
    }
    size = 8 * sum(TRADES_WIDTHS.values()) + sum(MD_WIDTHS.values())
    assert made == Written(rows=9, late_rows=2, bytes=size, files=4 * 10 + 9)


def test_flushes_follow_each_other() -> None:
    """Rows are appended, by one process or by the next."""
    files = MemoryFiles()
    first = store(files)
    first.append(flush(run(Table.TRADES, numbered(1, 2))))
    first.append(flush(run(Table.TRADES, numbered(3, 3))))
    second = store(files)
    second.append(flush(run(Table.TRADES, numbered(4, 4))))
    assert column(files, TRADES, "trade_id") == struct.pack("<4Q", 1, 2, 3, 4)
    assert first.repairs == second.repairs == []


def test_streams_beyond_the_bound_are_looked_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forgetting lengths costs time, not rows."""
    monkeypatch.setattr(columns, "MAX_KNOWN_DAYS", 1)
    files = MemoryFiles()
    made = store(files)
    for first in (1, 3):
        for instrument in (0, 1):
            rows = numbered(first, first + 1, instrument=instrument)
            made.append(flush(run(Table.TRADES, rows)))
    for symbol in ("BTC-USD", "ETH-USD"):
        assert column(files, f"venue/{symbol}/TRADES", "trade_id") == struct.pack("<4Q", 1, 2, 3, 4)


# -- failures --------------------------------------------------------------------------------------


def before() -> Flush:
    """What is on disk before something fails: two trades, one ticker."""
    return flush(run(Table.TRADES, numbered(1, 2)), run(Table.MD, numbered(1, 1)))


def during() -> Flush:
    """What fails: 3 + 2 trades, of which 2 of a new symbol, and 4 tickers."""
    return flush(
        run(Table.TRADES, numbered(3, 5)),
        run(Table.TRADES, numbered(1, 2, instrument=1)),
        run(Table.MD, numbered(2, 5)),
    )


def complete() -> dict[str, bytes]:
    """What the files hold if nothing fails."""
    files = MemoryFiles()
    made = store(files)
    made.append(before())
    made.append(during())
    return {path: bytes(content) for path, content in files.contents.items()}


def failing_at(operation: int) -> tuple[MemoryFiles, ColumnStore, AppendError | None]:
    files = MemoryFiles()
    made = store(files)
    made.append(before())
    files.fail_at = files.operations + operation
    try:
        made.append(during())
    except AppendError as error:
        return files, made, error
    return files, made, None


OPERATIONS = range(1, 80)
"""More than the flush needs: 29 appends, and 10 sizes for the new symbol."""


@pytest.mark.parametrize("operation", OPERATIONS)
def test_columns_stay_equal_whichever_operation_fails(operation: int) -> None:
    """After any failure all columns are equal, and hold a first part of what they should."""
    files, _, error = failing_at(operation)
    rows = sum(rows_of_each_day(files).values())
    assert all(complete()[path].startswith(content) for path, content in files.contents.items())
    if error is None:
        assert operation > 29 + 10
        assert rows == 3 + 9
    else:
        assert error.rows_saved == rows - 3
        assert error.rows_lost == 9 - error.rows_saved


@pytest.mark.parametrize("operation", range(1, 40))
def test_recording_can_go_on_after_a_failure(operation: int) -> None:
    """Whoever appends next, the same process or another, continues after the last good row."""
    for same_process in (True, False):
        files, made, error = failing_at(operation)
        assert error is not None
        had = rows_of_each_day(files)
        made = made if same_process else store(files)
        made.append(flush(run(Table.TRADES, numbered(9, 9)), run(Table.MD, numbered(9, 9))))
        now = rows_of_each_day(files)
        assert (now[TRADES], now[MD]) == (had[TRADES] + 1, had[MD] + 1)
        assert made.repairs == []


@pytest.mark.parametrize("operation", range(1, 40))
def test_a_disk_that_stays_dead_is_repaired_by_the_next_process(operation: int) -> None:
    """If nothing can be taken back, the error says so, and the next process does it."""
    files = MemoryFiles()
    made = store(files)
    made.append(before())
    files.fail_from = files.operations + operation
    with pytest.raises(AppendError) as caught:
        made.append(during())
    looked_up = 11 <= operation <= 20  # the sizes of the new symbol
    assert ("could not be cut back" in str(caught.value)) is not looked_up
    files.heal()
    after = store(files)
    after.append(
        flush(*(run(each.table, [{"instrument": each.instrument}]) for each in during().runs))
    )
    on_disk = sum(rows_of_each_day(files).values())
    # Rows whose every column was written before the end are rows, although the append failed.
    in_time = caught.value.path.endswith(("/time.01.02.24.bin", "/trade_time.01.02.24.bin"))
    assert 0 <= on_disk - (3 + caught.value.rows_saved + 3) <= (2 if in_time else 0)


def test_the_same_process_repairs_what_it_could_not_take_back() -> None:
    """It no longer trusts its memory of that day."""
    files = MemoryFiles()
    made = store(files)
    made.append(before())
    files.fail_from = files.operations + 3
    with pytest.raises(AppendError):
        made.append(during())
    files.heal()
    made.append(flush(run(Table.TRADES, numbered(9, 9))))
    assert rows_of_each_day(files)[TRADES] == 3
    assert made.repairs == [
        Repair(TRADES, DAY, 2, {"trade_size": 2, "trade_price": 3, "trade_id": 3})
    ]


def test_full_disk() -> None:
    """A disk that fills up anywhere leaves equal columns and a message with all the facts."""
    needed = sum(len(content) for content in complete().values())
    for room in range(sum(len(each) for each in _files_before()), needed):
        files = MemoryFiles()
        made = store(files)
        made.append(before())
        files.capacity_bytes = room
        with pytest.raises(AppendError, match="No space left on device") as caught:
            made.append(during())
        assert sum(rows_of_each_day(files).values()) == 3 + caught.value.rows_saved
        assert isinstance(caught.value.__cause__, OSError)
        assert caught.value.__cause__.errno == errno.ENOSPC


def _files_before() -> Iterator[bytearray]:
    files = MemoryFiles()
    store(files).append(before())
    yield from files.contents.values()


def test_error_message() -> None:
    """It names the file and the reason, and counts the rows."""
    _, _, error = failing_at(4)
    assert str(error) == (
        "cannot write venue/BTC-USD/TRADES/trade_side.01.02.24.bin: Input/output error; "
        "of 9 rows of this flush 0 are saved and 9 are not"
    )
