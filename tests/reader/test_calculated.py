"""Bars, as-of joins and the consolidated quote are what plain loops over the rows give."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tick_logger
from tests.reader.book_rows import DAY_MS, at
from tests.reader.recorded import Recorder
from tick_logger.exchanges import registry
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import Table
from tick_logger.reader import bars as bars_module
from tick_logger.reader import consolidated as consolidated_module
from tick_logger.reader.rows import Rows

NAMES = (("venue", "BTC-USD"), ("other", "XBT/USD"), ("bybit", "BTCUSD"))
NOTHING = "T00:00:00Z"


def trade(ms: int, seq: int, price: float, size: float, side: int) -> dict[str, Any]:
    return {
        "event_ns": at(ms),
        "recv_ns": at(ms + 1),
        "seq": seq,
        "price": price,
        "size": size,
        "side": side,
    }


def quote(ms: int, bid: float, ask: float, **fields: object) -> dict[str, Any]:
    common = {
        "event_ns": at(ms),
        "recv_ns": at(ms + 5),
        "best_bid_size": bid * 2,
        "best_ask_size": ask * 2,
    }
    return {**common, "best_bid": bid, "best_ask": ask, **fields}


def table(rows: Rows) -> list[dict[str, Any]]:
    """Rows as dictionaries; times in ms after midnight, NaN and NaT as None."""
    columns = rows.numpy()
    made = []
    for number in range(len(rows)):
        made.append({name: plain(values[number]) for name, values in columns.items()})
    return made


def plain(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else (int(value.astype(np.int64)) - at(0)) / 10**6
    found = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(found, float) and math.isnan(found) else found


@pytest.fixture(scope="module", autouse=True)
def small_pieces() -> Iterator[None]:
    """Pieces of some rows, so that few rows are many pieces."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bars_module, "PIECE_ROWS", 3)
        patch.setattr(consolidated_module, "PIECE_MOMENTS", 3)
        yield


trades = st.lists(
    st.tuples(
        st.integers(0, 40), st.integers(1, 9), st.integers(0, 4), st.integers(0, 2), st.booleans()
    ),
    min_size=1,
    max_size=15,
)


@settings(max_examples=40)
@given(
    of_each=st.tuples(trades, trades),
    every=st.integers(1, 9),
    edges=st.tuples(st.integers(0, 45), st.integers(0, 45)),
)
def test_bars(
    tmp_path_factory: pytest.TempPathFactory,
    of_each: tuple[list[tuple[int, int, int, int, bool]], ...],
    every: int,
    edges: tuple[int, int],
) -> None:
    """Of two symbols, late trades among them, over midnight."""
    recorder = Recorder(tmp_path_factory.mktemp("bars"))
    begin, end = (DAY_MS - 20 + each for each in sorted(edges))
    expected: list[dict[str, Any]] = []
    for of, found in enumerate(of_each):
        rows = [
            (trade(DAY_MS - 20 + ms, n, price, size, side), late)
            for n, (ms, price, size, side, late) in enumerate(sorted(found))
        ]
        for late in (False, True):
            recorder.write(
                Table.TRADES,
                [row for row, is_late in rows if is_late is late]
                or [trade(2 * DAY_MS, 0, 1, 1, 1)],
                of=of,
                late=late,
            )
        periods: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for row, _ in rows:
            if at(begin) <= row["event_ns"] < at(end):
                periods[row["event_ns"] // (every * 10**6)].append(row)
        for period, each in sorted(periods.items()):
            prices, sizes = [row["price"] for row in each], [row["size"] for row in each]
            total = sum(sizes)
            notional = sum(row["price"] * row["size"] for row in each)
            expected.append(
                {
                    "exchange": NAMES[of][0],
                    "symbol": NAMES[of][1],
                    "ts": (period * every * 10**6 - at(0)) / 10**6,
                    "open": prices[0],
                    "high": max(prices),
                    "low": min(prices),
                    "close": prices[-1],
                    "volume": total,
                    "count": len(each),
                    "vwap": notional / total if total else None,
                    "buy_volume": sum(row["size"] for row in each if row["side"] == 1),
                    "sell_volume": sum(row["size"] for row in each if row["side"] == 0),
                }
            )
    rec = tick_logger.open(recorder.folder)
    found_bars = rec.bars(
        ["venue:BTC-USD", "other:XBT/USD"], at(begin), at(end), every=f"{every}ms"
    )
    assert table(found_bars) == expected
    one = rec.bars("venue:BTC-USD", at(begin), at(end), every=f"{every}ms")
    assert "symbol" not in one.columns
    assert len(one) == sum(row["symbol"] == "BTC-USD" for row in expected)


@settings(max_examples=40)
@given(
    left=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 20)), min_size=1, max_size=12),
    right=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 20)), min_size=1, max_size=12),
    several=st.booleans(),
    received=st.booleans(),
)
def test_asof(
    tmp_path_factory: pytest.TempPathFactory,
    left: list[tuple[int, int]],
    right: list[tuple[int, int]],
    several: bool,
    received: bool,
) -> None:
    """Within symbols where there are several on the right, else whatever they are."""
    recorder = Recorder(tmp_path_factory.mktemp("asof"), names=NAMES)
    recorder.write(Table.QUOTES, [quote(99, 1, 2)], of=0)
    recorder.write(Table.QUOTES, [quote(99, 1, 2)], of=1)
    recorder.write(Table.QUOTES, [quote(99, 1, 2)], of=2)
    for of in range(3):
        times = sorted(ms for each, ms in left if each == of)
        recorder.write(Table.TRADES, [trade(ms, 1, 5, 1, 1) for ms in [*times, 98]], of=of)
    offers: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for number, (of, ms) in enumerate(sorted(right, key=lambda each: each[1])):
        offers[of].append((ms, number))
    for of, mine in offers.items():
        recorder.write(
            Table.MD,
            [
                {**quote(ms, number, 7), "price": number, "recv_ns": at(50 - ms)}
                for ms, number in mine
            ],
            of=of,
        )
    rec = tick_logger.open(recorder.folder)
    trades_of_all = rec.trades("*:*", at(0), at(30))
    by = "received" if received else "event"
    of_right = [f"{NAMES[of][0]}:{NAMES[of][1]}" for of in sorted(offers)]
    others = rec.ticker(of_right if several else of_right[0], at(0), at(90), by=by)
    is_one = len(of_right) == 1 or not several
    joined = rec.asof(trades_of_all, others)
    assert len(joined) == len(left)
    for row in table(joined):
        of = NAMES.index((row["exchange"], row["symbol"]))
        mine = offers[min(offers)] if is_one else offers.get(of, [])
        before = [(ms, number) for ms, number in mine if ms <= row["ts"]]
        at_best = [each for each in before if each[0] == max(ms for ms, _ in before)]
        if not before:
            assert (row["ts_right"], row["bid"], row["price_right"]) == (None, None, None)
            continue
        assert row["ts_right"] == at_best[0][0]
        # Rows of one time that were received at one moment keep the order of their file.
        assert row["bid"] == row["price_right"] == at_best[-1][1]


