"""Trades of which an exchange says that it has had them, until it shows whether they came.

    noted -> a tick later compared with the ids that have come -> a hole, if they have not

Those of an instrument of which trades wait until their times are judged (`doubtful`) are compared
when none waits any longer: they may be among these.

Invariant: each is compared once.  Not here: what is missing by then (`ids`), and what becomes of a
hole (`gaps`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tick_logger.model.marks import LastTradeId
from tick_logger.pipeline.id_line import HoleOpened
from tick_logger.pipeline.ids import IdLedger
from tick_logger.pipeline.plain_state import Plain, item_from_plain, item_to_plain


class Announced:
    """What was announced, in order; `waits` says of which instruments trades wait."""

    def __init__(self, ids: IdLedger, waits: Callable[[int], bool]) -> None:
        self._ids = ids
        self._waits = waits
        self._noted: list[LastTradeId] = []

    def note(self, mark: LastTradeId) -> None:
        """One more was announced."""
        self._noted.append(mark)

    def take(self) -> Sequence[LastTradeId]:
        """All that was noted, to be compared when the rows of a tick have been looked at."""
        taken, self._noted = self._noted, []
        return taken

    def compare(self, taken: Sequence[LastTradeId]) -> Iterator[HoleOpened]:
        """The holes that these show."""
        later = [each for each in taken if self._waits(each.instrument)]
        self._noted = [*later, *self._noted]
        for newest in taken:
            if newest not in later:
                yield from self._ids.announce(newest.instrument, newest.trade_id, newest.at_ns)

    def dump(self) -> list[Plain]:
        """Each as plain data."""
        return [item_to_plain(mark) for mark in self._noted]

    def load(self, state: Sequence[Plain]) -> None:
        """Take over what `dump` returned."""
        for mark in map(item_from_plain, state):
            assert isinstance(mark, LastTradeId)
            self._noted.append(mark)
