"""The world of one story: exchanges that go on through everything, one disk, many processes.

A process is the whole real service in virtual time.  It ends in order, by itself, or by a death
that leaves no time for anything: from that moment the disk refuses, nothing comes out of a socket,
and nothing returns from the disk.  What the disk then keeps is up to the simulated disk.
"""

from __future__ import annotations

import signal
import traceback
from collections import Counter
from collections.abc import MutableMapping
from random import Random
from typing import Any

import attrs
import trio

from tests.fakes.clock import VirtualClock
from tests.fakes.scheduling import schedule_by
from tests.fakes.sim_disk import Kind
from tests.service.world import in_virtual_time
from tests.sim.beside import misdeeds
from tests.sim.disk import StoryDisk, StoryOffload
from tests.sim.faults import BEGIN, misbehave
from tests.sim.market_books import BookHistory
from tests.sim.oddities import BEGIN as BEGIN_ODDITIES
from tests.sim.plan import Life, Story
from tests.sim.poison import Poison, Undo
from tests.sim.process import Process
from tests.sim.readers import Readers
from tests.sim.sockets import Log, TappedDial
from tests.sim.surroundings import surroundings
from tick_logger.app import Ports, Service, record
from tick_logger.config.schema import Config, ExchangeConfig, HttpConfig, LoggerConfig
from tick_logger.errors import ConfigError
from tick_logger.reload import Reloader
from tick_logger.simulator.exchange import SimulatedExchange

BEGINNINGS = BEGIN | BEGIN_ODDITIES

LAST_WORDS_SECS = 5.0
"""How much longer than its shutdown deadline a process that was told to stop may take."""

SECOND_SIGNAL_SECS = 1.3
"""After the first; sooner would count as the same wish."""

RESTART_SECS = 1.0
"""After which a supervisor starts a process again that has ended by itself."""


