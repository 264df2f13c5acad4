"""The reading interface gives the venue's book at any moment of recorded traffic."""

from __future__ import annotations

from random import Random

import numpy as np
import numpy.typing as npt
import pytest

import tick_logger
from tests.recordings import needs_recordings
from tests.replay.captures import said
from tests.replay.running import Recorded
from tests.replay.said import ASK, BID, Change, numbers
from tick_logger.reader.source import Symbol

pytestmark = needs_recordings

DEPTHS = {"kraken": (100, (10, 25, 100, 500, 1000))}
"""Levels a side that the venue keeps; and those that a snapshot may show it to keep instead."""


@pytest.mark.parametrize("count", [50, pytest.param(1_000, marks=pytest.mark.seldom)])
def test_books_at_random_moments(recorded: Recorded, count: int) -> None:
    """Level for level, after each message cut where the venue cuts; `count` of each capture."""
    rec = tick_logger.open(recorded.folder)
    exchange = recorded.play.exchange
    broken = {symbol for symbol, *_ in said(recorded.play).broken_chains}
    books = said(recorded.play).books
    for name, changes in books.items():
        if name in broken:
            continue  # a book after a hole is not known
        truth = Truth(exchange, recorded.dtype)
        done = 0
        for number, moment in moments(changes, count // len(books) + 1, Random(name)):
            truth.apply(changes[done : number + 1])
            done = number + 1
            book = rec.book(Symbol(exchange, name), moment)
            assert book.cause == ""
            for side, levels in ((BID, book.bids), (ASK, book.asks)):
                assert np.array_equal(levels, truth.levels(side))


class Truth:
    """A book kept message by message, as its venue documents it."""

    def __init__(self, exchange: str, dtype: str) -> None:
        self._depth: int | None = None
        self._depths: tuple[int, ...] = ()
        if exchange in DEPTHS:
            self._depth, self._depths = DEPTHS[exchange]
        self._cut = self._depth
        self._dtype = dtype
        self._book: dict[int, dict[float, float]] = {BID: {}, ASK: {}}  # size by price

    def levels(self, side: int) -> npt.NDArray[np.float64]:
        """Prices and sizes of a side, the best first, of shape (levels, 2)."""
        mine = self._book[side]
        levels = np.empty((len(mine), 2))
        levels[:, 0] = np.fromiter(mine, np.float64, len(mine))
        levels[:, 1] = np.fromiter(mine.values(), np.float64, len(mine))
        return levels[np.argsort(-levels[:, 0] if side == BID else levels[:, 0])]

    def apply(self, changes: list[Change]) -> None:
        for change in changes:
            if change.snapshot:
                for mine in self._book.values():
                    mine.clear()
                bids = sum(side == BID for side, *_ in change.levels)
                asks = len(change.levels) - bids
                self._cut = bids if bids == asks and bids in self._depths else self._depth
            prices = numbers([price for _, price, _ in change.levels], self._dtype).tolist()
            sizes = numbers([size for *_, size in change.levels], self._dtype).tolist()
            for (side, *_), price, size in zip(change.levels, prices, sizes, strict=True):
                self._book[side].pop(price, None)
                if size:
                    self._book[side][price] = size
            for side, mine in self._book.items():
                if self._cut is not None and len(mine) > self._cut:
                    for price in sorted(mine, reverse=side == BID)[self._cut :]:
                        del mine[price]


def moments(changes: list[Change], count: int, random: Random) -> list[tuple[int, int]]:
    """Random moments, and the number of the change that is the last one then, both ascending.

    After such a change none has an earlier time, and the next one's time is later.
    """
    times = np.array([0 if c.time_ns is None else c.time_ns for c in changes], np.int64)
    if not times.any():
        return []
    later = np.append(np.minimum.accumulate(times[::-1])[::-1][1:], times.max() + 10**9)
    usable = np.flatnonzero((times > 0) & (times == np.maximum.accumulate(times)) & (times < later))
    chosen = sorted(random.choices(usable.tolist(), k=count))
    return [(each, random.randrange(int(times[each]), int(later[each]))) for each in chosen]
