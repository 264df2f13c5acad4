"""What every path answers, over real sockets, to whoever is let in."""

from __future__ import annotations

import shutil
import subprocess
import threading
from datetime import UTC, datetime

import pytest
import trio
from prometheus_client.parser import text_string_to_metric_families

from tests.ops.web.site import FILES, site
from tests.ops.web.sockets import SOON_SECS
from tick_logger.model.connections import Absent
from tick_logger.ops.web import asking, routes


async def test_health() -> None:
    """What a supervisor wants to know, and 200 even where not all is well."""
    async with site() as at:
        at.rig.metrics.exchange("alpha").connections_wanted.set(2)
        at.board.view = at.board._look()
        answer = await at.client.get("/health")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    said = answer.json()
    assert said["status"] == "degraded"
    assert said["reasons"] == ["alpha: only 1 of 2 connections are open"]
    assert (said["version"], said["messages_dropped"]) == ("1.2.3", 0)
    assert 0 <= said["uptime_secs"] < SOON_SECS
    assert said["connections"] == {"up": 2, "wanted": 3}
    for word in ("now_at", "started_at"):
        assert datetime.fromisoformat(said[word]).tzinfo is UTC
    assert said["exchanges"]["beta"] == {
        "connected": True,
        "connections_up": 1,
        "connections_wanted": 1,
        "dropped": 0,
        "unreachable": None,
        "symbols": 2,
        "messages_per_second": 0.0,
        "last_message": said["exchanges"]["alpha"]["last_message"],
        "last_message_at": "2026-09-22T12:00:00Z",
        "left_out": [],
        "not_listed": [],
    }


MANY = tuple(f"S{number}" for number in range(1_062))


async def test_every_symbol_that_is_not_recorded_is_named() -> None:
    """By /health and by the status, however many there are."""
    async with site() as at:
        at.rig.venues["alpha"].absent = Absent(left_out=MANY, not_listed=("NOPE", "S9*"))
        at.rig.metrics.exchange("alpha").symbols_left_out.set(len(MANY))
        at.board.view = at.board._look()
        health = (await at.client.get("/health")).json()
        status = (await at.client.get("/api/status")).json()
    for said in (health["exchanges"]["alpha"], status["exchanges"][0]):
        assert tuple(said["left_out"]) == MANY
        assert said["not_listed"] == ["NOPE", "S9*"]
    assert health["reasons"] == [
        "alpha: 1,062 symbols are not recorded, because its connections are full",
        "alpha: 2 configured symbols are not listed as traded: NOPE, S9*",
    ]


async def test_ready() -> None:
    """200, or 503 with the reasons."""
    async with site() as at:
        answer = await at.client.get("/ready")
        assert (answer.status_code, answer.json()) == (200, {"ready": True, "reasons": []})
        at.rig.metrics.exchange("beta").connections_up.set(0)
        at.rig.troubles.append("the disk is full")
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
            ("?q=xbt-e", ["BTC/EUR"], False),
            ("?q=nothing", [], False),
            ("?limit=1", ["BTC-USD"], True),
            ("?limit=3", ["BTC-USD", "ETH-USD", "BTC/EUR"], False),
        ):
            said = (await at.client.get(f"/api/symbols{query}")).json()
            assert [each["symbol"] for each in said["symbols"]] == symbols, query
            assert said["more"] is more, query


async def test_symbols_that_are_not_recorded_are_found_too() -> None:
    """Each once, also where it was recorded before; their page says why they are not."""
    async with site() as at:
        at.rig.venues["beta"].absent = Absent(left_out=("BTC/EUR", "BTC/XYZ"), not_listed=("NO",))
        for query, symbols in (("btc/", ["BTC/EUR", "BTC/XYZ"]), ("beta/n", ["NO"])):
            said = (await at.client.get(f"/api/symbols?q={query}")).json()
            assert said["symbols"] == [
                {"exchange": "beta", "symbol": each, "pair": "XBT-EUR" if "EUR" in each else None}
                for each in symbols
            ]


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
        rest = {"trades": [], "absent": "", "pair": "XBT-EUR"}
        assert (answer.status_code, answer.json()) == (200, {**query, **rest})
        assert at.reader.asked == [("beta", "BTC/EUR")]


@pytest.mark.parametrize(
    ("symbol", "reason"),
    [
        ("X", "the connections are full"),
        ("NOPE", "the exchange does not list it as traded"),
        ("BTC-USD", ""),
    ],
)
async def test_why_a_symbol_is_not_recorded(symbol: str, reason: str) -> None:
    """Beside what was recorded of it before, and where nothing was."""
    async with site() as at:
        at.rig.venues["alpha"].absent = Absent(left_out=("X",), not_listed=("NOPE",))
        query = {"exchange": "alpha", "symbol": symbol}
        known = await at.client.get("/api/symbol", params=query)
        at.reader.error = LookupError("there is none")
        unknown = await at.client.get("/api/symbol", params=query)
    assert (known.status_code, known.json()["absent"]) == (200, reason)
    said = f"there is none: {reason}" if reason else "there is none"
    assert (unknown.status_code, unknown.json()) == (404, {"error": said})


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
    monkeypatch.setattr(asking, "READ_SECS", 0.05)
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
