"""A disk that fails, for a while or for good; what is said, and how it goes on."""

from __future__ import annotations

import errno

import pytest
from trio.testing import MockClock

from tests.fakes.offload import StallingOffload
from tests.fakes.sim_disk import WRITES, SimDisk
from tests.service.lives import lives
from tests.service.oracle import causes, check, recorded
from tests.service.world import binance, coinbase, in_virtual_time, running

BROKEN = "Input/output error"
FILES = {"journal": "journal/*.tlj", "columns": "*.bin"}
on_both = pytest.mark.parametrize("component", FILES)

# -- errors ---------------------------------------------------------------------------------------


@on_both
async def test_a_disk_that_fails_for_less_than_a_minute(
    component: str, autojump_clock: MockClock
) -> None:
    """It is tried every second, and nothing is lost."""
    disk = SimDisk()
    async with running(binance(), coinbase(), files=disk) as world:
        await world.until(10.0)
        disk.fail("append", number=errno.EIO, path=FILES[component])
        await world.until(11.9)
        (failed,) = world.times("not_ready", component=component)
        await world.until(failed + 59.5)
        disk.heal()
        await world.until(failed + 65.123)
        assert await world.stop() == 0
    (line,) = world.said("not_ready", component=component)
    assert " cannot be written: " in line["reason"]
    assert BROKEN in line["reason"]
    assert world.times("ready", component=component) == [pytest.approx(failed + 60.0)]
    assert check(world) > 200
    assert causes(world.files) == set()


async def test_a_journal_that_fails_for_a_minute_ends_the_recording(
    autojump_clock: MockClock,
) -> None:
    """With exit code 3 and what was saved; a process on a sound disk goes on from there."""
    disk = SimDisk()
    async with lives(binance(), coinbase(), disk=disk) as story:
        world = await story.begin()
        await world.until(10.0)
        disk.fail("append", number=errno.EIO, path=FILES["journal"])
        await world.until(11.9)
        (failed,) = world.times("not_ready", component="journal")
        assert await world.end() == 3
        assert world.elapsed == pytest.approx(failed + 60.0)
        (reason,) = [line["reason"] for line in world.said("storage_failed")]
        assert reason == f"the journal cannot be written, for 60 seconds now: {BROKEN}"
        (stopped,) = world.said("stopped")
        lost = stopped["bytes_not_written"]
        assert lost > 1000
        assert stopped["outcome"].startswith(f"{stopped['rows']:,} rows are on disk; ")
        assert f"{lost:,} bytes were received but not written" in stopped["outcome"]
        assert world.said("crashed") == []
        disk.heal()
        world = await story.begin()
        await world.until(10.123)
        assert await world.stop() == 0
    assert check(world) > 100
    assert causes(world.files) == {"crash"}


async def test_columns_that_fail_are_waited_for(autojump_clock: MockClock) -> None:
    """However long: what they lack is safe in the journal, and comes when they can be written."""
    disk = SimDisk()
    async with running(binance(), coinbase(), files=disk) as world:
        await world.until(10.0)
        disk.fail("append", number=errno.EIO, path=FILES["columns"])
        await world.until(200.0)
        assert set(world.service._resources.readiness.reasons) == {"columns"}
        recording = world.service.recording
        assert recording is not None
        rows = sum(recording.totals.rows.values())
        disk.heal()
        await world.until(205.123)
        assert sum(recording.totals.rows.values()) > 5 * rows
        assert await world.stop() == 0
    assert check(world) > 500
    assert causes(world.files) == set()


async def test_trouble_of_another_kind_has_a_minute_of_its_own(autojump_clock: MockClock) -> None:
    """However long space was wanting before."""
    disk = SimDisk()
    async with running(binance(), files=disk) as world:
        await world.until(10.0)
        disk.capacity_bytes = disk._used
        await world.until(100.0)
        disk.heal()
        disk.fail("append", number=errno.EIO)
        await world.until(130.0)
        disk.heal()
        await world.until(140.123)
        assert await world.stop() == 0
    check(world)
    assert causes(world.files) == set()


async def test_a_disk_that_is_read_only_for_a_while(autojump_clock: MockClock) -> None:
    """As after an error of the file system, until somebody mounts it again."""
    disk = SimDisk()
    async with running(binance(), files=disk) as world:
        await world.until(10.0)
        disk.fail(*WRITES, number=errno.EROFS)
        await world.until(40.0)
        disk.heal()
        await world.until(50.123)
        assert await world.stop() == 0
    reasons = [line["reason"] for line in world.said("not_ready", component="journal")]
    assert reasons == ["the journal cannot be written: Read-only file system"]
    assert world.said("ready", component="journal")
    assert check(world) > 100
    assert causes(world.files) == set()


