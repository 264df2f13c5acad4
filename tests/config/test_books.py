"""Which books may be asked for: those that an exchange offers, and the reasons against others."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from tests.config.given import VENUES
from tick_logger.config.load import load
from tick_logger.config.markets import book_wanted, books_wanted
from tick_logger.config.schema import BookKind, VenueDefaults
from tick_logger.errors import ConfigError

KINDS = (
    BookKind(0, 100),
    BookKind(0, 1000),
    BookKind(5, 100),
    BookKind(5, 0),
    BookKind(1, 10, refused="is for others"),
)
KNOWN: dict[str, VenueDefaults] = {"beta": attrs.evolve(VENUES["beta"], books=KINDS)}


@pytest.mark.parametrize(
    ("keys", "key", "reason"),
    [
        (
            "book_depth = 7",
            "book_depth",
            "7 levels are not offered by this exchange; it has: all, 5, 1",
        ),
        (
            "book_interval_ms = 250",
            "book_interval_ms",
            "a book of all levels does not come every 250 ms; this exchange sends it: every 100 "
            "ms, every 1000 ms",
        ),
        (
            "book_depth = 5\nbook_interval_ms = 1000",
            "book_interval_ms",
            "a book of 5 levels does not come every 1000 ms; this exchange sends it: every 100 ms, "
            "as it changes",
        ),
        ("book_depth = 1", "book_depth", "a book of 1 levels, every 10 ms, is for others"),
        ("book_depth = -1", "book_depth", "must be between 0 and 100000 levels, not -1: "),
        ('book_depth = "5"', "book_depth", 'must be a whole number, not the text "5"'),
    ],
)
def test_what_is_not_offered_is_refused(file: Path, keys: str, key: str, reason: str) -> None:
    """By its key, with what there is instead; of a market as well."""
    for header, at in (("", ""), ('[[exchanges.beta.markets]]\nsymbols = ["A"]\n', "markets[0].")):
        file.write_text(f"[exchanges.beta]\n{header}{keys}\n")
        with pytest.raises(ConfigError) as caught:
            load(file, {}, KNOWN)
        path, why = caught.value.problems[-1]
        assert path == f"exchanges.beta.{at}{key}"
        assert why.startswith(reason)


def test_a_market_may_make_what_the_exchange_says_impossible(file: Path) -> None:
    """Each key that it leaves out is the exchange's."""
    market = '[[exchanges.beta.markets]]\nsymbols = ["A"]\nbook_depth = 5\n'
    file.write_text(f"[exchanges.beta]\nbook_interval_ms = 1000\n{market}")
    with pytest.raises(ConfigError) as caught:
        load(file, {}, KNOWN)
    ((path, why),) = caught.value.problems
    assert path == "exchanges.beta.markets[0].book_depth"
    assert "does not come every 1000 ms" in why


def test_the_first_market_that_matches_says_which(file: Path) -> None:
    """With the exchange's own for all others."""
    file.write_text(
        """
        [exchanges.beta]
        book_interval_ms = 1000
        [[exchanges.beta.markets]]
        symbols = ["A*"]
        book_depth = 5
        book_interval_ms = 100
        [[exchanges.beta.markets]]
        symbols = ["*"]
        feeds = ["trades"]
        """
    )
    exchange = load(file, {}, KNOWN).exchanges["beta"]
    assert [book_wanted(exchange, each) for each in ("A1", "B")] == [(5, 100), (0, 1000)]
    assert books_wanted(exchange) == [(0, 1000), (5, 100), (0, 1000)]
