"""One name for the same thing everywhere, made of listings and rules."""

from __future__ import annotations

import attrs
import pytest

from tick_logger.model.instruments import Instrument
from tick_logger.model.symbol_rules import (
    AssetClass,
    Override,
    QuoteType,
    SymbolRules,
    VenueRules,
)
from tick_logger.model.symbols import (
    MappedInstrument,
    SymbolMapper,
    map_instrument,
    split_name,
)

RULES = SymbolRules(
    groups={"USD_EQUIVALENT": ("USD", "USDT", "USDC"), "EUR_EQUIVALENT": ("EUR", "EURC")},
    fiat=frozenset({"USD", "EUR", "KRW"}),
    stablecoins=frozenset({"USDT", "USDC", "EURC"}),
    asset_classes={"PAXG": AssetClass.COMMODITY},
    venues={
        "red": VenueRules(
            aliases={"XBT": "BTC", "ZUSD": "USD"},
            asset_classes={"META": AssetClass.EQUITY},
            overrides={
                "odd": Override(
                    base="ODD",
                    quote="USD",
                    asset_class=AssetClass.EQUITY,
                    kind="linear",
                    tick_size="0.50",
                    lot_size="2",
                    active=False,
                )
            },
        ),
        "blue": VenueRules(alternatives={"USD": ("USDC", "KRW", "USDT")}),
    },
)

LISTINGS = {
    "red": [
        Instrument("XBT/USD", "XBT", "ZUSD"),
        Instrument("XBT/EUR", "xbt", "EUR"),
        Instrument("USDT/USD", "USDT", "ZUSD"),
    ],
    "blue": [
        Instrument("KRW-BTC", "BTC", "KRW"),
        Instrument("BTCUSDT", "BTC", "USDT"),
        Instrument("BTCUSDC", "BTC", "USDC", active=False),
        Instrument("BTCUSDT-14AUG26", "BTC", "USDT", kind="linear"),
        Instrument("BTCUSDT.P", "BTC", "USDT", kind="linear"),
        Instrument("BTCUSD_OLD", "BTC", "USDT", active=False, kind="linear"),
        Instrument("ETHBTC", "ETH", "BTC"),
    ],
}
MAPPER = SymbolMapper.from_listings(LISTINGS, RULES)


def mapped(listed: Instrument, exchange: str = "red") -> MappedInstrument:
    return map_instrument(exchange, listed, RULES)


def places(found: tuple[MappedInstrument, ...]) -> list[tuple[str, str]]:
    return [(each.exchange, each.symbol) for each in found]


# -- one instrument -------------------------------------------------------------------------------


def test_everything_that_is_known_of_an_instrument() -> None:
    """Currencies in normal spelling, the rest as listed."""
    listed = Instrument("XBT/USD", "XBT", "ZUSD", tick_size="0.1", lot_size="0.0001")
    assert mapped(listed) == MappedInstrument(
        exchange="red",
        symbol="XBT/USD",
        name="BTC-USD",
        base="BTC",
        quote="USD",
        quote_type=QuoteType.FIAT,
        asset_class=AssetClass.CRYPTO,
        kind="spot",
        tick_size="0.1",
        lot_size="0.0001",
        active=True,
    )


def test_aliases_are_those_of_their_exchange() -> None:
    """Elsewhere the same letters may be another currency."""
    assert mapped(Instrument("a", "XBT", "USD"), "blue").name == "XBT-USD"
    assert mapped(Instrument("a", "XBT", "USD"), "red").pair == "BTC-USD"


@pytest.mark.parametrize(
    ("quote", "kind"), [("USD", "fiat"), ("USDC", "stablecoin"), ("BTC", "crypto"), ("", "unknown")]
)
def test_quote_types(quote: str, kind: str) -> None:
    """Crypto is what is listed as nothing else."""
    assert mapped(Instrument("s", "ETH", quote)).quote_type == kind


@pytest.mark.parametrize(
    ("exchange", "base", "what"),
    [
        ("red", "ETH", "crypto"),
        ("red", "EUR", "fiat"),
        ("red", "EURC", "stablecoin"),
        ("red", "PAXG", "commodity"),
        ("red", "META", "equity"),
        ("blue", "META", "crypto"),
        ("red", "", "unknown"),
    ],
)
def test_asset_classes(exchange: str, base: str, what: str) -> None:
    """Of the base; the exchange's own list goes first."""
    assert mapped(Instrument("s", base, "USD"), exchange).asset_class == what


@pytest.mark.parametrize(("base", "quote"), [("", "USD"), ("BTC", ""), ("", "")])
def test_nothing_is_guessed(base: str, quote: str) -> None:
    """Without base or quote the symbol is its own name."""
    found = mapped(Instrument("btcusd", base, quote))
    assert (found.name, found.base, found.quote) == ("btcusd", base, quote)
    assert found.pair == ""


