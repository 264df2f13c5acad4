"""The service as a whole: what runs inside what, and in which order it stops.

    ops              view or summary, signals                   ends last
    └ archive        packs, sends, lets go                      has its own time when that has ended
      └ recording    deriver, writer, one intake per exchange   shielded; end when their input ends
        └ venues     one per exchange                           cancelled first

Whatever fails at one level cancels what is inside it, and what is outside still drains: a signal,
a bug in an adapter and a full disk all end with everything received in the journal or accounted
for.  What the column files lack then is derived at the next start.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from random import Random

import attrs
import trio
from prometheus_client import CollectorRegistry

from tick_logger import api_keys, exit_codes
from tick_logger.alerting import alarm_of
from tick_logger.archiving import MODES, Keeping, is_released
from tick_logger.budget import ByteBudget
from tick_logger.clock import MachineClock, SteadyClock, SystemClock, WallClock
from tick_logger.config.schema import Config
from tick_logger.config.symbols import load_symbol_rules
from tick_logger.errors import ConfigError, StorageError, leaves
from tick_logger.exchanges import registry
from tick_logger.filling import Filling
from tick_logger.model.batch import Batch
from tick_logger.model.flush import GapRecord
from tick_logger.model.instruments import Instruments
from tick_logger.net.intake.intake import Intake
from tick_logger.net.venue.venue import Venue
from tick_logger.net.wire.dial import Dial
from tick_logger.offload import Offload, ThreadOffload
from tick_logger.ops.status.snapshot import Snapshot, snapshot
from tick_logger.ops.status.watched import Watched
from tick_logger.ops.watch import Watch
from tick_logger.reader.looking_back import LookingBack
from tick_logger.reader.recent import recorded
from tick_logger.recording.access import giving
from tick_logger.recording.descriptors import needed_beside_columns, report_few
from tick_logger.recording.last_words import last_words
from tick_logger.recording.legacy_links import LinkKeeper
from tick_logger.recording.listings import Listings
from tick_logger.recording.opening import Opening, open_recording
from tick_logger.recording.pair_names import PairNames
from tick_logger.recording.readiness import JOURNAL, Readiness
from tick_logger.recording.recording import Recording
from tick_logger.recording.resources import Disk, Resources
from tick_logger.sealing import sealer_of
from tick_logger.signals import ProcessSignals, Signals
from tick_logger.storage.disk_files import DiskFiles, raise_open_file_limit
from tick_logger.storage.files import Files
from tick_logger.storage.shared_memory import Memory
from tick_logger.telemetry.logs import get_logger
from tick_logger.telemetry.metrics import Metrics
from tick_logger.telemetry.today import Today
from tick_logger.venues import Venues
from tick_logger.version import __version__

SAME_SIGNAL_SECS = 1.0
"""Supervisors signal a process and its group: what comes this soon is the same wish to stop."""

MAX_BATCHES_IN_FLIGHT = 64
"""Decoded batches between the intakes and the writer; more would only hide that it is slow."""


@attrs.frozen(kw_only=True)
class Ports:
    """The outside world; what is None is the real thing."""

    dial: Callable[[str, WallClock], Dial] | None = None  # by exchange, and what tells it the time
    clock: MachineClock | None = None
    offload: Offload | None = None
    files: Files | None = None
    memory: Memory | None = None  # none, where files are given and this is not
    rng: Random | None = None
    signals: Signals | None = None


class Service:
    """One run of the recorder."""

    def __init__(
        self,
        config: Config,
        ports: Ports,
        *,
        accept_damage: bool = False,
        lines_left_out: Callable[[], int] = lambda: 0,
    ) -> None:
        self.started_with = config
        """The configuration of the start; what was reloaded since is not in it."""
        self.metrics = Metrics(CollectorRegistry(), by_symbol=config.http.metrics_by_symbol)
        self._log = get_logger()
        self._ports, self._accept_damage = ports, accept_damage
        clock = SteadyClock(ports.clock or SystemClock())
        alarm = alarm_of(config.alerts, self.metrics, clock)
        self.metrics.start_timestamp_seconds.set(clock.now_ns() / 1e9)
        own = ports.files, ports.offload
        rules = load_symbol_rules(config.logger.symbol_mappings, registry.available())
        self.pairs = PairNames(rules)
        others = needed_beside_columns(config)
        disk = Disk.at(config.logger.data_path, *own, others, memory=ports.memory)
        self._resources = Resources(
            disk=disk,
            clock=clock,
            instruments=Instruments(),
            budget=ByteBudget(config.logger.buffer_limit_mib * 1024 * 1024),
            metrics=self.metrics,
            readiness=Readiness(self.metrics),
            today=Today(clock),
            links=self._legacy_links(disk),
            grant=giving(config),
            pairs=self.pairs,
            on_holes=self._hear_of_holes,
            asked=lambda exchange: self._venues.filling.asked(exchange),
            is_released=is_released(config.logger.data_path, config.archive, ports.files),
        )
        self._keeping = Keeping(config, self._resources)
        self._opening = Opening(self.metrics)
        self.recording: Recording | None = None  # from when there is one
        self._survivors: list[trio.CancelScope] = []
        self._deriving, self._venues_scope = trio.CancelScope(), trio.CancelScope()
        self._deadline = float("inf")
        self.stopping = trio.Event()
        writing = ports.files or DiskFiles(config.logger.data_path, max_open=1)
        self._listings = Listings(writing, ports.offload or ThreadOffload(), clock, rules)
        reading = ports.files or DiskFiles(config.logger.data_path, max_open=8)
        filling = Filling(self._resources.instruments, reading, ports.offload or ThreadOffload())
        self._sealer = sealer_of(config, self._resources, *own, filling, self._keeping.named.of)
        self._venues = Venues(config, self._resources, ports.dial, ports.rng or Random(), filling)
        for name in self.exchange_names:
            self.metrics.archive.begin(name)
            self._venues.add(
                name,
                on_bug=partial(self.stop, f"the adapter of {name} has failed"),
                write_listing=self._listings.tell,
            )
        self.watch = Watch(config.http, self._watched(), lines_left_out, alarm)

    def _legacy_links(self, disk: Disk) -> LinkKeeper | None:
        """Who makes them, if they are wanted."""
        if not self.started_with.logger.legacy_links:
            return None
        names = list(self.exchange_names)
        return LinkKeeper.of(disk.column_files, names, {*registry.available(), *names})

    def _watched(self) -> Watched:
        """What is shown of this run."""
        data_path = self.started_with.logger.data_path
        return Watched(
            version=__version__,
            metrics=self.metrics,
            venues=self._venues.by_name,
            today=self._resources.today,
            instruments=self._resources.instruments,
            clock=self._resources.clock,
            snapshot=self.snapshot,
            data_path=data_path,
            proofs_of=self._venues.proofs.__getitem__,
            read_symbol=self._read_symbol,
            pair_of=self.pairs.name,
            past=LookingBack(data_path, self._resources.clock.machine.now_ns),
            archive_places=MODES[self.started_with.archive.mode],
        )

    @property
    def journal_attempts(self) -> int:
        """How often work on the journal has come to an end, well or badly."""
        return self._resources.readiness.attempts[JOURNAL]

    @property
    def venues(self) -> Mapping[str, Venue]:
        """What records each exchange."""
        return self._venues.by_name

    @property
    def exchange_names(self) -> list[str]:
        """The exchanges that are recorded."""
        return [name for name, exchange in self.started_with.exchanges.items() if exchange.enabled]

    async def run(self, show: Callable[[], Awaitable[None]], stop_after_secs: float | None) -> None:
        """Recover, then record until a signal, `stop_after_secs`, or an error; stop in order.

        Cancellation: like a signal.  Raises, in groups, `ConfigError`, with nothing touched, if the
        directory cannot be used so, `StorageError` if what is in it cannot be continued, and
        otherwise what ended the recording, if it was an error.
        """
        async with self._venues.open_dials(), trio.open_nursery() as ops:
            if self._ports.files is None:
                report_few(self.started_with, raise_open_file_limit())
                ops.start_soon(self.watch.run)  # a recovery may take long, and is asked about
            recording = self.recording = await self._open_recording()
            self._log.info(
                "connecting",
                version=__version__,
                exchanges=self.exchange_names,
                data_path=self.started_with.logger.data_path,
            )
            await ops.start(self._stop_on_signals)
            api_keys.tell(self.exchange_names, os.environ)
            ops.start_soon(show)
            ops.start_soon(recording.watch)
            async with self._keeping.beside(recording), trio.open_nursery() as survivors:
                send, receive = trio.open_memory_channel[Batch](MAX_BATCHES_IN_FLIGHT)
                survivors.start_soon(self._survive, lambda: self._derive(recording))
                survivors.start_soon(self._survive, lambda: recording.write(receive))
                with send:
                    for intake in self._venues.intakes:
                        survivors.start_soon(self._survive, _intake_run(intake, send.clone()))
                    try:
                        with self._venues_scope:
                            await self._run_venues(stop_after_secs)
                    finally:
                        self._begin_to_stop()
            ops.cancel_scope.cancel("everything is flushed")

    async def _open_recording(self) -> Recording:
        config, damage = self.started_with.logger, self._accept_damage
        return await open_recording(config, self._resources, self._opening, accept_damage=damage)

    async def _derive(self, recording: Recording) -> None:
        with self._deriving:
            await recording.derive()

    def stop(self, reason: str) -> None:
        """Stop receiving; what was received is flushed."""
        self._log.info("stopping", reason=reason)
        self._venues_scope.cancel(reason)

    async def _run_venues(self, stop_after_secs: float | None) -> None:
        async with trio.open_nursery() as venues:
            venues.start_soon(self._listings.run)
            venues.start_soon(self._sealer.run)
            venues.start_soon(self._offer_old_holes)
            for venue in self._venues.by_name.values():
                venues.start_soon(venue.run)
            if stop_after_secs is not None:
                await trio.sleep(stop_after_secs)
                self.stop("the time is over")

    def _hear_of_holes(self, records: Sequence[GapRecord], suspects: Sequence[GapRecord]) -> None:
        self._venues.filling.heard(records, suspects)

    async def _offer_old_holes(self) -> None:
        """What earlier processes have left, at the exchanges that may be asked."""
        config = self.started_with
        days = {
            name: config.logger.backfill_days
            for name, exchange in config.exchanges.items()
            if exchange.enabled and exchange.backfill
        }
        await self._venues.filling.offer_old(self._resources.clock.now_ns(), days)

    async def _survive(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run what must outlive the venues, up to the shutdown deadline."""
        # Shielded until `_begin_to_stop` sets the deadline.
        with trio.CancelScope(shield=True, deadline=self._deadline) as scope:
            self._survivors.append(scope)
            await work()

    def _begin_to_stop(self) -> None:
        """The venues have ended: let what they left drain, for a limited time."""
        self.stopping.set()
        self._deadline = trio.current_time() + self.started_with.logger.shutdown_timeout_secs
        for scope in self._survivors:
            scope.deadline = min(scope.deadline, self._deadline)
        for intake in self._venues.intakes:
            intake.close()

    async def _stop_on_signals(
        self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """First signal: stop.  Second: leave column files to the next start.  Third: end now."""
        with (self._ports.signals or ProcessSignals()).listen() as signals:
            task_status.started()
            first_at: float | None = None
            async for number in signals:
                if first_at is None:
                    first_at = trio.current_time()
                    self.stop(signal.Signals(number).name)
                    continue
                if trio.current_time() < first_at + SAME_SIGNAL_SECS:
                    continue
                name = signal.Signals(number).name
                if self._keeping.skip():
                    self._log.warning("giving_up", reason=f"second {name}", what="the archive")
                if not self._deriving.cancel_called:
                    self._log.warning("giving_up", reason=f"second {name}", what="column files")
                    self._deriving.cancel("what is in the journal is derived at the next start")
                    continue
                self._log.warning("giving_up", reason=f"third {name}", what="everything")
                for scope in self._survivors:
                    scope.deadline = trio.current_time()

    def snapshot(self) -> Snapshot:
        """The numbers of every exchange now."""
        return snapshot(
            self.metrics,
            self.exchange_names,
            monotonic_secs=trio.current_time(),
            wall_ns=self._resources.clock.now_ns(),
            recovering=self._opening.recovering,
            troubles=self._resources.readiness.reasons.values(),
            unreachable={name: each.unreachable for name, each in self.venues.items()},
        )

    def _read_symbol(self, exchange: str, symbol: str) -> dict[str, object]:
        """What a page shows of a symbol; in a thread of its request."""
        files = DiskFiles(self.started_with.logger.data_path, max_open=1)
        now_ns = self._resources.clock.machine.now_ns()
        proofs, known = self._venues.proofs.get(exchange), self._resources.instruments
        return recorded(files, known, exchange, symbol, now_ns, proofs=proofs)

    def close(self) -> None:
        """Give back files, directory and address; for after the end."""
        self._resources.disk.close()
        self.watch.close()

    @property
    def deadline_passed(self) -> bool:
        """Whether something did not finish before the shutdown deadline."""
        return any(scope.cancelled_caught for scope in self._survivors)

    @property
    def gone(self) -> str:
        """What somebody took away of what was written, in words; empty if all is there."""
        return self._resources.readiness.gone

    @property
    def exit_code(self) -> int:
        """The exit code that follows from how far it came before the shutdown deadline."""
        given_up = self.deadline_passed or self._deriving.cancelled_caught
        readiness = self._resources.readiness
        if readiness.blocks_writing or readiness.gone:
            return exit_codes.STORAGE
        return exit_codes.DEADLINE if given_up else exit_codes.CLEAN


def _intake_run(
    intake: Intake, send: trio.MemorySendChannel[Batch]
) -> Callable[[], Awaitable[None]]:
    return lambda: intake.run(send)


async def record(
    config: Config,
    *,
    ports: Ports | None = None,
    stop_after_secs: float | None = None,
    accept_damage: bool = False,
    show: Callable[[Service], Awaitable[None]],
    lines_left_out: Callable[[], int] = lambda: 0,
) -> int:
    """Record until a signal or for so many seconds; returns the exit code.

    `show` runs beside the recording, and presents it to whoever watches; `lines_left_out` says how
    many log lines were written nowhere.  `accept_damage` goes on although something that was
    durable once is lost.  Raises `ConfigError`, with nothing touched.
    """
    log = get_logger()
    service = Service(
        config, ports or Ports(), accept_damage=accept_damage, lines_left_out=lines_left_out
    )
    code, refusals = exit_codes.CLEAN, list[BaseException]()
    try:
        await service.watch.listen()
        await service.run(lambda: show(service), stop_after_secs)
    except* ConfigError as group:
        refusals = leaves(group)
    except* StorageError as group:
        code = exit_codes.STORAGE
        more = {} if service.recording else {"explanation": "nothing was recorded"}
        for error in leaves(group):
            log.error("storage_failed", reason=str(error), **more)
    except* Exception:  # a bug of ours: it is reported, after everything was flushed
        code = code or exit_codes.FOUND
        log.exception("crashed")
    finally:
        service.close()
    if refusals:
        raise refusals[0]
    if service.recording is None:
        return code
    code = code or service.exit_code
    if service.deadline_passed:
        log.error("shutdown_deadline_passed", explanation="what was given up is counted below")
    unreachable = {name: venue.unreachable for name, venue in service.venues.items()}
    said = last_words(service.recording, service.metrics, unreachable, service.gone)
    log.info("stopped", **said, exit_code=code)
    return code
