"""From decoded batches to the disk: recovery at the start, then journal and column files.

Two tasks with a thread each: the writer makes everything durable, the deriver follows it.  This
object builds both once recovery has told where to go on, and knows how far they are.
"""

from __future__ import annotations

import math

import attrs
import trio

from tick_logger import __version__
from tick_logger.budget import ByteBudget
from tick_logger.clock import WallClock
from tick_logger.config.schema import LoggerConfig
from tick_logger.derive.checkpoints import Kept
from tick_logger.derive.directory import take_directory
from tick_logger.derive.recovery import Recovered, Recovery
from tick_logger.errors import StorageError
from tick_logger.journal.journal import Journal
from tick_logger.model.batch import Batch
from tick_logger.model.entries import Started
from tick_logger.model.instruments import Instruments
from tick_logger.model.schemas import Schemas
from tick_logger.offload import Offload
from tick_logger.recording.accounts import Accounts, report_failures, report_findings
from tick_logger.recording.backlog import Backlog
from tick_logger.recording.deriver import Deriver
from tick_logger.recording.readiness import COLUMNS, DISK, JOURNAL, Readiness
from tick_logger.recording.writer import Writer
from tick_logger.storage.files import Files
from tick_logger.telemetry.logs import get_logger
from tick_logger.telemetry.metrics import Metrics
from tick_logger.telemetry.today import Today

BOOK_WAIT_SECS = 45.0
"""How long a book waits for its snapshot: longer than a REST request is allowed to take."""

SYNC_SHARE = 0.7
"""Of the persist interval: what is left is for channel and thread, and for the disk's own time."""

CHUNKS_IN_BUDGET = 8
"""One chunk is with each task at most; the others must leave room to receive."""

RECOVERING = "recovering what the last run left in the journal"

LAG_ALARM_SECS = 5.0
"""What is promised never to be lost by a power cut, whatever the configuration."""


@attrs.frozen(kw_only=True)
class Disk:
    """What a recording writes through: files and a thread for each of its two tasks."""

    journal_files: Files
    column_files: Files
    journal_offload: Offload
    column_offload: Offload


