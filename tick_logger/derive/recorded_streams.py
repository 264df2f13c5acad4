"""Which instruments there are, and which tables of each are recorded, as the entries have said.

Invariant: an instrument keeps its number for as long as the journal is continued; what is recorded
is said anew by each process.  Pure.  Not here: rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from tick_logger.model.entries import Received
from tick_logger.model.instruments import Instruments
from tick_logger.model.marks import Interrupted, Lapse, Mark, Resumed, Retired
from tick_logger.model.tables import Table
from tick_logger.model.wanted import WantedTables


class RecordedStreams:
    """The instruments of all exchanges, and what is recorded of them."""

    def __init__(self) -> None:
        self.instruments = Instruments()
        self._wanted: dict[str, WantedTables] = {}
        self._unproven: dict[int, tuple[Table, ...]] = {}  # of those of which any is

    def define(self, received: Received) -> None:
        """Take what an entry says of instruments."""
        for each in received.defined:
            self.instruments.define(each.instrument, received.exchange, each.symbol)
            self.of(received.exchange).set(each.instrument, each.tables)
            self._unproven.pop(each.instrument, None)
            if each.unproven:
                self._unproven[each.instrument] = each.unproven

    def unproven(self, instrument: int) -> tuple[Table, ...]:
        """The tables of which nothing shows what is missing, whatever the exchange can show."""
        return self._unproven.get(instrument, ())

    def begin_anew(self) -> None:
        """Another process goes on, and has not said yet what it records."""
        self._wanted = {}

    def of(self, exchange: str) -> WantedTables:
        """The tables that are recorded of an exchange's instruments."""
        return self._wanted.setdefault(exchange, WantedTables())

    def by_table(self, exchange: str) -> list[tuple[tuple[int, ...], Table]]:
        """For each table, the instruments for which it is recorded."""
        plain = self._plain(exchange)
        return [(tuple(n for n, tables in plain if table in tables), table) for table in Table]

    def symbols(self, exchange: str) -> frozenset[str]:
        """The symbols of which anything is recorded."""
        wanted, known = self.of(exchange), self.instruments.of(exchange)
        return frozenset(symbol for symbol, number in known.items() if wanted.tables(number))

    def with_names(self, marks: Sequence[Mark]) -> list[Mark]:
        """The marks, without the instruments whose names are lost with missing entries."""
        named: list[Mark] = []
        for mark in marks:
            match mark:
                case Interrupted() | Resumed() | Lapse() | Retired():
                    known = tuple(filter(self.instruments.knows, mark.instruments))
                    named.append(attrs.evolve(mark, instruments=known))
                case _ if self.instruments.knows(mark.instrument):
                    named.append(mark)
        return named

    def dump(self) -> dict[str, Any]:
        """The state as plain data."""
        return {
            "instruments": [list(name) for name in self.instruments],
            "wanted": {exchange: self._plain(exchange) for exchange in self._wanted},
            "unproven": [
                [number, [table.value for table in tables]]
                for number, tables in sorted(self._unproven.items())
            ],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Become what `dump` gave; this object must be new."""
        assert not len(self.instruments), "numbers would be given twice"
        for number, (exchange, symbol) in enumerate(state["instruments"]):
            if exchange:
                self.instruments.define(number, exchange, symbol)
        for exchange, wanted in state["wanted"].items():
            for number, tables in wanted:
                self.of(exchange).set(number, map(Table, tables))
        for number, tables in state.get("unproven", ()):
            self._unproven[number] = tuple(map(Table, tables))

    def _plain(self, exchange: str) -> list[Any]:
        wanted, known = self.of(exchange), self.instruments.of(exchange).values()
        return [[number, [table.value for table in wanted.tables(number)]] for number in known]
