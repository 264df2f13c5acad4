"""Keeps the list of an exchange's instruments up to date, from its channel or by REST.

Where a venue has a channel for its listing, a connection of its own listens there, and REST is
asked only while the channel says nothing.  Connections are planned anew when other symbols are
tradable than before.  A listing that would retire more than half of them is believed only when it
is repeated: a truncated answer must not end a recording.  What leaves the listing, or is halted, is
kept for a while (`leaving`); at the start so is what is halted and was recorded before.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import TypeAlias

import attrs
import trio

from tick_logger.errors import ConnectionLost
from tick_logger.exchanges.base import Listed, VenueError
from tick_logger.model.instruments import Instrument
from tick_logger.model.routes import LINES
from tick_logger.model.tables import Table
from tick_logger.model.turnover import most_traded_first
from tick_logger.net.connection.connection import Connection
from tick_logger.net.connection.context import Timeouts, VenueContext
from tick_logger.net.pace import Backoff
from tick_logger.net.reach import REST
from tick_logger.net.rest.listing import read_listing
from tick_logger.net.venue.known_rates import NOTHING_KNOWN, RatesByFeed
from tick_logger.net.venue.leaving import CHECK_SECS, Leaving
from tick_logger.net.venue.losses import say_lost
from tick_logger.net.venue.sound import SoundListings
from tick_logger.net.venue.streams import MAX_LISTED_IN_LOG
from tick_logger.telemetry.logs import get_logger

CHANNEL_GRACE_SECS = 15.0
"""How long the channel may take before REST is asked instead."""

RETRY_SECS = 10.0
"""The pause after a REST listing that failed, or named nothing that can be recorded."""

BELIEVED_AFTER = 3
"""So often in a row must a listing come that lacks more than half of the symbols."""

ListingListener: TypeAlias = Callable[[tuple[Instrument, ...]], None]
"""Called with the instruments of a listing that is believed."""

PlanListener: TypeAlias = Callable[[tuple[str, ...], frozenset[str]], None]
"""Called with the symbols to record if they are wanted, and those whose silence is no fault."""


async def nothing_known() -> RatesByFeed:
    """There was no process before."""
    return NOTHING_KNOWN


async def forgotten(_rates: RatesByFeed) -> None:
    """There will be no process after this one."""


NO_DATA_EXPECTED = Timeouts(first_data_secs=float("inf"), data_secs=float("inf"))


@attrs.frozen(kw_only=True)
class Beside:
    """What the rest of the program has to say about symbols, and to hear of them."""

    write_listing: ListingListener = attrs.field(default=lambda _: None)
    """Gets every listing, with instruments that are not tradable."""
    recorded_before: Callable[[], Collection[str]] = attrs.field(default=frozenset)
    """What was recorded up to the end of the process before."""
    objection_to: Callable[[str], str] = attrs.field(default=lambda _: "")
    """Why a symbol cannot be recorded; empty if it can."""
    recall_rates: Callable[[], Awaitable[RatesByFeed]] = attrs.field(default=nothing_known)
    """The message rates that the process before has learned; it neither fails nor takes long."""
    remember_rates: Callable[[RatesByFeed], Awaitable[None]] = attrs.field(default=forgotten)
    """Keeps the rates that are known now for the next process; it never fails."""


class Discovery:
    """The instruments of one exchange, for as long as it is recorded.

    `plan_for` gets the symbols whenever they are others than before, or their silence is judged
    otherwise.
    """

    def __init__(
        self, venue: VenueContext, backoff: Backoff, beside: Beside, *, plan_for: PlanListener
    ) -> None:
        self._venue = venue
        self._backoff = backoff
        self._beside = beside
        self._plan_for = plan_for
        self._log = get_logger().bind(exchange=venue.exchange.name)
        self._sound = SoundListings(self._log, venue.metrics, beside.objection_to)
        self._heard = trio.Event()
        self._listing: tuple[Instrument, ...] | None = None
        self._active: frozenset[str] = frozenset()
        self._leaving = Leaving()
        self._planned: tuple[frozenset[str], frozenset[str]] | None = None
        self._doubted = 0

    async def run(self) -> None:
        """Look for changes until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._end_leaving)
            if self._venue.exchange.listing_request() is not None:
                nursery.start_soon(self._listen)
                with trio.move_on_after(CHANNEL_GRACE_SECS):
                    await self._heard.wait()
            while True:
                wait_secs = self._venue.exchange.profile.listing_interval_secs
                if not self._heard.is_set() and not await self._ask():
                    wait_secs = RETRY_SECS
                self._heard = trio.Event()
                await trio.sleep(wait_secs)

    async def _listen(self) -> None:
        """Stay on the venue's listing channel."""
        while True:
            await self._venue.connects.connect_turn()
            connection = Connection(
                "listing", self._venue, (), NO_DATA_EXPECTED, on_listing=self._on_channel
            )
            lost = await connection.run()
            connection.forget_books()
            connected_at = connection.connected_at
            lived = 0.0 if connected_at is None else trio.current_time() - connected_at
            wait_secs = self._backoff.next_wait_secs(lived)
            log = self._log.bind(connection="listing")
            say_lost(log, self._venue, connection, lost)
            await trio.sleep(wait_secs)

    async def _ask(self) -> bool:
        """Read the listing by REST; False if that failed, or nothing is known to be tradable."""
        try:
            listing = await read_listing(self._venue.exchange, self._venue.rest)
        except (ConnectionLost, VenueError) as error:
            rest = self._venue.rest
            if isinstance(error, VenueError):
                rest.objected(str(error))
                rest.misunderstood(str(error))
            retry_secs = round(max(RETRY_SECS, rest.closed_secs), 3)
            more = self._venue.reach.explained(REST)
            self._log.warning("listing_failed", reason=str(error), retry_secs=retry_secs, **more)
            return False
        self._consider(listing)
        if not self._active:
            self._log.warning(
                "listing_empty", listed=len(listing.instruments), retry_secs=RETRY_SECS
            )
        return bool(self._active)

    def _on_channel(self, listing: Listed) -> None:
        self._heard.set()
        self._venue.reach.forget(REST)  # it is not asked while the channel says all
        self._consider(listing)

    def _consider(self, listed: Listed) -> None:
        listing = self._sound.take(listed)
        active = frozenset(instrument.symbol for instrument in listing if instrument.active)
        if self._is_doubtful(active):
            return
        now, first = trio.current_time(), self._listing is None
        self._leaving.come_back(active, now)
        self._leaving.leave(self._active - active, now)
        if first:
            halted = {each.symbol for each in listing} - active
            self._leaving.leave(halted.intersection(self._beside.recorded_before()), now)
        if active != self._active:
            left = sorted(self._active - active)
            self._log.info(
                "listing",
                tradable=len(active),
                added=len(active - self._active),
                removed=len(left),
                left=left[:MAX_LISTED_IN_LOG],
                kept=len(self._leaving.kept),
            )
        self._active, self._listing = active, listing
        self._beside.write_listing(listing)
        self._plan()

    def _is_doubtful(self, active: frozenset[str]) -> bool:
        """Whether a listing lacks so much that it must be repeated."""
        if len(active & self._active) * 2 < len(self._active):
            self._doubted += 1
            if self._doubted < BELIEVED_AFTER:
                self._log.warning(
                    "listing_doubted",
                    explanation="it lacks more than half of what was listed before; "
                    "it is believed when it is repeated",
                    listed=len(active),
                    before=len(self._active),
                )
                return True
        self._doubted = 0
        return False

    def _plan(self) -> None:
        """Plan for what is tradable, or has been a moment ago."""
        kept, listing = self._leaving.kept, most_traded_first(self._listing or ())
        listed = [each.symbol for each in listing if each.symbol in self._active | kept]
        symbols = (*listed, *sorted(kept.difference(listed)))
        planned = frozenset(symbols), self._leaving.excused
        if planned != self._planned:
            self._planned = planned
            self._plan_for(symbols, self._leaving.excused)

    async def _end_leaving(self) -> None:
        """Retire in time what has left."""
        while True:
            await trio.sleep(CHECK_SECS)
            if self._leaving.excused:
                self._leaving.end(trio.current_time(), self._delivered_at)
                self._plan()

    def _delivered_at(self, symbol: str) -> float:
        """When rows of a symbol came last, of whatever table."""
        number = self._venue.instruments.of(self._venue.exchange.name).get(symbol)
        if number is None:
            return float("-inf")
        rhythms = (self._venue.intake.rhythm(line) for line in LINES)
        return max(rhythm.last(table, number) for rhythm in rhythms for table in Table)
