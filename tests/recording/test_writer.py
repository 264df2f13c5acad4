"""The writer of the journal: everything once, in order, durable in time, however slow the disk."""

from __future__ import annotations

import itertools

import pytest
import structlog
import trio
from trio.testing import MockClock

from tests.fakes.memory_files import MemoryFiles
from tests.fakes.offload import StallingOffload
from tests.fakes.sim_disk import SimDisk
from tests.recording.rig import STARTED, SlowOffload, TimedFiles, WritingRig, batch, numbers
from tick_logger.budget import ByteBudget
from tick_logger.errors import StorageError
from tick_logger.model.batch import Batch
from tick_logger.model.entries import Closed, Received, Ticked
from tick_logger.recording import writer as module

SEGMENT = "00000001.tlj"


# -- what is written -------------------------------------------------------------------------------


async def test_everything_is_in_the_journal_once_and_in_order(autojump_clock: MockClock) -> None:
    """Between the start and the end, exactly as received."""
    rig = WritingRig(MemoryFiles())
    await rig.write([batch(number) for number in range(100)], every_secs=0.03)
    entries = rig.entries()
    assert entries[0] == STARTED
    assert isinstance(entries[-1], Closed)
    assert numbers(entries) == list(range(100))
    assert rig.journal.durable_seq == rig.journal.next_seq


async def test_the_start_is_durable_before_anything_is_taken(autojump_clock: MockClock) -> None:
    """A crash right after it tells the next start what there was."""
    files = TimedFiles()
    rig = WritingRig(files, offload=SlowOffload(2.0))
    await rig.write([batch(1)])
    assert rig.frames()[0] == [STARTED]
    assert files.times("sync_file", SEGMENT)[0] == 2.0
    assert files.times("append", SEGMENT)[:2] == [2.0, 2.0]  # the header, and the first frame


async def test_ticks_come_at_the_flush_interval(autojump_clock: MockClock) -> None:
    """With or without batches; each follows what was received before it."""
    rig = WritingRig(MemoryFiles(), flush_interval_secs=0.5)
    await rig.write([batch(number) for number in range(11)], every_secs=0.29)
    entries = rig.entries()
    before_ticks = [
        len(numbers(entries[:at])) for at, entry in enumerate(entries) if isinstance(entry, Ticked)
    ]
    # Batch n is sent at 0.29 n, tick m is due at 0.5 m.
    assert before_ticks == [2, 4, 6, 7, 9, 11]


async def test_an_idle_writer_writes_ticks_only(autojump_clock: MockClock) -> None:
    """Nothing is synced for nothing: one sync covers a tick, none follows without one."""
    files = TimedFiles()
    rig = WritingRig(files, sync_interval_secs=0.3)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(rig.run)
        await trio.sleep(3.9)
        rig.send.close()
    entries = rig.entries()
    assert [type(entry) for entry in entries[1:-1]] == [Ticked, Ticked, Ticked]
    assert len(files.times("sync_file", SEGMENT)) <= 5


# -- when it is durable ----------------------------------------------------------------------------


async def test_it_syncs_once_per_interval_and_no_later(autojump_clock: MockClock) -> None:
    """However much comes between; the lag never exceeds the interval."""
    files = TimedFiles()
    rig = WritingRig(files, sync_interval_secs=0.6)
    lags = list[float]()

    async def watch() -> None:
        while True:
            lags.append(rig.writer.lag_secs)
            await trio.sleep(0.01)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        await rig.write([batch(number) for number in range(200)], every_secs=0.02)
        nursery.cancel_scope.cancel()
    syncs = files.times("sync_file", SEGMENT)
    waits = [round(b - a, 6) for a, b in itertools.pairwise(syncs[:-1])]
    assert waits == [0.6] * 6
    assert 0.5 < max(lags) <= 0.6
    assert rig.writer.lag_secs == 0.0


@pytest.mark.parametrize("secs", [0.3, 0.8, 1.5, 4.0])
async def test_a_slow_disk_still_gets_everything(secs: float, autojump_clock: MockClock) -> None:
    """Each hop takes that long: what has come meanwhile is written with the next one."""
    rig = WritingRig(MemoryFiles(), offload=SlowOffload(secs))
    lags = list[float]()

    async def watch() -> None:
        while True:
            await trio.sleep(0.1)
            lags.append(rig.writer.lag_secs)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        await rig.write([batch(number) for number in range(400)], every_secs=0.1)
        nursery.cancel_scope.cancel()
    assert numbers(rig.entries()) == list(range(400))
    assert max(lags) <= 0.6 + 2 * secs + 0.01


