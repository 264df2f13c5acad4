"""The frame tap: data messages leave the stream in batches, everything else goes to the library.

A `FrameTap` sits between a stream and trio-websocket's reader.  The library sees the answer to the
upgrade request and all control frames, so it keeps doing handshake, pings and closing; the data
messages never reach it, because they would cost it 20 µs each.  Invariant: every complete data
message is handed to `on_frames` exactly once, in order, before anything that followed it.

The tap notes how the stream ended, because the library forgets; it puts nothing into words.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias, TypeVarTuple

import trio

from tick_logger.clock import WallClock
from tick_logger.model.payloads import Payloads
from tick_logger.net.wire.frames import FrameError, FrameSplitter, close_code, is_ping
from tick_logger.net.wire.push import push

MAX_ANSWER_BYTES = 64 * 1024  # of the answer to the upgrade request: head, and body of a refusal

OnFrames: TypeAlias = Callable[[int, Payloads], None]
"""Called with the receive time (ns since 1970) and the payloads of one read, at least one."""

_END_OF_HEAD = re.compile(rb"\n\r?\n")  # what h11 takes for it, so that both see the same head
_STATUS = slice(9, 12)  # in "HTTP/1.1 101 Switching Protocols"

Ts = TypeVarTuple("Ts")


class FrameTap(trio.abc.Stream):
    """A stream for trio-websocket's client side, from which the data messages have been taken.

    `on_frames` is called once per read that completed a data message, with the time at which that
    was received, where the stream notes one, or else the time right after the read; `on_ping` once
    per ping, since each will be answered by a pong that counts towards the venue's rate limit.
    Both must be quick and must not raise: what they raise ends the reader, and is kept in `crash`.
    """

    def __init__(
        self,
        inner: trio.abc.Stream,
        *,
        on_frames: OnFrames,
        on_ping: Callable[[], None],
        clock: WallClock,
        max_message_bytes: int,
    ) -> None:
        self._inner = inner
        self._on_frames = on_frames
        self._on_ping = on_ping
        self._clock = clock
        self._splitter = FrameSplitter(max_message_bytes)
        self._take: Callable[[int, bytes], bytes] = self._take_head
        self._answer = bytearray()
        self._last_ns = 0  # of what was read last: both kinds of time may stand beside each other
        self.status: int | None = None
        """The HTTP status that answered the upgrade request."""
        self.error: FrameError | trio.BrokenResourceError | None = None
        """What broke the stream, in either direction."""
        self.ended = False
        """Whether the peer ended the stream in order."""
        self.close_code: int | None = None
        """The code in the server's close frame; 1005 if it sent one without a code."""
        self.crash: Exception | None = None
        """What a callback raised: a bug, never the peer's fault."""

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """The next bytes that are for the library: the answer, control frames, or b"" at the end.

        `max_bytes` is not obeyed: how much is read is the transport's business, and little of it is
        passed on.  A breach of the protocol raises `trio.BrokenResourceError`, which the library
        takes for a reset; `error` then holds the `FrameError`.
        """
        passed = b""

        def take(data: bytes, noted_ns: int | None) -> bool:
            nonlocal passed
            recv_ns = self._clock.now_ns() if noted_ns is None else noted_ns
            recv_ns = self._last_ns = max(self._last_ns, recv_ns)
            if not data:
                self.ended = True
                return True
            passed = self._take(recv_ns, data)
            return bool(passed)

        try:
            await push(self._inner, take)
        except trio.BrokenResourceError as error:
            self.error = self.error or error
            raise
        return passed

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send through the inner stream."""
        try:
            await self._inner.send_all(data)
        except trio.BrokenResourceError as error:
            self.error = self.error or error
            raise

    async def wait_send_all_might_not_block(self) -> None:
        """Wait on the inner stream."""
        await self._inner.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the inner stream."""
        await self._inner.aclose()

    @property
    def refusal(self) -> tuple[dict[str, str], bytes]:
        """Headers (names in lower case) and body, as far as it came, of an answer that is no 101.

        The library hears of them only where it understands how the body ends.
        """
        end = _END_OF_HEAD.search(self._answer)
        if end is None or self.status == 101:
            return {}, b""
        lines = self._answer[: end.start()].decode("latin-1").splitlines()[1:]
        named = (line.partition(":") for line in lines)
        headers = {name.strip().lower(): value.strip() for name, _, value in named}
        return headers, bytes(self._answer[end.end() :])

    def _take_head(self, recv_ns: int, data: bytes) -> bytes:
        """Collect the answer's head; pass it on when it is complete, with what follows it."""
        searched = max(0, len(self._answer) - 2)
        self._answer += data
        end = _END_OF_HEAD.search(self._answer, searched)
        if end is None:
            self._check_answer()
            return b""
        status = bytes(self._answer[_STATUS])
        self.status = int(status) if status.isdigit() else None
        if self.status != 101:
            self._take = self._take_refusal
            return bytes(self._answer)
        self._take = self._take_frames
        frames = bytes(self._answer[end.end() :])
        del self._answer[end.end() :]
        return bytes(self._answer) + (self._take_frames(recv_ns, frames) if frames else b"")

    def _take_refusal(self, _recv_ns: int, data: bytes) -> bytes:
        """Pass on what follows the head of any answer but 101."""
        self._answer += data
        self._check_answer()
        return data

    def _take_frames(self, recv_ns: int, data: bytes) -> bytes:
        """Hand out the messages that `data` completes, and pass on the control frames."""
        try:
            payloads = self._splitter.push(data)
        except FrameError as breach:
            if breach.messages:
                self._call(self._on_frames, recv_ns, breach.messages)
            raise self._broken(breach) from breach
        if payloads:
            self._call(self._on_frames, recv_ns, payloads)
        control = self._splitter.take_control()
        if not control:
            return b""
        for frame in control:
            if is_ping(frame):
                self._call(self._on_ping)
            self.close_code = close_code(frame)
        return b"".join(control)

    def _call(self, callback: Callable[[*Ts], None], *arguments: *Ts) -> None:
        """Call back, and keep what it raises: the library's clean-up may lose it on the way."""
        try:
            callback(*arguments)
        except Exception as crash:
            self.crash = crash
            raise

    def _check_answer(self) -> None:
        """Refuse an answer that does not come to an end."""
        if len(self._answer) > MAX_ANSWER_BYTES:
            breach = FrameError("answer", f"over {MAX_ANSWER_BYTES} bytes before the first frame")
            raise self._broken(breach) from breach

    def _broken(self, breach: FrameError) -> trio.BrokenResourceError:
        """Note the breach; what to raise so that the library's reader ends."""
        self.error = breach
        return trio.BrokenResourceError(str(breach))
