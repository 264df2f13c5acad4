"""Where frames of all connections meet: batches, order, overflow, the end."""

from __future__ import annotations

import random
from collections.abc import Sequence

import attrs
import pytest
import structlog
import trio
from prometheus_client import CollectorRegistry
from trio.testing import MockClock

from tests.net.venue import TinyVenue
from tick_logger.exchanges.base import Acknowledged, Event, Heartbeat
from tick_logger.model.instruments import Instruments
from tick_logger.model.marks import Interrupted, LastTradeId, Mark, Resumed
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import Table
from tick_logger.net import intake as module
from tick_logger.net.batch import Batch
from tick_logger.net.budget import FRAME_OVERHEAD_BYTES, ByteBudget
from tick_logger.net.intake import Intake
from tick_logger.net.wanted import WantedTables
from tick_logger.ops.metrics import Metrics

LINGER_SECS = 0.25
AMPLE_BYTES = 1_000_000


@attrs.define(eq=False)
class Connection:
    """What the intake sees of a connection; says a mark for each acknowledgement."""

    label: str = "1.1"
    instruments: tuple[int, ...] = (0,)
    heard: list[tuple[int, Event]] = attrs.field(factory=list)
    tallies: list[tuple[int, int, bool]] = attrs.field(factory=list)

    def said(self, events: Sequence[tuple[int, Event]]) -> list[Mark]:
        self.heard += events
        return [
            LastTradeId(event.request_id, event.request_id, at_ns)
            for at_ns, event in events
            if isinstance(event, Acknowledged)
        ]

    def decoded(self, frames: int, bad: int, market_data: bool) -> None:
        self.tallies.append((frames, bad, market_data))

    def streams(self) -> tuple[tuple[int, ...], tuple[Table, ...]]:
        return self.instruments, (Table.TRADES,)


class Bench:
    """An intake with two symbols, and the writer's end of its channel."""

    def __init__(
        self, budget_bytes: int = AMPLE_BYTES, linger_secs: float = LINGER_SECS, batches: int = 100
    ) -> None:
        venue, instruments, wanted = TinyVenue(), Instruments(), WantedTables()
        for symbol in ("BTC", "ETH"):
            wanted.set(instruments.add(venue.name, symbol), (Table.TRADES,))
        self.wanted = wanted
        self.budget = ByteBudget(budget_bytes)
        self.metrics = Metrics(CollectorRegistry())
        self.intake = Intake(
            venue,
            instruments,
            wanted,
            budget=self.budget,
            linger_secs=linger_secs,
            metrics=self.metrics.exchange(venue.name),
        )
        self.send, self.receive = trio.open_memory_channel[Batch](batches)

    def count(self, name: str) -> float:
        return self.metrics.read(f"collector_{name}_total", "tiny")

    async def drain(self) -> list[Batch]:
        """Close, and take everything as the writer does."""
        self.intake.close()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.intake.run, self.send)
            return await self.take_all()

    async def take_all(self) -> list[Batch]:
        batches = []
        async for batch in self.receive:
            self.budget.give_back(batch.budget_bytes)
            batches.append(batch)
        return batches


def trade(number: int, symbol: str = "BTC") -> bytes:
    return f"trade {symbol} {number}".encode()


def ids(batches: Sequence[Batch]) -> list[int]:
    return [
        seq
        for batch in batches
        for item in batch.items
        if isinstance(item, RowBatch)
        for seq in item["seq"].tolist()
    ]


def marks(batches: Sequence[Batch]) -> list[Mark]:
    return [item for batch in batches for item in batch.items if not isinstance(item, RowBatch)]


def size_of(*payloads: bytes) -> int:
    """What payloads cost of the budget."""
    return sum(len(payload) + FRAME_OVERHEAD_BYTES for payload in payloads)


# -- batches --------------------------------------------------------------------------------------


async def test_what_comes_within_the_linger_is_one_batch(autojump_clock: MockClock) -> None:
    """The linger begins with the first arrival; the next arrival after it begins another."""
    bench, source, arrived = Bench(), Connection(), list[tuple[float, list[int]]]()

    async def connection() -> None:
        for number, at in enumerate([1.0, 1.125, 1.1875, 1.5, 5.0]):
            await trio.sleep_until(at)
            bench.intake.put(source, number, [trade(number)])
        await trio.sleep_until(9.0)
        bench.intake.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.intake.run, bench.send)
        nursery.start_soon(connection)
        async for batch in bench.receive:
            arrived.append((trio.current_time(), ids([batch])))
    assert arrived == [(1.25, [0, 1, 2]), (1.75, [3]), (5.25, [4])]


