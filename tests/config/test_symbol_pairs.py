"""Pairs across exchanges and rules of equivalence, in a file of symbol mappings."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from tests.config.given import VENUES
from tick_logger.config.symbols import load_symbol_rules
from tick_logger.errors import ConfigError
from tick_logger.exchanges import registry
from tick_logger.model.instruments import Instrument
from tick_logger.model.symbol_rules import QuoteType, SymbolRules
from tick_logger.model.symbols import SymbolMapper

WHOLE = """\
symbol_mappings:
  - normalized: "BTC-USD"
    base: "BTC"
    quote: "USD"
    quote_type: "fiat"
    exchanges:
      coinbase: "BTC-USD"
      kraken: "XBT/USD"
  - normalized: BTC-USDT
    base: BTC
    quote: USDT
    quote_type: stablecoin
    exchanges: {binance: BTCUSDT, kraken: odd}
  - normalized: GOLD-MINE
    exchanges: {kraken: XXMINE}
    quote_type: crypto
equivalence_rules:
  quote_assets:
    - group: USD_EQUIVALENT
      members: [USDT, USD, USDC]
      primary: USD
    - group: WON
      members: [KRW, BKRW]
"""


@pytest.fixture
def rules_file(tmp_path: Path) -> Path:
    """Where a test may put its mappings."""
    return tmp_path / "symbols.yaml"


def rules_of(file: Path, text: str) -> SymbolRules:
    file.write_text(text, encoding="utf-8")
    return load_symbol_rules(str(file), registry.available())


def problems_of(file: Path, text: str) -> list[tuple[str, str]]:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_symbol_rules(str(file), VENUES)
    return [(at.removeprefix(f"{file}: "), reason) for at, reason in caught.value.problems]


def test_a_file_of_pairs_is_read_as_it_stands(rules_file: Path) -> None:
    """It names symbols whatever listings say; what it leaves out is as without it."""
    rules = rules_of(rules_file, WHOLE)
    listings = {
        "kraken": [
            Instrument("XBT/USD", base="XBT", quote="ZUSD"),
            Instrument("odd", base="", quote=""),
            Instrument("XXMINE", base="A", quote="B"),
            Instrument("XDG/USD", base="XDG", quote="ZUSD"),
        ],
        "binance": [Instrument("BTCUSDT", base="BTC", quote="USDT")],
        "coinbase": [Instrument("BTC-USD", base="BTC", quote="USD")],
    }
    mapper = SymbolMapper.from_listings(listings, rules)
    names = {each.symbol: each.name for each in mapper.instruments}
    assert names == {
        "XBT/USD": "BTC-USD",
        "odd": "BTC-USDT",
        "XXMINE": "GOLD-MINE",
        "XDG/USD": "DOGE-USD",
        "BTCUSDT": "BTC-USDT",
        "BTC-USD": "BTC-USD",
    }
    assert [(each.exchange, each.symbol) for each in mapper.usd_pairs("BTC")] == [
        ("binance", "BTCUSDT"),
        ("coinbase", "BTC-USD"),
        ("kraken", "odd"),
        ("kraken", "XBT/USD"),
    ]


def test_groups_begin_with_their_primary_quote(rules_file: Path) -> None:
    """It is what stands in first where a quote is not listed; other groups are gone."""
    rules = rules_of(rules_file, WHOLE)
    assert rules.groups == {"USD_EQUIVALENT": ("USD", "USDT", "USDC"), "WON": ("KRW", "BKRW")}
    assert SymbolMapper((), rules).are_equivalent("BTC-USD", "BTC-USDC")
    assert not SymbolMapper((), rules).are_equivalent("BTC-EUR", "BTC-EURC")


def test_a_pair_says_what_its_quote_is(rules_file: Path) -> None:
    """Also other than the file that comes with the program."""
    rules = rules_of(rules_file, WHOLE)
    assert rules.quote_type("MINE") is QuoteType.CRYPTO
    text = "symbol_mappings:\n  - {normalized: A-USD, quote_type: stablecoin, exchanges: {}}\n"
    text += "  - {normalized: A-NEW, quote_type: fiat, exchanges: {}}\n"
    text += "  - {normalized: A-USDT, quote_type: crypto, exchanges: {}}\n"
    other = rules_of(rules_file, text)
    assert [other.quote_type(each) for each in ("USD", "NEW", "USDT", "USDC", "EUR")] == [
        QuoteType.STABLECOIN,
        QuoteType.FIAT,
        QuoteType.CRYPTO,
        QuoteType.STABLECOIN,
        QuoteType.FIAT,
    ]


def test_sections_that_are_left_out_are_the_built_in_ones(rules_file: Path) -> None:
    """And those that are there hold alone, as in any file."""
    built_in = load_symbol_rules("", registry.available())
    pairs = "symbol_mappings: []\n"
    assert rules_of(rules_file, pairs) == built_in
    groups = "equivalence_rules: {quote_assets: [{group: USD_EQUIVALENT, members: [USD]}]}\n"
    assert rules_of(rules_file, groups) == attrs.evolve(
        built_in, groups={"USD_EQUIVALENT": ("USD",)}
    )
    own = rules_of(rules_file, pairs + "fiat: [USDT]\nvenues: {}\nasset_classes: {}\n")
    assert own.fiat == {"USDT"}
    assert own.stablecoins == built_in.stablecoins - {"USDT"}
    assert (own.venues, own.asset_classes) == ({}, {})


MISTAKEN = """\
symbol_mappings:
  - {normalized: btc-usd, exchanges: {}}
  - {normalized: BTC-USD, base: XBT, quote: EUR, quote_type: money, exchanges: {alfa: X}}
  - {normalised: BTC-USD}
  - BTC-USD
  - {normalized: BTC-USD, exchanges: [alpha]}
  - {normalized: ETH-USD, quote_type: fiat, exchanges: {alpha: E, beta: ""}}
  - {normalized: ETC-USD, quote_type: crypto, exchanges: {alpha: E, beta: [E]}}
  - {normalized: BTC-USD-PERP, exchanges: {alpha: P}}
  - {normalized: OLD-SOL, exchanges: {alpha: O}}
