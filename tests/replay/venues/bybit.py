"""Bybit played back, spot and linear: how it answers, and what its frames say."""

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
    Level,
    Quote,
    Said,
    Tick,
    Trade,
)

PLAYED = ("ws_*spot*", "tickers_*")
"""Patterns of the names of captures that are played; the folder is shared with linear."""

CHANNELS = ("tickers", "publicTrade", "orderbook.1", "orderbook.200")
MOST_ARGS = 10

_TAKER = {"Buy": BUY, "Sell": SELL}


# -- what the frames say ---------------------------------------------------------------------------


def read(frames: Sequence[bytes], _snapshots: Mapping[str, Sequence[bytes]]) -> Said:
    """What the frames of one connection say; kinds that are not recorded say nothing."""
    said = Said(dense_ids=False)
    for frame in frames:
        m = json.loads(frame)
        match m.get("topic", "").split("."):
            case ["publicTrade", _]:
                for d in m["data"]:
                    trade = _trade(d)
                    said.trades[d["s"]].setdefault(trade.trade_id, trade)
            case ["tickers", symbol]:
                _ticker(said, symbol, m)
            case ["orderbook", "1", symbol]:
                _quote(said, symbol, m)
            case ["orderbook", _, symbol]:
                _book(said, symbol, m)
    return said


def _trade(d: dict[str, Any]) -> Trade:
    """Ids are decimal numbers on spot; of a UUID it is the first 15 hexadecimal digits."""
    text = d["i"]
    trade_id = int(text) if text.isdecimal() else int(text.replace("-", "")[:15], 16)
    return Trade(d["T"] * 10**6, trade_id, d["p"], d["v"], _TAKER[d["S"]], NO_UUID, NO_UUID)


def _ticker(said: Said, symbol: str, m: dict[str, Any]) -> None:
    prices = [m["data"].get(name) for name in ("lastPrice", "bid1Price", "ask1Price")]
    price, bid, ask = [text or None for text in prices]
    time_ns, sequence = m["ts"] * 10**6, m.get("cs", 0)
    if (price, bid, ask) != (None, None, None):
        tick = Tick(time_ns, sequence, price, None, UNKNOWN, bid, ask)
        said.ticks[symbol].setdefault((time_ns, sequence), tick)


def _quote(said: Said, symbol: str, m: dict[str, Any]) -> None:
    best: list[tuple[str | None, str | None]] = []
    for levels in (m["data"]["b"], m["data"]["a"]):
        kept = [(price, size) for price, size in levels if float(size)]
        best.append(kept[0] if kept else (None, None))
    if best != [(None, None)] * 2:
        quote = Quote(_book_ns(m), m["data"]["u"], *best[0], *best[1])
        said.quotes[symbol].setdefault(quote.update_id, quote)


def _book(said: Said, symbol: str, m: dict[str, Any]) -> None:
    both = ((BID, m["data"]["b"]), (ASK, m["data"]["a"]))
    levels: list[Level] = [(side, *level) for side, side_levels in both for level in side_levels]
    update_id, snapshot = m["data"]["u"], m["type"] == "snapshot"
    change = Change(_book_ns(m), update_id, update_id, levels, snapshot)
    (said.snapshots if snapshot else said.updates)[symbol].append(change)
    said.books[symbol].append(change)


def _book_ns(m: dict[str, Any]) -> int:
    return int(m.get("cts", m["ts"])) * 10**6


def continues(_earlier: Sequence[bytes], _later: Sequence[bytes]) -> bool:
    """Every capture begins with snapshots of its own."""
    return False


# -- how the venue answers -------------------------------------------------------------------------


class Venue:
    """The listing by REST, a success for each request, a pong for each ping."""

    category = "spot"

    def __init__(self, symbols: Sequence[str], _snapshots: Mapping[str, Sequence[bytes]]) -> None:
        self._symbols = symbols
        self.wanted = {(symbol, channel) for symbol in symbols for channel in CHANNELS}

    def get(self, target: str) -> tuple[int, bytes]:
        """The answer to a GET request: status and body."""
        if not target.startswith(f"/v5/market/instruments-info?category={self.category}"):
            return 404, b"not found"
        listed = [{"symbol": symbol, "status": "Trading"} for symbol in self._symbols]
        result = {"category": self.category, "list": listed, "nextPageCursor": ""}
        return 200, json.dumps({"retCode": 0, "retMsg": "OK", "result": result}).encode()

    def hear(self, text: str, live: set[tuple[str, str]]) -> list[bytes]:
        """The answers to a request, whose subscriptions are added to those of the connection."""
        request = json.loads(text)
        if request["op"] == "ping":
            return [b'{"success":true,"ret_msg":"pong","conn_id":"played","op":"ping"}']
        assert request["op"] == "subscribe", text
        assert len(request["args"]) <= MOST_ARGS
        for topic in request["args"]:
            channel, _, symbol = topic.rpartition(".")
            live.add((symbol, channel))
        return [b'{"success":true,"ret_msg":"subscribe","conn_id":"played","op":"subscribe"}']
