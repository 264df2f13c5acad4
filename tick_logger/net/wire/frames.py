"""Splits what a WebSocket server sends into messages, without doing any input or output.

Invariant: the payloads handed out are, byte for byte and in order, those of the data messages whose
last byte has been pushed in; control frames come out raw, for the WebSocket library to judge and
answer.  Nothing larger than the message limit is ever collected.

The splitter begins after the head of the HTTP response.  It does not check that text is UTF-8,
because the decoder of the payload does; it does not know extensions, because none is offered.
"""

from __future__ import annotations

import struct

from tick_logger import core
from tick_logger.errors import TickLoggerError
from tick_logger.model.payloads import NO_PAYLOADS, Payloads

_LONGEST_7_BIT = 125
_LENGTH_16_BIT = 126
_LENGTH_64_BIT = 127

# The first two bytes of the frames on the hot path: whole messages, header of 4 bytes at most.
_WHOLE_16_BIT = (0x817E, 0x827E)  # text or binary with a 16-bit length
_TEXT_EMPTY = 0x8100
_TEXT_LONGEST = _TEXT_EMPTY + _LONGEST_7_BIT
_HOT_HEADER_BYTES = 4

_FINAL = 0x80
_RESERVED = 0x70
_OPCODE = 0x0F
_MASKED = 0x80
_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING = 0x0, 0x1, 0x2, 0x8, 0x9
_FIRST_CONTROL = 0x8

_two_shorts = struct.Struct("!HH").unpack_from


class FrameError(TickLoggerError):
    """The server broke the framing rules, or sent more than is allowed; nothing after it counts.

    `cause` is one word; `messages` are the complete messages of the same `push` before the breach.
    """

    def __init__(self, cause: str, detail: str) -> None:
        self.cause = cause
        self.messages: Payloads = NO_PAYLOADS
        super().__init__(f"{cause}: {detail}")


def is_ping(frame: bytes) -> bool:
    """Whether a raw control frame is a ping."""
    return frame[0] & _OPCODE == _PING


def close_code(frame: bytes) -> int | None:
    """The status code that a raw close frame carries, 1005 if it carries none, else None."""
    if frame[0] & _OPCODE != _CLOSE:
        return None
    payload = frame[2:]  # a control frame's header is two bytes
    return int.from_bytes(payload[:2], "big") if len(payload) > 1 else 1005


