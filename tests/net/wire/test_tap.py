"""What the tap hands out, what it passes on, and what it notes about the end."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import trio

from tests.net.wire.bytes_sent import data_frame
from tick_logger.clock import ManualClock
from tick_logger.net.wire.frames import FrameError
from tick_logger.net.wire.tap import FrameTap

HEAD = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


class Script(trio.abc.Stream):
    """A stream whose reads are given, one per call, and which keeps what is sent."""

    def __init__(self, reads: Sequence[bytes | Exception]) -> None:
        self._reads = iter(reads)
        self.sent = b""
        self.closed = False
        self.broken: Exception | None = None

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """The next read, or the end."""
        await trio.lowlevel.checkpoint()
        read = next(self._reads, b"")
        if isinstance(read, Exception):
            raise read
        return read

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Keep it, or break."""
        if self.broken is not None:
            raise self.broken
        self.sent += data

    async def wait_send_all_might_not_block(self) -> None:
        """It never blocks."""

    async def aclose(self) -> None:
        """Note it."""
        self.closed = True


class Tapped:
    """A tap over a script, and all that it said."""

    def __init__(self, *reads: bytes | Exception, max_message_bytes: int = 1 << 20) -> None:
        self.clock = ManualClock(1_000)
        self.batches: list[tuple[int, Sequence[bytes]]] = []
        self.pings = 0
        self.script = Script(reads)
        self.tap = FrameTap(
            self.script,
            on_frames=self.on_frames,
            on_ping=self.on_ping,
            clock=self.clock,
            max_message_bytes=max_message_bytes,
        )

    def on_frames(self, recv_ns: int, payloads: Sequence[bytes]) -> None:
        """Keep a batch; time goes on."""
        self.batches.append((recv_ns, payloads))
        self.clock.set_ns(recv_ns + 1_000)

    def on_ping(self) -> None:
        """Count a ping."""
        self.pings += 1

    async def passed(self) -> bytes:
        """All that is passed on to the library."""
        passed = b""
        while data := await self.tap.receive_some():
            passed += data
        return passed


async def test_messages_go_to_the_callback_and_controls_to_the_library() -> None:
    """The library gets the answer and the raw control frames, the callback all the rest."""
    tapped = Tapped(HEAD, data_frame(b"a") + b"\x89\x01p" + data_frame(b"b"))
    passed = await tapped.passed()
    assert passed == HEAD + b"\x89\x01p"
    assert tapped.batches == [(1_000, [b"a", b"b"])]


async def test_one_call_per_read_with_the_time_of_that_read() -> None:
    """A batch carries the time at which its last byte left the socket."""
    first, second = data_frame(b"a"), data_frame(b"b")
    tapped = Tapped(HEAD, first + second[:2], second[2:] + data_frame(b"c"))
    await tapped.passed()
    assert tapped.batches == [(1_000, [b"a"]), (2_000, [b"b", b"c"])]


async def test_a_read_that_completes_no_message_makes_no_call() -> None:
    """Beginnings of frames and control frames alone are no batch."""
    tapped = Tapped(HEAD, b"\x81\x05ab", b"\x8a\x00"[:1])
    assert await tapped.passed() == HEAD
    assert tapped.batches == []


@pytest.mark.parametrize("place", range(1, len(HEAD)))
async def test_the_head_ends_where_it_ends_however_it_is_cut(place: int) -> None:
    """The head may arrive in two reads, the second with frames behind it."""
    tapped = Tapped(HEAD[:place], HEAD[place:] + data_frame(b"a") + b"\x8a\x00")
    assert await tapped.passed() == HEAD + b"\x8a\x00"
    assert tapped.batches == [(1_000, [b"a"])]


async def test_a_head_with_bare_line_feeds_ends_where_the_library_thinks() -> None:
    """h11 takes bare line feeds for line ends; the tap must not disagree with it."""
    head = HEAD.replace(b"\r\n\r\n", b"\r\n\n")
    tapped = Tapped(head + data_frame(b"a"))
    assert await tapped.passed() == head
    assert tapped.batches == [(1_000, [b"a"])]


