"""Instruments as exchanges list them, and the small integers that stand for them in row batches.

An index is given once and never reused, so an array indexed by it stays valid.  It outlives the
process only in the journal and in checkpoints, which say what it means; column files carry the
exchange's own spelling.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs


@attrs.frozen
class Instrument:
    """One tradable symbol in the exchange's own spelling, as its listing describes it.

    `base` and `quote` are the exchange's own spelling too.  `tick_size` (of prices), `lot_size` (of
    sizes) and what an order must have at least, in base (`min_size`) and in quote currency
    (`min_notional`), are decimal texts, empty where the listing does not say.
    """

    symbol: str
    base: str = ""
    quote: str = ""
    active: bool = True
    tick_size: str = ""
    lot_size: str = ""
    kind: str = "spot"  # or "linear": a perpetual or dated future settled in the quote currency
    min_size: str = ""
    min_notional: str = ""
    # Of the moment, and no part of what the instrument is; 0 where the listing does not say.
    turnover: float = attrs.field(default=0.0, eq=False)  # of the last 24 h, in the quote currency
    last_price: float = attrs.field(default=0.0, eq=False)


_NOBODY = ("", "")  # the place of an index whose symbol is not defined yet


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

    def define(self, instrument: int, exchange: str, symbol: str) -> None:
        """Give a symbol the index that it has elsewhere; indices may come in any order.

        Raises `ValueError` if either is taken by another.
        """
        self._names += [_NOBODY] * (instrument + 1 - len(self._names))
        index = self._by_exchange.setdefault(exchange, {})
        if index.get(symbol, instrument) != instrument:
            raise ValueError(f"{exchange}/{symbol} is {index[symbol]}, not {instrument}")
        if self._names[instrument] not in (_NOBODY, (exchange, symbol)):
            raise ValueError(f"{instrument} is {self._names[instrument]}, not {symbol}")
        index[symbol] = instrument
        self._names[instrument] = (exchange, symbol)

    def knows(self, instrument: int) -> bool:
        """Whether the index is a symbol's."""
        return instrument < len(self._names) and self._names[instrument] != _NOBODY

    def name(self, instrument: int) -> tuple[str, str]:
        """(exchange, symbol) of an index."""
        return self._names[instrument]

    def of(self, exchange: str) -> Mapping[str, int]:
        """Symbol to index of one exchange: a live view, which grows as symbols are added."""
        return self._by_exchange.setdefault(exchange, {})

    def __contains__(self, name: tuple[str, str]) -> bool:
        """Whether (exchange, symbol) is known; asking changes nothing."""
        exchange, symbol = name
        return symbol in self._by_exchange.get(exchange, {})

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._names)
