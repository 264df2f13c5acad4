"""From a file of symbol mappings to `SymbolRules`, or to every reason why not.

A file is whole: what it leaves out is not known, and the groups, fiat currencies and stablecoins
may not be left out.  But one with pairs or rules of equivalence (`symbol_pairs`) may leave out any
section; the one of the file that comes with the program holds then.  That file is also the one
which is read without a file of the user's.
"""

from __future__ import annotations

import decimal
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import yaml

from tick_logger.config.rules import hint, listed, quoted
from tick_logger.config.symbol_pairs import EQUIVALENCE, PAIRS, PairReader, Pairs
from tick_logger.config.yaml import Reader, joined, read_yaml
from tick_logger.errors import ConfigError
from tick_logger.model.symbol_rules import (
    NO_RULES,
    USD_EQUIVALENT,
    AssetClass,
    Override,
    QuoteType,
    SymbolRules,
    VenueRules,
)

BUILT_IN = Path(__file__).with_name("symbol_mappings.yaml")
"""The file that comes with the program: in its repository, a link to the one in `config/`."""

_SECTIONS = ("quote_groups", "fiat", "stablecoins", "asset_classes", "venues")
_REQUIRED = ("quote_groups", "fiat", "stablecoins")
_OF_VENUE = ("aliases", "alternatives", "asset_classes", "overrides")
_TRUTH = {"true": True, "false": False}
_CURRENCY = re.compile(r"[^\s/_:-]+")  # the others separate base and quote
_LISTABLE = tuple(each.value for each in (AssetClass.COMMODITY, AssetClass.EQUITY))


def load_symbol_rules(path: str, exchanges: Collection[str]) -> SymbolRules:
    """The rules of a file; of the built-in one if `path` is empty.

    `exchanges` are those that a user's file may name; the built-in one may name more than there
    are.  Raises `ConfigError` with every problem at once.
    """
    file, reader = Path(path) if path else BUILT_IN, _Symbols([])
    root = read_yaml(file)
    sections = reader.keys(root, "", (*_SECTIONS, PAIRS, EQUIVALENCE))
    read = PairReader(reader, _not_a_currency, exchanges)
    pairs = read.pairs(sections[PAIRS]) if PAIRS in sections else Pairs({}, {})
    groups = reader.groups(sections)
    if EQUIVALENCE in sections:
        if "quote_groups" in sections:
            reason = "says what quote_groups says; leave one of them out"
            reader.complain(EQUIVALENCE, reason, sections[EQUIVALENCE])
        groups = reader.with_dollars(
            read.groups(sections[EQUIVALENCE]), f"{EQUIVALENCE}.quote_assets", sections[EQUIVALENCE]
        )
    rules = SymbolRules(
        groups=groups,
        fiat=frozenset(reader.section(sections, "fiat")),
        stablecoins=frozenset(reader.section(sections, "stablecoins")),
        asset_classes=reader.classes(sections, ""),
        venues=reader.venues(sections, exchanges if path else None),
        exchanges=frozenset(exchanges),
    )
    for currency in sorted(rules.fiat & rules.stablecoins):
        reader.complain(f"stablecoins.{currency}", "is in fiat as well", sections["stablecoins"])
    if PAIRS in sections or EQUIVALENCE in sections:
        reader.differing(pairs, rules, sections)
        rules = _with_pairs(rules, pairs, sections, load_symbol_rules("", exchanges))
    else:
        reader.problems.extend((n, "is missing") for n in _REQUIRED if n not in sections)
    if reader.problems:
        raise ConfigError([(f"{file}: {at}" if at else str(file), r) for at, r in reader.problems])
    return rules


