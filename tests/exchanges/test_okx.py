"""OKX: the rows and the events that its data becomes."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from tests.exchanges.okx_messages import SAMPLE, changed, compact, decode
from tests.exchanges.said import events_of, rows_of
from tick_logger.exchanges.base import BookLink, BookSnapshot, BookTexts, Decoded
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

MS = 10**6


# -- rows ------------------------------------------------------------------------------------------


def test_a_trade() -> None:
    """The side is the taker's; ids and times are texts on the wire."""
    assert rows_of(decode(SAMPLE["trades-all"]), Table.TRADES) == [
        {
            "frame": 0,
            "instrument": 21,
            "event_ns": 1786538760217 * MS,
            "seq": 1040968612,
            "price": 64040.1,
            "size": 0.002,
            "side": SIDE_SELL,
            "maker": bytes(16),
            "taker": bytes(16),
        }
    ]


def test_trades_put_together_by_the_venue_are_one_row() -> None:
    """With the size of all and the id of the last; the sequence of the message is not an id."""
    (row,) = rows_of(decode(SAMPLE["trades"]), Table.TRADES)
    assert (row["seq"], row["size"], row["side"]) == (1040968614, 0.00240857, SIDE_BUY)


def test_several_entries_of_a_message_are_several_rows() -> None:
    """In their order, all of the same frame; a message without any says nothing."""
    message = json.loads(SAMPLE["trades-all"])
    two = [message["data"][0], message["data"][0] | {"tradeId": "1040968613", "side": "buy"}]
    decoded = decode(
        compact(message | {"data": []}), compact(message | {"data": two}), SAMPLE["trades"]
    )
    rows = rows_of(decoded, Table.TRADES)
    assert [(row["frame"], row["seq"]) for row in rows] == [
        (1, 1040968612),
        (1, 1040968613),
        (2, 1040968614),
    ]
    assert (decoded.events, decoded.bad) == ((), ())


def test_a_ticker_carries_the_last_trade_not_the_days_volume() -> None:
    """Without its side, and without a number of its own."""
    decoded = decode(SAMPLE["tickers"])
    assert rows_of(decoded, Table.MD) == [
        {
            "frame": 0,
            "instrument": 21,
            "event_ns": 1786538789464 * MS,
            "seq": 0,
            "price": 64028.6,
            "volume": 0.0011553,
            "side": SIDE_UNKNOWN,
            "best_bid": 64028.5,
            "best_ask": 64028.7,
        }
    ]
    assert len(decoded.rows) == 1  # quotes have a channel of their own


def test_what_a_ticker_lacks_is_not_a_number() -> None:
    """It is sent as an empty text, of an option that nobody ever traded; its neighbours are whole.

    Not only `""` is left out: a text that is no number is still an error.
    """
    decoded = decode(SAMPLE["tickers"], SAMPLE["tickers_gaps"], changed("tickers_gaps", last="-"))
    _, row = rows_of(decoded, Table.MD)
    assert (row["frame"], row["instrument"], row["event_ns"]) == (1, 24, 1626995753512 * MS)
    assert math.isnan(row["price"])
    assert math.isnan(row["best_ask"])
    assert (row["volume"], row["best_bid"]) == (0.0, 0.0025)
    assert [bad.frame for bad in decoded.bad] == [2]


def test_null_in_a_ticker_is_not_a_number() -> None:
    """It says as little as an empty text."""
    payload = SAMPLE["tickers_gaps"].replace(b'""', b"null")
    (row,) = rows_of(decode(payload), Table.MD)
    assert math.isnan(row["price"])
    assert row["best_bid"] == 0.0025


def test_a_quote_has_a_time_and_an_id() -> None:
    """Unlike a ticker."""
    assert rows_of(decode(SAMPLE["bbo-tbt"]), Table.QUOTES) == [
        {
            "frame": 0,
            "instrument": 22,
            "event_ns": 1791357997507 * MS,
            "seq": 363996337,
            "best_bid": 2617.21,
            "best_bid_size": 4.984,
            "best_ask": 2617.22,
            "best_ask_size": 4.2908,
        }
    ]


def test_an_empty_side_of_a_quote_is_not_a_number() -> None:
    """Nobody bids; frames of 2022 have no id."""
    (row,) = rows_of(decode(changed("bbo-tbt", bids=[], seqId=None)), Table.QUOTES)
    assert math.isnan(row["best_bid"])
    assert math.isnan(row["best_bid_size"])
    assert (row["best_ask"], row["best_ask_size"], row["seq"]) == (2617.22, 4.2908, 0)


def book(decoded: Decoded) -> list[tuple[Any, ...]]:
    names = ("frame", "instrument", "side", "price", "size", "flags", "seq", "event_ns")
    return [tuple(row[name] for name in names) for row in rows_of(decoded, Table.BOOK)]


def test_a_book_snapshot() -> None:
    """Bids, then asks, all flagged; it begins a chain."""
    decoded = decode(SAMPLE["books_snapshot"])
    common = (FLAG_SNAPSHOT, 80274874800, 1787612486107 * MS)
    assert book(decoded) == [
        (0, 21, BOOK_BID, 78722.2, 0.48865651, *common),
        (0, 21, BOOK_ASK, 78722.3, 0.38699412, *common),
        (0, 21, BOOK_ASK, 78724.1, 0.00001275, *common),
    ]
    assert events_of(decoded) == [BookSnapshot(21, 80274874800)]


def test_a_snapshot_need_not_name_a_predecessor() -> None:
    """It has none."""
    decoded = decode(changed("books_snapshot", prevSeqId=None))
    assert events_of(decoded) == [BookSnapshot(21, 80274874800)]


