"""Which rows of two recordings are the same, as a question about integers.  Pure.

A row is the same as another if all its keys are.  Where equal rows repeat, the first of one is the
first of the other, and so on: what there is three times here and twice there is once more here.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Keys: TypeAlias = npt.NDArray[np.int64]
"""What makes rows the same; shape `(keys, rows)`."""

Indices: TypeAlias = npt.NDArray[np.int64]


def pairs(old: Keys, new: Keys) -> tuple[Indices, Indices]:
    """The rows of both that are the same, each with its own: two index arrays of one length."""
    assert len(old) == len(new), "rows with different keys"
    if np.array_equal(old, new):
        return np.arange(old.shape[1]), np.arange(new.shape[1])
    keys = np.concatenate((old, new), axis=1)
    rows, of_old = keys.shape[1], old.shape[1]
    order = np.lexsort(keys[::-1])  # stable: of equal rows the old ones come first, each in order
    begins = np.ones(rows, np.bool_)
    ordered = keys[:, order]
    begins[1:] = (ordered[:, 1:] != ordered[:, :-1]).any(axis=0)
    starts = np.flatnonzero(begins)
    group = np.cumsum(begins) - 1
    is_new = order >= of_old
    olds = np.add.reduceat(~is_new, starts, dtype=np.int64)
    news = np.diff(np.append(starts, rows)) - olds
    rank = np.arange(rows) - starts[group]
    rank[is_new] -= olds[group[is_new]]
    matched = rank < np.minimum(olds, news)[group]
    return order[matched & ~is_new], order[matched & is_new] - of_old


def rest_of(rows: int, taken: Indices) -> Indices:
    """Which of so many rows were not taken, in order."""
    left = np.ones(rows, np.bool_)
    left[taken] = False
    return np.flatnonzero(left)
