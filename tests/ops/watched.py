"""A recorder to look at: real metrics and board, and venues that are what a test says."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import attrs
import trio
from prometheus_client import CollectorRegistry

from tests.fakes.clock import NOON_NS, StillClock
from tick_logger.model.connections import Absent, ConnectionState, Loss, Patience, Unreachable
from tick_logger.model.instruments import Instruments
from tick_logger.model.proof import Proof
from tick_logger.model.tables import Table
from tick_logger.ops.status.board import Board
from tick_logger.ops.status.disk_space import DiskSpace
from tick_logger.ops.status.loop_watch import LoopWatch
from tick_logger.ops.status.snapshot import Snapshot, snapshot
from tick_logger.ops.status.watched import Watched
from tick_logger.telemetry.metrics import Metrics
from tick_logger.telemetry.today import Today

NOON = NOON_NS / 1e9
PATIENCE = Patience(first_secs=120.0, secs=60.0)


def connection(label: str, messages: int = 0, **fields: Any) -> ConnectionState:  # noqa: ANN401 - those of the value
    """An open connection for two symbols."""
    state = ConnectionState(
        label=label,
        state="open",
        open_secs=10.0,
        symbols=2,
        subscriptions=4,
        live=4,
        refused=0,
        silent=0,
        silent_secs=0.5,
        messages=messages,
    )
    return attrs.evolve(state, **fields)


@attrs.define
class FakeVenue:
    """What a board asks of a venue."""

    now: list[ConnectionState] = attrs.field(factory=list)
    losses: Sequence[Loss] = ()
    patience: Patience = PATIENCE
    absent: Absent = attrs.field(factory=Absent)
    feeds: Mapping[str, bool] = attrs.field(factory=lambda: {"trades": True})
    unreachable: Unreachable | None = None

    def connections(self) -> Sequence[ConnectionState]:
        return list(self.now)


def proofs_of(exchange: str) -> Mapping[Table, Proof]:
    return {Table.TRADES: Proof.PROVEN, Table.MD: Proof.UNPROVABLE} if exchange == "alpha" else {}


def nothing_recorded(exchange: str, symbol: str) -> dict[str, Any]:
    raise LookupError(f"{exchange} {symbol}")


class NoPast:
    """Nothing was recorded."""

    def calendar(self, exchanges: Collection[str] | None = None) -> bytes:
        return b'{"exchanges": [], "looked": 0, "of": 0}'

    def symbols(
        self,
        query: str,
        exchange: str | None,
        day: str | None,
        sort: str,
        offset: int,
        limit: int,
        exchanges: Collection[str] | None = None,
    ) -> bytes:
        return b'{"symbols": [], "total": 0, "looked": 0, "of": 0}'

    def day(
        self, exchange: str, symbol: str, day: str, start_ns: int, end_ns: int, buckets: int
    ) -> bytes:
        raise LookupError(f"nothing is recorded of {exchange}:{symbol}")

    def book(self, exchange: str, symbol: str, at_ns: int, depth: int) -> bytes:
        raise LookupError(f"nothing is recorded of {exchange}:{symbol}")


class Rig:
    """Everything that is watched of a recorder; two exchanges, all connected and quiet."""

    def __init__(self) -> None:
        self.metrics = Metrics(CollectorRegistry())
        self.clock = StillClock()
        self.disk = DiskSpace()
        self.today = Today(self.clock)
        self.loop = LoopWatch(lambda: 0.0)
        self.venues = {"alpha": FakeVenue([connection("0.1")]), "beta": FakeVenue()}
        self.troubles: list[str] = []
        self.snapshots = 0  # that were taken
        for name in self.venues:
            numbers = self.metrics.exchange(name)
            numbers.connections_up.set(1)
            numbers.connections_wanted.set(1)
            numbers.symbols.set(2)
            numbers.last_message_timestamp_seconds.set(NOON)

    def snapshot(self) -> Snapshot:
        self.snapshots += 1
        return snapshot(
            self.metrics,
            list(self.venues),
            monotonic_secs=trio.current_time(),
            wall_ns=self.clock.now_ns(),
            troubles=self.troubles,
            unreachable={name: each.unreachable for name, each in self.venues.items()},
        )

    def watched(self, **changes: Any) -> Watched:  # noqa: ANN401 - those of the value
        watched = Watched(
            version="1.2.3",
            metrics=self.metrics,
            venues=self.venues,
            today=self.today,
            instruments=Instruments(),
            clock=self.clock,
            snapshot=self.snapshot,
            data_path="nowhere",
            proofs_of=proofs_of,
            read_symbol=nothing_recorded,
            pair_of=lambda _exchange, symbol: {"BTC/EUR": "XBT-EUR"}.get(symbol),
            past=NoPast(),
        )
        return attrs.evolve(watched, **changes)

    def board(self) -> Board:
        return Board(self.watched(), self.disk, self.loop)
