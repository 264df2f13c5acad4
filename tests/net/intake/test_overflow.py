"""Beyond the budget: what is given up, and how it is written down."""

from __future__ import annotations

import random

import pytest
import structlog
import trio
from trio.testing import MockClock

from tests.net.bench import Bench, Connection, ids, marks, size_of, trade
from tick_logger.model.batch import Batch
from tick_logger.model.cause import Cause
from tick_logger.model.marks import Interrupted, Resumed
from tick_logger.model.tables import Table


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
    assert marks(batches) == [Interrupted(*streams, 101, Cause.OVERFLOW), Resumed(*streams, 104)]
    assert [ids([batch]) for batch in batches if marks([batch])] == [[105]]
    assert bench.count("messages_dropped") == 4
    assert bench.count("bytes_dropped") == 4 * one
    events = [*["overflow"] * 3, "overflow_ended", "recording"]
    assert [line["event"] for line in logs] == events
    assert logs[-2]["messages"] == 4
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
        Interrupted((0,), table, 2, Cause.OVERFLOW),
        Interrupted((1,), table, 3, Cause.OVERFLOW),
        Resumed((1,), table, 4),
    ]


async def test_the_end_of_an_overflow_resumes_nothing_that_was_not_there_before() -> None:
    """What is not acknowledged, or refused, or broken, is interrupted still."""
    one = size_of(trade(1))
    for ended in (False, True):
        bench, source = Bench(budget_bytes=one), Connection(instruments=(0, 1), opened=(1,))
        bench.budget.take(one)
        bench.intake.put(source, 2, [trade(2)])
        bench.budget.give_back(one)
        if ended:
            bench.intake.forget(source)
        else:
            bench.intake.put(source, 3, [trade(3)])
        assert marks(await bench.drain()) == [
            Interrupted((0, 1), (Table.TRADES,), 2, Cause.OVERFLOW),
            Resumed((1,), (Table.TRADES,), 2 if ended else 3),
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
        Interrupted(*streams, 2, Cause.OVERFLOW),
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
            bench.write(batch)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.intake.run, bench.send)
        nursery.start_soon(writer)
        async with trio.open_nursery() as connections:
            connections.start_soon(connection, 0)
            connections.start_soon(connection, 1)
        bench.intake.close()
    passed = ids(written)
    assert sorted(passed) == sorted(set(passed))
    assert set(passed) < set(sent)
    assert len(passed) + bench.count("messages_dropped") == len(sent)
    assert bench.budget.taken_bytes == 0
    most_rows = max(batch.rows_bytes for batch in written)
    assert bench.budget.peak_bytes <= 20 * size_of(trade(100_000)) + most_rows
    for number in range(2):
        mine = [m for m in marks(written) if getattr(m, "instruments", ()) == (number,)]
        kinds = [type(mark) for mark in mine]
        assert kinds == ([Interrupted, Resumed] * len(kinds))[: len(kinds)]


async def test_what_can_be_asked_for_again_leaves_half_of_the_room_and_is_no_loss() -> None:
    """It is refused without a word: nothing is dropped, and no stream has a hole by it."""
    one, stream, answers = size_of(trade(100)), Connection(), Connection("2.1", ())
    with structlog.testing.capture_logs() as logs:
        bench = Bench(budget_bytes=4 * one)
        assert bench.intake.put_if_room(answers, 100, [trade(100)])
        assert bench.intake.put(stream, 101, [trade(101), trade(102)])
        assert not bench.intake.put_if_room(answers, 102, [trade(103)])
        assert bench.intake.put(stream, 103, [trade(104)])
        batches = await bench.drain()
    assert ids(batches) == [100, 101, 102, 104]
    assert (marks(batches), bench.count("messages_dropped")) == ([], 0)
    assert [line["event"] for line in logs] == ["recording"]
