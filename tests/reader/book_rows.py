"""Rows of BOOK for tests, as plain dictionaries."""

from __future__ import annotations

from typing import Any

from tests.storage.sample import MIDNIGHT_NS

MS = 10**6
DAY_MS = 86_400_000
BID, ASK = 1, 0


def at(ms: int) -> int:
    """A moment, in ns, some ms after midnight."""
    return MIDNIGHT_NS + ms * MS


def row(ms: int, side: int, price: float, size: float, **fields: object) -> dict[str, Any]:
    """A level some ms after midnight, received a ms later."""
    common = {"event_ns": at(ms), "recv_ns": at(ms + 1), "seq": 0, "flags": 0}
    return {**common, "side": side, "price": price, "size": size, **fields}


def snapshot(ms: int, *levels: tuple[int, float, float], **fields: object) -> list[dict[str, Any]]:
    """The rows of one."""
    return [{**row(ms, *level), "flags": 1, **fields} for level in levels]
