"""One process after another on the same day, in the same directory."""

from __future__ import annotations

import errno
import signal

import pytest
from trio.testing import MockClock

from tests.fakes.sim_disk import Kind, SimDisk
from tests.service.lives import DATA_PATH, Lives, lives
from tests.service.oracle import causes, check, gaps, recorded, rows
from tests.service.world import VenueMaker, World, binance, coinbase
from tick_logger.journal.entry_codec import decode_entries
from tick_logger.journal.reader import JournalReader
from tick_logger.model.entries import Received
from tick_logger.verify.recording import verify_recording

EVERY_FEED = ("ticker", "trades", "quotes", "orderbook")
SECOND_NS = 10**9

on_both = pytest.mark.parametrize("venue", [binance, coinbase])


def received(disk: SimDisk) -> list[Received]:
    """What the journal holds of what was received."""
    frames = [decode_entries(frame.body) for frame in JournalReader(disk, from_seq=1)]
    return [entry for frame in frames for entry in frame if isinstance(entry, Received)]


def covers(world: World, symbol: str, table: str, begin_ns: int, end_ns: int) -> bool:
    """Whether a gap record of a stream says that it was not received in all of a time."""
    holes = gaps(world.files, world.exchange.name, symbol, table)
    return any(hole["from_ns"] <= begin_ns and end_ns <= hole["to_ns"] for hole in holes)


def until_books_are_there(world: World) -> set[str]:
    """What is recorded of books that are there again later than their updates: those by REST."""
    return {"resync"} if world.exchange.name.startswith("binance") else set()


async def live(story: Lives, secs: float) -> World:
    """A life that ends in order."""
    world = await story.begin()
    await world.until(secs)
    assert await world.stop() == 0
    return world


# -- an orderly stop ------------------------------------------------------------------------------


@on_both
async def test_a_restart_appends(venue: VenueMaker, autojump_clock: MockClock) -> None:
    """Nothing that is there is touched, and no loss is claimed but that of the pause."""
    async with lives(venue(feeds=EVERY_FEED)) as story:
        await live(story, 20.123)
        before, stopped_ns = recorded(story.disk), story.clock.now_ns()
        await story.pause(7.0)
        begun_ns = story.clock.now_ns()
        world = await live(story, 20.123)
        (line,) = world.said("continuing")
        assert (line["rows_recovered"], line["bytes_cut"]) == (0, 0)
        assert line["seconds_not_recorded"] == pytest.approx(7.0, abs=0.1)
    after = recorded(story.disk)
    assert before.keys() <= after.keys()
    assert [path for path in before if not after[path].startswith(before[path])] == []
    assert check(world) > 100
    assert causes(world.files) == {"restart", *until_books_are_there(world)}
    for symbol in world.exchange.truth.symbols():
        for table in ("MD", "TRADES", "QUOTES", "BOOK"):
            assert covers(world, symbol, table, stopped_ns, begun_ns)


@on_both
async def test_trades_that_are_sent_again_after_a_restart(
    venue: VenueMaker, autojump_clock: MockClock
) -> None:
    """They are known, also those from long before."""
    async with lives(venue(feeds=("trades",))) as story:
        await live(story, 20.123)
        said = [payload for entry in received(story.disk) for payload in entry.split()]
        trades = [each for each in said if b'"trade' in each or b'"match"' in each]
        assert len(trades) > 50
        await story.pause(3.0)
        world = await story.begin()
        await world.until(10.0)
        (client,) = [each for each in world.exchange._hub.clients if len(each.topics) > 1]
        for payload in trades:
            client.reply(payload)
        await world.until(20.123)
        assert await world.stop() == 0
        assert world.metric("duplicates_total") >= len(trades)
    assert check(world) > 100
    assert causes(world.files) == {"restart"}


async def test_many_restarts(autojump_clock: MockClock) -> None:
    """Each goes on where the one before ended, however short it was."""
    async with lives(coinbase()) as story:
        for number in range(10):
            world = await live(story, 0.1 + number)
    assert check(world) > 50
    assert causes(world.files) == {"restart"}


@on_both
async def test_a_directory_without_a_journal_is_continued(
    venue: VenueMaker, autojump_clock: MockClock
) -> None:
    """As it was left by a version that had none: what is there is read from the files."""
    async with lives(venue()) as story:
        await live(story, 20.123)
        before = recorded(story.disk)
        for path in [*story.disk.contents.keys() - before.keys()]:
            story.disk.remove(path)
        world = await live(story, 20.123)
        assert world.said("continuing") == []
    after = recorded(story.disk)
    assert [path for path in before if not after[path].startswith(before[path])] == []
    assert check(world) > 100
    assert causes(world.files) == {"restart"}


