"""Bybit: what each message of spot and of linear becomes, and how its topics are asked for."""

from __future__ import annotations

import json
import math
import uuid
from typing import Any

import pytest

from tests.exchanges.bybit_messages import (
    LINEAR,
    SPOT,
    changed,
    decode,
    each_category,
    reason,
    sample,
)
from tests.exchanges.said import events_of, rows_of
from tests.exchanges.samples import SYMBOLS
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import BookLink, BookSnapshot, Decoded, Exchange
from tick_logger.exchanges.bybit import EXCHANGES
from tick_logger.model.proof import Ids, Proof
from tick_logger.model.tables import (
    BOOK_ASK,
    BOOK_BID,
    FLAG_SNAPSHOT,
    SIDE_BUY,
    SIDE_SELL,
    SIDE_UNKNOWN,
    Table,
)

MNT, XRP, SUI, TON = (SYMBOLS[s] for s in ("MNTUSDT", "XRPEUR", "SUIPERP", "TONUSDT-25DEC26"))
NO_UUID = bytes(16)


def test_one_module_is_two_venues() -> None:
    """Each is found by its own name, keeps its rows in a folder of its own, and says what it is."""
    assert registry.get("bybit") is SPOT
    assert registry.get("bybit_linear") is LINEAR
    assert (registry.ids_of("bybit"), registry.ids_of("bybit_linear")) == (Ids.SPARSE, Ids.OPAQUE)
    for venue in EXCHANGES:
        assert venue.proofs == {
            Table.MD: Proof.UNPROVABLE,
            Table.TRADES: Proof.UNPROVABLE,
            Table.QUOTES: Proof.UNPROVABLE,
            Table.BOOK: Proof.CONSISTENT,
        }


# -- trades ----------------------------------------------------------------------------------------


def test_spot_trades_keep_their_numbers() -> None:
    """All trades of a message, in order; the side sent is the taker's."""
    common = {"frame": 0, "instrument": MNT, "maker": NO_UUID, "taker": NO_UUID}
    assert rows_of(decode(SPOT, sample(SPOT, "trades")), Table.TRADES) == [
        {
            **common,
            "event_ns": 1_786_310_821_917_000_000,
            "seq": 2280000001739247417,
            "price": 1.28,
            "size": 0.04537,
            "side": SIDE_SELL,
        },
        {
            **common,
            "event_ns": 1_786_310_821_918_000_000,
            "seq": 2280000001739247420,
            "price": 1.29,
            "size": 3.0,
            "side": SIDE_BUY,
        },
    ]


def test_linear_trades_are_numbered_by_the_beginning_of_their_uuid() -> None:
    """15 hexadecimal digits, zeros in front included, from which the UUID is found again."""
    rows = rows_of(decode(LINEAR, sample(LINEAR, "trades")), Table.TRADES)
    sent = [trade["i"] for trade in json.loads(sample(LINEAR, "trades"))["data"]]
    assert [f"{row['seq']:015x}" for row in rows] == [uuid.UUID(i).hex[:15] for i in sent]
    assert [row["seq"] for row in rows] == [0xA9188A0A82BC50D, 0x1]
    assert [(row["instrument"], row["price"], row["size"], row["side"]) for row in rows] == [
        (SUI, 3.2, 0.004, SIDE_SELL),
        (SUI, 3.21, 1.3, SIDE_BUY),
    ]


@each_category
def test_older_trades_without_sequences_are_the_same(venue: Exchange) -> None:
    """Fields that are not needed may be missing, and keys come in another order."""
    (row,) = rows_of(decode(venue, sample(venue, "trades_of_2023")), Table.TRADES)
    assert row["event_ns"] == 1_672_304_486_865_000_000
    assert (row["side"], row["size"]) == (SIDE_BUY, 0.001)


@each_category
def test_messages_with_different_numbers_of_trades_keep_them_apart(venue: Exchange) -> None:
    """Rows are those of their own payload; a message may hold 1024 trades, or none."""
    one, two = sample(venue, "trades_of_2023"), sample(venue, "trades")
    many = changed(venue, "trades", "data", json.loads(two)["data"][:1] * 1024)
    empty = changed(venue, "trades", "data", [])
    decoded = decode(venue, two, one, empty, many, two)
    frames = [row["frame"] for row in rows_of(decoded, Table.TRADES)]
    assert frames == [0, 0, 1, *[3] * 1024, 4, 4]
    assert decoded.bad == ()