async def test_a_refusal_is_passed_through_whole() -> None:
    """Whatever follows a status other than 101 is for the library, even if it looks like frames."""
    refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nno"
    tapped = Tapped(refusal, data_frame(b"a"))
    assert await tapped.passed() == refusal + data_frame(b"a")
    assert tapped.batches == []
    assert tapped.tap.status == 403


@pytest.mark.parametrize("start", [b"HTTP/1.1 101 ", b"HTTP/1.1 403 Forbidden\r\n\r\n"])
async def test_an_endless_answer_is_a_breach(start: bytes) -> None:
    """Neither a head nor a refusal's body is collected or passed on for ever."""
    tapped = Tapped(start, *[bytes(20_000)] * 4)
    with pytest.raises(trio.BrokenResourceError):
        await tapped.passed()
    assert isinstance(tapped.tap.error, FrameError)
    assert tapped.tap.error.cause == "answer"


async def test_a_breach_breaks_the_stream_after_the_good_messages() -> None:
    """The library sees a broken stream, the tap keeps the reason, the good messages are kept."""
    tapped = Tapped(HEAD, data_frame(b"good") + b"\x81\x80mask")
    with pytest.raises(trio.BrokenResourceError):
        await tapped.passed()
    assert isinstance(tapped.tap.error, FrameError)
    assert tapped.tap.error.cause == "masked"
    assert tapped.batches == [(1_000, [b"good"])]


async def test_the_message_limit_holds() -> None:
    """The limit given to the tap is the splitter's."""
    tapped = Tapped(HEAD, data_frame(b"abc") + data_frame(b"abcd"), max_message_bytes=3)
    with pytest.raises(trio.BrokenResourceError, match="4 bytes in a message, 3 are allowed"):
        await tapped.passed()
    assert tapped.batches == [(1_000, [b"abc"])]


async def test_pings_are_counted_and_the_close_code_is_noted() -> None:
    """Each ping will be answered, which counts towards the venue's limit."""
    tapped = Tapped(HEAD, b"\x89\x00\x8a\x00\x89\x01x", b"\x88\x02\x03\xe9")
    await tapped.passed()
    assert tapped.pings == 2
    assert tapped.tap.close_code == 1001


async def test_an_end_in_order_is_noted() -> None:
    """The end of the stream is passed on as such, and is no error."""
    tapped = Tapped(HEAD)
    assert not tapped.tap.ended
    await tapped.passed()
    assert tapped.tap.ended
    assert tapped.tap.error is None


async def test_what_broke_a_read_is_noted() -> None:
    """It stays known after the library has seen it."""
    broken = trio.BrokenResourceError("reset")
    tapped = Tapped(HEAD, broken)
    with pytest.raises(trio.BrokenResourceError):
        await tapped.passed()
    assert tapped.tap.error is broken


async def test_what_broke_a_send_is_noted_and_stays_the_reason() -> None:
    """The first error is the reason; what breaks afterwards follows from it."""
    tapped = Tapped(trio.BrokenResourceError("second"))
    tapped.script.broken = first = trio.BrokenResourceError("first")
    with pytest.raises(trio.BrokenResourceError):
        await tapped.tap.send_all(b"x")
    with pytest.raises(trio.BrokenResourceError):
        await tapped.tap.receive_some()
    assert tapped.tap.error is first


@pytest.mark.parametrize("frame", [data_frame(b"a"), b"\x89\x00"])
async def test_a_bug_in_a_callback_is_raised_and_kept(frame: bytes) -> None:
    """It is not the peer's fault, so it must not look like one."""
    bug = ZeroDivisionError("a bug")

    def fail(*_: object) -> None:
        raise bug

    tap = FrameTap(
        Script([HEAD + frame]),
        on_frames=fail,
        on_ping=fail,
        clock=ManualClock(0),
        max_message_bytes=100,
    )
    with pytest.raises(ZeroDivisionError):
        await tap.receive_some()
    assert tap.crash is bug
    assert tap.error is None


async def test_sending_and_closing_are_the_inner_streams() -> None:
    """What is sent arrives unchanged, and closing the tap closes the stream."""
    tapped = Tapped()
    await tapped.tap.wait_send_all_might_not_block()
    await tapped.tap.send_all(b"request")
    await tapped.tap.aclose()
    assert tapped.script.sent == b"request"
    assert tapped.script.closed