async def test_rows_carry_the_receive_time_of_their_frame() -> None:
    """Frames of one read share it."""
    bench = Bench()
    bench.intake.put(Connection(), 70, [trade(1), b"alive", trade(2)])
    bench.intake.put(Connection("2.1"), 60, [trade(3, "ETH")])
    (batch,) = await bench.drain()
    (rows,) = batch.items
    assert isinstance(rows, RowBatch)
    assert rows["recv_ns"].tolist() == [70, 70, 60]
    assert rows["instrument"].tolist() == [0, 0, 1]
    assert (batch.exchange, batch.kept_aside) == ("tiny", ())


async def test_only_wanted_tables_are_passed_on() -> None:
    """An instrument that is recorded no longer may still send."""
    bench = Bench()
    bench.wanted.set(1, ())
    bench.intake.put(Connection(), 1, [trade(1, "ETH"), trade(2, "BTC")])
    assert ids(await bench.drain()) == [2]


async def test_each_connection_hears_what_came_on_it() -> None:
    """Events with their receive times; frames, bad ones, and whether there was market data."""
    bench, one, two, three = Bench(), Connection("1.1"), Connection("2.1"), Connection("3.1")
    bench.intake.put(one, 10, [trade(1), b"ack 5", b"nonsense"])
    bench.intake.put(two, 11, [b"alive", b"ack 6"])
    bench.intake.put(one, 12, [b"ack 7"])
    batches = await bench.drain()
    assert one.heard == [(10, Acknowledged(5)), (12, Acknowledged(7))]
    assert two.heard == [(11, Heartbeat()), (11, Acknowledged(6))]
    assert (one.tallies, two.tallies, three.tallies) == ([(4, 1, True)], [(2, 0, False)], [])
    assert marks(batches) == [LastTradeId(5, 5, 10), LastTradeId(7, 7, 12), LastTradeId(6, 6, 11)]
    assert bench.count("messages_received") == 6


async def test_what_cannot_be_decoded_is_kept_aside_up_to_a_limit() -> None:
    """All of it is counted; the rest of the batch is unharmed."""
    bench, source = Bench(), Connection()
    nonsense = [b"?" * n for n in range(1, 31)]
    with structlog.testing.capture_logs() as logs:
        bench.intake.put(source, 5, [*nonsense, trade(1)])
        (batch,) = await bench.drain()
    kept = [(aside.recv_ns, aside.payload) for aside in batch.kept_aside]
    assert kept == [(5, payload) for payload in nonsense[: module.MAX_KEPT_ASIDE_PER_BATCH]]
    assert ids([batch]) == [1]
    assert bench.count("parse_errors") == 30
    assert [(line["event"], line["messages"]) for line in logs] == [("undecodable", 30)]


async def test_marks_keep_their_place_among_rows() -> None:
    """A mark stands before the rows received after it, and after those received before it."""
    bench, source = Bench(), Connection()
    resumed = [Resumed((n,), (Table.TRADES,), n) for n in range(4)]
    bench.intake.mark(resumed[0])
    bench.intake.put(source, 1, [trade(1)])
    bench.intake.put(source, 2, [trade(2)])
    bench.intake.mark(resumed[1])
    bench.intake.mark(resumed[2])
    bench.intake.put(source, 3, [trade(3)])
    bench.intake.mark(resumed[3])
    batches = await bench.drain()
    assert [(marks([batch]), ids([batch])) for batch in batches] == [
        ([resumed[0]], [1, 2]),
        ([resumed[1], resumed[2]], [3]),
        ([resumed[3]], []),
    ]


