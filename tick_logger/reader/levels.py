"""The levels of a book at one moment, and what they are after more rows.

Of a book that is not cut, only the last row of each price counts, so thousands of rows are applied
by one sort.  Of one that its venue cuts to some depth a level that falls out is forgotten: see
`cut_levels`, and `ladders` for a book that is looked at in between.  Pure.
"""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
NO_LEVELS: Floats = np.empty(0, np.float64)
NO_LEVELS.flags.writeable = False


@attrs.frozen(eq=False)
class Side:
    """The levels of one side: prices ascending, each once, and the size at each; shape `(n,)`."""

    prices: Floats = NO_LEVELS
    sizes: Floats = NO_LEVELS

    def after(self, prices: Floats, sizes: Floats) -> Side:
        """With the levels that rows set, in their order; a size of 0 deletes one."""
        if not len(prices):
            return self
        return Side(*last_of_each(*joined(self, prices, sizes)))


@attrs.frozen(eq=False)
class Levels:
    """Both sides of a book, and the depth to which it is cut (None: to none)."""

    bids: Side = Side()
    asks: Side = Side()
    depth: int | None = None

    @property
    def count(self) -> int:
        """Of both sides."""
        return len(self.bids.prices) + len(self.asks.prices)

    @property
    def nbytes(self) -> int:
        """What it takes in memory."""
        return 16 * self.count


@attrs.frozen(eq=False)
class Updates:
    """Rows that set levels of a book, in order; all of shape `(n,)`.

    `ends`: whether a row is the last of its update, after which a book may be cut.  Needed (and
    else all False) only where it is.
    """

    is_bid: npt.NDArray[np.bool_]
    prices: Floats
    sizes: Floats
    ends: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        """How many rows."""
        return len(self.prices)

    def from_row(self, row: int) -> Updates:
        """Without the first rows."""
        return Updates(self.is_bid[row:], self.prices[row:], self.sizes[row:], self.ends[row:])


def after(levels: Levels, updates: Updates) -> Levels:
    """A book that is not cut, after some rows."""
    assert levels.depth is None, "a book that is cut is not the last row of each price"
    there = ~np.isnan(updates.prices)  # NaN: a snapshot says that a side has no levels
    bid, ask = updates.is_bid & there, ~updates.is_bid & there
    return Levels(
        levels.bids.after(updates.prices[bid], updates.sizes[bid]),
        levels.asks.after(updates.prices[ask], updates.sizes[ask]),
    )


def joined(side: Side, prices: Floats, sizes: Floats) -> tuple[Floats, Floats]:
    """A side's levels, and behind them those that rows set."""
    return np.concatenate([side.prices, prices]), np.concatenate([side.sizes, sizes])


def last_of_each(prices: Floats, sizes: Floats) -> tuple[Floats, Floats]:
    """The last size of each price, but for those that are 0; prices ascending."""
    if not len(prices):
        return NO_LEVELS, NO_LEVELS
    order = np.argsort(prices)  # not stable, but several times faster
    ascending = prices[order]
    first = np.flatnonzero(np.concatenate(([True], ascending[1:] != ascending[:-1])))
    last = np.maximum.reduceat(order, first)
    there = sizes[last] != 0
    return ascending[first][there], sizes[last][there]
