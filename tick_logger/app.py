"""The service as a whole: what runs inside what, and in which order it stops.

    ops            view or summary, signals                 ends last
    └ recording    writer, one intake per exchange          shielded; end when their input ends
      └ feeds      one feed per exchange                    cancelled first

Whatever fails at one level cancels what is inside it, and what is outside still drains: a signal,
a bug in an adapter and a full disk all end with every decoded row on disk or accounted for.
"""

from __future__ import annotations

import contextlib
import math
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from random import Random

import attrs
import trio
from prometheus_client import CollectorRegistry

from tick_logger import __version__
from tick_logger.clock import SystemClock, WallClock
from tick_logger.config import Config
from tick_logger.errors import StorageError, leaves
from tick_logger.exchanges import registry
from tick_logger.model.instruments import Instruments
from tick_logger.model.tables import Table
from tick_logger.net.batch import Batch
from tick_logger.net.budget import ByteBudget
from tick_logger.net.dial import Dial, NetworkDial
from tick_logger.net.feed import Feed
from tick_logger.net.intake import Intake
from tick_logger.net.wanted import WantedTables
from tick_logger.offload import Offload, ThreadOffload
from tick_logger.ops.logs import get_logger
from tick_logger.ops.metrics import Metrics
from tick_logger.ops.snapshot import Snapshot, snapshot
from tick_logger.pipeline.pipeline import Pipeline
from tick_logger.storage.files import DiskFiles, Files
from tick_logger.storage.store import Store
from tick_logger.writer import Writer

EXIT_CLEAN, EXIT_CRASHED, EXIT_STORAGE, EXIT_DEADLINE = 0, 1, 3, 4

SAME_SIGNAL_SECS = 1.0
"""Supervisors signal a process and its group: what comes this soon is the same wish to stop."""

BOOK_WAIT_SECS = 45.0
"""How long a book waits for its snapshot: longer than a REST request is allowed to take."""

MAX_BATCHES_IN_FLIGHT = 64
"""Decoded batches between the intakes and the writer; more would only hide that it is slow."""


@attrs.frozen(kw_only=True)
class Ports:
    """The outside world; what is None is the real thing."""

    dial: Callable[[str], Dial] | None = None  # by exchange name
    clock: WallClock | None = None
    offload: Offload | None = None
    files: Files | None = None
    rng: Random | None = None


