"""What an exchange says of its own trades minute by minute: their number, or their volume.

Minutes are counted since 1970-01-01 UTC; a trade belongs to the minute of its event time.

Not here: how an exchange is asked (`exchanges.candles_by_rest`), and what is recorded of the same
minutes (`archive.candle_checks`).
"""

from __future__ import annotations

import enum
from collections.abc import Iterable

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.model.times import NS_PER_DAY, NS_PER_SECOND

NS_PER_MINUTE = 60 * NS_PER_SECOND
MINUTES_PER_DAY = NS_PER_DAY // NS_PER_MINUTE

Minutes = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]


class Measure(enum.StrEnum):
    """What of the trades of a minute an exchange tells."""

    COUNT = "count"
    VOLUME = "volume"


@attrs.frozen(eq=False)
class Candles:
    """Every minute that an answer tells of, also where nothing was traded.

    `minutes` (shape `(n,)`) rise; `values` (same shape) are numbers of trades, or sums of their
    sizes.  `at_ns` is when the answer was received.
    """

    symbol: str
    measure: Measure
    at_ns: int
    minutes: Minutes
    values: Values

    def __attrs_post_init__(self) -> None:
        assert len(self.minutes) == len(self.values), "a value for each minute"
        assert (np.diff(self.minutes) > 0).all(), "each minute once, in order"

    def of_day(self, day: int) -> Candles:
        """Those of a UTC day (since 1970-01-01)."""
        mine = self.minutes // MINUTES_PER_DAY == day
        return attrs.evolve(self, minutes=self.minutes[mine], values=self.values[mine])

    @property
    def days(self) -> list[int]:
        """The UTC days that it tells of."""
        return sorted(set((self.minutes // MINUTES_PER_DAY).tolist()))


def newest(answers: Iterable[Candles]) -> Candles | None:
    """What answers about one symbol say together: of each minute the newest; None without any."""
    in_order = sorted(answers, key=lambda each: each.at_ns)
    if not in_order:
        return None
    last = in_order[-1]
    mine = [each for each in in_order if each.measure is last.measure]
    minutes = np.concatenate([each.minutes for each in mine])[::-1]
    values = np.concatenate([each.values for each in mine])[::-1]
    found, where = np.unique(minutes, return_index=True)
    return Candles(last.symbol, last.measure, last.at_ns, found, values[where])
