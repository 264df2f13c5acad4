"""Receives and decodes a few real messages of each feed, by the connections of a recording.

A venue that says nothing within the time is no endless wait: what has come by then is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import trio

from tick_logger.doctor.lines import Line, ok, warning, wrong
from tick_logger.errors import ConnectionLost
from tick_logger.exchanges.base import Subscription
from tick_logger.model.batch import Batch
from tick_logger.model.entries import Defined
from tick_logger.model.tables import FEED_OF, FEEDS, NO_TIME
from tick_logger.net.connection.accesses import Lane
from tick_logger.net.connection.connection import Connection
from tick_logger.net.connection.context import Timeouts, VenueContext

WANTED_MESSAGES = 10
"""Of each feed: enough to see that they are understood."""

MOST_BATCHES_WAITING = 64

PATIENT = Timeouts(first_data_secs=float("inf"), data_secs=float("inf"))
"""The time of the whole look bounds it."""


@attrs.define
class _Heard:
    """What has come of one feed."""

    messages: int = 0
    rows: int = 0
    secs: float = 0.0  # from when it was asked for until the last one that was wanted


class FeedLook:
    """Listens to some subscriptions of one exchange; `called` has normal names by symbol."""

    def __init__(
        self,
        context: VenueContext,
        subscriptions: Collection[Subscription],
        called: Mapping[str, str],
    ) -> None:
        self._context = context
        self._called = called
        self._subscriptions = frozenset(subscriptions)
        self._heard = {sub.feed: _Heard() for sub in subscriptions}
        self._not_understood: Counter[str] = Counter()
        self._losses: dict[str, ConnectionLost] = {}
        self.age_secs: float | None = None
        """How old the freshest message was when it was received; None if none tells."""
        self._enough = trio.Event()
        self._began = 0.0

    async def listen(self, most_secs: float) -> list[Line]:
        """Connect, subscribe, and wait for enough messages of each feed, so long at most."""
        context, exchange = self._context, self._context.exchange
        for symbol in sorted({sub.symbol for sub in self._subscriptions}):
            number = context.instruments.add(exchange.name, symbol)
            feeds = sorted(sub.feed for sub in self._subscriptions if sub.symbol == symbol)
            tables = tuple(FEEDS[feed] for feed in feeds)
            context.intake.want(Defined(number, symbol, tables))
        self._began = trio.current_time()
        send, receive = trio.open_memory_channel[Batch](MOST_BATCHES_WAITING)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(context.intake.run, send)
            nursery.start_soon(self._count, receive)
            nursery.start_soon(context.snapshots.run)
            for lane in sorted(set(map(context.lane_of, self._subscriptions))):
                nursery.start_soon(self._connect, lane)
            with trio.move_on_after(most_secs):
                await self._enough.wait()
            nursery.cancel_scope.cancel(reason="enough was heard")
        return [self._line(feed, heard, most_secs) for feed, heard in sorted(self._heard.items())]

    async def _connect(self, lane: Lane) -> None:
        """One connection; where it is lost, all feeds that it carried have that reason."""
        context = self._context
        mine = {sub for sub in self._subscriptions if context.lane_of(sub) == lane}
        context.snapshots.books += len({sub.symbol for sub in mine if sub.feed == "orderbook"})
        await context.access(lane.entrance).connects.connect_turn()
        lost = await Connection(lane.label(1), context, mine, PATIENT, lane=lane).run()
        self._losses |= {sub.feed: lost for sub in mine}
        if self._losses.keys() == self._heard.keys():
            self._enough.set()

    async def _count(self, receive: trio.MemoryReceiveChannel[Batch]) -> None:
        """Count messages by feed, as the adapter understands them."""
        context = self._context
        symbols = context.instruments.of(context.exchange.name)
        async for batch in receive:
            payloads = batch.received.split()
            decoded = context.exchange.decode(payloads, symbols)
            for bad in decoded.bad:
                self._not_understood[bad.reason] += 1
            recv_ns = batch.received.recv_ns_of_payloads()
            for rows in decoded.rows:
                heard = self._heard.get(FEED_OF[rows.table])
                if heard is not None:
                    self._note(heard, rows.frame, rows.columns["event_ns"], recv_ns)

    def _note(self, heard: _Heard, frame: Any, event_ns: Any, recv_ns: Any) -> None:  # noqa: ANN401
        if not len(frame):
            return
        if heard.messages < WANTED_MESSAGES:
            heard.secs = trio.current_time() - self._began
        heard.messages += len(np.unique(frame))
        heard.rows += len(frame)
        timed = event_ns != NO_TIME
        if timed.any():  # what a subscription is greeted with may be of any age
            age_secs = float((recv_ns[frame][timed] - event_ns[timed]).min()) / 1e9
            self.age_secs = age_secs if self.age_secs is None else min(self.age_secs, age_secs)
        if all(each.messages >= WANTED_MESSAGES for each in self._heard.values()):
            self._enough.set()

    def _line(self, feed: str, heard: _Heard, most_secs: float) -> Line:
        symbols = sorted(sub.symbol for sub in self._subscriptions if sub.feed == feed)
        pair = self._called.get(symbols[0])
        one = f"{symbols[0]} ({pair})" if pair not in (None, symbols[0]) else symbols[0]
        of = f"{len(symbols)} symbols" if len(symbols) > 1 else one
        refused = self._refusal(feed)
        said = f"{heard.messages} messages with {heard.rows:,} rows of {of} in {heard.secs:.1f} s"
        if self._not_understood and not heard.messages:
            reason, _ = self._not_understood.most_common(1)[0]
            return wrong(feed, f"not understood: {reason}", "update this program, or report it")
        if heard.messages and refused:
            return warning(feed, f"{said}; but some is refused: {refused}", "see the log")
        if self._not_understood:
            reason, _ = self._not_understood.most_common(1)[0]
            return warning(feed, f"{said}; not all understood: {reason}", "update, or report it")
        if heard.messages >= WANTED_MESSAGES:
            return ok(feed, said)
        if heard.messages:
            return warning(feed, f"only {said}", "a quiet market, or look again")
        if refused:
            return wrong(feed, f"refused: {refused}", "take it out of `feeds`, or see its key")
        if feed in self._losses:
            return wrong(feed, str(self._losses[feed]), "see the steps above; look again")
        return wrong(feed, f"nothing came of {of} in {most_secs:g} s", QUIET)

    def _refusal(self, feed: str) -> str:
        mine: Sequence[Subscription] = sorted(s for s in self._subscriptions if s.feed == feed)
        reasons = (self._context.refusals.reason(sub) for sub in mine)
        return next(filter(None, reasons), "")


QUIET = "look again with --seconds 60; if nothing comes, record other symbols"
