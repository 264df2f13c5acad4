"""What recorded messages of Binance's combined streams are about."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tick_logger.simulator.dialects.recorded import RecordedMessages


class _Envelope(msgspec.Struct):
    stream: str = ""
    data: msgspec.Raw = msgspec.Raw()


_decode = msgspec.json.Decoder(_Envelope).decode


class BinanceMessages(RecordedMessages):
    """Each names its stream."""

    def keys(self, payload: bytes) -> Sequence[str]:
        """The stream."""
        envelope = _read(payload)
        return (envelope.stream,) if envelope.stream else ()


def unwrapped(payload: bytes) -> bytes:
    """A message as connections of single streams get it."""
    return bytes(_read(payload).data) or payload


def _read(payload: bytes) -> _Envelope:
    try:
        return _decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _Envelope()
