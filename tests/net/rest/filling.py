"""A back-filler of a simulated venue in virtual time, and what it put into the journal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import attrs
import trio
from prometheus_client import CollectorRegistry

from tests.fakes.clock import VirtualClock
from tests.fakes.dial import MemoryDial
from tests.fakes.simulated import simulated
from tick_logger.exchanges import registry
from tick_logger.exchanges.trades_by_rest import unwrap
from tick_logger.model.cause import Cause
from tick_logger.model.marks import Healed
from tick_logger.model.surroundings import Surroundings, Trade
from tick_logger.net.address import Address
from tick_logger.net.approach import Approach, Purpose
from tick_logger.net.reach import Reach
from tick_logger.net.rest.allowance import Allowance
from tick_logger.net.rest.backfill import BackFiller
from tick_logger.net.rest.client import RestClient
from tick_logger.net.rest.holes import Hole
from tick_logger.simulator.exchange import SimulatedExchange
from tick_logger.simulator.faults import Faults, PageFaults
from tick_logger.simulator.registry import DIALECTS
from tick_logger.simulator.truth import TrueTrade
from tick_logger.telemetry.metrics import Metrics

ENDPOINT = "http://venue.test"


@attrs.define(eq=False)
class Written:
    """The journal: payloads and marks in order, with the time of each."""

    clock: VirtualClock
    room: bool = True
    recorded: bool = True
    payloads: list[tuple[float, bytes]] = attrs.field(factory=list)
    marks: list[tuple[float, Healed]] = attrs.field(factory=list)

    def is_recorded(self, instrument: int) -> bool:
        """Whether the symbol is recorded."""
        return self.recorded

    def put(self, payload: bytes) -> bool:
        """Take it, if there is room."""
        if self.room:
            self.payloads.append((trio.current_time(), payload))
        return self.room

    def mark(self, mark: Healed) -> None:
        """Take it."""
        self.marks.append((trio.current_time(), mark))

    def now_ns(self) -> int:
        """Of the virtual clock."""
        return self.clock.now_ns()


@attrs.define
class Around:
    """What is on disk, by hole; nothing where it is not told."""

    known: dict[Hole, Surroundings] = attrs.field(factory=dict)
    looks: int = 0

    async def around(self, hole: Hole) -> Surroundings:
        """As it was told."""
        await trio.lowlevel.checkpoint()
        self.looks += 1
        return self.known.get(hole, Surroundings())


@attrs.define(eq=False)
class Filling:
    """A back-filler at work."""

    exchange: SimulatedExchange
    dial: MemoryDial
    filler: BackFiller
    journal: Written
    disk: Around
    metrics: Metrics
    name: str
    symbol: str
    address: Address
    allowance: Allowance

    def trades(self, symbol: str | None = None) -> Sequence[TrueTrade]:
        """What really happened of a symbol."""
        return list(self.exchange.truth.kept(symbol or self.symbol))

    def ids(self, first: int, last: int, **changes: Any) -> Hole:  # noqa: ANN401 - of `Hole`
        """The hole of the trades at these places of what happened."""
        trades = self.trades()
        chosen: dict[str, Any] = {
            "symbol": self.symbol,
            "instrument": 0,
            "from_id": trades[first].trade_id,
            "to_id": trades[last].trade_id,
            "from_ns": trades[first - 1].event_ns,
            "to_ns": trades[last + 1].event_ns,
            "cause": Cause.SEQUENCE,
        }
        return Hole(**{**chosen, **changes})

    def times(self, first: int, last: int, **changes: Any) -> Hole:  # noqa: ANN401 - of `Hole`
        """The same known by times, with what is on disk around it."""
        trades = self.trades()
        none = {"from_id": None, "to_id": None, "cause": Cause.DISCONNECT}
        hole = self.ids(first, last, **{**none, **changes})
        around = [Trade(each.trade_id, each.event_ns) for each in trades]
        self.disk.known[hole] = Surroundings(
            tuple(around[max(first - 50, 0) : first]), tuple(around[last + 1 : last + 50])
        )
        return hole

    def put(self) -> list[int]:
        """The ids of all that was put, as decoding takes them, in order."""
        trades = registry.get(self.name).trades_by_rest
        assert trades is not None
        found: list[int] = []
        for _, payload in self.journal.payloads:
            wanted, body = unwrap(payload)
            page = trades.read(body, wanted.symbol)
            found += page.ids[wanted.of(page)].tolist()
        return found

    def expected(self, first: int, last: int) -> list[int]:
        """The ids of the trades at these places."""
        return [each.trade_id for each in self.trades()[first : last + 1]]

    def healed(self) -> list[str]:
        """How holes ended, by the marks that tell of whole holes or of what is void."""
        return [mark.how for _, mark in self.journal.marks]

    @property
    def requests(self) -> list[float]:
        """When the venue was asked for trades."""
        return [at for at, _ in self.dial.requests]

    def count(self, name: str) -> float:
        """A metric of the exchange."""
        return self.metrics.read(f"collector_{name}", self.name)


@asynccontextmanager
async def filling(name: str, *, secs: float = 30.0, rate: float = 40.0) -> AsyncIterator[Filling]:
    """A venue that has traded for so long, and a back-filler that has nothing to do yet."""
    clock = VirtualClock()
    symbols = tuple(DIALECTS[name].symbols[:2])
    pace = {"messages_per_second": rate * 2, "step_secs": 1.0}
    exchange = simulated(name, symbols=symbols, clock=clock, seed=1, **pace)
    async with trio.open_nursery() as nursery:
        dial = MemoryDial(exchange, clock, nursery)
        adapter, metrics = registry.get(name), Metrics(CollectorRegistry())
        profile = adapter.profile
        address = Address(profile.rest_weight_per_minute, 1.0, profile.ban_secs)
        numbers = metrics.exchange(name)
        approach = Approach(name, address, Purpose.REST, clock=clock, metrics=numbers)
        client = RestClient(ENDPOINT, dial, approach, Reach(name, clock))
        allowance = Allowance(adapter, lambda _: client)
        journal, disk = Written(clock), Around()
        filler = BackFiller(adapter, allowance, journal, disk, numbers)
        with trio.move_on_after(secs):  # then it stands still: hours of it would take minutes
            await exchange.run_market()
        nursery.start_soon(filler.run)
        yield Filling(
            exchange, dial, filler, journal, disk, metrics, name, symbols[0], address, allowance
        )
        nursery.cancel_scope.cancel()


def wrong(scene: Filling, **faults: object) -> None:
    """Let pages go wrong from now on."""
    scene.exchange.set_faults(Faults(pages=PageFaults(**faults)))  # type: ignore[arg-type]
