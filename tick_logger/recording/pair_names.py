"""What instruments are called everywhere, such as BTC-USD, by what their exchanges list now.

Told of listings by the event loop, and asked by whoever shows symbols and by the thread that writes
column files: each only puts or gets a whole listing, or a name.  Names that were asked for are
kept, also of what has left its listing, and so are as many as symbols that are recorded.  Not here:
the rules of names (`model.symbols`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tick_logger.model.instruments import Instrument
from tick_logger.model.symbol_rules import SymbolRules
from tick_logger.model.symbols import map_instrument, pair_named


class PairNames:
    """The newest listing of each exchange, and the rules by which names are made of it."""

    def __init__(self, rules: SymbolRules | None = None) -> None:
        self.rules = rules or SymbolRules()
        self._listed: dict[str, Mapping[str, Instrument]] = {}
        self._named: dict[tuple[str, str], tuple[Instrument, str]] = {}  # and of which entry it is

    def tell(self, exchange: str, listing: Sequence[Instrument]) -> None:
        """An exchange lists these now."""
        self._listed[exchange] = {each.symbol: each for each in listing}

    def name(self, exchange: str, symbol: str) -> str | None:
        """The normal name of a symbol; None if nobody says what it is."""
        known = self._named.get((exchange, symbol))
        listed = self._listed.get(exchange, {}).get(symbol)
        if listed is None:
            return (known[1] or None) if known else None
        if known is None or known[0] != listed:
            known = listed, pair_named(exchange, listed, self.rules)
            self._named[exchange, symbol] = known
        return known[1] or None

    def pair_of(self, exchange: str, symbol: str) -> str | None:
        """Base, quote and kind of a symbol: what is one thing has one.

        Empty if base or quote is known to nobody; None if the exchange has not listed it yet.
        """
        listed = self._listed.get(exchange, {}).get(symbol)
        if listed is None:
            return None
        mapped = map_instrument(exchange, listed, self.rules)
        return f"{mapped.pair} {mapped.kind}" if mapped.pair else ""
