"""Order books of a venue whose snapshots come by REST: joined, asked again, rebuilt from disk."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from trio.testing import MockClock

from tests.fakes.clock import NOON_NS
from tests.fakes.sim_disk import Kind
from tests.service.lives import lives
from tests.service.oracle import causes, check, gaps, rows
from tests.service.world import World, binance, coinbase, running, seconds, venue
from tick_logger.simulator.faults import Faults
from tick_logger.simulator.registry import DIALECTS

VENUES = sorted(DIALECTS)


def rebuilt(world: World, symbol: str) -> dict[tuple[int, float], float]:
    """The book (side, price) -> size that a reader finds by applying the rows in file order."""
    found = rows(world.files, world.exchange.name, symbol, "BOOK")
    assert len(rows(world.files, world.exchange.name, symbol, "BOOK", late=True)) == 0
    book: dict[tuple[int, float], float] = {}
    snapshot: object = None
    columns = (found[name].tolist() for name in ("update_id", "side", "price", "size", "flags"))
    recv = found.recv_ns.tolist()
    for number, (update_id, side, price, size, flags) in enumerate(zip(*columns, strict=True)):
        if flags & 1 and snapshot != (update_id, recv[number]):
            snapshot = (update_id, recv[number])
            book.clear()
        book[side, price] = size
    assert snapshot is not None, "without a snapshot there is no book"
    return {level: size for level, size in book.items() if size}


def true_book(world: World, symbol: str) -> dict[tuple[int, float], float]:
    """The exchange's book, in the precision of the files."""
    listing = world.exchange.market.listings[symbol]
    spec = listing.spec
    return {
        (int(is_bid), float(spec.price(ticks))): float(spec.size(lots))
        for is_bid in (True, False)
        for ticks, lots in listing.book.side(is_bid).items()
    }


@pytest.mark.parametrize("name", ["binance", "coinbase"])
async def test_books_can_be_rebuilt_from_disk(name: str, autojump_clock: MockClock) -> None:
    """Also after a reconnect, which brings a new snapshot."""
    made = {
        "binance": binance("BTCUSDT", "ETHUSDT", feeds=("orderbook",)),
        "coinbase": coinbase("BTC-USD", "ETH-USD", feeds=("orderbook",)),
    }
    async with running(made[name], seed=4) as world:
        await world.until(20.0)
        await world.dial.connections[-1].cut()
        await world.until(60.0)
        world.exchange.step_once(0.0)
        world.exchange._market._credit = -1e9  # no more changes, so that disk and truth can meet
        await world.until(63.123)
        truth = {symbol: true_book(world, symbol) for symbol in world.exchange.market.listings}
    check(world)
    for symbol, book in truth.items():
        assert rebuilt(world, symbol) == book
    by_rest = {"resync"} if name == "binance" else set()
    assert causes(world.files) == {"disconnect"} | by_rest


async def test_a_snapshot_that_fails_is_asked_for_again(autojump_clock: MockClock) -> None:
    """REST is down for a while after the listing was read; the book is whole all the same."""
    async with running(binance("BTCUSDT", feeds=("orderbook",))) as world:
        await world.until(0.06)
        world.exchange.set_faults(Faults(rest_status=503))
        await world.until(8.0)
        assert len(world.said("snapshot_failed")) >= 2
        world.exchange.set_faults(Faults())
        await world.until(40.0)
        world.exchange._market._credit = -1e9
        await world.until(43.123)
        truth = true_book(world, "BTCUSDT")
    check(world)
    assert rebuilt(world, "BTCUSDT") == truth
    assert causes(world.files) == {"snapshot"}
    without_book = gaps(world.files, "binance", "BTCUSDT", "BOOK")
    assert without_book[0]["from_ns"] < NOON_NS + 10**9
    assert without_book[-1]["to_ns"] < NOON_NS + 20 * 10**9


async def test_a_ban_is_kept_by_all_who_ask(autojump_clock: MockClock) -> None:
    """A snapshot is answered with it; the next listing waits for its end too."""
    async with running(binance("BTCUSDT", feeds=("orderbook",))) as world:
        await world.until(0.06)
        world.exchange.set_faults(Faults(rest_status=429))
        world.dial.retry_after = "400"
        await world.until(10.0)
        (banned,) = world.times("told_to_wait", secs=400.0)
        world.exchange.set_faults(Faults())
        await world.until(430.0)
        world.exchange._market._credit = -1e9
        await world.until(433.123)
        truth = true_book(world, "BTCUSDT")
        asked = [(seconds(at - world.began), path) for at, path in world.dial.requests]
    assert asked == [
        (0.0, "/api/v3/exchangeInfo"),
        (banned, "/api/v3/depth"),
        (banned + 400.0, "/api/v3/depth"),
        (banned + 400.0, "/api/v3/exchangeInfo"),
    ]
    check(world)
    assert rebuilt(world, "BTCUSDT") == truth


