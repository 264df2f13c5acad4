"""Numbers by instrument, as arrays that an instrument's index leads into.

An index is never reused, so the arrays are as long as there are instruments, and no longer.
"""

from __future__ import annotations

import numpy as np

from tick_logger.model.rows import Array


class Numbered:
    """One number for each instrument; `absent` where there is none yet."""

    def __init__(self, absent: float) -> None:
        self._absent = absent
        self._values: Array = np.empty(0, type(absent))

    def all(self, count: int) -> Array:
        """Those of the first `count` instruments at least, to be read and written in place."""
        lacking = count - len(self._values)
        if lacking > 0:
            more = np.full(max(lacking, len(self._values)), self._absent, self._values.dtype)
            self._values = np.concatenate([self._values, more])
        return self._values