@pytest.mark.parametrize(
    ("venue", "i", "expected"),
    [
        (SPOT, "a9188a0a-82bc-50de-be60-03eedbe3cdd7", "publicTrade: Expected `int`, got `str`"),
        (SPOT, "9" * 26, "publicTrade: "),
        (SPOT, "-1", "publicTrade: Expected `int` >= 0"),
        (SPOT, "", "publicTrade: Expected `int`, got `str`"),
        (LINEAR, "2280000001739247417", "'2280000001739247417' is not a UUID"),
        (LINEAR, "", "'' is not a UUID"),
        (LINEAR, "a9188a0a-82bc-50de-be60-03eedbe3cdg7", "is not a UUID"),
        (LINEAR, 17, "publicTrade: Expected `str`, got `int`"),
    ],
)
def test_an_id_of_another_form_is_bad(venue: Exchange, i: object, expected: str) -> None:
    """A number never stands for two forms of id; its trade alone is lost."""
    assert expected in reason(venue, changed(venue, "trades", "data.1.i", i))


@each_category
@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("data.1.p", "0", "price of 0.0 is out of range"),
        ("data.0.p", "nan", "price of nan is out of range"),
        ("data.0.p", "", "publicTrade: Expected `float`, got `str` - at `$.data[0].p`"),
        ("data.0.v", "-1", "size of -1.0 is out of range"),
        ("data.0.S", "None", "publicTrade: Invalid enum value 'None' - at `$.data[0].S`"),
        ("data.0.S", None, "publicTrade: Object missing required field `S`"),
        ("data.0.s", "NOPEUSDT", "unknown symbol 'NOPEUSDT'"),
        ("data.0.T", -1, "publicTrade: Expected `int` >= 0"),
        ("data", None, "publicTrade: Object missing required field `data`"),
    ],
)
def test_a_trade_with_an_impossible_value_is_bad(
    venue: Exchange, path: str, value: object, expected: str
) -> None:
    """The reason names the field and what is wrong with it."""
    assert expected in reason(venue, changed(venue, "trades", path, value))


# -- tickers ---------------------------------------------------------------------------------------


