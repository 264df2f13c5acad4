"""Coinbase: what each message becomes, and how its channels are asked for."""

from __future__ import annotations

import json
import math
import uuid

import pytest

from tests.exchanges.given import present, wishes
from tests.exchanges.said import events_of, in_part, kind_of, reason_of, rows_of
from tests.exchanges.samples import SAMPLES, SYMBOLS
from tick_logger.exchanges.base import (
    BookSnapshot,
    Confirmed,
    Decoded,
    Event,
    Heartbeat,
    Listing,
    Refused,
    Subscription,
    TradeIdSeen,
)
from tick_logger.exchanges.coinbase import EXCHANGE
from tick_logger.model.instruments import Instrument
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

SAMPLE = SAMPLES["coinbase"]
MATCH_NS = 1_618_677_810_244_075_000


def decode(*payloads: bytes) -> Decoded:
    return EXCHANGE.decode(payloads, SYMBOLS)


def changed(sample: str, **fields: object) -> bytes:
    """A sample with other fields; None leaves a field out."""
    return json.dumps(present(json.loads(SAMPLE[sample]) | fields)).encode()


def reason(payload: bytes) -> str:
    return reason_of(decode(payload))


# -- trades ----------------------------------------------------------------------------------------


def test_a_match_becomes_a_trade_with_the_takers_side() -> None:
    """The message names the maker's side (sell), so the taker bought."""
    assert rows_of(decode(SAMPLE["match"]), Table.TRADES) == [
        {
            "frame": 0,
            "instrument": 3,
            "event_ns": MATCH_NS,
            "seq": 7,
            "price": 14.7775,
            "size": 0.04,
            "side": SIDE_BUY,
            "maker": uuid.UUID("27fff20b-af29-4f45-8744-56dd1ef57dc0").bytes,
            "taker": uuid.UUID("1da6ce16-c8da-4732-9f71-6049f4c6aaf8").bytes,
        }
    ]


def test_matches_and_last_matches_keep_the_order_of_their_payloads() -> None:
    """Two kinds of message, one table."""
    decoded = decode(SAMPLE["match"], SAMPLE["last_match"], SAMPLE["match"])
    rows = rows_of(decoded, Table.TRADES)
    assert [(row["frame"], row["seq"], row["side"]) for row in rows] == [
        (0, 7, SIDE_BUY),
        (1, 6, SIDE_SELL),
        (2, 7, SIDE_BUY),
    ]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"price": "0"}, "price of 0.0 is out of range"),
        ({"price": "nan"}, "price of nan is out of range"),
        ({"price": ""}, "match: Expected `float`, got `str` - at `$.price`"),
        ({"size": "-1"}, "size of -1.0 is out of range"),
        ({"side": "both"}, "match: Invalid enum value 'both' - at `$.side`"),
        ({"time": "soon"}, "'soon' is not a time"),
        ({"maker_order_id": "me"}, "'me' is not a UUID"),
        ({"side": None}, "match: Object missing required field `side`"),
        ({"trade_id": 10**26}, "match: Expected `int` <= 9223372036854775807 - at `$.trade_id`"),
        ({"trade_id": -1}, "match: Expected `int` >= 0 - at `$.trade_id`"),
        ({"product_id": "DOGE-USD"}, "unknown symbol 'DOGE-USD'"),
    ],
)
def test_a_match_with_an_impossible_value_is_bad(fields: dict[str, object], expected: str) -> None:
    """The reason names the field and what is wrong with it."""
    assert reason(changed("match", **fields)) == expected


def test_a_message_of_an_unknown_kind_is_not_bad() -> None:
    """Its kind is named."""
    assert kind_of(decode(changed("match", type="auction"))) == "auction"


def test_a_trade_of_no_size_is_kept() -> None:
    """Nothing says that the exchange never sends one."""
    (row,) = rows_of(decode(changed("match", size="0")), Table.TRADES)
    assert row["size"] == 0.0


def test_a_year_one_time_is_no_time() -> None:
    """Such placeholders have been seen on this feed."""
    (row,) = rows_of(decode(changed("match", time="0001-01-01T00:00:00.000000Z")), Table.TRADES)
    assert row["event_ns"] == NO_TIME


# -- tickers ---------------------------------------------------------------------------------------


def test_a_ticker_becomes_a_market_data_row_and_a_quote() -> None:
    """Its side is the taker's already."""
    decoded = decode(SAMPLE["ticker"])
    common = {"frame": 0, "instrument": 3, "event_ns": MATCH_NS, "seq": 333938798}
    quote = {"best_bid": 14.755, "best_ask": 14.806}
    assert rows_of(decoded, Table.MD) == [
        {**common, **quote, "price": 14.7775, "volume": 0.04, "side": SIDE_BUY}
    ]
    assert rows_of(decoded, Table.QUOTES) == [
        {**common, **quote, "best_bid_size": 3.5, "best_ask_size": 0.25}
    ]


