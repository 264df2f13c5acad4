"""A source of several: each symbol-day is in one of them.

Invariant: no row is read twice.  Two sources with rows of one symbol, table and day are an error
that names both, because nobody can tell which of them is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from tick_logger.model.flush import GapRecord
from tick_logger.model.proof import Proof
from tick_logger.model.symbols import MappedInstrument
from tick_logger.model.tables import Table
from tick_logger.reader.errors import OverlapError
from tick_logger.reader.source import Source, Symbol, TableDay


class Joined:
    """Several sources as one; see `Source`."""

    def __init__(self, sources: Sequence[Source]) -> None:
        assert sources, "there is at least one"
        self._sources = sources

    @property
    def name(self) -> str:
        """The names of all."""
        return ", ".join(source.name for source in self._sources)

    def exchanges(self) -> Sequence[str]:
        """Those of all; see `Source`."""
        return sorted(set(chain.from_iterable(each.exchanges() for each in self._sources)))

    def symbols(self, exchange: str) -> Sequence[str]:
        """Those of all; see `Source`."""
        return sorted(set(chain.from_iterable(each.symbols(exchange) for each in self._sources)))

    def has(self, symbol: Symbol) -> bool:
        """Whether any has it."""
        return any(each.has(symbol) for each in self._sources)

    def days(self, symbol: Symbol, table: Table) -> Sequence[int]:
        """Those of all; raises `OverlapError` if two have rows of one."""
        return sorted(self._owners(symbol, table))

    def look(self, symbol: Symbol, table: Table, day: int) -> TableDay:
        """The rows of a day; raises `OverlapError` if two have some."""
        owners = self._owners(symbol, table)
        return owners.get(day, self._sources[0]).look(symbol, table, day)

    def holes(self, symbol: Symbol) -> Sequence[GapRecord]:
        """Those of all."""
        return list(dict.fromkeys(chain.from_iterable(s.holes(symbol) for s in self._sources)))

    def proof(self, symbol: Symbol, table: Table) -> Proof:
        """The weakest of those that have the symbol."""
        proofs = [each.proof(symbol, table) for each in self._sources if each.has(symbol)]
        return min(proofs, default=Proof.UNPROVABLE)

    def instruments(self, day: int | None = None) -> Iterable[MappedInstrument]:
        """Those of all; of a symbol that several list, what the last one says."""
        listed = {
            (each.exchange, each.symbol): each
            for source in self._sources
            for each in source.instruments(day)
        }
        return listed.values()

    def _owners(self, symbol: Symbol, table: Table) -> dict[int, Source]:
        """Whose each day is."""
        owners: dict[int, Source] = {}
        for source in self._sources:
            for day in source.days(symbol, table):
                if day not in owners:
                    owners[day] = source
                elif _has_rows(source, symbol, table, day):
                    if _has_rows(owners[day], symbol, table, day):
                        raise OverlapError(_words(symbol, table, owners[day], source))
                    owners[day] = source
        return owners


def _has_rows(source: Source, symbol: Symbol, table: Table, day: int) -> bool:
    found = source.look(symbol, table, day)
    return bool(found.main.rows or found.late.rows)


def _words(symbol: Symbol, table: Table, one: Source, other: Source) -> str:
    return (
        f"{one.name} and {other.name} both have {table} of {symbol} of one day; "
        "open them one at a time, or let compare tell how they differ"
    )
