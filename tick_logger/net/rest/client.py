"""Asks one venue by REST: at its pace, in the order of asking, and not while it bans this address.

Whoever wants something takes a turn for each single request, first come, first served.  A listing
of many pages and the snapshots of many books go to the end of the line after each page and each
snapshot, so they take turns, and neither starves the other.  An answer that hangs delays nobody but
whoever waits for it.

Invariant: in any minute the weights of the requests that begin add up to no more than the profile
allows, and none begins before a ban is over, whichever request was answered with it.

Not here: whether and when to ask again.  Whoever asked knows whether it is still wanted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from tick_logger.errors import ConnectionLost, Ending
from tick_logger.exchanges.base import Exchange
from tick_logger.net.pace import WeightGate
from tick_logger.net.wire.dial import Dial, HttpAnswer
from tick_logger.net.wire.wording import excerpt, http_status
from tick_logger.telemetry.logs import get_logger

MINUTE_SECS = 60.0
"""Venues count requests by the minute; within it they may come as fast as they are answered."""

BANS = (418, 429)
"""Statuses by which a venue says that it has been asked too often."""

DEFAULT_BAN_SECS = 60.0
"""Where the venue does not say in seconds how long: until the minute that it counts is over."""

MAX_BAN_SECS = 3 * 24 * 3600.0
"""The longest that a venue is known to ban for; more is a mistake, and REST would stay away."""


class Turn:
    """The permission to ask once, now."""

    def __init__(self, fetch: Callable[[str], Awaitable[bytes]]) -> None:
        self._fetch = fetch
        self._taken = False

    async def get(self, url: str) -> bytes:
        """The body at the URL; raises `ConnectionLost` ("http") for any status but 200."""
        assert not self._taken, "each request takes a turn of its own"
        self._taken = True
        return await self._fetch(url)


class RestClient:
    """The one that asks one venue, whose REST addresses begin with `endpoint`."""

    def __init__(self, exchange: Exchange, endpoint: str, dial: Dial) -> None:
        self.endpoint = endpoint
        self._dial = dial
        self._gate = WeightGate(exchange.profile.rest_weight_per_minute, MINUTE_SECS)
        self._log = get_logger().bind(exchange=exchange.name)

    async def turn(self, weight: int) -> Turn:
        """Wait in line for a request of this weight; it must be made, or dropped, at once.

        Cancellation: the place in the line is lost, and nothing is counted.
        """
        await self._gate.wait(weight)
        return Turn(self._fetch)

    async def get(self, url: str, weight: int) -> bytes:
        """The body at the URL, in turn; raises `ConnectionLost` ("http") for any status but 200."""
        return await (await self.turn(weight)).get(url)

    async def _fetch(self, url: str) -> bytes:
        answer = await self._dial.get(url)
        if answer.status == 200:
            return answer.body
        if answer.status in BANS:
            self._keep_away(answer)
        raise ConnectionLost(Ending.HTTP, _refusal(url.partition("?")[0], answer))

    def _keep_away(self, answer: HttpAnswer) -> None:
        """Let nobody ask until the ban is over."""
        secs = _ban_secs(answer.retry_after)
        self._gate.close_until(trio.current_time() + secs)
        self._log.warning(
            "rest_banned",
            reason=http_status(answer.status),
            secs=secs,
            explanation="no listing and no snapshot is asked for meanwhile",
        )


def _ban_secs(retry_after: str) -> float:
    told = retry_after.strip()
    if not (told.isascii() and told.isdecimal()):  # nothing, or a date by the venue's clock
        return DEFAULT_BAN_SECS
    return min(float(told), MAX_BAN_SECS)


def _refusal(place: str, answer: HttpAnswer) -> str:
    """What a status that is not 200 means, and the venue's own words; without the query."""
    told = [f"retry after {answer.retry_after}"] if answer.retry_after else []
    told += [text] if (text := excerpt(answer.body)) else []
    return ": ".join([f"{http_status(answer.status)} from {place}", *told])
