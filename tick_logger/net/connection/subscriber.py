"""The task of one connection that sends its requests, and notices when an answer is overdue.

    woken -> broken books begin anew -> requests, each in its turn -> waits: woken, or overdue

A request has its turn when both limits of the venue allow it, that of a second and that of an hour.
Whatever changes what there is to ask for wakes the task.

Not here: what is to be asked for (`subscriptions`), and what an answer means (`dialogue`).
"""

from __future__ import annotations

import trio

from tick_logger.exchanges.base import Request
from tick_logger.net.connection.context import VenueContext
from tick_logger.net.connection.dialogue import Dialogue
from tick_logger.net.pace import MessageGate, WindowGate
from tick_logger.net.wire.dial import Link

HOUR_SECS = 3600.0


class Subscriber:
    """Sends the requests of one connection.

    `gate` is shared with all else that it sends.
    """

    def __init__(
        self,
        venue: VenueContext,
        dialogue: Dialogue,
        gate: MessageGate,
        *,
        lists: bool,
    ) -> None:
        self._venue = venue
        self._dialogue = dialogue
        self._gate = gate
        self._lists = lists  # instruments, by the venue's channel for them
        hourly = venue.exchange.profile.requests_per_hour
        self._hourly = None if hourly is None else WindowGate(hourly, HOUR_SECS)
        self._woken = trio.Event()

    def wake(self) -> None:
        """There may be something else to ask for."""
        self._woken.set()

    async def run(self, link: Link) -> None:
        """Send until cancelled, or until the link is lost.

        Cancellation: a request that is being sent may have arrived; the connection is useless then.
        """
        await self._open(link)
        while True:
            self._woken = trio.Event()
            await self._send_due(link)
            with trio.CancelScope(deadline=self._dialogue.due_at):
                await self._woken.wait()
                continue
            await self._venue.intake.caught_up()  # the answer may be waiting to be decoded
            now_ns = self._venue.clock.now_ns()
            marks = self._dialogue.overdue(trio.current_time(), now_ns)
            self._venue.mark(marks, self._dialogue.books.line)

    async def _open(self, link: Link) -> None:
        """Send what comes before all subscriptions."""
        self._dialogue.signature.opening_is_due = False
        exchange = self._venue.exchange
        listing = exchange.listing_request() if self._lists else None
        for first in (exchange.opening_request(), listing):
            if first is not None:
                await self._turn()
                await self._send(link, first)

    async def _send_due(self, link: Link) -> None:
        """Send all requests that there are by now."""
        subscriptions = self._dialogue.subscriptions
        if self._dialogue.signature.opening_is_due:
            await self._open(link)
        now_ns = self._venue.clock.now_ns()
        marks = self._dialogue.renew_books(trio.current_time(), now_ns)
        self._venue.mark(marks, self._dialogue.books.line)
        while requests := subscriptions.next_requests():
            for before, request in enumerate(requests):
                # What is ended must be possible to subscribe again within the same hour.
                room = 2 * (len(requests) - before) if subscriptions.ends(request) else 1
                await self._turn(room)
                if not request.subscriptions and not subscriptions.awaiting:
                    continue  # nobody needs to ask what came of a request that was answered
                # The answer may be here before the sender runs again, so it is awaited already.
                self._dialogue.sent(request, trio.current_time(), self._venue.clock.now_ns())
                await self._send(link, request)

    async def _turn(self, room: int = 1) -> None:
        """Wait until one may go; the hour must have room for so many, this one included."""
        if self._hourly is not None:
            await self._hourly.wait(room)
        await self._gate.wait()

    async def _send(self, link: Link, request: Request) -> None:
        streams = self._dialogue.streams(request.subscriptions)
        self._venue.intake.asked(streams, self._venue.clock.now_ns())
        await link.send(self._dialogue.signature.on(request.text))