def ticker_rows(venue: Exchange, *payloads: bytes) -> list[tuple[Any, ...]]:
    """Frame, time, sequence, price, bid and ask (None for NaN); the rest is never sent."""
    rows = rows_of(decode(venue, *payloads), Table.MD)
    assert all(math.isnan(row["volume"]) and row["side"] == SIDE_UNKNOWN for row in rows)
    prices = [[row[name] for name in ("price", "best_bid", "best_ask")] for row in rows]
    sent = [[None if math.isnan(price) else price for price in each] for each in prices]
    heads = [(row["frame"], row["event_ns"] // 10**6, row["seq"]) for row in rows]
    return [(*head, *each) for head, each in zip(heads, sent, strict=True)]


def test_a_spot_ticker_has_no_bid_and_no_ask() -> None:
    """Nor the size of the last trade: `volume24h` is the day's."""
    assert ticker_rows(SPOT, sample(SPOT, "ticker")) == [
        (0, 1786538729776, 112571857121, 0.3577, None, None)
    ]


def test_a_linear_delta_says_what_changed() -> None:
    """What was not sent is NaN, and without any price there is no row and no complaint."""
    names = ("ticker", "mark_price", "ticker_delta")
    assert ticker_rows(LINEAR, *(sample(LINEAR, name) for name in names)) == [
        (0, 1786310817783, 753843907770, 3.2, 3.19, 3.2),
        (2, 1786310817883, 753843907771, None, 3.18, None),
    ]
    assert decode(LINEAR, sample(LINEAR, "mark_price")).bad == ()


def test_null_is_a_price_that_was_not_sent() -> None:
    """It says as little as an empty text."""
    payload = changed(LINEAR, "ticker", "data.lastPrice", "").replace(b':""', b":null")
    assert ticker_rows(LINEAR, payload) == [(0, 1786310817783, 753843907770, None, 3.19, 3.2)]


def test_an_empty_text_is_a_price_that_was_not_sent() -> None:
    """So the venue writes what does not apply, as before a listing; other tickers are untouched."""
    payloads = [
        changed(LINEAR, "ticker", "data.lastPrice", ""),
        sample(LINEAR, "ticker_delta"),
        changed(LINEAR, "ticker_delta", "data.bid1Price", ""),
    ]
    assert ticker_rows(LINEAR, *payloads) == [
        (0, 1786310817783, 753843907770, None, 3.19, 3.2),
        (1, 1786310817883, 753843907771, None, 3.18, None),
    ]


def test_a_ticker_without_a_sequence_has_none() -> None:
    """It is known by its time alone."""
    assert ticker_rows(LINEAR, changed(LINEAR, "ticker_delta", "cs", None)) == [
        (0, 1786310817883, 0, None, 3.18, None)
    ]


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("data.bid1Price", "nan", "best_bid of nan is out of range"),
        ("data.lastPrice", "-1", "price of -1.0 is out of range"),
        ("data.ask1Price", "soon", "tickers: Expected `float`, got `str` - at `$.data.ask1Price`"),
        ("data.symbol", None, "tickers: Object missing required field `symbol` - at `$.data`"),
        ("data.symbol", "NOPEUSDT", "unknown symbol 'NOPEUSDT'"),
        ("data", [1], "tickers: "),
        ("data", None, "tickers: "),
        ("ts", -1, "tickers: Expected `int` >= 0"),
    ],
)
def test_a_ticker_with_an_impossible_value_is_bad(path: str, value: object, expected: str) -> None:
    """A NaN that was sent is not the same as a field that was not."""
    assert expected in reason(LINEAR, changed(LINEAR, "ticker", path, value))


# -- quotes ----------------------------------------------------------------------------------------


def quote_rows(venue: Exchange, *payloads: bytes) -> list[tuple[Any, ...]]:
    """Update id, time, and bid, its size, ask, its size (None for NaN)."""
    decoded = decode(venue, *payloads)
    assert (decoded.events, decoded.bad) == ((), ())
    names = ("best_bid", "best_bid_size", "best_ask", "best_ask_size")
    rows = rows_of(decoded, Table.QUOTES)
    return [
        (
            row["seq"],
            row["event_ns"] // 10**6,
            *(None if math.isnan(row[name]) else row[name] for name in names),
        )
        for row in rows
    ]


def test_a_book_of_one_level_is_a_quote() -> None:
    """With the matching engine's time; no event, because it is no book that anybody keeps."""
    assert quote_rows(SPOT, sample(SPOT, "best")) == [(81, 1786310816512, 1.27, 12.0, 1.28, 0.5)]
    assert quote_rows(LINEAR, sample(LINEAR, "best")) == [(90, 1786310818027, 6.49, 1.0, 6.51, 3.2)]


@each_category
def test_a_side_that_was_not_sent_is_not_known(venue: Exchange) -> None:
    """In older deltas of one level; the level that has gone is not the best one."""
    best = json.loads(sample(venue, "best")) | {"type": "delta"}
    best["data"] |= {"b": [["1.2", "0"], ["1.1", "4"]], "a": []}
    only_bid = json.dumps(best).encode()
    best["data"]["b"] = []
    neither = json.dumps(best).encode()
    update_id, time_ms = best["data"]["u"], best["cts"]
    assert quote_rows(venue, neither, only_bid) == [(update_id, time_ms, 1.1, 4.0, None, None)]


@each_category
def test_an_impossible_best_price_is_bad(venue: Exchange) -> None:
    """A text that spells NaN is not an absent side."""
    assert "best_bid of nan" in reason(venue, changed(venue, "best", "data.b", [["nan", "1"]]))
    assert "bid_size of nan" in reason(venue, changed(venue, "best", "data.b", [["1", "nan"]]))


# -- books -----------------------------------------------------------------------------------------


def book_rows(decoded: Decoded) -> list[tuple[Any, ...]]:
    return [
        (row["frame"], row["seq"], row["side"], row["price"], row["size"], row["flags"])
        for row in rows_of(decoded, Table.BOOK)
    ]


