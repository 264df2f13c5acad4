"""A book of texts against one that is sorted anew after each message."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from tick_logger.exchanges.base import TextLevel
from tick_logger.net.connection.checksum_book import MOST_CHECKED, ChecksumBook, depth_of


def test_levels_keep_the_digits_that_were_sent() -> None:
    """Trailing zeros and exponents are part of what a checksum is over."""
    book = ChecksumBook(None)
    book.apply([("1.50", "0.10"), ("2", "1e-7")], [("3.000", "10.")])
    assert book.bids() == [("2", "1e-7"), ("1.50", "0.10")]
    assert book.asks() == [("3.000", "10.")]


def test_a_level_is_the_same_however_its_price_is_written() -> None:
    """The newest writing counts."""
    book = ChecksumBook(None)
    book.apply([("1.5", "1")], [])
    book.apply([("1.50", "2")], [])
    assert book.bids() == [("1.50", "2")]


@pytest.mark.parametrize("zero", ["0", "0.000", "0e-8", "-0.0"])
def test_a_size_of_zero_deletes(zero: str) -> None:
    """One that is not there is no error."""
    book = ChecksumBook(None)
    book.apply([("1", "1"), ("2", "1")], [("3", "1")])
    book.apply([("2.0", zero), ("7", zero)], [("3", zero)])
    assert book.bids() == [("1", "1")]
    assert book.asks() == []


def test_a_book_is_cut_after_each_message_not_within_it() -> None:
    """A level that falls out does not return when another goes."""
    book = ChecksumBook(2)
    book.apply([("1", "1"), ("2", "1"), ("3", "1")], [])
    assert book.bids() == [("3", "1"), ("2", "1")]
    book.apply([("4", "1"), ("4", "0")], [])
    assert book.bids() == [("3", "1"), ("2", "1")]
    book.apply([("4", "1")], [])
    book.apply([("4", "0")], [])
    assert book.bids() == [("3", "1")]


def test_no_more_is_given_than_any_checksum_looks_at() -> None:
    """The rest is kept: it moves up when better levels go."""
    book = ChecksumBook(None)
    levels = [(str(price), "1") for price in range(1, 41)]
    book.apply([], levels)
    assert book.asks() == levels[:MOST_CHECKED]
    book.apply([], [(price, "0") for price, _ in levels[:30]])
    assert book.asks() == levels[30:]


@pytest.mark.parametrize(
    ("bids", "asks", "depth"),
    [
        (100, 100, 100),
        (10, 10, 10),  # of a recording, say
        (500, 500, 500),
        (10, 9, 100),  # thin: all there is
        (12, 12, 100),
        (0, 0, 100),
    ],
)
def test_a_book_is_cut_where_its_snapshot_was(bids: int, asks: int, depth: int) -> None:
    """Whatever was asked for: levels that the venue does not keep up must not stay."""
    sides = [[(str(price), "1") for price in range(1, count + 1)] for count in (bids, asks)]
    assert depth_of(sides[0], sides[1], 100, (10, 100, 500)) == depth


@pytest.mark.parametrize(("seed", "depth"), [(seed, seed % 4 * 5 or None) for seed in range(12)])
def test_a_book_is_what_its_messages_say(seed: int, depth: int | None) -> None:
    """Random messages, and a plain dictionary that is sorted and cut after each."""
    rng = random.Random(seed)
    book = ChecksumBook(depth)
    plain: tuple[dict[Decimal, TextLevel], dict[Decimal, TextLevel]] = ({}, {})
    for _ in range(200):
        message: list[list[TextLevel]] = []
        for side, best_first in zip(plain, (True, False), strict=True):
            levels = [
                (f"{rng.randrange(1, 60) / 4:.{rng.choice([2, 3])}f}", rng.choice(["0.0", "2.5"]))
                for _ in range(rng.randrange(4))
            ]
            message.append(list(levels))
            for price, size in levels:
                side[Decimal(price)] = (price, size)
            keep = sorted((p for p in side if Decimal(side[p][1])), reverse=best_first)[:depth]
            kept = {price: side[price] for price in keep}
            side.clear()
            side.update(kept)
        book.apply(message[0], message[1])
        assert book.bids() == list(plain[0].values())[:MOST_CHECKED]
        assert book.asks() == list(plain[1].values())[:MOST_CHECKED]
