"""Coinbase Advanced Trade: what each message becomes."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from tests.exchanges.given import present
from tests.exchanges.said import complaint_of, events_of, in_part, kind_of, rows_of
from tests.exchanges.samples import SAMPLES, SYMBOLS
from tick_logger.exchanges.base import (
    BookSnapshot,
    Confirmed,
    Decoded,
    Event,
    Heartbeat,
    Refused,
    Subscription,
)
from tick_logger.exchanges.coinbase_advanced import EXCHANGE
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

SAMPLE = SAMPLES["coinbase_advanced"]
LTC, DOT = SYMBOLS["LTC-USD"], SYMBOLS["DOT-EUR"]
SECOND_NS = 1_786_309_551 * 10**9  # 2026-08-09T21:05:51Z


def decode(*payloads: bytes) -> Decoded:
    return EXCHANGE.decode(payloads, SYMBOLS)


def message(sample: str, **envelope: object) -> dict[str, Any]:
    """A sample, parsed, with other fields in its envelope; None leaves a field out."""
    return present(json.loads(SAMPLE[sample]) | envelope)


def changed(sample: str, **fields: object) -> bytes:
    """A sample with other fields in its first trade, ticker or level; None leaves a field out."""
    whole = message(sample)
    (event,) = whole["events"]
    (items,) = (value for value in event.values() if isinstance(value, list))
    items[0] = present(items[0] | fields)
    return json.dumps(whole).encode()


def reason(payload: bytes) -> str:
    return complaint_of(decode(payload))


# -- trades ----------------------------------------------------------------------------------------

TRADES, FIRST = "market_trades: ", "$.events[0].trades[0]"


def test_trades_become_rows_oldest_first_with_the_takers_side() -> None:
    """They are sent newest first, and name the maker's side."""
    assert rows_of(decode(SAMPLE["market_trades"]), Table.TRADES) == [
        {
            "frame": 0,
            "instrument": LTC,
            "event_ns": SECOND_NS + 376_350_000,
            "seq": 1068572094,
            "price": 65083.66,
            "size": 0.01,
            "side": SIDE_SELL,
            "maker": bytes(16),
            "taker": bytes(16),
        },
        {
            "frame": 0,
            "instrument": LTC,
            "event_ns": SECOND_NS + 426_861_000,
            "seq": 1068572095,
            "price": 65083.67,
            "size": 0.0005,
            "side": SIDE_BUY,
            "maker": bytes(16),
            "taker": bytes(16),
        },
    ]


def test_snapshots_of_trades_are_trades_and_messages_keep_their_order() -> None:
    """Old news are known by their ids elsewhere; only within a message the order is turned."""
    rows = rows_of(
        decode(SAMPLE["market_trades_snapshot"], SAMPLE["ticker"], SAMPLE["market_trades"]),
        Table.TRADES,
    )
    assert [(row["frame"], row["instrument"], row["seq"]) for row in rows] == [
        (0, DOT, 833140778),
        (2, LTC, 1068572094),
        (2, LTC, 1068572095),
    ]


def test_a_trade_may_have_no_side() -> None:
    """As is reported of trades after a halt."""
    rows = rows_of(decode(changed("market_trades", side="UNKNOWN_ORDER_SIDE")), Table.TRADES)
    assert [row["side"] for row in rows] == [SIDE_SELL, SIDE_UNKNOWN]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"price": "0"}, "price of 0.0 is out of range"),
        ({"price": "nan"}, "price of nan is out of range"),
        ({"size": "-1"}, "size of -1.0 is out of range"),
        ({"time": "soon"}, "'soon' is not a time"),
        ({"product_id": "DOGE-USD"}, "unknown symbol 'DOGE-USD'"),
        ({"side": "sell"}, f"{TRADES}Invalid enum value 'sell' - at `{FIRST}.side`"),
        ({"price": None}, f"{TRADES}Object missing required field `price` - at `{FIRST}`"),
        (
            {"trade_id": str(10**26)},
            f"{TRADES}Expected `int` <= 9223372036854775807 - at `{FIRST}.trade_id`",
        ),
    ],
)
def test_a_trade_with_an_impossible_value_is_lost_and_no_other(
    fields: dict[str, object], expected: str
) -> None:
    """The reason names the field and what is wrong with it."""
    decoded = decode(changed("market_trades", **fields))
    assert in_part(decoded)[0] == expected
    assert len(rows_of(decoded, Table.TRADES)) == 1


