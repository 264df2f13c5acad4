"""Trades as they happen, as they arrive, and as they are pushed, from a seed."""

from __future__ import annotations

import random
from collections.abc import Sequence

import attrs

from tests.pipeline.streams import T0, Level, book, by_rest, quotes, tickers, trades
from tick_logger.model.cause import Cause
from tick_logger.model.marks import (
    AwaitSnapshot,
    Doubt,
    Healed,
    Interrupted,
    Lapse,
    LastTradeId,
    Mark,
    MissingIds,
    Resumed,
    Retired,
)
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import FLAG_SNAPSHOT, NO_TIME, Table

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


def page(truth: Sequence[Trade], instrument: int, until_ns: int, recv_ns: int) -> RowBatch:
    """An answer by REST: the last trades of an instrument up to a time, received at another."""
    of_it = [trade for trade in truth if trade[0] == instrument and trade[2] <= until_ns]
    return by_rest([(instrument, recv_ns, event, seq) for _, _, event, seq in of_it[-15:]])


def scene(rng: random.Random) -> list[Items]:
    """Ticks with rows of every table and marks of every kind, for three instruments."""
    truth = market(rng, 25)
    arrivals = [trade for trade in delivered(rng, truth) if rng.random() > 0.05]
    ticks: list[Items] = [[]]
    for number, trade in enumerate(arrivals):
        instrument, recv, event, seq = trade
        ticks[-1] += [
            trades([trade]),
            quotes([(instrument, recv, NO_TIME, seq // 2)]),
            tickers([(instrument, recv, event, seq // 3)]),
        ]
        flags = FLAG_SNAPSHOT if number % 9 == 0 else 0
        time = NO_TIME if flags or number % 7 == 0 else event
        seq_or_none = seq if instrument else 0
        ticks[-1].append(
            book(
                Level(recv, time, seq_or_none, n % 2, float(n), float(number), flags, instrument)
                for n in range(3)
            )
        )
        if number % 20 == 19:
            ticks[-1].append(page(truth, instrument, event, recv))
        one: tuple[int, ...] = (instrument,)
        marks: dict[int, Mark] = {
            5: Interrupted(one, (Table.TRADES, Table.MD, Table.BOOK), recv, Cause.DISCONNECT),
            9: Resumed(one, (Table.TRADES, Table.MD, Table.BOOK), recv, books_await=number > 50),
            14: LastTradeId(instrument, seq + 1, recv),
            21: AwaitSnapshot(instrument, recv, seq, broken=number > 50),
            30: MissingIds(instrument, Table.BOOK, 3, 4, recv - 5, recv, Cause.SEQUENCE),
            33: Lapse(one, (Table.QUOTES,), recv - 7, recv, Cause.ADAPTER),
            35: Lapse(one, (Table.BOOK,), 1, 2, Cause.SEQUENCE, doubt=Doubt.OPEN),
            37: Lapse(one, (Table.BOOK,), 1, 2, Cause.SEQUENCE, doubt=Doubt.VOID),
            41: Retired(one, recv),
            43: Resumed(one, (Table.QUOTES, Table.MD), recv, line=1),
            46: Interrupted(one, (Table.MD,), recv - 9, Cause.SILENT, line=1),
            45: Healed(instrument, Table.TRADES, None, None, recv - 9, recv, Cause.CRASH, "rest"),
        }
        if number % 50 == 44:  # on both lines
            both = quotes([(instrument, recv, event, seq // 2)])
            ticks[-1] += [both, attrs.evolve(both, route=1)]
        mark = marks.get(number % 50)
        if mark is not None:
            ticks[-1].append(mark)
        if rng.random() < 0.15:
            ticks.append([])
    return ticks
