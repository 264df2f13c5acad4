"""Asks one venue by REST: at its pace, in the order of asking, and not while it bans this address.

Whoever wants something takes a turn for each single request, first come, first served.  A listing
of many pages and the snapshots of many books go to the end of the line after each page and each
snapshot, so they take turns, and neither starves the other.  An answer that hangs delays nobody but
whoever waits for it.

Invariant: in any minute the weights of the requests that begin add up to no more than the profile
allows, and none begins before a pause is over that the venue asked for (`net.address`), whichever
request was answered with it.

Not here: whether and when to ask again.  Whoever asked knows whether it is still wanted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs

from tick_logger.errors import ConnectionLost, Ending, Told
from tick_logger.net.approach import Approach
from tick_logger.net.reach import REST, Reach
from tick_logger.net.told import WORDS_ALONE
from tick_logger.net.wire.dial import NO_HEADERS, Dial, Headers, HttpAnswer
from tick_logger.net.wire.web_page import is_page
from tick_logger.net.wire.wording import answered, excerpt


class Turn:
    """The permission to ask once, now."""

    def __init__(self, fetch: Callable[[str, Headers], Awaitable[bytes]]) -> None:
        self._fetch = fetch
        self._taken = False

    async def get(self, url: str, headers: Headers = NO_HEADERS) -> bytes:
        """The body at the URL; raises `ConnectionLost` ("http") for any status but 200."""
        assert not self._taken, "each request takes a turn of its own"
        self._taken = True
        return await self._fetch(url, headers)


class RestClient:
    """The one that asks one venue, whose REST addresses begin with `endpoint`."""

    def __init__(self, endpoint: str, dial: Dial, approach: Approach, reach: Reach) -> None:
        self.endpoint = endpoint
        self._reach = reach
        self._dial = dial
        self._approach = approach

    async def turn(self, weight: int) -> Turn:
        """Wait in line for a request of this weight; it must be made, or dropped, at once.

        Cancellation: the place in the line is lost, and nothing is counted.
        """
        await self._approach.request_turn(weight)
        return Turn(self._fetch)

    async def get(self, url: str, weight: int) -> bytes:
        """The body at the URL, in turn; raises `ConnectionLost` ("http") for any status but 200."""
        return await (await self.turn(weight)).get(url)

    def objected(self, words: str) -> None:
        """An answer of status 200 was a refusal in these words: some say so that they are busy."""
        self._approach.told(Told(WORDS_ALONE, words))

    def misunderstood(self, words: str) -> None:
        """An answer of status 200 is not what was asked for, in these words."""
        with self._reach.attempt(REST, self.endpoint) as attempt:
            attempt.over(ConnectionLost(Ending.HTTP, words))

    @property
    def closed_secs(self) -> float:
        """For how much longer the venue wants to be asked nothing; 0 if it does not mind."""
        return self._approach.closed_secs

    async def _fetch(self, url: str, headers: Headers) -> bytes:
        with self._reach.attempt(REST, url) as attempt:
            answer = await self._dial.get(url, headers)
            if answer.status != 200 or is_page(answer.body):
                raise self._refused(url, answer)
            attempt.worked()
            return answer.body

    def _refused(self, url: str, answer: HttpAnswer) -> ConnectionLost:
        """What an answer means that is not what was asked for; without the query."""
        told = Told(answer.status, excerpt(answer.body), answer.retry_after, answer.date)
        self._approach.told(attrs.evolve(told, code=WORDS_ALONE) if told.code == 200 else told)
        step, words = answered(answer.status, answer.location, answer.body)
        waits = f" (retry after {told.retry_after})" if told.retry_after else ""
        place = url.partition("?")[0]
        return ConnectionLost(Ending.HTTP, words + waits, told, place=place, step=step)
