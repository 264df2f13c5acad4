"""TCP streams over loopback: what is read, when, and how it ends; and what opening says."""

from __future__ import annotations

import socket
import ssl
import struct

import attrs
import pytest
import trio
import trustme
from trio.testing import MockClock, wait_all_tasks_blocked

from tick_logger.net.transport import (
    RECEIVE_BYTES,
    TcpStream,
    TransportError,
    open_transport,
)

# -- TCP -------------------------------------------------------------------------------------------


async def tcp_pair(coalesce_secs: float = 0.0) -> tuple[TcpStream, trio.SocketStream]:
    """A stream, and the other end of its connection over loopback."""
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    async with listener:
        port = listener.socket.getsockname()[1]
        connected = await trio.open_tcp_stream("127.0.0.1", port)
        return TcpStream(connected, coalesce_secs), await listener.accept()


async def test_tcp_reads_what_was_sent_then_the_end() -> None:
    """Data, then b"" as often as asked."""
    stream, other = await tcp_pair()
    async with stream:
        await other.send_all(b"data")
        await other.aclose()
        assert [await stream.receive_some() for _ in range(3)] == [b"data", b"", b""]


async def test_tcp_sends_everything() -> None:
    """More than the socket's buffers hold arrives whole."""
    stream, other = await tcp_pair()
    sent = bytes(range(256)) * 40_000
    received = bytearray()

    async def send() -> None:
        async with stream:
            await stream.wait_send_all_might_not_block()
            await stream.send_all(sent)

    async with other, trio.open_nursery() as nursery:
        nursery.start_soon(send)
        while data := await other.receive_some():
            received += data
    assert received == sent


async def test_tcp_respects_the_size_that_is_asked_for() -> None:
    """`max_bytes` bounds a read; without it a read is large."""
    stream, other = await tcp_pair()
    async with stream, other:
        await other.send_all(bytes(10))
        assert await stream.receive_some(4) == bytes(4)
        assert await stream.receive_some() == bytes(6)
    assert RECEIVE_BYTES >= 65536


async def test_tcp_does_not_delay_small_sends() -> None:
    """Subscriptions and pongs leave at once."""
    stream, other = await tcp_pair()
    async with stream, other:
        assert stream._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_tcp_reset_breaks_the_stream_with_its_reason() -> None:
    """A reset is not an end."""
    stream, other = await tcp_pair()
    async with stream:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await other.aclose()
        with pytest.raises(trio.BrokenResourceError) as caught:
            await stream.receive_some()
        assert isinstance(caught.value.__cause__, ConnectionResetError)


@pytest.mark.parametrize("coalesce_secs", [0.0, 0.005])
async def test_tcp_closing_wakes_up_the_reader(coalesce_secs: float) -> None:
    """Whoever waits for data learns that there will be none; so does who comes later."""
    stream, other = await tcp_pair(coalesce_secs)

    async def read() -> None:
        with pytest.raises(trio.ClosedResourceError):
            await stream.receive_some()

    async with other:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            await wait_all_tasks_blocked(0.01)
            await stream.aclose()
        await read()
        with pytest.raises(trio.ClosedResourceError):
            await stream.send_all(b"x")
        await stream.aclose()


@pytest.mark.parametrize("coalesce_secs", [0.0, 0.001])
async def test_tcp_a_cancelled_read_loses_nothing(coalesce_secs: float) -> None:
    """Reading is a checkpoint before anything is taken from the socket."""
    stream, other = await tcp_pair(coalesce_secs)
    async with stream, other:
        await other.send_all(b"data")
        with trio.CancelScope() as scope:
            scope.cancel()
            await stream.receive_some()
        assert scope.cancelled_caught
        assert await stream.receive_some() == b"data"


async def test_tcp_reading_lets_others_run() -> None:
    """A checkpoint even when data is there."""
    stream, other = await tcp_pair()
    async with stream, other:
        await other.send_all(b"data")
        with trio.testing.assert_checkpoints():
            await stream.receive_some()


