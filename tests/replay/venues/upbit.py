"""Upbit played back: how it answers, and what its frames say, in either of its formats."""

from __future__ import annotations

import json
import struct
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

PLAYED = ("ws_*", "trade_*", "orderbook_*", "ticker_*")
"""Patterns of the names of captures that are played."""

TYPES = ("ticker", "trade", "orderbook")

LONG = {
    "ty": "type", "cd": "code", "tms": "timestamp", "ttms": "trade_timestamp", "tp": "trade_price",
    "tv": "trade_volume", "ab": "ask_bid", "sid": "sequential_id", "atv": "acc_trade_volume",
    "obu": "orderbook_units", "ap": "ask_price", "bp": "bid_price", "as": "ask_size",
    "bs": "bid_size",
}  # fmt: skip

_TAKER = {"ASK": SELL, "BID": BUY, None: UNKNOWN}


# -- what the frames say ---------------------------------------------------------------------------


def read(frames: Sequence[bytes], _snapshots: Mapping[str, Sequence[bytes]]) -> Said:
    """What the frames of one connection say."""
    said = Said(dense_ids=False)
    for frame in frames:
        read_frame = _plain(frame)
        for m in read_frame if isinstance(read_frame, list) else [read_frame]:
            code = m.get("code", "")
            match m.get("type"):
                case "trade":
                    trade = _trade(m)
                    said.trades[code].setdefault(trade.trade_id, trade)
                case "ticker":
                    tick = _tick(m)
                    said.ticks[code].setdefault((tick.time_ns, tick.sequence), tick)
                case "orderbook":
                    _book(said, code, m)
    return said


def _plain(frame: bytes) -> Any:  # noqa: ANN401 - whatever JSON says
    """A frame with long names, and numbers as the texts that were sent."""

    def spelled(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return {LONG.get(name, name): value for name, value in pairs}

    return json.loads(frame, parse_float=str, parse_int=str, object_pairs_hook=spelled)


def _trade(m: dict[str, Any]) -> Trade:
    time_ns, side = _ns(m["trade_timestamp"]), _TAKER[m["ask_bid"]]
    number = int(m["sequential_id"])
    return Trade(time_ns, number, m["trade_price"], m["trade_volume"], side, NO_UUID, NO_UUID)


def _tick(m: dict[str, Any]) -> Tick:
    """The day's volume tells tickers of a millisecond apart: the bits of its double."""
    (sequence,) = struct.unpack(">Q", struct.pack(">d", float(m.get("acc_trade_volume", "0"))))
    side = _TAKER[m.get("ask_bid")]
    volume = m.get("trade_volume")
    return Tick(_ns(m["timestamp"]), sequence, m["trade_price"], volume, side, None, None)


def _book(said: Said, code: str, m: dict[str, Any]) -> None:
    """Each message is a whole book, told apart by its time; a price of 0 is no level."""
    time_ns, stamp, units = _ns(m["timestamp"]), int(m["timestamp"]), m["orderbook_units"]
    if said.books[code] and said.books[code][-1].last_id == stamp:
        return
    levels = [
        (side, unit[f"{name}_price"], unit[f"{name}_size"])
        for side, name in ((BID, "bid"), (ASK, "ask"))
        for unit in units
        if float(unit[f"{name}_price"])
    ]
    book = Change(time_ns, 0, stamp, levels, snapshot=True)
    said.snapshots[code].append(book)
    said.books[code].append(book)
    best = {side: (price, size) for side, price, size in reversed(levels)}
    if best:
        quote = (*best.get(BID, (None, None)), *best.get(ASK, (None, None)))
        said.quotes[code].setdefault(stamp, Quote(time_ns, stamp, *quote))


def continues(_earlier: Sequence[bytes], _later: Sequence[bytes]) -> bool:
    """Every message about a book is a whole one."""
    return False


def _ns(text: str) -> int:
    """Milliseconds, or microseconds where there are so many."""
    return int(text) * (10**6 if int(text) < 10**15 else 10**3)


# -- how the venue answers -------------------------------------------------------------------------


class Venue:
    """The listing by REST; requests that replace each other, and a list of what is subscribed."""

    opcode = 2  # binary frames

    def __init__(self, symbols: Sequence[str], _snapshots: Mapping[str, Sequence[bytes]]) -> None:
        self._symbols = symbols
        self._asked: dict[str, list[str]] = {}
        self.wanted = {(symbol, kind) for symbol in symbols for kind in TYPES}

    def get(self, target: str) -> tuple[int, bytes]:
        """The answer to a GET request: status and body."""
        if target == "/v1/market/all?is_details=true":
            return 200, json.dumps([{"market": symbol} for symbol in self._symbols]).encode()
        return 404, b'{"error":{"name":404,"message":"Code not found"}}'

    def hear(self, text: str, live: set[tuple[str, str]]) -> list[bytes]:
        """The answers to a request.  What was asked for is live once it was listed."""
        ticket, *parts, form = json.loads(text)
        assert form == {"format": "DEFAULT"}, text
        if parts != [{"method": "LIST_SUBSCRIPTIONS"}]:
            self._asked = {part["type"]: part["codes"] for part in parts}
            live.clear()
            return []
        live |= {(code, kind) for kind, codes in self._asked.items() for code in codes}
        result = [{"type": kind, "codes": codes} for kind, codes in self._asked.items()]
        answer = {"method": "LIST_SUBSCRIPTIONS", "result": result, "ticket": ticket["ticket"]}
        return [json.dumps(answer).encode()]
