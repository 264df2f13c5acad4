"""Pairs across exchanges, and rules of equivalence: what a file of symbol mappings may say as well.

    symbol_mappings:
      - normalized: BTC-USD
        base: BTC
        quote: USD
        quote_type: fiat                  # or stablecoin, crypto
        exchanges: {EXCHANGE: BTC-USD, ANOTHER: XBT/USD}
    equivalence_rules:
      quote_assets:
        - {group: USD_EQUIVALENT, members: [USD, USDT, USDC], primary: USD}

A pair says of a symbol what an override says: its base and its quote.  A group is one of
`quote_groups`, whose primary quote comes first.  `base`, `quote`, `quote_type` and `primary` may be
left out.  Not here: how the two forms become rules (`symbols`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import attrs
import yaml

from tick_logger.config.rules import hint, listed, quoted
from tick_logger.config.yaml import Reader, joined
from tick_logger.model.symbol_rules import Override, QuoteType

PAIRS = "symbol_mappings"
EQUIVALENCE = "equivalence_rules"
QUOTE_TYPES = (QuoteType.FIAT, QuoteType.STABLECOIN, QuoteType.CRYPTO)

_OF_PAIR = ("normalized", "base", "quote", "quote_type", "exchanges")
_OF_GROUP = ("group", "members", "primary")

Reason = Callable[[str], str | None]
"""Why a text is no currency in normal spelling, if it is none."""


@attrs.frozen
class Pairs:
    """What the pairs of a file say: types of quotes, and overrides by exchange and symbol."""

    types: Mapping[str, QuoteType]
    overrides: Mapping[str, Mapping[str, Override]]


class PairReader:
    """Takes the two sections apart; what is wrong with them goes to `reader.problems`.

    `exchanges` are those that may be named.
    """

    def __init__(self, reader: Reader, not_a_currency: Reason, exchanges: Collection[str]) -> None:
        self._reader = reader
        self._not_a_currency = not_a_currency
        self._exchanges = exchanges
        self._types: dict[str, QuoteType] = {}
        self._overrides: dict[str, dict[str, Override]] = {}

    def pairs(self, section: yaml.Node) -> Pairs:
        """The pairs, none of them twice, and no symbol in two of them."""
        names: set[str] = set()
        for path, node in self._reader.sequence(section, PAIRS):
            parts = self._parts(node, path, _OF_PAIR, ("normalized", "exchanges"))
            name = self._text(parts, path, "normalized", self._not_a_name)
            if name in names:
                self._complain(parts, path, "normalized", f"{quoted(name)} is in the list already")
            if name:
                names.add(name)
                self._pair(name, parts, path)
        return Pairs(self._types, self._overrides)

    def groups(self, section: yaml.Node) -> dict[str, tuple[str, ...]]:
        """Groups of quotes, the primary one of each first; no quote in two of them."""
        groups, group_of = dict[str, tuple[str, ...]](), dict[str, str]()
        rules = self._parts(section, EQUIVALENCE, ("quote_assets",), ("quote_assets",))
        if "quote_assets" not in rules:
            return groups
        for path, node in self._reader.sequence(
            rules["quote_assets"], f"{EQUIVALENCE}.quote_assets"
        ):
            parts = self._parts(node, path, _OF_GROUP, ("group", "members"))
            name = self._text(parts, path, "group", lambda text: None if text else "is empty")
            members = self._members(parts, path)
            primary = self._text(parts, path, "primary", self._not_a_currency)
            if name in groups:
                self._complain(parts, path, "group", f"{quoted(name)} is in the list already")
            if primary is not None and primary not in members:
                self._complain(parts, path, "primary", f"{quoted(primary)} is none of the members")
            for member in members:
                other = group_of.setdefault(member, str(name))
                if other != name:
                    self._complain(
                        parts, path, "members", f"{quoted(member)} is in {other} already"
                    )
            if name:
                groups[name] = tuple(dict.fromkeys((*([primary] if primary else []), *members)))
        return groups

    def _pair(self, name: str, parts: Mapping[str, yaml.Node], path: str) -> None:
        base, quote = name.split("-")
        for key, implied in (("base", base), ("quote", quote)):
            said = self._text(parts, path, key, self._not_a_currency)
            if said is not None and said != implied:
                self._complain(parts, path, key, f"{quoted(said)} is not the {key} of {name}")
        word = self._text(parts, path, "quote_type", self._not_a_type)
        if word is not None:
            known = self._types.setdefault(quote, QuoteType(word))
            if known != word:
                reason = f"{quote} is {known} in another pair, not {word}"
                self._complain(parts, path, "quote_type", reason)
        if "exchanges" in parts:
            for exchange, node in self._reader.mapping(
                parts["exchanges"], f"{path}.exchanges"
            ).items():
                self._symbol(exchange, node, f"{path}.exchanges.{exchange}", base, quote)

    def _symbol(self, exchange: str, node: yaml.Node, path: str, base: str, quote: str) -> None:
        symbol = self._reader.text(node, path)
        if exchange not in self._exchanges:
            known = f"; available: {listed(self._exchanges)}{hint(exchange, self._exchanges)}"
            self._reader.complain(path, f"unknown exchange{known}", node)
        elif symbol is not None:
            symbols = self._overrides.setdefault(exchange, {})
            if not symbol:
                self._reader.complain(path, "must be a symbol, not nothing", node)
            elif symbol in symbols:
                before = f"{symbols[symbol].base}-{symbols[symbol].quote}"
                self._reader.complain(path, f"{quoted(symbol)} is {before} already", node)
            else:
                symbols[symbol] = Override(base=base, quote=quote)

    # -- parts ------------------------------------------------------------------------------------

    def _parts(
        self, node: yaml.Node, path: str, known: Collection[str], needed: Collection[str]
    ) -> dict[str, yaml.Node]:
        """A mapping that has only known keys, and those that are needed."""
        found = self._reader.mapping(node, path)
        for key in [key for key in found if key not in known]:
            near = hint(key, known) or f"; known here: {listed(known)}"
            self._reader.complain(joined(path, key), f"unknown key{near}", found.pop(key))
        if isinstance(node, yaml.MappingNode):
            for key in needed:
                if key not in found:
                    self._reader.complain(joined(path, key), "is missing", node)
        return found

    def _text(
        self, parts: Mapping[str, yaml.Node], path: str, key: str, reason_of: Reason
    ) -> str | None:
        if key not in parts:
            return None
        found = self._reader.text(parts[key], f"{path}.{key}")
        reason = None if found is None else reason_of(found)
        if reason is None:
            return found
        self._complain(parts, path, key, reason)
        return None

    def _members(self, parts: Mapping[str, yaml.Node], path: str) -> list[str]:
        if "members" not in parts:
            return []
        found: list[str] = []
        for at, node in self._reader.sequence(parts["members"], f"{path}.members"):
            member = self._reader.text(node, at)
            reason = None if member is None else self._not_a_currency(member)
            if reason is None and member in found:
                reason = f"{quoted(member)} is in the list already"
            if reason is not None:
                self._reader.complain(at, reason, node)
            elif member is not None:
                found.append(member)
        return found

    def _complain(self, parts: Mapping[str, yaml.Node], path: str, key: str, reason: str) -> None:
        self._reader.complain(f"{path}.{key}", reason, parts[key])

    def _not_a_name(self, text: str) -> str | None:
        base, dash, quote = text.partition("-")
        if not dash or self._not_a_currency(base) or self._not_a_currency(quote):
            return f"must be a base and a quote in upper case such as BTC-USD, not {quoted(text)}"
        return None

    def _not_a_type(self, text: str) -> str | None:
        if text in tuple(QUOTE_TYPES):
            return None
        return f"must be one of {listed(QUOTE_TYPES)}, not {quoted(text)}{hint(text, QUOTE_TYPES)}"
