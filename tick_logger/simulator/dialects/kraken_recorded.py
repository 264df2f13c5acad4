"""What recorded messages of Kraken are about, and the books that new subscribers get.

A message names channel and pair.  A subscription has a depth or a trigger besides, which stands in
none of its messages.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tick_logger.simulator.dialects import kraken_texts as texts
from tick_logger.simulator.dialects.recorded import RecordedMessages
from tick_logger.simulator.listing import Listing

_CHANNELS = frozenset({"ticker", "trade", "book"})


class _About(msgspec.Struct):
    symbol: str = ""


class _Message(msgspec.Struct):
    channel: str = ""
    data: list[_About] = []


_decode = msgspec.json.Decoder(_Message).decode


class KrakenMessages(RecordedMessages):
    """Each names its channel, and the pairs in it."""

    def keys(self, payload: bytes) -> Sequence[str]:
        """Channel and pair."""
        try:
            message = _decode(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return ()
        if message.channel not in _CHANNELS:
            return ()
        symbols = dict.fromkeys(each.symbol for each in message.data if each.symbol)
        return [f"{message.channel}:{symbol}" for symbol in symbols]

    def key(self, topic: str) -> str:
        """The topic without depth or trigger."""
        channel, _, rest = topic.partition(":")
        return f"{channel}:{rest.partition(':')[2]}"

    def book(self, listing: Listing, topic: str, now_ns: int, variant: int) -> bytes:
        """A snapshot of the topic's depth, with its checksum."""
        depth, book = int(topic.split(":")[1]), listing.book
        sides = book.levels(is_bid=True, limit=depth), book.levels(is_bid=False, limit=depth)
        return texts.book("snapshot", listing.spec, sides, sides, now_ns)
