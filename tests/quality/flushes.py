"""Flushes made by hand: rows of a table, each with its prices and the second of its receipt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tick_logger.model.flush import Flush, Run
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import BOOK_ASK, BOOK_BID, FLAG_SNAPSHOT, ORIGIN_MAIN, Table
from tick_logger.model.times import NS_PER_SECOND, day_of
from tick_logger.quality.checks import Checks
from tick_logger.quality.findings import Finding

NOON_NS = 1_750_000_000 * NS_PER_SECOND


def at(secs: float) -> int:
    """A moment of the tests, in ns."""
    return NOON_NS + round(secs * 1e9)


def run(
    instrument: int,
    table: Table,
    secs: Sequence[float],
    *,
    event_secs: Sequence[float] | None = None,
    origin: int = ORIGIN_MAIN,
    **columns: Sequence[float],
) -> Run:
    """Rows received at these seconds; their own times are the same, if none are given."""
    recv_ns = np.array([at(each) for each in secs], np.int64)
    event_ns = recv_ns if event_secs is None else np.array([at(each) for each in event_secs])
    count = len(secs)
    nothing = dict.fromkeys(
        ("price", "volume", "size", "side", "best_bid", "best_bid_size", "best_ask"), np.ones(count)
    )
    more = {"best_ask_size": np.ones(count), "flags": np.zeros(count), "seq": np.zeros(count)}
    orders = dict.fromkeys(("maker", "taker"), np.zeros(count, "V16"))
    rows = RowBatch.build(
        table,
        {
            **nothing,
            **more,
            **orders,
            "instrument": np.full(count, instrument),
            "recv_ns": recv_ns,
            "event_ns": event_ns,
            **columns,
        },
    )
    return Run(instrument, table, day_of(int(event_ns[0])), rows, origin != ORIGIN_MAIN, origin)


def trades(instrument: int, secs: Sequence[float], prices: Sequence[float]) -> Run:
    """Trades at these seconds and prices."""
    return run(instrument, Table.TRADES, secs, price=prices)


def quotes(
    instrument: int, secs: Sequence[float], bids: Sequence[float], asks: Sequence[float]
) -> Run:
    """Quotes at these seconds."""
    return run(instrument, Table.QUOTES, secs, best_bid=bids, best_ask=asks)


def book(
    instrument: int, secs: float, bids: Sequence[float], asks: Sequence[float], *, seq: int = 1
) -> Run:
    """A snapshot of a book."""
    count = len(bids) + len(asks)
    return run(
        instrument,
        Table.BOOK,
        [secs] * count,
        seq=[seq] * count,
        side=[BOOK_BID] * len(bids) + [BOOK_ASK] * len(asks),
        price=[*bids, *asks],
        flags=[FLAG_SNAPSHOT] * count,
    )


def look(checks: Checks, *runs: Run) -> list[Finding]:
    """What is found in a flush of these."""
    return checks.look(Flush(runs), 0)[0]


def unnamed() -> Checks:
    """Checks that know no names."""
    return Checks(lambda _: "")


def figures(found: Sequence[Finding]) -> list[tuple[int, str, str, int, dict[str, float]]]:
    """Instrument, table, kind, rows and figures of each, the last rounded to six digits."""
    return [
        (
            each.instrument,
            str(each.table),
            each.kind.value,
            each.rows,
            {name: float(f"{value:.6g}") for name, value in each.figures.items()},
        )
        for each in found
    ]
