"""Keeps the list of an exchange's instruments up to date, from its channel or by REST.

Where a venue has a channel for its listing, a connection of its own listens there, and REST is
asked only while the channel says nothing.  Connections are planned anew when other symbols are
tradable than before.  A listing that would retire more than half of them is believed only when it
is repeated: a truncated answer must not end a recording.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import trio

from tick_logger.errors import ConnectionLost
from tick_logger.exchanges.base import VenueError
from tick_logger.model.instruments import Instrument
from tick_logger.net.connection.connection import Connection
from tick_logger.net.connection.context import Timeouts, VenueContext
from tick_logger.net.pace import Backoff
from tick_logger.telemetry.logs import get_logger

CHANNEL_GRACE_SECS = 15.0
"""How long the channel may take before REST is asked instead."""

RETRY_SECS = 10.0
"""The pause after a REST listing that failed, or named nothing that can be recorded."""

MOST_PAGES = 50
"""A longer listing is taken for a venue whose pages go round in circles."""

BELIEVED_AFTER = 3
"""So often in a row must a listing come that lacks more than half of the symbols."""

ListingListener: TypeAlias = Callable[[tuple[Instrument, ...]], None]
"""Called with instruments of a listing that is believed."""

NO_DATA_EXPECTED = Timeouts(first_data_secs=float("inf"), data_secs=float("inf"))


class Discovery:
    """The instruments of one exchange, for as long as it is recorded.

    `write_listing` gets every listing, with instruments that are not tradable; `plan_for` gets the
    tradable ones whenever they are others than before.
    """

    def __init__(
        self,
        venue: VenueContext,
        backoff: Backoff,
        *,
        plan_for: ListingListener,
        write_listing: ListingListener,
    ) -> None:
        self._venue = venue
        self._backoff = backoff
        self._plan_for = plan_for
        self._write_listing = write_listing
        self._log = get_logger().bind(exchange=venue.exchange.name)
        self._heard = trio.Event()
        self._active: frozenset[str] = frozenset()
        self._doubted = 0

    async def run(self) -> None:
        """Look for changes until cancelled."""
        async with trio.open_nursery() as nursery:
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
            connected_at = connection.connected_at
            lived = 0.0 if connected_at is None else trio.current_time() - connected_at
            wait_secs = self._backoff.next_wait_secs(lived)
            self._log.warning(
                "connection_lost", connection="listing", cause=lost.ending.value, reason=str(lost)
            )
            await trio.sleep(wait_secs)

    async def _ask(self) -> bool:
        """Read the listing by REST; False if that failed, or nothing is known to be tradable."""
        try:
            listing = await self._read()
        except (ConnectionLost, VenueError) as error:
            rest = self._venue.rest
            if isinstance(error, VenueError):
                rest.objected(str(error))
            retry_secs = round(max(RETRY_SECS, rest.closed_secs), 3)
            self._log.warning("listing_failed", reason=str(error), retry_secs=retry_secs)
            return False
        self._consider(listing)
        if not self._active:
            self._log.warning("listing_empty", listed=len(listing), retry_secs=RETRY_SECS)
        return bool(self._active)

    async def _read(self) -> tuple[Instrument, ...]:
        """All pages of the REST listing; the symbols of a missing page would seem delisted."""
        exchange = self._venue.exchange
        url: str | None = exchange.listing_url(self._venue.rest.endpoint)
        found: list[Instrument] = []
        for _ in range(MOST_PAGES):
            assert url is not None
            body = await self._venue.rest.get(url, exchange.profile.listing_weight)
            found += exchange.parse_listing(body)
            url = exchange.next_page(url, body)
            if url is None:
                return tuple(found)
        raise VenueError(f"the listing has more than {MOST_PAGES} pages")

    def _on_channel(self, listing: tuple[Instrument, ...]) -> None:
        self._heard.set()
        self._consider(listing)

    def _consider(self, listing: tuple[Instrument, ...]) -> None:
        active = frozenset(instrument.symbol for instrument in listing if instrument.active)
        if active == self._active:
            self._doubted = 0
            self._write_listing(listing)
            return
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
                return
        self._doubted = 0
        self._log.info(
            "listing",
            tradable=len(active),
            added=len(active - self._active),
            removed=len(self._active - active),
        )
        self._active = active
        self._write_listing(listing)
        self._plan_for(tuple(instrument for instrument in listing if instrument.active))
