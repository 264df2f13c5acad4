"""How fast a venue may be approached: gates keep under its limits, a back-off follows a failure.

Gates go by trio's clock, and serve their waiters in order.  A back-off only says how long to wait:
exponential, capped, with full jitter (anything between zero and the bound), which spreads the
reconnects of many connections that fell together.  What was carried well comes back without a wait:
what is sent meanwhile is lost.
"""

from __future__ import annotations

from collections import deque
from random import Random

import trio

WINDOW_SECS = 1.0

STABLE_SECS = 60.0
"""A connection that lived this long was good: the next failure starts from the beginning."""

CARRIED_SECS = 2.0
"""What its venue ended sooner was not wanted there: it does not come back without a wait."""


class ConnectGate:
    """Lets one new connection through every `1 / per_second` seconds, and none while it is closed.

    Those that come back for one that was cut pass at once, `burst` of them: as many may have been
    cut together.  Where the gate was closed on them they come as others do, so that all but the
    first hear whether it is closed again.  Whoever shares the gate goes at the pace of the slowest,
    with the burst of the smallest.

    Invariant: in any `burst / per_second` seconds no more than `burst` pass, of whatever kind, so
    that a venue's limit may be told as both.
    """

    def __init__(self, per_second: float, burst: int = 1) -> None:
        self._spacing_secs = 1.0 / per_second
        self._burst = burst
        self._passed: deque[float] = deque(maxlen=burst)
        self._next_time = float("-inf")
        self._closed_until = float("-inf")
        self._new, self._back = trio.Lock(), trio.Lock()

    def slow_down(self, per_second: float, burst: int = 1) -> None:
        """Let through no more than this either, from the next one on."""
        self._spacing_secs = max(self._spacing_secs, 1.0 / per_second)
        self._burst = min(self._burst, burst)
        self._passed = deque(self._passed, maxlen=self._burst)

    def close_until(self, time: float) -> None:
        """Let nothing through before this moment."""
        self._closed_until = max(self._closed_until, time)

    async def wait(self, *, back: bool = False) -> None:
        """Return when it is this caller's turn; `back`: it comes back for one that was cut.

        Cancellation: the place in the line is lost, and nothing is counted.
        """
        asked_at, closed_until = trio.current_time(), self._closed_until
        async with self._back if back else self._new:
            while True:  # it may be closed meanwhile, or those of the other kind pass
                back = back and self._closed_until == closed_until <= asked_at
                turn = self._turn(back)
                if turn <= trio.current_time():
                    break
                await trio.sleep_until(turn)
            now = trio.current_time()
            if not back:
                self._next_time = now + self._spacing_secs
            self._passed.append(now)

    def _turn(self, back: bool) -> float:
        """When one of this kind may pass next."""
        is_full = len(self._passed) == self._burst
        room_at = self._passed[0] + self._burst * self._spacing_secs if is_full else float("-inf")
        turn = max(self._closed_until, room_at)
        return turn if back else max(turn, self._next_time)


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

    def begins(self) -> None:
        """What passed last had to wait for something else, and begins only now: count it from now.

        For who is alone at a gate: nobody may have passed, or wait, since.
        """
        assert not self._turn.locked(), "who waits was told a time that is too early"
        _, weight = self._passed.pop()
        self._passed.append((trio.current_time(), weight))

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
    """The waits between the attempts of one connection; the random source is given.

    What has carried something for a while may come back at once, but once in `STABLE_SECS`: a
    venue that ends each connection after a few seconds is left alone for longer and longer.
    """

    def __init__(self, initial_secs: float, max_secs: float, rng: Random) -> None:
        self._initial_secs = initial_secs
        self._max_secs = max_secs
        self._rng = rng
        self._bound_secs = initial_secs
        self._since_at_once_secs = float("inf")  # less what attempts took: never more than it is

    def limit(self, initial_secs: float, max_secs: float) -> None:
        """Keep to these from the next wait on."""
        self._initial_secs, self._max_secs = initial_secs, max_secs
        self._bound_secs = min(max(self._bound_secs, initial_secs), max_secs)

    def at_once(self, lived_secs: float) -> bool:
        """Whether a connection that carried something and lived so long is followed without a wait.

        If so, that is counted, and the next wait is the first again after a stable connection.
        """
        if lived_secs < CARRIED_SECS or self._since_at_once_secs + lived_secs < STABLE_SECS:
            return False
        if lived_secs >= STABLE_SECS:
            self.begin_anew()
        self._since_at_once_secs = 0.0
        return True

    def begin_anew(self) -> None:
        """Whatever failed before, the next wait is as after the first failure."""
        self._bound_secs = self._initial_secs

    def next_wait_secs(self, lived_secs: float) -> float:
        """The wait after a connection that lived so long (0 if it was never made)."""
        if lived_secs >= STABLE_SECS:
            self.begin_anew()
        bound = self._bound_secs
        self._bound_secs = min(bound * 2, self._max_secs)
        wait_secs = self._rng.uniform(0, bound)
        self._since_at_once_secs += lived_secs + wait_secs
        return wait_secs