def test_asof_says_what_it_needs(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Times on both sides, and symbols where the right is of several; names never clash."""
    recorder = Recorder(tmp_path_factory.mktemp("asof"))
    for of in (0, 1):
        recorder.write(Table.TRADES, [trade(5, 1, 5, 1, 1)], of=of)
        recorder.write(Table.QUOTES, [quote(4, 1, 2)], of=of)
    rec = tick_logger.open(recorder.folder)
    one, all_of = rec.trades("venue:BTC-USD", at(0)), rec.quotes("*:*", at(0))
    with pytest.raises(ValueError, match="left have no column exchange"):
        len(rec.asof(one, all_of))
    with pytest.raises(ValueError, match="right have no column ts"):
        len(rec.asof(one, rec.quotes("venue:BTC-USD", at(0), columns=["bid"])))
    quotes = rec.quotes("venue:BTC-USD", at(0), columns=["ts", "bid"])
    twice = rec.asof(rec.asof(one, quotes), quotes)
    assert twice.columns[-4:] == ("ts_right", "bid", "ts_right_right", "bid_right")
    early = rec.asof(rec.trades("*:*", at(0)), rec.quotes("*:*", at(6)))
    assert early.polars()["ts_right"].null_count() == 2
    assert early.arrow()["ts_right"].null_count == 2
    assert "as of which" in repr(early)


price = st.one_of(st.none(), st.integers(1, 5))
quotes_of_one = st.lists(st.tuples(st.integers(0, 30), price, price), max_size=9)
holes_of_one = st.lists(
    st.tuples(st.integers(0, 40), st.one_of(st.none(), st.integers(1, 9))),
    max_size=2,
    unique_by=lambda each: each[0],
)


@settings(max_examples=80)
@given(
    said=st.tuples(quotes_of_one, quotes_of_one, quotes_of_one),
    holes=st.tuples(holes_of_one, holes_of_one, holes_of_one),
    begin=st.integers(0, 20),
)
def test_consolidated(
    tmp_path_factory: pytest.TempPathFactory,
    said: tuple[list[tuple[int, int | None, int | None]], ...],
    holes: tuple[list[tuple[int, int | None]], ...],
    begin: int,
) -> None:
    """At each ms the best of what each venue said last, but for those that are in a hole."""
    recorder = Recorder(tmp_path_factory.mktemp("best"), names=NAMES)
    assert registry.get("bybit").quotes_in_part
    for of, found in enumerate(said):
        rows = [
            quote(ms, *(math.nan if each is None else each for each in prices))
            for ms, *prices in sorted(found, key=lambda each: each[0])
        ]
        recorder.write(Table.QUOTES, [*rows, quote(200, 1, 2)], of=of)
        recorder.miss(
            *(
                GapRecord(
                    of,
                    Table.QUOTES,
                    None,
                    None,
                    at(start),
                    None if length is None else at(start + length),
                    Cause.DISCONNECT,
                )
                for start, length in holes[of]
            )
        )
    order = sorted(range(3), key=lambda of: NAMES[of][0])
    expected: list[dict[str, Any]] = []
    last: tuple[Any, ...] | None = None
    for ms in range(begin, 60):
        standing = [
            (
                NAMES[of][0],
                *stands(
                    sorted(said[of], key=lambda each: each[0]),
                    holes[of],
                    ms,
                    in_part=NAMES[of][0] == "bybit",
                ),
            )
            for of in order
        ]
        bids = [(bid[0], -n, name, bid) for n, (name, bid, _) in enumerate(standing) if bid]
        asks = [(-ask[0], -n, name, ask) for n, (name, _, ask) in enumerate(standing) if ask]
        bid, ask = max(bids, default=None), max(asks, default=None)
        state = (bid and (bid[0], bid[2]), ask and (ask[0], ask[2]))
        if state != last and not (last is None and state == (None, None)):
            last = state
            expected.append(
                {
                    "ts": ms,
                    "bid": bid and bid[0],
                    "bid_size": bid and bid[0] * 2,
                    "bid_venue": bid[2] if bid else "",
                    "bid_age": bid and (ms - bid[3][1]) / 1000,
                    "ask": ask and -ask[0],
                    "ask_size": ask and -ask[0] * 2,
                    "ask_venue": ask[2] if ask else "",
                    "ask_age": ask and (ms - ask[3][1]) / 1000,
                    "venues": sum(bool(b or a) for _, b, a in standing),
                }
            )
    best = tick_logger.open(recorder.folder).consolidated("*:*", at(begin), at(60))
    found_rows = table(best)
    for row in found_rows:
        spread = row.pop("spread_bps")
        if None not in (row["bid"], row["ask"]):
            middle = (row["bid"] + row["ask"]) / 2
            assert spread == pytest.approx((row["ask"] - row["bid"]) / middle * 10_000)
        else:
            assert spread is None
    assert found_rows == expected


Standing = tuple[int, int] | None  # price, and when it was said


def stands(
    said: list[tuple[int, int | None, int | None]],
    holes: list[tuple[int, int | None]],
    ms: int,
    *,
    in_part: bool,
) -> tuple[Standing, Standing]:
    """What a venue's quotes say at a moment; each was received 5 ms after its time."""

    def in_hole(moment: int) -> bool:
        return any(
            begin <= moment and (length is None or moment < begin + length)
            for begin, length in holes
        )

    found: list[Standing] = [None, None]
    for now in range(ms + 1):
        if in_hole(now + 5):
            found = [None, None]
        for at_ms, *prices in said:
            if at_ms == now and not in_hole(now + 5):
                for side, each in enumerate(prices):
                    if each is not None:
                        found[side] = each, now
                    elif not in_part:
                        found[side] = None
    return found[0], found[1]


def test_consolidated_begins_with_what_stood_before(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Quotes of days ago count, with their age; a crossed market has a negative spread."""
    recorder = Recorder(tmp_path_factory.mktemp("best"))
    recorder.write(Table.QUOTES, [quote(0, 99, 101)], of=0)
    recorder.write(
        Table.QUOTES, [quote(3 * DAY_MS, 102, 103), quote(3 * DAY_MS + 5, 98, 100)], of=1
    )
    rec = tick_logger.open(recorder.folder)
    rows = table(rec.consolidated("*:*", at(3 * DAY_MS - 1), at(4 * DAY_MS)))
    assert [(row["ts"] - 3 * DAY_MS, row["bid"], row["ask"], row["venues"]) for row in rows] == [
        (-1, 99, 101, 1),
        (0, 102, 101, 2),
        (5, 99, 100, 2),
    ]
    assert rows[0]["bid_age"] == (3 * DAY_MS - 1) / 1000
    assert rows[1]["spread_bps"] == pytest.approx(-1 / 101.5 * 1e4)
    assert (rows[1]["bid_venue"], rows[1]["ask_venue"]) == ("other", "venue")
    assert table(rec.consolidated("*:*", at(-DAY_MS), at(-5))) == []