def test_a_snapshot_and_a_delta() -> None:
    """Bids before asks; a size of 0 deletes; the event time is the matching engine's."""
    decoded = decode(SPOT, sample(SPOT, "delta"), sample(SPOT, "snapshot"))
    assert book_rows(decoded) == [
        (0, 62505425, BOOK_BID, 1.26, 0.0, 0),
        (0, 62505425, BOOK_ASK, 1.29, 7.0, 0),
        (0, 62505425, BOOK_ASK, 1.3, 1.0, 0),
        (1, 62505424, BOOK_BID, 1.27, 12.0, FLAG_SNAPSHOT),
        (1, 62505424, BOOK_BID, 1.26, 3.5, FLAG_SNAPSHOT),
        (1, 62505424, BOOK_ASK, 1.28, 0.5, FLAG_SNAPSHOT),
    ]
    times = {(row["frame"], row["event_ns"]) for row in rows_of(decoded, Table.BOOK)}
    assert times == {(0, 1786310816585 * 10**6), (1, 1786310816512 * 10**6)}
    assert events_of(decoded) == [BookLink(MNT, 62505425, 62505425), BookSnapshot(MNT, 62505424)]


def test_an_older_book_has_the_time_of_its_sending() -> None:
    """Without `cts` there is only `ts`."""
    (row,) = rows_of(decode(SPOT, sample(SPOT, "delta_of_2023")), Table.BOOK)
    assert (row["event_ns"], row["instrument"]) == (1687940967466 * 10**6, XRP)


@each_category
@pytest.mark.parametrize("depth", [25, 50, 100, 200, 500, 1000])
def test_every_depth_but_one_is_a_book(venue: Exchange, depth: int) -> None:
    """Whatever others subscribed to."""
    topic = json.loads(sample(venue, "delta"))["topic"].replace("200", str(depth))
    payload = changed(venue, "delta", "topic", topic)
    assert book_rows(decode(venue, payload)) == book_rows(decode(venue, sample(venue, "delta")))


def test_a_snapshot_with_id_one_is_a_snapshot() -> None:
    """The venue's service was started anew."""
    decoded = decode(LINEAR, changed(LINEAR, "snapshot", "data.u", 1))
    assert events_of(decoded) == [BookSnapshot(SUI, 1)]
    assert {row[1] for row in book_rows(decoded)} == {1}


@each_category
def test_an_update_without_levels_still_has_its_id(venue: Exchange) -> None:
    """Otherwise the next one would seem to follow a loss."""
    empty = json.loads(sample(venue, "delta"))
    empty["data"] |= {"b": [], "a": []}
    decoded = decode(venue, json.dumps(empty).encode())
    assert decoded.rows == ()
    (link,) = events_of(decoded)
    assert isinstance(link, BookLink)
    assert (link.first_id, link.last_id) == (empty["data"]["u"], empty["data"]["u"])


@each_category
def test_books_that_nobody_keeps_are_passed_over(venue: Exchange) -> None:
    """The full book and that of retail orders, whose levels have three numbers."""
    full = changed(venue, "delta", "topic", "orderbook.full.MNTUSDT")
    rpi = json.loads(sample(venue, "delta")) | {"topic": "orderbook.rpi.MNTUSDT"}
    rpi["data"]["b"] = [["1.26", "1", "2"]]
    decoded = decode(venue, full, json.dumps(rpi, separators=(",", ":")).encode())
    assert (decoded.rows, decoded.events, decoded.bad) == ((), (), ())


@each_category
@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("data.a", [["1.3", "nan"]], "size of nan is out of range"),
        ("data.b", [["0", "1"]], "price of 0.0 is out of range"),
        ("data.b", [["1.3"]], "orderbook: Expected `array` of at least length 2"),
        ("type", "insert", "orderbook: Invalid enum value 'insert' - at `$.type`"),
    ],
)
def test_a_book_with_an_impossible_value_is_bad(
    venue: Exchange, path: str, value: object, expected: str
) -> None:
    """The reason names the field and what is wrong with it."""
    assert expected in reason(venue, changed(venue, "delta", path, value))
