"""Coinbase Advanced Trade played back: how it answers, and what its frames say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.replay.said import (
    ASK,
    BID,
    BUY,
    NO_UUID,
    SELL,
    UNKNOWN,
    Change,
    Quote,
    Said,
    Tick,
    Trade,
    iso_ns,
)

PLAYED = ("*",)
"""Patterns of the names of captures that are played."""

CHANNELS = ("market_trades", "ticker", "level2")

_TAKER_OF_MAKER = {"BUY": SELL, "SELL": BUY, "UNKNOWN_ORDER_SIDE": UNKNOWN}
_BOOK_SIDE = {"bid": BID, "offer": ASK}


# -- what the frames say ---------------------------------------------------------------------------


def read(frames: Sequence[bytes], _snapshots: Mapping[str, Sequence[bytes]]) -> Said:
    """What the frames of one connection say."""
    said = Said()
    for frame in frames:
        m = json.loads(frame)
        for event in m.get("events", ()):
            match m["channel"]:
                case "market_trades":
                    for trade in event["trades"]:
                        found = said.trades[trade["product_id"]]
                        found.setdefault(int(trade["trade_id"]), _trade(trade))
                case "ticker":
                    for ticker in event["tickers"]:
                        _ticker(said, iso_ns(m["timestamp"]), ticker)
                case "l2_data":
                    _book(said, event)
    return said


def _trade(trade: dict[str, Any]) -> Trade:
    side = _TAKER_OF_MAKER[trade["side"]]
    sent = trade["price"], trade["size"]
    return Trade(iso_ns(trade["time"]), int(trade["trade_id"]), *sent, side, NO_UUID, NO_UUID)


def _ticker(said: Said, time_ns: int, ticker: dict[str, Any]) -> None:
    """Nothing numbers a ticker; no two have the same time."""
    symbol, bid, ask = ticker["product_id"], ticker.get("best_bid"), ticker.get("best_ask")
    tick = Tick(time_ns, 0, ticker.get("price"), None, UNKNOWN, bid, ask)
    assert said.ticks[symbol].setdefault((time_ns, 0), tick) is tick
    sizes = ticker.get("best_bid_quantity"), ticker.get("best_ask_quantity")
    if bid is not None or ask is not None:
        said.quotes[symbol][time_ns] = Quote(time_ns, 0, bid, sizes[0], ask, sizes[1])


def _book(said: Said, event: dict[str, Any]) -> None:
    symbol, updates = event["product_id"], event["updates"]
    levels = [(_BOOK_SIDE[u["side"]], u["price_level"], u["new_quantity"]) for u in updates]
    if event["type"] == "snapshot":
        change = Change(None, 0, 0, levels, snapshot=True)
        said.snapshots[symbol].append(change)
    else:
        (time_text,) = {update["event_time"] for update in updates}
        change = Change(iso_ns(time_text), 0, 0, levels)
        said.updates[symbol].append(change)
    said.books[symbol].append(change)


def continues(_earlier: Sequence[bytes], _later: Sequence[bytes]) -> bool:
    """Every capture begins with snapshots of its own."""
    return False


# -- how the venue answers -------------------------------------------------------------------------


class Venue:
    """The listing by REST, and a growing list of all that is subscribed.

    Its answers have no number, because the frames that are played after them begin with theirs.
    """

    def __init__(self, symbols: Sequence[str], _snapshots: Mapping[str, Sequence[bytes]]) -> None:
        self._symbols = symbols
        self.wanted = {(symbol, channel) for symbol in symbols for channel in CHANNELS}

    def get(self, target: str) -> tuple[int, bytes]:
        """The answer to a GET request: status and body."""
        if target != "/api/v3/brokerage/market/products":
            return 404, b'{"error":"NOT_FOUND"}'
        products = [
            {"product_id": symbol, "status": "online", "product_type": "SPOT"}
            for symbol in self._symbols
        ]
        return 200, json.dumps({"products": products}).encode()

    def hear(self, text: str, live: set[tuple[str, str]]) -> list[bytes]:
        """The answers to a request, whose subscriptions are added to those of the connection."""
        request = json.loads(text)
        assert request["type"] == "subscribe", text
        channel = request["channel"]
        live |= {(product, channel) for product in request.get("product_ids", [channel])}
        channels = sorted({channel for _, channel in live})
        listed = {c: sorted(p for p, of in live if of == c) for c in channels}
        answer = {"channel": "subscriptions", "events": [{"subscriptions": listed}]}
        return [json.dumps(answer).encode()]
