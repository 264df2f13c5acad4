"""What is served of recorded days: by a recorder, and over a recording at rest."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
import trio
from starlette.types import ASGIApp

from tests.ops.watched import NoPast, Rig
from tests.ops.web.sockets import SOON_SECS, get, serving, status_of, until
from tests.reader.book_rows import ASK, BID, at, row, snapshot
from tests.reader.recorded import Recorder
from tests.reader.test_rows import trade
from tests.storage.sample import MIDNIGHT_NS
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import Table
from tick_logger.ops.web import asking, past, streams, viewing
from tick_logger.ops.web.guard import Door
from tick_logger.ops.web.host_names import HostNames
from tick_logger.ops.web.routes import application
from tick_logger.reader.looking_back import LookingBack

DAY = {"exchange": "venue", "symbol": "BTC-USD", "day": "2024-02-01"}
BOOK = {"exchange": "venue", "symbol": "BTC-USD"}
PATHS = tuple(f"/api/recorded/{each}" for each in ("days", "symbols", "day", "book"))


@asynccontextmanager
async def recorder_of(seen: object, token: str = "") -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a recorder that has this past."""
    rig = Rig()
    app = application(rig.watched(past=seen), rig.board(), token=token)
    async with (
        serving(app) as server,
        httpx2.AsyncClient(base_url=server.address, timeout=SOON_SECS) as client,
    ):
        yield client


def view(seen: NoPast | LookingBack, *listening_on: str) -> ASGIApp:
    """The application over a recording at rest."""
    door = Door(names=HostNames(listening_on) if listening_on else None)
    return viewing.viewing(seen, viewing.Shown("data", "1.2.3"), door)


