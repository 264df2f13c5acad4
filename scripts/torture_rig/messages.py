"""What the bytes that a simulated exchange sent say, read as anybody may who knows the protocol.

Only whole, unmasked WebSocket frames in one piece are understood, which is how the simulator sends
them.  Messages that become no compared rows are passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from scripts.torture_rig.rows import NO_ORDER

_TEXT = 1
_BUY, _SELL, _UNKNOWN = 1, 0, 2
_MICROSECOND_NS = 1000  # the unit of the times that the recorder asks for, where it may choose


class Row(NamedTuple):
    """One row that a message announces; `sequence` tells apart rows that are otherwise equal."""

    table: str
    symbol: str
    sequence: int
    values: tuple[int | float | bytes, ...]  # in the order of the fields of `rows.RECORDS`


def payloads(data: bytes | bytearray | memoryview) -> Iterator[bytes]:
    """The text messages in whole WebSocket frames; nothing for an HTTP answer."""
    view = bytes(data)
    if view.startswith(b"HTTP/"):
        return
    at = 0
    while at < len(view):
        size, start = view[at + 1], at + 2
        extended = {126: 2, 127: 8}.get(size, 0)
        if extended:
            size = int.from_bytes(view[start : start + extended], "big")
        start += extended
        if view[at] & 0x0F == _TEXT:
            yield view[start : start + size]
        at = start + size


def row_of(payload: bytes) -> Row | None:
    """The row that a message announces, whichever exchange it is of."""
    message = json.loads(payload)
    if "type" in message:
        return _typed(message)
    if "stream" in message:
        return _streamed(message["stream"].partition("@")[2], message["data"])
    return None


def _typed(m: dict[str, Any]) -> Row | None:
    if m["type"] in ("match", "last_match"):
        side = _SELL if m["side"] == "buy" else _BUY  # the message has the maker's
        orders = (_uuid(m["maker_order_id"]), _uuid(m["taker_order_id"]))
        numbers = (float(m["price"]), float(m["size"]))
        values = (_iso_ns(m["time"]), m["trade_id"], *numbers, side, *orders)
        return Row("TRADES", m["product_id"], m["trade_id"], values)
    if m["type"] == "ticker":
        side = _BUY if m["side"] == "buy" else _SELL
        last = (float(m["price"]), float(m["last_size"]), side)
        best = (float(m["best_bid"]), float(m["best_ask"]))
        return Row("MD", m["product_id"], m["trade_id"], (_iso_ns(m["time"]), *last, *best))
    return None


def _streamed(kind: str, m: dict[str, Any]) -> Row | None:
    if kind == "trade":
        side = _SELL if m["m"] else _BUY
        numbers = (float(m["p"]), float(m["q"]))
        values = (m["T"] * _MICROSECOND_NS, m["t"], *numbers, side, NO_ORDER, NO_ORDER)
        return Row("TRADES", m["s"], m["t"], values)
    if kind == "ticker":
        last = (float(m["c"]), float(m["Q"]), _UNKNOWN)
        best = (float(m["b"]), float(m["a"]))
        return Row("MD", m["s"], m["L"], (m["E"] * _MICROSECOND_NS, *last, *best))
    if kind == "bookTicker":
        sides = (float(m["b"]), float(m["B"]), float(m["a"]), float(m["A"]))
        return Row("QUOTES", m["s"], m["u"], (m["u"], *sides))
    return None


def _iso_ns(text: str) -> int:
    return int(np.datetime64(text.removesuffix("Z"), "ns").astype(np.int64))


def _uuid(text: str) -> bytes:
    return bytes.fromhex(text.replace("-", ""))
