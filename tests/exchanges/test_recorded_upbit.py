"""Recorded Upbit traffic decodes to exactly what its frames say, as a plain reading shows.

The oracle reads each frame with the standard library, numbers as decimals, and builds each row by
hand; the counts are those of the recordings' own truth table, which another program derived.
"""

from __future__ import annotations

import collections
import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest

from tests.exchanges.said import AnySymbol, Row, by_frame, check_rows, events_of, rows_of
from tests.recordings import body, captures, frames, needs_recordings
from tick_logger.exchanges.base import BookSnapshot, Heartbeat
from tick_logger.exchanges.upbit import EXCHANGE
from tick_logger.model.instruments import Instrument
from tick_logger.model.tables import SIDE_BUY, SIDE_SELL, Table

pytestmark = needs_recordings

TEN = "upbit/ws_2021-04-05_trade-orderbook_simple.jsonl.gz"
BOOKS_2026 = "upbit/orderbook_2026-08-13.jsonl"
TRADES_2026 = "upbit/trade_2026-08-13.jsonl"
LONG = {"ty": "type", "cd": "code", "tms": "timestamp", "ttms": "trade_timestamp"} | {
    "tp": "trade_price", "tv": "trade_volume", "ab": "ask_bid", "sid": "sequential_id",
    "obu": "orderbook_units", "ap": "ask_price", "bp": "bid_price", "as": "ask_size",
    "bs": "bid_size",
}  # fmt: skip


