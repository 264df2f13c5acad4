"""Recorded Coinbase traffic decodes to exactly what its frames say, as a plain reading shows.

The oracle reads each frame with the standard library and builds each row by hand; the counts are
those of the recordings' own truth tables, which another program derived.
"""

from __future__ import annotations

import collections
import datetime as dt
import itertools
import json
import uuid

from tests.exchanges.said import AnySymbol, Row, check_rows, events_of, rows_of, trades_by_symbol
from tests.recordings import body, frames, needs_recordings
from tick_logger.exchanges.base import (
    BookSnapshot,
    Confirmed,
    Heartbeat,
    Listing,
    Refused,
    Subscription,
    TradeIdSeen,
)
from tick_logger.exchanges.coinbase import EXCHANGE
from tick_logger.model.instruments import Instrument
from tick_logger.model.tables import NO_TIME, Table

pytestmark = needs_recordings

SEVEN = "coinbase/ws_2021-04-17_level2-ticker-matches_7products.jsonl.gz"
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def iso_ns(text: str) -> int:
    moment = dt.datetime.fromisoformat(text)
    return (moment - EPOCH) // dt.timedelta(microseconds=1) * 1000


def read(capture: str, symbols: AnySymbol) -> dict[Table, list[Row]]:
    """Every row that the frames of a capture say, by table."""
    said: dict[Table, list[Row]] = {table: [] for table in Table}
    for frame, text in enumerate(frames(capture)):
        m = json.loads(text)
        kind = m["type"]
        if kind not in {"match", "last_match", "ticker", "snapshot", "l2update"}:
            continue
        head = (frame, symbols[m["product_id"]])
        time_ns = iso_ns(m["time"]) if "time" in m else NO_TIME
        if kind in {"match", "last_match"}:
            taker = {"sell": 1, "buy": 0}[m["side"]]
            ids = uuid.UUID(m["maker_order_id"]).bytes, uuid.UUID(m["taker_order_id"]).bytes
            trade = (time_ns, m["trade_id"], float(m["price"]), float(m["size"]), taker)
            said[Table.TRADES].append((*head, *trade, *ids))
        elif kind == "ticker":
            side = {"buy": 1, "sell": 0}[m["side"]]
            bid, ask = float(m["best_bid"]), float(m["best_ask"])
            last = (m["sequence"], float(m["price"]), float(m["last_size"]), side)
            said[Table.MD].append((*head, time_ns, *last, bid, ask))
            said[Table.QUOTES].append((*head, time_ns, m["sequence"], bid, None, ask, None))
        elif kind == "snapshot":
            for side, levels in ((1, m["bids"]), (0, m["asks"])):
                for price, size in levels:
                    level = (side, float(price), float(size), 1)
                    said[Table.BOOK].append((*head, NO_TIME, 0, *level))
        else:
            for side, price, size in m["changes"]:
                level = ({"buy": 1, "sell": 0}[side], float(price), float(size), 0)
                said[Table.BOOK].append((*head, time_ns, 0, *level))
    return said


def test_rows_are_what_the_frames_say() -> None:
    """Every row of every table of a capture of seven products, value for value."""
    symbols = AnySymbol()
    expected = read(SEVEN, symbols)
    decoded = EXCHANGE.decode(frames(SEVEN), symbols)
    check_rows(decoded, expected)
    assert [len(expected[table]) for table in (Table.TRADES, Table.MD, Table.QUOTES)] == [87] * 3
    assert sum(row[-1] == 0 for row in expected[Table.BOOK]) == 7760
    kinds = collections.Counter(type(event) for event in events_of(decoded))
    assert kinds == {Confirmed: 3, BookSnapshot: 7}


TRADES = {
    "BAND-GBP": (5, 881613, 881617, "2021-04-17T16:43:30.244075Z", "2021-04-17T16:44:05.646013Z"),
    "NU-GBP": (2, 563678, 563679, "2021-04-17T16:43:18.435588Z", "2021-04-17T16:43:46.345172Z"),
    "YFI-BTC": (1, 889760, 889760, "2021-04-17T16:43:15.270101Z", "2021-04-17T16:43:15.270101Z"),
    "SKL-BTC": (9, 280231, 280239, "2021-04-17T16:43:37.067586Z", "2021-04-17T16:44:01.015484Z"),
    "CRV-EUR": (1, 99021, 99021, "2021-04-17T16:41:49.984117Z", "2021-04-17T16:41:49.984117Z"),
    "DASH-BTC": (16, 923560, 923575, "2021-04-17T16:43:10.760642Z", "2021-04-17T16:44:06.494392Z"),
    "SKL-USD": (53, 1568267, 1568319, "2021-04-17T16:43:37.056746Z", "2021-04-17T16:44:06.669388Z"),
}


def test_trades_match_the_truth_table() -> None:
    """Counts, ids and times per product; ids without holes or repetition."""
    symbols = AnySymbol()
    decoded = EXCHANGE.decode(frames(SEVEN), symbols)
    assert trades_by_symbol(decoded, symbols) == {
        symbol: (count, low, high, iso_ns(first), iso_ns(last))
        for symbol, (count, low, high, first, last) in TRADES.items()
    }