def test_a_book_update() -> None:
    """A size of zero deletes; the link names the update before."""
    decoded = decode(SAMPLE["books_update"])
    common = (0, 80274874876, 1787612486207 * MS)
    assert book(decoded) == [
        (0, 21, BOOK_BID, 78722.2, 0.35528063, *common),
        (0, 21, BOOK_ASK, 78724.1, 0.0, *common),
        (0, 21, BOOK_ASK, 78742.7, 0.12, *common),
    ]
    assert events_of(decoded) == [BookLink(21, 80274874801, 80274874876, 80274874800)]


@pytest.mark.parametrize(
    ("previous_id", "last_id", "link"),
    [
        (10, 15, BookLink(21, 11, 15, 10)),
        (15, 15, BookLink(21, 15, 15, 15)),
        (15, 3, BookLink(21, 3, 3, 15)),
        (3, 5, BookLink(21, 4, 5, 3)),
        (0, 0, BookLink(21, 0, 0, 0)),
    ],
)
def test_links_as_documented(previous_id: int, last_id: int, link: BookLink) -> None:
    """Ids rise by any step, stay while nothing changes, and begin anew after maintenance."""
    assert events_of(decode(changed("books_update", prevSeqId=previous_id, seqId=last_id))) == [
        link
    ]


def test_an_update_without_levels_is_still_a_link() -> None:
    """Sent about each minute of a quiet book: a sign of life, and no row."""
    decoded = decode(SAMPLE["books_alive"])
    assert decoded.rows == ()
    assert events_of(decoded) == [BookLink(21, 80274874876, 80274874876, 80274874876)]


def test_frames_of_former_years_have_no_ids() -> None:
    """No link then, which would be an invented one; what a later checksum needs is told."""
    decoded = decode(changed("books_update", seqId=None, prevSeqId=None, checksum=None))
    bids = (("78722.2", "0.35528063"),)
    asks = (("78724.1", "0"), ("78742.7", "0.12"))
    assert events_of(decoded) == [BookTexts(21, False, bids, asks, None)]
    assert {row[-2] for row in book(decoded)} == {0}
    decoded = decode(changed("books_snapshot", seqId=None, prevSeqId=None))
    snapshot, texts = events_of(decoded)
    assert snapshot == BookSnapshot(21, 0)
    assert isinstance(texts, BookTexts)
    assert texts.checksum is None


@pytest.mark.parametrize("none", [b"", b'"checksum":0,', b'"checksum":null,'])
def test_a_checksum_may_be_missing_in_any_way(none: bytes) -> None:
    """Left out, null or 0: all is as without one."""
    for sample in ("books_snapshot", "books_update"):
        payload = SAMPLE[sample]
        assert payload.count(b'"checksum":0,') == 1
        decoded = decode(payload.replace(b'"checksum":0,', none))
        assert decoded.bad == ()
        assert book(decoded) == book(decode(payload))
        assert events_of(decoded) == events_of(decode(payload))


def test_a_checksum_comes_with_every_digit_sent() -> None:
    """Zeros at the end included, which no number keeps."""
    decoded = decode(SAMPLE["books_checksum"])
    assert events_of(decoded) == [BookTexts(23, False, (), (("5.1480", "60.0"),), -914047754)]
    decoded = decode(changed("books_snapshot", checksum=2077395788))
    asks = (("78722.3", "0.38699412"), ("78724.1", "0.00001275"))
    assert events_of(decoded) == [
        BookSnapshot(21, 80274874800),
        BookTexts(21, True, (("78722.2", "0.48865651"),), asks, 2077395788),
    ]


def test_a_checksum_and_a_chain_may_come_together() -> None:
    """Each is told."""
    link, texts = events_of(decode(changed("books_update", checksum=-1)))
    assert isinstance(link, BookLink)
    assert isinstance(texts, BookTexts)


def test_five_levels_are_a_book_of_their_own_each_time() -> None:
    """They have no action: there is nothing but snapshots."""
    decoded = decode(SAMPLE["books5"])
    assert [row[2:6] for row in book(decoded)] == [
        (BOOK_BID, 111.05, 57745.0, FLAG_SNAPSHOT),
        (BOOK_ASK, 111.06, 55154.0, FLAG_SNAPSHOT),
        (BOOK_ASK, 111.07, 53276.0, FLAG_SNAPSHOT),
    ]
    assert events_of(decoded) == [BookSnapshot(22, 363996338)]


def test_five_levels_without_an_id_have_that_of_their_time() -> None:
    """As in 2021: two books of one read are told apart by it."""
    payloads = [changed("books5", seqId=None, ts=str(1620323885701 + n)) for n in (0, 100)]
    ids = [row["seq"] for row in rows_of(decode(*payloads), Table.BOOK)]
    assert ids == [1620323885701] * 3 + [1620323885801] * 3


def test_levels_belong_to_their_own_message() -> None:
    """Snapshots and updates of several books in one batch stay in the order of their frames."""
    payloads = [SAMPLE[f"books{kind}"] for kind in ("_update", "5", "_alive", "50", "_snapshot")]
    decoded = decode(*payloads)
    assert [row[:2] for row in book(decoded)] == [
        *[(0, 21)] * 3,
        *[(1, 22)] * 3,
        *[(3, 22)] * 2,
        *[(4, 21)] * 3,
    ]
    assert [number for number, _ in decoded.events] == [0, 1, 2, 3, 4]


def test_a_time_outside_of_this_century_is_none() -> None:
    """The receive time will stand in for it."""
    (row,) = rows_of(decode(changed("trades-all", ts="0")), Table.TRADES)
    assert row["event_ns"] == NO_TIME
