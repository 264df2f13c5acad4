"""Moves symbols between the connections of one exchange, where one carries many times another's.

    uneven for `LASTS_SECS` -> asked for on the quiet one too -> delivered there -> moved
                                                            `-> (not in time) -> taken back

One move at a time, and then none for `PAUSE_SECS`: what it has changed is seen first.  The rates
are remembered now and then, so that a start can plan by them.

Invariant: nothing is lost by a move; what stays where it was is told by `arrangement`.

Not here: which symbols are moved where (`balance`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

import attrs
import trio
from structlog.typing import FilteringBoundLogger

from tick_logger.net.venue.arrangement import LOOK_SECS as LOOK_WHETHER_MOVED_SECS
from tick_logger.net.venue.balance import Move
from tick_logger.net.venue.known_rates import RatesByFeed
from tick_logger.net.venue.plan import Plan
from tick_logger.telemetry.load_metrics import LoadMetrics
from tick_logger.telemetry.logs import first_few

LOOK_SECS = 60.0
"""How often it is looked how even the connections are."""

LASTS_SECS = 600.0
"""So long must the same connection be too busy: rates are of an hour, and a start learns anew."""

PAUSE_SECS = 300.0
"""After a move, for whatever comes of it: its subscriptions are requests, which exchanges count."""

MOVED_WITHIN_SECS = 60.0
"""What is not delivered by then on its new connection stays where it was."""

REMEMBER_EVERY_SECS = 600.0
"""So much of an hour's rates may a crash cost."""


@attrs.frozen(kw_only=True)
class Seen:
    """How the connections are now."""

    unevenness: float
    move: Move | None
    """What would make them more even."""
    rates: RatesByFeed


@attrs.frozen(kw_only=True)
class Board:
    """What moves are made on: the connections of a venue, as far as they are concerned."""

    look: Callable[[], Seen]
    plan: Callable[[], Plan]
    carry: Callable[[Plan, Collection[str]], None]
    """Carry this from now on; these symbols go to other shares without a break."""
    staying: Callable[[int], Collection[str]]
    """The symbols of which something stays on a share, though it is another's by the plan."""
    remember: Callable[[RatesByFeed], Awaitable[None]]


class Moves:
    """Keeps the connections of one exchange even."""

    def __init__(self, board: Board, metrics: LoadMetrics, log: FilteringBoundLogger) -> None:
        self._board = board
        self._metrics = metrics
        self._log = log
        self._moving = trio.Lock()

    async def run(self) -> None:
        """Look now and then, and move what is to be moved, until cancelled."""
        uneven_since: tuple[int, float] | None = None  # which share, since when
        rests_until, remember_at = 0.0, trio.current_time() + REMEMBER_EVERY_SECS
        while True:
            await trio.sleep(LOOK_SECS)
            seen, now = self._board.look(), trio.current_time()
            self._metrics.unevenness.set(seen.unevenness)
            if now >= remember_at and seen.rates:
                remember_at = now + REMEMBER_EVERY_SECS
                await self._board.remember(seen.rates)
            if seen.move is None:
                uneven_since = None
            elif uneven_since is None or uneven_since[0] != seen.move.origin:
                uneven_since = seen.move.origin, now
            elif now - uneven_since[1] >= LASTS_SECS and now >= rests_until:
                await self.make(seen.move)
                uneven_since, rests_until = None, trio.current_time() + PAUSE_SECS

    async def make(self, move: Move) -> bool:
        """Make a move, as far as its symbols are where it says; returns whether it was made."""
        async with self._moving:
            plan = self._board.plan()
            symbols = set(move.symbols).intersection(plan.shares.get(move.origin, ()))
            if not symbols:
                return False
            self._log.info(
                "moving",
                symbols=first_few(sorted(symbols)),
                from_connection=move.origin,
                to_connection=move.to,
                messages_per_second=round(move.per_second, 1),
                explanation="one connection carries many times what another does",
            )
            self._board.carry(plan.moved(symbols, move.to), symbols)
            with trio.move_on_after(MOVED_WITHIN_SECS):
                while symbols.intersection(self._board.staying(move.origin)):  # noqa: ASYNC110 - many events end it
                    await trio.sleep(LOOK_WHETHER_MOVED_SECS)
            return self._have_moved(move, symbols)

    def _have_moved(self, move: Move, symbols: Collection[str]) -> bool:
        """See what has become of it; what has not gone over comes back."""
        plan = self._board.plan()
        there = set(plan.shares.get(move.to, ()))
        left = there.intersection(self._board.staying(move.origin), symbols)
        if not left:
            self._metrics.moves.inc()
            return True
        self._metrics.taken_back.inc()
        self._log.warning(
            "move_taken_back",
            symbols=first_few(sorted(left)),
            explanation="the other connection has not delivered them in time",
        )
        self._board.carry(plan.moved(left, move.origin), left)
        return False
