"""Upbit: what its trades and tickers become, in either format, alone and in lists."""

from __future__ import annotations

import math
import struct

import pytest

from tests.exchanges.said import rows_of
from tests.exchanges.upbit_messages import BTC, ETH, MS, SAMPLE, changed, decode, reason
from tick_logger.exchanges.base import BookSnapshot, Heartbeat
from tick_logger.model.tables import NO_TIME, SIDE_BUY, SIDE_SELL, SIDE_UNKNOWN, Table

# -- trades ----------------------------------------------------------------------------------------


def test_a_trade_has_its_own_time_and_the_takers_side() -> None:
    """ASK: the taker sold.  `timestamp` is that of the message."""
    assert rows_of(decode(SAMPLE["trade"]), Table.TRADES) == [
        {
            "frame": 0,
            "instrument": BTC,
            "event_ns": 1_788_335_180_377 * MS,
            "seq": 17_883_351_803_770_004,
            "price": 106_691_000.0,
            "size": 0.00009372,
            "side": SIDE_SELL,
            "maker": bytes(16),
            "taker": bytes(16),
        }
    ]


def test_the_simple_format_says_the_same() -> None:
    """Under short names; trades of 2021 have whole seconds."""
    (row,) = rows_of(decode(SAMPLE["trade_simple"]), Table.TRADES)
    assert (row["instrument"], row["event_ns"]) == (ETH, 1_617_646_704_000 * MS)
    assert (row["seq"], row["price"], row["size"]) == (16_176_467_040_000_000, 2.1e-7, 2400.0)
    assert row["side"] == SIDE_BUY


def test_formats_may_change_and_rows_keep_the_order_of_their_payloads() -> None:
    """A request for another format changes the streams that run."""
    decoded = decode(*(SAMPLE[name] for name in ("trade", "trade_simple", "other_order", "trade")))
    rows = rows_of(decoded, Table.TRADES)
    assert [(row["frame"], row["instrument"]) for row in rows] == [
        (0, BTC), (1, ETH), (2, BTC), (3, BTC),
    ]  # fmt: skip


def test_an_id_may_be_a_text() -> None:
    """As in recordings whose source feared for large integers; no digit is lost either way."""
    (row,) = rows_of(decode(changed("trade", sequential_id="17883351803770005")), Table.TRADES)
    assert row["seq"] == 17_883_351_803_770_005


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"trade_price": 0}, "price of 0.0 is out of range"),
        ({"trade_price": "nan"}, "price of nan is out of range"),
        ({"trade_price": None}, "trade: Object missing required field `trade_price`"),
        ({"trade_volume": -1}, "size of -1.0 is out of range"),
        ({"ask_bid": "both"}, "trade: Invalid enum value 'both' - at `$.ask_bid`"),
        ({"trade_timestamp": -5}, "trade: Expected `int` >= 0 - at `$.trade_timestamp`"),
        (
            {"sequential_id": 10**26},
            "trade: Expected `int` <= 9223372036854775807 - at `$.sequential_id`",
        ),
        ({"code": "KRW-DOGE"}, "unknown symbol 'KRW-DOGE'"),
        ({"type": 7}, "Expected `str`, got `int` - at `$.type`"),
    ],
)
def test_a_trade_with_an_impossible_value_is_bad(fields: dict[str, object], expected: str) -> None:
    """The reason names the field and what is wrong with it."""
    assert reason(changed("trade", **fields)) == expected


@pytest.mark.parametrize(
    "text", ["106691000.00000000", "1.06691E8", "1E-8", "0.1", "2.2250738585072011e-308", "9" * 29]
)
def test_numbers_are_those_of_their_text(text: str) -> None:
    """Bare JSON numbers in any spelling become the nearest float, as Python reads them."""
    payload = SAMPLE["trade"].replace(b"106691000.00000000", text.encode())
    (row,) = rows_of(decode(payload), Table.TRADES)
    assert row["price"] == float(text)


@pytest.mark.parametrize(
    ("stamp", "event_ns"),
    [(1_788_335_180_377_125, 1_788_335_180_377_125_000), (0, NO_TIME), (17, NO_TIME)],
)
def test_times_may_be_in_microseconds_or_none(stamp: int, event_ns: int) -> None:
    """The magnitude tells; what lies outside of this century is no time."""
    (row,) = rows_of(decode(changed("trade", trade_timestamp=stamp)), Table.TRADES)
    assert row["event_ns"] == event_ns


