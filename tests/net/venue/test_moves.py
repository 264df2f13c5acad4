"""When symbols are moved between connections, and what is said of it, on a board of two."""

from __future__ import annotations

from collections.abc import Collection

import attrs
import pytest
import trio
from prometheus_client import CollectorRegistry
from trio.testing import MockClock

from tick_logger.net.venue.balance import Move
from tick_logger.net.venue.known_rates import RatesByFeed
from tick_logger.net.venue.moves import (
    LASTS_SECS,
    LOOK_SECS,
    MOVED_WITHIN_SECS,
    PAUSE_SECS,
    REMEMBER_EVERY_SECS,
    Board,
    Moves,
    Seen,
)
from tick_logger.net.venue.plan import Plan
from tick_logger.telemetry.logs import get_logger
from tick_logger.telemetry.metrics import Metrics

FROM_ONE, FROM_TWO = Move(1, 2, ("A",)), Move(2, 1, ("C",))


@attrs.define(eq=False)
class Connections:
    """Two of them, and what was done to them, each with its second."""

    plan: Plan = attrs.field(factory=lambda: Plan({1: ("A", "B"), 2: ("C",)}, ()))
    move: Move | None = FROM_ONE
    handed_over_secs: float = 3.0
    metrics: Metrics = attrs.field(factory=lambda: Metrics(CollectorRegistry()))
    carried: list[tuple[float, Plan]] = attrs.field(factory=list)
    remembered: list[float] = attrs.field(factory=list)
    began: float = attrs.field(factory=trio.current_time)

    def moves(self) -> Moves:
        board = Board(
            look=lambda: Seen(unevenness=7.0, move=self.move, rates={"A": {"trades": 1.0}}),
            plan=lambda: self.plan,
            carry=self._carry,
            staying=self._staying,
            remember=self._remember,
        )
        return Moves(board, self.metrics.exchange("alpha").load, get_logger())

    def _carry(self, plan: Plan, _moved: Collection[str]) -> None:
        self.plan = plan
        self.carried.append((trio.current_time() - self.began, plan))

    def _staying(self, number: int) -> Collection[str]:
        """What was moved stays for a while on the first."""
        at, plan = self.carried[-1]
        is_over = trio.current_time() - self.began >= at + self.handed_over_secs
        return () if is_over or number != 1 else set(plan.shares[2])

    async def _remember(self, _rates: RatesByFeed) -> None:
        self.remembered.append(trio.current_time() - self.began)

    def read(self, how: str) -> float:
        return self.metrics.read_by("collector_connection_moves_total", "how")["alpha", how]


async def for_secs(connections: Connections, secs: float) -> None:
    with trio.move_on_after(secs):
        await connections.moves().run()


async def test_only_what_lasts_is_moved_and_then_it_rests(autojump_clock: MockClock) -> None:
    """The first look that shows it begins the time that it must last."""
    connections = Connections()
    first = LOOK_SECS + LASTS_SECS
    await for_secs(connections, first + PAUSE_SECS + LASTS_SECS + LOOK_SECS)
    (at, plan), *others = connections.carried
    assert (at, plan.shares) == (first, {1: ("B",), 2: ("C", "A")})
    assert others == []  # A is there no more: such a move is none


async def test_another_busy_connection_must_last_anew(autojump_clock: MockClock) -> None:
    """And so must the same, once it was not."""
    connections = Connections()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connections.moves().run)
        for move in (FROM_TWO, FROM_ONE, None, FROM_ONE):
            await trio.sleep(LASTS_SECS - LOOK_SECS / 2)
            connections.move = move
        await trio.sleep(LASTS_SECS)
        assert connections.carried == []
        nursery.cancel_scope.cancel()


async def test_what_is_not_delivered_in_time_comes_back(autojump_clock: MockClock) -> None:
    """And is counted otherwise."""
    connections = Connections(handed_over_secs=MOVED_WITHIN_SECS + 1.0)
    before = connections.plan
    await for_secs(connections, LOOK_SECS + LASTS_SECS + MOVED_WITHIN_SECS + 1.0)
    (_, _), (at, plan) = connections.carried
    assert at == LOOK_SECS + LASTS_SECS + MOVED_WITHIN_SECS
    assert {n: set(symbols) for n, symbols in plan.shares.items()} == {
        n: set(symbols) for n, symbols in before.shares.items()
    }
    assert (connections.read("made"), connections.read("taken_back")) == (0, 1)


@pytest.mark.parametrize("move", [None, FROM_ONE])
async def test_rates_are_remembered(move: Move | None, autojump_clock: MockClock) -> None:
    """Whether anything is moved or not; and it shows how uneven connections are."""
    connections = Connections(move=move)
    await for_secs(connections, 2 * REMEMBER_EVERY_SECS + 2 * LOOK_SECS)
    assert len(connections.remembered) == 2
    assert connections.read("made") == (move is not None)
    assert connections.metrics.read("collector_connection_unevenness", "alpha") == 7.0
