"""Moves of symbols between connections, drawn by chance in place of their load.

Stories are too short for rates to be learned, and too small for connections to be uneven.  What is
tried is that nothing is lost by a move, whatever happens meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from tick_logger.net.venue.balance import Move, RatesByLane
from tick_logger.net.venue.plan import Limits, Plan, Weight

MOVE_SHARE = 0.5
"""Of the looks, those at which something is to be moved."""


def by_chance(
    rng: Random,
) -> Callable[[Plan, RatesByLane, Limits, Mapping[str, Weight]], Move | None]:
    """In place of `balance.next_move`: some symbols to another share, or to a new one."""

    def move(
        plan: Plan, _rates: RatesByLane, limits: Limits, _weights: Mapping[str, Weight]
    ) -> Move | None:
        if not plan.shares or rng.random() > MOVE_SHARE:
            return None
        origin = rng.choice(sorted(plan.shares))
        others = [number for number in range(1, limits.shares + 1) if number != origin]
        to = rng.choice(others[: len(plan.shares) + 1]) if others else origin
        room = limits.most - len(plan.shares.get(to, ()))
        symbols = rng.sample(plan.shares[origin], rng.randint(1, len(plan.shares[origin])))
        return Move(origin, to, tuple(symbols[:room])) if room and others else None

    return move
