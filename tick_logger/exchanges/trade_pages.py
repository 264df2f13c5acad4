"""What the answers of venues about their trades have in common, once they are decoded.

Invariant: values are judged as those of the streams are, and one that is refused makes the whole
answer none (`VenueError`, which names the request).  Not here: any venue's fields.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import attrs
import numpy as np

from tick_logger.exchanges.base import VenueError
from tick_logger.exchanges.columns import ABOVE_ZERO, FROM_ZERO, Findings, Floats, Ints, NumberRule
from tick_logger.exchanges.messages import Frames
from tick_logger.exchanges.trades_by_rest import TradesPage
from tick_logger.model.tables import NO_TIME

_TRADE = NumberRule(price=ABOVE_ZERO, size=FROM_ZERO)


@attrs.frozen
class Answer:
    """The findings in one answer with so many trades; `request` names it."""

    request: str
    body: bytes
    trades: int
    found: Findings = attrs.field(init=False)
    frame: Frames = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "found", Findings({}, [self.body]))
        object.__setattr__(self, "frame", np.zeros(self.trades, np.int32))

    def of_symbol(self, symbol: str, named: Collection[str]) -> None:
        """All trades name this symbol; raises `VenueError`."""
        for name in named:
            if name != symbol:
                raise VenueError(f"{self.request}: a trade of {name!r}, and not of {symbol!r}")

    def numbers(self, prices: Sequence[float], sizes: Sequence[float]) -> Floats:
        """Prices and sizes, shape `(2, n)`."""
        return self.found.numbers(self.frame, _TRADE, prices, sizes)

    def times(self, values: Sequence[int]) -> Ints:
        """Times of any unit in ns; one that is none rejects the answer: it tells what is wanted."""
        return self._all_there(self.found.unix_times(self.frame, values))

    def iso_times(self, texts: Sequence[str]) -> Ints:
        """ISO-8601 texts in ns, likewise."""
        return self._all_there(self.found.iso_times(self.frame, texts))

    def _all_there(self, times: Ints) -> Ints:
        if (times == NO_TIME).any():
            self.found.reject(0, "a trade without a time")
        return times

    def checked(self, page: TradesPage) -> TradesPage:
        """The page, if nothing in the answer was rejected; raises `VenueError`."""
        for bad in self.found.done().bad:
            raise VenueError(f"{self.request}: {bad.reason}")
        return page
