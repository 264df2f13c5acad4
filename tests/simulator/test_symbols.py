"""Exact decimal texts and plausible symbols."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tick_logger.simulator.symbols import decimal_text, plain, spec_of, split_joined


@pytest.mark.parametrize("decimals", [0, 1, 2, 8])
@pytest.mark.parametrize("units", [0, 1, 9, 10, 123456789, 10**18])
def test_a_decimal_text_is_exact_and_has_all_its_decimals(units: int, decimals: int) -> None:
    """The text is the number of units at that scale, to the last digit."""
    text = decimal_text(units, decimals)
    assert Decimal(text) == Decimal(units).scaleb(-decimals)
    assert len(text.partition(".")[2]) == decimals


@pytest.mark.parametrize(
    ("text", "expected"), [("400.000", "400"), ("0.0400", "0.04"), ("100", "100"), ("1.25", "1.25")]
)
def test_plain_drops_only_zeros_that_say_nothing(text: str, expected: str) -> None:
    """Zeros before the point stay."""
    assert plain(text) == expected


def test_known_symbols_look_as_on_the_venue() -> None:
    """Tick and lot of the big symbols are those that the venues use."""
    btc = spec_of("BTCUSDT", "BTC", "USDT")
    assert (btc.price(btc.start_ticks), btc.size_decimals) == ("84106.09", 5)
    shib = spec_of("SHIBUSDT", "SHIB", "USDT")
    assert (shib.price(shib.start_ticks), shib.size_decimals) == ("0.00001283", 0)


def test_an_unknown_symbol_is_always_the_same() -> None:
    """Nothing but the name decides, so that runs can be repeated."""
    assert spec_of("QQQ-USD", "QQQ", "USD") == spec_of("QQQ-USD", "QQQ", "USD")
    assert spec_of("QQQ-USD", "QQQ", "USD").start_ticks >= 1000


def test_joined_symbols_are_split_at_the_longest_quote() -> None:
    """FDUSD is not USD."""
    assert split_joined("BTCFDUSD", ("USD", "FDUSD")) == ("BTC", "FDUSD")
    assert split_joined("ETHBTC", ("USDT", "BTC")) == ("ETH", "BTC")