# -- times -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "nanos"),
    [
        ("2026-08-09T21:05:51.4Z", 400_000_000),
        ("2026-08-09T21:05:51.42686Z", 426_860_000),
        ("2026-08-09T21:05:51.426861007Z", 426_861_007),
        ("2026-08-09T21:05:51Z", 0),
    ],
)
@pytest.mark.parametrize("others", [0, 1])
def test_times_have_as_many_decimals_as_were_sent(text: str, nanos: int, others: int) -> None:
    """Trailing zeros are left out, so that lengths differ from message to message."""
    payloads = [json.dumps(message("ticker", timestamp=text)).encode()]
    rows = rows_of(decode(*payloads, *[SAMPLE["ticker"]] * others), Table.MD)
    assert rows[0]["event_ns"] == SECOND_NS + nanos


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-08-09T21:05:51.5",
        "2026-08-09T21:05:51.5z",
        "2026-08-09T21:05:51.Z",
        "2026-08-09T21:05:51.1234567891Z",
        "2026-08-09 21:05:51.5Z",
        "2026-13-09T21:05:51.5Z",
        "2026-08-09T21:05:51.5+Z",
        "2026-08-09T21:05:51.ZZ",
        "２026-08-09T21:05:51.5Z",  # noqa: RUF001 - a digit, but not of ASCII
    ],
)
def test_what_is_no_time_makes_its_trade_bad_and_harms_no_other(text: str) -> None:
    """Alone or among others; only a time that is absent is none."""
    payload = changed("market_trades", time=text)
    decoded = decode(SAMPLE["market_trades"], payload)
    if not text:
        assert rows_of(decoded, Table.TRADES)[-1]["event_ns"] == NO_TIME
        assert decoded.untimed == 1
        return
    assert [bad.frame for bad in decoded.bad] == [1]
    assert len(rows_of(decoded, Table.TRADES)) == 3
    assert "is not a time" in reason(payload)


def test_times_of_another_age_are_placeholders() -> None:
    """The year 1 and 1970 have been seen on the feeds of this venue."""
    for text in ("0001-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z"):
        rows = rows_of(decode(changed("market_trades", time=text)), Table.TRADES)
        assert rows[-1]["event_ns"] == NO_TIME


def test_decoding_in_bulk_and_one_by_one_give_the_same_times() -> None:
    """Both ways of reading times agree on each form."""
    texts = ["2026-08-09T21:05:51.5Z", "2031-02-28T23:59:59.000000001Z", "2000-01-01T00:00:00.1Z"]
    payloads = [changed("market_trades", time=text) for text in texts]
    usual = rows_of(decode(*payloads), Table.TRADES)
    odd = rows_of(decode(*payloads, changed("market_trades", time="")), Table.TRADES)
    assert [row["event_ns"] for row in usual] == [row["event_ns"] for row in odd[: len(usual)]]
    assert np.unique([row["event_ns"] for row in usual]).size == 4


# -- tickers ---------------------------------------------------------------------------------------


def test_a_ticker_becomes_a_row_of_md_and_one_of_quotes() -> None:
    """At the envelope's time; it says neither side nor size of the last trade, and has no id."""
    decoded = decode(SAMPLE["ticker"])
    time_ns = SECOND_NS - 3 * 10**9 + 298_032_040
    (md,) = rows_of(decoded, Table.MD)
    assert math.isnan(md.pop("volume"))
    assert md == {
        "frame": 0,
        "instrument": LTC,
        "event_ns": time_ns,
        "seq": 0,
        "price": 1919.41,
        "side": SIDE_UNKNOWN,
        "best_bid": 1919.44,
        "best_ask": 1919.49,
    }
    assert rows_of(decoded, Table.QUOTES) == [
        {
            "frame": 0,
            "instrument": LTC,
            "event_ns": time_ns,
            "seq": 0,
            "best_bid": 1919.44,
            "best_bid_size": 0.02858092,
            "best_ask": 1919.49,
            "best_ask_size": 0.07814824,
        }
    ]


