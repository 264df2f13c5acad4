"""What recorded messages of OKX are about, and the books that new subscribers get."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tick_logger.simulator.dialects import okx_texts as texts
from tick_logger.simulator.dialects.okx_requests import CHANNELS, Topic
from tick_logger.simulator.dialects.recorded import RecordedMessages
from tick_logger.simulator.listing import Listing


class _Arg(msgspec.Struct):
    channel: str = ""
    instId: str = ""  # noqa: N815 (the venue's name)


class _Message(msgspec.Struct):
    arg: _Arg | None = None
    event: str = ""


_decode = msgspec.json.Decoder(_Message).decode


class OkxMessages(RecordedMessages):
    """Each repeats the argument of its subscription."""

    def keys(self, payload: bytes) -> Sequence[str]:
        """Channel and instrument."""
        try:
            message = _decode(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return ()
        if message.event or message.arg is None or message.arg.channel not in CHANNELS:
            return ()
        return (str(Topic(message.arg.channel, message.arg.instId)),)

    def book(self, listing: Listing, topic: str, now_ns: int, variant: int) -> bytes:
        """A snapshot, which the next update names as the one before it."""
        return texts.begin(listing, None, now_ns)[0]
