"""How much is decoded ahead of the journal: bounded by bytes, rows included, however large."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.net.bench import Bench, Connection, ids, size_of, trade
from tick_logger.budget import AHEAD_SHARE
from tick_logger.model.batch import Batch
from tick_logger.model.entries import MAX_ASIDE_BYTES
from tick_logger.model.marks import Resumed
from tick_logger.model.tables import Table
from tick_logger.net.intake import arrivals
from tick_logger.net.intake import intake as module

ONE = size_of(trade(10))


def _mark(number: int) -> Resumed:
    return Resumed((0,), (Table.TRADES,), number)


async def test_rows_are_charged_until_the_journal_has_them() -> None:
    """Beside the frames, of which nothing is left then."""
    bench = Bench()
    bench.intake.put(Connection(), 1, [trade(10), trade(11)])
    assert bench.budget.taken_bytes == 2 * ONE
    bench.intake.close()
    await bench.intake.run(bench.send)
    batch = bench.receive.receive_nowait()
    assert batch.rows_bytes == sum(rows.nbytes for rows in batch.rows) > 0
    assert batch.frames_bytes == 2 * ONE
    assert bench.budget.taken_bytes == 2 * ONE + batch.rows_bytes
    bench.budget.journalled(batch.frames_bytes, batch.rows_bytes)
    assert bench.budget.taken_bytes == batch.rows_bytes


async def test_frames_wait_as_they_came_while_much_is_decoded(autojump_clock: MockClock) -> None:
    """Whatever room the channel has; each batch that is written lets the next be decoded."""
    bench, source = Bench(budget_bytes=40 * ONE), Connection()
    for number in range(10, 30):
        bench.intake.put(source, number, [trade(number)])
        bench.intake.mark(_mark(number))  # so that each is a batch of its own
    written: list[Batch] = []
    most = 0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.intake.run, bench.send)
        bench.intake.close()
        for _ in range(60):
            await wait_all_tasks_blocked()
            most = max(most, bench.receive.statistics().current_buffer_used)
            try:
                batch = bench.receive.receive_nowait()
            except (trio.WouldBlock, trio.EndOfChannel):
                break
            written.append(batch)
            bench.write(batch)
    assert ids(written) == list(range(10, 30))
    cost = written[0].frames_bytes + written[0].rows_bytes
    assert most == 40 * ONE // AHEAD_SHARE // cost + 1  # the last of them exceeds the share
    assert bench.budget.taken_bytes == 0


async def test_a_full_budget_is_emptied_one_portion_at_a_time(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    """The rows of one portion are all that it is ever exceeded by."""
    monkeypatch.setattr(arrivals, "MAX_FRAMES_PER_DECODE", 1)
    bench, source = Bench(budget_bytes=20 * ONE), Connection()
    for number in range(10, 30):
        assert bench.intake.put(source, number, [trade(number)])
    assert not bench.intake.put(source, 30, [trade(30)])
    bench.intake.close()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.intake.run, bench.send)
        batches = await bench.take_all()
    assert ids(batches) == list(range(10, 30))
    assert bench.budget.peak_bytes == 20 * ONE + batches[0].rows_bytes


async def test_a_writer_that_has_ended_keeps_nobody_waiting(autojump_clock: MockClock) -> None:
    """Its error is the one to be reported, and not that the intake hangs."""
    bench, source = Bench(budget_bytes=4 * ONE), Connection()
    for number in range(10, 14):
        bench.intake.put(source, number, [trade(number)])
        bench.intake.mark(_mark(number))
    with trio.fail_after(5.0):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(bench.intake.run, bench.send)
            await trio.sleep(1.0)
            await bench.receive.aclose()
            bench.budget.end()


async def test_a_flood_of_large_messages_blocks_nobody_for_long(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    """Each call that hands over decodes one portion at most; the rest follows, in order."""
    monkeypatch.setattr(module, "HURRY_FRAMES", 3)
    monkeypatch.setattr(arrivals, "MAX_BYTES_PER_DECODE", 2 * ONE)
    bench, source = Bench(linger_secs=100.0), Connection()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.intake.run, bench.send)
        await wait_all_tasks_blocked()
        for number in range(10, 20):
            bench.intake.put(source, number, [trade(number)])
            assert bench.send.statistics().current_buffer_used <= (number - 8) // 2
        bench.intake.close()
        batches = await bench.take_all()
    assert ids(batches) == list(range(10, 20))
    assert {len(batch.received.lengths) for batch in batches} <= {1, 2}


async def test_payloads_kept_aside_are_cut(autojump_clock: MockClock) -> None:
    """Thousands may wait for the next flush; how long each was is known."""
    bench, source = Bench(), Connection()
    bench.intake.put(source, 5, [b"?" * (MAX_ASIDE_BYTES + 7), b"?" * MAX_ASIDE_BYTES])
    (batch,) = await bench.drain()
    kept = [(len(each.payload), each.whole_bytes) for each in batch.kept_aside]
    assert kept == [(MAX_ASIDE_BYTES, MAX_ASIDE_BYTES + 7), (MAX_ASIDE_BYTES, 0)]
    assert batch.rows_bytes == 2 * MAX_ASIDE_BYTES
