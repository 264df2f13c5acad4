"""Instruments as exchanges list them, and the small integers that stand for them in row batches.

An index is given once and never reused while the process lives, so an array indexed by it stays
valid.  Indices mean nothing outside the process: files carry the exchange's own spelling.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs


@attrs.frozen
class Instrument:
    """One tradable symbol in the exchange's own spelling, as its listing describes it."""

    symbol: str
    base: str = ""
    quote: str = ""
    active: bool = True


class Instruments:
    """Every (exchange, symbol) met so far, numbered from zero."""

    def __init__(self) -> None:
        self._names: list[tuple[str, str]] = []
        self._by_exchange: dict[str, dict[str, int]] = {}

    def add(self, exchange: str, symbol: str) -> int:
        """The index of a symbol, given on first use."""
        index = self._by_exchange.setdefault(exchange, {})
        if symbol not in index:
            index[symbol] = len(self._names)
            self._names.append((exchange, symbol))
        return index[symbol]

    def name(self, instrument: int) -> tuple[str, str]:
        """(exchange, symbol) of an index."""
        return self._names[instrument]

    def of(self, exchange: str) -> Mapping[str, int]:
        """Symbol to index of one exchange: a live view, which grows as symbols are added."""
        return self._by_exchange.setdefault(exchange, {})

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._names)
