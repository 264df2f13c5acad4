"""The small recording that the examples of documents read: two venues, five minutes of one day.

Coinbase trades twice a second, and Kraken once; each quotes once a second and has a book of a few
levels.  One trade of Coinbase came late.  Everything is exact: the same numbers each time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.reader.recorded import Recorder
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.proof import Proof
from tick_logger.model.symbol_rules import AssetClass, QuoteType
from tick_logger.model.symbols import MappedInstrument
from tick_logger.model.tables import FLAG_SNAPSHOT, SIDE_BUY, SIDE_SELL, Table
from tick_logger.model.times import NS_PER_DAY, NS_PER_SECOND
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.storage.format_file import Width, write_format
from tick_logger.storage.instruments_file import SavedInstruments, encode
from tick_logger.storage.layout import InstrumentsPath, instruments_path

DAY = 20_786
"""2026-11-29"""
TEN_NS = DAY * NS_PER_DAY + 10 * 3600 * NS_PER_SECOND
WAY_NS = 40_000_000
"""From the exchange to here."""
SECS = 300
NAMES = (("coinbase", "BTC-USD"), ("kraken", "BTC/USD"))
PRICES = (84106.09, 84106.1)


def write_example(folder: Path) -> Path:
    """Write it into a folder, and return that."""
    recorder = Recorder(folder, names=NAMES)
    files = DiskFiles(folder)
    files.prepare()
    write_format(files, [Width("f4+rest")])
    for number, (exchange, symbol) in enumerate(NAMES):
        _write(recorder, number)
        files.replace(instruments_path(InstrumentsPath(exchange, DAY)), _listing(exchange, symbol))
    files.close()
    recorder.miss(
        GapRecord(1, Table.TRADES, 151, 160, _at(149) + WAY_NS, _at(160) + WAY_NS, Cause.SEQUENCE)
    )
    return folder


def _at(seconds: float) -> int:
    """That long after ten."""
    return TEN_NS + round(seconds * NS_PER_SECOND)


def _row(seconds: float, seq: int, **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"event_ns": _at(seconds), "recv_ns": _at(seconds) + WAY_NS, "seq": seq, **fields}


def _write(recorder: Recorder, number: int) -> None:
    """All of one venue."""
    base, per_second = PRICES[number], 2 - number
    trades = [
        _row(n / per_second, n + 1, price=round(base + n % 7 * 0.01, 2), size=0.01 * (1 + n % 5),
             side=SIDE_BUY if n % 3 else SIDE_SELL)
        for n in range(SECS * per_second)
        if not (number == 1 and 150 <= n < 160)
    ]  # fmt: skip
    late = [trade for trade in trades if number == 0 and trade["seq"] == 42]
    recorder.write(Table.TRADES, [t for t in trades if t not in late], of=number)
    recorder.write(Table.TRADES, late, of=number, late=True)
    bids = [round(base - 0.01 * (n % 3 + 1), 2) for n in range(SECS)]
    asks = [round(base + 0.01 * (n % 2), 2) for n in range(SECS)]
    quotes = [
        _row(n + 0.25, n + 1, best_bid=bid, best_bid_size=1.5, best_ask=ask, best_ask_size=0.5)
        for n, (bid, ask) in enumerate(zip(bids, asks, strict=True))
    ]
    recorder.write(Table.QUOTES, quotes, of=number)
    tickers = [
        _row(n + 0.5, 0, price=base, volume=0.01, side=SIDE_BUY, best_bid=bid, best_ask=ask)
        for n, (bid, ask) in enumerate(zip(bids, asks, strict=True))
    ]
    recorder.write(Table.MD, tickers, of=number)
    recorder.write(Table.BOOK, list(_book(base)), of=number)


def _book(base: float) -> list[dict[str, Any]]:
    """A snapshot of ten levels a side, then a level of either side changes each second."""
    rows = [
        _row(0, 100, side=side, price=round(base + sign * 0.01 * (level + 1), 2), size=1.0 + level,
             flags=FLAG_SNAPSHOT)
        for side, sign in ((1, -1), (0, 1))
        for level in range(10)
    ]  # fmt: skip
    for n in range(1, SECS):
        for side, sign in ((1, -1), (0, 1)):
            price = round(base + sign * 0.01 * (n % 10 + 1), 2)
            rows.append(_row(n, 100 + n, side=side, price=price, size=n % 4 * 0.5, flags=0))
    return rows


def _listing(exchange: str, symbol: str) -> bytes:
    listed = MappedInstrument(
        exchange=exchange,
        symbol=symbol,
        name="BTC-USD",
        base="BTC",
        quote="USD",
        quote_type=QuoteType.FIAT,
        asset_class=AssetClass.CRYPTO,
        kind="spot",
        tick_size="0.01",
        lot_size="0.00000001",
        active=True,
    )
    saved = SavedInstruments(
        exchange=exchange,
        read_ns=TEN_NS,
        proofs={Table.TRADES: Proof.PROVEN, Table.BOOK: Proof.CONSISTENT},
        instruments=(listed,),
    )
    return encode(saved)
