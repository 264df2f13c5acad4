"""What recorded messages of Coinbase Advanced Trade are about, and the books that begin.

Each message has a number on its connection.  What was recorded on one connection is sent on
others, where other messages come between: there it gets the number that is next.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec

from tick_logger.simulator.dialects import coinbase_advanced_texts as texts
from tick_logger.simulator.dialects.coinbase_advanced_requests import topic as topic_of
from tick_logger.simulator.dialects.recorded import RecordedMessages
from tick_logger.simulator.listing import Listing

NAMED = {"level2": "l2_data"}
"""Channels whose messages bear another name."""

_CHANNELS = {"ticker": "ticker", "market_trades": "market_trades", "l2_data": "level2"}
_NUMBER = re.compile(rb'"sequence_num":\s*\d+')


class _About(msgspec.Struct):
    product_id: str = ""


class _Event(msgspec.Struct):
    product_id: str = ""
    tickers: list[_About] = []
    trades: list[_About] = []


class _Message(msgspec.Struct):
    channel: str = ""
    events: list[_Event] = []


_decode = msgspec.json.Decoder(_Message).decode


class CoinbaseAdvancedMessages(RecordedMessages):
    """Each names its channel; the products stand in its events."""

    def keys(self, payload: bytes) -> Sequence[str]:
        """Channel and product, of each product in it."""
        try:
            message = _decode(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return ()
        channel = _CHANNELS.get(message.channel)
        if channel is None:
            return ()
        products: dict[str, None] = {}
        for event in message.events:
            names = [event.product_id, *(each.product_id for each in event.tickers + event.trades)]
            products |= dict.fromkeys(filter(None, names))
        return [topic_of(channel, product) for product in products]

    def identity(self, payload: bytes) -> bytes:
        """All but the number."""
        return _NUMBER.sub(b"", payload, count=1)

    def book(self, listing: Listing, topic: str, now_ns: int, variant: int) -> bytes:
        """A snapshot, with no number yet."""
        when = texts.time_text(now_ns)
        return texts.envelope(NAMED["level2"], when, 0, texts.begin(listing, None, when)[0])


def numbered(payload: bytes, take: Callable[[], int]) -> bytes:
    """A message with the number that is taken instead of its own; one without any takes none."""
    return _NUMBER.sub(lambda _: b'"sequence_num":%d' % take(), payload, count=1)
