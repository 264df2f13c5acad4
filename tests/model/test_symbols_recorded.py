"""Names of real listings of all venues, compared with what the venues say in other words."""

from __future__ import annotations

import functools
import json
from typing import Any

from tests.recordings import body, needs_recordings
from tick_logger.config.symbols import load_symbol_rules
from tick_logger.model.instruments import Instrument
from tick_logger.model.symbol_rules import AssetClass, QuoteType
from tick_logger.model.symbols import MappedInstrument, SymbolMapper

pytestmark = needs_recordings

KRAKEN = "kraken/rest_AssetPairs_2021-04-17.json"
KRAKEN_V2 = "kraken/instrument_snapshot_v2.json"
FILES = {
    "binance": "binance/rest_exchangeInfo_2021-10-12.json.gz",
    "coinbase": "coinbase/rest_products_2021-04-17.json",
    "coinbase_advanced": "coinbase_advanced/rest_products_2026-08-09.json.gz",
    "okx": "okx/rest_instruments_SPOT_2022-05-13.json",
    "bybit": "bybit/rest_instruments-info_spot_2026-08-09.json",
    "upbit": "upbit/rest_market_all_2021-04-17.json",
}


def read(name: str) -> Any:  # noqa: ANN401
    return json.loads(body(name))


def _rest_of_kraken() -> dict[str, Any]:
    document = read(KRAKEN)
    pairs: dict[str, Any] = document.get("result", document)
    return pairs


@functools.cache
def listings() -> dict[str, list[Instrument]]:
    """What each venue lists, read plainly: symbol, and base and quote in its own spelling."""
    rest = {exchange: read(name) for exchange, name in FILES.items()}
    linear = read("bybit/rest_instruments-info_linear_2026-08-09.json.gz")["result"]["list"]
    spot = rest["bybit"]["result"]["list"]
    return {
        "binance": [
            Instrument(s["symbol"], s["baseAsset"], s["quoteAsset"])
            for s in rest["binance"]["symbols"]
        ],
        "coinbase": [
            Instrument(p["id"], p["base_currency"], p["quote_currency"]) for p in rest["coinbase"]
        ],
        "coinbase_advanced": [
            Instrument(p["product_id"], p["base_currency_id"], p["quote_currency_id"])
            for p in rest["coinbase_advanced"]["products"]
        ],
        "okx": [Instrument(i["instId"], i["baseCcy"], i["quoteCcy"]) for i in rest["okx"]["data"]],
        "bybit": [Instrument(i["symbol"], i["baseCoin"], i["quoteCoin"]) for i in spot],
        "bybit_linear": [
            Instrument(i["symbol"], i["baseCoin"], i["quoteCoin"], kind="linear") for i in linear
        ],
        "upbit": [
            Instrument(m["market"], m["market"].split("-")[1], m["market"].split("-")[0])
            for m in rest["upbit"]
        ],
        "kraken": [
            Instrument(name, pair["base"], pair["quote"])
            for name, pair in _rest_of_kraken().items()
        ],
    }


@functools.cache
def mapper() -> SymbolMapper:
    return SymbolMapper.from_listings(listings(), load_symbol_rules("", ()))


def symbols(found: tuple[MappedInstrument, ...]) -> set[tuple[str, str]]:
    return {(each.exchange, each.symbol) for each in found}


def test_every_instrument_has_a_name_of_two_currencies() -> None:
    """Nothing is left over, on any venue."""
    assert len(mapper().instruments) == sum(map(len, listings().values()))
    for each in mapper().instruments:
        assert each.name == f"{each.base}-{each.quote}"
        assert each.base
        assert each.quote
        assert each.name == each.name.upper()


def test_names_of_venues_that_write_base_dash_quote() -> None:
    """There the symbol is the name already."""
    for each in mapper().instruments:
        if each.exchange in {"coinbase", "coinbase_advanced", "okx"}:
            assert each.name == each.symbol


def test_names_of_kraken() -> None:
    """Its own `wsname` says the same with XBT and XDG; of its REST names nothing is left."""
    pairs = {name: pair for name, pair in _rest_of_kraken().items() if "wsname" in pair}
    assert len(pairs) > 200
    for name, pair in pairs.items():
        base, quote = (
            {"XBT": "BTC", "XDG": "DOGE"}.get(part, part) for part in pair["wsname"].split("/")
        )
        assert mapper().normalise("kraken", name).name == f"{base}-{quote}"