stablecoins: [USD]
venues:
  alpha: {overrides: {O: {active: false}}}
quote_groups: {USD_EQUIVALENT: [USD]}
equivalence_rules:
  quote_assets:
    - {group: OTHERS, members: [EUR, EUR, eur], primary: USD}
    - {group: OTHERS, members: [KRW], primar: KRW}
    - {group: LAST, members: [KRW]}
    - {members: USD}
  quotes: []
"""

_PAIR = "symbol_mappings"
_GROUP = "equivalence_rules.quote_assets"
_NAME = "must be a base and a quote in upper case such as BTC-USD"
_KNOWN = "normalized, base, quote, quote_type, exchanges"

MISTAKES = [
    (f"{_PAIR}[0].normalized", f'{_NAME}, not "btc-usd" (line 2)'),
    (f"{_PAIR}[1].base", '"XBT" is not the base of BTC-USD (line 3)'),
    (f"{_PAIR}[1].quote", '"EUR" is not the quote of BTC-USD (line 3)'),
    (
        f"{_PAIR}[1].quote_type",
        'must be one of fiat, stablecoin, crypto, not "money" (line 3)',
    ),
    (
        f"{_PAIR}[1].exchanges.alfa",
        'unknown exchange; available: alpha, beta; did you mean "alpha"? (line 3)',
    ),
    (f"{_PAIR}[2].normalised", 'unknown key; did you mean "normalized"? (line 4)'),
    (f"{_PAIR}[2].normalized", "is missing (line 4)"),
    (f"{_PAIR}[2].exchanges", "is missing (line 4)"),
    (f"{_PAIR}[3]", 'must be a mapping, not the text "BTC-USD" (line 5)'),
    (f"{_PAIR}[4].normalized", '"BTC-USD" is in the list already (line 6)'),
    (f"{_PAIR}[4].exchanges", "must be a mapping, not a list (line 6)"),
    (f"{_PAIR}[5].exchanges.beta", "must be a symbol, not nothing (line 7)"),
    (f"{_PAIR}[6].quote_type", "USD is fiat in another pair, not crypto (line 8)"),
    (f"{_PAIR}[6].exchanges.alpha", '"E" is ETH-USD already (line 8)'),
    (f"{_PAIR}[6].exchanges.beta", "must be a text, not a list (line 8)"),
    (f"{_PAIR}[7].normalized", f'{_NAME}, not "BTC-USD-PERP" (line 9)'),
    ("stablecoins.USD", "is fiat in symbol_mappings (line 11)"),
    ("venues.alpha.overrides.O", "is in symbol_mappings as well (line 13)"),
    ("equivalence_rules", "says what quote_groups says; leave one of them out (line 16)"),
    (f"{_GROUP}[0].members[1]", '"EUR" is in the list already (line 17)'),
    (f"{_GROUP}[0].members[2]", 'must be in upper case, not "eur" (line 17)'),
    (f"{_GROUP}[0].primary", '"USD" is none of the members (line 17)'),
    (f"{_GROUP}[1].group", '"OTHERS" is in the list already (line 18)'),
    (f"{_GROUP}[1].primar", 'unknown key; did you mean "primary"? (line 18)'),
    (f"{_GROUP}[2].members", '"KRW" is in OTHERS already (line 19)'),
    (f"{_GROUP}[3].group", "is missing (line 20)"),
    (f"{_GROUP}[3].members", 'must be a list, not the text "USD" (line 20)'),
    (f"{_GROUP}.USD_EQUIVALENT", "is missing (line 16)"),
    ("equivalence_rules.quotes", 'unknown key; did you mean "quote_assets"? (line 21)'),
]


def test_all_mistakes_are_found_at_once(rules_file: Path) -> None:
    """Each with its path, the reason and its line."""
    assert sorted(problems_of(rules_file, MISTAKEN)) == sorted(MISTAKES)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"{_PAIR}: {{}}\n", (_PAIR, "must be a list, not a mapping (line 1)")),
        (
            "equivalence_rules: {}\n",
            ("equivalence_rules.quote_assets", "is missing (line 1)"),
        ),
    ],
)
def test_sections_of_another_shape(rules_file: Path, text: str, problem: tuple[str, str]) -> None:
    """A section is not passed over because it is a list where none is expected."""
    assert problem in problems_of(rules_file, text)
