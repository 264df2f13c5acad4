"""Kraken played back: how it answers, and what its frames say."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
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
    iso_ns,
)

PLAYED = ("book_*", "trade_*", "ticker_*")
"""Patterns of the names of captures that are played; the others hold single frames."""

PRICE_DECIMALS, SIZE_DECIMALS = 1, 8
"""Of BTC/USD, the only symbol whose books were recorded."""

CHANNELS = ("ticker", "trade", "book")

_OLD_NAMES = {"BTC": "XBT", "DOGE": "XDG"}
_TAKER = {"buy": BUY, "sell": SELL}
_LEVEL = re.compile(rb'"price":([^,}]+),"qty":([^,}]+)')


def restored(frame: bytes) -> bytes:
    """A frame of a book with the zeros that two captures lost when others wrote them again.

    The recorded checksums, which are over these digits, say that this is what was sent.
    """
    if not frame.startswith(b'{"channel":"book"'):
        return frame

    def level(match: re.Match[bytes]) -> bytes:
        price, size = (Decimal(text.decode()) for text in match.groups())
        return f'"price":{price:.{PRICE_DECIMALS}f},"qty":{size:.{SIZE_DECIMALS}f}'.encode()

    return _LEVEL.sub(level, frame)


# -- what the frames say ---------------------------------------------------------------------------


def read(frames: Sequence[bytes], _snapshots: Mapping[str, Sequence[bytes]]) -> Said:
    """What the frames of one connection say; answers and heartbeats say nothing."""
    said = Said()
    for frame in frames:
        m = json.loads(frame, parse_float=str, parse_int=str)
        channel = m.get("channel")
        for data in m["data"] if channel in CHANNELS else ():
            symbol, sent = data["symbol"], data.get("timestamp")
            time_ns = None if sent is None else iso_ns(sent)
            if channel == "trade":
                trade_id, numbers = int(data["trade_id"]), (data["price"], data["qty"])
                trade = Trade(_known(time_ns), trade_id, *numbers, _TAKER[data["side"]], *NO_IDS)
                said.trades[symbol].setdefault(trade_id, trade)
            elif channel == "ticker":
                _ticker(said, symbol, data, _known(time_ns))
            else:
                _book(said, symbol, data, time_ns, snapshot=m["type"] == "snapshot")
    return said


NO_IDS = (NO_UUID, NO_UUID)


def _ticker(said: Said, symbol: str, data: dict[str, Any], time_ns: int) -> None:
    """Its count of trades tells tickers of one time apart; quotes have no number at all."""
    count = int(data["trades"])
    tick = Tick(time_ns, count, data["last"], None, UNKNOWN, data["bid"], data["ask"])
    said.ticks[symbol].setdefault((time_ns, count), tick)
    best = (data["bid"], data["bid_qty"], data["ask"], data["ask_qty"])
    said.quotes[symbol][len(said.quotes[symbol])] = Quote(time_ns, 0, *best)


def _book(
    said: Said, symbol: str, data: dict[str, Any], time_ns: int | None, *, snapshot: bool
) -> None:
    both = ((BID, data["bids"]), (ASK, data["asks"]))
    levels: list[Level] = [(side, v["price"], v["qty"]) for side, listed in both for v in listed]
    change = Change(time_ns, 0, 0, levels, snapshot=snapshot)
    (said.snapshots if snapshot else said.updates)[symbol].append(change)
    said.books[symbol].append(change)


def continues(_earlier: Sequence[bytes], _later: Sequence[bytes]) -> bool:
    """Every capture begins with snapshots of its own."""
    return False


def _known(time_ns: int | None) -> int:
    assert time_ns is not None
    return time_ns


# -- how the venue answers -------------------------------------------------------------------------


class Venue:
    """The listing by REST, and an answer for each symbol of a request."""

    def __init__(self, symbols: Sequence[str], _snapshots: Mapping[str, Sequence[bytes]]) -> None:
        self._symbols = symbols
        self.wanted = {(symbol, channel) for symbol in symbols for channel in CHANNELS}

    def get(self, target: str) -> tuple[int, bytes]:
        """The answer to a GET request: status and body."""
        if target != "/0/public/AssetPairs":
            return 200, b'{"error":["EGeneral:Unknown method"]}'
        names = [[_OLD_NAMES.get(n, n) for n in symbol.split("/")] for symbol in self._symbols]
        pairs = {"".join(pair): {"wsname": "/".join(pair), "status": "online"} for pair in names}
        return 200, json.dumps({"error": [], "result": pairs}).encode()

    def hear(self, text: str, live: set[tuple[str, str]]) -> list[bytes]:
        """The answers to a request, whose subscriptions are added to those of the connection."""
        request = json.loads(text)
        if request["method"] == "ping":
            return [b'{"method":"pong"}']
        assert request["method"] == "subscribe", text
        params = request["params"]
        channel = params["channel"]
        answers = []
        for symbol in params["symbol"]:
            live.add((symbol, channel))
            answer = {"method": "subscribe", "req_id": request["req_id"], "success": True}
            answers.append(answer | {"result": params | {"symbol": symbol}})
        return [json.dumps(answer).encode() for answer in answers]