# -- tickers ---------------------------------------------------------------------------------------


def test_a_ticker_becomes_a_market_data_row_without_best_prices() -> None:
    """Its time is that of the message; the volume is the last trade's."""
    decoded = decode(SAMPLE["ticker"], SAMPLE["ticker_simple"])
    one, two = rows_of(decoded, Table.MD)
    assert [rows.table for rows in decoded.rows] == [Table.MD]
    assert (one["instrument"], one["event_ns"]) == (BTC, 1_745_130_655_652 * MS)
    assert (one["price"], one["volume"], one["side"]) == (122_902_000.0, 0.00020372, SIDE_SELL)
    assert (two["instrument"], two["event_ns"]) == (ETH, 1_611_063_306_635 * MS)
    assert (two["price"], two["volume"], two["side"]) == (0.0321, 1.5, SIDE_BUY)
    assert all(math.isnan(row[name]) for row in (one, two) for name in ("best_bid", "best_ask"))


def bits(number: float) -> int:
    return int.from_bytes(struct.pack(">d", number), "big")


def test_tickers_of_one_millisecond_are_told_apart_by_the_days_volume() -> None:
    """It rises with each trade, and so do its bits as a whole number."""
    volumes = [0.0, 1e-8, 160.18173252, 160.18173253, 9e12]
    rows = rows_of(
        decode(*(changed("ticker", acc_trade_volume=each) for each in volumes)), Table.MD
    )
    assert [row["seq"] for row in rows] == [bits(each) for each in volumes]
    assert sorted({row["seq"] for row in rows}) == [row["seq"] for row in rows]


def test_a_ticker_may_lack_what_describes_the_last_trade() -> None:
    """What was not sent is NaN or unknown."""
    missing = dict.fromkeys(["trade_volume", "ask_bid", "acc_trade_volume"])
    (row,) = rows_of(decode(changed("ticker", **missing)), Table.MD)
    assert math.isnan(row["volume"])
    assert (row["side"], row["seq"]) == (SIDE_UNKNOWN, 0)


@pytest.mark.parametrize("field", ["trade_price", "trade_volume", "acc_trade_volume"])
@pytest.mark.parametrize("value", ["nan", "inf", -1, 1e300])
def test_a_ticker_with_an_impossible_number_is_bad(field: str, value: object) -> None:
    """A NaN that was sent is not the same as a field that was not."""
    assert "is out of range" in reason(changed("ticker", **{field: value}))


# -- lists -----------------------------------------------------------------------------------------


def listed(*samples: str) -> bytes:
    return b"[" + b",".join(SAMPLE[sample] for sample in samples) + b"]"


def test_a_list_says_what_its_messages_say() -> None:
    """JSON_LIST and SIMPLE_LIST wrap the same messages, one or more of them."""
    decoded = decode(SAMPLE["status"], listed("trade", "ticker", "orderbook", "trade_simple"))
    assert [row["frame"] for row in rows_of(decoded, Table.TRADES)] == [1, 1]
    assert [row["instrument"] for row in rows_of(decoded, Table.TRADES)] == [BTC, ETH]
    assert len(rows_of(decoded, Table.MD)) == len(rows_of(decoded, Table.QUOTES)) == 1
    assert decoded.events == ((0, Heartbeat()), (1, BookSnapshot(BTC, 0)))
    assert decoded.bad == ()


def test_one_bad_message_of_a_list_is_lost_and_no_other() -> None:
    """Each of them says something of its own."""
    bad = b"[" + SAMPLE["trade"] + b"," + changed("ticker", trade_price=-1) + b"]"
    decoded = decode(SAMPLE["trade"], bad, SAMPLE["trade"])
    assert [row["frame"] for row in rows_of(decoded, Table.TRADES)] == [0, 1, 2]
    assert [(each.frame, each.table, each.instrument) for each in decoded.lost] == [
        (1, Table.MD, BTC)
    ]
    assert [(each.frame, each.reason) for each in decoded.bad] == [
        (1, "price of -1.0 is out of range")
    ]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"[]", "a list without messages"),
        (b"[[]]", "Expected `object`, got `array`"),
        (b"[3]", "Expected `object`, got `int`"),
        (b'[{"status":"UP"}', "Input data was truncated"),
    ],
)
def test_lists_of_something_else_are_bad(payload: bytes, expected: str) -> None:
    """No exception, and no silence."""
    assert reason(payload) == expected