class Service:
    """One run of the recorder."""

    def __init__(self, config: Config, ports: Ports) -> None:
        self.config = config
        self.metrics = Metrics(CollectorRegistry())
        self._log = get_logger()
        self._ports = ports
        self._clock = ports.clock or SystemClock()
        self.metrics.start_timestamp_seconds.set(self._clock.now_ns() / 1e9)
        self._rng = ports.rng or Random()
        self._budget = ByteBudget(config.logger.buffer_limit_mib * 1024 * 1024)
        self._instruments = Instruments()
        files = ports.files or DiskFiles(config.logger.data_path)
        self._store = Store(files, self._instruments, config.logger.price_dtype)
        self._pipeline = Pipeline(
            dense=self._is_dense,
            tail_of=self._store.tail,
            book_wait_ticks=math.ceil(BOOK_WAIT_SECS / config.logger.flush_interval_secs),
        )
        self._writer = Writer(
            self._pipeline,
            self._store,
            self._instruments,
            offload=ports.offload or ThreadOffload(),
            clock=self._clock,
            budget=self._budget,
            flush_interval_secs=config.logger.flush_interval_secs,
            metrics=self.metrics,
        )
        self._intakes: list[Intake] = []
        self._feeds: list[Feed] = []
        self._network_dials: list[NetworkDial] = []
        self._survivors: list[trio.CancelScope] = []
        self._feeds_scope = trio.CancelScope()
        self._deadline = float("inf")
        for name in self.exchange_names:
            self._add_exchange(name)

    @property
    def exchange_names(self) -> list[str]:
        """The exchanges that are recorded."""
        return [name for name, exchange in self.config.exchanges.items() if exchange.enabled]

    async def run(self, show: Callable[[], Awaitable[None]], stop_after_secs: float | None) -> None:
        """Record until a signal, `stop_after_secs`, or an error; then stop in order.

        Cancellation: like a signal.  Raises what ended the recording, if it was an error.
        """
        self._store.prepare()
        self._log.info(
            "recording",
            version=__version__,
            exchanges=self.exchange_names,
            data_path=self.config.logger.data_path,
        )
        async with self._open_dials(), trio.open_nursery() as ops:
            await ops.start(self._stop_on_signals)
            ops.start_soon(show)
            async with trio.open_nursery() as recording:
                send, receive = trio.open_memory_channel[Batch](MAX_BATCHES_IN_FLIGHT)
                recording.start_soon(self._survive, lambda: self._writer.run(receive))
                with send:
                    for intake in self._intakes:
                        recording.start_soon(self._survive, _intake_run(intake, send.clone()))
                try:
                    with self._feeds_scope:
                        await self._run_feeds(stop_after_secs)
                finally:
                    self._begin_to_stop()
            ops.cancel_scope.cancel("everything is flushed")

    @contextlib.asynccontextmanager
    async def _open_dials(self) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as dials:
            for dial in self._network_dials:
                await dials.enter_async_context(dial)
            yield

    def stop(self, reason: str) -> None:
        """Stop receiving; what was received is flushed."""
        self._log.info("stopping", reason=reason)
        self._feeds_scope.cancel(reason)

    async def _run_feeds(self, stop_after_secs: float | None) -> None:
        async with trio.open_nursery() as feeds:
            for feed in self._feeds:
                feeds.start_soon(feed.run)
            if stop_after_secs is not None:
                await trio.sleep(stop_after_secs)
                self.stop("the time is over")

    async def _survive(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run what must outlive the feeds, up to the shutdown deadline."""
        # Shielded until `_begin_to_stop` sets the deadline.
        with trio.CancelScope(shield=True, deadline=self._deadline) as scope:
            self._survivors.append(scope)
            await work()

    def _begin_to_stop(self) -> None:
        """The feeds have ended: let what they left drain, for a limited time."""
        self._deadline = trio.current_time() + self.config.logger.shutdown_timeout_secs
        for scope in self._survivors:
            scope.deadline = min(scope.deadline, self._deadline)
        for intake in self._intakes:
            intake.close()

    async def _stop_on_signals(
        self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """First signal: stop in order.  A later one: give up at once what is not yet on disk."""
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            task_status.started()
            first_at: float | None = None
            async for number in signals:
                if first_at is None:
                    first_at = trio.current_time()
                    self.stop(signal.Signals(number).name)
                    continue
                if trio.current_time() < first_at + SAME_SIGNAL_SECS:
                    continue
                self._log.warning("giving_up", reason=f"second {signal.Signals(number).name}")
                for scope in self._survivors:
                    scope.deadline = trio.current_time()

    def snapshot(self) -> Snapshot:
        """The numbers of every exchange now."""
        return snapshot(
            self.metrics,
            self.exchange_names,
            monotonic_secs=trio.current_time(),
            wall_ns=self._clock.now_ns(),
        )

    @property
    def deadline_passed(self) -> bool:
        """Whether something did not finish before the shutdown deadline."""
        return any(scope.cancelled_caught for scope in self._survivors)

    def report(self) -> dict[str, object]:
        """The last words: what is on disk, what is not."""
        totals, names, rows = self._writer.totals, self.exchange_names, self._store.rows
        dropped = sum(self.metrics.read("collector_messages_dropped_total", n) for n in names)
        waiting = self._budget.taken_bytes + self._pipeline.held_bytes
        losses = [
            f"{int(dropped):,} messages were dropped" if dropped else "",
            f"{totals.rows_failed:,} rows could not be written" if totals.rows_failed else "",
            f"{waiting:,} bytes were received but not written" if waiting else "",
            f"{totals.gaps:,} gaps are recorded" if totals.gaps else "",
        ]
        lost = ", ".join(filter(None, losses)) or "nothing was lost"
        return {
            "outcome": f"{sum(rows.values()):,} rows are on disk; {lost}",
            "rows": sum(rows.values()),
            **{str(table): rows[table] for table in Table if table in rows},
            "late_rows": totals.late_rows,
            "gaps": totals.gaps,
            "messages_dropped": int(dropped),
            "rows_not_written": totals.rows_failed,
            "bytes_not_written": waiting,
        }

    def _is_dense(self, instrument: int, table: Table) -> bool:
        exchange, _ = self._instruments.name(instrument)
        return table in registry.get(exchange).dense_ids

    def _add_exchange(self, name: str) -> None:
        config = self.config.exchanges[name]
        exchange = registry.get(name)
        wanted = WantedTables()
        metrics = self.metrics.exchange(name)
        intake = Intake(
            exchange,
            self._instruments,
            wanted,
            budget=self._budget,
            linger_secs=self.config.logger.linger_ms / 1000,
            metrics=metrics,
        )
        feed = Feed(
            exchange,
            config,
            self._instruments,
            wanted,
            intake,
            dial=self._dial(name),
            clock=self._clock,
            rng=self._rng,
            metrics=metrics,
        )
        self._intakes.append(intake)
        self._feeds.append(feed)

    def _dial(self, name: str) -> Dial:
        if self._ports.dial is not None:
            return self._ports.dial(name)
        coalesce_secs = self.config.logger.read_coalesce_ms / 1000
        ca_file = self.config.exchanges[name].ca_file
        dial = NetworkDial(self._clock, ca_file=ca_file, coalesce_secs=coalesce_secs)
        self._network_dials.append(dial)
        return dial


def _intake_run(
    intake: Intake, send: trio.MemorySendChannel[Batch]
) -> Callable[[], Awaitable[None]]:
    return lambda: intake.run(send)


async def record(
    config: Config,
    *,
    ports: Ports | None = None,
    stop_after_secs: float | None = None,
    show: Callable[[Service], Awaitable[None]],
) -> int:
    """Record until a signal or for so many seconds; returns the exit code.

    `show` runs beside the recording, and presents it to whoever watches.
    """
    log = get_logger()
    service = Service(config, ports or Ports())
    code = EXIT_CLEAN
    try:
        await service.run(lambda: show(service), stop_after_secs)
    except* StorageError as group:
        code = EXIT_STORAGE
        for failure in leaves(group):
            log.error("storage_failed", reason=str(failure))
    except* Exception:  # a bug of ours: it is reported, after everything was flushed
        code = code or EXIT_CRASHED
        log.exception("crashed")
    if code == EXIT_CLEAN and service.deadline_passed:
        code = EXIT_DEADLINE
        log.error("shutdown_deadline_passed", explanation="what is counted below was given up")
    log.info("stopped", **service.report(), exit_code=code)
    return code