def _with_pairs(
    rules: SymbolRules, pairs: Pairs, sections: Collection[str], built_in: SymbolRules
) -> SymbolRules:
    """Rules with what the pairs say; sections that the file leaves out are the built-in ones."""
    fiat, stablecoins = (
        getattr(rules if name in sections else built_in, name) for name in _REQUIRED[1:]
    )
    if "fiat" not in sections:
        fiat -= rules.stablecoins
    if "stablecoins" not in sections:
        stablecoins -= rules.fiat
    of_type = {
        kind: {quote for quote, said in pairs.types.items() if said is kind} for kind in QuoteType
    }
    venues = dict(rules.venues if "venues" in sections else built_in.venues)
    for exchange, overrides in pairs.overrides.items():
        before = venues.get(exchange, NO_RULES)
        venues[exchange] = attrs.evolve(before, overrides={**before.overrides, **overrides})
    grouped = "quote_groups" in sections or EQUIVALENCE in sections
    return attrs.evolve(
        rules,
        groups=rules.groups if grouped else built_in.groups,
        fiat=(fiat - pairs.types.keys()) | of_type[QuoteType.FIAT],
        stablecoins=(stablecoins - pairs.types.keys()) | of_type[QuoteType.STABLECOIN],
        asset_classes=(rules if "asset_classes" in sections else built_in).asset_classes,
        venues=venues,
    )


class _Symbols(Reader):
    """Reads the sections of the file."""

    def keys(self, node: yaml.Node, path: str, known: Collection[str]) -> dict[str, yaml.Node]:
        """A mapping that has only known keys."""
        found = self.mapping(node, path)
        for key in [key for key in found if key not in known]:
            near = hint(key, known) or f"; known here: {listed(known)}"
            self.complain(joined(path, key), f"unknown key{near}", found.pop(key))
        return found

    def currency(self, node: yaml.Node, path: str) -> str | None:
        """A currency in normal spelling."""
        found = self.text(node, path)
        reason = None if found is None else _not_a_currency(found)
        if reason is None:
            return found
        self.complain(path, reason, node)
        return None

    def currencies(self, node: yaml.Node, path: str) -> tuple[str, ...]:
        """A list of currencies, none of them twice."""
        found: dict[str, None] = {}
        for at, item in self.sequence(node, path):
            currency = self.currency(item, at)
            if currency in found:
                self.complain(at, f"{quoted(currency)} is in the list already", item)
            elif currency is not None:
                found[currency] = None
        return tuple(found)

    def section(self, sections: Mapping[str, yaml.Node], name: str) -> tuple[str, ...]:
        """The currencies of a whole section."""
        return self.currencies(sections[name], name) if name in sections else ()

    def named(self, node: yaml.Node, path: str) -> Iterator[tuple[str, str, yaml.Node]]:
        """(currency, path, value) of a mapping whose keys are currencies."""
        for key, value in self.mapping(node, path).items():
            at = joined(path, key)
            reason = _not_a_currency(key)
            if reason is None:
                yield key, at, value
            else:
                self.complain(at, f"as a key {reason}", value)

    # -- sections ---------------------------------------------------------------------------------

    def groups(self, sections: Mapping[str, yaml.Node]) -> dict[str, tuple[str, ...]]:
        """Groups of quotes, no quote in two of them."""
        path = "quote_groups"
        if path not in sections:
            return {}
        groups, group_of = {}, dict[str, str]()
        for name, node in self.mapping(sections[path], path).items():
            at = joined(path, name)
            groups[name] = self.currencies(node, at)
            for currency in groups[name]:
                other = group_of.setdefault(currency, name)
                if other != name:
                    self.complain(at, f"{quoted(currency)} is in {other} already", node)
        return self.with_dollars(groups, path, sections[path])

    def with_dollars(
        self, groups: dict[str, tuple[str, ...]], path: str, node: yaml.Node
    ) -> dict[str, tuple[str, ...]]:
        """The groups, of which the dollar's must be one."""
        if USD_EQUIVALENT not in groups:
            self.complain(joined(path, USD_EQUIVALENT), "is missing", node)
        return groups

    def differing(
        self, pairs: Pairs, rules: SymbolRules, sections: Mapping[str, yaml.Node]
    ) -> None:
        """Complain of what pairs and other sections of the same file say differently."""
        for quote, said in sorted(pairs.types.items()):
            for name, kind, known in (
                ("fiat", QuoteType.FIAT, rules.fiat),
                ("stablecoins", QuoteType.STABLECOIN, rules.stablecoins),
            ):
                if quote in known and said is not kind:
                    self.complain(f"{name}.{quote}", f"is {said} in {PAIRS}", sections[name])
        for exchange, symbols in pairs.overrides.items():
            for symbol in symbols.keys() & rules.venue(exchange).overrides.keys():
                path = f"venues.{exchange}.overrides.{symbol}"
                self.complain(path, f"is in {PAIRS} as well", sections["venues"])

    def classes(self, sections: Mapping[str, yaml.Node], path: str) -> dict[str, AssetClass]:
        """Bases that are neither crypto nor money, by class."""
        if "asset_classes" not in sections:
            return {}
        path = joined(path, "asset_classes")
        found: dict[str, AssetClass] = {}
        for name, node in self.keys(sections["asset_classes"], path, _LISTABLE).items():
            for base in self.currencies(node, joined(path, name)):
                if base in found:
                    reason = f"{quoted(base)} is in {found[base]} already"
                    self.complain(joined(path, name), reason, node)
                found[base] = AssetClass(name)
        return found

    def venues(
        self, sections: Mapping[str, yaml.Node], exchanges: Collection[str] | None
    ) -> dict[str, VenueRules]:
        """What is peculiar to exchanges."""
        if "venues" not in sections:
            return {}
        found = {}
        for name, node in self.mapping(sections["venues"], "venues").items():
            path = f"venues.{name}"
            if exchanges is not None and name not in exchanges:
                known = f"; available: {listed(exchanges)}{hint(name, exchanges)}"
                self.complain(path, f"unknown exchange{known}", node)
            else:
                found[name] = self.venue(self.keys(node, path, _OF_VENUE), path)
        return found

    def venue(self, parts: Mapping[str, yaml.Node], path: str) -> VenueRules:
        """What is peculiar to one exchange."""
        aliases, alternatives, overrides = {}, {}, {}
        if "aliases" in parts:
            for spelling, at, node in self.named(parts["aliases"], f"{path}.aliases"):
                aliases[spelling] = self.currency(node, at) or ""
        if "alternatives" in parts:
            for quote, at, node in self.named(parts["alternatives"], f"{path}.alternatives"):
                alternatives[quote] = self.currencies(node, at)
        if "overrides" in parts:
            for symbol, node in self.mapping(parts["overrides"], f"{path}.overrides").items():
                overrides[symbol] = self.override(node, f"{path}.overrides.{symbol}")
        return VenueRules(
            aliases=aliases,
            alternatives=alternatives,
            asset_classes=self.classes(parts, path),
            overrides=overrides,
        )

    def override(self, node: yaml.Node, path: str) -> Override:
        """What holds for one symbol."""
        values: dict[str, Any] = {}
        fields = self.keys(node, path, tuple(attrs.fields_dict(Override)))
        for key, value in fields.items():
            text, at = self.text(value, f"{path}.{key}"), f"{path}.{key}"
            if text is None:
                continue
            reason, values[key] = _OVERRIDES[key](text)
            if reason:
                self.complain(at, reason, value)
        if isinstance(node, yaml.MappingNode) and not node.value:
            self.complain(path, "changes nothing", node)
        return Override(**values)


