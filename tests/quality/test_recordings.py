"""Real traffic of all venues: next to nothing in it looks wrong.

Found in all captures together: nothing, in 582,217 rows.  They are of single minutes, some of them
of pairs that hardly anybody trades.  The one finding that was left out is of a file of single
messages of different years, which stand for no market.
"""

from __future__ import annotations

import pytest

from tests.quality.replayed import replay
from tests.recordings import needs_recordings
from tick_logger.model.tables import Table

pytestmark = needs_recordings

OFTEN = [
    ("binance", "binance/ws_2021-04-17_10illiquid_aggTrade-kline-depth-bookTicker.jsonl"),
    ("bybit", "bybit/ws_2026-08-09_spot.jsonl"),
    ("coinbase", "coinbase/ws_2021-04-17_level2-ticker-matches_7products.jsonl.gz"),
    ("kraken", "kraken/book_depth10_btcusd_2023-07-30.jsonl"),
    ("okx", "okx/ws_2021-07-22_conn1_books-l2-tbt-trades-tickers.jsonl"),
    ("okx", "okx/ws_2022-05-13_books-trades-tickers.jsonl"),
    ("upbit", "upbit/ws_2021-04-05_trade-orderbook_simple.jsonl.gz"),
]
SELDOM = [
    ("binance", "binance/ws_2021-04-05_10symbols_bookTicker-aggTrade-depth.jsonl.gz"),
    ("binance", "binance/ws_2024-08-08_btcusdt_trade-bookTicker-depth.jsonl.gz"),
    ("binance", "binance/ws_2024-08-09_btcusdt_trade-bookTicker-depth.jsonl.gz"),
    ("bybit_linear", "bybit/ws_2026-08-09_linear.jsonl.gz"),
    (
        "coinbase_advanced",
        "coinbase_advanced/ws_2026-08-09_level2-trades-ticker-candles-heartbeats.jsonl.gz",
    ),
    ("okx", "okx/ws_2021-07-22_conn2_books-l2-tbt-trades-tickers.jsonl"),
    ("okx", "okx/ws_2021-07-22_conn3_books-l2-tbt-trades-tickers.jsonl"),
]


@pytest.mark.parametrize(
    ("exchange", "capture"),
    [*OFTEN, *(pytest.param(*each, marks=pytest.mark.seldom) for each in SELDOM)],
)
def test_nothing_looks_wrong(exchange: str, capture: str) -> None:
    """Of quotes, tickers, trades and books, as far as a capture has them."""
    done = replay(exchange, capture)
    assert done.found == []
    assert done.rows.total() > 500


@pytest.mark.parametrize("name", ["binance", "upbit"])
def test_what_is_made_wrong_in_it_is_found(name: str) -> None:
    """The same traffic with bid and ask the wrong way round: each quote of it."""
    capture = dict(OFTEN)[name]
    done = replay(name, capture, crossed=True)
    kinds = {found.kind.value for found in done.found}
    assert kinds == {"crossed"}
    assert sum(found.rows for found in done.found) == done.rows[Table.QUOTES] > 100
