"""Trades, tickers and quotes on disk are what the recorded frames say, value for value.

Expected are the frames as the standard library reads them; the files are read as any program may.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.recordings import needs_recordings
from tests.replay import disk
from tests.replay.captures import said
from tests.replay.running import Recorded
from tests.replay.said import DAY_NS, numbers

pytestmark = needs_recordings


def same_numbers(column: npt.NDArray[Any], texts: Sequence[str | None]) -> None:
    """The column holds the numbers sent, rounded to its width and not otherwise."""
    np.testing.assert_array_equal(column, numbers(texts, column.dtype.str))


def test_trades(recorded: Recorded) -> None:
    """Every match or trade once: id, time, price, size, the taker's side, both order ids."""
    for symbol in said(recorded.play).trades:
        expected = said(recorded.play).trades_in_order(symbol)
        rows = disk.read(recorded.symbol(symbol), "TRADES", recorded.dtype)
        assert rows["trade_id"].tolist() == [trade.trade_id for trade in expected]
        assert rows["time_ns"].tolist() == [trade.time_ns for trade in expected]
        same_numbers(rows["trade_price"], [trade.price for trade in expected])
        same_numbers(rows["trade_size"], [trade.size for trade in expected])
        assert rows["trade_side"].tolist() == [trade.side for trade in expected]
        assert rows["maker_order_id"].tobytes() == b"".join(trade.maker for trade in expected)
        assert rows["taker_order_id"].tobytes() == b"".join(trade.taker for trade in expected)


def test_tickers(recorded: Recorded) -> None:
    """Every ticker once: time, last price and size, the taker's side, best bid and ask."""
    for symbol, ticks in said(recorded.play).ticks.items():
        expected = sorted(ticks.values(), key=lambda tick: (tick.time_ns, tick.sequence))
        rows = disk.read(recorded.symbol(symbol), "MD", recorded.dtype)
        assert rows["time_ns"].tolist() == [tick.time_ns for tick in expected]
        assert rows["side"].tolist() == [tick.side for tick in expected]
        same_numbers(rows["price"], [tick.price for tick in expected])
        same_numbers(rows["volume"], [tick.volume for tick in expected])
        same_numbers(rows["best_bid"], [tick.bid for tick in expected])
        same_numbers(rows["best_ask"], [tick.ask for tick in expected])


def test_quotes(recorded: Recorded) -> None:
    """Every update id once, with its best bid and ask; NaN where the exchange sent no size."""
    for symbol, quotes in said(recorded.play).quotes.items():
        expected = [quotes[update_id] for update_id in sorted(quotes)]
        rows = disk.read(recorded.symbol(symbol), "QUOTES", recorded.dtype)
        by_id = np.argsort(rows["update_id"], kind="stable")
        rows = {name: column[by_id] for name, column in rows.items()}
        assert rows["update_id"].tolist() == [quote.update_id for quote in expected]
        same_numbers(rows["best_bid"], [quote.bid for quote in expected])
        same_numbers(rows["best_bid_size"], [quote.bid_size for quote in expected])
        same_numbers(rows["best_ask"], [quote.ask for quote in expected])
        same_numbers(rows["best_ask_size"], [quote.ask_size for quote in expected])
        times = [quote.time_ns for quote in expected]
        received = rows["recv_ns"].tolist()
        assert rows["time_ns"].tolist() == [
            here if sent is None else sent for sent, here in zip(times, received, strict=True)
        ]


def test_rows_are_in_the_files_of_their_event_days(recorded: Recorded) -> None:
    """Whatever the receive clock says, and ordered within and across the days."""
    for folder in (recorded.folder / recorded.play.exchange).iterdir():
        for table in disk.TABLES:
            for day in disk.days(folder, table):
                times = disk.read(folder, table, recorded.dtype, day)["time_ns"]
                assert np.unique(times // DAY_NS).tolist() == [day]
                assert (np.diff(times) >= 0).all()