async def test_a_disk_that_cannot_be_read_ends_the_recording(autojump_clock: MockClock) -> None:
    """At once, as nobody knows what to go on from; the journal has it all for the next start."""
    disk = SimDisk()
    async with lives(binance(), disk=disk) as story:
        world = await story.begin()
        disk.fail("list", number=errno.EIO, path="binance/BTCUSDT/*")
        assert await world.end() == 3
        (line,) = world.said("storage_failed")
        assert line["reason"].startswith("cannot read binance/BTCUSDT/")
        assert BROKEN in line["reason"]
        assert world.said("stopped")[0]["bytes_not_written"] == 0
        disk.heal()
        world = await story.begin()
        await world.until(10.123)
        assert await world.stop() == 0
    assert check(world) > 50


@pytest.mark.parametrize("times", [1, 20])
async def test_a_journal_that_cannot_be_synced_is_written_elsewhere(
    times: int, autojump_clock: MockClock
) -> None:
    """A sync that failed proves nothing when it is tried again: the frames go into new segments."""
    disk = SimDisk()
    async with lives(binance(), disk=disk) as story:
        world = await story.begin()
        await world.until(10.0)
        disk.fail("sync_file", number=errno.EIO, path="journal/*.tlj", times=times)
        await world.until(50.0)
        segments = [path for path in disk.contents if path.endswith(".tlj")]
        assert len(segments) == 1 + times
        await story.kill(world)
        world = await story.begin()
        await world.until(10.123)
        assert await world.stop() == 0
    assert check(world) > 100
    assert causes(world.files) == {"crash"}


# -- stalls ---------------------------------------------------------------------------------------


async def test_a_disk_that_stalls_for_half_a_minute(autojump_clock: MockClock) -> None:
    """Nothing is lost, and as long as nothing is durable that is said."""
    offload = StallingOffload()
    async with running(binance(), offload=offload) as world:
        await world.until(10.0)
        offload.stall()
        await world.until(40.1)
        assert set(world.service._resources.readiness.reasons) == {"disk"}
        # What came in the second before the stall was not safe yet; the last look is of 40.0 s.
        assert 30.0 <= world.service.metrics.durable_lag_seconds._value.get() <= 31.0
        offload.resume()
        await world.until(50.123)
        assert world.service.metrics.durable_lag_seconds._value.get() <= 1.0
        assert await world.stop() == 0
    (line,) = world.said("not_ready")
    assert line["reason"] == "nothing has become safe on disk for more than 5 seconds"
    (alarm,), (relief,) = world.times("not_ready"), world.times("ready")
    assert 15.0 <= alarm <= 17.0
    assert 40.0 <= relief <= 41.0
    assert check(world) > 100
    assert causes(world.files) == set()


# -- checkpoints ----------------------------------------------------------------------------------


async def with_checkpoints(failing: bool, operation: str) -> dict[str, bytes]:
    """A recording one of whose checkpoints failed, or a perfect one."""
    disk = SimDisk()
    often = {"checkpoint_interval_secs": 5.0}
    async with running(binance(), files=disk, logger=often) as world:
        await world.until(17.0)
        if failing:
            path = "*" if operation == "sync" else "journal/checkpoint.?"
            disk.fail(operation, number=errno.EIO, path=path, times=1)
        await world.until(40.123)
        assert await world.stop() == 0
    reason = f"no checkpoint can be saved: {BROKEN}"
    assert len(world.said("not_ready", component="checkpoint", reason=reason)) == failing
    assert len(world.said("ready", component="checkpoint")) == failing
    assert len(world.said("deriving_again")) == (failing and operation == "sync")
    check(world)
    assert causes(world.files) == set()
    return recorded(world.files)


def test_a_failed_sync_of_everything_is_derived_again() -> None:
    """What was written since the last checkpoint may be lost; the result is the same bytes."""
    assert in_virtual_time(with_checkpoints, True, "sync") == in_virtual_time(
        with_checkpoints, False, "sync"
    )


@pytest.mark.parametrize("operation", ["append", "truncate", "sync_file"])
def test_a_checkpoint_that_cannot_be_written_harms_nothing(operation: str) -> None:
    """The one before still stands, and the next will come."""
    assert in_virtual_time(with_checkpoints, True, operation) == in_virtual_time(
        with_checkpoints, False, operation
    )


async def test_a_sync_of_everything_that_fails_to_the_end(autojump_clock: MockClock) -> None:
    """The files are complete without a checkpoint; the next start goes on from the one before."""
    disk = SimDisk()
    async with lives(binance(), disk=disk) as story:
        world = await story.begin(logger={"checkpoint_interval_secs": 5.0})
        await world.until(12.0)
        disk.fail("sync", number=errno.EIO)
        await world.until(30.123)
        assert await world.stop() == 0
        assert check(world) > 50
        assert world.said("stopped")[0]["frames_not_derived"] == 0
        disk.heal()
        world = await story.begin()
        await world.until(10.123)
        assert await world.stop() == 0
    assert check(world) > 100
    assert causes(world.files) == {"restart"}
