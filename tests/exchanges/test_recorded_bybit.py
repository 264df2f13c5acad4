"""Recorded Bybit traffic decodes to exactly what its frames say, as a plain reading shows.

The oracle reads each frame with the standard library, numbers through `Decimal`, and every row by
hand; the counts are those of the recordings' own truth tables, derived by another program.
"""

from __future__ import annotations

import collections
import datetime as dt
import itertools
import json
from decimal import Decimal
from typing import Any

import attrs
import pytest

from tests.exchanges.said import AnySymbol, Row, check_rows, events_of, rows_of
from tests.recordings import body, captures, frames, needs_recordings
from tick_logger.exchanges.base import Acknowledged, BookLink, BookSnapshot, Event, Exchange, Pong
from tick_logger.exchanges.bybit import EXCHANGES
from tick_logger.model.instruments import Instrument
from tick_logger.model.tables import Table

pytestmark = needs_recordings

SPOT, LINEAR = EXCHANGES
SPOT_WS = "bybit/ws_2026-08-09_spot.jsonl"
LINEAR_WS = "bybit/ws_2026-08-09_linear.jsonl.gz"
NO_UUID = bytes(16)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@attrs.define
class Reading:
    """What frames say: rows by table, and events."""

    rows: dict[Table, list[Row]] = attrs.field(factory=lambda: {table: [] for table in Table})
    events: list[Event] = attrs.field(factory=list)


def number(text: str | None) -> float | None:
    return None if text is None else float(Decimal(text))


def trade_id(text: str) -> int:
    """A decimal number as it is; of a UUID the first 15 of its hexadecimal digits."""
    return int(text) if text.isdecimal() else int(text.replace("-", "")[:15], 16)


def read(capture: str, symbols: AnySymbol) -> Reading:
    """The plain reading."""
    said = Reading()
    for frame, text in enumerate(frames(capture)):
        m = json.loads(text)
        topic = m.get("topic", "").split(".")[0]
        if topic == "publicTrade":
            for d in m["data"]:
                head = (frame, symbols[d["s"]], d["T"] * 10**6, trade_id(d["i"]))
                taker = {"Buy": 1, "Sell": 0}[d["S"]]
                trade = (number(d["p"]), number(d["v"]), taker, NO_UUID, NO_UUID)
                said.rows[Table.TRADES].append((*head, *trade))
        elif topic == "tickers":
            d = m["data"]
            prices = [number(d.get(name)) for name in ("lastPrice", "bid1Price", "ask1Price")]
            if prices != [None, None, None]:
                head = (frame, symbols[d["symbol"]], m["ts"] * 10**6, m["cs"])
                said.rows[Table.MD].append((*head, prices[0], None, 2, *prices[1:]))
        elif topic == "orderbook":
            read_book(said, frame, m, symbols)
        elif m.get("op") == "subscribe":
            assert m["success"] is True
            said.events.append(Acknowledged(None))
        else:
            assert topic == "kline" or m["op"] in {"ping", "pong"}
    return said


def read_book(said: Reading, frame: int, m: dict[str, Any], symbols: AnySymbol) -> None:
    assert m["topic"].startswith("orderbook.200.")
    d, snapshot = m["data"], m["type"] == "snapshot"
    symbol, update = symbols[d["s"]], d["u"]
    said.events.append(
        BookSnapshot(symbol, update) if snapshot else BookLink(symbol, update, update)
    )
    for side, levels in ((1, d["b"]), (0, d["a"])):
        for price, size in levels:
            level = (side, number(price), number(size), int(snapshot))
            said.rows[Table.BOOK].append((frame, symbol, m["cts"] * 10**6, update, *level))


