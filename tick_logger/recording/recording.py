"""From decoded batches to the disk, for one run: the journal, and column files behind it.

Two tasks with a thread each: the writer makes everything durable, the deriver follows it.  This
object runs both, and knows how far they are.  Not here: the recovery at the start, after which it
is made (`opening`).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import trio

from tick_logger.config.schema import LoggerConfig
from tick_logger.model.batch import Batch
from tick_logger.model.entries import Started
from tick_logger.model.marks import BOOK_WAIT_SECS
from tick_logger.model.schemas import Schemas
from tick_logger.recording.accounts import Totals
from tick_logger.recording.backlog import Backlog
from tick_logger.recording.clock_watch import ClockWatch
from tick_logger.recording.deriver import Deriver
from tick_logger.recording.readiness import DISK
from tick_logger.recording.resources import Resources
from tick_logger.recording.writer import Writer
from tick_logger.version import __version__

LAG_ALARM_SECS = 5.0
"""What is promised never to be lost by a power cut, whatever the configuration."""


class Recording:
    """One run's way to the disk; `totals` is what it has put there."""

    def __init__(
        self,
        config: LoggerConfig,
        resources: Resources,
        writer: Writer,
        deriver: Deriver,
        backlog: Backlog,
        totals: Totals,
        clock_watch: ClockWatch,
    ) -> None:
        self._config = config
        self._clock = resources.clock
        self._kept = resources.disk.kept
        self._budget = resources.budget
        self._metrics = resources.metrics
        self._readiness = resources.readiness
        self._writer = writer
        self._deriver = deriver
        self._backlog = backlog
        self._clock_watch = clock_watch
        self._receive: trio.MemoryReceiveChannel[Batch] | None = None
        self.totals = totals

    async def write(self, receive: trio.MemoryReceiveChannel[Batch]) -> None:
        """Put what comes into the journal until the channel ends.

        Cancellation: as of `Writer.run`.
        """
        started = Started(
            self._clock.now_ns(),
            __version__,
            self._config.price_dtype,
            math.ceil(BOOK_WAIT_SECS / self._config.flush_interval_secs),
            Schemas.written(self._config.price_dtype).to_plain(),
            self._kept.name,
        )
        self._receive = receive
        await self._writer.run(receive, started)

    async def derive(self) -> None:
        """Bring the column files up to the journal until that has ended.

        Cancellation: as of `Deriver.run`.
        """
        await self._deriver.run()

    async def watch(self) -> None:
        """Say how far the journal is behind, and whether the clock was set, until cancelled."""
        while True:
            lag_secs = self._writer.lag_secs
            self._metrics.durable_lag_seconds.set(lag_secs)
            self._clock_watch.look()
            self._metrics.buffered_bytes.set(self._budget.taken_bytes)
            self._metrics.backlog_forgotten.set(self._backlog.forgotten)
            if self._receive is not None:
                waiting = self._receive.statistics().current_buffer_used
                self._metrics.channel_queue_depth.set(waiting)
            if lag_secs > LAG_ALARM_SECS:
                reason = f"nothing has become safe on disk for more than {LAG_ALARM_SECS:g} seconds"
                self._readiness.trouble(DISK, reason)
            else:
                self._readiness.works(DISK)
            await trio.sleep(1.0)

    def keep_unless(self, archived: Callable[[int], int]) -> None:
        """Let of the journal only that go which is kept elsewhere; see `Deriver.archived`."""
        self._deriver.archived = archived

    @property
    def next_seq(self) -> int:
        """The frame behind the last one in the journal."""
        return self._backlog.next_seq

    @property
    def frames_not_derived(self) -> int:
        """Frames of the journal whose rows are not in the column files yet."""
        return self._backlog.next_seq - self._deriver.next_seq

    @property
    def bytes_not_written(self) -> int:
        """Bytes received that are not in the journal."""
        budget = self._budget
        return budget.taken_bytes - budget.ahead_rows_bytes - self._backlog.held_bytes
