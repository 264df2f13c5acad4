"""A dial that notes by how much a venue's clock differs from this machine's, as answers tell it."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parsedate_to_datetime

import trio

from tick_logger.clock import WallClock
from tick_logger.net.wire.dial import NO_HEADERS, Dial, Headers, HttpAnswer, Link
from tick_logger.net.wire.tap import OnFrames

HALF_A_SECOND_NS = 500_000_000
"""A `Date` has whole seconds, cut: in the middle it is late by so much."""


class WatchingDial:
    """Another dial, which is watched; `ahead_secs` is this machine's clock less the venue's."""

    def __init__(self, dial: Dial, clock: WallClock) -> None:
        self.brake = dial.brake
        self._dial = dial
        self._clock = clock
        self.ahead_secs: float | None = None

    async def open(
        self,
        nursery: trio.Nursery,
        url: str,
        *,
        on_frames: OnFrames,
        on_ping: Callable[[], None],
        max_message_bytes: int,
    ) -> Link:
        """See `Dial`."""
        return await self._dial.open(
            nursery,
            url,
            on_frames=on_frames,
            on_ping=on_ping,
            max_message_bytes=max_message_bytes,
        )

    async def get(self, url: str, headers: Headers = NO_HEADERS) -> HttpAnswer:
        """See `Dial`."""
        asked_ns = self._clock.now_ns()
        answer = await self._dial.get(url, headers)
        middle_ns = (asked_ns + self._clock.now_ns()) // 2
        try:
            date_ns = round(parsedate_to_datetime(answer.date).timestamp() * 1e9)
        except (ValueError, TypeError, OverflowError):
            return answer  # none, or nothing that is one
        self.ahead_secs = (middle_ns - date_ns - HALF_A_SECOND_NS) / 1e9
        return answer
