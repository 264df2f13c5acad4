"""Port between who wants days sealed and the recording: a wish goes in, and it is told when done.

    who asks -> `seal` -> writer (`Sealed` in the journal) -> deriver -> checkpoint -> who asked

Done means: it is derived, and a checkpoint knows it.  From then on nothing is added to the main
files of the day, whatever happens to the machine.

Invariant: a day that is sealed is not asked for again, also after a restart.
"""

from __future__ import annotations

from collections.abc import Mapping

import trio

from tick_logger.model.entries import Sealed


class Seals:
    """The wishes of one recording, and what has become of them."""

    def __init__(self) -> None:
        self._wishes: dict[str, int] = {}  # by exchange, the last day
        self._until: Mapping[str, int] = {}  # what the newest checkpoint knows
        self._begun = 0  # checkpoints, those that failed included
        self._saved = 0  # the number of the newest that was saved
        self._changed = trio.Event()
        self._waiting = 0  # tasks, for a checkpoint

    # -- for who wants days sealed ----------------------------------------------------------------

    def until(self, exchange: str) -> int | None:
        """The last day that is sealed for sure (since 1970-01-01), as far as is known yet."""
        return self._until.get(exchange)

    async def seal(self, exchange: str, day: int) -> None:
        """Seal the days of an exchange up to this one; returns when that is done.

        Cancellation: at once; what is in the journal by then is sealed nevertheless.
        """
        if not self._saved:
            await self.settled()  # what earlier processes have sealed is known then
        if self._until.get(exchange, day - 1) < day:
            self._wishes[exchange] = max(day, self._wishes.get(exchange, day))
        while self._until.get(exchange, day - 1) < day:
            await self._wait()

    async def settled(self) -> None:
        """Wait until all that is on disk at this moment is safe there: for the next checkpoint.

        Cancellation: at once.
        """
        following = self._begun + 1
        while self._saved < following:
            await self._wait()

    async def _wait(self) -> None:
        self._waiting += 1
        try:
            await self._changed.wait()
        finally:
            self._waiting -= 1

    # -- for writer and deriver -------------------------------------------------------------------

    @property
    def wait(self) -> bool:
        """Whether somebody waits for a checkpoint."""
        return self._waiting > 0

    def take(self, now_ns: int) -> list[Sealed]:
        """The entries that are wished for, each once."""
        wishes, self._wishes = self._wishes, {}
        return [Sealed(exchange, day, now_ns) for exchange, day in wishes.items()]

    def begin(self) -> int:
        """A checkpoint begins; returns its number."""
        self._begun += 1
        return self._begun

    def saved(self, number: int, until: Mapping[str, int]) -> None:
        """This checkpoint is saved; `until` is the last sealed day of each exchange in it."""
        assert number == self._begun, "only one checkpoint is saved at a time"
        self._saved, self._until = number, dict(until)
        changed, self._changed = self._changed, trio.Event()
        changed.set()