@pytest.mark.parametrize(
    ("venue", "capture", "counts"),
    [
        (SPOT, SPOT_WS, {"MD": 81, "TRADES": 20, "links": 548, "snapshots": 2, "acks": 7}),
        (
            LINEAR,
            LINEAR_WS,
            {"MD": 638, "TRADES": 327, "links": 1594, "snapshots": 4, "acks": 17},
        ),
        (
            SPOT,
            "bybit/tickers_2026-08-12.jsonl",
            {"MD": 2, "TRADES": 0, "links": 0, "snapshots": 0, "acks": 1},
        ),
    ],
    ids=["spot", "linear", "tickers"],
)
def test_rows_are_what_the_frames_say(
    venue: Exchange, capture: str, counts: dict[str, int]
) -> None:
    """Every row of every table and every event, value for value; klines say nothing.

    Of the 758 linear tickers, 120 name neither the last nor the best prices.
    """
    symbols = AnySymbol()
    expected = read(capture, symbols)
    decoded = venue.decode(frames(capture), symbols)
    check_rows(decoded, expected.rows)
    assert events_of(decoded) == expected.events
    kinds = collections.Counter(type(event) for event in expected.events)
    assert counts == {
        "MD": len(expected.rows[Table.MD]),
        "TRADES": len(expected.rows[Table.TRADES]),
        "links": kinds[BookLink],
        "snapshots": kinds[BookSnapshot],
        "acks": kinds[Acknowledged],
    }


SPOT_TRADES = {
    "ETHUSDT": (9, 2280000001739247417, 2280000001739247461, 36, "01.917", "40.447"),
    "BTCUSDT": (11, 2290000001189048101, 2290000001189048111, 0, "02.605", "41.700"),
}
LINEAR_TRADES = {
    "BTCUSDT": (56, "2026-08-09T21:26:59.680", "2026-08-09T21:27:39.455"),
    "ETHUSDT": (23, "2026-08-09T21:27:00.346", "2026-08-09T21:27:33.063"),
    "SOLUSDT": (165, "2026-08-09T21:27:01.322", "2026-08-09T21:27:40.132"),
    "DOGEUSDT": (83, "2026-08-09T21:27:03.790", "2026-08-09T21:27:41.416"),
}


def iso_ns(text: str) -> int:
    return (
        (dt.datetime.fromisoformat(f"{text}+00:00") - EPOCH) // dt.timedelta(milliseconds=1) * 10**6
    )


