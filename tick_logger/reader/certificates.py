"""The conditions that certificates give, each certificate read once by whoever looks.

Not here: what certificates say beside that, and whether they are right (`archive`).
"""

from __future__ import annotations

from tick_logger.model.tables import Table
from tick_logger.reader.source import Symbol
from tick_logger.reader.tree import Tree
from tick_logger.storage.certified import conditions, newest_numbers

MOST_KEPT = 400
"""Certificates of which conditions are kept: more than a year of one exchange in one pass."""


class CertificateFiles:
    """Those below one root, as they are when they are looked at first."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._numbers: dict[str, dict[int, int]] = {}
        self._known: dict[tuple[str, int, int], dict[tuple[str, str], str] | None] = {}

    def condition(self, symbol: Symbol, table: Table, day: int) -> str | None:
        """That of a stream on a day; None if no certificate that can be read names it."""
        exchange = symbol.exchange
        if not exchange:
            return None
        if exchange not in self._numbers:
            self._numbers[exchange] = newest_numbers(self._tree, exchange)
        number = self._numbers[exchange].get(day)
        if number is None:
            return None
        key = exchange, day, number
        if key not in self._known:
            self._known[key] = conditions(self._tree, *key)
            while len(self._known) > MOST_KEPT:
                del self._known[next(iter(self._known))]
        said = self._known[key]
        return None if said is None else said.get((symbol.symbol, table.value))
