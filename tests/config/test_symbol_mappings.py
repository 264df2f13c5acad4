"""The file of symbol mappings: texts stay texts, and every mistake is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.given import EXAMPLE, VENUES
from tick_logger.config.load import load
from tick_logger.config.symbols import BUILT_IN, load_symbol_rules
from tick_logger.errors import ConfigError
from tick_logger.exchanges import registry
from tick_logger.model.symbol_rules import (
    AssetClass,
    Override,
    QuoteType,
    SymbolRules,
    VenueRules,
)

LEAST = "quote_groups: {USD_EQUIVALENT: [USD]}\nfiat: [USD]\nstablecoins: [USDT]\n"


@pytest.fixture
def rules_file(tmp_path: Path) -> Path:
    """Where a test may put its mappings."""
    return tmp_path / "symbols.yaml"


def rules_of(file: Path, text: str) -> SymbolRules:
    file.write_text(text, encoding="utf-8")
    return load_symbol_rules(str(file), VENUES)


def problems_of(file: Path, text: str) -> list[tuple[str, str]]:
    """What is wrong with a file of this text, with the paths within the file."""
    with pytest.raises(ConfigError) as caught:
        rules_of(file, text)
    return [(at.removeprefix(f"{file}: "), reason) for at, reason in caught.value.problems]


# -- the file that comes with the program ---------------------------------------------------------


def test_the_built_in_file_is_the_one_in_the_repository() -> None:
    """One file: what users read in `config/` is what the program reads."""
    assert BUILT_IN.resolve() == (EXAMPLE.parent / "symbol_mappings.yaml").resolve()


def test_the_built_in_rules() -> None:
    """What every user may count on."""
    rules = load_symbol_rules("", ())
    assert rules.groups["USD_EQUIVALENT"] == ("USD", "USDT", "USDC", "BUSD", "DAI")
    assert {"USD", "EUR", "KRW"} <= rules.fiat
    assert {"USDT", "USDC", "BUSD", "DAI"} <= rules.stablecoins
    assert rules.currency("kraken", "XBT") == "BTC"
    assert rules.currency("kraken", "XXDG") == "DOGE"
    assert rules.currency("kraken", "ZEUR") == "EUR"
    assert rules.asset_class("binance", "PAXG") is AssetClass.COMMODITY
    assert rules.asset_class("bybit_linear", "META") is AssetClass.EQUITY
    assert rules.asset_class("coinbase", "META") is AssetClass.CRYPTO


def test_every_member_of_a_built_in_group_is_money() -> None:
    """A quote that counts as the dollar is the dollar or a stablecoin."""
    rules = load_symbol_rules("", ())
    for group in rules.groups.values():
        assert {rules.quote_type(quote) for quote in group} <= {
            QuoteType.FIAT,
            QuoteType.STABLECOIN,
        }


def test_the_built_in_file_names_only_exchanges_that_there_are() -> None:
    """A copy of it, named in a configuration, is accepted."""
    assert load_symbol_rules(str(BUILT_IN), registry.available()).venues


# -- what may be said -----------------------------------------------------------------------------


def test_everything_that_a_file_may_say(rules_file: Path) -> None:
    """All sections."""
    text = """
        quote_groups: {USD_EQUIVALENT: [USD, USDT], OTHERS: [EUR, EURC]}
        fiat: [USD, EUR]
        stablecoins: [USDT, EURC]
        asset_classes: {commodity: [PAXG], equity: [AAPL]}
        venues:
          alpha:
            aliases: {XBT: BTC}
            alternatives: {USD: [USDT, EUR]}
            asset_classes: {equity: [META]}
            overrides:
              "A/B": {base: A, quote: B, asset_class: fiat, kind: linear, active: false}
              C D: {tick_size: 0.010, lot_size: 1e-3, active: true}
          beta: {}
    """
    assert rules_of(rules_file, text) == SymbolRules(
        groups={"USD_EQUIVALENT": ("USD", "USDT"), "OTHERS": ("EUR", "EURC")},
        fiat=frozenset({"USD", "EUR"}),
        stablecoins=frozenset({"USDT", "EURC"}),
        asset_classes={"PAXG": AssetClass.COMMODITY, "AAPL": AssetClass.EQUITY},
        venues={
            "alpha": VenueRules(
                aliases={"XBT": "BTC"},
                alternatives={"USD": ("USDT", "EUR")},
                asset_classes={"META": AssetClass.EQUITY},
                overrides={
                    "A/B": Override(
                        base="A",
                        quote="B",
                        asset_class=AssetClass.FIAT,
                        kind="linear",
                        active=False,
                    ),
                    "C D": Override(tick_size="0.010", lot_size="1e-3", active=True),
                },
            ),
            "beta": VenueRules(),
        },
        exchanges=frozenset({"alpha", "beta"}),
    )


def test_texts_stay_texts(rules_file: Path) -> None:
    """Nothing is taken for a truth value, a number, a date or nothing."""
    words = ["NO", "ON", "Y", "YES", "OFF", "TRUE", "NULL", "1E3", "0X10", "010", "1.0", "2024"]
    words += [".INF", ".NAN", "~", "=", "<<"]
    rules = rules_of(
        rules_file,
        "quote_groups: {USD_EQUIVALENT: [USD]}\nfiat: []\n"
        f"stablecoins: [{', '.join(words)}]\n"
        "venues: {alpha: {aliases: {NO: ON, 1E3: Y}, overrides: {no: {base: NO, quote: ON}}}}",
    )
    assert rules.stablecoins == set(words)
    assert rules.venues["alpha"].aliases == {"NO": "ON", "1E3": "Y"}
    assert rules.venues["alpha"].overrides == {"no": Override(base="NO", quote="ON")}


def test_tags_do_not_make_objects(rules_file: Path) -> None:
    """A tag is passed over: the text stays a text."""
    text = LEAST.replace("fiat: [USD]", "fiat: [!!int 12, !!python/name:os.system X]")
    assert rules_of(rules_file, text).fiat == {"12", "X"}


# -- what may not ---------------------------------------------------------------------------------


MISTAKEN = """\
quote_groups:
  USD_EQUIVALENT: [USD, USDT, USD]
  OTHERS: [EUR, USDT]
