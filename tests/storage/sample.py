"""Rows and flushes for the tests of storage, from plain Python numbers."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from tick_logger.model.flush import Flush, Run
from tick_logger.model.instruments import Instruments
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import SPECS, Table
from tick_logger.model.times import NS_PER_DAY

DAY = (datetime.date(2024, 2, 1) - datetime.date(1970, 1, 1)).days
"""2024-02-01: its files end in `.01.02.24`."""

MIDNIGHT_NS = DAY * NS_PER_DAY
SECOND = 10**9
NAN = float("nan")

DEFAULTS: dict[str, Any] = {
    "instrument": 0,
    "recv_ns": MIDNIGHT_NS + 5 * SECOND + 17,
    "event_ns": MIDNIGHT_NS + 4 * SECOND,
    "seq": 0,
    "price": 100.5,
    "volume": 0.25,
    "size": 0.25,
    "side": 1,
    "flags": 0,
    "best_bid": 100.25,
    "best_ask": 100.75,
    "best_bid_size": 2.0,
    "best_ask_size": 3.0,
    "maker": b"m" * 16,
    "taker": b"t" * 16,
}


def instruments(*names: tuple[str, str]) -> Instruments:
    """An index of these (exchange, symbol) pairs, by default one."""
    index = Instruments()
    for exchange, symbol in names or [("venue", "BTC-USD")]:
        index.add(exchange, symbol)
    return index


def batch(table: Table, rows: Sequence[Mapping[str, Any]]) -> RowBatch:
    """Rows of which only some fields are given."""
    full = [{**DEFAULTS, **row} for row in rows]
    return RowBatch.build(
        table, {name: [row[name] for row in full] for name in SPECS[table].all_fields}
    )


def run(
    table: Table, rows: Sequence[Mapping[str, Any]], *, day: int = DAY, late: bool = False
) -> Run:
    """A run of the first instrument, or of the one that the rows name."""
    instrument = rows[0].get("instrument", 0) if rows else 0
    return Run(instrument, table, day, batch(table, rows), late)


def flush(*runs: Run) -> Flush:
    """A flush without gap records."""
    return Flush(runs)


def numbered(first: int, last: int, *, day: int = DAY, **fields: object) -> list[dict[str, Any]]:
    """Rows with ids `first` to `last`, each a second after the one before."""
    start = day * NS_PER_DAY
    return [
        {
            "seq": seq,
            "event_ns": start + seq * SECOND,
            "recv_ns": start + seq * SECOND + 9,
            **fields,
        }
        for seq in range(first, last + 1)
    ]