async def test_the_lag_grows_while_the_disk_does_not_answer(autojump_clock: MockClock) -> None:
    """Counted from when the oldest batch was taken that is not durable."""
    offload = StallingOffload()
    rig = WritingRig(MemoryFiles(), offload=offload)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(rig.run)
        await trio.sleep(0.1)
        offload.stall()
        await rig.send.send(batch(1))
        await trio.sleep(7.0)
        assert rig.writer.lag_secs == pytest.approx(7.0)
        offload.resume()
        rig.send.close()
    assert rig.writer.lag_secs == 0.0


# -- floods ----------------------------------------------------------------------------------------


async def test_a_flood_is_cut_into_chunks_and_frames(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Limits of payload bytes, exceeded by one batch at most."""
    monkeypatch.setattr(module, "MAX_CHUNK_BYTES", 10_000)
    monkeypatch.setattr(module, "MAX_FRAME_BYTES", 2_500)
    rig = WritingRig(MemoryFiles())
    await rig.write([batch(number, payload_bytes=1_000) for number in range(60)])
    chunks = await rig.chunks()
    sizes = [sum(isinstance(item, Batch) for item in chunk.items) for chunk in chunks]
    assert sizes == [0, *[10] * 6, 0]
    assert [len(numbers(frame)) for frame in rig.frames()] == [0, *[3, 3, 3, 1] * 6, 0]
    assert [chunk.next_seq - chunk.first_seq for chunk in chunks] == [1, *[4] * 6, 1]


async def test_what_others_wait_for_is_written_at_once(autojump_clock: MockClock) -> None:
    """Where nothing more may be decoded before, to wait for more would be in vain."""
    files = TimedFiles()
    rig = WritingRig(files, sync_interval_secs=5.0, budget=ByteBudget(1_000))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(rig.run)
        await trio.sleep(0.1)
        for cost in (100, 200):  # a quarter of it may be ahead of the journal
            assert rig.budget.take(cost)
            rig.budget.decoded(cost, 0)
            await rig.send.send(batch(cost, frames_cost=cost))
            await trio.sleep(0.2)
        rig.send.close()
    assert files.times("append", SEGMENT)[2:] == [0.3, 0.5]  # the others, and the end


async def test_a_flood_of_rows_is_released_early(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the pipeline never holds much more than the bound; then the interval begins anew."""
    monkeypatch.setattr(module, "MAX_TICK_BYTES", 50_000)
    rig = WritingRig(MemoryFiles())
    await rig.write([batch(number, rows_bytes=20_000) for number in range(30)])
    held, most, ticks = 0, 0, 0
    for chunk in await rig.chunks():
        for item in chunk.items:
            if isinstance(item, Batch):
                held += sum(rows.nbytes for rows in item.rows)
                most = max(most, held)
            elif isinstance(item, Ticked):
                held, ticks = 0, ticks + 1
    assert ticks == 10
    assert 50_000 < most <= 70_000


async def test_ticks_stay_apart_after_an_early_one(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two early ticks at once do not bring the regular ones nearer together."""
    monkeypatch.setattr(module, "MAX_TICK_BYTES", 10_000)
    files = TimedFiles()
    rig = WritingRig(files, sync_interval_secs=5.0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(rig.run)
        await trio.sleep(0.4)
        await rig.send.send(batch(1, rows_bytes=20_000))
        await trio.sleep(2.5)
        rig.send.close()
    assert files.times("append", SEGMENT)[2:] == [0.4, 1.4, 2.4, 2.9]


# -- what is handed on -----------------------------------------------------------------------------


async def test_what_is_written_is_handed_on_without_payloads(autojump_clock: MockClock) -> None:
    """In chunks that follow one another and name the frames in which it can be read again."""
    rig = WritingRig(MemoryFiles())
    sent = [batch(n, rows_bytes=1_000, cost=50, frames_cost=30) for n in range(20)]
    await rig.write(sent, every_secs=0.1)
    assert rig.budget.taken_bytes == 20 * 50  # rows alone
    assert rig.budget.ahead_rows_bytes == 0
    chunks = await rig.chunks()
    assert [chunk.first_seq for chunk in chunks] == [1, *[chunk.next_seq for chunk in chunks[:-1]]]
    items = [item for chunk in chunks for item in chunk.items]
    batches = [item for item in items if isinstance(item, Batch)]
    assert [each.rows for each in batches] == [each.rows for each in sent]
    assert [each.received.recv_ns.tolist() for each in batches] == [[n] for n in range(20)]
    assert {(each.received.payloads, len(each.received.lengths)) for each in batches} == {(b"", 0)}
    assert sum(chunk.budget_bytes for chunk in chunks) == 20 * 50
    by_frame = [[type(entry) for entry in frame] for frame in rig.frames()]
    for chunk in chunks:
        frames = by_frame[chunk.first_seq - 1 : chunk.next_seq - 1]
        kinds = [Received if isinstance(item, Batch) else type(item) for item in chunk.items]
        assert kinds == [kind for frame in frames for kind in frame]


async def test_nothing_is_handed_on_before_it_is_written(autojump_clock: MockClock) -> None:
    """Raw first: what is in column files can always be derived again."""
    rig = WritingRig(MemoryFiles(), offload=SlowOffload(1.0))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(rig.run)
        await rig.send.send(batch(1))
        await trio.sleep(2.1)
        assert rig.backlog.next_seq == 2  # the start
        assert rig.journal.written_seq == 2
        await trio.sleep(2.0)
        assert rig.backlog.next_seq == rig.journal.written_seq > 2
        rig.send.close()


async def test_the_numbers_of_the_journal_are_shown(autojump_clock: MockClock) -> None:
    """Bytes written, and the frame from which on a power cut would take all."""
    rig = WritingRig(MemoryFiles())
    await rig.write([batch(number) for number in range(3)], every_secs=0.5)
    registry = rig.metrics.registry
    written = len(rig.files.contents[f"journal/{SEGMENT}"])
    assert registry.get_sample_value("collector_journal_bytes_total") == written
    assert registry.get_sample_value("collector_journal_durable_seq") == rig.journal.next_seq


# -- a disk that refuses ---------------------------------------------------------------------------


async def test_a_full_disk_holds_everything_until_there_is_space(
    autojump_clock: MockClock,
) -> None:
    """Nothing more is taken meanwhile; then all of it is there, once."""
    disk = SimDisk()
    rig = WritingRig(disk)
    with structlog.testing.capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(rig.run)
            await trio.sleep(0.1)
            disk.capacity_bytes = 1
            nursery.start_soon(lambda: rig.feed([batch(n) for n in range(300)], every_secs=0.1))
            await trio.sleep(500.0)
            assert rig.send.statistics().current_buffer_used == 64
            assert rig.readiness.blocks_writing
            disk.heal()
    assert numbers(rig.entries()) == list(range(300))
    assert not rig.readiness.blocks_writing
    said = [(line["event"], line["component"]) for line in logs if "component" in line]
    assert said == [("not_ready", "journal"), ("ready", "journal")]


@pytest.mark.parametrize("failing", ["append", "sync_file", "sync_folder"])
async def test_a_failure_now_and_then_costs_nothing(
    failing: str, autojump_clock: MockClock
) -> None:
    """Frames are not numbered twice, and not written twice where it would count."""
    disk = SimDisk()
    rig = WritingRig(disk)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(rig.run)
        nursery.start_soon(lambda: rig.feed([batch(n) for n in range(60)], every_secs=0.1))
        for _ in range(5):
            await trio.sleep(1.0)
            disk.fail(failing, number=5, times=1)
    assert numbers(rig.entries()) == list(range(60))


async def test_a_disk_without_hope_ends_it_and_what_follows_it(autojump_clock: MockClock) -> None:
    """Senders are told at once, and whoever derives sees the end."""
    disk = SimDisk()
    rig = WritingRig(disk)
    began = trio.current_time()
    with pytest.RaisesGroup(StorageError), structlog.testing.capture_logs():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(rig.run)
            await trio.sleep(0.5)
            disk.fail(number=5)
            await trio.sleep(300.0)
    assert trio.current_time() - began == pytest.approx(0.6 + 60.0, abs=0.5)
    with pytest.raises(trio.BrokenResourceError):
        await rig.send.send(batch(1))
    assert [type(item) for chunk in await rig.chunks() for item in chunk.items] == [type(STARTED)]


async def test_cancelling_it_ends_the_backlog(autojump_clock: MockClock) -> None:
    """The shutdown deadline leaves no deriver waiting."""
    rig = WritingRig(MemoryFiles())
    with trio.move_on_after(1.5) as deadline:
        await rig.run()
    assert deadline.cancelled_caught
    chunks = await rig.chunks()  # up to the end that it has been told
    assert [type(item) for chunk in chunks for item in chunk.items] == [type(STARTED), Ticked]
