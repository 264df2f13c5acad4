"""What everything that runs for one exchange shares: its connections, its listing, its REST."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from random import Random
from typing import Protocol

import attrs

from tick_logger.clock import WallClock
from tick_logger.exchanges.base import Exchange, Subscription
from tick_logger.model.connections import Loss
from tick_logger.model.instruments import Instruments
from tick_logger.model.marks import Mark, on_line
from tick_logger.model.routes import FIRST_LINE
from tick_logger.net.approach import Approach
from tick_logger.net.connection.accesses import Access, Elsewhere, Lane
from tick_logger.net.connection.books import Followers
from tick_logger.net.connection.refusals import Refusals
from tick_logger.net.intake.intake import Intake
from tick_logger.net.reach import Reach
from tick_logger.net.rest.client import RestClient
from tick_logger.net.rest.snapshots import SnapshotFetcher
from tick_logger.net.wire.dial import Dial
from tick_logger.telemetry.exchange_metrics import ExchangeMetrics


class Signer(Protocol):
    """Makes tokens for requests, where the user has a key."""

    def token(self) -> str:
        """A token that is valid from now on, for a short time."""
        ...


@attrs.define
class Token:
    """What has become of the token of a user's key."""

    rejected: bool = False


MAX_MESSAGE_BYTES = 64 * 2**20
"""Unless it is said otherwise: more than any book that was ever seen has."""

MOST_LOSSES = 20
"""So many lost connections are remembered, for the status pages."""


@attrs.frozen(kw_only=True, eq=False)
class VenueContext:
    """What everything that runs for one exchange shares."""

    exchange: Exchange
    ws_endpoint: str
    instruments: Instruments
    dial: Dial
    rest: RestClient
    connects: Approach
    """How and when connections are begun."""
    max_message_bytes: int = MAX_MESSAGE_BYTES
    """The largest message that a connection takes: so much is held of one that is not whole."""
    elsewhere: Elsewhere = attrs.field(factory=Elsewhere)
    """The entrances of markets that have their own."""
    clock: WallClock
    intake: Intake
    metrics: ExchangeMetrics
    rng: Random
    reach: Reach
    signer: Signer | None = None
    snapshots: SnapshotFetcher = attrs.field(init=False)
    token: Token = attrs.field(factory=Token)
    refusals: Refusals = attrs.field(init=False)
    """What was refused; shared by all connections, so that it outlives each."""
    not_greeted: set[Subscription] = attrs.field(factory=set)
    """Subscriptions whose missing greeting was accepted (`silence`): it raises no alarm again."""
    followers: Followers = attrs.field(init=False)
    """What follows the books of all connections."""
    losses: deque[Loss] = attrs.field(factory=lambda: deque(maxlen=MOST_LOSSES))
    """The connections that were lost last, the oldest first."""

    def lane_of(self, subscription: Subscription) -> Lane:
        """Which of the venue's addresses serves a subscription, and at which entrance."""
        feed = self.exchange.lane(subscription.feed)
        return Lane(feed, self.elsewhere.number_of(subscription.symbol))

    def access(self, entrance: int) -> Access:
        """One of the entrances."""
        if entrance:
            return self.elsewhere.accesses[entrance - 1]
        return Access(self.ws_endpoint, self.rest, self.connects)

    def rest_of(self, symbol: str) -> RestClient:
        """Who asks about a symbol by REST."""
        return self.access(self.elsewhere.number_of(symbol)).rest

    def url(self, lane: Lane, line: int) -> str:
        """Where the connections of a line go: the second may have a place of its own.

        Not where another than the exchange's is configured: nobody knows what lies beside that.
        """
        exchange, endpoint = self.exchange, self.access(lane.entrance).ws_endpoint
        second = exchange.second_ws_endpoint
        if second and endpoint == exchange.ws_endpoint and line != FIRST_LINE:
            endpoint = second
        return exchange.ws_url(endpoint, lane.feed)

    def mark(self, marks: Iterable[Mark], line: int) -> None:
        """Tell the pipeline, in order with the frames, what is so on a line."""
        for mark in on_line(marks, line):
            self.intake.mark(mark)

    @followers.default
    def _followers(self) -> Followers:
        return Followers(symbol_of=lambda number: self.instruments.name(number)[1])

    @refusals.default
    def _refusals(self) -> Refusals:
        return Refusals(self.exchange)

    @snapshots.default
    def _snapshots(self) -> SnapshotFetcher:
        symbols = self.instruments.of(self.exchange.name)
        return SnapshotFetcher(self.exchange, self.rest_of, symbols)


@attrs.frozen(kw_only=True)
class Timeouts:
    """After how many seconds without market data a connection is ended."""

    first_data_secs: float
    data_secs: float
    of_symbol: Mapping[str, float] = attrs.field(factory=dict)  # where it is not `data_secs`

    def of(self, symbol: str) -> float:
        """After how many seconds the silence of one symbol may be a fault."""
        return self.of_symbol.get(symbol, self.data_secs)