fiat: [usd, USD, "", A B, [EUR]]
stablecoins: USDT
asset_classes:
  comodity: [PAXG]
  equity: [A, B]
  commodity: [B]
fiat: [EUR]
venus: {}
venues:
  alfa: {aliases: {}}
  alpha:
    aliases: {xbt: BTC, X: btc}
    alternatives: [USD]
    asset_classes: {equity: [A-B]}
    overrides:
      AB: {bse: A}
      CD: {}
      EF: {base: a, quote: B/C, asset_class: stock, kind: swap}
      GH: {tick_size: 0, lot_size: x, active: no}
      IJ: {base: [A]}
      KL: BTC
      AB: {base: B}
"""

_CLASSES = "crypto, stablecoin, fiat, commodity, equity, unknown"
_AT = "venues.alpha.overrides"

MISTAKES = [
    ("fiat", "occurs more than once (line 10)"),
    ("venus", 'unknown key; did you mean "venues"? (line 11)'),
    ("quote_groups.USD_EQUIVALENT[2]", '"USD" is in the list already (line 2)'),
    ("quote_groups.OTHERS", '"USDT" is in USD_EQUIVALENT already (line 3)'),
    ("fiat[0]", 'must be in upper case, not "usd" (line 4)'),
    ("fiat[2]", 'must be a currency such as BTC, not "" (line 4)'),
    ("fiat[3]", 'must be a currency such as BTC, not "A B" (line 4)'),
    ("fiat[4]", "must be a text, not a list (line 4)"),
    ("stablecoins", 'must be a list, not the text "USDT" (line 5)'),
    (
        "asset_classes.comodity",
        'unknown key; did you mean "commodity"? (line 7)',
    ),
    ("asset_classes.commodity", '"B" is in equity already (line 9)'),
    (
        "venues.alfa",
        'unknown exchange; available: alpha, beta; did you mean "alpha"? (line 13)',
    ),
    ("venues.alpha.aliases.xbt", 'as a key must be in upper case, not "xbt" (line 15)'),
    ("venues.alpha.aliases.X", 'must be in upper case, not "btc" (line 15)'),
    ("venues.alpha.alternatives", "must be a mapping, not a list (line 16)"),
    (
        "venues.alpha.asset_classes.equity[0]",
        'must be a currency such as BTC, not "A-B" (line 17)',
    ),
    (f"{_AT}.AB", "occurs more than once (line 25)"),
    (f"{_AT}.AB.bse", 'unknown key; did you mean "base"? (line 19)'),
    (f"{_AT}.CD", "changes nothing (line 20)"),
    (f"{_AT}.EF.base", 'must be in upper case, not "a" (line 21)'),
    (f"{_AT}.EF.quote", 'must be a currency such as BTC, not "B/C" (line 21)'),
    (f"{_AT}.EF.asset_class", f'must be one of {_CLASSES}, not "stock" (line 21)'),
    (f"{_AT}.EF.kind", 'must be one of spot, linear, not "swap" (line 21)'),
    (f"{_AT}.GH.tick_size", 'must be a number above zero, not "0" (line 22)'),
    (f"{_AT}.GH.lot_size", 'must be a number above zero, not "x" (line 22)'),
    (f"{_AT}.GH.active", 'must be one of true, false, not "no" (line 22)'),
    (f"{_AT}.IJ.base", "must be a text, not a list (line 23)"),
    (f"{_AT}.KL", 'must be a mapping, not the text "BTC" (line 24)'),
]


def test_all_mistakes_are_found_at_once(rules_file: Path) -> None:
    """Each with its path, the reason and its line."""
    assert sorted(problems_of(rules_file, MISTAKEN)) == sorted(MISTAKES)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (
            "{}",
            [
                ("quote_groups", "is missing"),
                ("fiat", "is missing"),
                ("stablecoins", "is missing"),
            ],
        ),
        (
            LEAST.replace("USD_EQUIVALENT", "DOLLARS"),
            [("quote_groups.USD_EQUIVALENT", "is missing (line 1)")],
        ),
        (LEAST.replace("[USDT]", "[USD]"), [("stablecoins.USD", "is in fiat as well (line 3)")]),
        (LEAST.replace("[USDT]", ""), [("stablecoins", "must be a list, not nothing (line 3)")]),
        (LEAST + "? [A]\n: B\n", [("", "a key must be a text, not a list (line 4)")]),
    ],
)
def test_what_must_be_there(rules_file: Path, text: str, problems: list[tuple[str, str]]) -> None:
    """A file that lacks the necessary would give wrong names in silence."""
    expected = [(at or str(rules_file), reason) for at, reason in problems]
    assert problems_of(rules_file, text) == expected


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"# nothing but words\n", "is empty"),
        (b"\xff\xfe\xff", "is not UTF-8 text"),
        (b"fiat: [USD\nvenues: }", "is not understood: "),
        (b"a: 1\n--- \nb: 2\n", "is not understood: but found another document (line 2)"),
        (b"fiat: &all [USD]\nstablecoins: *all\n", "is not understood: has an alias (*) (line 2)"),
        (b"a: &a [*a]\n", "is not understood: has an alias (*) (line 1)"),
        (b"a: \x07\n", "is not understood: unacceptable character #x0007"),
        (b"[" * 5000, "is not understood: too many levels"),
    ],
)
def test_what_is_no_yaml(rules_file: Path, content: bytes, reason: str) -> None:
    """The path of the file and where it goes wrong."""
    rules_file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_symbol_rules(str(rules_file), VENUES)
    ((path, why),) = caught.value.problems
    assert path == str(rules_file)
    assert why.startswith(reason)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """The system's own words."""
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_symbol_rules(str(tmp_path / "nothing.yaml"), VENUES)


# -- named by the configuration -------------------------------------------------------------------


def test_mistakes_in_the_named_file_are_mistakes_of_the_configuration(
    file: Path, rules_file: Path
) -> None:
    """Told together with the others, before anything is touched."""
    rules_file.write_text(LEAST.replace("[USDT]", "[usdt]"))
    section = f'[logger]\nlinger_ms = -1\nsymbol_mappings = "{rules_file}"\n'
    file.write_text(f"{section}[http]\nport = -1\n")
    with pytest.raises(ConfigError) as caught:
        load(file, {}, VENUES)
    paths = [path for path, _ in caught.value.problems]
    assert paths == ["logger.linger_ms", "http.port", f"{rules_file}: stablecoins[0]"]


def test_the_named_file_must_be_there(file: Path) -> None:
    """A path with a typing error is not the built-in file."""
    file.write_text('[logger]\nsymbol_mappings = "nowhere.yaml"\n')
    with pytest.raises(ConfigError, match=r"logger.symbol_mappings: there is no file"):
        load(file, {}, VENUES)
