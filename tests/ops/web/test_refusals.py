"""What is not there, not allowed or not understood: each refused as it should be, and counted."""

from __future__ import annotations

import httpx2
import pytest
import structlog

from tests.ops.web.site import FILES, PATHS, site
from tests.ops.web.sockets import get, happens, status_of

SECURITY = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


@pytest.mark.parametrize(
    "path", ["/nothing", "/health/", "//health", "/HEALTH", "/api", "/api/status/x", "/%00"]
)
async def test_what_is_not_there(path: str) -> None:
    """404, and nobody is sent elsewhere."""
    async with site() as at:
        answer = await at.server.ask(get(path))
    assert status_of(answer) == 404
    assert b"location" not in answer.lower()


async def test_head() -> None:
    """The same head as of GET, and no body; of events too, which would never end."""
    async with site() as at:
        for path in (*PATHS, *FILES):
            answer = await at.server.ask(get(path, method="HEAD", close=False) + get("/ready"))
            head, _, rest = answer.partition(b"\r\n\r\n")
            assert status_of(head) == 200, path
            assert rest.startswith(b"HTTP/1.1 200"), path


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
async def test_nothing_can_be_changed(method: str) -> None:
    """405 on every path."""
    async with site() as at:
        for path in (*PATHS, *FILES):
            answer = await at.client.request(method, path, content=b"x" if method == "PUT" else b"")
            assert answer.status_code == 405, path
            assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


async def test_every_answer_carries_the_headers_that_protect_a_browser() -> None:
    """Whatever its status."""
    with structlog.testing.capture_logs() as logs:
        async with site("secret") as at:
            at.reader.error = RuntimeError("a fault of ours")
            right = {"authorization": "Bearer secret"}
            symbol = "/api/symbol?exchange=a&symbol=b"
            answers = [
                await at.client.get("/"),
                await at.client.get("/api/status"),
                await at.client.get("/nothing", headers=right),
                await at.client.post("/health"),
                await at.client.get("/api/symbols?limit=x", headers=right),
                await at.client.get(symbol, headers=right),
            ]
            requests = at.requests()
            await happens(lambda: bool(logs))  # the answer comes first
    assert [answer.status_code for answer in answers] == [200, 401, 404, 405, 400, 500]
    for answer in answers:
        assert {name: answer.headers.get(name) for name in SECURITY} == SECURITY
        assert "server" not in answer.headers
    assert answers[-1].json() == {"error": "a fault of ours"}
    assert [line["event"] for line in logs] == ["http_failed"]
    assert requests == {
        ("/", "200"): 1,
        ("/api/status", "401"): 1,
        ("other", "404"): 1,
        ("/health", "405"): 1,
        ("/api/symbols", "400"): 1,
        ("/api/symbol", "500"): 1,
    }


async def test_what_is_counted_is_bounded() -> None:
    """However many paths and methods somebody thinks of."""
    async with site() as at:
        for number in range(20):
            await at.client.request(f"M{number}", f"/api/{number}?x={number}")
            await at.client.get(f"/page/{number}")
        assert set(at.requests()) == {("other", "404")}


# -- other protocols ------------------------------------------------------------------------------


async def test_no_websockets() -> None:
    """Refused before anything is agreed."""
    async with site() as at:
        answer = await at.server.ask(
            get(
                "/api/events",
                "Upgrade: websocket",
                "Connection: Upgrade",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                close=False,
            )
        )
    assert status_of(answer) == 403


async def test_only_http_1() -> None:
    """Another version is told so, whatever it asks for."""
    async with site() as at:
        answer = await at.server.ask(
            b"GET /api/events HTTP/9.9\r\nHost: a\r\nConnection: close\r\n\r\n"
        )
        assert status_of(answer) == 505
        async with httpx2.AsyncClient(
            base_url=at.server.address, http1=False, http2=True
        ) as client:
            assert (await client.get("/api/events")).status_code == 505
