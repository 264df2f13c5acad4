"""Where frames of all connections meet: batches, their order, and the end."""

from __future__ import annotations

import pytest
import structlog
import trio
from trio.testing import MockClock

from tests.net.bench import Bench, Connection, ids, marks, trade
from tick_logger.exchanges.base import Acknowledged, Heartbeat
from tick_logger.exchanges.decoding import MAX_KEPT_ASIDE_PER_BATCH
from tick_logger.model.batch import Batch
from tick_logger.model.marks import LastTradeId, Resumed
from tick_logger.model.tables import Table
from tick_logger.net.intake import arrivals
from tick_logger.net.intake import intake as module

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


async def test_while_an_answer_is_awaited_it_lingers_no_longer_than_that_needs(
    autojump_clock: MockClock,
) -> None:
    """Whether it lingers already, or begins to; when the answer is there or overdue, as ever."""
    bench, arrived = Bench(linger_secs=2.0), list[tuple[float, list[int]]]()
    one, other = Connection(), Connection("2.1")

    async def connections() -> None:
        for at, source, awaits in (
            (1.0, one, True), (2.0, one, False), (3.0, other, True), (10.0, one, False),
        ):  # fmt: skip
            await trio.sleep_until(at)
            bench.intake.put(source, 1, [trade(int(at))])
            if awaits:
                bench.intake.awaiting()
        await trio.sleep_until(20.0)
        bench.intake.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.intake.run, bench.send)
        nursery.start_soon(connections)
        async for batch in bench.receive:
            arrived.append((trio.current_time(), ids([batch])))
    soon = module.AWAITED_SECS
    assert arrived == [(1.0 + soon, [1]), (3.0 + soon, [2, 3]), (12.0, [10])]


async def test_who_wants_to_know_what_has_come_does_not_wait_for_the_linger(
    autojump_clock: MockClock,
) -> None:
    """Nor for the next one, when it has all that it asked for."""
    bench = Bench(linger_secs=100.0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.intake.run, bench.send)
        bench.intake.put(Connection(), 1, [trade(1)])
        await bench.intake.caught_up()
        await trio.sleep(7.0)
        bench.intake.put(Connection(), 2, [trade(2)])
        await trio.sleep(50.0)
        assert ids([bench.receive.receive_nowait()]) == [1]
        await bench.intake.caught_up()
        assert ids([bench.receive.receive_nowait()]) == [2]
        assert trio.current_time() == 57.0
        bench.intake.close()


async def test_who_misses_something_waits_until_slow_sockets_are_read(
    autojump_clock: MockClock,
) -> None:
    """What the brake keeps in them may be what is missed; it may be put on again meanwhile."""
    bench = Bench(linger_secs=100.0)
    brake = bench.intake.brake

    async def use() -> None:
        for change, at in (
            (brake.put_on, 1.0),
            (brake.let_go, 1.5),
            (brake.put_on, 2.0),
            (brake.let_go, 4.0),
        ):
            await trio.sleep_until(at)
            change()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.intake.run, bench.send)
        nursery.start_soon(use)
        await trio.sleep(1.1)
        await bench.intake.caught_up()
        assert trio.current_time() == 4.0 + module.READ_AGAIN_SECS
        bench.intake.close()
    assert bench.count("read_pauses") == 2


async def test_rows_carry_the_receive_time_of_their_frame() -> None:
    """Frames of one read share it."""
    bench = Bench()
    bench.intake.put(Connection(), 70, [trade(1), b"alive", trade(2)])
    bench.intake.put(Connection("2.1"), 60, [trade(3, "ETH")])
    (batch,) = await bench.drain()
    (rows,) = batch.rows
    assert rows["recv_ns"].tolist() == [70, 70, 60]
    assert rows["instrument"].tolist() == [0, 0, 1]
    assert batch.kept_aside == ()


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
    assert one.events == [(10, Acknowledged(5)), (12, Acknowledged(7))]
    assert two.events == [(11, Heartbeat()), (11, Acknowledged(6))]
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
    assert kept == [(5, payload) for payload in nonsense[:MAX_KEPT_ASIDE_PER_BATCH]]
    assert ids([batch]) == [1]
    assert bench.count("parse_errors") == 30
    assert [(line["event"], line.get("messages")) for line in logs] == [
        ("undecodable", 30),
        ("recording", None),
    ]


async def test_it_is_recording_once_rows_have_come() -> None:
    """Not before, and said once; what holds no row is none."""
    for payloads, said in (([b"?"], 0), ([trade(1), b"?", trade(2)], 1)):
        bench, source = Bench(), Connection()
        with structlog.testing.capture_logs() as logs:
            for at, payload in enumerate(payloads):
                bench.intake.put(source, at, [payload])
                bench.intake.mark(Resumed((0,), (Table.TRADES,), at))  # a batch for each
            await bench.drain()
        assert [line["event"] for line in logs].count("recording") == said


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
    monkeypatch.setattr(arrivals, "MAX_FRAMES_PER_DECODE", 5)
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
    monkeypatch.setattr(arrivals, "MAX_FRAMES_PER_DECODE", 3)
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
    monkeypatch.setattr(arrivals, "MAX_FRAMES_PER_DECODE", 1)
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
    with trio.move_on_after(10) as scope:
        await bench.intake.run(bench.send)
    assert not scope.cancelled_caught
    before = bench.budget.taken_bytes
    bench.intake.put(Connection(), 2, [trade(2)])
    assert bench.budget.taken_bytes > before


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
