"""What recorded messages of Bybit are about, and the books and tickers that new subscribers get."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tick_logger.simulator.dialects import bybit_texts as texts
from tick_logger.simulator.dialects.bybit_requests import symbol_of
from tick_logger.simulator.dialects.recorded import RecordedMessages
from tick_logger.simulator.listing import Listing


class _Message(msgspec.Struct):
    topic: str = ""


_decode = msgspec.json.Decoder(_Message).decode
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class BybitMessages(RecordedMessages):
    """Each names its topic."""

    def keys(self, payload: bytes) -> Sequence[str]:
        """The topic."""
        try:
            topic = _decode(payload).topic
        except _UNREADABLE:
            return ()
        return (topic,) if symbol_of(topic) else ()

    def merged(self, before: bytes | None, payload: bytes) -> bytes:
        """A ticker with all fields that were ever told: a delta has those that changed."""
        if before is None or not payload.startswith(b'{"topic":"tickers.'):
            return payload
        try:
            told, new = msgspec.json.decode(before), msgspec.json.decode(payload)
            if new["type"] != "delta":
                return payload
            whole: dict[str, Any] = {**new, "type": told["type"]}
            whole["data"] = {**told["data"], **new["data"]}
        except (*_UNREADABLE, KeyError, TypeError):
            return payload
        return msgspec.json.encode(whole)

    def book(self, listing: Listing, topic: str, now_ns: int, variant: int) -> bytes:
        """A snapshot of as many levels as the topic is named for."""
        depth, book = int(topic.split(".")[1]), listing.book
        levels = texts.Levels(
            listing=listing,
            topic=topic,
            kind="snapshot",
            update_id=book.update_id,
            bids=book.levels(is_bid=True, limit=depth),
            asks=book.levels(is_bid=False, limit=depth),
        )
        return texts.book(levels, now_ns, variant)