@asynccontextmanager
async def view_of(seen: NoPast | LookingBack) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the page over a recording at rest."""
    async with (
        serving(view(seen, "127.0.0.1")) as server,
        httpx2.AsyncClient(base_url=server.address, timeout=SOON_SECS) as client,
    ):
        yield client


@pytest.fixture
def recording(tmp_path: Path) -> LookingBack:
    """Two trades of one symbol."""
    recorder = Recorder(tmp_path / "data")
    recorder.write(Table.TRADES, [trade(1, 0, price=10.0), trade(2, 5_000, price=11.0)])
    return LookingBack(tmp_path / "data", lambda: MIDNIGHT_NS + 10**9)


async def test_a_real_recording(recording: LookingBack) -> None:
    """Its days, its symbols, a day of one; the same from a recorder and at rest."""
    for asked in (recorder_of(recording), view_of(recording)):
        async with asked as client:
            days = (await client.get("/api/recorded/days")).json()
            symbols = (await client.get("/api/recorded/symbols", params={"q": "btc"})).json()
            answer = await client.get("/api/recorded/day", params={**DAY, "buckets": "50"})
        assert days["exchanges"][0]["days"][0]["condition"] == "pending"
        assert [each["symbol"] for each in symbols["symbols"]] == ["BTC-USD"]
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.json()["prices"]["last"] == [10.0, 11.0]


async def test_the_book_at_a_moment(tmp_path: Path) -> None:
    """Best first, as many as were asked for; in a hole with the cause; empty before it began."""
    recorder = Recorder(tmp_path / "data")
    first = snapshot(10, (BID, 99, 1), (BID, 98.5, 2), (ASK, 101, 3), (ASK, 102, 0.25))
    recorder.write(Table.BOOK, [*first, row(20, BID, 99, 0), row(30, BID, 98, 5)])
    recorder.miss(GapRecord(0, Table.BOOK, None, None, at(40), at(50), Cause.CHECKSUM))
    async with view_of(LookingBack(tmp_path / "data", lambda: MIDNIGHT_NS)) as client:

        async def book(ms: int, depth: int = 10) -> dict[str, object]:
            params = {**BOOK, "at_ns": str(at(ms)), "depth": str(depth)}
            answer = await client.get("/api/recorded/book", params=params)
            assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
            found = answer.json()
            assert isinstance(found, dict)
            return found

        assert await book(19) == {
            **BOOK,
            "pair": None,
            **{"at_ns": str(at(19)), "at": at(19) / 1e9},
            **{"as_of_ns": str(at(10)), "as_of": at(10) / 1e9},
            **{"broken": False, "cause": "", "levels": [2, 2]},
            "bids": [[99.0, 1.0], [98.5, 2.0]],
            "asks": [[101.0, 3.0], [102.0, 0.25]],
        }
        best = await book(30, depth=1)
        assert (best["bids"], best["asks"]) == ([[98.5, 2.0]], [[101.0, 3.0]])
        assert (best["as_of_ns"], best["levels"]) == (str(at(30)), [2, 2])
        inside = await book(45)
        assert (inside["broken"], inside["cause"], inside["levels"]) == (True, "checksum", [2, 2])
        before = await book(9)
        assert (before["broken"], before["cause"], before["as_of"]) == (True, "no snapshot", None)
        assert (before["bids"], before["asks"], before["levels"]) == ([], [], [0, 0])


async def test_parameters_reach_the_recording() -> None:
    """As they were given; what is left out means all."""
    asked: list[tuple[object, ...]] = []

    class Past(NoPast):
        def symbols(self, *given: object) -> bytes:
            asked.append(given)
            return b"{}"

        def day(self, *given: object) -> bytes:
            asked.append(given)
            return b"{}"

        def book(self, *given: object) -> bytes:
            asked.append(given)
            return b"{}"

    async with recorder_of(Past()) as client:
        await client.get("/api/recorded/symbols")
        chosen = {"q": "b", "exchange": "", "day": "2024-02-01", "sort": "-rows"}
        await client.get("/api/recorded/symbols", params={**chosen, "offset": "50", "limit": "7"})
        await client.get("/api/recorded/day", params=DAY)
        part = {"from_ns": "1706745600000000001", "to_ns": "1706745600000000002", "buckets": "9"}
        await client.get("/api/recorded/day", params={**DAY, **part})
        at = {"at_ns": "1706745600000000001"}
        await client.get("/api/recorded/book", params={**BOOK, **at})
        await client.get("/api/recorded/book", params={**BOOK, **at, "depth": "100"})
    names = ("venue", "BTC-USD", "2024-02-01")
    assert asked == [
        ("", None, None, "symbol", 0, 50, None),
        ("b", "", "2024-02-01", "-rows", 50, 7, None),
        (*names, 0, 0, 600),
        (*names, 1706745600000000001, 1706745600000000002, 9),
        (*names[:2], 1706745600000000001, 10),
        (*names[:2], 1706745600000000001, 100),
    ]


@pytest.mark.parametrize(
    ("path", "query", "status", "words"),
    [
        ("symbols", "limit=201", 400, "limit must be a number from 1 to 200"),
        ("symbols", "limit=0", 400, "limit must be a number from 1 to 200"),
        ("symbols", "offset=-1", 400, "offset must be a number from 0 to 1000000"),
        ("symbols", "sort=price", 400, "sort must be one of symbol, rows, last, holes"),
        ("symbols", "day=x", 400, "'x' is no day"),
        ("symbols", f"q={'x' * 101}", 400, "q is longer than 100 characters"),
        ("day", "", 400, "symbol is missing"),
        ("day", "symbol=BTC-USD&exchange=venue", 400, "'' is no day"),
        ("day", "symbol=BTC-USD&exchange=venue&day=2024-02-30", 400, "is no time"),
        ("day", "symbol=X&exchange=venue&day=2024-02-01", 404, "nothing is recorded of venue:X"),
        ("day", "symbol=..&exchange=venue&day=2024-02-01", 404, "nothing is recorded of venue:.."),
        ("day", "symbol=BTC-USD&exchange=..&day=2024-02-01", 404, "nothing is recorded"),
        ("day", "symbol=BTC-USD&exchange=venue&day=2024-02-01&buckets=1201", 400, "from 1 to 1200"),
        ("day", "symbol=BTC-USD&exchange=venue&day=2024-02-01&from_ns=1e9", 400, "from_ns must be"),
        ("book", "exchange=venue&at_ns=1", 400, "symbol is missing"),
        ("book", "symbol=BTC-USD&exchange=venue", 400, "at_ns is missing"),
        ("book", "symbol=BTC-USD&exchange=venue&at_ns=-1", 400, "at_ns must be a number from 0 to"),
        ("book", "symbol=BTC-USD&exchange=venue&at_ns=4102444800000000001", 400, "at_ns must be"),
        ("book", "symbol=BTC-USD&exchange=venue&at_ns=1&depth=101", 400, "from 1 to 100"),
        ("book", "symbol=BTC-USD&exchange=venue&at_ns=1&depth=0", 400, "from 1 to 100"),
        ("book", "symbol=X&exchange=venue&at_ns=1", 404, "nothing is recorded of venue:X"),
        ("book", "symbol=*&exchange=venue&at_ns=1", 404, "nothing is recorded of venue:*"),
    ],
)
async def test_what_makes_no_sense(
    recording: LookingBack, path: str, query: str, status: int, words: str
) -> None:
    """Is refused in words, and costs nothing else."""
    async with view_of(recording) as client:
        answer = await client.get(f"/api/recorded/{path}?{query}")
        assert (await client.get("/api/recorded/days")).status_code == 200
    assert answer.status_code == status
    assert words in answer.json()["error"]


async def test_a_disk_that_fails_or_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Costs a page its answer, and nobody else anything; one thread is asked at a time."""
    monkeypatch.setattr(asking, "READ_SECS", 0.05)
    free, asked = threading.Event(), list[str]()

    class Past(NoPast):
        def calendar(self, exchanges: Collection[str] | None = None) -> bytes:
            asked.append("calendar")
            free.wait(SOON_SECS)
            raise OSError(5, "Input/output error")

    async with recorder_of(Past()) as client:
        answers = list[httpx2.Response]()

        async def ask() -> None:
            answers.append(await client.get("/api/recorded/days"))

        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(ask)
        assert [each.status_code for each in answers] == [503] * 3
        assert answers[0].json() == {"error": "the disk is too busy"}
        assert len(asked) == past.MOST_READS == 1
        assert (await client.get("/health")).status_code == 200
        free.set()
        monkeypatch.setattr(asking, "READ_SECS", SOON_SECS)
        failed = await client.get("/api/recorded/days")
    assert failed.status_code == 503
    assert failed.json() == {"error": "the files cannot be read: Input/output error"}


