"""Kraken: what rows and texts each message of its data becomes, and which messages are bad."""

from __future__ import annotations

import json
import math
from typing import Any

import attrs
import pytest

from tests.exchanges.kraken_messages import SAMPLE, answer, changed, decode, reason
from tests.exchanges.said import events_of, kind_of, rows_of
from tick_logger.exchanges.base import BookSnapshot, BookTexts, Decoded
from tick_logger.exchanges.kraken import EXCHANGE
from tick_logger.model.tables import (
    BOOK_ASK,
    BOOK_BID,
    FLAG_SNAPSHOT,
    NO_TIME,
    SIDE_BUY,
    SIDE_SELL,
    SIDE_UNKNOWN,
    Table,
)

# -- rows ------------------------------------------------------------------------------------------


def test_trades_of_one_message_become_rows_in_order() -> None:
    """The side sent is the taker's; times keep all nine digits."""
    common = {"frame": 0, "instrument": 31, "maker": bytes(16), "taker": bytes(16)}
    time_ns = 1_716_813_791_798_009_000
    first = {"event_ns": time_ns, "seq": 70635299, "price": 68500.0, "size": 0.01044926}
    second = {"event_ns": time_ns + 123, "seq": 70635300, "price": 68499.9, "size": 0.00483192}
    assert rows_of(decode(SAMPLE["trade"]), Table.TRADES) == [
        {**common, **first, "side": SIDE_BUY},
        {**common, **second, "side": SIDE_SELL},
    ]


def test_trades_of_a_snapshot_are_trades() -> None:
    """What is known already is left out by its id, elsewhere."""
    decoded = decode(SAMPLE["trade"], SAMPLE["trade_snapshot"], SAMPLE["trade"])
    rows = rows_of(decoded, Table.TRADES)
    assert [(row["frame"], row["seq"]) for row in rows] == [
        (0, 70635299),
        (0, 70635300),
        (1, 9),
        (2, 70635299),
        (2, 70635300),
    ]
    assert (rows[2]["price"], rows[2]["size"]) == (2500.0, 3.0)  # whole numbers as well


def test_a_ticker_becomes_a_market_data_row_and_a_quote() -> None:
    """Its volume is the day's, and nobody says who took; the count of trades tells rows apart."""
    decoded = decode(SAMPLE["ticker"])
    common = {"frame": 0, "instrument": 31, "event_ns": 1_786_562_942_066_592_000}
    best = {"best_bid": 63297.7, "best_ask": 63297.8}
    (md,) = rows_of(decoded, Table.MD)
    assert math.isnan(md.pop("volume"))
    assert md == {**common, **best, "seq": 47536, "price": 63297.8, "side": SIDE_UNKNOWN}
    assert rows_of(decoded, Table.QUOTES) == [
        {**common, **best, "seq": 0, "best_bid_size": 5.45673101, "best_ask_size": 0.36974422}
    ]


def test_a_ticker_of_2024_has_neither_time_nor_count() -> None:
    """The receive time will stand in for it."""
    decoded = decode(SAMPLE["ticker_2024"])
    for table in (Table.MD, Table.QUOTES):
        (row,) = rows_of(decoded, table)
        assert (row["event_ns"], row["seq"], row["instrument"]) == (NO_TIME, 0, 32)


def test_a_ticker_without_bid_and_ask_is_no_quote() -> None:
    """Its neighbours are; a ticker with one of the two is as well."""
    decoded = decode(
        SAMPLE["ticker"],
        changed("ticker", bid=None, ask=None),
        changed("ticker", bid=None, last=None),
    )
    assert [row["frame"] for row in rows_of(decoded, Table.MD)] == [0, 1, 2]
    assert math.isnan(rows_of(decoded, Table.MD)[2]["price"])
    quotes = rows_of(decoded, Table.QUOTES)
    assert [row["frame"] for row in quotes] == [0, 2]
    assert math.isnan(quotes[1]["best_bid"])


# -- books -----------------------------------------------------------------------------------------


def book(decoded: Decoded) -> list[tuple[Any, ...]]:
    names = ("frame", "instrument", "side", "price", "size", "flags", "seq", "event_ns")
    return [tuple(row[name] for name in names) for row in rows_of(decoded, Table.BOOK)]


def test_a_snapshot_is_flagged_and_announced_with_its_texts() -> None:
    """Bids before asks, each in the order sent; texts keep every digit."""
    decoded = decode(SAMPLE["book_snapshot"])
    time_ns = 1_786_562_888_631_028_000
    assert book(decoded) == [
        (0, 31, BOOK_BID, 45283.5, 0.1, FLAG_SNAPSHOT, 0, time_ns),
        (0, 31, BOOK_BID, 45281.0, 1.54582015, FLAG_SNAPSHOT, 0, time_ns),
        (0, 31, BOOK_ASK, 45285.2, 0.001, FLAG_SNAPSHOT, 0, time_ns),
    ]
    bids = (("45283.5", "0.10000000"), ("45281.0", "1.54582015"))
    asks = (("45285.2", "0.00100000"),)
    assert decoded.events == (
        (0, BookSnapshot(31, 0)),
        (0, BookTexts(31, True, bids, asks, 2439117997)),
    )