def test_names_of_kraken_v2() -> None:
    """The newer interface speaks of BTC and DOGE: no rule spoils it, but for the coins of Terra.

    There LUNA is what others call LUNC, and LUNA2 their LUNA, whose price is another altogether.
    """
    pairs = read(KRAKEN_V2)["data"]["pairs"]
    listing = [Instrument(pair["symbol"], pair["base"], pair["quote"]) for pair in pairs]
    newer = SymbolMapper.from_listings({"kraken": listing}, load_symbol_rules("", ()))
    assert len(newer.instruments) == len(pairs) > 500
    renamed = {}
    for each in newer.instruments:
        if each.name != each.symbol.replace("/", "-"):
            renamed[each.symbol.split("/")[0]] = each.base
    assert renamed == {"LUNA": "LUNC", "LUNA2": "LUNA", "UST": "USTC"}
    assert newer.to_exchange("LUNA-USD", "kraken") == "LUNA2/USD"


def test_bitcoin_everywhere() -> None:
    """The same name, seven spellings."""
    assert {
        exchange: mapper().to_exchange("BTC-USDT", exchange) for exchange in [*FILES, "kraken"]
    } == {
        "binance": "BTCUSDT",
        "bybit": "BTCUSDT",
        "coinbase": None,
        "coinbase_advanced": "BTC-USDT",
        "kraken": "XBTUSDT",
        "okx": "BTC-USDT",
        "upbit": "USDT-BTC",
    }
    assert mapper().to_exchange("BTC-USD", "kraken") == "XXBTZUSD"
    assert mapper().to_exchange("BTC-KRW", "upbit") == "KRW-BTC"
    assert mapper().to_exchange("BTC-USDT", "bybit_linear") == "BTCUSDT"
    assert [each.symbol for each in mapper().alternatives("BTC-USD", "upbit")] == ["USDT-BTC"]


def test_dollar_pairs_of_bitcoin() -> None:
    """Everything that counts as dollars, and nothing else."""
    dollars = {"USD", "USDT", "USDC", "BUSD", "DAI"}
    expected = {
        (exchange, listed.symbol)
        for exchange, listing in listings().items()
        for listed in listing
        if listed.base in {"BTC", "XXBT"} and listed.quote.removeprefix("Z") in dollars
    }
    assert symbols(mapper().usd_pairs("BTC")) == expected
    assert {exchange for exchange, _ in expected} == set(listings())
    assert mapper().are_equivalent("BTC-USD", "BTC-BUSD")


def test_related_to_dogecoin() -> None:
    """Kraken's XXDG is among them."""
    found = symbols(mapper().find_related("DOGE"))
    assert {("kraken", "XDGUSD"), ("binance", "DOGEUSDT"), ("upbit", "KRW-DOGE")} <= found


def test_quote_types_of_all_quotes() -> None:
    """Every quote of every venue was looked at by somebody once."""
    quotes: dict[QuoteType, set[str]] = {kind: set() for kind in QuoteType}
    for each in mapper().instruments:
        quotes[each.quote_type].add(each.quote)
    assert quotes == {
        QuoteType.UNKNOWN: set(),
        QuoteType.CRYPTO: {"BTC", "ETH", "BNB", "XRP", "TRX", "DOT", "SOL", "OKB"},
        QuoteType.FIAT: {
            *("USD", "EUR", "GBP", "JPY", "CHF", "CAD", "AUD", "KRW", "TRY", "BRL", "RUB", "UAH"),
            *("NGN", "ZAR", "PLN", "AED", "INR", "SGD"),
        },
        QuoteType.STABLECOIN: {
            *("USDT", "USDC", "BUSD", "DAI", "TUSD", "PAX", "USDP", "USDS", "USDK", "USDE"),
            *("RLUSD", "USD1", "XUSD", "VAI", "BKRW", "IDRT", "BIDR", "BVND", "GYEN"),
        },
    }


def test_asset_classes_of_the_linear_futures() -> None:
    """What Bybit itself calls stocks and commodities is called so here, and nothing else is."""
    linear = read("bybit/rest_instruments-info_linear_2026-08-09.json.gz")["result"]["list"]
    words = {"stock": AssetClass.EQUITY, "commodity": AssetClass.COMMODITY}
    for listed in linear:
        found = mapper().normalise("bybit_linear", listed["symbol"]).asset_class
        other = (AssetClass.CRYPTO, AssetClass.COMMODITY, AssetClass.STABLECOIN, AssetClass.FIAT)
        expected = words.get(listed["symbolType"])
        assert found is expected if expected else found in other