async def test_the_token_is_asked_for_here_too() -> None:
    """By every path."""
    async with recorder_of(NoPast(), token="secret") as client:
        for path in PATHS:
            assert (await client.get(path)).status_code == 401
        sent = {"Authorization": "Bearer secret"}
        assert (await client.get(PATHS[0], headers=sent)).status_code == 200


async def test_a_recording_at_rest_is_no_recorder() -> None:
    """Paths of a recorder are not there, and other names are refused."""
    async with view_of(NoPast()) as client:
        assert (await client.get("/health")).json() == {"status": "viewing", "version": "1.2.3"}
        for path in ("/ready", "/metrics", "/api/status", "/api/symbols", "/api/symbol"):
            assert (await client.get(path)).status_code == 404, path
        page = await client.get("/")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        elsewhere = await client.get("/api/recorded/days", headers={"Host": "evil.example"})
        assert elsewhere.status_code == 421


async def test_it_says_what_it_shows_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a page sees when it is gone; pages are bounded, as those of a recorder are."""
    monkeypatch.setattr(viewing, "EVERY_SECS", 0.01)
    monkeypatch.setattr(streams, "MOST_STREAMS", 1)
    event = b'event: recording\ndata: {"path":"data","version":"1.2.3"}\n\n'
    async with serving(view(NoPast())) as server:
        async with await server.connect() as page:
            await page.send_all(get("/api/events", close=False))
            for _ in range(3):
                await until(page, event)
            refused = await server.ask(get("/api/events"))
        assert status_of(refused) == 503
