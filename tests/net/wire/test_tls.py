"""TLS streams over memory, with trio's own TLS as the server: what is read, when, how it ends."""

from __future__ import annotations

import ssl

import attrs
import pytest
import trio
import trustme
from trio.testing import memory_stream_pair, wait_all_tasks_blocked

from tick_logger.net.wire.tls import BYTES_PER_READ, TlsStream


@attrs.frozen
class Authority:
    """TLS contexts for both sides of "server.example"."""

    client: ssl.SSLContext
    client_until_1_2: ssl.SSLContext
    server: ssl.SSLContext

    @classmethod
    def new(cls) -> Authority:
        """A certificate authority, its server, and clients that trust it."""
        ca = trustme.CA()
        server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        ca.issue_cert("server.example").configure_cert(server)
        client, client_until_1_2 = ssl.create_default_context(), ssl.create_default_context()
        client_until_1_2.maximum_version = ssl.TLSVersion.TLSv1_2
        ca.configure_trust(client)
        ca.configure_trust(client_until_1_2)
        return cls(client, client_until_1_2, server)


@pytest.fixture(scope="module")
def authority() -> Authority:
    """One authority for all tests."""
    return Authority.new()


class Interceptable(trio.abc.Stream):
    """Passes everything on; can spoil what is received, break at the end, and get stuck."""

    def __init__(self, inner: trio.abc.Stream) -> None:
        self._inner = inner
        self.spoil = False
        self.break_at_end = False
        self.stuck = False

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """What the inner stream has, the last byte flipped if `spoil` is set."""
        data = bytes(await self._inner.receive_some(max_bytes))
        if not data and self.break_at_end:
            raise trio.BrokenResourceError from ConnectionResetError(104, "reset")
        return data[:-1] + bytes([data[-1] ^ 1]) if self.spoil and data else data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Pass it on, unless stuck."""
        if self.stuck:
            await trio.sleep_forever()
        await self._inner.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Pass it on."""
        await self._inner.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Pass it on."""
        await self._inner.aclose()


@attrs.frozen
class TlsPair:
    """A shaken TLS connection over memory."""

    stream: TlsStream
    wire: Interceptable
    server: trio.SSLStream[trio.abc.Stream]


async def tls_pair(authority: Authority) -> TlsPair:
    """A stream under test, what lies under it, and the server's end."""
    near, far = memory_stream_pair()
    wire = Interceptable(near)
    stream = TlsStream(wire, authority.client, "server.example")
    server = trio.SSLStream[trio.abc.Stream](far, authority.server, server_side=True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.do_handshake)
        await stream.do_handshake()
    return TlsPair(stream, wire, server)


async def received(stream: trio.abc.Stream, size: int) -> bytes:
    """The next bytes of a stream, exactly so many."""
    data = b""
    while len(data) < size:
        data += await stream.receive_some()
    assert len(data) == size
    return data


async def test_one_read_takes_all_records_that_have_arrived(authority: Authority) -> None:
    """A hundred small records, one read: the reason for this class."""
    pair = await tls_pair(authority)
    messages = [b"message %d" % number for number in range(100)]
    for message in messages:
        await pair.server.send_all(message)
    assert await pair.stream.receive_some() == b"".join(messages)


async def test_a_record_cut_in_two_is_read_when_it_is_whole(authority: Authority) -> None:
    """The whole records before it come at once."""
    pair = await tls_pair(authority)
    near, far = memory_stream_pair()
    real, pair.server.transport_stream = pair.server.transport_stream, near
    await pair.server.send_all(b"whole")
    await pair.server.send_all(b"cut")
    wire = bytes(await far.receive_some())
    await real.send_all(wire[:-5])
    assert await pair.stream.receive_some() == b"whole"
    await real.send_all(wire[-5:])
    assert await pair.stream.receive_some() == b"cut"


async def test_sends(authority: Authority) -> None:
    """Small and large, and nothing at all, arrive in order."""
    pair = await tls_pair(authority)
    await pair.stream.wait_send_all_might_not_block()
    sent = [b"subscribe", b"", bytes(100_000), b"end"]
    for data in sent:
        await pair.stream.send_all(data)
    assert await received(pair.server, 100_012) == b"".join(sent)


async def test_one_wake_up_is_bounded(authority: Authority) -> None:
    """After a megabyte the loop gets its turn; nothing is lost by that."""
    pair = await tls_pair(authority)
    sent = BYTES_PER_READ + 100_000
    await pair.server.send_all(bytes(sent))
    sizes: list[int] = []
    while sum(sizes) < sent:
        sizes.append(len(await pair.stream.receive_some()))
    assert max(sizes) <= BYTES_PER_READ
    assert sum(sizes) == sent


async def test_respects_the_size_that_is_asked_for(authority: Authority) -> None:
    """`max_bytes` bounds a read here too."""
    pair = await tls_pair(authority)
    for _ in range(3):
        await pair.server.send_all(bytes(20_000))
    assert [len(await pair.stream.receive_some(n)) for n in (7, 20_000)] == [7, 20_000]


