"""What the ledger of an archive knows: which objects were packed, in which order, and what went.

A bucket has no ledger, and an archive that was copied may have none; then nothing is known here.
The ledger is read anew when it has grown.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from tick_logger.archive.keys import LEDGER, AsideKey, TypedKey, parse, parse_aside
from tick_logger.archive.ledger import Packed, Released, steps
from tick_logger.reader.tree import Tree


@attrs.define
class _Known:
    keys: dict[tuple[str, int, str], list[str]] = attrs.field(factory=dict)
    servers: set[str] = attrs.field(factory=set)
    released: set[tuple[str, int]] = attrs.field(factory=set)


class PackedObjects:
    """The typed objects that a ledger names."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._size = -1
        self._known = _Known()

    @property
    def is_there(self) -> bool:
        """Whether there is a ledger."""
        return self._tree.exists(LEDGER)

    def of_day(self, exchange: str, day: int, word: str) -> Sequence[str]:
        """The keys of a table's objects, in the order in which they were packed."""
        return self._now().keys.get((exchange, day, word), ())

    def days(self, word: str | None = None) -> set[tuple[str, int]]:
        """Exchanges and days of which there are objects of a table, or of any."""
        return {(of, day) for of, day, table in self._now().keys if word in (None, table)}

    def servers(self) -> set[str]:
        """Who packed what the ledger knows."""
        return self._now().servers

    def is_released(self, exchange: str, day: int) -> bool:
        """Whether the column files of a day may be gone."""
        return (exchange, day) in self._now().released

    def _now(self) -> _Known:
        size = self._size if self._size == 0 else self._tree.size(LEDGER)
        if size != self._size:
            self._size = size
            self._known = _learn(bytes(self._tree.read(LEDGER))) if size else _Known()
        return self._known


def _learn(data: bytes) -> _Known:
    known = _Known()
    for step in steps(data):
        match step:
            case Released():
                known.released.add((step.exchange, step.day))
            case Packed():
                key = parse(step.key) or parse_aside(step.key)
                if isinstance(key, TypedKey | AsideKey):
                    known.servers.add(key.server)
                    of = known.keys.setdefault((step.exchange, step.day, step.table), [])
                    if step.key not in of:
                        of.append(step.key)
    return known
