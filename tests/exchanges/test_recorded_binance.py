"""Recorded Binance traffic decodes to exactly what its frames say, as a plain reading shows.

The oracle reads each frame with the standard library and builds each row by hand; the counts are
those of the recordings' own truth tables, which another program derived.
"""

from __future__ import annotations

import json

import pytest

from tests.exchanges.said import (
    AnySymbol,
    Row,
    by_frame,
    check_rows,
    events_of,
    trades_by_symbol,
    tuples_of,
)
from tests.recordings import body, frames, needs_recordings
from tick_logger.exchanges.base import Acknowledged, BookLink, BookSnapshot
from tick_logger.exchanges.binance import EXCHANGE
from tick_logger.model.instruments import Instrument
from tick_logger.model.tables import NO_TIME, Table

pytestmark = needs_recordings

BTCUSDT_8 = "binance/ws_2024-08-08_btcusdt_trade-bookTicker-depth.jsonl.gz"
BTCUSDT_9 = "binance/ws_2024-08-09_btcusdt_trade-bookTicker-depth.jsonl.gz"
TEN_LIQUID = "binance/ws_2021-04-05_10symbols_bookTicker-aggTrade-depth.jsonl.gz"
TEN_ILLIQUID = "binance/ws_2021-04-17_10illiquid_aggTrade-kline-depth-bookTicker.jsonl"
TRADES_2026 = "binance/trade_2026-09-26.jsonl"


def read(capture: str, symbols: AnySymbol) -> tuple[dict[Table, list[Row]], list[BookLink]]:
    """Every row that the frames of a capture say, by table, and the links of its books."""
    said: dict[Table, list[Row]] = {table: [] for table in Table}
    links = []
    for frame, text in enumerate(frames(capture)):
        m = json.loads(text)
        kind, d = m["stream"].split("@")[1], m["data"]
        if kind not in {"trade", "bookTicker", "depth"}:
            continue
        head = (frame, symbols[d["s"]])
        if kind == "trade":
            trade = (d["T"] * 10**6, d["t"], float(d["p"]), float(d["q"]), 0 if d["m"] else 1)
            said[Table.TRADES].append((*head, *trade, bytes(16), bytes(16)))
        elif kind == "bookTicker":
            quote = (float(d["b"]), float(d["B"]), float(d["a"]), float(d["A"]))
            said[Table.QUOTES].append((*head, NO_TIME, d["u"], *quote))
        else:
            links.append(BookLink(symbols[d["s"]], d["U"], d["u"]))
            for side, levels in ((1, d["b"]), (0, d["a"])):
                for price, size in levels:
                    level = (side, float(price), float(size), 0)
                    said[Table.BOOK].append((*head, d["E"] * 10**6, d["u"], *level))
    return said, links


@pytest.mark.parametrize(
    ("capture", "counts"),
    [
        (BTCUSDT_8, {"trade": 9757, "bookTicker": 28040, "depth": 3451}),
        (TEN_LIQUID, {"trade": 0, "bookTicker": 5408, "depth": 4709}),
        (TEN_ILLIQUID, {"trade": 0, "bookTicker": 570, "depth": 614}),
        (TRADES_2026, {"trade": 12, "bookTicker": 0, "depth": 0}),
    ],
)
def test_rows_are_what_the_frames_say(capture: str, counts: dict[str, int]) -> None:
    """Every row of every table, value for value; aggTrade and kline frames say nothing."""
    symbols = AnySymbol()
    expected, links = read(capture, symbols)
    decoded = EXCHANGE.decode(frames(capture), symbols)
    check_rows(decoded, expected)
    assert events_of(decoded) == links
    assert len(expected[Table.TRADES]) == counts["trade"]
    assert len(expected[Table.QUOTES]) == counts["bookTicker"]
    assert len(links) == counts["depth"]


