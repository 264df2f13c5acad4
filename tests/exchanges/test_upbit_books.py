"""Upbit: each message of a book is a whole one, and a quote."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.exchanges.said import rows_of
from tests.exchanges.upbit_messages import BTC, ETH, MS, SAMPLE, changed, decode, reason
from tick_logger.exchanges.base import BookSnapshot, Decoded
from tick_logger.model.tables import BOOK_ASK, BOOK_BID, FLAG_SNAPSHOT, Table


def book(decoded: Decoded) -> list[tuple[Any, ...]]:
    names = ("frame", "instrument", "seq", "side", "price", "size", "flags")
    return [tuple(row[name] for name in names) for row in rows_of(decoded, Table.BOOK)]


def quotes(decoded: Decoded) -> list[tuple[Any, ...]]:
    names = ("frame", "seq", "best_bid", "best_bid_size", "best_ask", "best_ask_size")
    return [
        tuple(None if math.isnan(row[name]) else row[name] for name in names)
        for row in rows_of(decoded, Table.QUOTES)
    ]


def test_every_book_is_a_snapshot_and_a_quote() -> None:
    """Bids before asks, best first; the time of the book's last change tells it from others."""
    decoded = decode(SAMPLE["orderbook"])
    stamp = 1_790_134_742_106
    assert book(decoded) == [
        (0, BTC, stamp, BOOK_BID, 116_538_000.0, 0.08120946, FLAG_SNAPSHOT),
        (0, BTC, stamp, BOOK_BID, 116_537_000.0, 0.01129382, FLAG_SNAPSHOT),
        (0, BTC, stamp, BOOK_ASK, 116_539_000.0, 0.02054761, FLAG_SNAPSHOT),
        (0, BTC, stamp, BOOK_ASK, 116_542_000.0, 0.0007772, FLAG_SNAPSHOT),
    ]
    assert quotes(decoded) == [(0, stamp, 116_538_000.0, 0.08120946, 116_539_000.0, 0.02054761)]
    for table in (Table.BOOK, Table.QUOTES):
        assert {row["event_ns"] for row in rows_of(decoded, table)} == {stamp * MS}
    assert decoded.events == ((0, BookSnapshot(BTC, 0)),)


def test_a_price_of_zero_is_no_level() -> None:
    """Such units fill up the shorter side."""
    stamp = 1_617_646_620_673
    decoded = decode(SAMPLE["orderbook_simple"])
    assert book(decoded) == [
        (0, ETH, stamp, BOOK_BID, 0.0321, 7.0, FLAG_SNAPSHOT),
        (0, ETH, stamp, BOOK_ASK, 0.0322, 1.5, FLAG_SNAPSHOT),
        (0, ETH, stamp, BOOK_ASK, 0.0323, 2.0, FLAG_SNAPSHOT),
    ]


def unit(ask: float, bid: float) -> dict[str, float]:
    return {"ask_price": ask, "bid_price": bid, "ask_size": ask / 10, "bid_size": bid / 10}


def test_an_empty_side_has_no_quote() -> None:
    """Nothing is offered there, which is not an offer at zero; a book of nothing says nothing."""
    decoded = decode(
        changed("orderbook", orderbook_units=[unit(0, 50)]),
        changed("orderbook", orderbook_units=[unit(60, 0)]),
        changed("orderbook", orderbook_units=[unit(0, 0)]),
        changed("orderbook", orderbook_units=[]),
        changed("orderbook", orderbook_units=[unit(60, 50)]),
    )
    stamp = 1_790_134_742_106
    assert quotes(decoded) == [
        (0, stamp, 50.0, 5.0, None, None),
        (1, stamp, None, None, 60.0, 6.0),
        (4, stamp, 50.0, 5.0, 60.0, 6.0),
    ]
    assert [row[0] for row in book(decoded)] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert [number for number, _ in decoded.events] == [0, 1, 2, 3, 4]


def test_books_of_different_depths_keep_their_levels() -> None:
    """Rows come message by message, each with its bids first."""
    decoded = decode(
        changed("orderbook", orderbook_units=[unit(60, 50), unit(61, 49), unit(62, 48)]),
        SAMPLE["orderbook_simple"],
        changed("orderbook", orderbook_units=[unit(70, 40)]),
    )
    assert [(row[0], row[4]) for row in book(decoded)] == [
        (0, 50.0), (0, 49.0), (0, 48.0), (0, 60.0), (0, 61.0), (0, 62.0),
        (1, 0.0321), (1, 0.0322), (1, 0.0323),
        (2, 40.0), (2, 70.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (unit(60, -50), "bid of -50.0 is out of range"),
        ({**unit(60, 50), "ask_size": "nan"}, "ask_size of nan is out of range"),
        (
            {"ask_price": 1},
            "a price without a size",
        ),
    ],
)
def test_one_impossible_level_makes_the_whole_book_bad(
    wrong: dict[str, object], expected: str
) -> None:
    """Half a book would be a wrong one."""
    assert reason(changed("orderbook", orderbook_units=[unit(60, 50), wrong])) == expected
