"""The bytes of one connection: frames out, frames counted in, and a connection that goes dead.

`Wire` lies between a transport and the WebSocket implementation, which keeps doing handshake,
pings and close.  It serialises writers, so that whole batches of ready-made data frames can be
sent beside the implementation's own control frames, and it tells about every frame that the
client sends, because the venues' limits count control frames too.
"""

from __future__ import annotations

from collections.abc import Callable

import trio

CONTINUATION, CLOSE = 0, 8  # opcodes


def close_frame(code: int, reason: str) -> bytes:
    """A close frame."""
    return frame(CLOSE, code.to_bytes(2, "big") + reason.encode())


def frame(opcode: int, payload: bytes) -> bytes:
    """One unmasked, unfragmented WebSocket frame."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, size))
    elif size < 1 << 16:
        head = bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big")
    return head + payload


def payload_of(ready_frame: bytes) -> bytes:
    """What is in a frame made by `frame`."""
    return ready_frame[{126: 4, 127: 10}.get(ready_frame[1], 2) :]


class FrameCounter:
    """Finds the frames that begin in a client's bytes, which may be split anywhere."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._skip = 0

    def feed(self, data: bytes | bytearray) -> list[int]:
        """The opcodes of the messages and control frames that begin in `data`."""
        opcodes = []
        position = 0
        while position < len(data):
            if self._skip:
                step = min(self._skip, len(data) - position)
                self._skip -= step
                position += step
                continue
            self._head.append(data[position])
            position += 1
            size = self._payload_size()
            if size is None:
                continue
            opcode = self._head[0] & 0x0F
            if opcode != CONTINUATION:
                opcodes.append(opcode)
            self._skip = size
            self._head.clear()
        return opcodes

    def _payload_size(self) -> int | None:
        """The payload's size, once the head is complete."""
        if len(self._head) < 2:
            return None
        short = self._head[1] & 0x7F
        extended = {126: 2, 127: 8}.get(short, 0)
        mask = 4 if self._head[1] & 0x80 else 0
        if len(self._head) < 2 + extended + mask:
            return None
        return int.from_bytes(self._head[2 : 2 + extended], "big") if extended else short


class Wire(trio.abc.Stream):
    """A stream whose first bytes were already read, with several writers.

    `frozen` makes it half-open: nothing is read or written any more, and nobody is told.
    `closing` keeps what the client still sends from the WebSocket implementation, which does not
    know that a close frame was sent and would go on answering.
    """

    def __init__(
        self, stream: trio.abc.Stream, head: bytes, on_frame: Callable[[int], None]
    ) -> None:
        self._stream = stream
        self._head = head
        self._on_frame = on_frame
        self._counter = FrameCounter()
        self._writers = trio.Lock()
        self.frozen = False
        self.closing = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes, after those of the writers that came first.

        Cancellation: part of the bytes may have been sent; the connection is of no more use.
        """
        async with self._writers:
            await self._sleep_if_frozen()
            await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the transport takes more bytes."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Bytes from the client; the head of the HTTP request comes first, uncounted."""
        if self._head:
            head, self._head = self._head, b""
            await trio.lowlevel.checkpoint()
            return head
        while True:
            await self._sleep_if_frozen()
            data = await self._stream.receive_some(max_bytes)
            await self._sleep_if_frozen()
            for opcode in self._counter.feed(data):
                self._on_frame(opcode)
            if not data or not self.closing:
                return data

    async def aclose(self) -> None:
        """Close the transport."""
        await self._stream.aclose()

    async def _sleep_if_frozen(self) -> None:
        if self.frozen:
            await trio.sleep_forever()
