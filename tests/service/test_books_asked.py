"""Books as they are wanted: each that a venue offers is recorded as deep as it was asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence

import attrs
import pytest
from trio.testing import MockClock

from tests.service.lives import lives
from tests.service.oracle import causes, gaps, rows
from tests.service.test_books import true_book
from tests.service.world import Venue, World, running, venue
from tick_logger.config.schema import MarketConfig
from tick_logger.exchanges import registry
from tick_logger.simulator.registry import DIALECTS
from tick_logger.verify.recording import verify_recording

LEVELS = 60
"""Of each side of the true books: more than most depths, so that these cut."""

OFFERED = [
    pytest.param(
        name,
        (each.depth, each.interval_ms),
        id=f"{name}-{each.depth}-{each.interval_ms}",
    )
    for name in sorted(DIALECTS)
    for number, each in enumerate(offer for offer in registry.get(name).books if not offer.refused)
    if number
]

Level = tuple[int, float]
Book = dict[Level, float]


def asking(name: str, wanted: tuple[int, int], symbols: int = 1) -> Venue:
    depth, interval_ms = wanted
    return venue(
        name,
        symbols,
        feeds=("orderbook",),
        simulated={"book_levels": LEVELS},
        config={"book_depth": depth, "book_interval_ms": interval_ms},
    )


def cut(book: Book, depth: int) -> Book:
    """Its best levels, so many a side; all of them if that is 0."""
    if not depth:
        return book
    sides: list[list[Level]] = [[at for at in book if at[0] == side] for side in (0, 1)]
    best = [*sorted(sides[0])[:depth], *sorted(sides[1], reverse=True)[:depth]]
    return {level: book[level] for level in best}


def rebuilt(world: World, symbol: str, depth: int) -> tuple[Book, int]:
    """The book that the rows make, cut after each message, and how many rows there are."""
    found = rows(world.files, world.exchange.name, symbol, "BOOK")
    assert len(rows(world.files, world.exchange.name, symbol, "BOOK", late=True)) == 0
    book: Book = {}
    message: Sequence[int] = ()
    columns = [found[name].tolist() for name in ("update_id", "side", "price", "size", "flags")]
    for recv_ns, update_id, side, price, size, flags in zip(
        found.recv_ns.tolist(), *columns, strict=True
    ):
        if (recv_ns, update_id) != message:
            message = recv_ns, update_id
            book = {} if flags & 1 else cut(book, depth)
        if size:
            book[side, price] = size
        else:
            book.pop((side, price), None)
    return cut(book, depth), len(found)


@pytest.mark.parametrize(("name", "wanted"), OFFERED)
async def test_each_book_that_is_offered_is_recorded(
    name: str, wanted: tuple[int, int], autojump_clock: MockClock
) -> None:
    """What is on disk is the true book, cut to that depth; the venue had nothing to object to."""
    async with running(asking(name, wanted)) as world:
        (symbol,) = world.exchange.market.listings
        await world.until(6.0)
        world.exchange.step_once(0.0)
        world.exchange._market._credit = -1e9  # no more changes, so that disk and truth can meet
        await world.until(9.123)
        truth = cut(true_book(world, symbol), wanted[0])
        (subscribed,) = {
            topic
            for client in world.exchange._hub.clients
            for topic in client.topics
            if "status" not in topic
        }
    found, count = rebuilt(world, symbol, wanted[0])
    assert found == truth
    assert count > len(truth), "something has changed meanwhile"
    assert causes(world.files) <= {"resync"}  # until the first snapshot by REST has come
    assert world.exchange.violations == []
    assert symbol.lower() in subscribed.lower()


async def test_a_market_may_want_another_book(autojump_clock: MockClock) -> None:
    """Beside the usual one on the same connection; nothing shows what is missing of whole books."""
    usual = venue("binance", 2, feeds=("trades", "orderbook"), simulated={"book_levels": LEVELS})
    symbol, other = usual.symbols
    market = MarketConfig(symbols=(symbol,), book_depth=5, book_interval_ms=100)
    async with running(attrs.evolve(usual, markets=(market,))) as world:
        await world.until(6.0)
        await world.dial.connections[-1].cut()
        await world.until(12.0)
        topics = {topic for client in world.exchange._hub.clients for topic in client.topics}
        world.exchange.step_once(0.0)
        world.exchange._market._credit = -1e9
        await world.until(15.123)
        truth = true_book(world, symbol), true_book(world, other)
        asked = [path for _, path in world.dial.requests].count("/api/v3/depth")
    assert {f"{symbol.lower()}@depth5@100ms", f"{other.lower()}@depth@100ms"} <= topics
    assert rebuilt(world, symbol, 5)[0] == cut(truth[0], 5)
    assert rebuilt(world, other, 0)[0] == truth[1]
    assert asked == 2  # for the other alone, once on each connection
    assert gaps(world.files, "binance", symbol, "BOOK"), "the cut is written down"
    proofs = {each: _proofs(world, each) for each in (symbol, other)}
    assert proofs[symbol] == proofs[other] | {"BOOK": "unprovable"}
    assert proofs[other]["BOOK"] == proofs[symbol]["TRADES"] == "proven"
    (listing,) = [path for path in world.files.contents if "/instruments." in path]
    assert json.loads(world.files.contents[listing])["proofs"]["BOOK"] == "unprovable"


def _proofs(world: World, symbol: str) -> dict[str, str]:
    (path,) = [each for each in world.files.contents if each.startswith(f"binance/{symbol}/gaps.")]
    proofs: dict[str, str] = json.loads(bytes(world.files.contents[path]).splitlines()[0])["proof"]
    return proofs


@pytest.mark.parametrize(
    ("name", "wishes"),
    [
        ("binance", ((0, 100), (5, 100), (0, 1000), (20, 1000))),
        pytest.param("okx", ((400, 100), (5, 100)), marks=pytest.mark.seldom),
        ("kraken", ((100, 0), (10, 0), (25, 0))),
        pytest.param("bybit", ((200, 100), (50, 20)), marks=pytest.mark.seldom),
        pytest.param("upbit", ((30, 0), (5, 0)), marks=pytest.mark.seldom),
    ],
)
async def test_a_replay_is_the_same_whatever_is_asked_for_since(
    name: str, wishes: Sequence[tuple[int, int]], autojump_clock: MockClock
) -> None:
    """Each run has another depth; the journal of all of them gives the same bytes."""
    async with lives(asking(name, wishes[0])) as story:
        for wanted in wishes:
            story.venues = (asking(name, wanted),)
            world = await story.begin()
            await world.until(3.123)
            assert await world.stop() == 0
    assert world.exchange.violations == []
    report = verify_recording(story.disk, deep=True)
    assert report.ok, report.findings
    assert report.not_compared == ""


async def test_the_largest_message_is_what_is_configured(autojump_clock: MockClock) -> None:
    """A larger one ends its connection, which says so; nothing of it is held."""
    made = venue(
        "coinbase",
        1,
        feeds=("orderbook",),
        simulated={"book_levels": 30_000},
        config={"max_message_mib": 1},
    )
    async with running(made) as world:
        await world.until(3.0)
        (line,) = world.said("connection_lost")[:1]
        assert "1048576" in line["reason"]
