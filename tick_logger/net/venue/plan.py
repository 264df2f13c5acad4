"""Decides which symbols go on which connection.

Pure.  A symbol that has a place keeps it, so that a change of the listing touches no other
connection; freed places are filled first, then connections are added, then each gets more than its
usual number, the emptiest first.  Who has no place is the least wanted: where limits are lower than
before, a symbol that loses its place takes that of a less wanted one.

Invariant: each wanted symbol is in one share or left out, and no limit is exceeded.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import attrs

Weight: TypeAlias = Mapping[Any, int]
"""How many subscriptions a symbol needs in each lane, whatever stands for one."""

WEIGHTLESS: Weight = {}

NOTHING_RESERVED: Mapping[int, Collection[str]] = {}


@attrs.frozen(kw_only=True)
class Limits:
    """What the shares may carry."""

    shares: int
    usual: int  # symbols in each share before any gets more
    most: int  # symbols in one share
    subscriptions: int | None = None  # in one lane of a share; None: as many as there are

    def __attrs_post_init__(self) -> None:
        assert self.shares >= 1, "a venue without a connection is not planned"
        assert 1 <= self.usual <= self.most, f"{self.usual} of at most {self.most}"


@attrs.frozen
class Plan:
    """The symbols of each share, by its number (from 1), and those that have no place."""

    shares: Mapping[int, tuple[str, ...]]
    left_out: tuple[str, ...]

    @property
    def places(self) -> dict[str, int]:
        """The number of the share of each symbol that has one."""
        return {symbol: n for n, symbols in self.shares.items() for symbol in symbols}

    def moved(self, symbols: Collection[str], to: int) -> Plan:
        """The same, but that these symbols are of one share."""
        places = self.places
        going = [symbol for symbol in places if symbol in symbols and places[symbol] != to]
        left = {
            number: tuple(each for each in of_share if each not in going)
            for number, of_share in self.shares.items()
        }
        left[to] = (*left.get(to, ()), *going)
        return Plan({number: each for number, each in left.items() if each}, self.left_out)


def plan(
    current: Mapping[int, Sequence[str]],
    wanted: Sequence[str],
    limits: Limits,
    weights: Mapping[str, Weight] | None = None,
    reserved: Mapping[int, Collection[str]] = NOTHING_RESERVED,
) -> Plan:
    """The assignment that changes least; `wanted` in order of preference.

    Of a share the room of its `reserved` symbols is taken as well: they are about to leave it.
    """
    rank = {symbol: place for place, symbol in enumerate(dict.fromkeys(wanted))}
    filling = _Filling(limits, weights or {}, reserved)
    placed = {symbol for symbols in current.values() for symbol in symbols}
    for number, symbols in sorted(current.items()):
        filling.keep(number, [symbol for symbol in symbols if symbol in rank], rank)
    waiting = filling.place(symbol for symbol in rank if symbol not in filling.places)
    lost = [symbol for symbol in waiting if symbol in placed]
    if lost:
        filling.displace(lost, rank)
        waiting = filling.place(symbol for symbol in rank if symbol not in filling.places)
    found = Plan({number: tuple(each) for number, each in filling.shares.items()}, tuple(waiting))
    filling.check()
    assert len(found.places) == len(filling.places), "a symbol is carried by one share at a time"
    assert len(found.places) + len(waiting) == len(rank), "every symbol is placed or left out"
    return found


class _Filling:
    """Shares while they are filled."""

    def __init__(
        self,
        limits: Limits,
        weights: Mapping[str, Weight],
        reserved: Mapping[int, Collection[str]],
    ) -> None:
        self._limits = limits
        self._weights = weights
        self._reserved = reserved
        self._carried: dict[int, Counter[Any]] = {}  # subscriptions by lane, by share
        for number, symbols in reserved.items():
            of_lane = self._carried.setdefault(number, Counter())
            for symbol in symbols:
                of_lane.update(weights.get(symbol, WEIGHTLESS))
        self.shares: dict[int, list[str]] = {}
        self.places: dict[str, int] = {}

    def keep(self, number: int, symbols: Sequence[str], rank: Mapping[str, int]) -> None:
        """Of the symbols that a share has, the most wanted that it may carry, in their order."""
        if not symbols or len(self.shares) == self._limits.shares:
            return
        kept = set()
        for symbol in sorted(symbols, key=rank.__getitem__):
            if self._fits(number, symbol):
                self._put(number, symbol)
                kept.add(symbol)
        if kept:
            self.shares[number] = [symbol for symbol in symbols if symbol in kept]

    def place(self, symbols: Iterable[str]) -> list[str]:
        """Give each a place, in this order; returns those for which there is none."""
        most = self._limits.shares
        unused = (number for number in range(1, most + 1) if number not in self.shares)
        order = {n: place for place, n in enumerate([*self.shares, *unused][:most])}
        emptiest = [(self._fullness(number), place, number) for number, place in order.items()]
        heapq.heapify(emptiest)
        left = []
        for symbol in symbols:
            passed = []
            while emptiest:
                found = heapq.heappop(emptiest)
                _, place, number = found
                if self._fits(number, symbol):
                    self._put(number, symbol)
                    heapq.heappush(emptiest, (self._fullness(number), place, number))
                    break
                if self._count(number) < self._limits.most:
                    passed.append(found)  # another symbol, which needs less, may fit
            else:
                left.append(symbol)
            for found in passed:
                heapq.heappush(emptiest, found)
        return left

    def displace(self, symbols: Sequence[str], rank: Mapping[str, int]) -> None:
        """Give these the places of less wanted ones, the least wanted first."""
        least_first = sorted(self.places, key=rank.__getitem__, reverse=True)
        for symbol in symbols:
            for at, other in enumerate(least_first):
                if rank[other] < rank[symbol]:
                    break
                number = self._take_away(other)
                if self._fits(number, symbol):
                    self._put(number, symbol)
                    del least_first[at]
                    break
                self._put(number, other)

    def check(self) -> None:
        """No limit is exceeded."""
        limits = self._limits
        assert len(self.shares) <= limits.shares, f"{len(self.shares)} for {limits.shares}"
        assert all(0 < len(symbols) <= limits.most for symbols in self.shares.values())
        carried = (each for n, each in self._carried.items() if not self._reserved.get(n))
        lanes = (many for of_share in carried for many in of_share.values())
        assert limits.subscriptions is None or max(lanes, default=0) <= limits.subscriptions

    def _fullness(self, number: int) -> int:
        """0 as long as a share has fewer symbols than usual."""
        count = len(self.shares.get(number, ()))
        return 0 if count < self._limits.usual else count

    def _fits(self, number: int, symbol: str) -> bool:
        if self._count(number) >= self._limits.most:
            return False
        most = self._limits.subscriptions
        carried: Mapping[Any, int] = self._carried.get(number, {})
        weight = self._weights.get(symbol, WEIGHTLESS)
        return most is None or all(carried.get(lane, 0) + n <= most for lane, n in weight.items())

    def _count(self, number: int) -> int:
        return len(self.shares.get(number, ())) + len(self._reserved.get(number, ()))

    def _put(self, number: int, symbol: str) -> None:
        self.shares.setdefault(number, []).append(symbol)
        self.places[symbol] = number
        carried = self._carried.setdefault(number, Counter())
        carried.update(self._weights.get(symbol, WEIGHTLESS))

    def _take_away(self, symbol: str) -> int:
        number = self.places.pop(symbol)
        self.shares[number].remove(symbol)
        self._carried[number].subtract(self._weights.get(symbol, WEIGHTLESS))
        return number
