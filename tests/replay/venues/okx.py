"""OKX played back: how it answers, and what its frames say.

The captures hold what one connection was sent; the recorder asks for the same on two, one of them
for single trades.  Each frame goes to the one that asked for what it is about.
"""

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
)

PLAYED = ("ws_*", "books_*", "trades_*", "tickers_*")
"""Patterns of the names of captures that are played."""

CHANNELS = ("tickers", "trades-all", "bbo-tbt", "books")
ASKED_AS = {"trades": "trades-all", "books-l2-tbt": "books"}
"""What the recorder asks for, where a capture has something else that says the same."""

_TAKER = {"buy": BUY, "sell": SELL}


# -- what the frames say ---------------------------------------------------------------------------


def read(frames: Sequence[bytes], _snapshots: Mapping[str, Sequence[bytes]]) -> Said:
    """What the frames of one connection say."""
    said = Said(dense_ids=False)
    for frame in frames:
        message = json.loads(frame)
        symbol, channel = message["arg"]["instId"], message["arg"]["channel"]
        for m in message.get("data", []):
            time_ns = int(m["ts"]) * 10**6
            if channel.startswith("trades"):
                trade_id, side = int(m["tradeId"]), _TAKER[m["side"]]
                trade = Trade(time_ns, trade_id, m["px"], m["sz"], side, NO_UUID, NO_UUID)
                said.trades[symbol].setdefault(trade_id, trade)
            elif channel == "tickers":
                numbers = [m[name] or None for name in ("last", "lastSz", "bidPx", "askPx")]
                price, volume, bid, ask = numbers
                tick = Tick(time_ns, 0, price, volume, UNKNOWN, bid, ask)
                said.ticks[symbol].setdefault((time_ns, 0), tick)
            elif channel == "bbo-tbt":
                (bid, bid_size), (ask, ask_size) = (_best(m[side]) for side in ("bids", "asks"))
                quote = Quote(time_ns, m["seqId"], bid, bid_size, ask, ask_size)
                said.quotes[symbol].setdefault(quote.update_id, quote)
            else:
                _book(said, symbol, time_ns, m, snapshot=message.get("action") == "snapshot")
    return said


def _best(levels: list[list[str]]) -> tuple[str | None, str | None]:
    return (levels[0][0], levels[0][1]) if levels else (None, None)


def _book(said: Said, symbol: str, time_ns: int, m: dict[str, Any], *, snapshot: bool) -> None:
    """In the captures every chain is whole, so each message changes the book."""
    both = ((BID, m["bids"]), (ASK, m["asks"]))
    levels = [(side, *level[:2]) for side, of_side in both for level in of_side]
    change = Change(time_ns, m.get("prevSeqId", 0), m.get("seqId", 0), levels, snapshot)
    if levels:
        (said.snapshots if snapshot else said.updates)[symbol].append(change)
        said.books[symbol].append(change)


def continues(_earlier: Sequence[bytes], _later: Sequence[bytes]) -> bool:
    """Every capture of books begins with snapshots of its own."""
    return False


# -- how the venue answers -------------------------------------------------------------------------


class Venue:
    """The listing by REST; each argument of a request acknowledged by itself, on any connection."""

    def __init__(self, symbols: Sequence[str], _snapshots: Mapping[str, Sequence[bytes]]) -> None:
        self._symbols = symbols
        self.wanted = {(symbol, channel) for symbol in symbols for channel in CHANNELS}

    def get(self, target: str) -> tuple[int, bytes]:
        """The answer to a GET request: status and body."""
        if target != "/api/v5/public/instruments?instType=SPOT":
            return 404, b'{"code":"404","data":[],"msg":"Not Found"}'
        listed = [{"instId": s, "instType": "SPOT", "state": "live"} for s in self._symbols]
        return 200, json.dumps({"code": "0", "data": listed, "msg": ""}).encode()

    def hear(self, text: str, live: set[tuple[str, str]]) -> list[bytes]:
        """The answers to a request, whose subscriptions are added to those of the connection."""
        if text == "ping":
            return [b"pong"]
        request = json.loads(text)
        assert request["op"] == "subscribe", text
        answers = []
        for arg in request["args"]:
            live.add((arg["instId"], arg["channel"]))
            answers.append({"id": request["id"], "event": "subscribe", "arg": arg, "connId": "x"})
        return [json.dumps(answer).encode() for answer in answers]

    def about(self, frame: bytes) -> tuple[str, str]:
        """The subscription that a frame belongs to."""
        arg = json.loads(frame)["arg"]
        return arg["instId"], ASKED_AS.get(arg["channel"], arg["channel"])
