"""Days and symbols as they are spelled in paths."""

from __future__ import annotations

import datetime
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tick_logger.storage.names import (
    FIRST_DAY,
    LAST_DAY,
    day_of_text,
    day_text,
    folder_of,
    symbol_of,
)

NAMES = st.text(st.characters(exclude_categories=()), max_size=12) | st.sampled_from(
    [
        "BTC\x1b[2J",
        "\u202eDSU",
        "B\u200bTC",
        "a\nb",
        "\U000e0041",
        "",
        ".",
        "..",
        "...",
        "%",
        "%2F",
        "%%",
        "/",
        "a/b",
        "\x00",
        ".hidden",
        "a.b",
        "ö/",
        "\ud800",
    ]
)
HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Categories of what does not show itself, or changes what shows, as this Python knows them."""

DAYS = st.integers(FIRST_DAY, LAST_DAY)


@pytest.mark.parametrize(
    ("symbol", "folder"),
    [
        ("BTC/USD", "BTC%2FUSD"),
        ("", "%"),
        (".", "%2E"),
        ("..", "%2E."),
        (".x.y", "%2Ex.y"),
        ("a\x00b", "a%00b"),
        ("100%", "100%25"),
        ("tBTC:USD", "tBTC:USD"),
        ("ÖTZI", "ÖTZI"),
        ("币安人生USDT", "币安人生USDT"),
        ("A\x1b[31mB", "A%1B[31mB"),
        ("A\nB\x7f", "A%0AB%7F"),
        ("\x9bC", "%C2%9BC"),
        ("\u202eDSU-CTB", "%E2%80%AEDSU-CTB"),
        ("BTC\u2066", "BTC%E2%81%A6"),
        ("B\u200bTC", "B%E2%80%8BTC"),
        ("\ufeffBTC", "%EF%BB%BFBTC"),
        ("BTC\ufe0f", "BTC%EF%B8%8F"),
        ("BTC\u3164", "BTC%E3%85%A4"),
        ("BTC\u2028", "BTC%E2%80%A8"),
        ("BTC\U000e0041", "BTC%F3%A0%81%81"),
    ],
)
def test_unsafe_symbols(symbol: str, folder: str) -> None:
    """Only the offending characters are encoded."""
    assert folder_of(symbol) == folder
    assert symbol_of(folder) == symbol


@given(NAMES)
def test_every_symbol_is_one_safe_component(symbol: str) -> None:
    """Whatever an exchange calls it, its folder is inside the exchange's, and is found again."""
    folder = folder_of(symbol)
    assert folder
    assert not folder.startswith(".")
    assert "/" not in folder
    assert not [each for each in folder if unicodedata.category(each) in HIDDEN]
    assert symbol_of(folder) == symbol


@given(DAYS)
def test_day_text(day: int) -> None:
    """Days are written as the calendar says, and are unambiguous."""
    date = datetime.date(1970, 1, 1) + datetime.timedelta(days=day)
    assert day_text(day) == f"{date.day:02}.{date.month:02}.{date.year % 100:02}"
    assert day_of_text(day_text(day)) == day


@pytest.mark.parametrize("day", [FIRST_DAY - 1, LAST_DAY + 1])
def test_days_without_a_name(day: int) -> None:
    """Two digits cannot name every year."""
    with pytest.raises(ValueError, match=f"day {day} has no place"):
        day_text(day)
