"""What every path answers, over real sockets, to whoever is let in."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import httpx2
import pytest
import structlog
import trio
from prometheus_client.parser import text_string_to_metric_families

from tests.ops.watched import Watched
from tests.ops.web.sockets import SOON_SECS, Server, get, happens, serving, status_of, until
from tick_logger.model.instruments import Instruments
from tick_logger.ops import board as board_module
from tick_logger.ops.board import Board
from tick_logger.ops.web import routes
from tick_logger.ops.web.routes import Recorder, application

PATHS = ("/", "/health", "/ready", "/metrics", "/api/status", "/api/symbols", "/api/events")
FILES = ("/page/page.css", "/page/page.js", "/page/index.html")
SECURITY = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


@attrs.define
class Reader:
    """Stands for the column files of one symbol."""

    asked: list[tuple[str, str]] = attrs.field(factory=list)
    error: Exception | None = None
    wait: threading.Event | None = None

    def __call__(self, exchange: str, symbol: str) -> dict[str, Any]:
        self.asked.append((exchange, symbol))
        if self.wait is not None:
            self.wait.wait(SOON_SECS)
        if self.error is not None:
            raise self.error
        return {"exchange": exchange, "symbol": symbol, "trades": []}


@attrs.define
class Site:
    """What is served, what stands behind it, and a client."""

    watched: Watched
    board: Board
    reader: Reader
    server: Server
    client: httpx2.AsyncClient

    def requests(self) -> dict[tuple[str, str], float]:
        """What was counted, by path and status."""
        return {
            (sample.labels["path"], sample.labels["status"]): sample.value
            for sample in next(iter(self.watched.metrics.http_requests.collect())).samples
            if sample.name.endswith("_total")
        }


@asynccontextmanager
async def site(token: str = "") -> AsyncIterator[Site]:
    """A recorder of two exchanges."""
    watched, reader, instruments = Watched(), Reader(), Instruments()
    for exchange, symbol in (("alpha", "BTC-USD"), ("beta", "BTC/EUR"), ("alpha", "ETH-USD")):
        instruments.add(exchange, symbol)
    board = watched.board()
    recorder = Recorder(
        board=board,
        metrics=watched.metrics,
        instruments=instruments,
        read_symbol=reader,
        token=token,
    )
    async with (
        serving(application(recorder)) as server,
        httpx2.AsyncClient(base_url=server.address, timeout=SOON_SECS) as client,
    ):
        yield Site(watched, board, reader, server, client)


# -- the answers --------------------------------------------------------------------------------


async def test_health() -> None:
    """What a supervisor wants to know, and 200 even where not all is well."""
    async with site() as at:
        at.watched.metrics.exchange("alpha").connections_wanted.set(2)
        at.board.view = at.board._look()
        answer = await at.client.get("/health")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    said = answer.json()
    assert said["status"] == "degraded"
    assert said["reasons"] == ["alpha: only 1 of 2 connections are open"]
    assert (said["version"], said["messages_dropped"]) == ("1.2.3", 0)
    assert 0 <= said["uptime_secs"] < SOON_SECS
    assert said["exchanges"]["beta"] == {
        "connected": True,
        "symbols": 2,
        "messages_per_second": 0.0,
        "last_message": said["exchanges"]["alpha"]["last_message"],
    }


async def test_ready() -> None:
    """200, or 503 with the reasons."""
    async with site() as at:
        answer = await at.client.get("/ready")
        assert (answer.status_code, answer.json()) == (200, {"ready": True, "reasons": []})
        at.watched.metrics.exchange("beta").connections_up.set(0)
        at.watched.troubles.append("the disk is full")
        at.board.view = at.board._look()
        answer = await at.client.get("/ready")
    assert answer.status_code == 503
    unconnected = "beta: not connected (0 of 1 connections are open)"
    assert answer.json() == {"ready": False, "reasons": ["the disk is full", unconnected]}


async def test_metrics() -> None:
    """As Prometheus parses them, with what was counted of requests."""
    async with site() as at:
        await at.client.get("/health")
        answer = await at.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = {each.name: each for each in text_string_to_metric_families(answer.text)}
    assert all(
        name.startswith("collector_") and each.documentation for name, each in families.items()
    )
    (sample,) = (
        each for each in families["collector_http_requests"].samples if each.name.endswith("_total")
    )
    assert (sample.labels, sample.value) == ({"path": "/health", "status": "200"}, 1.0)
    assert families["collector_latency_exchange_to_collector"].type == "histogram"


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
async def test_promtool_finds_nothing_to_complain_about() -> None:
    """Of names, units and help texts, once everything has been counted."""
    async with site() as at:
        await at.client.get("/health")
        answer = await at.client.get("/metrics")
    checked = await trio.run_process(
        ["promtool", "check", "metrics"],
        stdin=answer.content,
        capture_stdout=True,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert (checked.returncode, checked.stdout) == (0, b"")


async def test_status() -> None:
    """The bytes of the board."""
    async with site() as at:
        answer = await at.client.get("/api/status")
        assert answer.content == at.board.encoded


async def test_page() -> None:
    """The page and its files, each as what it is; nothing else is a file."""
    async with site() as at:
        for path, kind in (("/", "html"), *zip(FILES, ("css", "javascript", "html"), strict=True)):
            answer = await at.client.get(path)
            assert answer.status_code == 200
            assert answer.headers["content-type"] == f"text/{kind}; charset=utf-8"
        for path in ("/page/", "/page/__init__.py", "/page/..%2froutes.py", "/page/a/b", "/page"):
            assert (await at.client.get(path)).status_code == 404


async def test_symbols() -> None:
    """Those that contain what is looked for, in whatever case, and whether there are more."""
    async with site() as at:
        for query, symbols, more in (
            ("", ["BTC-USD", "ETH-USD", "BTC/EUR"], False),
            ("?q=btc", ["BTC-USD", "BTC/EUR"], False),
            ("?q=+BTC%2F", ["BTC/EUR"], False),
            ("?q=beta", ["BTC/EUR"], False),
            ("?q=beta/b", ["BTC/EUR"], False),
            ("?q=nothing", [], False),
            ("?limit=1", ["BTC-USD"], True),
            ("?limit=3", ["BTC-USD", "ETH-USD", "BTC/EUR"], False),
        ):
            said = (await at.client.get(f"/api/symbols{query}")).json()
            assert [each["symbol"] for each in said["symbols"]] == symbols, query
            assert said["more"] is more, query


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=-1", "limit=x", "limit=", "limit=٣", f"q={'x' * 101}"]
)
async def test_a_query_that_makes_no_sense(query: str) -> None:
    """Is refused in words."""
    async with site() as at:
        answer = await at.client.get(f"/api/symbols?{query}")
    assert answer.status_code == 400
    assert set(answer.json()) == {"error"}


async def test_symbol() -> None:
    """Read in a thread, with the names as they are."""
    async with site() as at:
        query = {"exchange": "beta", "symbol": "BTC/EUR"}
        answer = await at.client.get("/api/symbol", params=query)
        assert (answer.status_code, answer.json()) == (200, {**query, "trades": []})
        assert at.reader.asked == [("beta", "BTC/EUR")]


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (LookupError("alpha has no symbol X here"), 404, "alpha has no symbol X here"),
        (OSError(5, "Input/output error"), 503, "the files cannot be read: Input/output error"),
    ],
)
async def test_a_symbol_that_cannot_be_read(error: Exception, status: int, reason: str) -> None:
    """There is none such, or the disk is in trouble."""
    async with site() as at:
        at.reader.error = error
        answer = await at.client.get("/api/symbol?exchange=alpha&symbol=X")
    assert (answer.status_code, answer.json()) == (status, {"error": reason})


async def test_a_disk_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps pages waiting for a while only, and nothing else."""
    monkeypatch.setattr(routes, "READ_SECS", 0.05)
    async with site() as at:
        at.reader.wait = threading.Event()
        statuses: list[int] = []

        async def ask() -> None:
            answer = await at.client.get("/api/symbol?exchange=alpha&symbol=X")
            statuses.append(answer.status_code)

        try:
            async with trio.open_nursery() as nursery:
                for _ in range(5):
                    nursery.start_soon(ask)
                assert (await at.client.get("/health")).status_code == 200
            assert statuses == [503] * 5
            assert len(at.reader.asked) == routes.MOST_READS
        finally:
            at.reader.wait.set()


