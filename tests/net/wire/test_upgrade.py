"""Upgrades that fail, over memory streams in virtual time: what each says, and how soon."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from tests.net.wire.bytes_sent import read_request
from tests.net.wire.clients import Client, new_client
from tick_logger.errors import ConnectionLost, Ending, Told
from tick_logger.net.wire.link import Address


@pytest.fixture
def client(nursery: trio.Nursery) -> Client:
    """A client that is not connected yet."""
    return new_client(nursery)


async def refusal(client: Client, answer: bytes, then_close: bool = False) -> str:
    """What a failed upgrade says when the server answers with these bytes."""
    return str(await failure(client, answer, then_close))


async def failure(client: Client, answer: bytes, then_close: bool = False) -> ConnectionLost:
    """The error of an upgrade that fails when the server answers with these bytes."""

    async def answer_request() -> None:
        await read_request(client.server)
        await client.server.send_all(answer)
        if then_close:
            await client.server.aclose()

    client.nursery.start_soon(answer_request)
    with pytest.raises(ConnectionLost) as caught:
        await client.open()
    assert caught.value.ending is Ending.DIAL
    return caught.value


async def test_a_refused_upgrade_reports_status_and_body(client: Client) -> None:
    """The venue's own explanation is worth more than ours; both are given."""
    body = b'{"msg": "Service unavailable\nfrom a restricted location"}'
    answer = b"HTTP/1.1 451 X\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    assert await refusal(client, answer) == (
        "feed.example:80: upgrade refused with HTTP 451 Unavailable For Legal Reasons (the venue"
        " does not serve this machine's region here; another endpoint may):"
        ' {"msg": "Service unavailable from a restricted location"}'
    )


@pytest.mark.parametrize(
    ("status", "named"),
    [
        (
            403,
            "HTTP 403 Forbidden (the venue, or the firewall before it, refuses this machine;"
            " another endpoint may not)",
        ),
        (429, "HTTP 429 Too Many Requests (too many requests, slow down)"),
        (503, "HTTP 503 Service Unavailable (the venue is overloaded or under maintenance)"),
        (302, "HTTP 302 Found"),
        (599, "HTTP 599"),
    ],
)
async def test_a_refused_upgrade_without_a_body(client: Client, status: int, named: str) -> None:
    """The status is named; special ones are explained."""
    answer = b"HTTP/1.1 %d x\r\nContent-Length: 0\r\n\r\n" % status
    assert await refusal(client, answer) == f"feed.example:80: upgrade refused with {named}"


async def test_a_refusal_whose_body_ends_with_the_connection(
    client: Client, autojump_clock: MockClock
) -> None:
    """The library never notices this one; the status is known all the same."""
    answer = b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n<html>"
    assert "HTTP 403 Forbidden" in await refusal(client, answer, then_close=True)
    assert trio.current_time() == 0


@pytest.mark.parametrize("body", [b"Content-Length: 4\r\n\r\nbusy", b"\r\nbusy"])
async def test_what_a_refusal_says_is_kept_as_it_was_sent(
    client: Client, body: bytes, autojump_clock: MockClock
) -> None:
    """Also where the body ends with the connection, which the library does not take."""
    head = b"HTTP/1.1 429 x\r\nretry-AFTER:  120 \r\nDate: Tue, 14 Nov 2023 21:56:40 GMT\r\n"
    lost = await failure(client, head + body, then_close=True)
    assert lost.told == Told(429, "busy", "120", "Tue, 14 Nov 2023 21:56:40 GMT")


async def test_where_nothing_is_answered_nothing_is_told(client: Client) -> None:
    """An end is not a word."""
    assert (await failure(client, b"", then_close=True)).told is None


async def test_no_answer_at_all(client: Client, autojump_clock: MockClock) -> None:
    """The deadline of the upgrade is its own, and the stream is closed."""
    with pytest.raises(ConnectionLost, match="no answer to the upgrade request within 10 s"):
        await client.open()
    assert trio.current_time() == 10
    await read_request(client.server)
    assert await client.server.receive_some() == b""


async def test_an_end_instead_of_an_answer(client: Client, autojump_clock: MockClock) -> None:
    """Known at once, not after the deadline."""
    assert await refusal(client, b"", then_close=True) == (
        "feed.example:80: the other side ended the connection without answering the upgrade request"
    )
    assert trio.current_time() == 0


async def test_a_server_that_is_gone_before_the_request(
    client: Client, autojump_clock: MockClock
) -> None:
    """The request cannot even be sent."""
    await client.server.aclose()
    with pytest.raises(ConnectionLost, match=r"feed\.example:80: upgrade: "):
        await client.open()
    assert trio.current_time() == 0


@pytest.mark.parametrize(
    ("answer", "objection"),
    [
        (
            b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: wrong\r\n\r\n",
            "Bad accept token",
        ),
        (b"HTTP/1.1 101 x\r\nConnection: caf\xc3\xa9\r\n\r\n", "ascii"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "Bad HTTP message"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "HTTP 200 OK: hi"),
        (b"HTTP/1.1 101 x\r\n" + b"a" * 70_000, "over 65536 bytes before the first frame"),
    ],
)
async def test_a_wrong_answer(
    client: Client, autojump_clock: MockClock, answer: bytes, objection: str
) -> None:
    """What is wrong with it is said, at once."""
    assert objection in await refusal(client, answer)
    assert trio.current_time() == 0


# -- addresses -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("wss://a.example", Address(True, "a.example", 443, "a.example", "/")),
        ("ws://a.example:80/x", Address(False, "a.example", 80, "a.example", "/x")),
        (
            "wss://a.example:9443/ws?b=c",
            Address(True, "a.example", 9443, "a.example:9443", "/ws?b=c"),
        ),
        ("ws://[::1]:8080", Address(False, "::1", 8080, "[::1]:8080", "/")),
    ],
)
def test_an_address_is_what_the_url_says(url: str, expected: Address) -> None:
    """The default port is left out of the Host header."""
    assert Address.of(url) == expected


@pytest.mark.parametrize("url", ["http://a.example", "a.example:80", "ws:///path", ""])
def test_other_urls_are_refused(url: str) -> None:
    """Only WebSocket addresses with a host can be dialled."""
    with pytest.raises(ValueError, match="not a ws:// or wss:// address"):
        Address.of(url)
