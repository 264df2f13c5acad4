"""Everything of one exchange that runs: discovery, the shards it leads to, book snapshots.

When the listing changes, only what changes is touched: symbols move onto connections that have
room, new connections are added, and one that has lost its last symbol ends.  Where a venue serves
its feeds at several addresses (lanes), each share of the symbols has a connection for each lane,
and fewer shares are allowed, so that there are never more connections than configured, unless even
one share needs more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

import trio

from tick_logger.clock import WallClock
from tick_logger.config.schema import ExchangeConfig, for_symbol, matches
from tick_logger.exchanges.base import Exchange, Subscription
from tick_logger.model.connections import ConnectionState, Loss, Patience
from tick_logger.model.instruments import Instrument, Instruments
from tick_logger.net.backoff import Backoff
from tick_logger.net.connection.context import Signer, Timeouts, VenueContext
from tick_logger.net.intake.intake import Intake
from tick_logger.net.pace import SpacingGate
from tick_logger.net.rest.snapshots import SnapshotFetcher
from tick_logger.net.venue.discovery import Discovery, OnListing
from tick_logger.net.venue.plan import Plan, plan
from tick_logger.net.venue.share import Load, Share
from tick_logger.net.venue.streams import MAX_LISTED_IN_LOG, Recorded
from tick_logger.net.wire.dial import Dial
from tick_logger.telemetry.exchange_metrics import ExchangeMetrics
from tick_logger.telemetry.logs import get_logger


class Venue:
    """One exchange, from its listing to its connections."""

    def __init__(
        self,
        exchange: Exchange,
        config: ExchangeConfig,
        instruments: Instruments,
        intake: Intake,
        *,
        dial: Dial,
        clock: WallClock,
        rng: Random,
        metrics: ExchangeMetrics,
        signer: Signer | None = None,
        on_listing: OnListing = lambda _: None,
    ) -> None:
        self._exchange = exchange
        self._config = config
        self._metrics = metrics
        self._rng = rng
        self._tell_listing = on_listing
        self._connect_gate = SpacingGate(config.connects_per_second)
        self._snapshots = SnapshotFetcher(
            exchange,
            config.rest_endpoint,
            dial,
            symbols=instruments.of(exchange.name),
            books=self._count_books,
        )
        self._venue = VenueContext(
            exchange=exchange,
            ws_endpoint=config.ws_endpoint,
            instruments=instruments,
            dial=dial,
            clock=clock,
            intake=intake,
            metrics=metrics,
            snapshots=self._snapshots,
            rng=rng,
            signer=signer,
        )
        self._shards: dict[tuple[int, str], Share] = {}
        self._plan = Plan({}, ())
        self._listing: tuple[Instrument, ...] = ()
        self._nursery: trio.Nursery | None = None
        self._listing_backoff = self._backoff()
        self._log = get_logger().bind(exchange=exchange.name)
        self._recorded = Recorded(self._venue, self._log)

    async def run(self) -> None:
        """Record until cancelled."""
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                nursery.start_soon(self._snapshots.run)  # waits until a book asks for one
                discovery = Discovery(
                    self._venue,
                    self._config.rest_endpoint,
                    self._on_listing,
                    self._connect_gate,
                    self._listing_backoff,
                    self._tell_listing,
                )
                nursery.start_soon(discovery.run)
        finally:
            self._nursery = None

    def connections(self) -> list[ConnectionState]:
        """All connections that carry symbols now."""
        return [state for _, shard in sorted(self._shards.items()) for state in shard.states()]

    @property
    def losses(self) -> Sequence[Loss]:
        """Connections that were lost lately, the oldest first."""
        return tuple(self._venue.losses)

    @property
    def patience(self) -> Patience:
        """That of the connection which has the least; as configured while there is none."""
        config = self._config
        timeouts = [shard.timeouts for shard in self._shards.values()] or [
            Timeouts(
                first_data_secs=config.first_data_timeout_secs, data_secs=config.data_timeout_secs
            )
        ]
        return Patience(
            first_secs=min(each.first_data_secs for each in timeouts),
            secs=min(each.data_secs for each in timeouts),
        )

    def _on_listing(self, listing: tuple[Instrument, ...]) -> None:
        """Arrange the connections for a new listing."""
        if self._nursery is None:
            return  # decoded after the end, out of what was still waiting then
        self._listing = listing
        self._plan_connections(everywhere=False)

    def reconfigure(self, config: ExchangeConfig) -> None:
        """Record by other settings from now on; what they do not change is not touched."""
        self._config = config
        for backoff in (self._listing_backoff, *(s.backoff for s in self._shards.values())):
            backoff.limit(config.reconnect_initial_secs, config.reconnect_max_secs)
        if self._nursery is not None and self._listing:
            self._plan_connections(everywhere=True)

    def _plan_connections(self, *, everywhere: bool) -> None:
        """Give each connection its share, or only those whose symbols change."""
        symbols = self._choose([instrument.symbol for instrument in self._listing])
        before = self._plan
        self._plan = plan(
            before.shards,
            symbols,
            symbols_per_connection=self._config.symbols_per_connection,
            max_connections=max(1, self._config.max_connections // len(self._lanes())),
        )
        self._report_left_out()
        self._change_recorded(before.places, self._plan.places)
        for number in sorted(before.shards.keys() | self._plan.shards.keys()):
            now = self._plan.shards.get(number, ())
            if everywhere or now != before.shards.get(number, ()):
                self._arrange(number, now)
        self._metrics.connections_wanted.set(len(self._shards))
        self._metrics.symbols.set(sum(map(len, self._plan.shards.values())))
        self._metrics.symbols_left_out.set(len(self._plan.left_out))

    def _choose(self, listed: list[str]) -> list[str]:
        """The listed symbols that are wanted, in the order of the configuration."""
        if isinstance(self._config.symbols, str):
            return listed
        chosen: dict[str, None] = {}
        for pattern in self._config.symbols:
            found = [symbol for symbol in listed if matches((pattern,), symbol)]
            if not found:
                self._log.warning("symbol_not_listed", symbol=pattern)
            chosen.update(dict.fromkeys(found))
        return list(chosen)

    def _arrange(self, number: int, symbols: tuple[str, ...]) -> None:
        """Give a shard its symbols: start it, change it or end it."""
        load = self._load(symbols)
        old_lanes = {lane for each, lane in self._shards if each == number}
        for lane in sorted(old_lanes.union(self._lanes())):
            self._arrange_lane(number, lane, load)

    def _arrange_lane(self, number: int, lane: str, load: Load) -> None:
        mine = {sub for sub in load.subscriptions if self._exchange.lane(sub.feed) == lane}
        load = Load(frozenset(mine), load.timeouts)
        shard = self._shards.get((number, lane))
        if not mine:
            if shard is not None:
                del self._shards[number, lane]
                shard.retarget(load)  # what it still brings is not wanted
                shard.scope.cancel("no symbols left")
            return
        if shard is not None:
            shard.retarget(load)
            return
        assert self._nursery is not None, "checked where listings arrive"
        label = f"{number}-{lane}" if lane else str(number)
        shard = Share(label, self._venue, load, self._connect_gate, self._backoff(), lane=lane)
        self._shards[number, lane] = shard
        self._nursery.start_soon(shard.run)

    def _lanes(self) -> list[str]:
        """The addresses that the feeds in use are served at."""
        feeds = {
            *self._config.feeds,
            *(f for each in self._config.markets for f in each.feeds or ()),
        }
        return sorted({self._exchange.lane(feed) for feed in feeds})

    def _load(self, symbols: tuple[str, ...]) -> Load:
        subscriptions = set()
        timeout_secs = 0.0
        of_symbol = {}
        for symbol in symbols:
            market = for_symbol(self._config, symbol)
            subscriptions |= {Subscription(symbol, feed) for feed in market.feeds}
            # Silence of the connection proves something only when all of its symbols are silent.
            timeout_secs = max(timeout_secs, market.data_timeout_secs)
            of_symbol[symbol] = market.data_timeout_secs
        first_secs = max(timeout_secs, self._config.first_data_timeout_secs)
        timeouts = Timeouts(first_data_secs=first_secs, data_secs=timeout_secs, of_symbol=of_symbol)
        return Load(frozenset(subscriptions), timeouts)

    def _change_recorded(self, before: Mapping[str, int], places: Mapping[str, int]) -> None:
        """Tell what is recorded now that symbols have these places."""
        wanted = {
            Subscription(symbol, feed)
            for symbol in places
            for feed in for_symbol(self._config, symbol).feeds
        }
        moved = {
            symbol for symbol, number in places.items() if before.get(symbol, number) != number
        }
        self._recorded.change(wanted, moved)

    def _report_left_out(self) -> None:
        left_out = self._plan.left_out
        if left_out:
            room = self._config.max_connections * self._config.symbols_per_connection
            self._log.error(
                "symbols_left_out",
                count=len(left_out),
                symbols=list(left_out[:MAX_LISTED_IN_LOG]),
                explanation=f"max_connections x symbols_per_connection allows {room}; "
                "raise one of them, or name fewer symbols",
            )

    def _count_books(self) -> int:
        symbols = [symbol for shard in self._plan.shards.values() for symbol in shard]
        books = [s for s in symbols if "orderbook" in for_symbol(self._config, s).feeds]
        return len(books)

    def _backoff(self) -> Backoff:
        config = self._config
        return Backoff(config.reconnect_initial_secs, config.reconnect_max_secs, self._rng)
