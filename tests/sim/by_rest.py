"""What came by REST in a story: rows that are true, told once, and asked for within the budget.

No connection brought them, so they are judged by what the exchange really did.  Shares no code with
the recorder: how often a venue is asked at most is written down here again.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tests.service.oracle import Rows
from tests.sim.court import Court, Key
from tick_logger.simulator.registry import DIALECTS
from tick_logger.simulator.truth import TrueTrade

MOST_A_MINUTE = {
    "binance": 102, "bybit": 60, "bybit_linear": 60, "coinbase": 60, "coinbase_advanced": 60,
    "kraken": 30, "okx": 60, "upbit": 60,
}  # fmt: skip
"""Requests for trades of one process: half of what a venue allows, the rest is for books and
listings."""

COARSER_NS = 10**6
"""By which a time is off by REST, where that has fewer digits than the stream."""


def true_keys(rows: Rows, trades: Sequence[TrueTrade]) -> tuple[list[Key], int]:
    """The keys of the trades that these rows are, and how many are none.

    An id that was given twice is that of the trade with the row's time.
    """
    of_id: dict[int, list[TrueTrade]] = defaultdict(list)
    for trade in trades:
        of_id[trade.trade_id].append(trade)
    keys: list[Key] = []
    for number, event_ns in zip(rows["trade_id"].tolist(), rows.event_ns.tolist(), strict=True):
        same = [t for t in of_id[number] if abs(t.event_ns - event_ns) <= COARSER_NS]
        keys += [(each.trade_id, each.event_ns) for each in same[:1]]
    return keys, len(rows) - len(keys)


def false_by_rest(rows: Rows, keys: Sequence[Key], truth: Mapping[Key, TrueTrade]) -> Iterator[str]:
    """Values that the exchange's trades do not have; REST knows of no orders."""
    trades = [truth[key] for key in keys]
    expected = {
        "trade_price": np.array([float(t.price) for t in trades], rows["trade_price"].dtype),
        "trade_size": np.array([float(t.size) for t in trades], rows["trade_size"].dtype),
        "trade_side": np.array([t.side == "buy" for t in trades], "<u4"),
        "maker_order_id": np.zeros(len(trades), "V16"),
        "taker_order_id": np.zeros(len(trades), "V16"),
    }
    for name, values in expected.items():
        if rows[name].tobytes() != values.tobytes():
            yield f"false values of {name} by REST"


def over_budget(court: Court, name: str) -> Iterator[str]:
    """Requests of a process for trades beyond the budget, and those that nobody wanted."""
    kind = court.venue(name).kind
    path = DIALECTS[kind].words.trades_path
    asked = [at for at, each in court.world.logs[name].asked if re.fullmatch(path, each)]
    court.counts["requests for trades"] += len(asked)
    fills = any(wish[name].backfill for _, wish in court.world.wishes)
    if asked and not fills:
        yield f"asked {len(asked)} times for trades, though back-fill is off"
    for process in court.world.processes:
        times = [at for at in asked if process.began <= at <= process.ended]
        for number, at in enumerate(times):
            # A request of exactly a minute before is of another minute.
            within = number + 1 - bisect_left(times, at - 60.0 + 1e-6)
            if within > MOST_A_MINUTE[kind]:
                yield f"asked {within} times for trades in a minute"
                break


def repeated(keys: Sequence[Key], others: Sequence[Key]) -> list[Key]:
    """Those that came by REST although they are there already."""
    count = Counter([*others, *keys])
    return [key for key in dict.fromkeys(keys) if count[key] > 1]