def test_tickers_and_matches_agree_on_the_taker() -> None:
    """Each ticker has the taker's side of the match with its sequence, though sent inverted."""
    decoded = EXCHANGE.decode(frames(SEVEN), AnySymbol())
    sides = {}
    for text in frames(SEVEN):
        m = json.loads(text)
        if m["type"] in {"match", "last_match"}:
            sides[m["product_id"], m["trade_id"]] = m["side"]
    tickers = [m for m in map(json.loads, frames(SEVEN)) if m["type"] == "ticker"]
    pairs = collections.Counter((sides[m["product_id"], m["trade_id"]], m["side"]) for m in tickers)
    assert pairs == {("buy", "sell"): 44, ("sell", "buy"): 43}
    trade = {
        (row["instrument"], row["price"], row["event_ns"]): row["side"]
        for row in rows_of(decoded, Table.TRADES)
    }
    for row in rows_of(decoded, Table.MD):
        assert trade[row["instrument"], row["price"], row["event_ns"]] == row["side"]


def test_takers_trade_where_the_book_says() -> None:
    """Buyers at or above the best ask, sellers at or below the best bid, or inside the spread."""
    decoded = EXCHANGE.decode(frames(SEVEN), AnySymbol())
    books: dict[tuple[int, int], dict[float, float]] = collections.defaultdict(dict)
    changes = itertools.groupby(rows_of(decoded, Table.BOOK), key=lambda row: row["frame"])
    by_frame = {frame: list(group) for frame, group in changes}
    trades = {row["frame"]: row for row in rows_of(decoded, Table.TRADES)}
    matches = {i for i, text in enumerate(frames(SEVEN)) if text.startswith(b'{"type":"match"')}
    places: collections.Counter[tuple[int, str]] = collections.Counter()
    for frame in range(len(frames(SEVEN))):
        for row in by_frame.get(frame, ()):
            levels = books[row["instrument"], row["side"]]
            levels[row["price"]] = row["size"]
            if row["size"] == 0:
                del levels[row["price"]]
        if frame in matches:
            row = trades[frame]
            bid = max(books[row["instrument"], 1])
            ask = min(books[row["instrument"], 0])
            price = row["price"]
            place = "ask" if price >= ask else "bid" if price <= bid else "inside"
            places[row["side"], place] += 1
    assert places == {(1, "ask"): 30, (1, "inside"): 7, (0, "bid"): 16, (0, "inside"): 27}


def test_single_frames() -> None:
    """Heartbeat, status, refusal, full channel, and the year-one time, as recorded."""
    symbols = AnySymbol()
    names = ["heartbeat", "status", "error", "full_2022-05-25", "ticker_2022-05-25"]
    names += ["level2_2022-05-25", "oddities"]
    payloads = [frame for name in names for frame in frames(f"coinbase/{name}.jsonl")]
    decoded = EXCHANGE.decode(payloads, symbols)
    assert decoded.bad == ()
    reason = "level2, level3, and full channels now require authentication."
    mina = "MINA-USDT", "MINA", "USDT"
    assert decoded.events == (
        (0, Heartbeat()),
        (0, TradeIdSeen(symbols["ETH-USD"], 278953096)),
        (1, Listing((Instrument(*mina, True, "0.001", "0.001", "spot", "0.1", "1"),))),
        (2, Refused(None, f"Failed to subscribe: {reason}")),
        (7, BookSnapshot(symbols["ETH-USD"], 0)),
    )
    (ticker,) = rows_of(decoded, Table.MD)
    assert (ticker["price"], ticker["side"]) == (1958.18, 0)
    book = rows_of(decoded, Table.BOOK)
    assert collections.Counter(row["frame"] for row in book) == {7: 17, 8: 1, 9: 2}
    assert (book[17]["size"], book[18]["event_ns"]) == (0.0, NO_TIME)


def test_confirmations_add_up() -> None:
    """The last one names all ten products on all three channels."""
    decoded = EXCHANGE.decode(frames(SEVEN), AnySymbol())
    confirmed = [each for each in events_of(decoded) if isinstance(each, Confirmed)]
    assert [len(each.subscriptions) for each in confirmed] == [10, 30, 40]
    assert Subscription("SKL-GBP", "orderbook") in confirmed[-1].subscriptions


def test_products() -> None:
    """The REST list agrees with a plain reading."""
    text = body("coinbase/rest_products_2021-04-17.json")
    listed = EXCHANGE.parse_listing(text)
    assert listed == tuple(
        Instrument(
            p["id"],
            p["base_currency"],
            p["quote_currency"],
            p["status"] == "online",
            p["quote_increment"],
            p["base_increment"],
            min_size=p["base_min_size"],
            min_notional=p["min_market_funds"],
        )
        for p in json.loads(text)
    )
    assert len(listed) > 100
    steps = {each.symbol: (each.tick_size, each.lot_size) for each in listed}
    assert steps["BTC-USD"] == ("0.01", "0.00000001")