def plain(frame: bytes) -> dict[str, Any]:
    """A frame with long names and decimals."""

    def spelled(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return {LONG.get(name, name): value for name, value in pairs}

    read: dict[str, Any] = json.loads(frame, parse_float=Decimal, object_pairs_hook=spelled)
    return read


def read(capture: str, symbols: AnySymbol) -> dict[Table, list[Row]]:
    """Every row that the frames of a capture say, by table."""
    said: dict[Table, list[Row]] = {table: [] for table in Table}
    for frame, text in enumerate(frames(capture)):
        m = plain(text)
        head = (frame, symbols[m["code"]])
        if m["type"] == "trade":
            side = {"ASK": 0, "BID": 1}[m["ask_bid"]]
            numbers = (float(m["trade_price"]), float(m["trade_volume"]))
            ids = (m["trade_timestamp"] * 10**6, int(m["sequential_id"]))
            said[Table.TRADES].append((*head, *ids, *numbers, side, bytes(16), bytes(16)))
            continue
        assert m["type"] == "orderbook"
        ids = (m["timestamp"] * 10**6, m["timestamp"])
        units = m["orderbook_units"]
        best = [float(units[0][f"{name}"]) for name in ("bid_price", "bid_size")]
        best += [float(units[0][f"{name}"]) for name in ("ask_price", "ask_size")]
        said[Table.QUOTES].append((*head, *ids, *best))
        for side, name in ((1, "bid"), (0, "ask")):
            for unit in units:
                if unit[f"{name}_price"]:
                    level = (float(unit[f"{name}_price"]), float(unit[f"{name}_size"]))
                    said[Table.BOOK].append((*head, *ids, side, *level, 1))
    return said


@pytest.mark.parametrize(
    ("capture", "trades", "books", "levels"),
    [(TEN, 672, 1061, 1061 * 30), (TRADES_2026, 2, 0, 0), (BOOKS_2026, 0, 2, 20)],
)
def test_rows_are_what_the_frames_say(capture: str, trades: int, books: int, levels: int) -> None:
    """Every row of every table, value for value."""
    symbols = AnySymbol()
    expected = read(capture, symbols)
    decoded = EXCHANGE.decode(frames(capture), symbols)
    check_rows(decoded, expected)
    assert [len(expected[table]) for table in (Table.TRADES, Table.QUOTES)] == [trades, books]
    assert len(expected[Table.BOOK]) == levels
    assert [type(event) for event in events_of(decoded)] == [BookSnapshot] * books


# Trades, first and last time, first and last id, of the truth table.
TRADES = {
    "KRW-IQ": (31, "18:17:00", "18:18:51", 1617646620000000, 1617646731000000),
    "KRW-STX": (183, "18:17:01", "18:18:59", 1617646621000000, 1617646739000005),
    "KRW-DAWN": (321, "18:17:02", "18:18:59", 1617646622000000, 1617646739000001),
    "KRW-ANKR": (55, "18:17:04", "18:18:50", 1617646624000000, 1617646730000000),
    "KRW-ADA": (71, "18:17:06", "18:18:55", 1617646626000000, 1617646735000000),
    "KRW-BAT": (9, "18:17:43", "18:18:58", 1617646663000000, 1617646738000000),
    "BTC-BASIC": (2, "18:18:24", "18:18:32", 16176467040000000, 16176467120000000),
}


def time_ns(text: str) -> int:
    moment = dt.datetime.fromisoformat(f"2021-04-05T{text}+00:00")
    return int(moment.timestamp()) * 10**9


def test_trades_match_the_truth_table() -> None:
    """Counts, ids and times per symbol; ids rise without repetition, and times never fall."""
    symbols = AnySymbol()
    rows = rows_of(EXCHANGE.decode(frames(TEN), symbols), Table.TRADES)
    names = {index: symbol for symbol, index in symbols.items()}
    found: dict[str, list[tuple[int, int]]] = collections.defaultdict(list)
    for row in rows:
        found[names[row["instrument"]]].append((row["seq"], row["event_ns"]))
    for pairs in found.values():
        ids, times = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        assert ids == sorted(set(ids))
        assert times == sorted(times)
    assert {
        symbol: (len(pairs), pairs[0][1], pairs[-1][1], pairs[0][0], pairs[-1][0])
        for symbol, pairs in found.items()
    } == {
        symbol: (count, time_ns(first), time_ns(last), low, high)
        for symbol, (count, first, last, low, high) in TRADES.items()
    }


def test_the_id_of_a_trade_is_its_time_and_a_counter() -> None:
    """So ids rise with time, and a hole between them means nothing."""
    for capture in (TEN, TRADES_2026):
        for row in rows_of(EXCHANGE.decode(frames(capture), AnySymbol()), Table.TRADES):
            millis = row["event_ns"] // 10**6
            per_millisecond = 10 ** (len(str(row["seq"])) - len(str(millis)))
            assert per_millisecond in {1000, 10_000}
            assert row["seq"] // per_millisecond == millis


def test_takers_trade_where_the_book_says() -> None:
    """Mostly buyers at the ask or above and sellers at the bid or below: 70 % of them.

    Not all, because a book is sent much less often than trades are made, and after some of them.
    """
    books: dict[str, dict[str, Decimal]] = {}
    places: collections.Counter[tuple[int, str]] = collections.Counter()
    decoded = EXCHANGE.decode(frames(TEN), AnySymbol())
    sides = {row["frame"]: row["side"] for row in rows_of(decoded, Table.TRADES)}
    for frame, text in enumerate(frames(TEN)):
        m = plain(text)
        if m["type"] == "orderbook":
            books[m["code"]] = m["orderbook_units"][0]
        elif m["code"] in books:
            ask, bid = (books[m["code"]][f"{side}_price"] for side in ("ask", "bid"))
            price = m["trade_price"]
            place = "ask" if price >= ask else "bid" if price <= bid else "inside"
            places[sides[frame], place] += 1
    assert places[SIDE_BUY, "ask"] + places[SIDE_SELL, "bid"] == 449
    assert places[SIDE_BUY, "bid"] + places[SIDE_SELL, "ask"] == 192


def test_every_frame_of_every_capture_is_understood() -> None:
    """Single frames and whole connections, old and new."""
    for capture in captures("upbit"):
        assert EXCHANGE.decode(frames(capture), AnySymbol()).bad == ()
    assert events_of(EXCHANGE.decode(frames("upbit/control.jsonl"), {})) == [Heartbeat()]


def test_lists_of_recorded_messages_say_the_same() -> None:
    """As the LIST formats wrap them."""
    payloads, symbols = frames(TEN)[:200], AnySymbol()
    plainly = by_frame(EXCHANGE.decode(payloads, symbols))
    assert by_frame(EXCHANGE.decode([b"[" + each + b"]" for each in payloads], symbols)) == plainly
    (together,) = by_frame(EXCHANGE.decode([b"[" + b",".join(payloads) + b"]"], symbols)).values()
    assert sorted(map(repr, together)) == sorted(
        repr(each) for said in plainly.values() for each in said
    )


def test_markets() -> None:
    """The REST list of 2021 agrees with a plain reading."""
    text = body("upbit/rest_market_all_2021-04-17.json")
    assert EXCHANGE.parse_listing(text) == tuple(
        Instrument(m["market"], m["market"].split("-")[1], m["market"].split("-")[0], active=True)
        for m in json.loads(text)
    )
    assert len(EXCHANGE.parse_listing(text)) == 294


def test_decoding_in_batches_of_any_size_is_the_same() -> None:
    """Rows do not depend on where one batch ends and the next begins."""
    payloads, symbols = frames(TEN)[:700], AnySymbol()
    whole = by_frame(EXCHANGE.decode(payloads, symbols))
    for start in range(0, len(payloads), 7):
        part = by_frame(EXCHANGE.decode(payloads[start : start + 7], symbols))
        assert part == {n: whole[start + n] for n in range(7) if start + n in whole}