class FrameSplitter:
    """Takes bytes as they come and gives back whole messages; one instance per connection."""

    def __init__(self, max_message_bytes: int) -> None:
        self._limit = max_message_bytes
        self._held = bytearray()  # the beginning of a frame, at most a header and one message
        self._needed = 0  # bytes that must be held before looking again is of any use
        self._fragments: bytearray | None = None  # payload so far of a fragmented message
        self._control: list[bytes] = []
        self._closed = False
        self._error: FrameError | None = None

    def push(self, data: bytes) -> Payloads:
        """Payloads of the data messages that `data` completes, text and binary alike.

        Control frames are kept for `take_control`, which must be called after each push.  What
        follows a close frame is ignored, as the protocol demands.  Raises `FrameError`, and again
        on every later call.
        """
        if self._error is not None:
            raise FrameError(self._error.cause, "after an earlier breach")
        if self._closed:
            return NO_PAYLOADS
        if self._held:
            self._held += data
            if len(self._held) < self._needed:
                return NO_PAYLOADS
            data = bytes(self._held)
            self._held.clear()
        parts: list[Payloads] = []
        try:
            self._split(data, parts)
        except FrameError as error:
            error.messages = Payloads.joined(parts)
            self._error = error
            raise
        return Payloads.joined(parts)

    def take_control(self) -> list[bytes]:
        """The raw control frames since the last call, in order."""
        control = self._control
        if control:
            self._control = []
        return control

    def _split(self, data: bytes, parts: list[Payloads]) -> None:
        """Append all complete messages, and hold what is left over."""
        split = _split_whole if core.compiled is None else _split_compiled
        position = 0
        end = len(data)
        while position < end and not self._closed:
            if self._fragments is None:
                position = split(data, position, self._limit, parts)
                if position == end:
                    return
            after = self._take_frame(data, position, parts)
            if after is None:
                self._held += data[position:]
                return
            position = after

    def _take_frame(self, data: bytes, position: int, parts: list[Payloads]) -> int | None:
        """Take one frame of any kind; where it ends, or None if it is not complete yet."""
        available = len(data) - position
        if available < 2:
            self._needed = 2
            return None
        first, length = data[position], data[position + 1]
        self._check_header(first, length)
        header_bytes = 4 if length == _LENGTH_16_BIT else 10 if length == _LENGTH_64_BIT else 2
        if available < header_bytes:
            self._needed = header_bytes
            return None
        start = position + header_bytes
        if header_bytes > 2:
            length = _checked_length(data[position + 2 : start])
        opcode = first & _OPCODE
        if opcode < _FIRST_CONTROL:
            self._check_size(length)
        if available < header_bytes + length:
            self._needed = header_bytes + length
            return None
        after = start + length
        if opcode >= _FIRST_CONTROL:
            self._control.append(data[position:after])
            self._closed = opcode == _CLOSE
        else:
            self._add_data(data[start:after], bool(first & _FINAL), parts)
        return after

    def _check_header(self, first: int, second: int) -> None:
        """Refuse what the first two bytes already show to be wrong."""
        opcode = first & _OPCODE
        if second & _MASKED:
            raise FrameError("masked", "a server must not mask its frames")
        if opcode >= _FIRST_CONTROL:
            if second > _LONGEST_7_BIT:
                raise FrameError("control", "a control frame is longer than 125 bytes")
            return
        if first & _RESERVED:
            raise FrameError("reserved", f"reserved bits are set in 0x{first:02x}")
        if opcode > _BINARY:
            raise FrameError("opcode", f"0x{opcode:x} is not a kind of data frame")
        if opcode == _CONTINUATION and self._fragments is None:
            raise FrameError("continuation", "there is no message to continue")
        if opcode != _CONTINUATION and self._fragments is not None:
            raise FrameError("interleaved", "a message begins inside a fragmented message")

    def _check_size(self, length: int) -> None:
        """Refuse a message over the limit as soon as its size is announced."""
        size = length + len(self._fragments or b"")
        if size > self._limit:
            raise FrameError("size", f"{size} bytes in a message, {self._limit} are allowed")

    def _add_data(self, payload: bytes, final: bool, parts: list[Payloads]) -> None:
        """Add a data frame, which may be a whole message or a fragment of one."""
        if self._fragments is None and final:
            parts.append(Payloads.of([payload]))
            return
        if self._fragments is None:
            self._fragments = bytearray()
        self._fragments += payload
        if final:
            parts.append(Payloads.of([bytes(self._fragments)]))
            self._fragments = None


def _split_compiled(data: bytes, position: int, limit: int, parts: list[Payloads]) -> int:
    """As `_split_whole`, by the compiled core."""
    assert core.compiled is not None
    block, packed, position = core.compiled.split(data, position, limit)
    if packed:
        parts.append(Payloads(block, packed))
    return position


def _split_whole(data: bytes, position: int, limit: int, parts: list[Payloads]) -> int:
    """Append the messages from `position` on that are whole and shorter than 64 KiB.

    Returns where it stopped: at a frame of any other kind, a wrong one or an incomplete one.
    This is the hot path: one turn per message, and no call that builds anything but the payload.
    """
    messages: list[bytes] = []
    end = len(data)
    last = end - _HOT_HEADER_BYTES
    while position <= last:
        start_of_frame, size = _two_shorts(data, position)
        if start_of_frame in _WHOLE_16_BIT:
            if size <= _LONGEST_7_BIT:
                break
            start = position + 4
        elif _TEXT_EMPTY <= start_of_frame <= _TEXT_LONGEST:
            size = start_of_frame - _TEXT_EMPTY
            start = position + 2
        else:
            break
        stop = start + size
        if stop > end or size > limit:
            break
        messages.append(data[start:stop])
        position = stop
    if messages:
        parts.append(Payloads.of(messages))
    return position


def _checked_length(extended: bytes) -> int:
    """The payload length in the 2 or 8 bytes after the header's first two."""
    length = int.from_bytes(extended, "big")
    if len(extended) == 2 and length <= _LONGEST_7_BIT:
        raise FrameError("length", f"{length} bytes announced in 16 bits")
    if len(extended) == 8 and (length <= 0xFFFF or length >> 63):
        raise FrameError("length", f"{length} bytes announced in 64 bits")
    return length