async def test_a_second_signal_leaves_columns_to_the_next_start(autojump_clock: MockClock) -> None:
    """The process ends at once with exit code 4, and nothing is lost."""
    async with lives(binance()) as story:
        world = await story.begin()
        await world.until(10.0)
        story.disk.fail("append", number=errno.EIO, path="*.bin")
        await world.until(15.123)
        world.note_stop()
        world.signals.send(signal.SIGTERM)
        await world.until(17.5)
        assert world.code is None
        world.signals.send(signal.SIGINT)
        assert await world.end() == 4
        assert world.elapsed == pytest.approx(17.5)
        (stopped,) = world.said("stopped")
        assert (stopped["bytes_not_written"], stopped["messages_dropped"]) == (0, 0)
        assert stopped["frames_not_derived"] > 3
        story.disk.heal()
        world = await live(story, 0.0)
        (line,) = world.said("continuing")
        assert line["rows_recovered"] > 50
    assert check(world) > 50


# -- a sudden end ---------------------------------------------------------------------------------


@on_both
@pytest.mark.parametrize("kind", ["kill", "power"])
@pytest.mark.parametrize("secs", [1.05, 10.3, 31.0])
async def test_a_sudden_end_costs_less_than_the_persist_interval(
    secs: float, kind: Kind, venue: VenueMaker, autojump_clock: MockClock
) -> None:
    """And that, with the pause, is in the gap records of every stream."""
    async with lives(venue(feeds=EVERY_FEED)) as story:
        world = await story.begin()
        await world.until(secs)
        end_ns = story.clock.now_ns()
        await story.kill(world, kind)
        await story.pause(3.0)
        begun_ns = story.clock.now_ns()
        world = await live(story, 20.123)
        (line,) = world.said("recovered_from_a_crash")
        assert 3.0 <= line["seconds_not_recorded"] <= 4.0
    assert check(world) > 50
    assert causes(world.files) == {"crash", *until_books_are_there(world)}
    for symbol in world.exchange.truth.symbols():
        for table in ("MD", "TRADES", "QUOTES", "BOOK"):
            assert covers(world, symbol, table, end_ns, begun_ns)
        found = rows(world.files, world.exchange.name, symbol, "TRADES")
        on_disk = set(found["trade_id"].tolist())
        safe = [
            trade.trade_id
            for trade in world.exchange.truth.trades(symbol)
            if trade.subscribed and trade.event_ns < end_ns - SECOND_NS
        ]
        assert on_disk.issuperset(safe)


async def test_an_end_before_anything_was_written(autojump_clock: MockClock) -> None:
    """As if that process had never been."""
    async with lives(binance()) as story:
        world = await story.begin()
        await world.until(0.3)
        await story.kill(world)
        assert recorded(story.disk) == {}
        world = await live(story, 10.123)
        (line,) = world.said("continuing")
        assert line["messages_replayed"] == 0
    assert verify_recording(story.disk, deep=True).ok
    assert len(rows(world.files, "binance", "BTCUSDT", "TRADES")) > 20


async def test_one_crash_after_another(autojump_clock: MockClock) -> None:
    """However soon, and whether or not there was time for a checkpoint."""
    async with lives(binance(), coinbase()) as story:
        await live(story, 1.0)
        for number in range(20):
            world = await story.begin(logger={"checkpoint_interval_secs": 1.0 + number % 5})
            await world.until(0.37 * number)
            await story.kill(world, "power" if number % 3 else "kill")
        world = await live(story, 5.123)
    assert check(world) > 100


# -- what is refused ------------------------------------------------------------------------------


async def test_a_second_process_is_refused(autojump_clock: MockClock) -> None:
    """It touches nothing, and says which directory it is about; the first goes on."""
    async with lives(binance()) as story:
        world = await story.begin()
        await world.until(10.05)
        before = {path: bytes(content) for path, content in story.disk.contents.items()}
        ((key, reason),) = await story.refused()
        assert key == "logger.data_path"
        assert "another process" in reason
        assert DATA_PATH in reason
        assert {path: bytes(each) for path, each in story.disk.contents.items()} == before
        await world.until(20.123)
        assert await world.stop() == 0
    assert check(world) > 50
    assert causes(world.files) == set()


async def test_another_width_of_prices_is_refused(autojump_clock: MockClock) -> None:
    """A directory has one; who keeps it may go on."""
    async with lives(binance()) as story:
        await live(story, 10.123)
        before = recorded(story.disk)
        ((key, reason),) = await story.refused(logger={"price_dtype": "f8"})
        assert key == "logger.price_dtype"
        assert 'recorded as "f4+rest"' in reason
        assert recorded(story.disk) == before
        world = await live(story, 10.123)
    assert check(world) > 50


async def test_a_file_that_became_shorter_is_refused(autojump_clock: MockClock) -> None:
    """What was durable is gone: exit code 3, with nothing changed, and nothing connected."""
    async with lives(binance()) as story:
        await live(story, 10.123)
        path = next(path for path in story.disk.contents if "/TRADES/trade_price." in path)
        del story.disk.contents[path][-4:]
        before = recorded(story.disk)
        world = await story.begin()
        assert world.code == 3
        (line,) = world.said("storage_failed")
        assert path in line["reason"]
        assert line["explanation"] == "nothing was recorded"
        assert recorded(story.disk) == before
        assert world.dial.attempts == []