@pytest.mark.parametrize(
    ("listed", "plain"),
    [
        ("0.01000000", "0.01"),
        ("1e-08", "0.00000001"),
        ("100", "100"),
        ("1.0", "1"),
        ("5E+2", "500"),
        ("0.00000000", ""),
        ("-1", ""),
        ("", ""),
        ("none", ""),
        ("NaN", ""),
        ("Infinity", ""),
        ("1e999999", ""),
    ],
)
def test_steps_are_plain_decimals(listed: str, plain: str) -> None:
    """Comparable between exchanges; what is no step is left out."""
    found = mapped(Instrument("s", "A", "B", tick_size=listed, lot_size=listed))
    assert (found.tick_size, found.lot_size) == (plain, plain)


def test_an_override_beats_the_listing() -> None:
    """In everything that it names, and only there."""
    listed = Instrument("odd", "WRONG", "WRONG", True, "9", "9", "spot")
    assert mapped(listed) == MappedInstrument(
        exchange="red",
        symbol="odd",
        name="ODD-USD",
        base="ODD",
        quote="USD",
        quote_type=QuoteType.FIAT,
        asset_class=AssetClass.EQUITY,
        kind="linear",
        tick_size="0.5",
        lot_size="2",
        active=False,
    )
    assert mapped(listed, "blue").name == "WRONG-WRONG"


# -- both ways ------------------------------------------------------------------------------------


def test_normalise() -> None:
    """From an exchange's symbol to what it is, whichever currency comes first in it."""
    assert MAPPER.normalise("red", "XBT/USD").name == "BTC-USD"
    assert MAPPER.normalise("blue", "KRW-BTC").name == "BTC-KRW"
    assert MAPPER.normalise("blue", "ETHBTC").name == "ETH-BTC"


def test_a_symbol_in_the_other_spelling_of_its_exchange() -> None:
    """An exchange that has given up its own names of currencies still listens to them."""
    listings = {name: [Instrument("BTC/USD", "BTC", "USD")] for name in ("red", "blue")}
    newer = SymbolMapper.from_listings(listings, RULES)
    for symbol in ("XBT/USD", "XBT/ZUSD", "xbt-usd", "BTC/USD"):
        assert newer.normalise("red", symbol).symbol == "BTC/USD"
    for symbol in ("XBT/USD", "BTC-USD"):
        with pytest.raises(LookupError):
            newer.normalise("blue", symbol)
    assert newer.spelled("xbt/usd") == ("BTC-USD",)


@pytest.mark.parametrize(("exchange", "symbol"), [("red", "KRW-BTC"), ("green", "XBT/USD")])
def test_what_is_not_listed_cannot_be_normalised(exchange: str, symbol: str) -> None:
    """Another exchange's symbol proves nothing."""
    with pytest.raises(LookupError, match=f"{exchange} lists no symbol '{symbol}'"):
        MAPPER.normalise(exchange, symbol)


def test_to_exchange() -> None:
    """From a name, in any case, to the exchange's symbol."""
    assert MAPPER.to_exchange("BTC-USD", "red") == "XBT/USD"
    assert MAPPER.to_exchange("btc-krw", "blue") == "KRW-BTC"
    assert MAPPER.to_exchange("BTC-USD", "blue") is None
    assert MAPPER.to_exchange("BTC-USD", "green") is None


def test_of_several_the_plainest_active_one_is_meant() -> None:
    """The perpetual future, not a dated one, and not one that is gone."""
    assert MAPPER.to_exchange("BTC-USDT", "blue") == "BTCUSDT"
    assert MAPPER.to_exchange("BTC-USDT", "blue", kind="linear") == "BTCUSDT.P"
    assert MAPPER.to_exchange("BTC-KRW", "blue", kind="linear") is None


def test_without_a_kind_spot_goes_first_and_anything_will_do() -> None:
    """Some exchanges list nothing but futures."""
    future = Instrument("BTCUSDT", "BTC", "USDT", kind="linear")
    mapper = SymbolMapper.from_listings({"green": [future]}, RULES)
    assert mapper.to_exchange("BTC-USDT", "green") == "BTCUSDT"
    assert mapper.to_exchange("BTC-USDT", "green", kind="spot") is None
    assert places(mapper.alternatives("BTC-USD", "green")) == [("green", "BTCUSDT")]


def test_what_is_not_active_still_has_its_symbol() -> None:
    """There may be data of it."""
    assert MAPPER.to_exchange("BTC-USDC", "blue") == "BTCUSDC"


