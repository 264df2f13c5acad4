"""The stream of events: the same for all pages, for so many of them."""

from __future__ import annotations

import json

import pytest
import trio

from tests.ops.web.site import Site, site
from tests.ops.web.sockets import SOON_SECS, get, happens, until
from tick_logger.ops.status import board as board_module
from tick_logger.ops.web import streams


async def test_all_pages_get_the_same_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """One at once, then one for every sample."""
    monkeypatch.setattr(board_module, "SAMPLE_SECS", 0.02)
    async with site() as at, trio.open_nursery() as nursery:
        heard: list[bytes] = [b"", b"", b""]

        async def listen(number: int) -> None:
            async with await at.server.connect() as stream:
                await stream.send_all(b"GET /api/events HTTP/1.0\r\n\r\n")  # in no chunks
                while heard[number].count(b"\n\n") < 4:
                    heard[number] += await stream.receive_some()

        async with trio.open_nursery() as listeners:
            for number in range(len(heard)):
                listeners.start_soon(listen, number)
            await happens(lambda: all(heard))
            nursery.start_soon(at.board.run)
        nursery.cancel_scope.cancel()
    head, _, _ = heard[0].partition(b"\r\n\r\n")
    assert b"content-type: text/event-stream" in head
    events = [each.partition(b"\r\n\r\n")[2].split(b"\n\n")[:4] for each in heard]
    assert events[0] == events[1] == events[2]
    said = [json.loads(each.removeprefix(b"event: status\ndata: ")) for each in events[0]]
    uptimes = [each["uptime_secs"] for each in said]
    assert uptimes == sorted(uptimes)
    assert all(each["exchanges"][0]["name"] == "alpha" for each in said)


async def test_one_page_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is told so; one that goes away leaves its place to the next."""
    monkeypatch.setattr(streams, "MOST_STREAMS", 2)
    monkeypatch.setattr(board_module, "SAMPLE_SECS", 0.01)
    async with site() as at, trio.open_nursery() as nursery:
        nursery.start_soon(at.board.run)
        for _ in range(3):
            async with await at.server.connect() as one, await at.server.connect() as two:
                for stream in (one, two):
                    await stream.send_all(get("/api/events"))
                    await until(stream, b"data: {")
                refused = await at.client.get("/api/events")
                assert refused.status_code == 503
                assert refused.json() == {"error": "2 pages are open already"}
            with trio.fail_after(SOON_SECS):
                while (await probe(at)) == 503:
                    await at.board.wait()
        nursery.cancel_scope.cancel()


async def probe(at: Site) -> int:
    """The status that one more page gets."""
    async with at.client.stream("GET", "/api/events") as answer:
        return answer.status_code
