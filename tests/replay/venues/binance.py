"""Binance played back: how it answers, and what its frames say."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

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

Snapshots = Mapping[str, Sequence[bytes]]  # REST answers by symbol, in the order of their taking

LISTED_AT_LEAST = 21
"""With more books than 20 the service asks for smaller snapshots, five times as often: a replay of
ten symbols need not wait half a minute.  The symbols that fill up are listed, but quiet."""

PLAYED = ("ws_*",)
"""Patterns of the names of captures that are played."""

CHANNELS = ("trade", "bookTicker", "ticker", "depth@100ms")


# -- what the frames say ---------------------------------------------------------------------------


def read(frames: Sequence[bytes], snapshots: Snapshots) -> Said:
    """What the frames of one connection say; kinds that are not recorded say nothing."""
    said, updates_seen = Said(), set[tuple[str, int]]()
    for frame in frames:
        message = json.loads(frame)
        kind, m = message.get("stream", "@").split("@")[1], message.get("data")
        if kind == "trade":
            side = SELL if m["m"] else BUY
            trade = Trade(_ns(m["T"]), m["t"], m["p"], m["q"], side, NO_UUID, NO_UUID)
            said.trades[m["s"]].setdefault(m["t"], trade)
        elif kind == "bookTicker":
            quote = Quote(None, m["u"], m["b"], m["B"], m["a"], m["A"])
            said.quotes[m["s"]].setdefault(m["u"], quote)
        elif kind == "ticker":
            last = max(m["L"], 0)
            tick = Tick(_ns(m["E"]), last, m["c"], m["Q"], UNKNOWN, m["b"], m["a"])
            said.ticks[m["s"]].setdefault((tick.time_ns, last), tick)
        elif kind == "depth" and (m["s"], m["u"]) not in updates_seen:
            updates_seen.add((m["s"], m["u"]))
            levels = _levels(m["b"], m["a"])
            said.updates[m["s"]].append(Change(_ns(m["E"]), m["U"], m["u"], levels))
    for symbol, updates in said.updates.items():
        _join(said, symbol, updates, snapshots.get(symbol, ()))
    return said


def _join(said: Said, symbol: str, updates: list[Change], bodies: Sequence[bytes]) -> None:
    """The documented way to keep a book: a snapshot, then the updates that it does not cover."""
    unbroken = len(updates)
    for number in range(1, len(updates)):
        last_id, first_id = updates[number - 1].last_id, updates[number].first_id
        if first_id > last_id + 1:
            unbroken = min(unbroken, number)
            said.broken_chains.add((symbol, "BOOK", last_id + 1, first_id - 1))
    covered = 0
    for body in bodies:
        m = json.loads(body)
        if m["lastUpdateId"] + 1 >= updates[0].first_id:
            covered = m["lastUpdateId"]
            snapshot = Change(None, 0, covered, _levels(m["bids"], m["asks"]), snapshot=True)
            said.snapshots[symbol].append(snapshot)
            said.books[symbol].append(snapshot)
            break
    said.books[symbol] += [u for u in updates[:unbroken] if u.last_id > covered]


def continues(earlier: Sequence[bytes], later: Sequence[bytes]) -> bool:
    """Whether the books of one capture go on in another without a hole."""
    before, after = _first_update(reversed(earlier)), _first_update(later)
    if before is None or after is None:
        return False
    return bool(before["s"] == after["s"] and before["u"] + 1 == after["U"])


def _first_update(frames: Iterable[bytes]) -> dict[str, Any] | None:
    depth = (json.loads(frame)["data"] for frame in frames if b"@depth" in frame)
    return next(depth, None)


def _ns(value: int) -> int:
    """Milliseconds, or the microseconds that newer recordings have."""
    return value * (10**6 if value < 10**14 else 10**3)


def _levels(bids: list[list[str]], asks: list[list[str]]) -> list[tuple[int, str, str]]:
    both = ((BID, bids), (ASK, asks))
    return [(side, price, size) for side, levels in both for price, size in levels]


# -- how the venue answers -------------------------------------------------------------------------


class Venue:
    """Listing and snapshots by REST, requests acknowledged by their ids."""

    def __init__(self, symbols: Sequence[str], snapshots: Snapshots) -> None:
        quiet = [f"QUIET{n:02}" for n in range(len(symbols), LISTED_AT_LEAST)]
        self._symbols = [*symbols, *quiet]
        self._snapshots = {symbol: list(bodies) for symbol, bodies in snapshots.items()}
        self.wanted = {(symbol, channel) for symbol in self._symbols for channel in CHANNELS}

    def get(self, target: str) -> tuple[int, bytes]:
        """The answer to a GET request: status and body."""
        parts = urlsplit(target)
        if parts.path == "/api/v3/exchangeInfo":
            return 200, json.dumps({"symbols": [_listed(s) for s in self._symbols]}).encode()
        bodies = self._snapshots.get(parse_qs(parts.query).get("symbol", [""])[0])
        if parts.path != "/api/v3/depth" or not bodies:
            return 404, b'{"code":-1121,"msg":"Invalid symbol."}'
        return 200, bodies.pop(0) if len(bodies) > 1 else bodies[0]

    def hear(self, text: str, live: set[tuple[str, str]]) -> list[bytes]:
        """The answers to a request, whose subscriptions are added to those of the connection."""
        request = json.loads(text)
        assert request["method"] == "SUBSCRIBE", text
        for stream in request["params"]:
            symbol, _, channel = stream.partition("@")
            live.add((symbol.upper(), channel))
        return [json.dumps({"result": None, "id": request["id"]}).encode()]


def _listed(symbol: str) -> dict[str, Any]:
    return {"symbol": symbol, "status": "TRADING", "isSpotTradingAllowed": True}
