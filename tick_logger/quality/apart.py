"""Prices of one pair at several exchanges, compared.

Of each instrument is known between which prices it lately was, by its quotes and trades.  It is
apart if all of that is beyond `APART_SHARE` from the middle of the others; of two that differ
nobody knows which is wrong, and both are.

Invariant: only what agreed with the others before is ever found apart, or counts where that is
judged: things of one name are not always the same thing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from tick_logger.model.doubts import DoubtKind
from tick_logger.model.rows import Array
from tick_logger.model.tables import Table
from tick_logger.quality.findings import Finding
from tick_logger.quality.limits import APART_LOOKS, APART_SHARE, APART_WITHIN_NS, MOST_EXCHANGES
from tick_logger.quality.numbered import Numbered

PairOf = Callable[[int], str | None]
"""The normal name of what an instrument is, such as "BTC-USD"; empty if it has none that could be
compared, None while nobody knows."""

ASK_AGAIN_LOOKS = 60
"""For names that are not known yet: listings come every few minutes."""


class Apart:
    """Where each instrument lately was, and which are of one pair."""

    def __init__(self, pair_of: PairOf) -> None:
        self._pair_of = pair_of
        self._pairs: dict[str, list[int]] = {}
        self._asked = Numbered(False)
        self._unknown: list[int] = []
        self._members: Array = np.empty((0, 0), np.int64)  # by pair, -1 where there is no more
        self._low = Numbered(np.nan)
        self._high = Numbered(np.nan)
        self._seen_ns = Numbered(0)
        self._agreed = Numbered(0)
        self._looks = 0

    def take(
        self, count: int, now_ns: int, low: Array, high: Array, trades: Sequence[int]
    ) -> Iterator[Finding]:
        """Where the instruments were in this flush (shape `(count,)`, NaN: nowhere).

        `trades` are those that traded in it: what is found is said of their trades.
        """
        seen = np.flatnonzero(low <= high)
        for known, now in ((self._low, low), (self._high, high)):
            known.all(count)[seen] = now[seen]
        self._seen_ns.all(count)[seen] = now_ns
        self._meet(count, seen)
        if not len(self._members):
            return
        yield from self._compare(count, now_ns, seen, trades)

    def _meet(self, count: int, seen: Array) -> None:
        """Ask for the names of those that are new, and now and then of those without one."""
        self._looks += 1
        asked = self._asked.all(count)
        new = seen[~asked[seen]].tolist()
        if self._looks % ASK_AGAIN_LOOKS == 0:
            new, self._unknown = new + self._unknown, []
        if not new:
            return
        asked[seen] = True
        for instrument in new:
            pair = self._pair_of(instrument)
            if pair is None:
                self._unknown.append(instrument)
            elif pair:
                self._pairs.setdefault(pair, []).append(instrument)
        several = [those[:MOST_EXCHANGES] for those in self._pairs.values() if len(those) > 1]
        most = max(map(len, several), default=0)
        rows = [those + [-1] * (most - len(those)) for those in several]
        self._members = np.array(rows, np.int64).reshape(len(rows), most)

    def _compare(
        self, count: int, now_ns: int, seen: Array, traded: Sequence[int]
    ) -> Iterator[Finding]:
        members = self._members
        there = (members >= 0) & (now_ns - self._seen_ns.all(count)[members] <= APART_WITHIN_NS)
        low, high = self._low.all(count)[members], self._high.all(count)[members]
        there &= high <= low * (1 + APART_SHARE)  # where nobody quotes narrowly there is no middle
        price = np.where(there, (low + high) / 2, np.nan)
        # As long as there are members: they may have been known by a flush of more instruments.
        agreed = self._agreed.all(max(count, int(members.max()) + 1))
        trusted = there & (agreed[members] >= APART_LOOKS)
        others = _others(np.where(trusted, price, np.nan))
        wrong = trusted & ((low > others * (1 + APART_SHARE)) | (high < others * (1 - APART_SHARE)))
        all_others = _others(price)
        near = there & (np.abs(price / all_others - 1) <= APART_SHARE)
        np.add.at(agreed, members[near], 1)
        for place in zip(*np.nonzero(wrong), strict=True):
            instrument = int(members[place])
            if instrument in seen:
                table = Table.TRADES if instrument in traded else Table.QUOTES
                yield _finding(instrument, table, now_ns, float(price[place]), float(others[place]))


def _others(prices: Array) -> Array:
    """For each place of a row the middle of the others; NaN where there is none.

    Of two that is the other; of more the median of all, which one wrong one does not move far.
    """
    in_order = np.sort(prices, axis=1)  # NaN last
    counts = np.sum(~np.isnan(prices), axis=1)
    rows = np.arange(len(prices))
    middle = (in_order[rows, (counts - 1) // 2] + in_order[rows, counts // 2 % prices.shape[1]]) / 2
    found: Array = np.full(prices.shape, np.nan)
    several = counts >= 3
    found[several] = middle[several, None]
    two = counts == 2
    if two.any():
        found[two] = in_order[two, :1] + in_order[two, 1:2] - prices[two]
    return found


def _finding(instrument: int, table: Table, now_ns: int, price: float, others: float) -> Finding:
    return Finding(
        instrument,
        table,
        DoubtKind.APART,
        now_ns,
        now_ns,
        1,
        abs(price / others - 1),
        {"price": price, "others": others},
    )
