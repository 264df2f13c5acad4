"""What the reading interface gives of a replayed capture is what the frames say, number by number.

Expected are the frames as the standard library reads them; receive times, which no frame tells,
are read from the files by plain Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tick_logger
from tests.reader import oracle
from tests.reader.checking import METHODS, PUBLIC, plain, same
from tests.recordings import needs_recordings
from tests.replay import disk
from tests.replay.captures import said
from tests.replay.running import Recorded
from tests.replay.said import Change
from tick_logger import Recording, Rows

pytestmark = needs_recordings

SIGNS = {0: -1, 1: 1, 2: 0}
"""Of sides, as `said` has them."""


@pytest.fixture
def rec(recorded: Recorded) -> Recording:
    """The recording, opened."""
    return tick_logger.open(recorded.folder)


def number(text: str | None) -> float:
    """As the text has it, to the last digit; NaN where nothing was sent."""
    return float("nan") if text is None else float(text)


def all_of(rec: Recording, recorded: Recorded, table: str, symbol: str, **how: Any) -> Rows:  # noqa: ANN401
    """All rows of all columns of one symbol."""
    ask = getattr(rec, METHODS[table])
    found: Rows = ask(f"{recorded.play.exchange}:{symbol}", 0, columns=PUBLIC[table], **how)
    return found


def is_equal(found: Rows, column: str, expected: Sequence[object]) -> None:
    """The values of a column, in order."""
    kind = object if column.endswith("_id") and column != "id" else None
    values = np.array(plain(found.numpy(column)), kind)
    np.testing.assert_array_equal(values, np.array(expected, kind), err_msg=column)


def test_trades(rec: Recording, recorded: Recorded) -> None:
    """Each match or trade once, in order."""
    for symbol in said(recorded.play).trades:
        expected = said(recorded.play).trades_in_order(symbol)
        found = all_of(rec, recorded, "TRADES", symbol)
        is_equal(found, "ts", [trade.time_ns for trade in expected])
        is_equal(found, "id", [trade.trade_id for trade in expected])
        is_equal(found, "price", [number(trade.price) for trade in expected])
        is_equal(found, "size", [number(trade.size) for trade in expected])
        is_equal(found, "side", [SIGNS[trade.side] for trade in expected])
        is_equal(found, "maker_order_id", [trade.maker for trade in expected])
        is_equal(found, "taker_order_id", [trade.taker for trade in expected])


def test_tickers(rec: Recording, recorded: Recorded) -> None:
    """Each ticker once, in order."""
    for symbol, ticks in said(recorded.play).ticks.items():
        expected = sorted(ticks.values(), key=lambda tick: (tick.time_ns, tick.sequence))
        found = all_of(rec, recorded, "MD", symbol)
        is_equal(found, "ts", [tick.time_ns for tick in expected])
        is_equal(found, "price", [number(tick.price) for tick in expected])
        is_equal(found, "size", [number(tick.volume) for tick in expected])
        is_equal(found, "side", [SIGNS[tick.side] for tick in expected])
        is_equal(found, "bid", [number(tick.bid) for tick in expected])
        is_equal(found, "ask", [number(tick.ask) for tick in expected])


def test_quotes(rec: Recording, recorded: Recorded) -> None:
    """Each quote once; where it has no time of its own, that of its receipt."""
    for symbol, quotes in said(recorded.play).quotes.items():
        found = all_of(rec, recorded, "QUOTES", symbol).numpy()
        by_id = np.argsort(found["id"], kind="stable")
        values = {name: plain(column[by_id]) for name, column in found.items()}
        expected = [quotes[update_id] for update_id in sorted(quotes)]
        assert values["id"] == [quote.update_id for quote in expected]
        for name in ("bid", "bid_size", "ask", "ask_size"):
            np.testing.assert_array_equal(
                values[name], [number(getattr(quote, name)) for quote in expected], name
            )
        sent = zip(values["recv_ts"], expected, strict=True)
        assert values["ts"] == [here if q.time_ns is None else q.time_ns for here, q in sent]


def test_book_updates(rec: Recording, recorded: Recorded) -> None:
    """Each level of each update and of each snapshot."""
    for symbol, updates in said(recorded.play).updates.items():
        levels_are(all_of(rec, recorded, "BOOK", symbol), updates, is_snapshot=False)
    for symbol, snapshots in said(recorded.play).snapshots.items():
        levels_are(all_of(rec, recorded, "BOOK", symbol), snapshots, is_snapshot=True)


def levels_are(found: Rows, changes: list[Change], *, is_snapshot: bool) -> None:
    """The levels of the changes, in order."""
    columns = found.numpy()
    mine = columns["is_snapshot"] == is_snapshot
    ordered = sorted(changes, key=lambda change: (change.time_ns or 0, change.last_id))
    levels = [(change, *level) for change in ordered for level in change.levels]
    assert columns["id"][mine].tolist() == [change.last_id for change, *_ in levels]
    assert columns["side"][mine].tolist() == [SIGNS[side] for _, side, _, _ in levels]
    assert columns["price"][mine].tolist() == [number(price) for _, _, price, _ in levels]
    assert columns["size"][mine].tolist() == [number(size) for *_, size in levels]
    if not is_snapshot:  # which has no time of its own
        assert plain(columns["ts"][mine]) == [change.time_ns for change, *_ in levels]


MANY = 20_000
FEW_OR_ALL = pytest.mark.parametrize("most", [MANY, pytest.param(2**62, marks=pytest.mark.seldom)])
"""Tables of more rows take plain Python seconds."""


@FEW_OR_ALL
def test_all_rows_of_the_files(rec: Recording, recorded: Recorded, most: int) -> None:
    """Nothing else, and receive times: as plain Python reads the files."""
    for folder, table in tables(recorded.folder / recorded.play.exchange, most):
        symbol = folder.name.replace("%2F", "/")
        for by in ("event", "received")[: 2 if recorded.dtype == disk.EXACT else 1]:
            expected = oracle.rows(folder, table, recorded.dtype[:2], by=by)
            same(all_of(rec, recorded, table, symbol, by=by), expected, PUBLIC[table])


@FEW_OR_ALL
def test_after_a_restart(restarts: list[tuple[Recorded, Recorded]], most: int) -> None:
    """What came again is there once; what was late, and the pause, are there too."""
    for _, after in restarts:
        rec = tick_logger.open(after.folder)
        for symbol, trades in said(after.play).trades.items():
            found = rec.trades(f"{after.play.exchange}:{symbol}", 0)
            assert sorted(found.numpy("id").tolist()) == sorted(trades)
        for folder, table in tables(after.folder / after.play.exchange, most):
            symbol = folder.name.replace("%2F", "/")
            expected = oracle.rows(folder, table, "f4")
            same(all_of(rec, after, table, symbol), expected, PUBLIC[table])
            only = oracle.rows(folder, table, "f4", late="only")
            same(all_of(rec, after, table, symbol, late="only"), only, PUBLIC[table])
        noted = {(s, gap["table"]) for s, gap in disk.gaps(after.folder) if not gap["healed"]}
        words = {word: table for table, word in WORDS.items()}
        assert {(gap.symbol, words[gap.table]) for gap in rec.gaps()} <= noted


WORDS = {"MD": "ticker", "TRADES": "trades", "QUOTES": "quotes", "BOOK": "book"}


def tables(exchange: Path, most: int) -> list[tuple[Path, str]]:
    """The folder of each symbol with each of its tables, those of more rows left out."""
    return [
        (folder, table)
        for folder in sorted(exchange.iterdir())
        if folder.is_dir()
        for table in disk.TABLES
        if disk.days(folder, table)
        and sum(p.stat().st_size // 4 for p in (folder / table).glob("*time.*")) // 2 <= most
    ]