async def test_a_long_outage_of_rest_does_not_cost_the_book(autojump_clock: MockClock) -> None:
    """Ten minutes later the book is whole, although no connection was made again."""
    async with running(binance("BTCUSDT", "ETHUSDT", feeds=("orderbook",))) as world:
        await world.until(0.06)
        world.exchange.set_faults(Faults(rest_status=503))
        await world.until(100.0)
        world.exchange.set_faults(Faults())
        await world.until(200.0)
        world.exchange._market._credit = -1e9
        await world.until(203.123)
        truth = {symbol: true_book(world, symbol) for symbol in world.exchange.market.listings}
        assert world.exchange.connections_opened == 1
    for symbol, book in truth.items():
        assert rebuilt(world, symbol) == book
    check(world)


async def test_a_snapshot_that_never_comes_is_given_up(autojump_clock: MockClock) -> None:
    """After twenty attempts, ever more rarely; updates go on, and a break asks again."""
    slow = {"messages_per_second": 10.0, "step_secs": 1.0}
    venue = binance("BTCUSDT", feeds=("orderbook",), simulated=slow)
    async with running(venue, logger={"flush_interval_secs": 10.0}) as world:
        await world.until(0.06)
        world.exchange.set_faults(Faults(rest_status=503))
        await world.until(1500.0)
        (given_up,) = world.said("snapshot_given_up", level="error")
        asked = [at for at, path in world.dial.requests if path.endswith("/depth")]
        assert np.diff(asked).tolist() == pytest.approx([3.0, 6.0, 12.0, 24.0, 48.0, *[60.0] * 14])
        world.exchange.set_faults(Faults())
        await world.dial.connections[-1].cut()
        await world.until(1530.123)
    assert given_up["symbol"] == "BTCUSDT"
    assert (rows(world.files, "binance", "BTCUSDT", "BOOK")["flags"] == 1).sum() >= 10
    check(world)


@pytest.mark.parametrize("name", [each for each in VENUES if each not in ("binance", "upbit")])
async def test_a_book_without_a_snapshot_is_told_at_the_stop(
    name: str, autojump_clock: MockClock
) -> None:
    """Though the stop comes before the snapshot is overdue: what was recorded is no book."""
    told = venue(name, 2, feeds=("orderbook",))
    first, other = told.symbols
    faults = Faults(no_snapshot_symbols=frozenset({first}))
    async with running(attrs.evolve(told, simulated={"faults": faults})) as world:
        await world.until(4.123)
    found = rows(world.files, name, first, "BOOK")
    assert len(found)
    assert not (found["flags"] & 1).any()
    spans = [(gap["from_ns"], gap["to_ns"]) for gap in gaps(world.files, name, first, "BOOK")]
    for recv_ns in found.recv_ns.tolist():
        assert any(from_ns <= recv_ns <= to_ns for from_ns, to_ns in spans)
    assert max(to_ns for _, to_ns in spans) == world.stopped_ns
    assert gaps(world.files, name, other, "BOOK") == []


@pytest.mark.parametrize("kind", ["kill", "power"])
@pytest.mark.parametrize("name", [each for each in VENUES if each not in ("binance", "upbit")])
async def test_a_book_without_a_snapshot_is_told_after_a_sudden_end(
    name: str, kind: Kind, autojump_clock: MockClock
) -> None:
    """By the next start, though nobody had waited long enough to say so."""
    told = venue(name, 2, feeds=("orderbook",))
    first, other = told.symbols
    faults = Faults(no_snapshot_symbols=frozenset({first}))
    async with lives(attrs.evolve(told, simulated={"faults": faults})) as story:
        world = await story.begin()
        await world.until(4.123)
        await story.kill(world, kind)
        end_ns = story.clock.now_ns()
        await story.pause(3.0)
        world.exchange.set_faults(Faults())
        world = await story.begin()
        await world.until(20.123)
        assert await world.stop() == 0
    found = rows(world.files, name, first, "BOOK")
    before = found.recv_ns[found.recv_ns < end_ns].tolist()
    assert before
    spans = [(gap["from_ns"], gap["to_ns"]) for gap in gaps(world.files, name, first, "BOOK")]
    for recv_ns in before:
        assert any(from_ns <= recv_ns <= to_ns for from_ns, to_ns in spans)
    assert {gap["cause"] for gap in gaps(world.files, name, other, "BOOK")} == {"crash"}
