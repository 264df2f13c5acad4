"""What the tests of the intake share: an intake on a bench, connections and a writer to hand."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import trio
from prometheus_client import CollectorRegistry

from tests.net.small_venue import TinyVenue
from tick_logger.budget import FRAME_OVERHEAD_BYTES, ByteBudget
from tick_logger.exchanges.base import Acknowledged, Event
from tick_logger.model.batch import Batch
from tick_logger.model.instruments import Instruments
from tick_logger.model.marks import LastTradeId, Mark, Resumed
from tick_logger.model.tables import Table
from tick_logger.model.wanted import WantedTables
from tick_logger.net.intake.arrivals import Heard, Streams
from tick_logger.net.intake.intake import Intake
from tick_logger.telemetry.metrics import Metrics

LINGER_SECS = 0.25
AMPLE_BYTES = 1_000_000


@attrs.define(eq=False)
class Connection:
    """What the intake sees of a connection; says a mark for each acknowledgement."""

    label: str = "1.1"
    instruments: tuple[int, ...] = (0,)
    opened: tuple[int, ...] | None = None  # None: all of them
    is_incomplete: bool = False
    events: list[tuple[int, Event]] = attrs.field(factory=list)
    tallies: list[tuple[int, int, bool]] = attrs.field(factory=list)

    def heard(self, heard: Heard) -> list[Mark]:
        self.events += heard.events
        self.tallies.append((heard.frames, heard.bad, heard.data_ns > 0))
        return [
            LastTradeId(event.request_id or 0, event.request_id or 0, at_ns)
            for at_ns, event in heard.events
            if isinstance(event, Acknowledged)
        ]

    def streams(self) -> Streams:
        return ((self.instruments, (Table.TRADES,)),)

    def reopened(self, at_ns: int) -> list[Mark]:
        opened = self.instruments if self.opened is None else self.opened
        return [Resumed(opened, (Table.TRADES,), at_ns)]

    def given_up(self, until_ns: int) -> list[Mark]:
        return []


class Bench:
    """An intake with two symbols, and the writer's end of its channel."""

    def __init__(
        self,
        budget_bytes: int = AMPLE_BYTES,
        linger_secs: float = LINGER_SECS,
        batches: int = 100,
        venue: TinyVenue | None = None,
    ) -> None:
        venue, instruments, wanted = venue or TinyVenue(), Instruments(), WantedTables()
        self.exchange, self.instruments = venue, instruments
        for symbol in ("BTC", "ETH"):
            wanted.set(instruments.add(venue.name, symbol), (Table.TRADES,))
        self.wanted = wanted
        self.budget = ByteBudget(budget_bytes)
        self.metrics = Metrics(CollectorRegistry())
        self.bugs = 0
        self.intake = Intake(
            venue,
            instruments,
            wanted,
            budget=self.budget,
            linger_secs=linger_secs,
            metrics=self.metrics.exchange(venue.name),
            on_bug=self._stop,
        )
        self.send, self.receive = trio.open_memory_channel[Batch](batches)

    def _stop(self) -> None:
        self.bugs += 1
        self.intake.close()

    def count(self, name: str) -> float:
        return self.metrics.read(f"collector_{name}_total", "tiny")

    async def drain(self) -> list[Batch]:
        """Close, and take everything as the writer does."""
        self.intake.close()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.intake.run, self.send)
            return await self.take_all()

    async def take_all(self) -> list[Batch]:
        batches = []
        async for batch in self.receive:
            self.write(batch)
            batches.append(batch)
        return batches

    def write(self, batch: Batch) -> None:
        """What becomes of the budget when a batch is written, and nobody derives it."""
        self.budget.journalled(batch.frames_bytes, batch.rows_bytes)
        self.budget.give_back(batch.rows_bytes)


def trade(number: int, symbol: str = "BTC") -> bytes:
    return f"trade {symbol} {number}".encode()


def ids(batches: Sequence[Batch]) -> list[int]:
    return [seq for batch in batches for rows in batch.rows for seq in rows["seq"].tolist()]


def marks(batches: Sequence[Batch]) -> list[Mark]:
    return [mark for batch in batches for mark in batch.received.marks]


def size_of(*payloads: bytes) -> int:
    """What payloads cost of the budget."""
    return sum(len(payload) + FRAME_OVERHEAD_BYTES for payload in payloads)
