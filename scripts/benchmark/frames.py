"""The messages of the benchmark: trades and tickers as two exchanges send them, ids rising by one.

Built before the clock starts.  A trade is about 190 bytes, a ticker about 430.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator

KINDS = ("trades", "tickers")
EXCHANGE_OF = {"trades": "binance", "tickers": "coinbase"}


def symbol(kind: str, number: int) -> str:
    """The name of a symbol in its exchange's spelling."""
    return f"BENCH{number}USDT" if kind == "trades" else f"BENCH{number}-USD"


def payload(kind: str, number: int, trade_id: int, time_us: int) -> bytes:
    """One message of symbol `number` with the event time `time_us` (µs since 1970)."""
    price = 61_000_00 + (trade_id * 7919) % 100_000
    text = f"{price // 100}.{price % 100:02d}"
    if kind == "trades":
        name = symbol(kind, number)
        return (
            f'{{"stream":"{name.lower()}@trade","data":{{"e":"trade","E":{time_us + 400},'
            f'"s":"{name}","t":{trade_id},"p":"{text}000000","q":"0.00{trade_id % 90 + 10}0000",'
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
