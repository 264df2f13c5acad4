"""Networks that let nothing through, over real sockets: each is told by its own words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from prometheus_client import CollectorRegistry

from tests.net.wire.bytes_sent import read_request
from tests.net.wire.test_dial import Authority, NoSuchName, authority, http, nobody, server
from tick_logger.clock import SystemClock
from tick_logger.errors import ConnectionLost, Step
from tick_logger.net.address import Address
from tick_logger.net.approach import Approach, Purpose
from tick_logger.net.reach import Reach
from tick_logger.net.rest.client import RestClient
from tick_logger.net.wire.dial import NetworkDial
from tick_logger.net.wire.web_page import is_page, words_of_page
from tick_logger.telemetry.metrics import Metrics

__all__ = ["authority"]

PAGE = (
    b"\n<!DOCTYPE html><html><head><style>p {}</style><title>Log in to\nHotel Wi-Fi</title>"
    b"<script>if (1 < 2) go()</script></head><body><h1>Welcome</h1>"
    b"<p>Room number?</p></body></html>"
)
ELSEWHERE = b"Location: https://elsewhere.example/log-in"
FORBIDDEN = (
    "HTTP 403 Forbidden (the venue, or the firewall before it, refuses this machine;"
    " another endpoint may not)"
)


@asynccontextmanager
async def blocking(answer: bytes) -> AsyncIterator[str]:
    """A server that answers each first request with these bytes, and hangs up."""

    async def handle(stream: trio.abc.Stream) -> None:
        await read_request(stream)
        await stream.send_all(answer)

    async with server(handle) as place:
        yield place


async def by_websocket(dial: NetworkDial, place: str, scheme: str = "ws") -> ConnectionLost:
    """What is said of an upgrade that fails."""
    async with trio.open_nursery() as nursery:
        with pytest.raises(ConnectionLost) as caught:
            await dial.open(
                nursery,
                f"{scheme}://{place}/",
                on_frames=lambda recv_ns, payloads: None,
                on_ping=lambda: None,
                max_message_bytes=1_000,
            )
    return caught.value


async def by_rest(dial: NetworkDial, place: str, scheme: str = "http") -> ConnectionLost:
    """What is said of a request that fails."""
    endpoint, clock = f"{scheme}://{place}", SystemClock()
    metrics = Metrics(CollectorRegistry()).exchange("tiny")
    address = Address(1000, 100.0, 60.0)
    approach = Approach("tiny", address, Purpose.REST, clock=clock, metrics=metrics)
    client = RestClient(endpoint, dial, approach, Reach("tiny", clock))
    with pytest.raises(ConnectionLost) as caught:
        await client.get(f"{endpoint}/list?all=1", 1)
    assert caught.value.place == f"{endpoint}/list"
    return caught.value


@pytest.mark.parametrize(
    ("answer", "step", "words"),
    [
        (http(403, b"no service here"), Step.HTTP, f"{FORBIDDEN}: no service here"),
        (
            http(403, PAGE),
            Step.HTTP,
            f"{FORBIDDEN}: Log in to Hotel Wi-Fi: Welcome Room number?",
        ),
        (
            http(200, PAGE),
            Step.PAGE,
            "a web page came instead of an answer (HTTP 200): Log in to Hotel Wi-Fi: Welcome Room"
            " number?",
        ),
        (
            http(302, b"", ELSEWHERE),
            Step.REDIRECTED,
            "HTTP 302 Found, which points to https://elsewhere.example/log-in",
        ),
    ],
)
async def test_an_answer_that_is_none(answer: bytes, step: Step, words: str) -> None:
    """A refusal in the server's own words, a page for people, another address: by both ways."""
    async with blocking(answer) as place, NetworkDial(SystemClock()) as dial:
        lost = await by_rest(dial, place)
        assert (lost.step, lost.words) == (step, words)
        lost = await by_websocket(dial, place)
    refused = "" if step is Step.PAGE else "upgrade refused with "
    assert (lost.step, lost.words, lost.place) == (step, refused + words, place)


async def test_a_certificate_of_somebody_else(authority: Authority) -> None:
    """A proxy that opens what passes, say: TLS, and why."""

    async def hear(stream: trio.abc.Stream) -> None:
        await stream.receive_some()

    context = authority.server("127.0.0.1")
    words = "TLS: certificate verify failed: unable to get local issuer certificate"
    async with server(hear, context) as place, NetworkDial(SystemClock()) as dial:
        for lost in (
            await by_websocket(dial, place, "wss"),
            await by_rest(dial, place, "https"),
        ):
            assert (lost.step, lost.words) == (Step.TLS, words)


async def test_nobody_is_there() -> None:
    """TCP, and why."""
    with nobody() as place:
        async with NetworkDial(SystemClock()) as dial:
            for lost in (await by_websocket(dial, place), await by_rest(dial, place)):
                assert (lost.step, lost.words) == (Step.TCP, "TCP: Connection refused")


async def test_the_name_is_not_known() -> None:
    """DNS, for the sockets as for the requests."""
    trio.socket.set_custom_hostname_resolver(NoSuchName())
    async with NetworkDial(SystemClock()) as dial:
        for lost in (
            await by_websocket(dial, "feed.example:80"),
            await by_rest(dial, "feed.example:80"),
        ):
            assert (lost.step, lost.words) == (Step.DNS, "DNS: Name or service not known")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>x", "x"),
        (b"\xef\xbb\xbf<!-- a\nb --> <HTML><Title>A</Title>", "A"),
        (b"<!doctype html><body><script>let a;</script>b <b>c</b>", "b c"),
        (b"<html><title>never ends", "never ends"),
        (b"<html><p>\xff\xfe</p></style></nothing>", "\ufffd\ufffd"),
        (b"<body" + b" x" * 100_000, ""),
    ],
)
def test_what_a_page_says(body: bytes, words: str) -> None:
    """Its title and what is seen first, however broken it is."""
    assert is_page(body)
    assert words_of_page(body) == words


@pytest.mark.parametrize("body", [b"", b"<", b"{}", b"[]", b"<xml>", b"<?xml?><html>", b"x <html>"])
def test_what_is_no_page(body: bytes) -> None:
    """Data, or nothing."""
    assert not is_page(body)
