"""Crowds of clients over real sockets: who asks for health is answered before all of them."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest
import trio

from tests.ops.web.site import Site, site
from tests.ops.web.sockets import everything, get, happens, status_of, until
from tick_logger.ops.web.guarded import MOST_BESIDE, MOST_CONNECTIONS

CROWD = 300
MOST_ANSWER_SECS = 4.5
"""Two hundred times what it takes, for a machine that is busy with other tests; places that were
waited for would cost five seconds and more."""

METRICS = get("/metrics", close=False)
EVENTS = get("/api/events", close=False)


async def crowd(
    at: Site, stack: AsyncExitStack, request: bytes, count: int
) -> list[trio.SocketStream]:
    """Clients who ask for something, and read nothing."""
    found = []
    for _ in range(count):
        client = await at.server.connect(receive_buffer=4096)
        await stack.enter_async_context(client)
        await client.send_all(request)
        found.append(client)
    return found


async def assert_health(at: Site) -> None:
    """Both paths answer at once."""
    for path in ("/health", "/ready"):
        began = trio.current_time()
        answer = await at.server.ask(get(path))
        assert status_of(answer) in (200, 503)
        assert trio.current_time() - began < MOST_ANSWER_SECS


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"",
        b"G",
        b"GET /health HTTP/1.1\r\nHost: he",
        get("/health", close=False),
        get("/api/status", close=False),
        EVENTS,
        METRICS * 50,
        get("/health", close=False) * 100,
        get("/", "Content-Length: 1000", method="POST", close=False),
    ],
    ids=["idle", "byte", "half", "kept", "status", "events", "metrics", "health", "body"],
)
async def test_a_crowd_keeps_nobody_from_health(request_bytes: bytes) -> None:
    """Whatever it does with its connections."""
    async with site() as at, AsyncExitStack() as stack:
        for _ in range(3):
            await crowd(at, stack, request_bytes, CROWD // 3)
            await assert_health(at)


async def test_places_that_are_all_taken_by_answers() -> None:
    """Others wait, as they always did; health does not."""
    async with site() as at, AsyncExitStack() as stack:
        await crowd(at, stack, METRICS * 400, MOST_CONNECTIONS)
        await crowd(at, stack, get("/api/status", close=False), MOST_BESIDE)
        await assert_health(at)


async def test_a_page_stays_open_beside_a_crowd_that_says_nothing() -> None:
    """Those on whom nothing waits go first, the oldest of them."""
    async with site() as at, AsyncExitStack() as stack:
        page = await stack.enter_async_context(await at.server.connect())
        await page.send_all(EVENTS)
        await until(page, b"event: status")
        silent = await crowd(at, stack, b"", CROWD)
        assert await everything(silent[0]) == b""
        await assert_health(at)
        with trio.move_on_after(0.1) as waiting:
            while await page.receive_some():
                pass
        assert waiting.cancelled_caught, "it was closed"


async def test_what_is_open_has_a_bound() -> None:
    """All but so many of a crowd are let go at once."""
    async with site() as at, AsyncExitStack() as stack:
        silent = await crowd(at, stack, b"", CROWD)
        gone = 0

        async def watch(client: trio.SocketStream) -> None:
            nonlocal gone
            await everything(client)
            gone += 1

        async with trio.open_nursery() as nursery:
            for client in silent[: CROWD - MOST_CONNECTIONS - MOST_BESIDE]:
                nursery.start_soon(watch, client)
            await happens(lambda: gone == CROWD - MOST_CONNECTIONS - MOST_BESIDE)
