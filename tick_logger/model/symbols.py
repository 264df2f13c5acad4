"""One name for the same thing on every exchange: BASE-QUOTE, such as BTC-USD.

Built from what the exchanges list, and rules.  Names are not unique: a spot pair and a future on
it, or several futures, share one and differ in `kind` and symbol.  Where one of several is asked
for, it is an active one if there is any, and of these the one with the shortest symbol, because
exchanges append what is special (a date, a suffix) to it.

Nothing is guessed: a symbol whose base and quote neither the listing nor a rule tells keeps its
own spelling as its name.  Pure: reads no file, and never changes after it was built.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable, Iterable, Mapping, Sequence

import attrs

from tick_logger.model.instruments import Instrument
from tick_logger.model.symbol_rules import (
    USD_EQUIVALENT,
    AssetClass,
    Override,
    QuoteType,
    SymbolRules,
)

SPOT = "spot"

PairOf = Callable[[str, str], str | None]
"""The normal name of an exchange's symbol; None where nobody says what it is."""

_NOTHING = Override()
_MAX_EXPONENT = 40  # of a step size; more digits are nonsense, and would fill the memory


@attrs.frozen
class MappedInstrument:
    """An instrument under its normal name, and what is known of it.

    `base` and `quote` are in normal spelling; `tick_size` (of prices), `lot_size` (of sizes),
    `min_size` and `min_notional` (of orders, in base and in quote currency) are plain decimal texts
    without zeros at the end, empty where nobody says.
    """

    exchange: str
    symbol: str
    name: str
    base: str
    quote: str
    quote_type: QuoteType
    asset_class: AssetClass
    kind: str
    tick_size: str
    lot_size: str
    active: bool
    min_size: str = ""
    min_notional: str = ""

    @property
    def pair(self) -> str:
        """What it is called everywhere, such as BTC-USD; empty where nobody says what it is."""
        return self.name if self.base and self.quote else ""


def map_instrument(exchange: str, listed: Instrument, rules: SymbolRules) -> MappedInstrument:
    """What a listed instrument is: overrides first, then the listing, then general rules."""
    override = rules.venue(exchange).overrides.get(listed.symbol, _NOTHING)
    base, quote = _currencies(exchange, listed, rules)
    return MappedInstrument(
        exchange=exchange,
        symbol=listed.symbol,
        name=f"{base}-{quote}" if base and quote else listed.symbol,
        base=base,
        quote=quote,
        quote_type=rules.quote_type(quote),
        asset_class=override.asset_class or rules.asset_class(exchange, base),
        kind=_first(override.kind, listed.kind),
        tick_size=_plain(_first(override.tick_size, listed.tick_size)),
        lot_size=_plain(_first(override.lot_size, listed.lot_size)),
        active=listed.active if override.active is None else override.active,
        min_size=_plain(_first(override.min_size, listed.min_size)),
        min_notional=_plain(_first(override.min_notional, listed.min_notional)),
    )


def pair_named(exchange: str, listed: Instrument, rules: SymbolRules) -> str:
    """The `pair` of a listed instrument alone: everything costs eight times as much."""
    base, quote = _currencies(exchange, listed, rules)
    return f"{base}-{quote}" if base and quote else ""


