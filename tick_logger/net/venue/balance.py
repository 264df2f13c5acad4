"""Which symbols change their share, so that no connection carries many times what another does.

Compared are connections of one lane, which carry the same feeds.  Pure, and a function of what it
is given alone: the plan, the known rates, the limits.  A symbol whose rate is not known counts as
silent, and is placed as if there were no rates at all.

Not here: when a move is made, and how nothing is lost by it (`moves`, `arrangement`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import attrs

from tick_logger.net.venue.plan import WEIGHTLESS, Limits, Plan, Weight

UNEVEN = 4.0
"""So many times as much as another is too much: far enough from the ten that nobody is to see, and
so far from even that what halves such a difference does not swing back."""

BUSY_PER_SECOND = 20.0
"""A connection with fewer messages a second is not busy, whatever others carry: to read them takes
next to nothing."""

MOST_MOVED = 50
"""Symbols at once: what venues answer within seconds, at the pace of their requests."""

LEAST_OF_EXCESS = 0.1
"""Of what one connection carries more than another, the least part that is worth a move."""

RatesByLane: TypeAlias = Mapping[str, Mapping[Any, float]]
"""Messages a second by symbol, and by lane, whatever stands for one."""

NO_RATES: Mapping[Any, float] = {}


@attrs.frozen
class Move:
    """These symbols go from one share to another."""

    origin: int
    to: int
    symbols: tuple[str, ...]
    per_second: float = 0.0  # messages that go with them

    def __attrs_post_init__(self) -> None:
        assert self.origin != self.to, "it would move nothing"


def loads(shares: Mapping[int, Iterable[str]], rates: RatesByLane) -> dict[Any, dict[int, float]]:
    """What each share carries in each lane, as far as it is known."""
    found: dict[Any, dict[int, float]] = {}
    for number, symbols in shares.items():
        for symbol in symbols:
            for lane, rate in rates.get(symbol, NO_RATES).items():
                of_lane = found.setdefault(lane, dict.fromkeys(shares, 0.0))
                of_lane[number] += rate
    return found


def unevenness(plan: Plan, rates: RatesByLane) -> float:
    """How many times what the quietest of its lane carries the busiest connection does.

    Of lanes that are busy; 1 if there is none, or nothing to compare with.
    """
    found = [1.0]
    for of_lane in loads(plan.shares, rates).values():
        busiest, quietest = max(of_lane.values()), min(of_lane.values())
        if busiest >= BUSY_PER_SECOND:
            found.append(busiest / max(quietest, 0.01))
    return max(found)


def next_move(
    plan: Plan, rates: RatesByLane, limits: Limits, weights: Mapping[str, Weight]
) -> Move | None:
    """What is moved next, from the busiest connection of a lane to a quiet one; None: nothing."""
    by_lane = loads(plan.shares, rates)
    for lane in sorted(by_lane, key=lambda each: (-max(by_lane[each].values()), each)):
        of_lane = by_lane[lane]
        origin = max(of_lane, key=lambda number: (of_lane[number], -number))
        if of_lane[origin] < BUSY_PER_SECOND:
            continue
        for to in sorted(of_lane, key=lambda number: (of_lane[number], number)):
            if of_lane[origin] <= UNEVEN * of_lane[to]:
                break
            room = _Room(limits, weights, plan.shares[to])
            excess = of_lane[origin] - of_lane[to]
            symbols = _chosen(plan.shares[origin], rates, lane, excess, room)
            moved = sum(rates[symbol][lane] for symbol in symbols)
            move = Move(origin, to, symbols, moved)
            if moved >= LEAST_OF_EXCESS * excess and _evens_out(move, by_lane, rates):
                return move
    return None


def spread(
    plan: Plan,
    before: Mapping[str, int],
    rates: RatesByLane,
    limits: Limits,
    weights: Mapping[str, Weight],
) -> Plan:
    """The same plan, where those that are new in it, and known, have changed places by their load.

    The busiest first, each to the connection that carries least and has one of these places.
    """
    new = {each for each in plan.places if each not in before and each in rates}
    stay = {n: [each for each in of_n if each not in new] for n, of_n in plan.shares.items()}
    free = {number: len(plan.shares[number]) - len(stay[number]) for number in stay}
    rooms = {number: _Room(limits, weights, symbols) for number, symbols in stay.items()}
    carried = {n: sum(_rate(rates, each) for each in symbols) for n, symbols in stay.items()}
    for symbol in sorted(new, key=lambda each: (-_rate(rates, each), each)):
        open_to = [n for n in stay if free[n] and rooms[n].fits(symbol)]
        if not open_to:
            return plan  # subscriptions are told apart, and do not fit otherwise
        number = min(open_to, key=lambda n: (carried[n], n))
        rooms[number].take(symbol)
        stay[number].append(symbol)
        free[number] -= 1
        carried[number] += _rate(rates, symbol)
    found = Plan({number: tuple(symbols) for number, symbols in stay.items()}, plan.left_out)
    assert found.places.keys() == plan.places.keys(), "everybody has a place still"
    return found


def _rate(rates: RatesByLane, symbol: str) -> float:
    return sum(rates.get(symbol, NO_RATES).values())


def _chosen(
    symbols: Sequence[str], rates: RatesByLane, lane: object, excess: float, room: _Room
) -> tuple[str, ...]:
    """The busiest that together are no more than half of the excess, as far as there is room."""
    left = excess / 2
    chosen: list[str] = []
    rated = ((rates.get(symbol, NO_RATES).get(lane, 0.0), symbol) for symbol in symbols)
    for rate, symbol in sorted(rated, key=lambda each: (-each[0], each[1])):
        if len(chosen) == min(MOST_MOVED, len(symbols) - 1):
            break
        if 0 < rate <= left and room.fits(symbol):
            room.take(symbol)
            chosen.append(symbol)
            left -= rate
    return tuple(chosen)


def _evens_out(move: Move, by_lane: Mapping[Any, Mapping[int, float]], rates: RatesByLane) -> bool:
    """Whether a move brings connections closer together in all lanes, taken as one."""
    before = after = 0.0
    for lane, of_lane in by_lane.items():
        mean = sum(of_lane.values()) / len(of_lane)
        moved = sum(rates[symbol].get(lane, 0.0) for symbol in move.symbols)
        for number, sign in ((move.origin, -1), (move.to, 1)):
            before += (of_lane[number] / mean) ** 2 if mean else 0.0
            after += ((of_lane[number] + sign * moved) / mean) ** 2 if mean else 0.0
    return after < before


class _Room:
    """What a share can take beside what it carries."""

    def __init__(
        self, limits: Limits, weights: Mapping[str, Weight], symbols: Sequence[str]
    ) -> None:
        self._limits = limits
        self._weights = weights
        self._count = 0
        self._carried: Counter[Any] = Counter()
        for symbol in symbols:
            self.take(symbol)

    def take(self, symbol: str) -> None:
        self._count += 1
        self._carried.update(self._weights.get(symbol, WEIGHTLESS))

    def fits(self, symbol: str) -> bool:
        most, weight = self._limits.subscriptions, self._weights.get(symbol, WEIGHTLESS)
        has_place = self._count < self._limits.most
        return has_place and (
            most is None or all(self._carried[lane] + n <= most for lane, n in weight.items())
        )