def test_a_ticker_without_bid_and_ask_is_no_quote() -> None:
    """What is not sent is NaN; one side alone is a quote."""
    bare = {"best_bid": None, "best_ask": None, "best_bid_quantity": None}
    decoded = decode(changed("ticker", **bare), changed("ticker", best_ask=None), SAMPLE["ticker"])
    assert [row["frame"] for row in rows_of(decoded, Table.MD)] == [0, 1, 2]
    quotes = rows_of(decoded, Table.QUOTES)
    assert [row["frame"] for row in quotes] == [1, 2]
    assert math.isnan(quotes[0]["best_ask"])


def test_a_ticker_with_an_impossible_value_is_bad() -> None:
    """A bid of zero is none, and is kept; so is a price of zero."""
    assert decode(changed("ticker", price="0")).bad == ()
    assert reason(changed("ticker", price="-1")) == "price of -1.0 is out of range"
    assert reason(changed("ticker", best_ask="inf")) == "best_ask of inf is out of range"
    assert decode(changed("ticker", best_bid="0", best_bid_quantity="0")).bad == ()


# -- books -----------------------------------------------------------------------------------------


def book(decoded: Decoded) -> list[tuple[Any, ...]]:
    return [
        (row["frame"], row["side"], row["price"], row["size"], row["flags"], row["event_ns"])
        for row in rows_of(decoded, Table.BOOK)
    ]


def test_a_snapshot_is_flagged_and_announced() -> None:
    """Its levels in the order sent, without a time, whatever times they carry."""
    decoded = decode(SAMPLE["l2_snapshot"])
    assert book(decoded) == [
        (0, BOOK_BID, 65083.66, 0.20371215, FLAG_SNAPSHOT, NO_TIME),
        (0, BOOK_ASK, 65083.67, 3.0, FLAG_SNAPSHOT, NO_TIME),
    ]
    assert decoded.events == ((0, BookSnapshot(LTC, 0)),)
    assert {row["seq"] for row in rows_of(decoded, Table.BOOK)} == {0}


def test_an_update_keeps_the_order_and_the_time_of_each_level() -> None:
    """A quantity of zero deletes a level and is an ordinary row."""
    second_ns = SECOND_NS - 3 * 10**9
    assert book(decode(SAMPLE["l2_update"])) == [
        (0, BOOK_ASK, 65084.5, 0.00583, 0, second_ns + 210_883_000),
        (0, BOOK_BID, 65061.91, 0.0, 0, second_ns + 210_000_000),
    ]


@pytest.mark.parametrize("event_time", [None, "1970-01-01T00:00:00Z"])
def test_a_level_without_a_usable_time_has_none(event_time: str | None) -> None:
    """The next level keeps its own."""
    times = [row[-1] for row in book(decode(changed("l2_update", event_time=event_time)))]
    assert times == [NO_TIME, SECOND_NS - 3 * 10**9 + 210_000_000]


def test_updates_and_snapshots_stay_in_the_order_in_which_they_came() -> None:
    """A snapshot replaces what came before it, so order is meaning: within a message too."""
    both = message("l2_update")
    both["events"] += message("l2_snapshot")["events"] + message("l2_update")["events"]
    decoded = decode(SAMPLE["l2_update"], json.dumps(both).encode(), SAMPLE["l2_update"])
    assert [(row[0], row[4]) for row in book(decoded)] == [
        *[(0, 0)] * 2,
        *[(1, 0)] * 2,
        *[(1, FLAG_SNAPSHOT)] * 2,
        *[(1, 0)] * 2,
        *[(2, 0)] * 2,
    ]


def test_an_impossible_level_is_told() -> None:
    """The reason names the field and what is wrong with it."""
    assert reason(changed("l2_update", new_quantity="nan")) == "size of nan is out of range"
    assert reason(changed("l2_snapshot", price_level="-1")) == "price of -1.0 is out of range"
    assert "Invalid enum value 'ask'" in reason(changed("l2_update", side="ask"))


