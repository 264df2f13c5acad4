"""One run's way to the disk: who may have the directory, and what a start says about it."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Never

import pytest
import structlog
import trio
from prometheus_client import CollectorRegistry
from trio.testing import MockClock

from tests.derive.derived import bytes_of, recorded
from tests.derive.story import INSTRUMENTS, START_NS, Frames, entries_of, story
from tests.fakes.clock import NOON_NS, VirtualClock
from tests.fakes.memory_files import MemoryFiles
from tests.fakes.offload import StallingOffload
from tests.fakes.sim_disk import SimDisk
from tests.recording.lives import live
from tests.recording.rig import AMPLE_BYTES, batch, numbers
from tick_logger.budget import ByteBudget
from tick_logger.clock import SteadyClock
from tick_logger.config.schema import LoggerConfig
from tick_logger.errors import ConfigError, StorageError
from tick_logger.journal.entry_codec import decode_entries
from tick_logger.journal.reader import JournalReader
from tick_logger.model.batch import Batch
from tick_logger.model.entries import Closed, Started
from tick_logger.model.instruments import Instruments
from tick_logger.offload import InlineOffload, Offload
from tick_logger.recording.opening import Opening, open_recording
from tick_logger.recording.readiness import Readiness
from tick_logger.recording.recording import Recording
from tick_logger.recording.resources import Disk, Resources
from tick_logger.telemetry.metrics import Metrics
from tick_logger.telemetry.today import Today

STORY = story(0)


class World:
    """A recording over some files, and what it is given."""

    def __init__(
        self,
        files: MemoryFiles,
        *,
        accept_damage: bool = False,
        offload: Offload | None = None,
        **settings: Any,  # noqa: ANN401 - those of `LoggerConfig`
    ) -> None:
        self.files = files
        self.instruments = Instruments()
        self.metrics = Metrics(CollectorRegistry())
        self.budget = ByteBudget(AMPLE_BYTES)
        chosen = offload or InlineOffload()
        clock = VirtualClock()
        self.readiness = Readiness(self.metrics)
        self.opening = Opening(self.metrics)
        self.config = LoggerConfig(data_path="here", **settings)
        self.resources = Resources(
            disk=Disk.at("here", files, chosen),
            clock=SteadyClock(clock),
            instruments=self.instruments,
            budget=self.budget,
            metrics=self.metrics,
            readiness=self.readiness,
            today=Today(clock),
        )
        self.accept_damage = accept_damage
        self._recording: Recording | None = None

    @property
    def recording(self) -> Recording:
        """The recording, once it is open."""
        assert self._recording is not None
        return self._recording

    async def open(self) -> None:
        """Recover, and begin."""
        self._recording = await open_recording(
            self.config, self.resources, self.opening, accept_damage=self.accept_damage
        )

    async def recover(self) -> list[dict[str, Any]]:
        """Recover; returns what was logged."""
        with structlog.testing.capture_logs() as logs:
            await self.open()
        return [dict(line) for line in logs]

    async def record(self, batches: list[Batch]) -> None:
        """Write and derive these, to the end."""
        send, receive = trio.open_memory_channel[Batch](0)
        with structlog.testing.capture_logs():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.recording.derive)
                nursery.start_soon(self.recording.write, receive)
                with send:
                    for each in batches:
                        assert self.budget.take(each.frames_bytes)
                        self.budget.decoded(each.frames_bytes, each.rows_bytes)
                        await send.send(each)


# -- the directory ---------------------------------------------------------------------------------


async def test_a_directory_that_is_in_use_is_refused() -> None:
    """Before anything in it is touched; when the other has ended, it may be had."""
    files = MemoryFiles()
    first, second = World(files), World(files)
    await first.recover()
    before = {path: bytes(content) for path, content in files.contents.items()}
    with pytest.raises(ConfigError, match=r"logger.data_path: another process .* here"):
        await second.recover()
    assert files.contents == before
    first.resources.disk.close()
    await second.recover()


async def test_another_width_of_prices_is_refused() -> None:
    """A directory has one."""
    files = MemoryFiles()
    live(files, STORY, checkpoints=(4,))
    before = recorded(files)
    with pytest.raises(ConfigError, match=r"logger\.price_dtype"):
        await World(files, price_dtype="f8").recover()
    assert recorded(files) == before


async def test_a_disk_that_fails_for_a_minute_is_a_storage_error(
    autojump_clock: MockClock,
) -> None:
    """It may come back; one that does not is left to the supervisor."""
    disk = SimDisk()
    live(disk, STORY)
    disk.fail("read", number=5)
    began = trio.current_time()
    with pytest.raises(StorageError, match="for 60 seconds now: Input/output error"):
        await World(disk).recover()
    assert trio.current_time() - began == 60.0


# -- what a start says -----------------------------------------------------------------------------


async def test_a_first_start_says_nothing() -> None:
    """There is nothing to recover from."""
    assert await World(MemoryFiles()).recover() == []


async def test_a_recovery_says_how_far_it_is() -> None:
    """In words, until it is over; meanwhile nothing is ready."""
    files = MemoryFiles()
    live(files, story(0, rounds=40))
    world = World(files)
    told = list[float]()

    def look(_logger: object, _method: str, line: MutableMapping[str, Any]) -> Never:
        if line["event"] == "recovering":
            told.append(line["share"])
            done = f"({line['share']:.0%} done, {line['messages']:,} messages)"
            assert done in world.opening.recovering
            assert world.metrics.read("collector_ready", "") == 0
        raise structlog.DropEvent

    assert world.opening.recovering.startswith("recovering what the last run left")
    structlog.configure(processors=[look])
    try:
        await world.open()
    finally:
        structlog.reset_defaults()
    assert len(told) > 5
    assert (world.opening.recovering, world.metrics.read("collector_ready", "")) == ("", 1)


@pytest.mark.parametrize("closed", [True, False])
async def test_a_later_start_says_what_it_found(closed: bool, autojump_clock: MockClock) -> None:
    """One line: rows and messages made up for, and how long nothing was recorded."""
    files = MemoryFiles()
    frames: Frames = [*STORY]
    if closed:
        frames.append([Closed(NOON_NS - 90 * 10**9)])
    live(files, frames, checkpoints=(4,))
    files.append("journal/00000001.tlj", b"torn")
    said = await World(files).recover()
    (line,) = [line for line in said if line["event"] != "recovering"]
    assert line["event"] == ("continuing" if closed else "recovered_from_a_crash")
    assert line["rows_recovered"] > 20
    assert line["messages_replayed"] > line["rows_recovered"] / 3
    assert line["bytes_cut"] == 4
    if closed:
        assert line["seconds_not_recorded"] == 90.0
    else:
        assert line["seconds_not_recorded"] > (NOON_NS - START_NS) / 1e9 - 60
    assert recorded(files) == bytes_of(entries_of(frames))


async def test_a_loss_that_was_accepted_is_said() -> None:
    """Each finding as an error, before the line about the rest."""
    files = MemoryFiles()
    for count in (3, 6, len(STORY)):
        live(files, STORY[:count])
    files.remove("journal/00000002.tlj")
    with pytest.raises(StorageError):
        await World(files).recover()
    files.close()
    said = await World(files, accept_damage=True).recover()
    events = [line["event"] for line in said if line["event"] != "recovering"]
    assert events == ["found", "recovered_from_a_crash"]


async def test_instruments_keep_their_numbers() -> None:
    """Those that the journal knows; new ones get others."""
    files = MemoryFiles()
    live(files, STORY, checkpoints=(6,))
    world = World(files)
    await world.recover()
    for exchange, symbols in INSTRUMENTS.items():
        assert world.instruments.of(exchange) == symbols
    assert world.instruments.add("other", "NEW") == 4


# -- a run -----------------------------------------------------------------------------------------


async def test_a_run_begins_with_what_it_records_as(autojump_clock: MockClock) -> None:
    """Time, width of prices, and how many ticks a book waits for its snapshot."""
    files = MemoryFiles()
    world = World(files, flush_interval_secs=2.0, price_dtype="f8")
    await world.recover()
    await world.record([batch(number, cost=3) for number in range(20)])
    frames = [decode_entries(frame.body) for frame in JournalReader(files, from_seq=1)]
    (started,) = frames[0]
    assert isinstance(started, Started)
    assert (started.at_ns, started.price_dtype) == (NOON_NS, "f8")
    assert started.book_wait_ticks == 23  # 45 seconds
    assert numbers([entry for frame in frames for entry in frame]) == list(range(20))
    assert (world.recording.frames_not_derived, world.recording.bytes_not_written) == (0, 0)


async def test_what_is_not_written_is_counted(autojump_clock: MockClock) -> None:
    """Bytes that wait for the journal are; those that wait for column files are not lost."""
    offload = StallingOffload()
    world = World(MemoryFiles(), offload=offload)
    await world.recover()
    send, receive = trio.open_memory_channel[Batch](5)
    with structlog.testing.capture_logs():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(world.recording.write, receive)
            await trio.sleep(0.1)
            offload.stall()
            for number in range(3):
                assert world.budget.take(50)
                world.budget.decoded(50, 70)
                await send.send(batch(number, cost=70, frames_cost=50))
            await trio.sleep(3.0)
            assert world.recording.bytes_not_written == 150
            offload.resume()
            await trio.sleep(3.0)
            assert world.recording.bytes_not_written == 0
            assert world.recording.frames_not_derived > 1
            send.close()


async def test_a_lag_beyond_what_is_promised_is_trouble(autojump_clock: MockClock) -> None:
    """Noticed within a second; gone when it is durable."""
    offload = StallingOffload()
    world = World(MemoryFiles(), offload=offload)
    await world.recover()
    send, receive = trio.open_memory_channel[Batch](5)
    with structlog.testing.capture_logs():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(world.recording.write, receive)
            nursery.start_soon(world.recording.watch)
            await trio.sleep(0.1)
            offload.stall()
            await send.send(batch(1))
            await trio.sleep(5.0)
            assert world.readiness.reasons == {}
            await trio.sleep(1.0)
            assert list(world.readiness.reasons) == ["disk"]
            lag = world.metrics.registry.get_sample_value("collector_durable_lag_seconds")
            assert lag is not None
            assert lag > 5.0
            offload.resume()
            await trio.sleep(2.0)
            assert world.readiness.reasons == {}
            nursery.cancel_scope.cancel()
