"""Requests that nobody in his right mind would send: answered, never with 500, nothing logged."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
import structlog
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ops.web.site import FILES, PATHS, Site, site
from tests.ops.web.sockets import SOON_SECS, Server, everything
from tick_logger.ops.web import guarded, serving

A_FEW = settings(max_examples=5)
"""Each example is a server with many requests: starting it costs more than they do."""

REQUESTS = 25


@pytest.fixture(scope="module", autouse=True)
def _impatient() -> Iterator[None]:
    """Half a request is not waited for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guarded, "LEFT_SECS", 0.02)
        patch.setattr(serving, "TIDY_SECS", 0.001)
        yield


tokens = st.text("ABCGETHOPSUDabc!#$%&'*+-.^_`|~0", min_size=1, max_size=12)
methods = st.sampled_from(["GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE"]) | tokens

visible = st.characters(min_codepoint=0x21, max_codepoint=0x7E)
percents = st.binary(max_size=8).map(lambda data: "".join(f"%{byte:02x}" for byte in data))
strange = st.sampled_from(
    [
        "..",
        "/",
        "//",
        "%2e%2e",
        "%2f",
        "%00",
        "%ed%a0%80",
        "%",
        "?",
        "#",
        "é".encode().decode("latin-1"),
        "*",
    ]
)
pieces = st.lists(st.text(visible, max_size=8) | percents | strange, max_size=5).map("".join)
known = st.sampled_from([*PATHS[:-1], *FILES, "/api/symbol", "/page/"])
paths = st.one_of(known, pieces.map("/".__add__), st.tuples(known, pieces).map("".join))

names = st.sampled_from(["q", "limit", "exchange", "symbol", "", "x"])
values = st.one_of(
    pieces,
    st.integers().map(str),
    st.sampled_from(["alpha", "BTC-USD", "../..", "%2e%2e%2f", "\xff", "1e3", "٣", "nan", "-0"]),
)
queries = st.lists(st.tuples(names, values).map("=".join), max_size=5).map("&".join)

header_names = st.sampled_from(
    [
        "Accept", "Authorization", "Connection", "Content-Length", "Content-Type", "Cookie",
        "Expect", "Host", "HTTP2-Settings", "If-None-Match", "Range", "Transfer-Encoding",
        "Upgrade", "X-Forwarded-For",
    ]
) | tokens  # fmt: skip
header_values = st.one_of(
    st.binary(max_size=30).map(lambda data: data.decode("latin-1")),
    st.sampled_from(
        ["close", "keep-alive", "Upgrade", "websocket", "h2c", "chunked", "0", "5", "-1", "1" * 30,
         "Bearer ", "Bearer \xff", "bytes=0-", "100-continue", "evil.example", "a/b", "[::1"]
    ),
)  # fmt: skip
headers = st.lists(st.tuples(header_names, header_values).map(": ".join), max_size=4)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """A request that is at least roughly one."""
    path, query = draw(paths), draw(queries)
    target = f"{path}?{query}" if query else path
    version = draw(st.sampled_from(["HTTP/1.1"] * 5 + ["HTTP/1.0", "HTTP/2.0", "HTTP/0.9", ""]))
    host = draw(st.sampled_from(["Host: here"] * 5 + ["Host: [", "Host: a b", "Host:", ""]))
    lines = [f"{draw(methods)} {target} {version}", host, *draw(headers)]
    body = draw(st.binary(max_size=10))
    text = "\r\n".join([*filter(None, lines), "Connection: close"]) + "\r\n\r\n"
    return text.encode("latin-1", "replace") + body


async def answer(server: Server, request: bytes) -> bytes:
    """What comes back if the client sends no more."""
    async with await server.connect() as stream:
        await stream.send_all(request)
        await stream.send_eof()
        return await everything(stream)


async def ask_all(token: str, every: list[bytes]) -> None:
    """Fails if one of them is too much for the server."""
    with structlog.testing.capture_logs() as logs:
        async with site(token) as at:
            for request in every:
                await ask_one(at, request)
            assert (await at.client.get("/health")).status_code == 200
    assert logs == []


async def ask_one(at: Site, request: bytes) -> None:
    with trio.fail_after(SOON_SECS):
        found = await answer(at.server, request)
    if not found:
        return  # closed without a word
    assert found.startswith((b"HTTP/1.1 1", b"HTTP/1.1 2", b"HTTP/1.1 4", b"HTTP/1.1 5")), request
    status = int(found.split(b" ", 2)[1])
    assert status in {101, 100, 200, 400, 401, 403, 404, 405, 426, 431, 501, 505}, (request, found)


@A_FEW
@given(st.lists(requests(), min_size=REQUESTS, max_size=REQUESTS))
def test_requests_without_sense(every: list[bytes]) -> None:
    """Paths, queries, methods and headers of all kinds."""
    trio.run(partial(ask_all, "", every))


@A_FEW
@given(st.lists(requests(), min_size=REQUESTS, max_size=REQUESTS))
def test_requests_without_sense_or_token(every: list[bytes]) -> None:
    """The same where a token is asked for."""
    trio.run(partial(ask_all, "secret", every))


@A_FEW
@given(st.lists(st.binary(max_size=200), min_size=REQUESTS, max_size=REQUESTS))
def test_bytes_without_sense(every: list[bytes]) -> None:
    """Not even a request."""
    trio.run(partial(ask_all, "", every))


@A_FEW
@given(st.lists(st.binary(max_size=100), min_size=REQUESTS, max_size=REQUESTS))
def test_frames_without_sense(every: list[bytes]) -> None:
    """Behind the words with which HTTP/2 begins, and its settings: at most a calm word of it."""
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")

    async def run() -> None:
        async with site() as at:
            for data in every:
                await answer(at.server, preface + data)
            assert (await at.client.get("/health")).status_code == 200

    with structlog.testing.capture_logs() as logs:
        trio.run(run)
    assert {line["event"] for line in logs} <= {"http_connection_failed"}
