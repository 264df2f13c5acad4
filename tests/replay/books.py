"""Order books kept in two ways: from the rows of BOOK, and from what the frames say."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tests.replay.disk import Columns
from tests.replay.said import Change, numbers

SNAPSHOT = 1  # in BOOK.flags

Book = dict[tuple[int, float], float]  # size by side and price, in the width on disk


def rows_until(rows: Columns, time_ns: int) -> int:
    """How many rows, in file order, have event times up to this one."""
    return int(np.searchsorted(rows["time_ns"], time_ns, side="right"))


class RowReader:
    """Applies rows in file order, as the file format tells readers to.

    A row flagged as part of a snapshot begins a new book, unless it continues the snapshot of the
    row before it; a size of 0 deletes the level.
    """

    def __init__(self, rows: Columns) -> None:
        names = ("flags", "update_id", "recv_ns", "side", "price", "size")
        self._rows = list(zip(*(rows[name].tolist() for name in names), strict=True))
        self._position = 0
        self._snapshot: tuple[int, int] | None = None  # update id and receive time
        self.book: Book = {}

    def advance(self, stop: int) -> Book:
        """The book after the first `stop` rows; `stop` never decreases."""
        for flags, update_id, recv_ns, side, price, size in self._rows[self._position : stop]:
            if flags & SNAPSHOT and self._snapshot != (update_id, recv_ns):
                self.book.clear()
            self._snapshot = (update_id, recv_ns) if flags & SNAPSHOT else None
            _set(self.book, side, price, size)
        self._position = stop
        return self.book


class ChangeReader:
    """Applies what was said, in the order in which the venue documents it."""

    def __init__(self, dtype: str) -> None:
        self._dtype = dtype
        self.book: Book = {}

    def apply(self, changes: Iterable[Change]) -> Book:
        """The book after these changes too."""
        for change in changes:
            if change.snapshot:
                self.book.clear()
            prices = numbers([price for _, price, _ in change.levels], self._dtype).tolist()
            sizes = numbers([size for _, _, size in change.levels], self._dtype).tolist()
            for (side, _, _), price, size in zip(change.levels, prices, sizes, strict=True):
                _set(self.book, side, price, size)
        return self.book


def _set(book: Book, side: int, price: float, size: float) -> None:
    if size:
        book[side, price] = size
    else:
        book.pop((side, price), None)


def points(changes: list[Change], count: int) -> list[int]:
    """Numbers of changes after which the books can be compared: spread evenly, and the last.

    Such a change is an update, the last of its event time, with none before it that is younger.
    """
    times = np.array([0 if c.time_ns is None else c.time_ns for c in changes], np.int64)
    if not times.any():
        return []
    oldest_after = np.append(np.minimum.accumulate(times[::-1])[::-1][1:], np.iinfo(np.int64).max)
    newest = np.maximum.accumulate(times)
    usable = np.flatnonzero((times > 0) & (times == newest) & (times < oldest_after))
    chosen = np.linspace(0, len(usable) - 1, min(count, len(usable))).round().astype(int)
    return sorted({int(usable[index]) for index in chosen})
