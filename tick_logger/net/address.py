"""One address of a venue: how fast it may be approached, and until when it wants to be left alone.

Venues count requests and connections by the address that is asked (and by ours), so whoever asks
there shares the gates here: listing and snapshots of one exchange, all of its connections, and two
exchanges of one operator.  Where the venue does not say how long to wait, a pause is chosen, and
grows each time that it was too short.

Invariant: nothing goes through either gate before the venue's time is over.  Nothing is remembered
over a restart: the first request after it hears again what the venue wants.

Not here: how what a venue says is understood (`told`), and who is told of it (`approach`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import attrs
import trio

from tick_logger.errors import Told
from tick_logger.net.pace import ConnectGate, WeightGate
from tick_logger.net.told import FIRST_CLOSE_CODE, asked_to_wait

MINUTE_SECS = 60.0
"""Venues count requests by the minute; within it they may come as fast as they are answered."""

MAX_WAIT_SECS = 3 * 24 * 3600.0
"""The longest that a venue is known to ban for; more is a mistake, and would end the recording."""

DEFAULT_WAIT_SECS = 60.0
"""Where an answer names no time: until the minute that venues count is over."""

DEFAULT_CLOSE_SECS = 30.0
"""Where a close frame names none: other connections live on, and what this one carried is lost."""

MOST_GUESSED_SECS = 3600.0
"""A pause that the venue did not name grows no longer; somebody should look before."""

CALM_SECS = 600.0
"""After so long without another word the pauses that were chosen begin anew."""

BANS = (403, 418)
"""Statuses that mean a ban of this address, and not only one request too many."""


@attrs.frozen
class Pause:
    """How long an address is left alone from now on, and why so long."""

    secs: float
    why: str


class Address:
    """The gates of one address.

    `ban_secs` is how long the venue bans for where it does not say.
    """

    def __init__(
        self,
        weight_per_minute: int,
        connects_per_second: float,
        ban_secs: float,
        connects_burst: int = 1,
    ) -> None:
        self.requests = WeightGate(weight_per_minute, MINUTE_SECS)
        self.connects = ConnectGate(connects_per_second, connects_burst)
        self._ban_secs = ban_secs
        self._closed_until = float("-inf")
        self._guesses = 0
        self.watchers: list[Callable[[float], None]] = []
        """Called with the Unix time, by our clock, until which it is to be left alone."""

    def told(self, told: Told, now_secs: float) -> Pause | None:
        """The venue said this, at a Unix time of our clock; the pause that follows, if one does.

        None also where the address is to be left alone for so long already.
        """
        asked = asked_to_wait(told, now_secs)
        if asked is None:
            return None
        now = trio.current_time()
        if asked.secs is None:
            if now < self._closed_until:
                return None  # requests that were on their way together hear the same
            pause = self._guessed(told, asked.odd, now)
        elif asked.secs > MAX_WAIT_SECS:
            pause = Pause(MAX_WAIT_SECS, f"{asked.secs:g} s were named, which nobody can mean")
        else:
            pause = Pause(asked.secs, "so long as was named")
        if now + pause.secs <= self._closed_until:
            return None
        self._closed_until = now + pause.secs
        self.requests.close_until(self._closed_until)
        self.connects.close_until(self._closed_until)
        for watcher in self.watchers:
            watcher(now_secs + pause.secs)
        return pause

    def _guessed(self, told: Told, odd: str, now: float) -> Pause:
        if now > self._closed_until + CALM_SECS:
            self._guesses = 0
        first = DEFAULT_WAIT_SECS
        if told.code in BANS:
            first = self._ban_secs
        elif told.code >= FIRST_CLOSE_CODE:
            first = DEFAULT_CLOSE_SECS
        secs = min(first * 2.0**self._guesses, MOST_GUESSED_SECS)
        if secs < MOST_GUESSED_SECS:
            self._guesses += 1
        return Pause(secs, f"{odd!r} is no time ahead" if odd else "no time was named")

    @property
    def closed_secs(self) -> float:
        """For how much longer it is to be left alone; 0 if it may be approached."""
        return max(0.0, self._closed_until - trio.current_time())


class Addresses:
    """The addresses of all operators: one object for each, whoever asks for it."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Address] = {}

    def at(
        self,
        operator: str,
        endpoint: str,
        *,
        weight_per_minute: int,
        connects_per_second: float,
        ban_secs: float,
        connects_burst: int = 1,
    ) -> Address:
        """The address of an endpoint, at the pace of the slowest who shares it."""
        key = operator, host_of(endpoint)
        address = self._known.get(key)
        if address is None:
            address = Address(weight_per_minute, connects_per_second, ban_secs, connects_burst)
            self._known[key] = address
        address.connects.slow_down(connects_per_second, connects_burst)
        return address


_DEFAULT_PORTS: Mapping[str, int] = {"ws": 80, "http": 80, "wss": 443, "https": 443}


def host_of(endpoint: str) -> str:
    """Host and port that an endpoint leads to."""
    parts = urlsplit(endpoint)
    return f"{parts.hostname}:{parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)}"
