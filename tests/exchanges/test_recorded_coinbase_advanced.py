"""Recorded Advanced Trade messages decode to exactly what they say, as a plain reading shows.

The oracle reads each frame with the standard library and builds each row by hand, exactly; the
counts are those of the recordings' own truth tables, which another program derived.
"""

from __future__ import annotations

import collections
import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from tests.exchanges.said import AnySymbol, Row, check_rows, rows_of, trades_by_symbol
from tests.recordings import body, captures, frames, needs_recordings
from tick_logger.exchanges.base import BookSnapshot, Confirmed, Heartbeat, Subscription
from tick_logger.exchanges.coinbase_advanced import EXCHANGE
from tick_logger.model.tables import NO_TIME, Table

pytestmark = needs_recordings

FOUR_CHANNELS = "coinbase_advanced/ws_2026-08-09_level2-trades-ticker-candles-heartbeats.jsonl.gz"
TRADES_ONLY = "coinbase_advanced/market_trades_2026-08-12.jsonl"
TICKER_ONLY = "coinbase_advanced/ticker_2026-08-12.jsonl"
PRODUCTS = ("BTC-USD", "ETH-USD")
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
TAKER_OF_MAKER = {"BUY": 0, "SELL": 1}
BOOK_SIDE = {"bid": 1, "offer": 0}