@attrs.define(eq=False)
class World:
    """Everything, and what happened to it.

    `crash` is what all lives end with for the disk, however they end; None: as each one says.
    """

    story: Story
    clock: VirtualClock
    venue_clock: VirtualClock
    disk: StoryDisk
    rng: Random
    nursery: trio.Nursery
    exchanges: dict[str, SimulatedExchange]
    logs: dict[str, Log]
    histories: dict[str, BookHistory]
    crash: Kind | None = None
    offload: StoryOffload = attrs.field(factory=StoryOffload)
    poison: Poison = attrs.field(factory=Poison)
    dials: dict[str, TappedDial] = attrs.field(factory=dict)
    processes: list[Process] = attrs.field(factory=list)
    began: float = attrs.field(factory=trio.current_time)
    ended: float = 0.0
    counts: Counter[str] = attrs.field(factory=Counter)  # troubles and endings, by kind
    events: Counter[str] = attrs.field(factory=Counter)  # log lines, by event
    lines: list[dict[str, Any]] = attrs.field(factory=list)
    violations: list[str] = attrs.field(factory=list)
    # By exchange, in seconds of trio's clock, as the service says: messages were given up.
    overflows: dict[str, list[tuple[float, float]]] = attrs.field(factory=dict)
    silenced: list[float] = attrs.field(factory=list)  # when subscriptions fell silent
    failed_replays: list[float] = attrs.field(factory=list)  # an adapter's bug met old messages
    clock_steps: list[tuple[float, int]] = attrs.field(factory=list)  # (time, wall clock then - it)
    # What the service is asked to record, since when, in seconds of trio's clock.
    wishes: list[tuple[float, dict[str, ExchangeConfig]]] = attrs.field(factory=list)
    _settings: dict[str, ExchangeConfig] = attrs.field(factory=dict)
    _undo: dict[int, Undo] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self._settings = {each.name: each.configure() for each in self.story.venues}

    @property
    def config(self) -> Config:
        """The service's, as its file has it now."""
        return Config(
            logger=LoggerConfig(data_path="nowhere", **self.story.logger),
            http=HttpConfig(enabled=False),
            exchanges=dict(self._settings),
        )

    # -- the story --------------------------------------------------------------------------------

    async def play(self) -> None:
        """Let everything happen."""
        self._note_clock()
        self.nursery.start_soon(self._have_troubles)
        self.nursery.start_soon(self._have_reloads)
        self.nursery.start_soon(self._have_key_rejected)
        for life in self.story.lives[:-1]:
            await self._live(life)
        self._end_troubles()
        self.nursery.start_soon(self._have_late_trouble)
        await self._live(self.story.lives[-1])
        last = self.processes[-1]
        if last.code != 0:
            self.violations.append(f"the last life ended with {last.code} after {last.ending}")
        self.ended = trio.current_time()

    async def _have_troubles(self) -> None:
        async with trio.open_nursery() as nursery:
            for number, trouble in enumerate(self.story.troubles):
                await trio.sleep_until(self.began + trouble.at)
                if number in self._undo:
                    continue
                self.counts[trouble.kind] += 1
                self._undo[number] = BEGINNINGS[trouble.kind](self, trouble.size)
                self._note_clock()
                nursery.start_soon(self._end_later, number, trouble.secs)

    async def _end_later(self, number: int, secs: float) -> None:
        await trio.sleep(secs)
        undo = self._undo.get(number)
        if undo is not None:
            undo()
            self._undo[number] = _over

    def _end_troubles(self) -> None:
        """From now on nothing goes wrong."""
        for number in range(len(self.story.troubles)):
            self._undo.get(number, _over)()
            self._undo[number] = _over
        self.disk.heal()

    async def _have_late_trouble(self) -> None:
        """The one of the last life, after which its books must mend."""
        late = self.story.late
        if late is not None:
            await trio.sleep(late.at)
            self.counts[f"late {late.kind}"] += 1
            undo = BEGINNINGS[late.kind](self, late.size)
            await trio.sleep(late.secs)
            undo()

    async def _have_reloads(self) -> None:
        for reload in self.story.reloads:
            await trio.sleep_until(self.began + reload.at)
            before = self._settings[reload.exchange]
            self._settings[reload.exchange] = attrs.evolve(before, **reload.settings)
            process = self.processes[-1]
            is_dead = process.over.is_set() or self.offload.died.is_set()
            if process.reloader is not None and not is_dead:
                self.counts["reload"] += 1
                process.reloader.reload()
                self.wishes.append((trio.current_time(), dict(self._settings)))

    async def _have_key_rejected(self) -> None:
        """From some moment on exchanges do not know the user's key any more, and say so."""
        rejected_at = self.story.key_rejected_at
        if rejected_at is None:
            return
        await trio.sleep_until(self.began + rejected_at)
        self.counts["key rejected"] += 1
        misbehave(self, rejects_tokens=True)
        for exchange in self.exchanges.values() if rejected_at else ():
            exchange.cut_all(abrupt=False)

    def note_overflow(self, line: MutableMapping[str, Any]) -> None:
        """Remember between which times messages were given up, or could not be derived again."""
        now = trio.current_time()
        if line["event"] == "adapter_failed_on_the_journal":
            self.failed_replays.append(now)
        elif line["event"] == "overflow":
            self.overflows.setdefault(line["exchange"], []).append((now, float("inf")))
        elif line["event"] == "overflow_ended":
            spans = self.overflows[line["exchange"]]
            self.overflows[line["exchange"]] = [(began, min(ended, now)) for began, ended in spans]

    def _note_clock(self) -> None:
        now = trio.current_time()
        self.clock_steps.append((now, self.clock.now_ns() - round(now * 1e9)))

    # -- a life -----------------------------------------------------------------------------------

    async def _live(self, life: Life) -> None:
        process = Process(len(self.processes), trio.current_time())
        self.processes.append(process)
        refusals = {name: dial.refusals for name, dial in self.dials.items()}
        for name, exchange in self.exchanges.items():
            exchange.forgive()
            dial = TappedDial(exchange, self.clock, self.nursery, self.logs[name], self.poison)
            dial.refusals = refusals.get(name, 0)
            self.dials[name] = dial
        self.offload.new_process()
        if life.ending == "power_at_start":
            self.disk.power_cut_at(self.disk.operations + 1 + life.after)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._run, process)
            with trio.move_on_after(life.secs):
                await _first(process.over, self.offload.died)
            if not process.over.is_set():
                await self._end(process, life)
            process.ended = trio.current_time()
            process.note_waiting(self.exchanges)
            nursery.cancel_scope.cancel()
        self.counts[f"ended by {process.ending}"] += 1
        kind: Kind = "power" if process.ending in ("power", "power_at_start") else "kill"
        self.disk.crash(self.rng, self.crash or kind)
        await trio.sleep(life.down_secs + RESTART_SECS * (process.ending == "itself"))

    async def _run(self, process: Process) -> None:
        async def show(service: Service) -> None:
            process.service = service
            process.showed = trio.current_time(), service._resources.clock.now_ns()
            process.reloader = Reloader(
                service.started_with, lambda: self.config, service.venues, lambda _: None
            )

        self.wishes.append((trio.current_time(), dict(self._settings)))
        ports = Ports(
            dial=lambda name, clock: self.dials[name].by(clock),
            clock=self.clock,
            offload=self.offload,
            files=self.disk,
            rng=Random(f"{self.story.seed} {process.number}"),
            signals=process.signals,
        )
        try:
            process.code = await record(self.config, ports=ports, show=show)
        except ConfigError as error:
            process.code = 2
            self.violations.append(f"life {process.number}: {error}")
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a violation
            process.code = 1
            trace = "".join(traceback.format_exception(error))
            self.violations.append(f"life {process.number} raised {trace}")
        process.over.set()

    async def start_another(self) -> None:
        """Start a second process beside the one that records, if one does."""
        process = self.processes[-1]
        if process.service is None or process.over.is_set() or self.offload.died.is_set():
            return
        self.violations += await misdeeds(self.config, self.dials, self.disk, self.clock)

    async def _end(self, process: Process, life: Life) -> None:
        """End a process at its time, if the power has not gone off already."""
        process.ending = life.ending
        if self.offload.died.is_set():
            process.ending = "power"
        elif life.ending == "power":
            self.disk.aim(*life.aim, life.after)
            with trio.move_on_after(life.secs / 2):
                await _first(process.over, self.offload.died)
            if process.over.is_set():
                process.ending = "itself"
                self.disk.die()
                return
        elif life.ending not in ("kill", "power_at_start"):
            await self._stop(process, life)
            return
        await self._kill(process)

    async def _stop(self, process: Process, life: Life) -> None:
        deadline_secs = self.config.logger.shutdown_timeout_secs + LAST_WORDS_SECS
        slow: Undo = _over
        if life.ending != "stop":
            slow = self.offload.delay(2 * SECOND_SIGNAL_SECS)
        process.note_stop(self.exchanges)
        if process.service is None:  # still recovering: a signal then just ends it
            process.ending = "kill"
            await self._kill(process)
            slow()
            return
        with trio.move_on_after(deadline_secs) as patience:
            process.service.stop("the story says so")
            for _ in range(("stop", "second_signal", "third_signal").index(life.ending)):
                with trio.move_on_after(SECOND_SIGNAL_SECS):
                    await process.over.wait()
                if not process.over.is_set():
                    process.signals.send(signal.SIGTERM)
            await _first(process.over, self.offload.died)
        slow()
        if self.offload.died.is_set():
            process.ending = "power"
            await self._kill(process)
        elif patience.cancelled_caught:
            self.violations.append(f"life {process.number} hangs instead of ending")
            await self._kill(process)

    async def _kill(self, process: Process) -> None:
        """The process is gone at once: whatever it would do now, it cannot."""
        process.note_waiting(self.exchanges)
        self.disk.die()
        self.offload.died.set()
        for dial in self.dials.values():
            dial.die()
            for connection in dial.connections:
                await connection.cut()
        if process.service is not None:
            for scope in process.service._survivors:
                scope.shield = False


