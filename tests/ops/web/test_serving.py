"""Serving over real sockets: whatever a client does, others are answered, and the end is quick."""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import h2.config
import h2.connection
import h2.settings
import pytest
import structlog
import trio
from starlette.types import Receive, Scope, Send

from tests.ops.web.sockets import SOON_SECS, Server, everything, get, serving, status_of, until
from tick_logger.errors import ConfigError
from tick_logger.ops.web import guarded
from tick_logger.ops.web import serving as module
from tick_logger.ops.web.serving import address_of, listen

CHUNK = b"x" * 65_536


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Small answers, endless ones, slow ones, and a fault."""
    assert scope["type"] == "http"
    if scope["path"] == "/fault":
        raise RuntimeError("a fault of ours")
    if scope["path"] == "/slow":
        await trio.sleep(0.1)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while scope["path"] == "/endless":
        await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
    while scope["path"] == "/events":
        await send({"type": "http.response.body", "body": b"event\n", "more_body": True})
        await trio.sleep(0.01)
    await send({"type": "http.response.body", "body": scope["path"].encode()})


async def assert_it_answers(server: Server) -> None:
    """Another client is served at once."""
    with trio.fail_after(SOON_SECS):
        assert (await server.ask(get("/fine"))).endswith(b"/fine\r\n0\r\n\r\n")


# -- clients that do not read ------------------------------------------------------------------


async def test_a_client_that_does_not_read_keeps_neither_others_nor_the_end() -> None:
    """Not even several of them."""
    async with serving(app) as server, AsyncExitStack() as clients:
        for _ in range(3):
            stream = await server.connect(receive_buffer=4096)
            await clients.enter_async_context(stream)
            await stream.send_all(get("/endless"))
            await until(stream, b"200")
        await assert_it_answers(server)
        began = trio.current_time()
        await server.end()
        assert trio.current_time() - began < 1.0


async def test_a_client_that_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while, which frees its place: the next one is served."""
    monkeypatch.setattr(guarded, "SEND_SECS", 0.05)
    monkeypatch.setattr(module, "MOST_CONNECTIONS", 1)
    async with serving(app) as server, await server.connect(receive_buffer=4096) as stream:
        await stream.send_all(get("/endless"))
        await until(stream, b"200")
        await assert_it_answers(server)
        assert CHUNK[:100] in await everything(stream)


async def test_a_client_that_does_not_read_but_asks_for_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What it has asked for meanwhile does not keep its place."""
    monkeypatch.setattr(guarded, "SEND_SECS", 0.05)
    monkeypatch.setattr(module, "MOST_CONNECTIONS", 1)
    async with serving(app) as server, await server.connect(receive_buffer=4096) as stream:
        await stream.send_all(get("/endless", close=False) + get("/fine") * 3)
        await until(stream, b"200")
        await assert_it_answers(server)


# -- clients that leave ------------------------------------------------------------------------


@pytest.mark.parametrize("more", [b"", get("/fine", close=False) * 2], ids=["one", "pipelined"])
async def test_a_client_that_leaves_frees_its_place(
    monkeypatch: pytest.MonkeyPatch, more: bytes
) -> None:
    """In the middle of a stream, whatever else it had asked for."""
    monkeypatch.setattr(module, "MOST_CONNECTIONS", 1)
    async with serving(app) as server:
        for _ in range(3):
            async with await server.connect() as stream:
                await stream.send_all(get("/events", close=False) + more)
                await until(stream, b"event")
            await assert_it_answers(server)


async def test_a_client_that_breaks_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a reset, in whatever state: nobody else notices, and the log is calm."""
    monkeypatch.setattr(module, "MOST_CONNECTIONS", 1)
    with structlog.testing.capture_logs() as logs:
        async with serving(app) as server:
            for request in (b"", b"GET", get("/events"), get("/fine"), get("/endless")):
                stream = await server.connect()
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                await stream.send_all(request)
                await stream.aclose()
                await assert_it_answers(server)
    assert logs == []


