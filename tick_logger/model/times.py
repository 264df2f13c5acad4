"""Times as this program holds them: int64 nanoseconds since 1970-01-01 UTC, and days of them.

Not here: times as venues write them (`exchanges.times`), and the clock (`tick_logger.clock`).
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

NS_PER_SECOND = 10**9
NS_PER_DAY = 86_400 * NS_PER_SECOND

Times: TypeAlias = npt.NDArray[np.int64]
"""One time per row, payload or arrival; shape `(n,)`."""


def day_of(time_ns: int) -> int:
    """The UTC day of a time, in days since 1970-01-01."""
    return time_ns // NS_PER_DAY
