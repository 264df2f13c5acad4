"""What recorded messages of the Coinbase Exchange feed are about, and the books that begin."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tick_logger.simulator.dialects import coinbase_texts as texts
from tick_logger.simulator.dialects.recorded import RecordedMessages
from tick_logger.simulator.listing import Listing

_CHANNELS = {
    "match": "matches",
    "last_match": "matches",
    "ticker": "ticker",
    "snapshot": "level2_batch",
    "l2update": "level2_batch",
    "heartbeat": "heartbeat",
}


class _Message(msgspec.Struct):
    type: str = ""
    product_id: str = ""


_decode = msgspec.json.Decoder(_Message).decode


class CoinbaseMessages(RecordedMessages):
    """Each has a type, of one channel, and names its product."""

    def keys(self, payload: bytes) -> Sequence[str]:
        """Channel and product.  Heartbeats are of a product too: they name its newest trade."""
        try:
            message = _decode(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return ()
        channel = _CHANNELS.get(message.type)
        return (f"{channel}:{message.product_id}",) if channel and message.product_id else ()

    def book(self, listing: Listing, topic: str, now_ns: int, variant: int) -> bytes:
        """A snapshot."""
        return texts.begin(listing, None, texts.IsoTimes().text(now_ns))[0]