def test_there_and_back_again() -> None:
    """Every instrument is found by its name, at its exchange and among its kind."""
    for each in MAPPER.instruments:
        assert MAPPER.normalise(each.exchange, each.symbol) is each
        assert each in MAPPER.find(each.name)
        symbol = MAPPER.to_exchange(each.name, each.exchange, each.kind)
        assert symbol is not None
        assert MAPPER.normalise(each.exchange, symbol).name == each.name


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("BTC-USD", ("BTC-USD",)),
        (" btc/usd ", ("BTC-USD",)),
        ("btc_usd", ("BTC-USD",)),
        ("xbt/usd", ("BTC-USD",)),
        ("BTCUSDT", ("BTC-USDT",)),
        ("KRW-BTC", ("BTC-KRW",)),
        ("BTC-GBP", ()),
        ("", ()),
    ],
)
def test_how_people_write_names(text: str, names: tuple[str, ...]) -> None:
    """A name with another sign between, or any exchange's symbol."""
    assert MAPPER.spelled(text) == names


def test_a_symbol_may_mean_several_names() -> None:
    """Exchanges do not agree on what letters stand for."""
    listings = {
        "red": [Instrument("ABC", "A", "BC")],
        "blue": [Instrument("abc", "AB", "C"), Instrument("ABD", "A", "D")],
    }
    assert SymbolMapper.from_listings(listings, RULES).spelled("ABC") == ("A-BC", "AB-C")


# -- what is like it ------------------------------------------------------------------------------


def test_find_related() -> None:
    """Everything of a base: by exchange, spot first, what is active before what is not."""
    assert places(MAPPER.find_related("btc")) == [
        ("blue", "BTCUSDT"),
        ("blue", "KRW-BTC"),
        ("blue", "BTCUSDC"),
        ("blue", "BTCUSDT.P"),
        ("blue", "BTCUSDT-14AUG26"),
        ("blue", "BTCUSD_OLD"),
        ("red", "XBT/EUR"),
        ("red", "XBT/USD"),
    ]
    assert MAPPER.find_related("XRP") == ()
    assert SymbolMapper([mapped(Instrument("x"))], RULES).find_related("") == ()


def test_usd_pairs() -> None:
    """Everything in dollars or what counts as such, or only of one base."""
    in_dollars = [
        ("blue", "BTCUSDT"),
        ("blue", "BTCUSDC"),
        ("blue", "BTCUSDT.P"),
        ("blue", "BTCUSDT-14AUG26"),
        ("blue", "BTCUSD_OLD"),
        ("red", "XBT/USD"),
    ]
    assert places(MAPPER.usd_pairs("BTC")) == in_dollars
    assert places(MAPPER.usd_pairs()) == [*in_dollars, ("red", "USDT/USD")]


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("BTC-USD", "BTC-USDT", True),
        ("btc-usdc", "BTC-USDT", True),
        ("BTC-EUR", "BTC-EURC", True),
        ("BTC-KRW", "BTC-KRW", True),
        ("BTC-USD", "BTC-EUR", False),
        ("BTC-USD", "ETH-USD", False),
        ("BTC-KRW", "BTC-JPY", False),
        ("ODD", "ODD", True),
        ("ODD", "EVEN", False),
    ],
)
def test_are_equivalent(a: str, b: str, same: bool) -> None:
    """The same base, and quotes that count as the same; either way round."""
    assert MAPPER.are_equivalent(a, b) is same
    assert MAPPER.are_equivalent(b, a) is same


def test_alternatives_come_in_the_order_of_the_rules() -> None:
    """Those of the exchange first, then the group's; never what was asked for itself."""
    assert places(MAPPER.alternatives("BTC-USD", "blue")) == [
        ("blue", "BTCUSDC"),
        ("blue", "KRW-BTC"),
        ("blue", "BTCUSDT"),
    ]
    assert places(MAPPER.alternatives("BTC-USDT", "red")) == [("red", "XBT/USD")]
    assert MAPPER.alternatives("BTC-USD", "red") == ()
    assert places(MAPPER.alternatives("BTC-USD", "blue", kind="linear")) == [("blue", "BTCUSDT.P")]


def test_the_order_of_listings_does_not_matter() -> None:
    """Equal listings give equal answers."""
    turned = {name: listing[::-1] for name, listing in reversed(LISTINGS.items())}
    other = SymbolMapper.from_listings(turned, RULES)
    assert other.instruments == MAPPER.instruments
    assert other.find_related("BTC") == MAPPER.find_related("BTC")


def test_saved_facts_count_more_than_rules() -> None:
    """A mapper of what was saved answers with the names of that day."""
    old = attrs.evolve(MAPPER.normalise("red", "XBT/USD"), name="OLD-USD", base="OLD")
    mapper = SymbolMapper([old], RULES)
    assert mapper.normalise("red", "XBT/USD").name == "OLD-USD"
    assert mapper.to_exchange("OLD-USD", "red") == "XBT/USD"


@pytest.mark.parametrize(
    ("name", "parts"),
    [("btc-usd", ("BTC", "USD")), ("A-B-USD", ("A-B", "USD")), ("btcusd", ("BTCUSD", ""))],
)
def test_split_name(name: str, parts: tuple[str, str]) -> None:
    """The quote is what follows the last dash."""
    assert split_name(name) == parts
