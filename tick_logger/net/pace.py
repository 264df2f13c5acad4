"""How fast a venue may be approached: gates keep under its limits, a back-off follows a failure.

Gates go by trio's clock, and serve their waiters in order.  A back-off only says how long to wait:
exponential, capped, with full jitter (anything between zero and the bound), which spreads the
reconnects of many connections that fell together.
"""

from __future__ import annotations

from collections import deque
from random import Random

import trio

WINDOW_SECS = 1.0

STABLE_SECS = 60.0
"""A connection that lived this long was good: the next failure starts from the beginning."""


class SpacingGate:
    """Lets one new connection through every `1 / per_second` seconds, and none while it is closed.

    Whoever shares it goes at the pace of the slowest.
    """

    def __init__(self, per_second: float) -> None:
        self._spacing_secs = 1.0 / per_second
        self._next_time = float("-inf")
        self._closed_until = float("-inf")

    def slow_down(self, per_second: float) -> None:
        """Let through no more than this either, from the next one on."""
        self._spacing_secs = max(self._spacing_secs, 1.0 / per_second)

    def close_until(self, time: float) -> None:
        """Let nothing through before this moment."""
        self._closed_until = max(self._closed_until, time)

    async def wait(self) -> None:
        """Return when it is this caller's turn.

        Cancellation: the turn is lost, which only makes the next caller wait longer.
        """
        while True:
            turn = max(trio.current_time(), self._next_time, self._closed_until)
            self._next_time = turn + self._spacing_secs
            await trio.sleep_until(turn)
            if self._closed_until <= turn:
                return  # else it was closed meanwhile: all line up again


class WindowGate:
    """Lets up to `limit` through in any window of time, as fast as they come.

    Whatever goes through without asking is reported by `note`, and counts too.
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
        """Return as soon as `room` more (no more than the limit) may go through, and count one.

        Cancellation: nothing is counted.
        """
        async with self._turn:
            # What is reported by `note` may use up the room meanwhile.
            while (free_at := self._free_at(min(room, self._limit))) > trio.current_time():  # noqa: ASYNC110
                await trio.sleep_until(free_at)
            self.note()

    def _free_at(self, room: int) -> float:
        """When so many have left the window that there is room."""
        too_many = len(self._sent) + room - self._limit
        return self._sent[too_many - 1] + self._window_secs if too_many > 0 else float("-inf")


class MessageGate(WindowGate):
    """Keeps what one connection sends under a number of messages in any second.

    Pongs, which the protocol sends by itself, are reported by `note`.
    """

    def __init__(self, per_second: float) -> None:
        limit = max(1, int(per_second))
        # Fewer than one per second make the window longer; no fraction makes it shorter.
        super().__init__(limit, max(WINDOW_SECS, limit / per_second))


class WeightGate:
    """Lets through what adds up to no more than `limit` in any window of time, as fast as it comes.

    What is heavy is waited for by all that come after it, however light they are.
    """

    def __init__(self, limit: int, window_secs: float) -> None:
        self._limit = limit
        self._window_secs = window_secs
        self._passed: deque[tuple[float, int]] = deque()  # times and weights, within the window
        self._closed_until = float("-inf")
        self._turn = trio.Lock()

    def close_until(self, time: float) -> None:
        """Let nothing through before this moment."""
        self._closed_until = max(self._closed_until, time)

    async def wait(self, weight: int) -> None:
        """Return when so much may go through, and count it.

        Cancellation: nothing is counted.
        """
        assert 0 < weight <= self._limit, f"{weight} would never get through {self._limit}"
        async with self._turn:
            # It may be closed meanwhile.
            while (free_at := self._free_at(weight)) > trio.current_time():  # noqa: ASYNC110
                await trio.sleep_until(free_at)
            self._passed.append((trio.current_time(), weight))
            assert sum(passed for _, passed in self._passed) <= self._limit

    def _free_at(self, weight: int) -> float:
        """When it is open, and so much has left the window that there is room."""
        while self._passed and self._passed[0][0] + self._window_secs <= trio.current_time():
            self._passed.popleft()
        free_at = self._closed_until
        room = self._limit - sum(passed for _, passed in self._passed)
        for time, passed in self._passed:
            if room >= weight:
                break
            room += passed
            free_at = max(free_at, time + self._window_secs)
        return free_at


class Backoff:
    """The waits between the attempts of one connection; the random source is given."""

    def __init__(self, initial_secs: float, max_secs: float, rng: Random) -> None:
        self._initial_secs = initial_secs
        self._max_secs = max_secs
        self._rng = rng
        self._bound_secs = initial_secs

    def limit(self, initial_secs: float, max_secs: float) -> None:
        """Keep to these from the next wait on."""
        self._initial_secs, self._max_secs = initial_secs, max_secs
        self._bound_secs = min(max(self._bound_secs, initial_secs), max_secs)

    def next_wait_secs(self, lived_secs: float) -> float:
        """The wait after a connection that lived so long (0 if it was never made)."""
        if lived_secs >= STABLE_SECS:
            self._bound_secs = self._initial_secs
        bound = self._bound_secs
        self._bound_secs = min(bound * 2, self._max_secs)
        return self._rng.uniform(0, bound)