def test_an_update_deletes_by_a_size_of_zero() -> None:
    """Which is an ordinary row, and an ordinary text."""
    decoded = decode(SAMPLE["book_update"])
    time_ns = 1_696_613_755_440_295_000
    assert book(decoded) == [
        (0, 31, BOOK_BID, 45283.5, 0.0, 0, 0, time_ns),
        (0, 31, BOOK_BID, 45280.3, 1.54592586, 0, 0, time_ns),
        (0, 31, BOOK_ASK, 45286.0, 2.0, 0, 0, time_ns),
    ]
    bids = (("45283.5", "0.00000000"), ("45280.3", "1.54592586"))
    asks = (("45286.0", "2.00000000"),)
    assert events_of(decoded) == [BookTexts(31, False, bids, asks, 4294967295)]


@pytest.mark.parametrize("sample", ["book_snapshot", "book_update"])
@pytest.mark.parametrize("null", [False, True])
def test_a_book_message_without_a_checksum_is_a_message(sample: str, null: bool) -> None:
    """All but the checksum is as with it, and the next one has the texts that it needs."""
    whole = decode(SAMPLE[sample])
    checksum = f'"checksum":{json.loads(SAMPLE[sample])["data"][0]["checksum"]}'.encode()
    assert SAMPLE[sample].count(checksum + b",") == 1
    instead = b'"checksum":null,' if null else b""
    decoded = decode(SAMPLE[sample].replace(checksum + b",", instead))
    assert decoded.bad == ()
    assert book(decoded) == book(whole)
    *before, texts = events_of(whole)
    assert isinstance(texts, BookTexts)
    assert events_of(decoded) == [*before, attrs.evolve(texts, checksum=None)]


def test_levels_and_texts_belong_to_their_own_message() -> None:
    """Messages of different kinds, lengths and symbols in one batch are not mixed up."""
    payloads = [SAMPLE["book_update"], SAMPLE["book_snapshot_2023"], SAMPLE["book_snapshot"]]
    decoded = decode(*payloads)
    assert [row[:2] for row in book(decoded)] == [(0, 31)] * 3 + [(1, 32)] * 2 + [(2, 31)] * 3
    assert [row[5] for row in book(decoded)] == [0] * 3 + [FLAG_SNAPSHOT] * 5
    assert [row[7] for row in book(decoded)][3] == NO_TIME  # a snapshot of 2023
    alone = [event for payload in payloads for event in events_of(decode(payload))]
    assert events_of(decoded) == alone


def test_a_book_without_levels_is_a_snapshot_all_the_same() -> None:
    """Somebody may have cleared it."""
    decoded = decode(changed("book_snapshot", bids=[], asks=[]))
    assert [row[0] for row in book(decoded)] == [0, 0]
    assert events_of(decoded) == [BookSnapshot(31, 0), BookTexts(31, True, (), (), 2439117997)]


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ([{"price": 1, "qty": -1}], "size of -1.0 is out of range"),
        ([{"price": 0.0, "qty": 1}], "price of 0.0 is out of range"),
        ([{"price": "x", "qty": 1}], "book: a price or a size is no number"),
        ([{"price": [1, 2], "qty": 1}], "book: a price or a size is no number"),
        ([{"price": 1, "qty": None}], "book: a price or a size is no number"),
        ([{"price": 1, "qty": 1}, {"price": 1}], "book: Object missing required field `qty`"),
        ([[1, 2]], "book: Expected `object`, got `array`"),
    ],
)
def test_an_impossible_level_harms_no_other_message(levels: list[object], expected: str) -> None:
    """Its neighbours keep what they say."""
    hostile = changed("book_update", bids=levels, asks=[])
    assert reason(hostile).startswith(expected)
    mixed = decode(SAMPLE["book_snapshot"], hostile, SAMPLE["book_update"])
    good = sum(level == {"price": 1, "qty": 1} for level in levels)
    assert [row[0] for row in book(mixed)] == [0, 0, 0, *[1] * good, 2, 2, 2]
    assert [each.table for each in mixed.lost] == [Table.BOOK]
    assert [number for number, _ in mixed.events] == [0, 0, 2]


