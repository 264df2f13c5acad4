"""Trades as they happen, as they arrive, and as they are pushed, from a seed."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tests.pipeline.streams import T0, trades
from tick_logger.model.marks import Mark
from tick_logger.model.rows import RowBatch

Trade = tuple[int, int, int, int]  # instrument, recv_ns, event_ns, id
Items = list[RowBatch | Mark]

INSTRUMENTS = 3


def market(rng: random.Random, count: int = 60, start: int = T0) -> list[Trade]:
    """Trades as they happened: ids without holes, several in one instant."""
    found = []
    for instrument in range(INSTRUMENTS):
        event = start
        for number in range(count):
            event += rng.choice([0, 0, 1000, 5000])
            found.append((instrument, 0, event, 2**53 + number))
    return found


def delivered(rng: random.Random, truth: Sequence[Trade], delay_ns: int = 0) -> list[Trade]:
    """The same as they arrive: delayed by different times, some twice."""
    arrivals = []
    for instrument, _, event, seq in truth:
        recv = event + delay_ns + rng.randrange(20_000)
        arrivals.append((instrument, recv, event, seq))
        if rng.random() < 0.1:
            arrivals.append((instrument, recv + 9000, event, seq))
    return sorted(arrivals, key=lambda trade: trade[1])


def in_ticks(rng: random.Random, rows: Sequence[Trade]) -> list[Items]:
    """Some rows per tick, in batches of some rows."""
    ticks: list[Items] = [[]]
    position = 0
    while position < len(rows):
        size = rng.randrange(1, 30)
        ticks[-1].append(trades(rows[position : position + size]))
        position += size
        if rng.random() < 0.5:
            ticks.append([])
    return ticks
