"""Opens a recording: takes the directory, recovers what is in it, and puts the tasks together.

Not here: what the tasks do once they run (`recording`).
"""

from __future__ import annotations

from functools import partial

from tick_logger.config.schema import LoggerConfig
from tick_logger.derive.checkpoints import Kept
from tick_logger.derive.directory import take_directory
from tick_logger.derive.recovery import Recovered, Recovery, with_left_reads
from tick_logger.errors import StorageError, words_of
from tick_logger.journal.journal import Journal
from tick_logger.recording.accounts import Accounts, report_failures, report_findings
from tick_logger.recording.backlog import Backlog
from tick_logger.recording.clock_watch import ClockWatch
from tick_logger.recording.deriver import Deriver
from tick_logger.recording.keeping_reads import keep_reads, tell_of_keeping
from tick_logger.recording.quality_watch import QualityWatch
from tick_logger.recording.readiness import COLUMNS, JOURNAL
from tick_logger.recording.recording import Recording
from tick_logger.recording.resources import Resources, TaskContext
from tick_logger.recording.writer import Writer
from tick_logger.storage.folding import folds_case
from tick_logger.storage.names import day_text
from tick_logger.storage.shared_memory import Memory
from tick_logger.telemetry.logs import get_logger
from tick_logger.telemetry.metrics import Metrics

SYNC_SHARE = 0.7
"""Of the persist interval: what is left is for channel and thread, and for the disk's own time."""

CHUNKS_IN_BUDGET = 8
"""One chunk is with each task at most; the others must leave room to receive."""

BACKLOG_SHARE = 4
"""One part of the budget in so many is for rows that wait to be derived: they can be had from the
journal again, and what was not received is lost."""

RECOVERING = "recovering what the last run left in the journal"