def test_a_ticker_without_a_trade_still_counts() -> None:
    """In an auction, and before the first trade, the trade's fields are missing."""
    missing = dict.fromkeys(["trade_id", "time", "side", "last_size", "price"])
    decoded = decode(changed("ticker", **missing))
    (row,) = rows_of(decoded, Table.MD)
    assert math.isnan(row["price"])
    assert math.isnan(row["volume"])
    assert (row["side"], row["event_ns"], row["best_bid"]) == (SIDE_UNKNOWN, NO_TIME, 14.755)
    assert len(rows_of(decoded, Table.QUOTES)) == 1


def test_a_ticker_of_the_old_form_has_quotes_without_sizes() -> None:
    """Sizes that were not sent are NaN, not zero."""
    (row,) = rows_of(
        decode(changed("ticker", best_bid_size=None, best_ask_size=None)), Table.QUOTES
    )
    assert (row["best_bid"], row["best_ask"]) == (14.755, 14.806)
    assert math.isnan(row["best_bid_size"])
    assert math.isnan(row["best_ask_size"])


def test_a_ticker_without_bid_and_ask_is_no_quote() -> None:
    """Its neighbours are; a ticker with one of the two is as well."""
    decoded = decode(
        SAMPLE["ticker"],
        changed("ticker", best_bid=None, best_ask=None),
        changed("ticker", best_bid=None),
    )
    assert [row["frame"] for row in rows_of(decoded, Table.MD)] == [0, 1, 2]
    assert [row["frame"] for row in rows_of(decoded, Table.QUOTES)] == [0, 2]


@pytest.mark.parametrize("field", ["price", "last_size", "best_bid", "best_ask_size"])
@pytest.mark.parametrize("value", ["nan", "inf", "-1", "1e300", "-"])
def test_a_ticker_with_an_impossible_number_is_bad(field: str, value: str) -> None:
    """A NaN that was sent is not the same as a field that was not."""
    assert field in reason(changed("ticker", **{field: value}))


# -- books -----------------------------------------------------------------------------------------


def book(decoded: Decoded) -> list[tuple[int, int, float, float, int, int]]:
    return [
        (row["frame"], row["side"], row["price"], row["size"], row["flags"], row["event_ns"])
        for row in rows_of(decoded, Table.BOOK)
    ]


def test_a_snapshot_is_flagged_and_announced() -> None:
    """Bids before asks, each in the order sent, without a time."""
    decoded = decode(SAMPLE["snapshot"])
    assert book(decoded) == [
        (0, BOOK_BID, 14.75, 2.0, FLAG_SNAPSHOT, NO_TIME),
        (0, BOOK_ASK, 14.81, 12.77, FLAG_SNAPSHOT, NO_TIME),
        (0, BOOK_ASK, 14.82, 1.0, FLAG_SNAPSHOT, NO_TIME),
    ]
    assert decoded.events == ((0, BookSnapshot(3, 0)),)


def test_an_update_keeps_the_order_of_its_changes() -> None:
    """A size of zero deletes a level and is an ordinary row."""
    time_ns = 1_618_677_817_075_687_000
    assert book(decode(SAMPLE["l2update"])) == [
        (0, BOOK_ASK, 14.81, 0.0, 0, time_ns),
        (0, BOOK_BID, 14.75, 9.0, 0, time_ns),
    ]


def test_updates_and_snapshots_stay_in_the_order_of_their_payloads() -> None:
    """A snapshot replaces what came before it, so order is meaning."""
    decoded = decode(SAMPLE["l2update"], SAMPLE["snapshot"], SAMPLE["l2update"])
    assert [row[0] for row in book(decoded)] == [0, 0, 1, 1, 1, 2, 2]
    assert [row[4] for row in book(decoded)] == [0, 0, 1, 1, 1, 0, 0]


def test_an_impossible_level_is_lost_and_no_other() -> None:
    """The book is wrong then, which is told."""
    lost = [(Table.BOOK, SYMBOLS[json.loads(SAMPLE["l2update"])["product_id"]], None)]
    changes = [["buy", "14.75", "9"], ["buy", "14.74", "nan"]]
    decoded = decode(changed("l2update", changes=changes))
    assert in_part(decoded) == ("size of nan is out of range", lost)
    assert [row["price"] for row in rows_of(decoded, Table.BOOK)] == [14.75]
    decoded = decode(changed("snapshot", bids=[["-1", "9"]], asks=[["15", "1"]]))
    assert in_part(decoded)[0] == "price of -1.0 is out of range"
    assert [row["price"] for row in rows_of(decoded, Table.BOOK)] == [15.0]
    assert decoded.events == ()  # no snapshot that could be relied on