def test_empty_events_say_nothing_and_an_empty_book_is_a_snapshot() -> None:
    """Neither is an error."""
    empty = message("l2_snapshot")
    empty["events"][0]["updates"] = []
    without = ("l2_update", "market_trades", "ticker", "subscriptions")
    messages = [empty, *(message(sample, events=[]) for sample in without)]
    decoded = decode(*(json.dumps(each).encode() for each in messages))
    assert [row["frame"] for row in rows_of(decoded, Table.BOOK)] == [0, 0]
    assert decoded.bad == ()
    assert events_of(decoded) == [BookSnapshot(LTC, 0), Confirmed(frozenset())]


# -- events ----------------------------------------------------------------------------------------

LIVE = frozenset(
    {
        Subscription("LTC-USD", "orderbook"),
        Subscription("LTC-USD", "trades"),
        Subscription("DOT-EUR", "trades"),
        Subscription("DOT-EUR", "ticker"),
        Subscription("DOT-EUR", "quotes"),
    }
)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (SAMPLE["heartbeats"], [Heartbeat()]),
        (SAMPLE["subscriptions"], [Confirmed(LIVE)]),
        (SAMPLE["candles"], []),
        (json.dumps(message("candles", channel="ticker_batch")).encode(), []),
        (json.dumps(message("candles", channel="status")).encode(), []),
        (SAMPLE["error"], [Refused(None, "authentication failure", of_token=True)]),
        (b'{"type":"error"}', [Refused(None, "the venue gives no reason")]),
    ],
)
def test_control_messages_become_events(payload: bytes, expected: list[Event]) -> None:
    """And no rows."""
    decoded = decode(payload)
    assert events_of(decoded) == expected
    assert (decoded.rows, decoded.bad) == ((), ())


def test_every_message_is_counted() -> None:
    """By its number on the connection, in the order of messages, whatever else it says."""
    bad = json.dumps(message("ticker", events=3)).encode()
    unknown = json.dumps(message("ticker", channel="auctions")).encode()
    payloads = [payload for name, payload in SAMPLE.items() if name != "error"] + [bad, unknown]
    numbers = [json.loads(payload)["sequence_num"] for payload in payloads]
    counted = decode(*payloads, b"nonsense", *payloads).counted
    assert counted is not None
    assert counted.number.tolist() == numbers * 2
    frames = list(range(len(payloads)))
    assert counted.frame.tolist() == [*frames, *(frame + len(payloads) + 1 for frame in frames)]


def test_a_message_without_a_number_is_taken_all_the_same() -> None:
    """What it says is recorded; it only does not count."""
    bare = json.dumps(message("market_trades", sequence_num=None)).encode()
    decoded = decode(bare)
    assert len(rows_of(decoded, Table.TRADES)) == 2
    assert (decoded.events, decoded.bad) == ((), ())
    assert decoded.counted is None or not len(decoded.counted.frame)


def test_older_envelopes_are_understood() -> None:
    """Until some time in 2025 they had a `client_id`; heartbeats counted in texts."""
    old = json.dumps({"client_id": ""} | message("market_trades")).encode()
    assert rows_of(decode(old), Table.TRADES) == rows_of(
        decode(SAMPLE["market_trades"]), Table.TRADES
    )
    beat = message("heartbeats")
    beat["events"][0]["heartbeat_counter"] = "3049"
    assert events_of(decode(json.dumps(beat).encode())) == [Heartbeat()]


def test_what_is_no_message_is_bad() -> None:
    """The reason says what it is."""
    assert reason(b'{"type":"hello"}') == "Object missing required field `channel`"
    assert reason(b'{"channel":"ticker"}') == "ticker: Object missing required field `events`"


def test_a_message_of_an_unknown_kind_is_not_bad() -> None:
    """Its kind is named."""
    unknown = json.dumps(message("candles", channel="auctions")).encode()
    assert kind_of(decode(unknown)) == "auctions"
