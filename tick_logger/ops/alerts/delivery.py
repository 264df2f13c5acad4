"""Gets messages to the webhook, one after the other, without anybody waiting for it.

Invariant: nothing here holds more than `MOST_WAITING` messages, nor tries one more than `ATTEMPTS`
times; what is given up is counted and logged, and an address is never named.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

import trio

from tick_logger.telemetry.logs import get_logger
from tick_logger.telemetry.metrics import Metrics

MOST_WAITING = 64
"""More than there are conditions, but for a machine on which everything fails."""

ATTEMPTS = 12
LONGEST_WAIT_SECS = 300.0
"""The waits double from a second up to this: with twelve attempts a quarter of an hour is got over,
in which the network may be what is wrong."""

MAY_PASS = frozenset({0, 408, 425, 429})
"""No answer, and statuses that mean "later", as all from 500 on do; others are a refusal."""


class Answer(Protocol):
    """What became of a post."""

    @property
    def status(self) -> int:
        """Of HTTP; 0 where there was no answer."""
        ...

    @property
    def words(self) -> str:
        """That, or why there was none, without the address."""
        ...

    @property
    def retry_after(self) -> str:
        """The header of this name."""
        ...


class Delivery:
    """Messages on their way; `post` sends one once."""

    def __init__(self, post: Callable[[bytes], Awaitable[Answer]], metrics: Metrics) -> None:
        self._post = post
        self._metrics = metrics
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._there_is_one = trio.Event()
        self._log = get_logger()

    def put(self, alert: str, body: bytes) -> None:
        """Take one; where there is no room the oldest is given up, because it says least of now."""
        if len(self._waiting) >= MOST_WAITING:
            oldest, _ = self._waiting.popleft()
            self._give_up(oldest, f"{MOST_WAITING} others are waiting")
        self._waiting.append((alert, body))
        self._metrics.alerts_waiting.set(len(self._waiting))
        self._there_is_one.set()

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            while self._waiting:
                alert, body = self._waiting.popleft()
                self._metrics.alerts_waiting.set(len(self._waiting))
                await self._deliver(alert, body)
            self._there_is_one = trio.Event()
            await self._there_is_one.wait()

    async def _deliver(self, alert: str, body: bytes) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            answer = await self._post(body)
            if 200 <= answer.status < 300:
                self._metrics.alerts_posted.inc()
                return
            self._metrics.alert_post_failures.inc()
            if answer.status < 500 and answer.status not in MAY_PASS:
                break
            if attempt < ATTEMPTS:
                wait_secs = _wait_secs(attempt, answer.retry_after)
                if attempt == 1:
                    self._log.warning(
                        "alert_not_posted", alert=alert, reason=answer.words, again_in=wait_secs
                    )
                await trio.sleep(wait_secs)
        self._give_up(alert, f"{answer.words}, at attempt {attempt}")

    def _give_up(self, alert: str, reason: str) -> None:
        self._metrics.alerts_given_up.inc()
        self._log.error(
            "alert_given_up",
            alert=alert,
            reason=reason,
            what_to_do="see whether [alerts] webhook is right, and whether its server answers",
        )


def _wait_secs(attempt: int, retry_after: str) -> float:
    asked = float(retry_after) if retry_after.isascii() and retry_after.isdigit() else 0.0
    return min(max(2.0 ** (attempt - 1), asked), LONGEST_WAIT_SECS)