@pytest.mark.parametrize(
    ("capture", "trades"),
    [
        (BTCUSDT_8, {"BTCUSDT": (9757, 3735683259, 3735693015, 1723161255342, 1723161601271)}),
        (BTCUSDT_9, {"BTCUSDT": (10147, 3735693016, 3735703162, 1723161601437, 1723161905800)}),
        (
            TRADES_2026,
            {
                "BTCUSDT": (7, 6715234671, 6715234677, 1790446152678, 1790446156280),
                "ETHUSDT": (5, 4388803977, 4388803981, 1790446153301, 1790446155915),
            },
        ),
    ],
)
def test_trades_match_the_truth_table(capture: str, trades: dict[str, tuple[int, ...]]) -> None:
    """Counts, ids and times per symbol; ids without holes or repetition."""
    symbols = AnySymbol()
    decoded = EXCHANGE.decode(frames(capture), symbols)
    assert {
        symbol: (count, low, high, first // 10**6, last // 10**6)
        for symbol, (count, low, high, first, last) in trades_by_symbol(decoded, symbols).items()
    } == trades


@pytest.mark.parametrize("capture", [BTCUSDT_8, BTCUSDT_9, TEN_LIQUID, TEN_ILLIQUID])
def test_book_links_form_a_chain(capture: str) -> None:
    """Each update begins one after the end of the one before, in every capture."""
    last: dict[int, int] = {}
    for link in events_of(EXCHANGE.decode(frames(capture), AnySymbol())):
        assert isinstance(link, BookLink)
        assert link.first_id == last.get(link.instrument, link.first_id - 1) + 1
        last[link.instrument] = link.last_id


def test_snapshots_by_rest() -> None:
    """Every recorded answer, wrapped and decoded, holds the levels that it lists."""
    days = {"2021-04-05": "zilusdt manausdt btcaud neousdc", "2021-04-17": "busdtry veteth gtobtc"}
    for day, names in days.items():
        for symbol in names.split():
            text = body(f"binance/rest_depth_{symbol}_{day}.json")
            decoded = EXCHANGE.decode([EXCHANGE.snapshot_payload(symbol, text)], {symbol: 4})
            answer = json.loads(text)
            assert events_of(decoded) == [BookSnapshot(4, answer["lastUpdateId"])]
            expected = [
                (0, 4, NO_TIME, answer["lastUpdateId"], side, float(price), float(size), 1)
                for side, levels in ((1, answer["bids"]), (0, answer["asks"]))
                for price, size in levels
            ]
            assert list(tuples_of(decoded, Table.BOOK)) == expected


def test_acknowledgements() -> None:
    """Both orders of the keys."""
    decoded = EXCHANGE.decode(frames("binance/control.jsonl"), {})
    assert events_of(decoded) == [Acknowledged(1), Acknowledged(1)]


def test_symbols() -> None:
    """exchangeInfo of 2021 agrees with a plain reading."""
    text = body("binance/rest_exchangeInfo_2021-10-12.json.gz")
    assert EXCHANGE.parse_listing(text) == tuple(
        Instrument(
            s["symbol"],
            s["baseAsset"],
            s["quoteAsset"],
            s["status"] == "TRADING" and s["isSpotTradingAllowed"],
            next(f["tickSize"] for f in s["filters"] if f["filterType"] == "PRICE_FILTER"),
            next(f["stepSize"] for f in s["filters"] if f["filterType"] == "LOT_SIZE"),
            min_size=next(f["minQty"] for f in s["filters"] if "minQty" in f),
            min_notional=next(f["minNotional"] for f in s["filters"] if "minNotional" in f),
        )
        for s in json.loads(text)["symbols"]
    )


def test_decoding_in_batches_of_any_size_is_the_same() -> None:
    """Rows do not depend on where one batch ends and the next begins."""
    payloads, symbols = frames(BTCUSDT_9)[:1500], AnySymbol()
    whole = by_frame(EXCHANGE.decode(payloads, symbols))
    for start in range(0, len(payloads), 7):
        part = by_frame(EXCHANGE.decode(payloads[start : start + 7], symbols))
        assert part == {n: whole[start + n] for n in range(7) if start + n in whole}


@pytest.mark.parametrize(
    ("capture", "ids"),
    [
        (BTCUSDT_8, 9757),
        (BTCUSDT_9, 10147),
        (TRADES_2026, 12),
        (TEN_LIQUID, 1457),
        (TEN_ILLIQUID, 30),
    ],
)
def test_trade_ids_have_no_holes(capture: str, ids: int) -> None:
    """What the adapter's claim rests on; ranges of `aggTrade` say as much where there are any."""
    last: dict[str, int] = {}
    seen = 0
    for text in frames(capture):
        message = json.loads(text)
        said = message.get("data", message)
        if said.get("e") in ("trade", "aggTrade"):
            first, until = (said["t"],) * 2 if said["e"] == "trade" else (said["f"], said["l"])
            assert last.get(said["s"], first - 1) == first - 1
            last[said["s"]] = until
            seen += until - first + 1
    assert seen == ids