def test_an_empty_update_says_nothing_and_an_empty_book_is_a_snapshot() -> None:
    """Neither is an error."""
    decoded = decode(changed("l2update", changes=[]), changed("snapshot", bids=[], asks=[]))
    assert [row[0] for row in book(decoded)] == [1, 1]
    assert decoded.bad == ()
    assert decoded.events == ((1, BookSnapshot(3, 0)),)


# -- events ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (SAMPLE["heartbeat"], [Heartbeat(), TradeIdSeen(3, 7)]),
        (changed("heartbeat", last_trade_id=0), [Heartbeat()]),
        (SAMPLE["error"], [Refused(None, "Failed to subscribe: level2 needs a login")]),
        (changed("error", reason=None), [Refused(None, "Failed to subscribe")]),
        (
            SAMPLE["status"],
            [
                Listing(
                    (
                        Instrument("BTC-USD", "BTC", "USD", active=True),
                        Instrument("OLD-USD", "OLD", "USD", active=False),
                    )
                )
            ],
        ),
        (
            SAMPLE["subscriptions"],
            [
                Confirmed(
                    frozenset(
                        {
                            Subscription("BTC-USD", "ticker"),
                            Subscription("BTC-USD", "quotes"),
                            Subscription("BTC-USD", "trades"),
                            Subscription("ETH-USD", "trades"),
                            Subscription("ETH-USD", "orderbook"),
                        }
                    )
                )
            ],
        ),
        (changed("subscriptions", channels=[]), [Confirmed(frozenset())]),
    ],
)
def test_control_messages_become_events(payload: bytes, expected: list[Event]) -> None:
    """And no rows."""
    decoded = decode(payload)
    assert events_of(decoded) == expected
    assert (decoded.rows, decoded.bad) == ((), ())


@pytest.mark.parametrize("kind", ["received", "open", "done", "change", "activate"])
def test_messages_of_the_full_channel_are_passed_over(kind: str) -> None:
    """They are known, and carry nothing that the tables hold."""
    decoded = decode(SAMPLE["match"], changed("open", type=kind))
    assert (decoded.bad, decoded.events) == ((), ())
    assert [row["frame"] for row in rows_of(decoded, Table.TRADES)] == [0]


# -- requests --------------------------------------------------------------------------------------


def test_symbols_with_the_same_feeds_share_a_request() -> None:
    """Tickers and quotes are one channel, and heartbeats always belong to it."""
    wanted = wishes(
        {"B-USD": "ticker quotes trades", "A-USD": "trades quotes ticker", "C-USD": "orderbook"}
    )
    texts = [json.loads(request.text) for request in EXCHANGE.subscribe(wanted, 1)]
    assert texts == [
        {"type": "subscribe", "product_ids": ["C-USD"], "channels": ["level2_batch", "heartbeat"]},
        {
            "type": "subscribe",
            "product_ids": ["A-USD", "B-USD"],
            "channels": ["matches", "ticker", "heartbeat"],
        },
    ]


def test_giving_up_symbols_names_the_same_channels() -> None:
    """Heartbeats of a symbol end with it."""
    (request,) = EXCHANGE.unsubscribe(wishes({"A-USD": "trades"}), 1)
    assert json.loads(request.text) == {
        "type": "unsubscribe",
        "product_ids": ["A-USD"],
        "channels": ["matches", "heartbeat"],
    }


def test_the_listing_has_a_channel() -> None:
    """Its request settles no subscription."""
    request = EXCHANGE.listing_request()
    assert json.loads(request.text) == {"type": "subscribe", "channels": [{"name": "status"}]}
    assert request.subscriptions == frozenset()


def test_the_listing_is_also_there_by_rest() -> None:
    """Active are products whose status is online."""
    body = b'[{"id":"A-USD","base_currency":"A","quote_currency":"USD","status":"online",'
    body += b'"quote_increment":"0.01","base_increment":"0.001"},'
    body += b'{"id":"B-USD","base_currency":"B","quote_currency":"USD","status":"offline"}]'
    assert EXCHANGE.parse_listing(body) == (
        Instrument("A-USD", "A", "USD", active=True, tick_size="0.01", lot_size="0.001"),
        Instrument("B-USD", "B", "USD", active=False),
    )
    assert EXCHANGE.listing_url("https://x.test/") == "https://x.test/products"
