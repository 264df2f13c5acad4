"""Records one exchange: follows its listing, plans its shares, and runs what carries them.

When the listing changes, only what changes is touched: symbols move onto connections that have
room, new connections are added, and one that has lost its last symbol ends.  Where a venue serves
its feeds at several addresses (lanes), each share of the symbols has a connection for each lane,
and fewer shares are allowed, so that there are never more connections than configured, unless even
one share needs more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import trio

from tick_logger.config.markets import for_symbol, matches
from tick_logger.config.schema import ExchangeConfig
from tick_logger.exchanges.base import Subscription
from tick_logger.model.connections import ConnectionState, Loss, Patience
from tick_logger.model.instruments import Instrument
from tick_logger.net.connection.context import Timeouts, VenueContext
from tick_logger.net.pace import Backoff
from tick_logger.net.venue.discovery import Discovery, ListingListener
from tick_logger.net.venue.plan import Plan, plan
from tick_logger.net.venue.share import Load, Share
from tick_logger.net.venue.streams import MAX_LISTED_IN_LOG, WantedStreams
from tick_logger.telemetry.logs import get_logger


class Venue:
    """One exchange, from its listing to its connections."""

    def __init__(
        self,
        context: VenueContext,
        config: ExchangeConfig,
        write_listing: ListingListener = lambda _: None,
    ) -> None:
        self._context = context
        self._exchange = context.exchange
        self._config = config
        self._write_listing = write_listing
        self._shares: dict[tuple[int, str], Share] = {}
        self._plan = Plan({}, ())
        self._tradable: tuple[Instrument, ...] = ()
        self._nursery: trio.Nursery | None = None
        self._listing_backoff = self._backoff()
        self._log = get_logger().bind(exchange=self._exchange.name)
        self._wanted = WantedStreams(context, self._log)

    async def run(self) -> None:
        """Record until cancelled."""
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                nursery.start_soon(self._context.snapshots.run)  # waits until a book asks for one
                discovery = Discovery(
                    self._context,
                    self._listing_backoff,
                    plan_for=self._plan_for,
                    write_listing=self._write_listing,
                )
                nursery.start_soon(discovery.run)
        finally:
            self._nursery = None

    def connections(self) -> list[ConnectionState]:
        """All connections that carry symbols now."""
        return [state for _, share in sorted(self._shares.items()) for state in share.states()]

    @property
    def losses(self) -> Sequence[Loss]:
        """Connections that were lost lately, the oldest first."""
        return tuple(self._context.losses)

    @property
    def patience(self) -> Patience:
        """How long the least patient connection waits for data; as configured if there is none."""
        config = self._config
        timeouts = [share.timeouts for share in self._shares.values()] or [
            Timeouts(
                first_data_secs=config.first_data_timeout_secs, data_secs=config.data_timeout_secs
            )
        ]
        return Patience(
            first_secs=min(each.first_data_secs for each in timeouts),
            secs=min(each.data_secs for each in timeouts),
        )

    def _plan_for(self, tradable: tuple[Instrument, ...]) -> None:
        """Plan anew, now that these are tradable."""
        if self._nursery is None:
            return  # the listing was received before the end, and decoded after it
        self._tradable = tradable
        self._plan_connections(everywhere=False)

    def reconfigure(self, config: ExchangeConfig) -> None:
        """Record by other settings from now on; what they do not change is not touched."""
        self._config = config
        for backoff in (self._listing_backoff, *(s.backoff for s in self._shares.values())):
            backoff.limit(config.reconnect_initial_secs, config.reconnect_max_secs)
        if self._nursery is not None and self._tradable:
            self._plan_connections(everywhere=True)

    def _plan_connections(self, *, everywhere: bool) -> None:
        """Give each connection its share, or only those whose symbols change."""
        symbols = self._choose([instrument.symbol for instrument in self._tradable])
        before = self._plan
        self._plan = plan(
            before.shares,
            symbols,
            symbols_per_connection=self._config.symbols_per_connection,
            max_connections=max(1, self._config.max_connections // len(self._lanes())),
        )
        self._report_left_out()
        self._tell_wanted(before.places, self._plan.places)
        self._context.snapshots.books = self._count_books()
        for number in sorted(before.shares.keys() | self._plan.shares.keys()):
            now = self._plan.shares.get(number, ())
            if everywhere or now != before.shares.get(number, ()):
                self._arrange(number, now)
        assert len(self._shares) <= max(self._config.max_connections, len(self._lanes()))
        metrics = self._context.metrics
        metrics.connections_wanted.set(len(self._shares))
        metrics.symbols.set(len(self._plan.places))
        metrics.symbols_left_out.set(len(self._plan.left_out))

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
        """Start, change or end the connections of a share, so that they carry these symbols."""
        load = self._load(symbols)
        old_lanes = {lane for each, lane in self._shares if each == number}
        for lane in sorted(old_lanes.union(self._lanes())):
            self._arrange_lane(number, lane, load)

    def _arrange_lane(self, number: int, lane: str, load: Load) -> None:
        mine = {sub for sub in load.subscriptions if self._exchange.lane(sub.feed) == lane}
        load = Load(frozenset(mine), load.timeouts)
        share = self._shares.get((number, lane))
        if not mine:
            if share is not None:
                del self._shares[number, lane]
                share.retarget(load)  # rows that it still receives are not wanted
                share.scope.cancel("no symbols left")
            return
        if share is not None:
            share.retarget(load)
            return
        assert self._nursery is not None, "checked where listings arrive"
        label = f"{number}-{lane}" if lane else str(number)
        share = Share(label, self._context, load, self._backoff(), lane=lane)
        self._shares[number, lane] = share
        self._nursery.start_soon(share.run)

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

    def _tell_wanted(self, before: Mapping[str, int], places: Mapping[str, int]) -> None:
        """Tell which streams are wanted, now that symbols have these places."""
        wanted = {
            Subscription(symbol, feed)
            for symbol in places
            for feed in for_symbol(self._config, symbol).feeds
        }
        moved = {
            symbol for symbol, number in places.items() if before.get(symbol, number) != number
        }
        self._wanted.change(wanted, moved)

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
        feeds = (for_symbol(self._config, symbol).feeds for symbol in self._plan.places)
        return sum("orderbook" in each for each in feeds)

    def _backoff(self) -> Backoff:
        config = self._config
        return Backoff(config.reconnect_initial_secs, config.reconnect_max_secs, self._context.rng)
