"""The archive as a task, in virtual time: whatever fails, nothing is lost or doubled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TypeVar

import pytest
import structlog
import trio

from tests.archive.archiving import DAYS, Rig
from tests.archive.kept import DAY, EXCHANGE, certify, record
from tests.fakes.memory_store import Fault
from tests.fakes.offload import StallingOffload
from tick_logger.archive.archiver import (
    CYCLE_SECS,
    LETTING_GO_SECS,
    PACK_SECS,
    PATIENCE_SECS,
    SEND_SECS,
)
from tick_logger.archive.ledger import Ledger, Packed, Where
from tick_logger.archive.retention import Retention

T = TypeVar("T")


async def test_a_cycle_packs_sends_and_verifies_everything(autojump_clock: object) -> None:
    """Days, journal, certificates and lists of hashes; and the next one has nothing to do."""
    rig = Rig()
    archiver = rig.archiver()
    await archiver.cycle()
    rig.check()
    tables = Counter(each.table for each in rig.ledger().all_packed())
    assert tables == {"trades": 3, "raw": 1, "certificate": 3, "sums": 3}
    assert rig.waiting() == []
    assert archiver.journal(0) == 10
    assert archiver.progress.sealed == {EXCHANGE: DAY + DAYS - 1}
    assert archiver.progress.waiting == 0
    assert set(rig.bucket.puts.values()) == {1}
    before = bytes(rig.archive.read("meta/ledger.jsonl"))
    for _ in range(3):
        await archiver.cycle()
    await rig.archiver().cycle()
    assert bytes(rig.archive.read("meta/ledger.jsonl")) == before
    assert set(rig.bucket.puts.values()) == {1}
    assert set(rig.worker.runs.values()) == {1}


async def test_rows_that_are_due_are_counted_until_they_are_packed(
    autojump_clock: object,
) -> None:
    """One day after the other; those of a job that fails stay, and are not counted twice."""
    rig = Rig()
    rig.worker.secs = 1.0
    archiver = rig.archiver()
    seen = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(archiver.cycle)
        for _ in range(DAYS):
            await trio.sleep(0.9)
            seen.append(rig.number("collector_parquet_rows_buffered"))
            await trio.sleep(0.1)
    assert seen == [3.0] * DAYS
    assert rig.number("collector_parquet_rows_buffered") == 0
    assert rig.number("collector_parquet_rows_written_total") == 3 * DAYS + 1
    failing = Rig()
    failing.worker.fail = OSError(28, "No space left on device")
    archiver = failing.archiver()
    for _ in range(2):
        await archiver.cycle()
        assert failing.number("collector_parquet_rows_buffered") == 3
    failing.worker.fail = None
    await archiver.cycle()
    assert failing.number("collector_parquet_rows_buffered") == 0


async def test_here_nothing_stays_that_is_to_be_in_the_bucket_alone(
    autojump_clock: object,
) -> None:
    """And with "both" it does."""
    for wanted, expected in (((Where.BUCKET,), 0), ((Where.LOCAL, Where.BUCKET), 4)):
        rig = Rig(wanted=wanted)
        await rig.archiver().cycle()
        assert len(rig.archive.list("data", recursive=True)) == expected
        rig.check()


TRANSIENT = [
    Fault.UNANSWERED, Fault.TIMEOUT, Fault.TOO_MANY, Fault.BROKEN, Fault.BUSY, Fault.STALL,
    Fault.FLIPPED, Fault.TRUNCATED,
]  # fmt: skip


@pytest.mark.parametrize("fault", TRANSIENT)
async def test_what_passes_is_over_within_the_cycle(autojump_clock: object, fault: Fault) -> None:
    """Each object meets it at its first attempt."""
    rig = Rig()
    rig.bucket.faults.extend([fault] * 4)
    began = trio.current_time()
    await rig.archiver().cycle()
    rig.check()
    assert rig.waiting() == []
    assert trio.current_time() - began >= 1.0
    spoilt = fault in (Fault.FLIPPED, Fault.TRUNCATED)
    assert (rig.number("collector_upload_unequal_total") > 0) is spoilt
    assert rig.number("collector_s3_upload_retries_total") >= 4


@pytest.mark.parametrize("fault", [Fault.FORBIDDEN, Fault.FULL, Fault.GONE, Fault.BUSY])
async def test_what_lasts_a_day_costs_nothing_and_is_told_each_hour(
    autojump_clock: object, fault: Fault
) -> None:
    """Everything stays here, and goes when the store is well again."""
    rig = Rig(keep_days=1)
    rig.bucket.always = fault
    archiver = rig.archiver()
    files = rig.recorded.list(recursive=True)
    with structlog.testing.capture_logs() as lines:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(archiver.run)
            await trio.sleep(86_400)
            assert rig.bucket.objects == {}
            assert rig.recorded.list(recursive=True) == files
            assert len(rig.archive.list("data", recursive=True)) == 4
            assert archiver.journal(0) == 0
            assert archiver.progress.troubles
            rig.bucket.always = None
            await trio.sleep(CYCLE_SECS * 2)
            rig.check()
            assert rig.waiting() == []
            nursery.cancel_scope.cancel()
    told = [line for line in lines if line["event"] == "archive_store_failed"]
    assert 24 <= len(told) <= 25


async def test_somebody_elses_object_is_left_and_told_of(autojump_clock: object) -> None:
    """For ever; all others go their way."""
    rig = Rig()
    await rig.archiver().cycle()
    key = next(key for key in rig.bucket.objects if "table=trades" in key)
    other = Rig()
    other.bucket.objects[key] = (b"theirs", "ff" * 32)
    with structlog.testing.capture_logs() as lines:
        archiver = other.archiver()
        for _ in range(3):
            await archiver.cycle()
    assert other.bucket.objects[key][0] == b"theirs"
    assert other.waiting() == [key]
    assert "archive_unequal" in {line["event"] for line in lines}


async def test_days_go_when_they_are_verified(autojump_clock: object) -> None:
    """Not before, and not more than is allowed; a full disk leaves a day."""
    rig = Rig(keep_days=2)
    archiver = rig.archiver()
    await archiver.cycle()
    assert rig.ledger().released() == [(EXCHANGE, DAY)]
    rig.free_share = 0.01
    with structlog.testing.capture_logs() as lines:
        await archiver.cycle()
    assert rig.ledger().released() == [(EXCHANGE, DAY), (EXCHANGE, DAY + 1)]
    assert "archive_retention_shortened" in {line["event"] for line in lines}


async def test_a_worker_that_fails_is_told_and_tried_again(autojump_clock: object) -> None:
    """A full disk while packing, or a defect; what is packed goes out meanwhile."""
    for error in (OSError(28, "No space left on device"), RuntimeError("a defect")):
        rig = Rig()
        rig.worker.fail = error
        archiver = rig.archiver()
        with structlog.testing.capture_logs() as lines:
            await archiver.cycle()
        events = {line["event"] for line in lines if line["log_level"] == "error"}
        assert events == {"archive_failed" if isinstance(error, OSError) else "archive_crashed"}
        assert {each.table for each in rig.ledger().all_packed()} == {"certificate"}
        rig.worker.fail = None
        await archiver.cycle()
        rig.check()


async def test_the_end_sends_the_rest_and_takes_no_longer_than_it_may(
    autojump_clock: object,
) -> None:
    """What the journal has is packed, and sent; a worker or a store that hangs is left."""
    rig = Rig()
    archiver = rig.archiver()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(archiver.run)
        await trio.sleep(CYCLE_SECS / 2)
        archiver.end()
    assert trio.current_time() < CYCLE_SECS
    assert rig.ledger().covered() == [(0, 20)]
    assert rig.waiting() == []

    slow = Rig()
    slow.worker.secs = 10_000.0
    hanging = StallingOffload()
    for sending, least, most in (
        (None, PACK_SECS, PACK_SECS + 1),
        (hanging, SEND_SECS, PACK_SECS + SEND_SECS + 1),
    ):
        hanging.stall()
        slow.worker.secs = 10_000.0 if sending is None else 0.0
        archiver = slow.archiver(sending=sending)
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(archiver.run)
            await trio.testing.wait_all_tasks_blocked()
            archiver.end()
        assert least <= trio.current_time() - began <= most


async def test_a_second_signal_leaves_it_to_the_next_start(autojump_clock: object) -> None:
    """At once, and what is unfinished goes on then."""
    rig = Rig()
    rig.worker.secs = 10_000.0
    archiver = rig.archiver()
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(archiver.run)
        await trio.testing.wait_all_tasks_blocked()
        archiver.end()
        assert archiver.skip()
        assert not archiver.skip()
    assert trio.current_time() == began
    rig.worker.secs = 0.0
    await rig.archiver().cycle()
    rig.check()


async def test_a_bucket_that_never_answers_holds_up_nothing_else(
    autojump_clock: object,
) -> None:
    """Local copies, new days, what the journal may let go of that is wanted here, and the end."""
    rig, mute = Rig(wanted=(Where.LOCAL, Where.BUCKET), keep_days=1), StallingOffload()
    mute.stall()
    archiver = rig.archiver(sending=mute)
    with structlog.testing.capture_logs() as lines:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(archiver.run)
            await trio.sleep(PATIENCE_SECS + 1)
            ledger = rig.ledger()
            assert ledger.waiting(Where.LOCAL) == []
            assert len(ledger.waiting(Where.BUCKET)) == len(ledger.all_packed()) == 10
            record(rig.recorded, DAY + DAYS, 3)
            certify(rig.recorded, DAY + DAYS)
            await trio.sleep(2 * (PATIENCE_SECS + CYCLE_SECS))
            days = rig.ledger().of_day(EXCHANGE, DAY + DAYS, "trades")
            assert [rig.ledger().is_verified(each.key, Where.LOCAL) for each in days] == [True]
            assert rig.ledger().released() == []
            assert archiver.journal(0) == 0
            assert archiver.progress.waiting == len(rig.ledger().all_packed()) == 13
            assert archiver.progress.kept_bytes[Where.LOCAL] > 0
            mute.resume()
            await trio.sleep(LETTING_GO_SECS + CYCLE_SECS)
            assert rig.waiting() == []
            assert archiver.journal(0) == 10
            assert rig.ledger().released() == [(EXCHANGE, DAY), (EXCHANGE, DAY + 1)]
            mute.stall()
            certify(rig.recorded, DAY + DAYS, 2)
            await trio.sleep(2 * CYCLE_SECS)
            began = trio.current_time()
            archiver.end()
        assert trio.current_time() - began <= PACK_SECS + SEND_SECS
    assert rig.ledger().covered() == [(0, 20)]  # what the journal had was packed at the end
    assert rig.ledger().waiting(Where.LOCAL) == []
    told = [line for line in lines if line["event"] == "archive_bucket_slow"]
    assert len(told) == 1


class Noting:
    """An offload that knows whether it is at work."""

    is_at_work = False

    async def run(self, work: Callable[[], T]) -> T:
        await trio.lowlevel.checkpoint()
        self.is_at_work = True
        try:
            return work()
        finally:
            self.is_at_work = False

    @property
    def idle(self) -> bool:
        return True


async def test_the_event_loop_never_goes_through_the_ledger(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bucket that is away leaves thousands of objects to wait."""
    rig, looks, thread, real = Rig(), 0, Noting(), Ledger.waiting

    def waiting(ledger: Ledger, where: Where) -> list[Packed]:
        nonlocal looks
        assert thread.is_at_work
        looks += 1
        return real(ledger, where)

    rig.thread = thread
    archiver = rig.archiver()
    monkeypatch.setattr(Ledger, "waiting", waiting)
    await archiver.cycle()
    monkeypatch.undo()
    assert archiver.progress.troubles == {}
    assert looks >= 3
    rig.check()


async def test_a_cycle_in_which_nothing_is_due_goes_through_no_objects(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A year has sixty thousand: what there is of them is kept up, and not counted each minute."""
    rig = Rig(wanted=(Where.LOCAL, Where.BUCKET), keep_days=1)
    archiver = rig.archiver()
    await archiver.cycle()
    kept = archiver.progress.kept_bytes
    assert kept == dict.fromkeys(Where, sum(each.size for each in rig.ledger().all_packed()))

    def everything(*_: object) -> list[Packed]:
        raise AssertionError("all objects are looked at")

    for name in ("all_packed", "objects", "of_key"):
        monkeypatch.setattr(Ledger, name, everything)
    monkeypatch.setattr(Retention, "outlook", everything)  # it lists every file
    await archiver.cycle()
    assert archiver.progress.troubles == {}
    assert archiver.progress.kept_bytes == kept
