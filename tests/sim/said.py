"""What payloads say, read with nothing but the standard library: one reader for each venue.

A fact is something that a table has a row for.  Its key is all values that the row must have, in
the order of the table's columns, receive times left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

MOST_ID = 2**64
SIDES = {"buy": 1, "sell": 0}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@attrs.frozen
class Fact:
    """Something that was said about a symbol: for trades the id is all of the key.

    `sound` is whether it stood in a message in which all is as it should be.
    """

    table: str
    symbol: str
    key: tuple[Any, ...]
    sound: bool = True


def facts(exchange: str, payload: bytes) -> Iterator[Fact]:
    """What a payload says; of one that is spoiled, what can be made out."""
    sound = True
    try:
        message = json.loads(payload)
    except (ValueError, RecursionError):
        sound, message = False, _repaired(payload)
    try:
        for table, symbol, *key in READERS[exchange](message):
            yield Fact(table, symbol, tuple(key), sound)
    except (KeyError, TypeError, ValueError, AttributeError):
        return  # wrong types


def _repaired(payload: bytes) -> object:
    for spoilt in (b',"note":', b',"extra":'):
        head, found, _ = payload.partition(spoilt)
        if found:
            return json.loads(head + b"}")
    return None


def _binance(message: Any) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - any JSON
    data, kind = message["data"], message["stream"].partition("@")[2].partition("@")[0]
    symbol = data["s"]
    match kind:
        case "trade":
            yield "TRADES", symbol, _id(data["t"])
        case "bookTicker":
            yield "QUOTES", symbol, _id(data["u"]), *map(float, map(data.get, "bBaA"))
        case "ticker":
            yield (
                "MD", symbol, _id(data["E"]) * 1000, float(data["c"]), float(data["Q"]), 2,
                float(data["b"]), float(data["a"]),
            )  # fmt: skip
        case "depth":
            for side, levels in ((1, data["b"]), (0, data["a"])):
                for price, size in levels:
                    yield "BOOK", symbol, _id(data["u"]), side, float(price), float(size)


def _coinbase(message: Any) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - any JSON
    symbol = message["product_id"]
    match message["type"]:
        case "match" | "last_match":
            yield "TRADES", symbol, _id(message["trade_id"])
        case "ticker":
            price, size, bid, ask, bid_size, ask_size = (
                float(message[name])
                for name in (
                    "price", "last_size", "best_bid", "best_ask", "best_bid_size", "best_ask_size",
                )
            )  # fmt: skip
            yield (
                "MD", symbol, _time(message["time"]), price, size, SIDES[message["side"]], bid, ask,
            )  # fmt: skip
            yield "QUOTES", symbol, _id(message["sequence"]), bid, bid_size, ask, ask_size
        case "l2update":
            for side, price, size in message["changes"]:
                yield "BOOK", symbol, 0, SIDES[side], float(price), float(size)
        case "snapshot":
            for side, levels in ((1, message["bids"]), (0, message["asks"])):
                for price, size in levels:
                    yield "BOOK", symbol, 0, side, float(price), float(size)


READERS: dict[str, Callable[[Any], Iterator[tuple[Any, ...]]]] = {
    "binance": _binance,
    "coinbase": _coinbase,
}


def snapshot(body: bytes) -> Iterator[tuple[int, int, float, float]]:
    """The rows of a REST book snapshot."""
    message = json.loads(body)
    for side, levels in ((1, message["bids"]), (0, message["asks"])):
        for price, size in levels:
            yield message["lastUpdateId"], side, float(price), float(size)


def _id(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < MOST_ID:
        raise ValueError(f"{value!r} is no id")
    return value


def _time(text: str) -> int:
    when = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")
    return (when - EPOCH) // timedelta(microseconds=1) * 1000
