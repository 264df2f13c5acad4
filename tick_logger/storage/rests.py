"""What an f4 loses of a price, kept beside it, so that every digit comes back.  Pure.

    rest = bits of the f8, less bits of f8(f4)          bits(f8) = bits of f8(f4) + rest

Rounding to an f4 moves a number by 2**28 of the f8's steps at most, so the rest fits an i4, from
1e-38 to 3.4e38.  Outside that range, and where the f4 is not finite, the rest is 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Halves = npt.NDArray[np.float32]
Rests = npt.NDArray[np.int32]


def rests_of(values: Floats, halves: Halves, out: Rests) -> npt.NDArray[np.bool_] | None:
    """Put the rests of `values`, which were rounded to `halves`, into `out` (each of shape `(n,)`).

    Returns which numbers do not come back by their rests, or None if all do.
    """
    assert len(values) == len(halves) == len(out), "prices without a rest"
    back = halves.astype(np.float64)
    difference = values.view(np.int64) - back.view(np.int64)
    np.copyto(out, difference, casting="unsafe")
    fits = out == difference  # not so for what became infinite, nor far below the range of f4
    if fits.all():
        return None
    out[~fits] = 0
    lost = np.asarray(~fits & ~np.isnan(values))
    return lost if lost.any() else None


def with_rest(halves: npt.NDArray[Any], rests: npt.NDArray[Any]) -> Floats:
    """The numbers as f8, bit for bit as they were sent (shape `(n,)`)."""
    exact = halves.astype(np.float64)
    exact.view(np.int64)[:] += rests
    return exact
