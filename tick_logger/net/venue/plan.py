"""Which symbols go on which connection.

Pure.  A symbol that has a place keeps it, so that a change of the listing touches no other
connection; freed places are filled first, then connections are added up to the limit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs


@attrs.frozen
class Plan:
    """Symbols per connection (by its number, counting from 1), and those without a place."""

    shares: Mapping[int, tuple[str, ...]]
    left_out: tuple[str, ...]

    @property
    def places(self) -> dict[str, int]:
        """The connection of each symbol that has one."""
        return {symbol: n for n, symbols in self.shares.items() for symbol in symbols}


def plan(
    current: Mapping[int, Sequence[str]],
    wanted: Sequence[str],
    *,
    symbols_per_connection: int,
    max_connections: int,
) -> Plan:
    """The assignment that changes least; `wanted` in order of preference.

    Where the limits have become smaller, what is beyond them moves to where there is room.
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
    return Plan({number: tuple(symbols) for number, symbols in shares.items()}, tuple(waiting))
