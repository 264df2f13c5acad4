"""A source of several: each symbol-day is in one of them, or in a recording and its own archive.

Invariant: no row is read twice.  Two sources with rows of one symbol, table and day are an error
that names both, because nobody can tell which of them is right; unless they belong together
(`belonging`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from tick_logger.model.flush import GapRecord
from tick_logger.model.proof import Proof
from tick_logger.model.symbols import MappedInstrument
from tick_logger.model.tables import Table
from tick_logger.model.times import NS_PER_DAY
from tick_logger.reader.archived import Archived
from tick_logger.reader.belonging import knows, together
from tick_logger.reader.errors import OverlapError
from tick_logger.reader.source import Source, Symbol, TableDay, certified
from tick_logger.reader.times import Span, iso
from tick_logger.storage.quality_files import ReadDoubt


class Joined:
    """Several sources as one; see `Source`."""

    def __init__(self, sources: Sequence[Source]) -> None:
        assert sources, "there is at least one"
        self._sources = sources

    @property
    def name(self) -> str:
        """The names of all."""
        return ", ".join(source.name for source in self._sources)

    def glance(self) -> Joined:
        """All of them for one pass; see `Source`."""
        return Joined([source.glance() for source in self._sources])

    def exchanges(self) -> Sequence[str]:
        """Those of all; see `Source`."""
        return sorted(set(chain.from_iterable(each.exchanges() for each in self._sources)))

    def symbols(self, exchange: str) -> Sequence[str]:
        """Those of all; see `Source`."""
        return sorted(set(chain.from_iterable(each.symbols(exchange) for each in self._sources)))

    def has(self, symbol: Symbol) -> bool:
        """Whether any has it."""
        return any(each.has(symbol) for each in self._sources)

    def certified(self, symbol: Symbol, table: Table, day: int) -> str | None:
        """That of the one that has the day, a recording before its archive; see
        `source.certified`."""
        of_files_first = sorted(self._sources, key=lambda each: isinstance(each, Archived))
        words = (
            certified(each, symbol, table, day)
            for each in of_files_first
            if not isinstance(each, Archived) or day in each.days(symbol, table)
        )
        return next((word for word in words if word is not None), None)

    def days(self, symbol: Symbol, table: Table) -> Sequence[int]:
        """Those of all; see `Source`."""
        return sorted({day for each in self._sources for day in each.days(symbol, table)})

    def look(self, symbol: Symbol, table: Table, day: int) -> TableDay:
        """The rows of a day; raises `OverlapError` if two have some that are not one's archive."""
        found = [(source, source.look(symbol, table, day)) for source in self._sources]
        owners = [(source, rows) for source, rows in found if rows.main.rows or rows.late.rows]
        if len(owners) > 1:
            one = together(owners, symbol, day)
            if one is not None:
                return one
            names = " and ".join(source.name for source, _ in owners)
            raise OverlapError(
                f"{names} both have {table} of {symbol} of {iso(day * NS_PER_DAY)[:10]}; "
                "open them one at a time, or let compare tell how they differ"
            )
        return owners[0][1] if owners else found[0][1]

    def holes(self, symbol: Symbol) -> Sequence[GapRecord]:
        """Those of all; of days that a directory has certified, as its own files say by now."""
        archives = [each for each in self._sources if isinstance(each, Archived)]
        others = [each for each in self._sources if each not in archives]
        found = list(chain.from_iterable(each.holes(symbol) for each in others))
        for archive in archives:
            days = archive.certified_days(symbol.exchange)
            strange = [d for d in days if not any(knows(o, archive, symbol, d) for o in others)]
            found += archive.holes_of(symbol, strange)
        return list(dict.fromkeys(found))

    def healed(self, symbol: Symbol) -> Sequence[GapRecord]:
        """Those of all."""
        return list(dict.fromkeys(chain.from_iterable(s.healed(symbol) for s in self._sources)))

    def proof(self, symbol: Symbol, table: Table) -> Proof:
        """The weakest of those that have the symbol; of archives, where no directory has it."""
        files = [each for each in self._sources if not isinstance(each, Archived)]
        has = [each for each in files if each.has(symbol)]
        has = has or [each for each in self._sources if each.has(symbol)]
        proofs = [each.proof(symbol, table) for each in has]
        return min(proofs, default=Proof.UNPROVABLE)

    def doubts(self, exchange: str, wanted: Span) -> Iterator[tuple[Symbol, ReadDoubt]]:
        """Those of all that know of any, each once; see `doubts.doubts_of`."""
        seen = set()
        for each in self._sources:
            ask = getattr(each, "doubts", None)
            for symbol, found in () if ask is None else ask(exchange, wanted):
                mark = symbol, found.table, found.kind, found.from_ns, found.to_ns, found.rows
                if mark not in seen:
                    seen.add(mark)
                    yield symbol, found

    def instruments(self, day: int | None = None) -> Iterable[MappedInstrument]:
        """Those of all; of a symbol that several list, what the last one says."""
        listed = {
            (each.exchange, each.symbol): each
            for source in self._sources
            for each in source.instruments(day)
        }
        return listed.values()