# -- what single texts may be ---------------------------------------------------------------------


def _not_a_currency(text: str) -> str | None:
    """Why a text is no currency in normal spelling, if it is none."""
    if not _CURRENCY.fullmatch(text):
        return f"must be a currency such as BTC, not {quoted(text)}"
    return None if text == text.upper() else f"must be in upper case, not {quoted(text)}"


def _currency(text: str) -> tuple[str | None, str]:
    return _not_a_currency(text), text


def _word(known: Iterable[str], text: str) -> tuple[str | None, str]:
    words = tuple(known)
    if text in words:
        return None, text
    return f"must be one of {listed(words)}, not {quoted(text)}{hint(text, words)}", text


def _asset_class(text: str) -> tuple[str | None, AssetClass | None]:
    reason, _ = _word(AssetClass, text)
    return reason, None if reason else AssetClass(text)


def _truth(text: str) -> tuple[str | None, bool | None]:
    return _word(_TRUTH, text)[0], _TRUTH.get(text)


def _step(text: str) -> tuple[str | None, str]:
    try:
        number = decimal.Decimal(text)
    except decimal.InvalidOperation:
        number = decimal.Decimal(0)
    good = number.is_finite() and number > 0
    return None if good else f"must be a number above zero, not {quoted(text)}", text


_OVERRIDES: dict[str, Any] = {
    "base": _currency,
    "quote": _currency,
    "asset_class": _asset_class,
    "kind": partial(_word, ("spot", "linear")),
    "tick_size": _step,
    "lot_size": _step,
    "min_size": _step,
    "min_notional": _step,
    "active": _truth,
}