def tell(story: Story, disk: StoryDisk | None = None, crash: Kind | None = None) -> World:
    """The world after this story; equal stories give equal worlds.

    It is played on `disk`, by default a new one; for `crash` see `World`.
    """
    return in_virtual_time(_tell, story, disk or StoryDisk(Random(f"disk {story.seed}")), crash)


async def _tell(story: Story, disk: StoryDisk, crash: Kind | None) -> World:
    schedule_by(story.seed)
    clock, venue_clock = VirtualClock(story.start_ns), VirtualClock(story.start_ns)
    disk.readers = Readers(story.logger["price_dtype"])
    exchanges = {each.name: each.simulate(venue_clock, story.seed) for each in story.venues}
    async with trio.open_nursery() as nursery:
        world = World(
            story,
            clock,
            venue_clock,
            disk,
            Random(f"crashes {story.seed}"),
            nursery,
            exchanges,
            {name: Log() for name in exchanges},
            {name: BookHistory(exchange) for name, exchange in exchanges.items()},
            crash,
        )
        with surroundings(world):
            for exchange in exchanges.values():
                await nursery.start(exchange.run_market)
            await world.play()
        nursery.cancel_scope.cancel()
    return world


async def _first(*events: trio.Event) -> None:
    """Return when one of them is set."""
    async with trio.open_nursery() as nursery:

        async def wait(event: trio.Event) -> None:
            await event.wait()
            nursery.cancel_scope.cancel()

        for event in events:
            nursery.start_soon(wait, event)


def _over() -> None:
    """Ends what has ended already."""
