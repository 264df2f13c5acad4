"""What a page shows of a symbol, read from files as the storage layer writes them."""

from __future__ import annotations

import json
import math
from typing import Any, Literal

import msgspec
import pytest

from tests.fakes.memory_files import MemoryFiles
from tests.storage.sample import DAY, MIDNIGHT_NS, SECOND, batch, instruments, numbered
from tick_logger.model.cause import Cause
from tick_logger.model.flush import Flush, GapRecord, Run
from tick_logger.model.instruments import Instruments
from tick_logger.model.proof import Proof
from tick_logger.model.schemas import Schemas
from tick_logger.model.tables import Table
from tick_logger.model.times import NS_PER_DAY
from tick_logger.reader.recent import MOST_GAP_BYTES, MOST_GAPS, MOST_TRADES, recorded
from tick_logger.storage.format_file import Width, write_format
from tick_logger.storage.store import Store

NOON_NS = MIDNIGHT_NS + NS_PER_DAY // 2
SYMBOLS = instruments(("venue", "BTC-USD"), ("venue", "A/B"), ("venue", "../.."), ("venue", ""))


@pytest.fixture
def files() -> MemoryFiles:
    return MemoryFiles()


def write(
    files: MemoryFiles, *runs: Run, gaps: tuple[GapRecord, ...] = (), price_dtype: str = "f4"
) -> None:
    """As the recorder does."""
    store = Store(
        files, SYMBOLS, Schemas.first(price_dtype), lambda _exchange: {Table.TRADES: Proof.PROVEN}
    )
    flush = Flush(runs, gaps)
    store.meet(flush, ())
    store.write(flush, ())


def trades(first: int, last: int, *, day: int = DAY, instrument: int = 0, **fields: object) -> Run:
    rows = numbered(first, last, day=day, instrument=instrument, **fields)
    return Run(instrument, Table.TRADES, day, batch(Table.TRADES, rows), False)


def look(files: MemoryFiles, symbol: str = "BTC-USD", now_ns: int = NOON_NS) -> dict[str, Any]:
    """As JSON gives it."""
    found = recorded(files, SYMBOLS, "venue", symbol, now_ns)
    told: dict[str, Any] = json.loads(msgspec.json.encode(found))
    return told


def test_nothing_is_recorded_yet(files: MemoryFiles) -> None:
    """No rows, no holes, no error."""
    assert look(files) == {
        "exchange": "venue",
        "symbol": "BTC-USD",
        "trades": [],
        "rows_today": {},
        "gaps_today": [],
        "proof": {},
    }


@pytest.mark.parametrize("price_dtype", ["f4+rest", "f4", "f8"])
def test_the_last_trades(files: MemoryFiles, price_dtype: str) -> None:
    """The newest last, with no more digits than were written."""
    write(
        files,
        trades(1, 1, price=61234.5, size=0.1, side=1),
        trades(2, 2, price=0.1, size=1e-8, side=0),
        trades(3, 3, price=math.nan, side=2, event_ns=MIDNIGHT_NS + 3 * SECOND + 250_000_000),
        price_dtype=price_dtype,
    )
    began = MIDNIGHT_NS / 1e9
    assert look(files)["trades"] == [
        [began + 1, 61234.5, 0.1, "buy", "1"],
        [began + 2, 0.1, 1e-8, "sell", "2"],
        [began + 3.25, None, 0.25, "unknown", "3"],
    ]
    assert look(files)["rows_today"] == {"TRADES": 3}


def test_only_so_many(files: MemoryFiles) -> None:
    """Bounded, whatever was recorded; ids are texts, because a browser's numbers are short."""
    first = 2**63
    write(files, trades(1, 20), trades(21, MOST_TRADES + 20))
    write(files, trades(MOST_TRADES + 21, MOST_TRADES + 21, seq=first))
    found = look(files)["trades"]
    assert len(found) == MOST_TRADES
    assert [found[0][4], found[-2][4], found[-1][4]] == ["22", str(MOST_TRADES + 20), str(first)]
    assert look(files)["rows_today"] == {"TRADES": MOST_TRADES + 21}


def test_shortly_after_midnight(files: MemoryFiles) -> None:
    """Yesterday's trades, until there are some of today; yesterday's rows are not today's."""
    write(files, trades(1, 2))
    tomorrow = NOON_NS + NS_PER_DAY
    assert [trade[4] for trade in look(files, now_ns=tomorrow)["trades"]] == ["1", "2"]
    assert look(files, now_ns=tomorrow)["rows_today"] == {}
    write(files, trades(3, 3, day=DAY + 1))
    assert [trade[4] for trade in look(files, now_ns=tomorrow)["trades"]] == ["3"]
    assert look(files, now_ns=tomorrow)["rows_today"] == {"TRADES": 1}
    assert look(files, now_ns=tomorrow + NS_PER_DAY)["trades"][0][4] == "3"
    assert look(files, now_ns=tomorrow + 2 * NS_PER_DAY)["trades"] == []