async def test_a_client_that_was_answered_and_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes no place for as long as it might have asked again."""
    monkeypatch.setattr(guarded, "LEFT_SECS", 0.05)
    monkeypatch.setattr(module, "TIDY_SECS", 0.02)
    monkeypatch.setattr(module, "IDLE_SECS", 60.0)
    monkeypatch.setattr(module, "MOST_CONNECTIONS", 1)
    async with serving(app) as server:
        async with await server.connect() as stream:
            await stream.send_all(get("/fine", close=False))
            await until(stream, b"/fine")
        await assert_it_answers(server)


async def test_a_client_that_ends_its_side_is_still_answered() -> None:
    """As `nc -N` does."""
    async with serving(app) as server, await server.connect() as stream:
        await stream.send_all(get("/slow"))
        await stream.send_eof()
        assert status_of(await everything(stream)) == 200


# -- too many, and too slow ---------------------------------------------------------------------


async def test_those_for_whom_there_is_no_room_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """And are served when others leave."""
    monkeypatch.setattr(module, "MOST_CONNECTIONS", 2)
    async with serving(app) as server, AsyncExitStack() as clients:
        connected = [await clients.enter_async_context(await server.connect()) for _ in range(3)]
        for stream in connected[:2]:
            await stream.send_all(get("/events"))
            await until(stream, b"event")
        await connected[2].send_all(get("/fine"))
        with trio.move_on_after(0.1) as scope:
            await connected[2].receive_some()
        assert scope.cancelled_caught
        await connected[1].aclose()
        assert status_of(await everything(connected[2])) == 200


@pytest.mark.parametrize("sent", [b"", b"GET /fine HTTP/1.1\r\nHost", b"POST"])
async def test_half_a_request(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    """Is waited for as long as for none, however slowly its bytes come."""
    monkeypatch.setattr(module, "IDLE_SECS", 0.1)
    async with serving(app) as server, await server.connect() as stream:
        await stream.send_all(sent)
        began = trio.current_time()
        assert await everything(stream) == b""
        assert trio.current_time() - began < 2.0


async def test_a_connection_on_which_nothing_moves_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here a body that is announced and never comes, to an application that never answers."""
    monkeypatch.setattr(guarded, "STILL_SECS", 0.1)
    monkeypatch.setattr(module, "TIDY_SECS", 0.02)

    async def mute(scope: Scope, receive: Receive, send: Send) -> None:
        await trio.sleep_forever()

    async with serving(mute) as server, await server.connect() as stream:
        await stream.send_all(get("/", "Content-Length: 10", method="POST"))
        assert await everything(stream) == b""


async def test_a_stream_is_not_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Although the client says nothing."""
    monkeypatch.setattr(guarded, "STILL_SECS", 0.3)
    monkeypatch.setattr(module, "TIDY_SECS", 0.02)
    async with serving(app) as server, await server.connect() as stream:
        await stream.send_all(get("/events"))
        found = b""
        while found.count(b"event") < 50:  # ten milliseconds each
            found += await until(stream, b"event")


# -- faults ---------------------------------------------------------------------------------------


async def test_a_fault_is_answered_and_logged() -> None:
    """With 500, and a line that says where; the next request is served."""
    with structlog.testing.capture_logs() as logs:
        async with serving(app) as server:
            assert status_of(await server.ask(get("/fault"))) == 500
            await assert_it_answers(server)
    (line,) = logs
    assert (line["event"], line["log_level"]) == ("http_failed", "error")
    assert line["exc_info"]


async def test_a_port_that_is_taken() -> None:
    """Is a mistake in the configuration, in words."""
    async with serving(app) as server:
        with pytest.raises(ConfigError) as refused:
            await listen("127.0.0.1", server.port)
    ((path, reason),) = refused.value.problems
    assert path == "http.port"
    assert reason.startswith(f"127.0.0.1:{server.port} cannot be listened on: Address already in")
    assert "enabled = false" in reason


@pytest.mark.parametrize(
    "host", ["203.0.113.1", "no.such.host.invalid", "a" * 70, "\udcff", "x..y"]
)
async def test_a_host_that_is_not_ours(host: str) -> None:
    """The same."""
    with pytest.raises(ConfigError, match=r"cannot be listened on: .+"):
        await listen(host, 0)


async def test_addresses_as_browsers_take_them() -> None:
    """IPv6 in brackets."""
    for host, shown in (("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")):
        if host == "::1" and not socket.has_ipv6:
            continue
        try:
            (listener,) = await listen(host, 0)
        except ConfigError:
            continue  # a machine without IPv6
        async with listener:
            port = listener.socket.getsockname()[1]
            assert address_of(listener) == f"http://{shown}:{port}"


# -- strange requests ---------------------------------------------------------------------------


async def test_pipelined_requests_are_answered_in_turn() -> None:
    """All of them."""
    async with serving(app) as server:
        answer = await server.ask(get("/slow", close=False) + get("/two", close=False) + get("/3"))
    assert answer.count(b"HTTP/1.1 200") == 3
    assert answer.index(b"/slow\r\n") < answer.index(b"/two\r\n") < answer.index(b"/3\r\n")


@pytest.mark.parametrize(
    ("request_bytes", "statuses"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc" + b"\x00" * 100, (400,)),
        (b"\xff" * 100 + b"\r\n\r\n", (400,)),
        (b"GET / HTTP/1.1\r\n\r\n", (400,)),
        (b"GET / HTTP/1.1\r\nHost: a\r\nA b: c\r\n\r\n", (400,)),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", (400,)),
        (get("/", "X: " + "x" * 100_000), (431,)),
        (get("/", *["X: x"] * 20_000), (431,)),
        (get("/" + "a" * 100_000), (431,)),
    ],
    ids=["tls", "bytes", "no host", "header", "length", "large", "many", "long"],
)
async def test_what_is_no_request(request_bytes: bytes, statuses: Sequence[int]) -> None:
    """Is refused, the connection is closed, and the log is calm."""
    with structlog.testing.capture_logs() as logs:
        async with serving(app) as server:
            assert status_of(await server.ask(request_bytes)) in statuses
            await assert_it_answers(server)
    assert logs == []


def chunked(path: str, chunks: int) -> bytes:
    head = get(path, "Transfer-Encoding: chunked", method="POST")
    return head + b"1\r\nx\r\n" * chunks


@pytest.mark.parametrize("path", ["/fine", "/slow", "/events"])
async def test_a_body_that_nobody_reads(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """In a thousand pieces, without an end: it is thrown away, and its sender's place is freed."""
    monkeypatch.setattr(module, "MOST_CONNECTIONS", 1)
    async with serving(app) as server:
        async with await server.connect() as stream:
            await stream.send_all(chunked(path, 1000))
            await until(stream, b"200")
        await assert_it_answers(server)