@pytest.mark.parametrize("polite", [True, False])
async def test_data_comes_before_the_end(authority: Authority, polite: bool) -> None:
    """With TLS's own closing message or without: data first, then the end, as often as asked."""
    pair = await tls_pair(authority)
    await pair.server.send_all(b"last")
    await pair.server.send_all(b" words")
    await (pair.server if polite else pair.server.transport_stream).aclose()
    assert await pair.stream.receive_some() == b"last words"
    assert await pair.stream.receive_some() == b""


async def test_data_comes_before_a_reset(authority: Authority) -> None:
    """What was decrypted is delivered before the transport's error."""
    pair = await tls_pair(authority)
    await pair.server.send_all(b"last words")
    await pair.server.transport_stream.aclose()
    pair.wire.break_at_end = True
    assert await pair.stream.receive_some() == b"last words"
    with pytest.raises(trio.BrokenResourceError) as caught:
        await pair.stream.receive_some()
    assert isinstance(caught.value.__cause__, ConnectionResetError)


async def test_data_comes_before_a_spoilt_record(authority: Authority) -> None:
    """Good records are delivered, then the error is raised with its reason, and stays."""
    pair = await tls_pair(authority)
    await pair.server.send_all(b"good")
    await pair.server.send_all(b"spoilt")
    pair.wire.spoil = True
    assert await pair.stream.receive_some() == b"good"
    for _ in range(2):
        with pytest.raises(trio.BrokenResourceError) as caught:
            await pair.stream.receive_some()
        assert isinstance(caught.value.__cause__, ssl.SSLError)
        assert caught.value.__cause__.reason == "DECRYPTION_FAILED_OR_BAD_RECORD_MAC"


async def test_concurrent_sends_do_not_mix(authority: Authority) -> None:
    """A subscription and a pong may be sent by two tasks."""
    pair = await tls_pair(authority)
    async with trio.open_nursery() as nursery:
        for letter in (b"a", b"b", b"c"):
            nursery.start_soon(pair.stream.send_all, letter * 50_000)
    data = await received(pair.server, 150_000)
    assert sorted(data[start : start + 50_000] for start in (0, 50_000, 100_000)) == [
        letter * 50_000 for letter in (b"a", b"b", b"c")
    ]


async def test_what_tls_has_to_say_is_sent_before_waiting(authority: Authority) -> None:
    """As after a request for new keys: encrypted, waiting in memory, and nobody sends."""
    pair = await tls_pair(authority)
    pair.stream._tls.write(b"on its own account")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pair.stream.receive_some)
        assert await pair.server.receive_some() == b"on its own account"
        nursery.cancel_scope.cancel()


async def test_data_behind_the_handshake_is_not_waited_for(authority: Authority) -> None:
    """A server's first data may arrive in one read with the last words of the handshake."""
    near, far = memory_stream_pair()
    stream = TlsStream(near, authority.client_until_1_2, "server.example")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = authority.server.wrap_bio(incoming, outgoing, server_side=True)

    async def serve() -> None:
        with pytest.raises(ssl.SSLWantReadError):
            server.do_handshake()
        incoming.write(await far.receive_some())
        with pytest.raises(ssl.SSLWantReadError):
            server.do_handshake()
        await far.send_all(outgoing.read())
        incoming.write(await far.receive_some())
        server.do_handshake()
        server.write(b"at once")
        await far.send_all(outgoing.read())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        await stream.do_handshake()
    assert await stream.receive_some() == b"at once"


async def test_a_cancelled_read_loses_nothing(authority: Authority) -> None:
    """Between taking and returning nothing is awaited."""
    pair = await tls_pair(authority)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pair.stream.receive_some)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    await pair.server.send_all(b"data")
    assert await pair.stream.receive_some() == b"data"


async def test_after_a_send_was_cut_short_no_other_begins(authority: Authority) -> None:
    """Half a record is on the wire: whatever follows would be taken for its other half."""
    pair = await tls_pair(authority)
    pair.wire.stuck = True
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pair.stream.send_all, b"half")
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    with pytest.raises(trio.BrokenResourceError, match="cut short"):
        await pair.stream.send_all(b"next")


async def test_after_closing_everything_says_so(authority: Authority) -> None:
    """And the other side sees the end."""
    pair = await tls_pair(authority)
    await pair.stream.aclose()
    with pytest.raises(trio.ClosedResourceError):
        await pair.stream.receive_some()
    with pytest.raises(trio.ClosedResourceError):
        await pair.stream.send_all(b"x")
    with pytest.raises(trio.ClosedResourceError):
        await pair.stream.wait_send_all_might_not_block()
    assert await pair.server.transport_stream.receive_some() == b""


async def test_a_bad_certificate_gives_its_reason() -> None:
    """The cause says what is wrong with it."""
    unknown = Authority.new()
    known = Authority.new()
    near, far = memory_stream_pair()
    stream = TlsStream(near, known.client, "server.example")
    server = trio.SSLStream[trio.abc.Stream](far, unknown.server, server_side=True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.do_handshake)
        with pytest.raises(trio.BrokenResourceError) as caught:
            await stream.do_handshake()
        nursery.cancel_scope.cancel()
    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)
