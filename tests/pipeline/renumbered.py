"""Trades whose ids begin again, as they happen and as two connections deliver them.

Nothing here knows how the program tells one numbering from another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

import attrs

from tests.pipeline.streams import T0, Out, trades
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.marks import Mark
from tick_logger.model.rows import RowBatch

MS = 10**6
SURE = 3
"""So many trades at the beginning and at the end of a numbering are never lost, nor overtaken on
their connection: they show that it is one."""

Ticks = list[list[RowBatch | Mark]]


@attrs.frozen
class Traded:
    """One trade, in the numbering with this index."""

    numbering: int
    id: int
    event_ns: int


@attrs.frozen
class Delivered:
    """What both connections delivered, in the order of receipt, and what neither did."""

    received: list[tuple[int, Traded]]
    sent: set[Traded]
    lost: list[Traded]


def market(rng: Random, *, most_numberings: int = 4, length: int = 25) -> list[Traded]:
    """Numberings that overlap, begin anywhere, and follow each other after some time."""
    found: list[Traded] = []
    now = T0
    for numbering in range(rng.randint(1, most_numberings)):
        now += rng.choice([1, MS, 1000 * MS])
        low = rng.choice([0, 1, 1, 5, rng.randrange(60), 2**53 + rng.randrange(9)])
        # One that began where the one before ended would look like the same.
        if found and low >= found[-1].id:
            low = rng.randrange(found[-1].id)
        for id_ in range(low, low + rng.randint(SURE + 1, length)):
            found.append(Traded(numbering, id_, now))
            # Those that may be overtaken are not of the very moment in which it began.
            now += rng.choice([0, 0, 1, MS, 40 * MS]) if id_ != low + SURE - 1 else 1
        now = max(now, found[-1].event_ns + 1)
    return found


def delivered(rng: Random, truth: Sequence[Traded], *, loss: float) -> Delivered:
    """By one or two connections, one of which lags; each loses some and swaps neighbours."""
    arrivals: list[tuple[int, Traded]] = []
    for number in range(rng.choice([1, 2, 2])):
        lag = rng.choice([0, MS, 60 * MS, 700 * MS]) if number else MS // 2
        for place, trade in enumerate(truth):
            around = truth[max(place - SURE, 0) : place + SURE + 1]
            sure = place < SURE or {each.numbering for each in around} != {trade.numbering}
            if not sure and rng.random() < loss:
                continue
            jitter = 0 if sure else rng.choice([0, 0, 0, 30 * MS])
            arrivals.append((trade.event_ns + lag + jitter, trade))
            if rng.random() < 0.05:
                arrivals.append((trade.event_ns + lag + 2 * jitter + 1, trade))
    arrivals.sort(key=lambda arrival: arrival[0])
    sent = {trade for _, trade in arrivals}
    newest = {trade.numbering: trade.id for trade in truth if trade in sent}
    lost = [t for t in truth if t not in sent and t.id < newest[t.numbering]]
    return Delivered(arrivals, sent, lost)


def in_ticks(rng: Random, arrivals: Sequence[tuple[int, Traded]]) -> Ticks:
    """A tick after some hundredths of a second, whatever came in it."""
    every = rng.choice([20 * MS, 50 * MS, 500 * MS])
    ticks: Ticks = [[]]
    until = T0 + every
    for recv, trade in arrivals:
        while recv >= until:
            if len(ticks) < 3 or ticks[-1] or ticks[-2]:  # an idle hour has no more to say
                ticks.append([])
            until += every
        ticks[-1].append(trades([(0, recv, trade.event_ns, trade.id)]))
    return [*ticks, [], []]


def missing(gaps: Sequence[GapRecord]) -> Counter[int]:
    """How often each id is missing for good: once in each numbering that lacks it."""
    found: Counter[int] = Counter()
    for gap in gaps:
        if gap.cause in (Cause.RENUMBERED, Cause.STRAY) or gap.from_id is None:
            continue
        assert gap.to_id is not None
        for id_ in range(gap.from_id, gap.to_id + 1):
            found[id_] += -1 if gap.healed else 1
    assert all(count >= 0 for count in found.values()), "healed, but never missing"
    return +found


def recorded(out: Out) -> Counter[tuple[int, int]]:
    """Event time and id of every trade that came out, and how often it did."""
    return Counter([*out.keys(), *out.keys(late=True)])
