"""The messages of the benchmark: trades and tickers as two exchanges send them, ids rising by one.

Built before the clock starts.  A trade is about 190 bytes, a ticker about 430.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator

KINDS = ("trades", "aggregates", "tickers")
"""Aggregates are the trades of the first exchange as cryptofeed asks for them."""
EXCHANGE_OF = {"trades": "binance", "aggregates": "binance", "tickers": "coinbase"}
CHANNELS = {"trades": "trade", "aggregates": "aggTrade"}


def symbol(kind: str, number: int) -> str:
    """The name of a symbol in its exchange's spelling."""
    return f"BENCH{number}USDT" if kind in CHANNELS else f"BENCH{number}-USD"


def payload(kind: str, number: int, trade_id: int, time_us: int) -> bytes:
    """One message of symbol `number` with the event time `time_us` (µs since 1970)."""
    price = 61_000_00 + (trade_id * 7919) % 100_000
    text = f"{price // 100}.{price % 100:02d}"
    if kind in CHANNELS:
        name, channel = symbol(kind, number), CHANNELS[kind]
        ids = f'"t":{trade_id}' if kind == "trades" else f'"a":{trade_id}'
        return (
            f'{{"stream":"{name.lower()}@{channel}","data":{{"e":"{channel}","E":{time_us + 400},'
            f'"s":"{name}",{ids},"p":"{text}000000","q":"0.00{trade_id % 90 + 10}0000",'
            f'"T":{time_us},"m":{"true" if trade_id % 2 else "false"},"M":true}}}}'
        ).encode()
    moment = datetime.datetime.fromtimestamp(time_us / 1e6, datetime.UTC)
    return (
        f'{{"type":"ticker","sequence":{trade_id * 3},"product_id":"{symbol(kind, number)}",'
        f'"price":"{text}","open_24h":"60000.01","volume_24h":"11234.51234567",'
        f'"low_24h":"59000.5","high_24h":"62000.99","volume_30d":"412345.12345678",'
        f'"best_bid":"{text}","best_bid_size":"0.51230000","best_ask":"{text}1",'
        f'"best_ask_size":"0.10000000","side":"buy",'
        f'"time":"{moment.strftime("%Y-%m-%dT%H:%M:%S.%f")}Z","trade_id":{trade_id},'
        f'"last_size":"0.0{trade_id % 90 + 10}"}}'
    ).encode()


def subscription(kind: str, names: list[str]) -> str:
    """The request that subscribes these symbols."""
    if kind in CHANNELS:
        streams = [f"{name.lower()}@{CHANNELS[kind]}" for name in names]
        return json.dumps({"method": "SUBSCRIBE", "params": streams, "id": 1})
    return json.dumps({"type": "subscribe", "product_ids": names, "channels": ["ticker"]})


def names_of(kind: str, connection: int, symbols: int) -> list[str]:
    """The symbols of one connection."""
    return [symbol(kind, connection * symbols + n) for n in range(symbols)]


def framed(data: bytes) -> bytes:
    """The payload as one unmasked WebSocket text frame."""
    size = len(data)
    if size < 126:
        return bytes((0x81, size)) + data
    return b"\x81\x7e" + size.to_bytes(2, "big") + data


def stream(
    kind: str, first_symbol: int, symbols: int, count: int, start_us: int, step_us: float
) -> Iterator[bytes]:
    """`count` frames over `symbols` symbols in turn, `step_us` apart in event time."""
    for index in range(count):
        number = first_symbol + index % symbols
        trade_id = 1_000 + index // symbols
        yield framed(payload(kind, number, trade_id, start_us + int(index * step_us)))
