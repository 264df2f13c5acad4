"""What is known of currencies beside what exchanges list: the rules that names are made by.

Values only.  They hold what `config_symbols` has read and checked; building one by hand checks
nothing.  Currencies are in normal spelling (upper case) wherever nothing else is said.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

import attrs

from tick_logger.model.venue_names import adapter_of

USD_EQUIVALENT = "USD_EQUIVALENT"
"""The group of quotes that count as US dollars."""


class QuoteType(enum.StrEnum):
    """What prices are counted in."""

    FIAT = "fiat"
    STABLECOIN = "stablecoin"
    CRYPTO = "crypto"
    UNKNOWN = "unknown"  # neither the listing nor a rule names the quote


class AssetClass(enum.StrEnum):
    """What is traded."""

    CRYPTO = "crypto"
    STABLECOIN = "stablecoin"
    FIAT = "fiat"
    COMMODITY = "commodity"
    EQUITY = "equity"
    UNKNOWN = "unknown"  # neither the listing nor a rule names the base


@attrs.frozen(kw_only=True)
class Override:
    """What holds for one symbol whatever its listing says; None leaves what the listing says."""

    base: str | None = None
    quote: str | None = None
    asset_class: AssetClass | None = None
    kind: str | None = None
    tick_size: str | None = None
    lot_size: str | None = None
    min_size: str | None = None
    min_notional: str | None = None
    active: bool | None = None


@attrs.frozen(kw_only=True)
class VenueRules:
    """What is peculiar to one exchange.

    `aliases` maps its spelling of a currency (upper case) to the normal one; `alternatives` a
    quote to those that stand in for it there, best first; `overrides` goes by its own symbols.
    """

    aliases: Mapping[str, str] = attrs.field(factory=dict)
    alternatives: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    asset_classes: Mapping[str, AssetClass] = attrs.field(factory=dict)
    overrides: Mapping[str, Override] = attrs.field(factory=dict)


NO_RULES = VenueRules()


@attrs.frozen(kw_only=True)
class SymbolRules:
    """Everything that the file of symbol mappings says; no currency is in two groups."""

    groups: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    fiat: frozenset[str] = frozenset()
    stablecoins: frozenset[str] = frozenset()
    asset_classes: Mapping[str, AssetClass] = attrs.field(factory=dict)
    venues: Mapping[str, VenueRules] = attrs.field(factory=dict)
    exchanges: frozenset[str] = frozenset()
    """Those that there are: an entrance of one with a name of its own has its rules."""

    def venue(self, exchange: str) -> VenueRules:
        """The rules of one exchange."""
        known = adapter_of(exchange, self.exchanges) or exchange
        return self.venues.get(known, NO_RULES)

    def currency(self, exchange: str, spelling: str) -> str:
        """The normal name of what an exchange spells so; empty stays empty."""
        upper = spelling.strip().upper()
        return self.venue(exchange).aliases.get(upper, upper)

    def quote_type(self, quote: str) -> QuoteType:
        """What a quote is: crypto, unless it is listed as something else."""
        if not quote:
            return QuoteType.UNKNOWN
        if quote in self.fiat:
            return QuoteType.FIAT
        return QuoteType.STABLECOIN if quote in self.stablecoins else QuoteType.CRYPTO

    def asset_class(self, exchange: str, base: str) -> AssetClass:
        """What a base is at an exchange: crypto, unless it is listed as something else."""
        if not base:
            return AssetClass.UNKNOWN
        known = self.venue(exchange).asset_classes.get(base) or self.asset_classes.get(base)
        return known or AssetClass(self.quote_type(base))

    def equivalents(self, quote: str) -> tuple[str, ...]:
        """The group that a quote is in, itself included; alone if it is in none."""
        return next((group for group in self.groups.values() if quote in group), (quote,))
