"""Dialling over real sockets on loopback: what works, and what each failure says."""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import attrs
import pytest
import trio
import trustme

from tests.net.wire.bytes_sent import accept, data_frame, read_request
from tests.net.wire.polled import polled
from tick_logger.clock import SystemClock
from tick_logger.errors import ConfigError, ConnectionLost, Ending
from tick_logger.net.wire import dial as dial_module
from tick_logger.net.wire.dial import Dial, DialTimeouts, HttpAnswer, NetworkDial

Handler = Callable[[trio.abc.Stream], Awaitable[None]]
HASTY = DialTimeouts(tcp_secs=0.05, tls_secs=0.05, upgrade_secs=0.05, rest_secs=0.05)
WHEN_CONNECTED = attrs.evolve(HASTY, tcp_secs=10.0)


@attrs.frozen
class Authority:
    """A certificate authority, as a file and for servers."""

    ca: trustme.CA
    ca_file: str

    def server(self, name: str) -> ssl.SSLContext:
        """The context of a server of this name or address."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.ca.issue_cert(name).configure_cert(context)
        return context


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that only this test knows."""
    ca = trustme.CA()
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(path)
    return Authority(ca, str(path))


@asynccontextmanager
async def server(handler: Handler, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server on loopback; gives its host and port."""
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]

    async def serve(stream: trio.abc.Stream) -> None:
        if context is not None:
            stream = trio.SSLStream(stream, context, server_side=True, https_compatible=True)
        try:
            await handler(stream)
        except trio.BrokenResourceError:
            pass  # the client refused the certificate, or went away
        finally:
            await trio.aclose_forcefully(stream)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, serve, [listener])
        yield f"127.0.0.1:{listener.socket.getsockname()[1]}"
        nursery.cancel_scope.cancel()


async def greet(stream: trio.abc.Stream) -> None:
    """A WebSocket server that says one thing, and answers nothing."""
    await accept(stream, data_frame(b"hello"))
    while await stream.receive_some():
        pass


async def say_nothing(stream: trio.abc.Stream) -> None:
    """A server that accepts and reads, no more."""
    while await stream.receive_some():
        pass


async def first_message(dial: Dial, url: str) -> bytes:
    """The first message at an address, which must be there at once."""
    received: list[bytes] = []
    arrived = trio.Event()

    def on_frames(recv_ns: int, payloads: Sequence[bytes]) -> None:
        received.extend(payloads)
        arrived.set()

    async with trio.open_nursery() as nursery:
        link = await dial.open(
            nursery, url, on_frames=on_frames, on_ping=lambda: None, max_message_bytes=1_000
        )
        await arrived.wait()
        await link.aclose(0)
    return received[0]


async def failure(dial: Dial, url: str) -> str:
    """What a dial that must fail says."""
    async with trio.open_nursery() as nursery:
        with pytest.raises(ConnectionLost) as caught:
            await dial.open(
                nursery,
                url,
                on_frames=lambda recv_ns, payloads: None,
                on_ping=lambda: None,
                max_message_bytes=1_000,
            )
    assert caught.value.ending is Ending.DIAL
    return str(caught.value)


# -- connecting ------------------------------------------------------------------------------------


@pytest.mark.parametrize("coalesce_secs", [0.0, 0.001])
async def test_plain(coalesce_secs: float) -> None:
    """ws:// connects and receives, with coalesced reads too."""
    async with server(greet) as place, polled(coalesce_secs) as dial:
        assert await first_message(dial, f"ws://{place}/") == b"hello"


async def test_tls_with_an_extra_authority(authority: Authority) -> None:
    """wss:// connects when the server's authority is in `ca_file`."""
    async with (
        server(greet, authority.server("127.0.0.1")) as place,
        NetworkDial(SystemClock(), ca_file=authority.ca_file) as dial,
    ):
        assert await first_message(dial, f"wss://{place}/") == b"hello"


async def test_an_unknown_authority_is_named_at_once(authority: Authority) -> None:
    """The real reason, not a timeout."""
    async with (
        server(greet, authority.server("127.0.0.1")) as place,
        NetworkDial(SystemClock()) as dial,
    ):
        assert await failure(dial, f"wss://{place}/") == (
            f"{place}: TLS: certificate verify failed: unable to get local issuer certificate"
        )


async def test_a_certificate_for_another_name(authority: Authority) -> None:
    """The name is checked, and the mismatch said."""
    async with (
        server(greet, authority.server("elsewhere.example")) as place,
        NetworkDial(SystemClock(), ca_file=authority.ca_file) as dial,
    ):
        assert "certificate is not valid for '127.0.0.1'" in await failure(dial, f"wss://{place}/")


async def test_tls_to_a_plain_server() -> None:
    """A typical mistake in a port number."""

    async def plain_http(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with server(plain_http) as place, NetworkDial(SystemClock()) as dial:
        assert await failure(dial, f"wss://{place}/") == f"{place}: TLS: wrong version number"


async def test_a_server_that_hangs_up_during_tls() -> None:
    """Neither a certificate nor a timeout: the other side is gone."""

    async def hang_up(stream: trio.abc.Stream) -> None:
        await stream.receive_some()

    async with server(hang_up) as place, NetworkDial(SystemClock()) as dial:
        assert await failure(dial, f"wss://{place}/") == (
            f"{place}: TLS: the other side closed the connection"
        )


@contextmanager
def nobody() -> Iterator[str]:
    """Host and port of loopback on which nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{unused.getsockname()[1]}"


async def test_connection_refused() -> None:
    """The operating system's word for it."""
    with nobody() as place:
        async with NetworkDial(SystemClock()) as dial:
            assert await failure(dial, f"ws://{place}/") == f"{place}: TCP: Connection refused"


class NoSuchName(trio.abc.HostnameResolver):
    """A resolver that knows no name."""

    async def getaddrinfo(self, *_: object, **__: object) -> list[object]:  # type: ignore[override]
        """Fail as the system's resolver does."""
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def getnameinfo(self, *_: object) -> tuple[str, str]:
        """Not used."""
        raise NotImplementedError


async def test_an_unknown_host_name() -> None:
    """A failed name look-up is told apart from a failed connection."""
    trio.socket.set_custom_hostname_resolver(NoSuchName())
    async with NetworkDial(SystemClock()) as dial:
        assert await failure(dial, "wss://feed.example/") == (
            "feed.example:443: DNS: Name or service not known"
        )


@pytest.mark.parametrize(
    ("scheme", "words"),
    [
        ("wss", "TLS: no answer within 0.05 s"),
        ("ws", "no answer to the upgrade request within 0.05 s"),
    ],
)
async def test_a_server_that_says_nothing(scheme: str, words: str) -> None:
    """Each step has a deadline of its own, and its own words."""
    async with (
        server(say_nothing) as place,
        NetworkDial(SystemClock(), timeouts=WHEN_CONNECTED) as dial,
    ):
        assert await failure(dial, f"{scheme}://{place}/") == f"{place}: {words}"


class NoAnswer(trio.abc.HostnameResolver):
    """A resolver that never comes back."""

    async def getaddrinfo(self, *_: object, **__: object) -> list[object]:  # type: ignore[override]
        """Wait for ever."""
        await trio.sleep_forever()
        raise AssertionError

    async def getnameinfo(self, *_: object) -> tuple[str, str]:
        """Not used."""
        raise NotImplementedError


async def test_a_name_look_up_or_connection_that_hangs() -> None:
    """Name look-up and TCP share a deadline; which of them hangs is said."""
    trio.socket.set_custom_hostname_resolver(NoAnswer())
    async with NetworkDial(SystemClock(), timeouts=HASTY) as dial:
        assert await failure(dial, "ws://feed.example/") == (
            "feed.example:80: DNS: no answer within 0.05 s"
        )


async def test_a_refused_upgrade() -> None:
    """The status reaches the user through real sockets."""

    async def refuse(stream: trio.abc.Stream) -> None:
        await read_request(stream)
        await stream.send_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    async with server(refuse) as place, NetworkDial(SystemClock()) as dial:
        words = await failure(dial, f"ws://{place}/")
    assert words.startswith(f"{place}: upgrade refused with HTTP 403 Forbidden")


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_an_unusable_ca_file_is_a_configuration_error(tmp_path: Path, content: str | None) -> None:
    """Missing or nonsense: said before anything is dialled."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=r"ca_file: .*ca\.pem: "):
        NetworkDial(SystemClock(), ca_file=str(path))


# -- REST ------------------------------------------------------------------------------------------


def answering(answer: bytes, *more: bytes) -> Handler:
    """A server that gives this answer to the first request, then closes."""

    async def answer_once(stream: trio.abc.Stream) -> None:
        await read_request(stream)
        for part in (answer, *more):
            await stream.send_all(part)

    return answer_once


def http(status: int, body: bytes, *headers: bytes) -> bytes:
    """An HTTP answer."""
    lines = [b"HTTP/1.1 %d x" % status, b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join([*lines, b"", body])


async def get_failure(dial: Dial, url: str) -> str:
    """What a request that must fail says."""
    with pytest.raises(ConnectionLost) as caught:
        await dial.get(url)
    assert caught.value.ending is Ending.HTTP
    return str(caught.value)


async def test_get_gives_the_body() -> None:
    """Plain HTTP, one request after the other."""
    async with server(answering(http(200, b"[1]"))) as place, NetworkDial(SystemClock()) as dial:
        assert await dial.get(f"http://{place}/list?a=b") == HttpAnswer(200, b"[1]")
        assert await dial.get(f"http://{place}/list?a=b") == HttpAnswer(200, b"[1]")


async def test_get_sends_the_headers_of_a_request_beside_its_own() -> None:
    """With that request, and with no other."""
    heard: list[bytes] = []

    async def answer(stream: trio.abc.Stream) -> None:
        heard.append((await read_request(stream)).lower())
        await stream.send_all(http(200, b"[1]", b"Connection: close"))

    async with server(answer) as place, NetworkDial(SystemClock()) as dial:
        await dial.get(f"http://{place}/list", {"X-Unit": "small"})
        await dial.get(f"http://{place}/list")
    assert [b"x-unit: small" in each for each in heard] == [True, False]
    assert all(b"user-agent: tick_logger" in each for each in heard)


async def test_get_over_tls_trusts_the_same_authority(authority: Authority) -> None:
    """`ca_file` holds for REST as it does for WebSockets, and only it makes the difference."""
    handler = answering(http(200, b"[1]"))
    async with server(handler, authority.server("127.0.0.1")) as place:
        async with NetworkDial(SystemClock(), ca_file=authority.ca_file) as dial:
            assert await dial.get(f"https://{place}/list") == HttpAnswer(200, b"[1]")
        async with NetworkDial(SystemClock()) as dial:
            assert await get_failure(dial, f"https://{place}/list") == (
                f"https://{place}/list: TLS: certificate verify failed:"
                " unable to get local issuer certificate"
            )


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (http(418, b"", b"Retry-After: 120"), HttpAnswer(418, b"", "120")),
        (http(429, b"", b"Date: x\r\nRetry-After: y"), HttpAnswer(429, b"", "y", "x")),
        (
            http(301, b"", b"Location: http://127.0.0.1:1/"),
            HttpAnswer(301, b"", location="http://127.0.0.1:1/"),
        ),
        (http(404, b"not\nhere"), HttpAnswer(404, b"not\nhere")),
    ],
)
async def test_a_status_that_is_not_ok_is_an_answer_too(answer: bytes, found: HttpAnswer) -> None:
    """With how long to wait, where the venue says so; a redirection is not followed."""
    async with server(answering(answer)) as place, NetworkDial(SystemClock()) as dial:
        assert await dial.get(f"http://{place}/list") == found


async def test_get_refuses_an_oversized_body(monkeypatch: pytest.MonkeyPatch) -> None:
    """However it is transferred: the announced length is not believed, the bytes are counted."""
    monkeypatch.setattr(dial_module, "MAX_BODY_BYTES", 1_000)
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = [b"258\r\n%s\r\n" % bytes(600)] * 2
    async with server(answering(chunked, *chunks)) as place, NetworkDial(SystemClock()) as dial:
        words = await get_failure(dial, f"http://{place}/list")
    assert words == f"http://{place}/list: over 1000 bytes of body"


async def test_get_does_not_take_half_a_body_for_a_whole_one() -> None:
    """A connection that breaks off in the middle is a failure."""
    half = http(200, b"12345678")[:-4]
    async with server(answering(half)) as place, NetworkDial(SystemClock()) as dial:
        assert await get_failure(dial, f"http://{place}/list")


async def test_get_has_one_deadline_over_all() -> None:
    """A server that says nothing, or too slowly, is given up."""
    async with server(say_nothing) as place, NetworkDial(SystemClock(), timeouts=HASTY) as dial:
        assert await get_failure(dial, f"http://{place}/list") == (
            f"http://{place}/list: no complete answer within 0.05 s"
        )


async def test_get_from_nobody() -> None:
    """Refused, in the operating system's words."""
    with nobody() as place:
        url = f"http://{place}/list"
        async with NetworkDial(SystemClock()) as dial:
            assert await get_failure(dial, url) == f"{url}: TCP: Connection refused"


async def test_the_libraries_keep_quiet(caplog: pytest.LogCaptureFixture) -> None:
    """No line per request or connection from below, even where everything is logged."""
    caplog.set_level(logging.DEBUG)
    async with server(answering(http(200, b"[1]"))) as place, NetworkDial(SystemClock()) as dial:
        await dial.get(f"http://{place}/list")
    async with server(greet) as place, NetworkDial(SystemClock()) as dial:
        await first_message(dial, f"ws://{place}/")
    assert caplog.records == []
