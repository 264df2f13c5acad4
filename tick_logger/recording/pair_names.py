"""What instruments are called everywhere, such as BTC-USD, by what their exchanges list now.

Told of listings by the event loop, and asked by the thread that writes column files: each of both
only puts or gets a whole listing.  Not here: the rules of names (`model.symbols`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tick_logger.model.instruments import Instrument
from tick_logger.model.symbol_rules import SymbolRules
from tick_logger.model.symbols import map_instrument


class PairNames:
    """The newest listing of each exchange, and the rules by which names are made of it."""

    def __init__(self, rules: SymbolRules | None = None) -> None:
        self.rules = rules or SymbolRules()
        self._listed: dict[str, Mapping[str, Instrument]] = {}

    def tell(self, exchange: str, listing: Sequence[Instrument]) -> None:
        """An exchange lists these now."""
        self._listed[exchange] = {each.symbol: each for each in listing}

    def pair_of(self, exchange: str, symbol: str) -> str | None:
        """Base, quote and kind of a symbol: what is one thing has one.

        Empty if base or quote is known to nobody; None if the exchange has not listed it yet.
        """
        listed = self._listed.get(exchange, {}).get(symbol)
        if listed is None:
            return None
        mapped = map_instrument(exchange, listed, self.rules)
        return f"{mapped.name} {mapped.kind}" if mapped.base and mapped.quote else ""