# The book of the checksum guide in the venue's documentation, with its documented checksum.
DOCUMENTED_ASKS = (
    ("45285.2", "0.00100000"),
    ("45286.4", "1.54571953"),
    ("45286.6", "1.54571109"),
    ("45289.6", "1.54560911"),
    ("45290.2", "0.15890660"),
    ("45291.8", "1.54553491"),
    ("45294.7", "0.04454749"),
    ("45296.1", "0.35380000"),
    ("45297.5", "0.09945542"),
    ("45299.5", "0.18772827"),
)
DOCUMENTED_BIDS = (
    ("45283.5", "0.10000000"),
    ("45283.4", "1.54582015"),
    ("45282.1", "0.10000000"),
    ("45281.0", "0.10000000"),
    ("45280.3", "1.54592586"),
    ("45279.0", "0.07990000"),
    ("45277.6", "0.03310103"),
    ("45277.5", "0.30000000"),
    ("45277.3", "1.54602737"),
    ("45276.6", "0.15445238"),
)
DOCUMENTED_CHECKSUM = 3310070434


def test_the_checksum_is_the_documented_one() -> None:
    """Of ten levels of each side; what lies deeper does not count."""
    assert EXCHANGE.book_checksum(DOCUMENTED_BIDS, DOCUMENTED_ASKS) == DOCUMENTED_CHECKSUM
    deeper_bids = [*DOCUMENTED_BIDS, ("45000.0", "1.00000000")]
    deeper_asks = [*DOCUMENTED_ASKS, ("46000.0", "1.00000000")]
    assert EXCHANGE.book_checksum(deeper_bids, deeper_asks) == DOCUMENTED_CHECKSUM


def test_a_digit_more_is_another_checksum() -> None:
    """Zeros at the end count, those at the beginning do not."""
    bids, asks = [("0.00100", "2.50")], [("0.00101", "10.00")]
    crc32_of_1011000100250 = 0x91D358C0
    assert EXCHANGE.book_checksum(bids, asks) == crc32_of_1011000100250
    assert EXCHANGE.book_checksum(bids, [("0.00101", "10.0")]) != crc32_of_1011000100250
    assert EXCHANGE.book_checksum([], []) == 0


@pytest.mark.parametrize("spelled", ["5.0E-7", "5.0e-7", "50e-8"])
def test_an_exponent_does_not_change_the_checksum(spelled: str) -> None:
    """The digits are those of the number written out, with all the places that were sent."""
    plain = EXCHANGE.book_checksum([("0.00001000", "12.5")], [("0.00001010", "0.00000050")])
    assert EXCHANGE.book_checksum([("1.000E-5", "12.5")], [("0.00001010", spelled)]) == plain


# -- what is wrong ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (changed("trade", price=0), "price of 0.0 is out of range"),
        (changed("trade", price="much"), "trade: Expected `float`, got `str`"),
        (changed("trade", qty=-1), "size of -1.0 is out of range"),
        (changed("trade", qty=1e31), "size of 1e+31 is out of range"),
        (changed("trade", side="both"), "trade: Invalid enum value 'both'"),
        (changed("trade", timestamp="soon"), "'soon' is not a time"),
        (changed("trade", trade_id=10**26), "trade: Expected `int` <= 9223372036854775807"),
        (changed("trade", trade_id=-1), "trade: Expected `int` >= 0"),
        (changed("trade", trade_id=None), "trade: Object missing required field `trade_id`"),
        (changed("trade", symbol="XBT/USD"), "unknown symbol 'XBT/USD'"),
        (changed("ticker", bid=-1), "bid of -1.0 is out of range"),
        (changed("ticker", ask_qty=-1), "ask_qty of -1.0 is out of range"),
        (changed("ticker", last="x"), "ticker: Expected `float`, got `str`"),
        (changed("book_update", checksum=2**32), "book: Expected `int` <= 4294967295"),
        (answer("book_update", type="change"), "book: Invalid enum value 'change'"),
        (answer("book_update", channel=None), "no answer to a request"),
        (answer("subscribed", success=None), "no answer to a request: method 'subscribe'"),
        (answer("subscribed", result=None), "an answer without a result: method 'subscribe'"),
        (answer("ping_refused", req_id=None), "refused ping: Unsupported field"),
        (b"CloudFlare WebSocket proxy", "JSON is malformed: invalid character (byte 0)"),
        (b'{"channel":"\xff"}', "text is not UTF-8"),
        (b'{"x":' + b"[" * 9999, "nested more than 256 levels deep"),
    ],
)
def test_what_is_wrong_with_a_payload_is_said(payload: bytes, expected: str) -> None:
    """In words that name the field."""
    assert reason(payload).startswith(expected)


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (answer("book_update", channel="level3"), "level3"),
        (answer("subscribed", method="dance"), "dance"),
    ],
)
def test_a_message_of_an_unknown_kind_is_not_bad(payload: bytes, kind: str) -> None:
    """Its kind is named."""
    assert kind_of(decode(payload)) == kind