# -- what is not there, and what is wrong -------------------------------------------------------


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


# -- the token ------------------------------------------------------------------------------------


async def test_without_the_token() -> None:
    """Only health and the page, which says nothing by itself."""
    async with site("secret") as at:
        for path in ("/", "/health", *FILES):
            assert (await at.client.get(path)).status_code == 200, path
        for path in (*PATHS[2:], "/nothing", "/health/", "/page"):
            answer = await at.client.get(path)
            assert answer.status_code == 401, path
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.json() == {"error": "a token is needed"}


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer secre", "Bearer secrets", "bearer secret", "secret", "\xff"],
)
async def test_a_wrong_token(header: str) -> None:
    """Is as none."""
    async with site("secret") as at:
        answer = await at.server.ask(get("/metrics", f"Authorization: {header}"))
    assert status_of(answer) == 401


@pytest.mark.parametrize("token", ["secret", "päss wörd"])
async def test_the_right_token(token: str) -> None:
    """Opens everything; beyond ASCII it is sent as UTF-8."""
    async with site(token) as at:
        header = {b"authorization": f"Bearer {token}".encode()}
        for path in PATHS[:-1]:
            assert (await at.client.get(path, headers=header)).status_code == 200, path


# -- events --------------------------------------------------------------------------------------


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
    monkeypatch.setattr(routes, "MOST_STREAMS", 2)
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
