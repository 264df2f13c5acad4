"""What recorded messages of Upbit are about, and how they look in the other formats."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from tick_logger.simulator.dialects import upbit_texts as texts
from tick_logger.simulator.dialects.recorded import RecordedMessages
from tick_logger.simulator.dialects.upbit_requests import TYPES

_NAME = re.compile(rb'"(\w+)":')


class _Message(msgspec.Struct):
    type: str = ""
    code: str = ""
    ty: str = ""
    cd: str = ""


_decode = msgspec.json.Decoder(_Message).decode
_decode_list = msgspec.json.Decoder(list[_Message]).decode


class UpbitMessages(RecordedMessages):
    """Each names its type and its code, in words of one format or the other."""

    def keys(self, payload: bytes) -> Sequence[str]:
        """Type and code, of each message where it is a list of some."""
        try:
            listed = payload.startswith(b"[")
            messages = _decode_list(payload) if listed else [_decode(payload)]
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return ()
        found = ((each.type or each.ty, each.code or each.cd) for each in messages)
        return list(dict.fromkeys(f"{kind}:{code}" for kind, code in found if kind in TYPES))

    def key(self, topic: str) -> str:
        """Type and code: how many levels were asked for is in no message."""
        return topic.partition(".")[0]


def formatted(payload: bytes, variant: int) -> bytes:
    """A message with the names, and in the list, of this variant; its numbers stay as they are."""
    listed = payload.startswith(b"[")
    simple = payload.lstrip(b"[").startswith(b'{"ty"')
    if simple != bool(variant & texts.SIMPLE):
        names = _LONG if simple else _SHORT
        payload = _NAME.sub(lambda found: b'"%b":' % names.get(found[1], found[1]), payload)
    if variant & texts.LIST and not listed:
        return b"[%b]" % payload
    return payload


_SHORT: Mapping[bytes, bytes] = {
    long.encode(): short.encode() for long, short in texts.SHORT_NAMES.items()
}
_LONG: Mapping[bytes, bytes] = {short: long for long, short in _SHORT.items()}