async def test_a_backlog_is_decoded_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no decode call blocks the loop for long; reads are not divided."""
    monkeypatch.setattr(module, "MAX_FRAMES_PER_DECODE", 5)
    bench, source = Bench(), Connection()
    sizes = [2, 2, 2, 9, 1, 4, 1]
    number = 0
    for size in sizes:
        bench.intake.put(source, 1, [trade(number + n) for n in range(size)])
        number += size
    batches = await bench.drain()
    assert [len(ids([batch])) for batch in batches] == [4, 2, 9, 5, 1]
    assert ids(batches) == list(range(sum(sizes)))


async def test_a_flood_is_decoded_without_lingering(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    """As soon as enough frames wait, in the call that brings them."""
    monkeypatch.setattr(module, "HURRY_FRAMES", 3)
    bench, source = Bench(linger_secs=100.0), Connection()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.intake.run, bench.send)
        await trio.testing.wait_all_tasks_blocked()
        bench.intake.put(source, 1, [trade(1), trade(2)])
        assert bench.send.statistics().current_buffer_used == 0
        bench.intake.put(source, 2, [trade(3)])
        assert ids([bench.receive.receive_nowait()]) == [1, 2, 3]
        bench.intake.put(source, 3, [trade(4)])
        bench.intake.close()
        assert ids(await bench.take_all()) == [4]
    assert trio.current_time() == 0.0


async def test_a_flood_behind_a_slow_writer_waits_and_keeps_its_order(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    """The backlog of a stall is more than the channel holds; none of it is lost."""
    monkeypatch.setattr(module, "HURRY_FRAMES", 3)
    monkeypatch.setattr(module, "MAX_FRAMES_PER_DECODE", 3)
    bench, source = Bench(linger_secs=0.25, batches=4), Connection()
    batches: list[Batch] = []

    async def writer() -> None:
        batches.extend(await bench.take_all())

    def put(number: int) -> None:
        bench.intake.put(source, number, [trade(3 * number + n) for n in range(3)])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.intake.run, bench.send)
        for number in range(30):
            put(number)
            await trio.sleep(0.125)
        nursery.start_soon(writer)
        for number in range(30, 40):
            await trio.testing.wait_all_tasks_blocked()
            put(number)
        bench.intake.close()
    assert ids(batches) == list(range(120))


async def test_a_flood_does_not_overtake_what_is_on_its_way(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    """Room in the channel belongs to what waits for it already."""
    monkeypatch.setattr(module, "HURRY_FRAMES", 1)
    monkeypatch.setattr(module, "MAX_FRAMES_PER_DECODE", 1)
    bench, source = Bench(linger_secs=0.25, batches=4), Connection()
    for number in range(10):
        bench.intake.put(source, number, [trade(number)])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.intake.run, bench.send)
        await trio.sleep(1)
        batches = [bench.receive.receive_nowait() for _ in range(3)]
        bench.intake.put(source, 10, [trade(10)])
        bench.intake.close()
        batches += await bench.take_all()
    assert ids(batches) == list(range(11))


async def test_a_flood_after_the_writer_has_failed_harms_no_connection(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    """Nor one after the end."""
    monkeypatch.setattr(module, "HURRY_FRAMES", 1)
    bench = Bench()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.intake.run, bench.send)
        await trio.testing.wait_all_tasks_blocked()
        await bench.receive.aclose()
        bench.intake.put(Connection(), 1, [trade(1)])
    bench.intake.put(Connection(), 2, [trade(2)])
    closed = Bench()
    assert await closed.drain() == []
    closed.intake.put(Connection(), 2, [trade(2)])


# -- overflow -------------------------------------------------------------------------------------


async def test_beyond_the_budget_whole_reads_are_given_up_and_written_down() -> None:
    """With a mark where the hole begins, counters and a log line; and rows go on at half."""
    one, source = size_of(trade(100)), Connection()
    with structlog.testing.capture_logs() as logs:
        bench = Bench(budget_bytes=4 * one)
        bench.budget.take(3 * one)  # by another exchange
        bench.intake.put(source, 100, [trade(100)])
        bench.intake.put(source, 101, [trade(101), trade(102)])
        bench.intake.put(source, 102, [trade(103)])
        bench.budget.give_back(one)
        bench.intake.put(source, 103, [trade(104)])  # room, but not yet half
        bench.budget.give_back(one)
        bench.intake.put(source, 104, [trade(105)])
        batches = await bench.drain()
    streams = (0,), (Table.TRADES,)
    assert ids(batches) == [100, 105]
    assert marks(batches) == [Interrupted(*streams, 101, "overflow"), Resumed(*streams, 104)]
    assert [ids([batch]) for batch in batches if marks([batch])] == [[105]]
    assert bench.count("messages_dropped") == 4
    assert bench.count("bytes_dropped") == 4 * one
    assert [line["event"] for line in logs] == [*["overflow"] * 3, "overflow_ended"]
    assert logs[-1]["messages"] == 4
    assert bench.budget.taken_bytes == one


async def test_one_connections_overflow_is_not_anothers() -> None:
    """Each has its own hole, from its own first loss to its own next row."""
    one = size_of(trade(1))
    bench = Bench(budget_bytes=2 * one)
    first, second = Connection("1.1", (0,)), Connection("2.1", (1,))
    bench.budget.take(2 * one)
    bench.intake.put(first, 2, [trade(2)])
    bench.intake.put(second, 3, [trade(3)])
    bench.budget.give_back(one)
    bench.intake.put(second, 4, [trade(4)])
    batches = await bench.drain()
    table = (Table.TRADES,)
    assert ids(batches) == [4]
    assert marks(batches) == [
        Interrupted((0,), table, 2, "overflow"),
        Interrupted((1,), table, 3, "overflow"),
        Resumed((1,), table, 4),
    ]


async def test_a_connection_that_ends_in_overflow_ends_its_hole() -> None:
    """With the last read given up: who carries its streams from then on says the rest."""
    one = trade(1)
    bench, source = Bench(budget_bytes=0), Connection()
    bench.intake.put(source, 2, [one])
    bench.intake.put(source, 3, [one])
    bench.intake.forget(source)
    bench.intake.forget(source)
    streams = (0,), (Table.TRADES,)
    assert marks(await bench.drain()) == [
        Interrupted(*streams, 2, "overflow"),
        Resumed(*streams, 3),
    ]


async def test_forgetting_a_connection_that_did_not_overflow_says_nothing() -> None:
    """The usual end."""
    bench, source = Bench(), Connection()
    bench.intake.put(source, 1, [trade(1)])
    bench.intake.forget(source)
    batches = await bench.drain()
    assert (ids(batches), marks(batches)) == ([1], [])


@pytest.mark.parametrize("seed", range(10))
async def test_every_frame_is_passed_on_or_counted_as_given_up(
    seed: int, autojump_clock: MockClock
) -> None:
    """Connections of any pace, a slow writer, a small budget: nothing is lost silently."""
    rng = random.Random(seed)
    bench = Bench(budget_bytes=20 * size_of(trade(100_000)), linger_secs=0.02, batches=1)
    sources = [Connection(f"{n}.1", (n,)) for n in range(2)]
    sent: list[int] = []
    written: list[Batch] = []

    async def connection(number: int) -> None:
        for _ in range(120):
            await trio.sleep(rng.random() * 0.02)
            frames = [100_000 + len(sent) + n for n in range(rng.randrange(1, 5))]
            sent.extend(frames)
            bench.intake.put(sources[number], len(sent), [trade(frame) for frame in frames])

    async def writer() -> None:
        async for batch in bench.receive:
            written.append(batch)
            await trio.sleep(rng.random() * 0.3)
            bench.budget.give_back(batch.budget_bytes)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.intake.run, bench.send)
        nursery.start_soon(writer)
        async with trio.open_nursery() as feeds:
            feeds.start_soon(connection, 0)
            feeds.start_soon(connection, 1)
        bench.intake.close()
    passed = ids(written)
    assert sorted(passed) == sorted(set(passed))
    assert set(passed) < set(sent)
    assert len(passed) + bench.count("messages_dropped") == len(sent)
    assert bench.budget.taken_bytes == 0
    assert bench.budget.peak_bytes <= 20 * size_of(trade(100_000))
    for number in range(2):
        mine = [m for m in marks(written) if getattr(m, "instruments", ()) == (number,)]
        kinds = [type(mark) for mark in mine]
        assert kinds == ([Interrupted, Resumed] * len(kinds))[: len(kinds)]


# -- the end --------------------------------------------------------------------------------------


async def test_closing_drains_at_once(autojump_clock: MockClock) -> None:
    """Everything that was handed over is passed on, without lingering, and the channel closes."""
    bench = Bench(linger_secs=100.0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.intake.run, bench.send)
        await trio.testing.wait_all_tasks_blocked()
        bench.intake.put(Connection(), 1, [trade(1)])
        await trio.testing.wait_all_tasks_blocked()
        bench.intake.put(Connection(), 2, [trade(2)])
        bench.intake.close()
        assert ids(await bench.take_all()) == [1, 2]
    assert trio.current_time() == 0.0


async def test_what_comes_while_draining_is_drained_too(autojump_clock: MockClock) -> None:
    """The last marks of ending connections may come after the close."""
    bench = Bench(batches=0)
    late = Resumed((0,), (Table.TRADES,), 2)
    bench.intake.put(Connection(), 1, [trade(1)])
    bench.intake.close()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.intake.run, bench.send)
        await trio.testing.wait_all_tasks_blocked()
        bench.intake.mark(late)
        batches = await bench.take_all()
    assert (ids(batches), marks(batches)) == ([1], [late])


async def test_closing_with_nothing_waiting_just_ends(autojump_clock: MockClock) -> None:
    """Before or while it runs."""
    assert await Bench().drain() == []
    bench = Bench()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.intake.run, bench.send)
        await trio.testing.wait_all_tasks_blocked()
        bench.intake.close()
        assert await bench.take_all() == []


async def test_a_writer_that_has_failed_ends_it_quietly(autojump_clock: MockClock) -> None:
    """Its own error is the one to be reported; connections may still hand over."""
    bench = Bench()
    await bench.receive.aclose()
    bench.intake.put(Connection(), 1, [trade(1)])
    with trio.fail_after(10):
        await bench.intake.run(bench.send)
    bench.intake.put(Connection(), 2, [trade(2)])


async def test_a_slow_writer_never_makes_a_connection_wait(autojump_clock: MockClock) -> None:
    """Handing over is a plain call; what has come in the meantime is one batch."""
    bench = Bench(batches=0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.intake.run, bench.send)
        for number in range(50):
            bench.intake.put(Connection(), number, [trade(number)])
            await trio.sleep(1.0)
        bench.intake.close()
        batches = await bench.take_all()
    assert [len(ids([batch])) for batch in batches] == [1, 49]
    assert ids(batches) == list(range(50))