def trades_of(venue: Exchange, capture: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of each symbol's trades, whose times never fall."""
    symbols = AnySymbol()
    decoded = venue.decode(frames(capture), symbols)
    names = {index: symbol for symbol, index in symbols.items()}
    found: dict[str, list[dict[str, Any]]] = collections.defaultdict(list)
    for row in rows_of(decoded, Table.TRADES):
        found[names[row["instrument"]]].append(row)
    for rows in found.values():
        assert [row["event_ns"] for row in rows] == sorted(row["event_ns"] for row in rows)
    return found


def test_spot_trades_match_the_truth_table() -> None:
    """Counts, ids that rise with holes, and times."""
    found = {}
    for symbol, rows in trades_of(SPOT, SPOT_WS).items():
        ids = [row["seq"] for row in rows]
        assert ids == sorted(set(ids))
        times = [row["event_ns"] for row in (rows[0], rows[-1])]
        found[symbol] = (len(ids), ids[0], ids[-1], ids[-1] - ids[0] + 1 - len(ids), *times)
    assert found == {
        symbol: (*ids, iso_ns(f"2026-08-09T21:27:{first}"), iso_ns(f"2026-08-09T21:27:{last}"))
        for symbol, (*ids, first, last) in SPOT_TRADES.items()
    }


def test_linear_trades_match_the_truth_table() -> None:
    """Counts and times; 60 bits tell all of the UUIDs apart, and lead back to each."""
    uuids = {
        trade["i"]
        for text in frames(LINEAR_WS)
        if text.startswith(b'{"topic":"publicTrade')
        for trade in json.loads(text)["data"]
    }
    found, beginnings = {}, []
    for symbol, rows in trades_of(LINEAR, LINEAR_WS).items():
        beginnings += [f"{row['seq']:015x}" for row in rows]
        found[symbol] = (len(rows), rows[0]["event_ns"], rows[-1]["event_ns"])
    assert found == {
        symbol: (count, iso_ns(first), iso_ns(last))
        for symbol, (count, first, last) in LINEAR_TRADES.items()
    }
    assert len(set(beginnings)) == 327
    assert set(beginnings) == {each.replace("-", "")[:15] for each in uuids}


@pytest.mark.parametrize(("venue", "capture"), [(SPOT, SPOT_WS), (LINEAR, LINEAR_WS)])
def test_update_ids_of_books_rise_by_one(venue: Exchange, capture: str) -> None:
    """As far as recorded: no break, and no snapshot but the first."""
    decoded = venue.decode(frames(capture), AnySymbol())
    last: dict[int, int] = {}
    for event in events_of(decoded):
        if isinstance(event, BookSnapshot):
            assert event.instrument not in last
            last[event.instrument] = event.last_id
        elif isinstance(event, BookLink):
            assert event.first_id == event.last_id == last[event.instrument] + 1
            last[event.instrument] = event.last_id


@pytest.mark.parametrize(("venue", "capture"), [(SPOT, SPOT_WS), (LINEAR, LINEAR_WS)])
def test_books_are_never_crossed(venue: Exchange, capture: str) -> None:
    """Rebuilt from the rows, after every message, with 200 levels on a side at most."""
    decoded = venue.decode(frames(capture), AnySymbol())
    books: dict[tuple[int, int], dict[float, float]] = collections.defaultdict(dict)
    for _, message in itertools.groupby(rows_of(decoded, Table.BOOK), key=lambda row: row["frame"]):
        for row in message:
            levels = books[row["instrument"], row["side"]]
            levels[row["price"]] = row["size"]
            if row["size"] == 0:
                del levels[row["price"]]
        bids, asks = books[row["instrument"], 1], books[row["instrument"], 0]
        assert max(bids) < min(asks)
        assert max(len(bids), len(asks)) <= 200


def test_single_answers() -> None:
    """A pong of the form with arguments, and an acknowledgement with an id."""
    for venue in EXCHANGES:
        decoded = venue.decode(frames("bybit/control.jsonl"), {})
        assert (decoded.rows, decoded.bad) == ((), ())
        assert decoded.events == ((0, Pong()), (1, Acknowledged(None)))


def test_every_recorded_frame_is_understood() -> None:
    """Of all captures there are: linear ones by their name, the others as spot."""
    for capture in captures("bybit"):
        venue = LINEAR if "linear" in capture else SPOT
        assert venue.decode(frames(capture), AnySymbol()).bad == (), capture


@pytest.mark.parametrize(
    ("venue", "name", "kind", "count"),
    [
        (SPOT, "bybit/rest_instruments-info_spot_2026-08-09.json", "spot", 557),
        (LINEAR, "bybit/rest_instruments-info_linear_2026-08-09.json.gz", "linear", 800),
    ],
)
def test_instruments(venue: Exchange, name: str, kind: str, count: int) -> None:
    """The REST list agrees with a plain reading."""
    text = body(name)
    step = {"spot": "basePrecision", "linear": "qtyStep"}[kind]
    least = {"spot": "minOrderAmt", "linear": "minNotionalValue"}[kind]
    expected = tuple(
        Instrument(
            symbol=s["symbol"],
            base=s["baseCoin"],
            quote=s["quoteCoin"],
            active=s["status"] == "Trading",
            tick_size=s["priceFilter"]["tickSize"],
            lot_size=s["lotSizeFilter"][step],
            min_size=s["lotSizeFilter"]["minOrderQty"],
            min_notional=s["lotSizeFilter"][least],
            kind=kind,
        )
        for s in json.loads(text)["result"]["list"]
    )
    assert venue.parse_listing(text) == expected
    assert len(expected) == count
    assert all(each.active and each.tick_size and each.lot_size for each in expected)