class Opening:
    """How far the start of a recording is, for whoever asks meanwhile."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._log = get_logger()
        self.recovering = f"{RECOVERING}; recording begins after that"
        """Why nothing is recorded yet, in words; empty once recording can begin."""
        metrics.ready.set(0)

    def progress(self, messages: int, share: float) -> None:
        """So many messages, and that share of the journal, are recovered; in any thread."""
        done = f"{share:.0%} done, {messages:,} messages"
        self.recovering = f"{RECOVERING} ({done}); recording begins after that"
        self._log.info("recovering", messages=messages, share=round(share, 2))

    def over(self) -> None:
        """Recording can begin."""
        self.recovering = ""
        self._metrics.ready.set(1)


async def open_recording(
    config: LoggerConfig, resources: Resources, opening: Opening, *, accept_damage: bool
) -> Recording:
    """Take the directory, and bring what is in it to the end of its journal.

    Numbers the instruments as they were.  Raises `ConfigError` if another process records here or
    with another width of prices, or files cannot be given to those who should have them,
    `StorageError` if the disk does not allow to go on.

    Cancellation: nothing is recorded; a thread that recovers goes on to the end of its work, and
    the next start recovers from wherever that came to.
    """
    disk, readiness, clock = resources.disk, resources.readiness, resources.clock
    recovery = _recovery(config, resources, accept_damage=accept_damage)
    path = config.data_path
    resources.metrics.buffer_limit_bytes.set(resources.budget.limit_bytes)
    try:
        await disk.journal_offload.run(partial(_take, resources, path))
        found = await readiness.persist(
            COLUMNS,
            "what is in the journal cannot be put into column files",
            partial(_recover, recovery, disk.memory, clock.now_ns(), opening),
            disk.column_offload,
        )
    except OSError as error:
        is_file = isinstance(error, FileExistsError | NotADirectoryError)
        reason = "it, or what it should lie in, is a file" if is_file else words_of(error)
        raise StorageError(f"cannot record into {path}: {reason}") from error
    for number, (exchange, symbol) in enumerate(found.derivation.instruments):
        if exchange:
            resources.instruments.define(number, exchange, symbol)
    exchanges = {exchange for exchange, _ in found.derivation.instruments if exchange}
    resources.found.recorded |= {each: found.derivation.recorded(each) for each in exchanges}
    resources.found.folds_case = await readiness.persist(
        COLUMNS,
        "the directory cannot be looked at",
        partial(folds_case, disk.column_files),
        disk.column_offload,
    )
    _report(found, clock.now_ns())
    clock_watch = ClockWatch(clock, resources.metrics)
    clock_watch.started(found.derivation.stopped_ns)
    await readiness.persist(
        COLUMNS,
        "the directory cannot be described",
        partial(recovery.prepare, found.derivation, clock.now_ns(), resources.found.receive_times),
        disk.column_offload,
    )
    journal = await readiness.persist(
        JOURNAL,
        "the journal cannot be continued",
        # Reads what the process before may not have made durable.
        lambda: Journal(disk.journal_files, next_seq=found.next_seq, segment=found.next_segment),
        disk.journal_offload,
    )
    await disk.journal_offload.run(partial(keep_reads, disk, path))
    tell_of_keeping(disk, resources.metrics)
    recording = _put_together(config, resources, recovery, found, journal, clock_watch)
    opening.over()
    return recording


def _take(resources: Resources, path: str) -> None:
    """Take the directory, and give its files to those who may read them; in a thread."""
    take_directory(resources.disk.journal_files, path)
    if resources.grant is not None:
        resources.grant()


def _recover(recovery: Recovery, memory: Memory, now_ns: int, opening: Opening) -> Recovered:
    """All that is left of what the last process received, in files; in a thread."""
    found = recovery.run(now_ns, opening.progress)
    return with_left_reads(recovery.files, found, memory, now_ns)


def _recovery(config: LoggerConfig, resources: Resources, *, accept_damage: bool) -> Recovery:
    return Recovery(
        resources.disk.column_files,
        price_dtype=config.price_dtype,
        accept_damage=accept_damage,
        is_released=resources.is_released,
    )


def _report(found: Recovered, now_ns: int) -> None:
    """One line about what was found, if anything was."""
    if found.findings:
        report_findings(found.findings)
    if found.released:
        days = [f"{exchange} {day_text(day)}" for exchange, day in found.released]
        get_logger().info(
            "days_released", days=len(days), first=days[0], explanation="the archive has them"
        )
    report_failures(found.derivation)
    if not found.first:
        stopped_ns = found.derivation.stopped_ns
        secs = max(now_ns - stopped_ns, 0) / 1e9 if stopped_ns else 0.0
        get_logger().info(
            "continuing" if found.derivation.closed else "recovered_from_a_crash",
            rows_recovered=found.rows,
            messages_replayed=found.messages,
            messages_left_in_memory=found.left_messages,
            bytes_cut=found.torn_bytes,
            seconds_not_recorded=round(secs, 3),
        )


def _put_together(
    config: LoggerConfig,
    resources: Resources,
    recovery: Recovery,
    found: Recovered,
    journal: Journal,
    clock_watch: ClockWatch,
) -> Recording:
    disk, budget = resources.disk, resources.budget
    accounts = Accounts(
        resources.instruments,
        resources.metrics,
        resources.today,
        resources.on_holes,
        resources.asked,
        resources.times,
    )
    backlog = Backlog(budget, budget.limit_bytes // BACKLOG_SHARE, found.next_seq)
    context = partial(
        TaskContext,
        clock=resources.clock,
        readiness=resources.readiness,
        metrics=resources.metrics,
        seals=resources.seals,
    )
    held_secs = (config.linger_ms + config.read_coalesce_ms) / 1000
    writer = Writer(
        journal,
        backlog,
        context(offload=disk.journal_offload),
        flush_interval_secs=config.flush_interval_secs,
        sync_interval_secs=config.persist_interval_secs * SYNC_SHARE - held_secs,
        budget=budget,
        max_chunk_bytes=budget.limit_bytes // CHUNKS_IN_BUDGET,
    )
    writer.on_journalled, writer.at_once = disk.kept.journalled, disk.kept.is_refused
    deriver = Deriver(
        recovery,
        found.derivation,
        backlog,
        accounts,
        context(offload=disk.column_offload),
        kept=Kept(secs=config.journal_keep_hours * 3600, bytes=config.journal_keep_mib * 2**20),
        checkpoint_interval_secs=config.checkpoint_interval_secs,
        on_sync_lost=journal.doubt,
    )
    deriver.links = resources.links
    if config.validate:
        deriver.quality = QualityWatch(
            disk.quality_files,
            resources.instruments,
            resources.pairs,
            resources.metrics,
            resources.today,
        )
    return Recording(config, resources, writer, deriver, backlog, accounts.totals, clock_watch)
