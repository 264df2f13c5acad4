"""Coinbase Exchange played back: how it answers, and what its frames say."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from tests.replay.said import ASK, BID, BUY, SELL, UNKNOWN, Change, Quote, Said, Tick, Trade, iso_ns

PLAYED = ("ws_*",)
"""Patterns of the names of captures that are played."""

CHANNELS = ("ticker", "matches", "level2_batch")
CONFIRMED_AS = {"level2_batch": "level2_50"}

_TAKER_OF_MAKER = {"buy": SELL, "sell": BUY}
_TAKER = {"buy": BUY, "sell": SELL, None: UNKNOWN}
_BOOK_SIDE = {"buy": BID, "sell": ASK}


# -- what the frames say ---------------------------------------------------------------------------


def read(frames: Sequence[bytes], _snapshots: Mapping[str, Sequence[bytes]]) -> Said:
    """What the frames of one connection say."""
    said = Said()
    for frame in frames:
        m = json.loads(frame)
        symbol = m.get("product_id", "")
        match m["type"]:
            case "match" | "last_match":
                said.trades[symbol].setdefault(m["trade_id"], _trade(m))
            case "ticker":
                _ticker(said, symbol, m)
            case "snapshot":
                both = ((BID, m["bids"]), (ASK, m["asks"]))
                levels = [(side, *level[:2]) for side, levels in both for level in levels]
                snapshot = Change(None, 0, 0, levels, snapshot=True)
                said.snapshots[symbol].append(snapshot)
                said.books[symbol].append(snapshot)
            case "l2update":
                levels = [(_BOOK_SIDE[side], price, size) for side, price, size in m["changes"]]
                update = Change(_update_time(said, symbol, m), 0, 0, levels)
                said.updates[symbol].append(update)
                said.books[symbol].append(update)
            case "heartbeat":
                said.announced[symbol] = max(m["last_trade_id"], said.announced.get(symbol, 0))
    return said


def _trade(m: dict[str, Any]) -> Trade:
    maker, taker = (uuid.UUID(m[f"{who}_order_id"]).bytes for who in ("maker", "taker"))
    side = _TAKER_OF_MAKER[m["side"]]
    return Trade(iso_ns(m["time"]), m["trade_id"], m["price"], m["size"], side, maker, taker)


def _ticker(said: Said, symbol: str, m: dict[str, Any]) -> None:
    time_ns, sequence = iso_ns(m["time"]), m["sequence"]
    bid, ask = m.get("best_bid"), m.get("best_ask")
    side = _TAKER[m.get("side")]
    tick = Tick(time_ns, sequence, m.get("price"), m.get("last_size"), side, bid, ask)
    said.ticks[symbol].setdefault((time_ns, sequence), tick)
    quote = Quote(time_ns, sequence, bid, m.get("best_bid_size"), ask, m.get("best_ask_size"))
    if bid is not None or ask is not None:
        said.quotes[symbol].setdefault(sequence, quote)


def _update_time(said: Said, symbol: str, m: dict[str, Any]) -> int:
    """That of the message, or that of the one before where it is the year 1."""
    time_ns = iso_ns(m["time"])
    if time_ns > 0:
        return time_ns
    before = said.updates[symbol][-1].time_ns
    assert before is not None
    return before


def continues(_earlier: Sequence[bytes], _later: Sequence[bytes]) -> bool:
    """Every capture begins with snapshots of its own."""
    return False


# -- how the venue answers -------------------------------------------------------------------------


class Venue:
    """The listing on the status channel, and a growing list of all that is subscribed."""

    def __init__(self, symbols: Sequence[str], _snapshots: Mapping[str, Sequence[bytes]]) -> None:
        self._symbols = symbols
        self.wanted = {(symbol, channel) for symbol in symbols for channel in CHANNELS}

    def get(self, target: str) -> tuple[int, bytes]:
        """The answer to a GET request: status and body."""
        if target == "/products":
            return 200, json.dumps(self._products()).encode()
        return 404, b'{"message":"NotFound"}'

    def hear(self, text: str, live: set[tuple[str, str]]) -> list[bytes]:
        """The answers to a request, whose subscriptions are added to those of the connection."""
        request = json.loads(text)
        assert request["type"] == "subscribe", text
        if request["channels"] == [{"name": "status"}]:
            status = {"type": "status", "currencies": [], "products": self._products()}
            return [_confirmation({"status": []}), json.dumps(status).encode()]
        for channel in request["channels"]:
            live |= {(product, channel) for product in request["product_ids"]}
        channels = sorted({channel for _, channel in live})
        return [_confirmation({c: sorted(p for p, of in live if of == c) for c in channels})]

    def _products(self) -> list[dict[str, str]]:
        return [{"id": symbol, "status": "online"} for symbol in self._symbols]


def _confirmation(channels: dict[str, list[str]]) -> bytes:
    listed = [
        {"name": CONFIRMED_AS.get(name, name), "product_ids": products}
        for name, products in channels.items()
    ]
    return json.dumps({"type": "subscriptions", "channels": listed}).encode()