class Recording:
    """One run's way to the disk."""

    def __init__(
        self,
        config: LoggerConfig,
        disk: Disk,
        *,
        clock: WallClock,
        instruments: Instruments,
        budget: ByteBudget,
        metrics: Metrics,
        accept_damage: bool,
    ) -> None:
        self._config = config
        self._disk = disk
        self._clock = clock
        self._instruments = instruments
        self._budget = budget
        self._metrics = metrics
        self._log = get_logger()
        self._recovery = Recovery(
            disk.column_files,
            price_dtype=config.price_dtype,
            accept_damage=accept_damage,
        )
        self.durability = Readiness(metrics)
        self.today = Today(clock)
        self.recovering = f"{RECOVERING}; recording begins after that"
        """Why nothing is recorded yet, in words; empty once the recovery is over."""
        self._accounts = Accounts(instruments, metrics, self.today)
        self.totals = self._accounts.totals
        self._journal: Journal
        self._backlog: Backlog
        self._writer: Writer
        self._deriver: Deriver
        self._receive: trio.MemoryReceiveChannel[Batch] | None = None
        metrics.buffer_limit_bytes.set(budget.limit_bytes)
        metrics.ready.set(0)

    async def recover(self) -> None:
        """Take the directory, and bring what is in it to the end of its journal.

        Numbers the instruments as they were.  Raises `ConfigError` if another process records here
        or with another width of prices, `StorageError` if the disk does not allow to go on.
        """
        path = self._config.data_path
        try:
            await self._disk.journal_offload.run(
                lambda: take_directory(self._disk.journal_files, path)
            )
            now_ns = self._clock.now_ns()
            found = await self.durability.persist(
                COLUMNS,
                "what is in the journal cannot be put into column files",
                lambda: self._recovery.run(now_ns, self._progress),
                self._disk.column_offload,
            )
        except OSError as error:
            raise StorageError(f"cannot record into {path}: {error}") from error
        for number, (exchange, symbol) in enumerate(found.derivation.instruments):
            if exchange:
                self._instruments.define(number, exchange, symbol)
        self._report(found)
        await self.durability.persist(
            COLUMNS,
            "the directory cannot be described",
            lambda: self._recovery.prepare(found.derivation, self._clock.now_ns()),
            self._disk.column_offload,
        )
        self._journal = await self.durability.persist(
            JOURNAL,
            "the journal cannot be continued",
            lambda: self._open_journal(found),
            self._disk.journal_offload,
        )
        self._build(found)
        self.recovering = ""
        self._metrics.ready.set(1)

    def _progress(self, messages: int, share: float) -> None:
        """In the thread that recovers."""
        done = f"{share:.0%} done, {messages:,} messages"
        self.recovering = f"{RECOVERING} ({done}); recording begins after that"
        self._log.info("recovering", messages=messages, share=round(share, 2))

    def _report(self, found: Recovered) -> None:
        """One line about what was found, if anything was."""
        if found.findings:
            report_findings(found.findings)
        report_failures(found.derivation)
        if not found.first:
            stopped_ns = found.derivation.stopped_ns
            secs = max(self._clock.now_ns() - stopped_ns, 0) / 1e9 if stopped_ns else 0.0
            self._log.info(
                "continuing" if found.derivation.closed else "recovered_from_a_crash",
                rows_recovered=found.rows,
                messages_replayed=found.messages,
                bytes_cut=found.torn_bytes,
                seconds_not_recorded=round(secs, 3),
            )

    def _open_journal(self, found: Recovered) -> Journal:
        """The journal to go on with; reads what the process before may not have made durable."""
        files = self._disk.journal_files
        return Journal(files, next_seq=found.next_seq, segment=found.next_segment)

    def _build(self, found: Recovered) -> None:
        config, disk = self._config, self._disk
        held_secs = (config.linger_ms + config.read_coalesce_ms) / 1000
        self._backlog = Backlog(self._budget, self._budget.limit_bytes // 2, found.next_seq)
        self._writer = Writer(
            self._journal,
            self._backlog,
            self.durability,
            offload=disk.journal_offload,
            clock=self._clock,
            flush_interval_secs=config.flush_interval_secs,
            sync_interval_secs=config.persist_interval_secs * SYNC_SHARE - held_secs,
            max_chunk_bytes=self._budget.limit_bytes // CHUNKS_IN_BUDGET,
            metrics=self._metrics,
        )
        self._deriver = Deriver(
            self._recovery,
            found.derivation,
            self._backlog,
            self.durability,
            self._accounts,
            kept=Kept(secs=config.journal_keep_hours * 3600, bytes=config.journal_keep_mib * 2**20),
            offload=disk.column_offload,
            metrics=self._metrics,
            clock=self._clock,
            checkpoint_interval_secs=config.checkpoint_interval_secs,
            on_sync_lost=self._journal.doubt,
        )

    # -- tasks ------------------------------------------------------------------------------------

    async def write(self, receive: trio.MemoryReceiveChannel[Batch]) -> None:
        """Put what comes into the journal until the channel ends."""
        started = Started(
            self._clock.now_ns(),
            __version__,
            self._config.price_dtype,
            math.ceil(BOOK_WAIT_SECS / self._config.flush_interval_secs),
            Schemas.written(self._config.price_dtype).to_plain(),
        )
        self._receive = receive
        await self._writer.run(receive, started)

    async def derive(self) -> None:
        """Bring the column files up to the journal until that has ended."""
        await self._deriver.run()

    async def watch(self) -> None:
        """Say how far the journal is behind what was received, until cancelled."""
        while True:
            lag_secs = self._writer.lag_secs
            self._metrics.durable_lag_seconds.set(lag_secs)
            self._metrics.buffered_bytes.set(self._budget.taken_bytes)
            self._metrics.backlog_forgotten.set(self._backlog.forgotten)
            if self._receive is not None:
                waiting = self._receive.statistics().current_buffer_used
                self._metrics.channel_queue_depth.set(waiting)
            if lag_secs > LAG_ALARM_SECS:
                reason = f"nothing has become safe on disk for more than {LAG_ALARM_SECS:g} seconds"
                self.durability.trouble(DISK, reason)
            else:
                self.durability.works(DISK)
            await trio.sleep(1.0)

    def close(self) -> None:
        """Give back the files and the directory; everything has ended, or was given up.

        Files that a thread still writes to are left to the end of the process: their descriptors
        must not become those of something else.
        """
        disk = self._disk
        if disk.column_offload.idle:
            disk.column_files.close()
        # With these goes the lock, under which the columns' thread may still be at work.
        if disk.column_offload.idle and disk.journal_offload.idle:
            disk.journal_files.close()

    # -- how far it is ----------------------------------------------------------------------------

    @property
    def frames_not_derived(self) -> int:
        """Frames of the journal whose rows are not in the column files yet."""
        return self._backlog.next_seq - self._deriver.next_seq

    @property
    def bytes_not_written(self) -> int:
        """Bytes received that are not in the journal."""
        return self._budget.taken_bytes - self._backlog.held_bytes
