"""Keeping under a venue's limits: connects per second, messages per second.

Times are those of trio's clock.  Both gates serve their waiters in order.
"""

from __future__ import annotations

from collections import deque

import trio

WINDOW_SECS = 1.0


class SpacingGate:
    """Lets one through every `1 / per_second` seconds: for new connections."""

    def __init__(self, per_second: float) -> None:
        self._spacing_secs = 1.0 / per_second
        self._next_time = float("-inf")

    async def wait(self) -> None:
        """Return when it is this caller's turn.

        Cancellation: the turn is lost, which only makes the next caller wait longer.
        """
        now = trio.current_time()
        turn = max(now, self._next_time)
        self._next_time = turn + self._spacing_secs
        await trio.sleep_until(turn)


class WindowGate:
    """Lets so many through in any window of time, as fast as they come.

    What happens without asking is reported by `note` and counts too.
    """

    def __init__(self, limit: int, window_secs: float) -> None:
        self._limit = limit
        self._window_secs = window_secs
        self._sent: deque[float] = deque(maxlen=limit)
        self._turn = trio.Lock()

    def note(self) -> None:
        """One went through just now."""
        self._sent.append(trio.current_time())

    async def wait(self, room: int = 1) -> None:
        """Return when `room` more may go through, or as many as ever may, and count one.

        Cancellation: nothing is counted.
        """
        async with self._turn:
            # Others may use up the turn meanwhile, and say so only by `note`.
            while (free_at := self._free_at(min(room, self._limit))) > trio.current_time():  # noqa: ASYNC110
                await trio.sleep_until(free_at)
            self.note()

    def _free_at(self, room: int) -> float:
        """When so many have left the window that there is room."""
        too_many = len(self._sent) + room - self._limit
        return self._sent[too_many - 1] + self._window_secs if too_many > 0 else float("-inf")


class MessageGate(WindowGate):
    """Keeps what one connection sends under a number of messages in any second.

    What the protocol sends by itself (pongs) is what `note` is for.
    """

    def __init__(self, per_second: float) -> None:
        limit = max(1, int(per_second))
        # Fewer than one per second make the window longer; no fraction makes it shorter.
        super().__init__(limit, max(WINDOW_SECS, limit / per_second))
