"""Symbols of captures, and venues that answer with the sample pages' own spelling of their trades.

Paging is as each venue documents it: a cursor by id, a time, or the newest page alone.  Not here:
what a recorder makes of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import attrs
import msgspec

from tests.exchanges.trades_asked import sample_pages

Query = dict[str, str]
Told = Sequence[tuple[int, bytes]]
"""Trades by id, ascending, each as the pages spell it."""


@attrs.frozen
class Sample:
    """One symbol of a capture, and how its venue answers."""

    symbol: str
    capture: str
    pages: str
    number: Callable[[bytes], int]
    listed: Callable[[bytes], list[msgspec.Raw]]
    page: Callable[[Told, Query], bytes]
    finest_ns: int = 1
    """How exactly REST tells a time that the stream tells."""
    apart: Callable[[bytes], list[bytes]] = lambda frame: [frame]
    """Messages of one trade each, where a recorded one has most of all that there are."""


def _field(name: str) -> Callable[[bytes], int]:
    return lambda trade: int(json.loads(trade)[name])


def _in_a_list(body: bytes) -> list[msgspec.Raw]:
    return msgspec.json.decode(body, type=list[msgspec.Raw])


def _below(*path: str) -> Callable[[bytes], list[msgspec.Raw]]:
    def found(body: bytes) -> list[msgspec.Raw]:
        for name in path:
            body = bytes(msgspec.json.decode(body, type=dict[str, msgspec.Raw])[name])
        return _in_a_list(body)

    return found


def _one_by_one(frame: bytes) -> list[bytes]:
    """The trades as they are spelled, each in a message like the one that had them all."""
    fields = msgspec.json.decode(frame, type=dict[str, msgspec.Raw])
    if "data" not in fields or not bytes(fields["data"]).startswith(b"["):
        return [frame]
    alone = [{**fields, "data": [each]} for each in _in_a_list(bytes(fields["data"]))]
    return [msgspec.json.encode(each).replace(b'"snapshot"', b'"update"') for each in alone]


def _joined(trades: Sequence[bytes]) -> bytes:
    return b"[" + b",".join(trades) + b"]"


def _older(told: Told, cursor: str | None, count: str) -> bytes:
    """Newest first, those with a smaller id than the cursor."""
    chosen = [trade for number, trade in told if cursor is None or number < int(cursor)]
    return _joined(chosen[: -int(count) - 1 : -1])


def _binance(told: Told, asked: Query) -> bytes:
    chosen = [trade for number, trade in told if number >= int(asked["fromId"])]
    return _joined(chosen[: int(asked["limit"])])


def _coinbase(told: Told, asked: Query) -> bytes:
    return _older(told, asked.get("after"), asked["limit"])


def _okx(told: Told, asked: Query) -> bytes:
    found = _older(told, asked.get("after"), asked["limit"])
    return b'{"code":"0","msg":"","data":' + found + b"}"


def _upbit(told: Told, asked: Query) -> bytes:
    return _older(told, asked.get("cursor"), asked["count"])


def _bybit(told: Told, asked: Query) -> bytes:
    found = sorted(told, key=lambda each: int(json.loads(each[1])["time"]))
    newest = _joined([trade for _, trade in found[: -int(asked["limit"]) - 1 : -1]])
    return (
        b'{"retCode":0,"retMsg":"OK","result":{"category":"spot","list":'
        + newest
        + b'},"retExtInfo":{},"time":1786310860447}'
    )


def _kraken(told: Told, asked: Query) -> bytes:
    """Those after a time, which several trades may have."""

    def at_ns(trade: bytes) -> int:
        return int(
            json.loads(trade, parse_float=lambda text: text.replace(".", "").ljust(19, "0"))[2]
        )

    chosen = [trade for _, trade in told if at_ns(trade) > int(asked["since"])]
    chosen = chosen[: int(asked.get("count", "1000"))]
    last = at_ns(chosen[-1]) if chosen else int(asked["since"])
    return b'{"error":[],"result":{"XXBTZUSD":%s,"last":"%d"}}' % (_joined(chosen), last)


SAMPLES = {
    "binance": Sample(
        "BTCUSDT",
        "binance/ws_2024-08-09_btcusdt_trade-bookTicker-depth.jsonl.gz",
        "binance/rest_historicalTrades_selfmade_2024-08-09.jsonl",
        _field("id"),
        _in_a_list,
        _binance,
    ),
    "coinbase": Sample(
        "SKL-USD",
        "coinbase/ws_2021-04-17_level2-ticker-matches_7products.jsonl.gz",
        "coinbase/rest_trades_selfmade_2021-04-17.jsonl",
        _field("trade_id"),
        _in_a_list,
        _coinbase,
    ),
    "okx": Sample(
        "BTC-USDT",
        "okx/ws_2022-05-13_books-trades-tickers.jsonl",
        "okx/rest_history-trades_selfmade_2022-05-13.jsonl",
        _field("tradeId"),
        _below("data"),
        _okx,
    ),
    "upbit": Sample(
        "KRW-STX",
        "upbit/ws_2021-04-05_trade-orderbook_simple.jsonl.gz",
        "upbit/rest_trades_ticks_selfmade_2021-04-05.jsonl",
        _field("sequential_id"),
        _in_a_list,
        _upbit,
    ),
    "bybit": Sample(
        "ETHUSDT",
        "bybit/ws_2026-08-09_spot.jsonl",
        "bybit/rest_recent-trade_selfmade_2026-08-09.jsonl",
        _field("execId"),
        _below("result", "list"),
        _bybit,
        apart=_one_by_one,
    ),
    "kraken": Sample(
        "BTC/USD",
        "kraken/trade_2026-09-26.jsonl",
        "kraken/rest_Trades_selfmade_2026-09-26.jsonl",
        lambda trade: int(json.loads(trade)[6]),
        _below("result", "XXBTZUSD"),
        _kraken,
        apart=_one_by_one,
        finest_ns=1000,  # floats with steps of 240 ns, beside microseconds
    ),
}


def told_by(sample: Sample) -> Told:
    """All trades of the sample pages."""
    bodies = [body for _, body in sample_pages(sample.pages) if body]
    trades = {bytes(each) for body in bodies for each in sample.listed(body)}
    return sorted({sample.number(each): each for each in trades}.items())