class SymbolMapper:
    """Everything that is listed somewhere, by name.

    Names and currencies are asked for in any case; symbols are exactly the exchange's.  Several
    instruments come sorted by exchange, kind (spot first) and preference.
    """

    def __init__(self, instruments: Iterable[MappedInstrument], rules: SymbolRules) -> None:
        self._rules = rules
        self._all = sorted(instruments, key=_place)
        self._by_symbol = {(each.exchange, each.symbol): each for each in self._all}
        self._by_name: dict[str, list[MappedInstrument]] = {}
        self._by_base: dict[str, list[MappedInstrument]] = {}
        for each in self._all:
            self._by_name.setdefault(each.name.upper(), []).append(each)
            self._by_base.setdefault(each.base, []).append(each)

    @classmethod
    def from_listings(
        cls, listings: Mapping[str, Sequence[Instrument]], rules: SymbolRules
    ) -> SymbolMapper:
        """Of what each exchange lists."""
        return cls(
            (
                map_instrument(exchange, listed, rules)
                for exchange, listing in listings.items()
                for listed in listing
            ),
            rules,
        )

    @property
    def instruments(self) -> Sequence[MappedInstrument]:
        """All of them."""
        return self._all

    def normalise(self, exchange: str, symbol: str) -> MappedInstrument:
        """What an exchange's symbol is; `LookupError` if the exchange lists no such symbol.

        It may also be spelled with the exchange's other names of currencies.
        """
        found = self._by_symbol.get((exchange, symbol))
        if found is None and (name := self._aliased(exchange, _dashed(symbol))) is not None:
            found = self._best(name, exchange, None)
        if found is None:
            raise LookupError(f"{exchange} lists no symbol {symbol!r}")
        return found

    def spelled(self, text: str) -> tuple[str, ...]:
        """The normal names that a text may mean: itself, or those of symbols that are spelled so.

        Case does not matter, nor whether "/" or "_" stands for "-", nor which exchange's names of
        currencies are used.  Empty if nothing is listed.
        """
        upper, dashed = text.strip().upper(), _dashed(text)
        if dashed in self._by_name:
            return (self._by_name[dashed][0].name,)
        aliased = {self._aliased(exchange, dashed) for exchange in self._rules.venues}
        names = {self._by_name[name][0].name for name in aliased if name in self._by_name}
        return tuple(sorted(names | {e.name for e in self._all if e.symbol.upper() == upper}))

    def bases(self, text: str) -> tuple[str, ...]:
        """The normal names of listed bases that a text may mean, in any exchange's spelling.

        Case does not matter; empty if nothing is listed.
        """
        upper = text.strip().upper()
        if upper in self._by_base:
            return (upper,) if upper else ()
        aliased = {self._rules.currency(exchange, upper) for exchange in self._rules.venues}
        return tuple(sorted(aliased & self._by_base.keys()))

    def find(self, name: str) -> tuple[MappedInstrument, ...]:
        """Everything of this normal name, on all exchanges."""
        return tuple(self._by_name.get(name.upper(), ()))

    def to_exchange(self, name: str, exchange: str, kind: str | None = None) -> str | None:
        """The symbol that an exchange lists under a normal name; None if it lists none.

        Without `kind`, spot is taken where there is any.
        """
        found = self._best(name, exchange, kind)
        return None if found is None else found.symbol

    def alternatives(
        self, name: str, exchange: str, kind: str | None = None
    ) -> tuple[MappedInstrument, ...]:
        """What stands in for a name at an exchange: the same base, in other quotes, best first.

        In the order of the rules of that exchange, then of the quote's equivalence group.
        """
        base, quote = split_name(name)
        first = self._rules.venue(exchange).alternatives.get(quote, ())
        quotes = dict.fromkeys((*first, *self._rules.equivalents(quote)))
        found = (self._best(f"{base}-{other}", exchange, kind) for other in quotes)
        return tuple(each for each in found if each is not None and each.quote != quote)

    def find_related(self, base: str) -> tuple[MappedInstrument, ...]:
        """Everything of this base, on all exchanges, in all quotes, of all kinds."""
        return tuple(self._by_base.get(base.upper(), ())) if base else ()

    def usd_pairs(self, base: str | None = None) -> tuple[MappedInstrument, ...]:
        """Everything whose quote counts as US dollars; with `base`, only of that."""
        dollars = self._rules.groups.get(USD_EQUIVALENT, ())
        among = self._all if base is None else self.find_related(base)
        return tuple(each for each in among if each.quote in dollars)

    def are_equivalent(self, a: str, b: str) -> bool:
        """Whether two normal names have the same base, and quotes that count as the same."""
        (base_a, quote_a), (base_b, quote_b) = split_name(a), split_name(b)
        return base_a == base_b and quote_b in self._rules.equivalents(quote_a)

    def _aliased(self, exchange: str, dashed: str) -> str | None:
        """The normal name of what an exchange may spell so; None if that is nothing else."""
        parts = split_name(dashed)
        base, quote = (self._rules.currency(exchange, part) for part in parts)
        return None if (base, quote) == parts else f"{base}-{quote}"

    def _best(self, name: str, exchange: str, kind: str | None) -> MappedInstrument | None:
        here = (each for each in self.find(name) if each.exchange == exchange)
        return next((each for each in here if kind in (None, each.kind)), None)


def split_name(name: str) -> tuple[str, str]:
    """(base, quote) of a normal name, in upper case; the quote is empty if it has none."""
    base, dash, quote = name.upper().rpartition("-")
    return (base, quote) if dash else (quote, "")


def _dashed(text: str) -> str:
    return text.strip().upper().replace("/", "-").replace("_", "-")


def _place(each: MappedInstrument) -> tuple[object, ...]:
    kind = (each.kind != SPOT, each.kind)
    return each.exchange, kind, not each.active, len(each.symbol), each.symbol


def _currencies(exchange: str, listed: Instrument, rules: SymbolRules) -> tuple[str, str]:
    """Base and quote in normal spelling; empty what nobody says."""
    override = rules.venue(exchange).overrides.get(listed.symbol, _NOTHING)
    base = _first(override.base, rules.currency(exchange, listed.base))
    return base, _first(override.quote, rules.currency(exchange, listed.quote))


def _first(override: str | None, otherwise: str) -> str:
    return otherwise if override is None else override


def _plain(step: str) -> str:
    """A step or a least size as a plain decimal; nothing if it is no number above zero."""
    try:
        number = decimal.Decimal(step)
    except decimal.InvalidOperation:
        return ""
    if not number.is_finite() or number <= 0 or abs(number.adjusted()) > _MAX_EXPONENT:
        return ""
    return f"{number.normalize():f}"