def ns(text: str) -> int:
    """Nanoseconds since 1970 of a time with up to nine decimals."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    seconds = (dt.datetime.fromisoformat(whole + "+00:00") - EPOCH) // dt.timedelta(seconds=1)
    return seconds * 10**9 + int(Decimal("0." + (fraction or "0")).scaleb(9))


def number(text: str) -> float:
    """The float nearest to a decimal text."""
    numerator, denominator = Decimal(text).as_integer_ratio()
    return numerator / denominator


def events(capture: str) -> Iterator[tuple[int, dict[str, Any], dict[str, Any]]]:
    """Frame number, message and event, in order."""
    for frame, text in enumerate(frames(capture)):
        message = json.loads(text)
        for event in message["events"]:
            yield frame, message, event


def read(capture: str, symbols: AnySymbol) -> dict[Table, list[Row]]:
    """Every row that the frames of a capture say, by table."""
    said: dict[Table, list[Row]] = {table: [] for table in Table}
    head: Row
    values: Row
    for frame, message, event in events(capture):
        for trade in reversed(event.get("trades", [])):
            head = (frame, symbols[trade["product_id"]], ns(trade["time"]), int(trade["trade_id"]))
            values = number(trade["price"]), number(trade["size"]), TAKER_OF_MAKER[trade["side"]]
            said[Table.TRADES].append((*head, *values, bytes(16), bytes(16)))
        for ticker in event.get("tickers", []):
            head = (frame, symbols[ticker["product_id"]], ns(message["timestamp"]), 0)
            bid, ask = number(ticker["best_bid"]), number(ticker["best_ask"])
            sizes = (number(ticker[f"best_{side}_quantity"]) for side in ("bid", "ask"))
            bid_size, ask_size = sizes
            said[Table.MD].append((*head, number(ticker["price"]), None, 2, bid, ask))
            said[Table.QUOTES].append((*head, bid, bid_size, ask, ask_size))
        for level in event.get("updates", []):
            snapshot = event["type"] == "snapshot"
            time_ns = NO_TIME if snapshot else ns(level["event_time"])
            head = (frame, symbols[event["product_id"]], time_ns, 0, BOOK_SIDE[level["side"]])
            values = number(level["price_level"]), number(level["new_quantity"]), int(snapshot)
            said[Table.BOOK].append((*head, *values))
    return said


def rows_by_table(capture: str) -> dict[Table, int]:
    """How many rows there are, after each was compared."""
    symbols = AnySymbol()
    expected = read(capture, symbols)
    decoded = EXCHANGE.decode(frames(capture), symbols)
    check_rows(decoded, expected)
    return {table: len(rows) for table, rows in expected.items() if rows}


def test_rows_are_what_the_frames_say() -> None:
    """Every row of every table of a capture of two products, value for value."""
    assert rows_by_table(FOUR_CHANNELS) == {
        Table.TRADES: 260,
        Table.MD: 112,
        Table.QUOTES: 112,
        Table.BOOK: 72_523,
    }


def test_rows_of_the_small_captures_are_what_the_frames_say() -> None:
    """Trades and tickers alone, of another week."""
    assert rows_by_table(TRADES_ONLY) == {Table.TRADES: 7}
    assert rows_by_table(TICKER_ONLY) == {Table.MD: 2, Table.QUOTES: 2}
    names = {FOUR_CHANNELS, TRADES_ONLY, TICKER_ONLY}
    assert names <= set(captures("coinbase_advanced"))


def test_trades_match_the_truth_tables() -> None:
    """Counts, ids and times per product; ids without holes or repetition."""
    symbols = AnySymbol()
    decoded = EXCHANGE.decode(frames(FOUR_CHANNELS), symbols)
    day = "2026-08-09T21:0"
    assert trades_by_symbol(decoded, symbols) == {
        "BTC-USD": (
            139,
            1068571991,
            1068572129,
            ns(f"{day}4:35.345704Z"),
            ns(f"{day}6:04.830437Z"),
        ),
        "ETH-USD": (121, 833140679, 833140799, ns(f"{day}4:46.652973Z"), ns(f"{day}5:59.704149Z")),
    }
    decoded = EXCHANGE.decode(frames(TRADES_ONLY), symbols)
    first, last = "2026-08-12T19:27:45.873162Z", "2026-08-12T19:27:48.298771Z"
    assert trades_by_symbol(decoded, symbols) == {
        "BTC-USD": (7, 1069726287, 1069726293, ns(first), ns(last))
    }


def test_events_match_the_truth_table() -> None:
    """Every message is counted, over all channels; heartbeats, snapshots and confirmations."""
    symbols = AnySymbol()
    decoded = EXCHANGE.decode(frames(FOUR_CHANNELS), symbols)
    kinds = collections.Counter(type(event) for _, event in decoded.events)
    assert kinds == {Heartbeat: 17, Confirmed: 5, BookSnapshot: 2}
    assert decoded.counted is not None
    assert decoded.counted.frame.tolist() == decoded.counted.number.tolist() == list(range(720))
    snapshots = [(n, event) for n, event in decoded.events if isinstance(event, BookSnapshot)]
    assert snapshots == [
        (13, BookSnapshot(symbols["BTC-USD"], 0)),
        (21, BookSnapshot(symbols["ETH-USD"], 0)),
    ]


def test_confirmations_name_the_whole_list_after_its_snapshots() -> None:
    """Each adds the feeds of one channel; that of the books comes after both books."""
    decoded = EXCHANGE.decode(frames(FOUR_CHANNELS), AnySymbol())
    confirmed = [
        (n, each.subscriptions) for n, each in decoded.events if isinstance(each, Confirmed)
    ]
    feeds = [
        (2, {"trades"}),
        (5, {"trades"}),
        (8, {"trades", "ticker", "quotes"}),
        (24, {"trades", "ticker", "quotes", "orderbook"}),
        (26, {"trades", "ticker", "quotes", "orderbook"}),
    ]
    assert confirmed == [
        (n, frozenset(Subscription(symbol, feed) for symbol in PRODUCTS for feed in of))
        for n, of in feeds
    ]


def test_books_end_as_in_the_truth_table() -> None:
    """Levels a side at the end; 35 deletes were of levels that nobody had named."""
    symbols = AnySymbol()
    decoded = EXCHANGE.decode(frames(FOUR_CHANNELS), symbols)
    books: dict[tuple[int, int], dict[float, float]] = collections.defaultdict(dict)
    unseen = 0
    for row in rows_of(decoded, Table.BOOK):
        levels = books[row["instrument"], row["side"]]
        if row["size"]:
            levels[row["price"]] = row["size"]
        elif levels.pop(row["price"], None) is None:
            unseen += 1
    sizes = {
        symbol: (len(books[number, 1]), len(books[number, 0])) for symbol, number in symbols.items()
    }
    assert sizes == {"BTC-USD": (18_769, 27_242), "ETH-USD": (6_927, 16_394)}
    assert unseen == 35


def test_takers_trade_where_the_book_says() -> None:
    """Buyers at the best ask and above, sellers at the best bid and below, or inside the spread."""
    symbols = AnySymbol()
    decoded = EXCHANGE.decode(frames(FOUR_CHANNELS), symbols)
    books: dict[tuple[int, int], dict[float, float]] = collections.defaultdict(dict)
    changes = collections.defaultdict(list)
    for row in rows_of(decoded, Table.BOOK):
        changes[row["frame"]].append(row)
    trades = collections.defaultdict(list)
    for row in rows_of(decoded, Table.TRADES):
        trades[row["frame"]].append(row)
    places: collections.Counter[tuple[int, str]] = collections.Counter()
    for frame in range(len(frames(FOUR_CHANNELS))):
        for row in changes[frame]:
            levels = books[row["instrument"], row["side"]]
            levels[row["price"]] = row["size"]
            if not row["size"]:
                del levels[row["price"]]
        for row in trades[frame]:
            bids, asks = books[row["instrument"], 1], books[row["instrument"], 0]
            if bids and asks:
                price = row["price"]
                place = "bid" if price <= max(bids) else "ask" if price >= min(asks) else "inside"
                places[row["side"], place] += 1
    assert places == {(0, "bid"): 14, (1, "ask"): 39, (0, "inside"): 5, (1, "inside"): 1}


def test_times_of_updates_rise_with_the_messages() -> None:
    """What sorts updates by their time leaves them in the order in which they came."""
    decoded = EXCHANGE.decode(frames(FOUR_CHANNELS), AnySymbol())
    newest: dict[int, int] = {}
    for row in rows_of(decoded, Table.BOOK):
        if not row["flags"]:
            assert row["event_ns"] >= newest.get(row["instrument"], 0)
            newest[row["instrument"]] = row["event_ns"]
    assert len(newest) == 2


def test_products() -> None:
    """The REST list agrees with a plain reading: 516 of 920 trade under their own name."""
    text = body("coinbase_advanced/rest_products_2026-08-09.json.gz")
    found = EXCHANGE.parse_listing(text)
    products = json.loads(text)["products"]
    assert [
        (each.symbol, each.base, each.quote, each.tick_size, each.lot_size, each.kind)
        for each in found
    ] == [
        (
            product["product_id"],
            product["base_currency_id"],
            product["quote_currency_id"],
            product["price_increment"],
            product["base_increment"],
            "spot",
        )
        for product in products
    ]
    active = {each.symbol for each in found if each.active}
    assert active == {
        product["product_id"]
        for product in products
        if (product["status"], product["alias"]) == ("online", "")
    }
    assert (len(found), len(active)) == (920, 516)
    assert {name for name in active if name.endswith("-USDC")} >= {"USDT-USDC", "EURC-USDC"}