async def test_coalesced_reads_happen_at_multiples_of_the_interval(
    autojump_clock: MockClock,
) -> None:
    """However the data arrives, it is read when the clock shows a multiple."""
    stream, other = await tcp_pair(coalesce_secs=0.5)
    times = []
    async with stream, other:
        for pause in (0.0, 0.1, 0.7, 1.2):
            await trio.sleep(pause)
            await other.send_all(b"x")
            await stream.receive_some()
            times.append(trio.current_time())
    assert times == [0.5, 1.0, 2.0, 3.5]


async def test_coalesced_streams_wake_up_together(autojump_clock: MockClock) -> None:
    """Data that arrives at different moments of an interval is read at the same one."""
    times = []

    async def read(stream: TcpStream) -> None:
        async with stream:
            await stream.receive_some()
            times.append(trio.current_time())

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            stream, other = await tcp_pair(coalesce_secs=0.5)
            nursery.start_soon(read, stream)
            async with other:
                await other.send_all(b"x")
            await trio.sleep(0.1)
    assert times == [0.5] * 3


async def test_coalescing_does_not_limit_the_rate(autojump_clock: MockClock) -> None:
    """After a read that filled its buffer the next one follows at once."""
    stream, other = await tcp_pair(coalesce_secs=0.5)
    async with stream, other:
        await other.send_all(bytes(30))
        assert [len(await stream.receive_some(10)) for _ in range(2)] == [10, 10]
        assert trio.current_time() == 0.5


# -- opening ---------------------------------------------------------------------------------------


@attrs.frozen
class Contexts:
    """TLS contexts of a server on loopback and of a client that trusts it."""

    client: ssl.SSLContext
    server: ssl.SSLContext


@pytest.fixture(scope="module")
def contexts() -> Contexts:
    """Made by an authority of its own."""
    ca = trustme.CA()
    both = Contexts(
        ssl.create_default_context(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    )
    ca.issue_cert("127.0.0.1").configure_cert(both.server)
    ca.configure_trust(both.client)
    return both


async def test_opening_gives_a_tls_stream_that_works(contexts: Contexts) -> None:
    """The two together, over a real socket."""

    async def greet(listener: trio.SocketListener) -> None:
        stream = trio.SSLStream(await listener.accept(), contexts.server, server_side=True)
        async with stream:
            await stream.send_all(b"hello")

    async with (
        (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0] as listener,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(greet, listener)
        async with await _open(listener, contexts.client) as stream:
            assert await stream.receive_some() == b"hello"


async def test_opening_says_that_tcp_failed() -> None:
    """The operating system's error is the cause."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(TransportError) as caught:
            await _open_port(unused.getsockname()[1], None)
    assert caught.value.step == "TCP"
    assert isinstance(caught.value.__cause__, OSError)


async def test_opening_says_that_tls_got_no_answer(contexts: Contexts) -> None:
    """A server that accepts and says nothing; the deadline is that of TLS."""
    async with (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0] as listener:
        with pytest.raises(TransportError) as caught:
            await _open(listener, contexts.client, tls_timeout_secs=0.02)
        async with await listener.accept() as other:
            while await other.receive_some():
                pass  # the client's greeting, then the end: the socket was closed
    assert caught.value.step == "TLS"
    assert isinstance(caught.value.__cause__, trio.TooSlowError)


async def test_cancelling_the_handshake_closes_the_socket(contexts: Contexts) -> None:
    """No socket is left behind."""
    async with (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0] as listener:
        with trio.move_on_after(0.02) as scope:
            await _open(listener, contexts.client)
        assert scope.cancelled_caught
        async with await listener.accept() as other:
            while await other.receive_some():
                pass


async def _open(
    listener: trio.SocketListener,
    context: ssl.SSLContext | None,
    tls_timeout_secs: float = 5,
) -> trio.abc.Stream:
    port = listener.socket.getsockname()[1]
    return await _open_port(port, context, tls_timeout_secs)


async def _open_port(
    port: int, context: ssl.SSLContext | None, tls_timeout_secs: float = 5
) -> trio.abc.Stream:
    return await open_transport(
        "127.0.0.1",
        port,
        ssl_context=context,
        tcp_timeout_secs=5,
        tls_timeout_secs=tls_timeout_secs,
    )
