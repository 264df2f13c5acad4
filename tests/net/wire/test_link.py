"""Links over memory streams in virtual time: open, ended by either side, and broken by bugs."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import trio
import trio_websocket
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.net.wire.bytes_sent import accept, acceptance, data_frame, read_request
from tests.net.wire.clients import Client, connect, connect_raw, new_client
from tick_logger.errors import ConnectionLost, Ending, Told
from tick_logger.net.wire.link import Link


@pytest.fixture
def client(nursery: trio.Nursery) -> Client:
    """A client that is not connected yet."""
    return new_client(nursery)


async def lost(link: Link) -> tuple[str, str]:
    """Cause and detail of the end of a link."""
    with pytest.raises(ConnectionLost) as caught:
        await link.wait_closed()
    return caught.value.ending, str(caught.value)


# -- an open link ---------------------------------------------------------------------------------


async def test_messages_flow_both_ways(client: Client) -> None:
    """What the server sends reaches the callback, what is sent reaches the server."""
    link, server = await connect(client)
    await server.send_message("text")
    await server.send_message(b"binary")
    await link.send("subscribe")
    assert await server.get_message() == "subscribe"
    await wait_all_tasks_blocked()
    assert client.payloads == [b"text", b"binary"]


async def test_pings_are_answered_while_data_flows(client: Client) -> None:
    """The server's ping returns although messages come before and after it."""
    _, server = await connect(client)
    for _ in range(3):
        await server.send_message("before")
        await server.ping(b"alive?")
        await server.send_message("after")
    await wait_all_tasks_blocked()
    assert client.pings == 3
    assert len(client.payloads) == 6


async def test_a_ping_returns_at_its_pong(client: Client) -> None:
    """A server that answers lets it return."""
    link, _ = await connect(client)
    with trio.move_on_after(5) as scope:
        await link.ping()
    assert not scope.cancelled_caught


async def test_a_ping_without_a_pong_waits(client: Client, autojump_clock: MockClock) -> None:
    """The deadline is the caller's."""
    link = await connect_raw(client)
    with trio.move_on_after(20) as scope:
        await link.ping()
    assert scope.cancelled_caught


async def test_frames_glued_to_the_acceptance_are_not_lost(client: Client) -> None:
    """A server may send its first messages, and a ping, in the packet that accepts."""
    link = await connect_raw(client, data_frame(b"early") + b"\x89\x01p" + data_frame(b"birds"))
    assert client.payloads == [b"early", b"birds"]
    pong = await client.server.receive_some()
    assert pong[:2] == b"\x8a\x81"  # a masked pong with a payload of one byte
    await link.aclose(0)


async def test_the_request_names_host_and_resource_and_no_origin(client: Client) -> None:
    """Venues refuse browsers' origins; the rest is what the URL says."""
    requests: list[bytes] = []

    async def note_and_accept() -> None:
        requests.append(await read_request(client.server))
        await client.server.send_all(acceptance(requests[0]))

    client.nursery.start_soon(note_and_accept)
    await client.open()
    lines = requests[0].split(b"\r\n")
    assert lines[0] == b"GET /ws?streams=a HTTP/1.1"
    assert b"Host: feed.example" in lines
    assert b"origin" not in requests[0].lower()


# -- the end of a link ----------------------------------------------------------------------------


async def test_a_close_frame_ends_the_link_with_its_code_and_reason(client: Client) -> None:
    """The server's reason is the detail, and the server gets its answer."""
    link, server = await connect(client)
    client.nursery.start_soon(server.aclose, 1001, "maintenance")
    assert await lost(link) == ("closed", "close frame 1001 GOING_AWAY: maintenance")


async def test_a_close_frame_without_a_code_is_a_close_frame(client: Client) -> None:
    """Code 1005 stands for none; the answer is sent although the server keeps the socket open."""
    link = await connect_raw(client)
    await client.server.send_all(b"\x88\x00")
    assert await lost(link) == ("closed", "close frame 1005 NO_STATUS_RCVD")
    assert (await client.server.receive_some())[:1] == b"\x88"
    assert await client.server.receive_some() == b""


async def test_an_end_without_a_close_frame(client: Client) -> None:
    """The socket ends in order, the protocol does not."""
    link = await connect_raw(client)
    await client.server.aclose()
    assert await lost(link) == ("eof", "the other side ended it without a close frame")


async def test_a_reset(client: Client) -> None:
    """What the socket said is the detail."""

    class Resetting(trio.abc.Stream):
        """A stream whose reads break when the inner one ends."""

        def __init__(self, inner: trio.abc.Stream) -> None:
            self.send_all = inner.send_all  # type: ignore[method-assign]
            self.aclose = inner.aclose  # type: ignore[method-assign]
            self._inner = inner

        async def send_all(self, data: bytes | bytearray | memoryview) -> None: ...
        async def aclose(self) -> None: ...
        async def wait_send_all_might_not_block(self) -> None: ...

        async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
            if data := await self._inner.receive_some():
                return data
            raise trio.BrokenResourceError from ConnectionResetError(
                104, "Connection reset by peer"
            )

    client.stream = Resetting(client.stream)
    link = await connect_raw(client)
    await client.server.aclose()
    assert await lost(link) == ("reset", "Connection reset by peer")


async def test_a_breach_of_the_framing_rules(client: Client) -> None:
    """The splitter's words reach the user; messages before the breach are handed over."""
    link = await connect_raw(client)
    await client.server.send_all(data_frame(b"good") + data_frame(b"x" * 1_001))
    assert await lost(link) == (
        "protocol",
        "size: 1001 bytes in a message, 1000 are allowed",
    )
    assert client.payloads == [b"good"]


