"""Decides which symbols go on which connection.

Pure.  A symbol that has a place keeps it, so that a change of the listing touches no other
connection; freed places are filled first, then connections are added up to the limit.

Invariant: each wanted symbol is in one share or left out, and no limit is exceeded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs


@attrs.frozen
class Plan:
    """The symbols of each share, by its number (from 1), and those that have no place."""

    shares: Mapping[int, tuple[str, ...]]
    left_out: tuple[str, ...]

    @property
    def places(self) -> dict[str, int]:
        """The number of the share of each symbol that has one."""
        return {symbol: n for n, symbols in self.shares.items() for symbol in symbols}


def plan(
    current: Mapping[int, Sequence[str]],
    wanted: Sequence[str],
    *,
    symbols_per_connection: int,
    max_connections: int,
) -> Plan:
    """The assignment that changes least; `wanted` in order of preference.

    Where a limit is lower than before, the symbols beyond it move to shares that have room.
    """
    unplaced = dict.fromkeys(wanted)
    shares: dict[int, list[str]] = {}
    for number, symbols in sorted(current.items()):
        room = symbols_per_connection if len(shares) < max_connections else 0
        kept = [symbol for symbol in symbols if symbol in unplaced][:room]
        for symbol in kept:
            del unplaced[symbol]
        if kept:
            shares[number] = kept
    waiting = list(unplaced)
    numbers = [*shares, *(n for n in range(1, max_connections + 1) if n not in shares)]
    for number in numbers[:max_connections]:
        room = symbols_per_connection - len(shares.get(number, []))
        if room > 0 and waiting:
            shares.setdefault(number, []).extend(waiting[:room])
            del waiting[:room]
    found = Plan({number: tuple(symbols) for number, symbols in shares.items()}, tuple(waiting))
    assert len(shares) <= max_connections, f"{len(shares)} shares for {max_connections}"
    assert all(0 < len(symbols) <= symbols_per_connection for symbols in shares.values())
    placed = [symbol for symbols in shares.values() for symbol in symbols]
    assert len(placed) == len(found.places), "a symbol is carried by one share at a time"
    assert len(placed) + len(waiting) == len(set(wanted)), "every symbol is placed or left out"
    return found