def test_all_tables_are_counted(files: MemoryFiles) -> None:
    """By their names on disk."""
    runs = [
        Run(0, table, DAY, batch(table, numbered(1, number)), False)
        for number, table in enumerate(Table, 1)
    ]
    write(files, *runs)
    assert look(files)["rows_today"] == {str(table): n for n, table in enumerate(Table, 1)}


@pytest.mark.parametrize("column", ["trade_id", "trade_price", "trade_time", "taker_order_id"])
@pytest.mark.parametrize("torn", [1, 3, 4, 9])
def test_a_row_that_is_being_written(files: MemoryFiles, column: str, torn: int) -> None:
    """Is not there yet: columns may be of any length, in the middle of a number too."""
    write(files, trades(1, 3))
    (path,) = [each for each in files.contents if f"/{column}." in each]
    del files.contents[path][-torn:]
    found = [trade[4] for trade in look(files)["trades"]]
    assert found == [str(seq) for seq in range(1, len(found) + 1)]
    assert 0 <= len(found) <= 2
    assert look(files)["rows_today"].get("TRADES", 0) == len(found)


@pytest.mark.parametrize("symbol", ["A/B", "../..", ""])
def test_names_that_look_like_paths(files: MemoryFiles, symbol: str) -> None:
    """Are those of symbols, if there are such, and lie where the recorder puts them."""
    index = SYMBOLS.of("venue")[symbol]
    write(files, trades(7, 7, instrument=index))
    assert [trade[4] for trade in look(files, symbol)["trades"]] == ["7"]
    assert look(files)["trades"] == []


@pytest.mark.parametrize(
    ("exchange", "symbol"),
    [("venue", "X"), ("nowhere", "BTC-USD"), ("", ""), ("venue/BTC-USD", ""), ("..", "venue")],
)
def test_a_symbol_that_nobody_knows(files: MemoryFiles, exchange: str, symbol: str) -> None:
    """An error, no file is touched, and nothing is remembered of who asked for what."""
    known = Instruments()
    known.define(5, "venue", "BTC-USD")  # those before it are not defined yet
    with pytest.raises(LookupError, match="has no symbol"):
        recorded(files, known, exchange, symbol, NOON_NS)
    assert known._by_exchange == {"venue": {"BTC-USD": 5}}


def gap(
    first: int | None,
    last: int | None,
    cause: Cause = Cause.CRASH,
    *,
    healed: Literal[False] | str = False,
    after_ns: int = 0,
) -> GapRecord:
    began = MIDNIGHT_NS + 1 + after_ns
    return GapRecord(0, Table.TRADES, first, last, began, began + 5, cause, healed)


def test_holes_of_today(files: MemoryFiles) -> None:
    """Behind the file's header; what was said last of a hole counts."""
    write(files, gaps=(gap(5, 7), gap(None, None, Cause.DISCONNECT), gap(2**60, 2**60 + 1)))
    write(files, gaps=(gap(5, 7, healed="replayed"),))
    (path,) = files.contents
    assert b"header" in bytes(files.contents[path]).splitlines()[0]
    files.append(path, b'{"table":"TRAD')  # torn
    found = look(files)["gaps_today"]
    assert [(each["from_id"], each["cause"], each["healed"]) for each in found] == [
        (None, "disconnect", False),
        (str(2**60), "crash", False),
        ("5", "crash", "replayed"),
    ]
    assert found[2] == {
        "table": "TRADES",
        "from_id": "5",
        "to_id": "7",
        "from_ns": MIDNIGHT_NS + 1,
        "to_ns": MIDNIGHT_NS + 6,
        "cause": "crash",
        "healed": "replayed",
    }
    assert look(files, now_ns=NOON_NS + NS_PER_DAY)["gaps_today"] == []


def test_the_last_holes_of_very_many(files: MemoryFiles) -> None:
    """The newest, from the end of a file of whatever length."""
    many = 12_000
    write(files, gaps=tuple(gap(2 * each, 2 * each, after_ns=each) for each in range(many)))
    (path,) = files.contents
    assert len(files.contents[path]) > MOST_GAP_BYTES
    found = look(files)["gaps_today"]
    assert [int(each["from_id"]) for each in found] == [
        2 * each for each in range(many - MOST_GAPS, many)
    ]


def test_prices_of_a_day_that_has_just_begun(files: MemoryFiles) -> None:
    """Their width is known, where sizes of columns that grow would tell another one."""
    write_format(files, [Width("f8")])
    write(files, trades(1, 2, price=61234.5), price_dtype="f8")
    for path, content in files.contents.items():
        if "/trade_id." in path:
            content.extend(bytes(content) * 9)  # the next rows, of which the others are to come
    assert [trade[1] for trade in look(files)["trades"]] == [61234.5, 61234.5]