@pytest.mark.parametrize("frame", [b"\x88\x01\x03", b"\x88\x02\x03\xed", b"\x09\x00", b"\x8b\x00"])
async def test_a_control_frame_that_the_library_refuses(client: Client, frame: bytes) -> None:
    """Half a close code, a forbidden one, a fragmented ping, an unknown control frame."""
    link = await connect_raw(client)
    await client.server.send_all(frame)
    ending, detail = await lost(link)
    assert ending is Ending.PROTOCOL
    assert detail.startswith("the library refused a control frame: ")


async def test_sending_on_a_lost_link_tells_why(client: Client) -> None:
    """Each use of a link that is over says how it ended."""
    link, server = await connect(client)
    client.nursery.start_soon(server.aclose, 1008, "too many requests")
    await lost(link)
    for use in (link.send("x"), link.ping()):
        with pytest.raises(ConnectionLost, match=r"close frame 1008 .*: too many requests"):
            await use


async def test_the_reason_of_a_close_frame_is_kept_as_it_was_sent(client: Client) -> None:
    """With its code; what this side closes says nothing."""
    link, server = await connect(client)
    client.nursery.start_soon(server.aclose, 1013, "try again in 30 s")
    with pytest.raises(ConnectionLost) as caught:
        await link.wait_closed()
    assert caught.value.told == Told(1013, "try again in 30 s")


async def test_sending_into_a_closed_socket_is_a_lost_connection(client: Client) -> None:
    """The library's own exceptions stay inside."""
    link = await connect_raw(client)
    await client.server.receive_stream.aclose()
    with pytest.raises(ConnectionLost) as caught:
        await link.send("x")
    assert caught.value.ending is Ending.RESET


# -- closing --------------------------------------------------------------------------------------


async def test_closing_shakes_hands(client: Client, autojump_clock: MockClock) -> None:
    """The server sees a normal close, and the link reports that this side closed."""
    link, server = await connect(client)
    await link.aclose(5)
    assert trio.current_time() == 0
    assert await lost(link) == ("closed", "closed by this side")
    with pytest.raises(trio_websocket.ConnectionClosed) as caught:
        await server.get_message()
    assert caught.value.reason is not None
    assert caught.value.reason.code == 1000


async def test_messages_that_cross_the_close_are_taken(
    client: Client, autojump_clock: MockClock
) -> None:
    """Until the server has answered the close frame, its messages count; a ping does no harm."""
    link = await connect_raw(client)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.aclose, 5)
        assert (await client.server.receive_some())[:1] == b"\x88"
        await client.server.send_all(data_frame(b"late") + b"\x88\x02\x03\xe8")
    assert client.payloads == [b"late"]
    assert trio.current_time() == 0


async def test_a_ping_that_crosses_the_close_does_no_harm(client: Client) -> None:
    """The library cannot answer it any more, and the link just ends."""
    link = await connect_raw(client)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.aclose, 5)
        await client.server.receive_some()
        await client.server.send_all(b"\x89\x00")
    assert await lost(link) == ("closed", "closed by this side")


async def test_closing_gives_up_on_a_silent_server(
    client: Client, autojump_clock: MockClock
) -> None:
    """The deadline holds, and the stream is closed."""
    link = await connect_raw(client)
    await link.aclose(5)
    assert trio.current_time() == 5
    while await client.server.receive_some():
        pass  # the close frame, then the end
    assert await lost(link) == ("closed", "closed by this side")


async def test_closing_again_or_after_the_end_is_harmless(
    client: Client, autojump_clock: MockClock
) -> None:
    """Nothing to do, no time lost, and the first reason stays."""
    link = await connect_raw(client)
    await client.server.aclose()
    reason = await lost(link)
    await link.aclose(5)
    await link.aclose(5)
    assert trio.current_time() == 0
    assert await lost(link) == reason


async def test_cancelling_the_nursery_closes_the_stream_at_once(
    client: Client, autojump_clock: MockClock
) -> None:
    """A link dies with its nursery; a shielded close in there does not wait for its deadline."""

    async with trio.open_nursery() as client.nursery:
        client.nursery.start_soon(accept, client.server)
        link = await client.open()
        client.nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            await link.aclose(5)
    assert trio.current_time() == 0
    while await client.server.receive_some():
        pass  # a close frame perhaps, then the end


# -- bugs of ours ----------------------------------------------------------------------------------


def crash(_recv_ns: int, _payloads: Sequence[bytes]) -> None:
    """A callback with a bug."""
    raise UnicodeError("a bug")  # of a kind that a hostile server could cause in the library


async def test_a_bug_in_the_callback_reaches_the_nursery(client: Client) -> None:
    """It must not pass for a lost connection."""
    with pytest.RaisesGroup(UnicodeError):
        async with trio.open_nursery() as client.nursery:
            client.nursery.start_soon(accept, client.server)
            await client.open(crash)
            await client.server.send_all(data_frame(b"x"))


async def test_a_bug_survives_a_cancellation_at_the_same_moment(client: Client) -> None:
    """The library's clean-up would lose it when the nursery is cancelled meanwhile."""

    def crash_when_cancelled(recv_ns: int, payloads: Sequence[bytes]) -> None:
        client.nursery.cancel_scope.cancel()
        crash(recv_ns, payloads)

    with pytest.RaisesGroup(UnicodeError):
        async with trio.open_nursery() as client.nursery:
            client.nursery.start_soon(accept, client.server)
            await client.open(crash_when_cancelled)
            await client.server.send_all(data_frame(b"x"))


async def test_a_bug_during_the_upgrade_is_no_failed_dial(client: Client) -> None:
    """Frames glued to the acceptance can meet the bug before there is a link."""
    client.nursery.start_soon(accept, client.server, data_frame(b"x"))
    with pytest.raises(UnicodeError, match="a bug"):
        await client.open(crash)
