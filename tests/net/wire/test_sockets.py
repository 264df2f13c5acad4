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

from tests.net.wire.pairs import running, tcp_pair
from tick_logger.clock import SystemClock
from tick_logger.net.wire.poller import Poller
from tick_logger.net.wire.receive_times import ReceiveTimes
from tick_logger.net.wire.sockets import (
    RECEIVE_BYTES,
    TcpStream,
    TransportError,
    open_transport,
)

# -- TCP -------------------------------------------------------------------------------------------


@pytest.fixture
def poller(nursery: trio.Nursery) -> Poller:
    """A poller that runs."""
    return running(nursery)


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


@pytest.mark.parametrize("pushed", [False, True])
async def test_tcp_closing_wakes_up_the_reader(pushed: bool, poller: Poller) -> None:
    """Whoever waits for data learns that there will be none; so does who comes later."""
    stream, other = await tcp_pair(poller)

    async def read() -> None:
        with pytest.raises(trio.ClosedResourceError):
            await (stream.push_into(lambda *_: False) if pushed else stream.receive_some())

    async with other:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            await wait_all_tasks_blocked(0.01)
            await stream.aclose()
        await read()
        with pytest.raises(trio.ClosedResourceError):
            await stream.send_all(b"x")
        await stream.aclose()


async def test_tcp_a_cancelled_read_loses_nothing() -> None:
    """Reading is a checkpoint before anything is taken from the socket."""
    stream, other = await tcp_pair()
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


# -- what the poller pushes ------------------------------------------------------------------------


async def test_pushing_hands_over_every_read_until_it_is_enough(poller: Poller) -> None:
    """What comes after the read that was enough stays for the next call."""
    stream, other = await tcp_pair(poller)
    taken: list[bytes] = []

    def take(data: bytes, _: int | None) -> bool:
        taken.append(data)
        return data.endswith(b".")

    async with stream, other, trio.open_nursery() as nursery:
        nursery.start_soon(stream.push_into, take)
        for data in (b"one", b"two", b"three."):
            await other.send_all(data)
            while b"".join(taken)[-len(data) :] != data:
                await trio.lowlevel.checkpoint()
    assert taken == [b"one", b"two", b"three."]


async def test_pushing_ends_with_an_empty_read(poller: Poller) -> None:
    """The end is handed over like data."""
    stream, other = await tcp_pair(poller)
    taken: list[bytes] = []
    async with stream:
        await other.aclose()
        await stream.push_into(lambda data, _: taken.append(data) or True)  # type: ignore[func-returns-value]
    assert taken == [b""]


async def test_what_the_taker_raises_belongs_to_who_waits(poller: Poller) -> None:
    """A bug in one connection's callback ends that connection, and the poller goes on."""
    stream, other = await tcp_pair(poller)
    healthy, sender = await tcp_pair(poller)
    taken: list[bytes] = []

    def fail(*_: object) -> bool:
        raise ZeroDivisionError

    async with stream, healthy, other, sender:
        await other.send_all(b"x")
        with pytest.raises(ZeroDivisionError):
            await stream.push_into(fail)
        await sender.send_all(b"y")
        await healthy.push_into(lambda data, _: taken.append(data) or True)  # type: ignore[func-returns-value]
    assert taken == [b"y"]


async def test_a_reset_is_raised_where_the_stream_is_fed(poller: Poller) -> None:
    """With its reason, as by a read."""
    stream, other = await tcp_pair(poller)
    async with stream:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await other.aclose()
        with pytest.raises(trio.BrokenResourceError) as caught:
            await stream.push_into(lambda *_: False)
        assert isinstance(caught.value.__cause__, ConnectionResetError)


async def test_one_stream_is_fed_into_one_taker(poller: Poller) -> None:
    """A second reader is refused, and the first is not disturbed."""
    stream, other = await tcp_pair(poller)
    async with stream, other, trio.open_nursery() as nursery:
        nursery.start_soon(stream.push_into, lambda *_: True)
        await wait_all_tasks_blocked(0.01)
        with pytest.raises(trio.BusyResourceError):
            await stream.push_into(lambda *_: True)
        await other.send_all(b"x")


async def test_cancelled_pushing_leaves_the_rest_for_the_next(poller: Poller) -> None:
    """Nothing is read after the cancellation."""
    stream, other = await tcp_pair(poller)
    taken: list[bytes] = []
    async with stream, other:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.push_into, lambda *_: False)
            await wait_all_tasks_blocked(0.01)
            nursery.cancel_scope.cancel()
        await other.send_all(b"x")
        await stream.push_into(lambda data, _: taken.append(data) or True)  # type: ignore[func-returns-value]
    assert taken == [b"x"]


async def test_coalesced_reads_happen_together_at_multiples_of_the_interval(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """However data arrives at several sockets, it is read when the clock shows a multiple."""
    poller = running(nursery, coalesce_secs=0.5)
    times: list[float] = []

    async def read(stream: TcpStream) -> None:
        async with stream:
            await stream.push_into(lambda *_: True)
            times.append(trio.current_time())

    async with trio.open_nursery() as readers:
        for pause in (0.0, 0.1, 0.1, 0.9):
            await trio.sleep(pause)
            stream, other = await tcp_pair(poller)
            readers.start_soon(read, stream)
            async with other:
                await other.send_all(b"x")
    assert times == [0.5, 0.5, 0.5, 1.5]


async def test_a_pass_follows_each_that_has_read_something(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """Where none has, the next waits for data first: an idle recorder does not look for nothing."""
    passes: list[float] = []

    class Watched(Poller):
        def _pass(self) -> tuple[bool, bool]:
            passes.append(trio.current_time())
            return super()._pass()

    poller = Watched(ReceiveTimes(SystemClock(), SystemClock()), 0.5)
    nursery.start_soon(poller.run)
    stream, other = await tcp_pair(poller)
    read: list[float] = []

    def take(data: bytes, _: int | None) -> bool:
        read.append(trio.current_time())
        return len(read) == 4

    async with stream, other, trio.open_nursery() as readers:
        readers.start_soon(stream.push_into, take)
        for at in (0.2, 0.7, 1.2, 7.1):
            await trio.sleep_until(at)
            await other.send_all(b"x")
    assert read == [0.5, 1.0, 1.5, 7.5]
    assert passes[:5] == [0.5, 1.0, 1.5, 2.0, 7.5]


async def test_coalescing_does_not_limit_the_rate(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """After a read that was full the next one follows at once."""
    stream, other = await tcp_pair(running(nursery, coalesce_secs=0.5))
    sizes: list[int] = []
    async with stream, other:
        await other.send_all(bytes(RECEIVE_BYTES + 10))

        def take(data: bytes, _: int | None) -> bool:
            sizes.append(len(data))
            return sum(sizes) == RECEIVE_BYTES + 10

        await stream.push_into(take)
    assert sizes == [RECEIVE_BYTES, 10]
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
        poller=Poller(ReceiveTimes(SystemClock(), SystemClock())),
    )