async def test_a_huge_body(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is not waited for: the answer comes, and then the end."""
    monkeypatch.setattr(module, "MOST_CONNECTIONS", 1)
    async with serving(app) as server:
        async with await server.connect() as stream:
            length = 64 * len(CHUNK)
            await stream.send_all(get("/slow", f"Content-Length: {length}", method="POST"))
            with trio.move_on_after(SOON_SECS):
                try:
                    for _ in range(64):
                        await stream.send_all(CHUNK)
                except trio.BrokenResourceError:
                    pass
        await assert_it_answers(server)


@pytest.mark.parametrize(
    "upgrade",
    [
        get(
            "/",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            close=False,
        ),
        get("/", "Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABk"),
    ],
    ids=["websocket", "h2c"],
)
async def test_an_upgrade_harms_nothing(monkeypatch: pytest.MonkeyPatch, upgrade: bytes) -> None:
    """Whatever comes of it, the next client is served."""
    monkeypatch.setattr(module, "MOST_CONNECTIONS", 1)

    async def polite(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        else:
            await app(scope, receive, send)

    with structlog.testing.capture_logs() as logs:
        async with serving(polite) as server:
            async with await server.connect() as stream:
                await stream.send_all(upgrade)
                assert status_of(await until(stream, b"\r\n\r\n")) in (101, 403)
            await assert_it_answers(server)
    assert logs == []


async def test_http_2_that_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """With prior knowledge, and a window of zero: it is cut off in time."""
    monkeypatch.setattr(module, "MOST_CONNECTIONS", 1)
    monkeypatch.setattr(guarded, "STILL_SECS", 0.1)
    monkeypatch.setattr(module, "TIDY_SECS", 0.02)
    client: Any = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    client.initiate_connection()
    client.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 0})
    headers = [(":method", "GET"), (":path", "/fine"), (":authority", "a"), (":scheme", "http")]
    client.send_headers(1, headers, end_stream=True)
    async with serving(app) as server, await server.connect() as stream:
        await stream.send_all(client.data_to_send())
        await assert_it_answers(server)
        await everything(stream)


async def test_who_waits_for_others_is_not_cut_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have not moved for as long; it is answered once the other is gone."""
    monkeypatch.setattr(module, "MOST_CONNECTIONS", 1)
    monkeypatch.setattr(guarded, "STILL_SECS", 0.5)
    monkeypatch.setattr(module, "TIDY_SECS", 1.5)
    async with serving(app) as server, await server.connect(receive_buffer=4096) as stream:
        await stream.send_all(get("/endless"))
        await until(stream, b"200")
        await assert_it_answers(server)
