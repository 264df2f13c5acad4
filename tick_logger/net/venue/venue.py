"""Records one exchange: follows its listing, plans its shares, and runs what carries them.

When the listing changes, only what changes is touched: symbols move onto connections that have
room, new connections are added, and one that has lost its last symbol ends.  Where a venue serves
its feeds at several addresses (lanes), each share of the symbols has a connection for each lane,
and fewer shares are allowed, so that there are never more connections than configured, unless even
one share needs more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import trio

from tick_logger.config.markets import for_symbol, matches, most_lines
from tick_logger.config.schema import ExchangeConfig
from tick_logger.exchanges.base import Subscription
from tick_logger.model.connections import Absent, ConnectionState, Loss, Patience, Unreachable
from tick_logger.net.connection.accesses import Lane
from tick_logger.net.connection.context import Timeouts, VenueContext
from tick_logger.net.intake.arrivals import streams_of
from tick_logger.net.pace import Backoff
from tick_logger.net.rest.backfill import BackFiller
from tick_logger.net.rest.candles import CandleRounds
from tick_logger.net.venue.absences import Absences
from tick_logger.net.venue.discovery import Beside, Discovery
from tick_logger.net.venue.limits import explained, limits_of, weights_of
from tick_logger.net.venue.lines import Lines
from tick_logger.net.venue.plan import Plan, plan
from tick_logger.net.venue.retrials import Retrials, Shares
from tick_logger.net.venue.share import Load, Share, feeds_of
from tick_logger.net.venue.streams import WantedStreams
from tick_logger.telemetry.logs import get_logger

NOBODY_BESIDE = Beside()


class Venue:
    """One exchange, from its listing to its connections."""

    def __init__(
        self,
        context: VenueContext,
        config: ExchangeConfig,
        beside: Beside = NOBODY_BESIDE,
        filler: BackFiller | None = None,
        candles: CandleRounds | None = None,
    ) -> None:
        self._context = context
        self._exchange = context.exchange
        self._config = config
        self._beside = beside
        self._askers = [each for each in (filler, candles) if each is not None]
        self._lines: dict[tuple[int, Lane], Lines] = {}
        self._plan = Plan({}, ())
        self._listed: tuple[str, ...] = ()
        self._excused: frozenset[str] = frozenset()  # whose silence is no fault
        self._nursery: trio.Nursery | None = None
        self._listing_backoff = self._backoff()
        self._log = get_logger().bind(exchange=self._exchange.name)
        self._wanted = WantedStreams(context, self._log)
        self._absences = Absences(self._log, context.metrics)

    async def run(self) -> None:
        """Record until cancelled."""
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                nursery.start_soon(self._context.snapshots.run)  # waits until a book asks for one
                discovery = Discovery(
                    self._context, self._listing_backoff, self._beside, plan_for=self._plan_for
                )
                nursery.start_soon(self._context.reach.run)
                nursery.start_soon(discovery.run)
                nursery.start_soon(self._retrials().run)
                for asker in self._askers:
                    nursery.start_soon(asker.run)
        finally:
            self._nursery = None

    def _retrials(self) -> Retrials:
        return Retrials(
            self._context,
            Shares(timeouts=self._timeouts, ask=self._ask, carried=self._carried),
        )

    def _ask(self) -> None:
        for share in self.shares():
            share.ask()

    def shares(self) -> Iterator[Share]:
        """What its connections carry, each line for itself."""
        for _, lines in sorted(self._lines.items()):
            yield from lines

    def _carried(self) -> frozenset[Subscription]:
        """What the first lines deliver: what is asked for again on their behalf is of no other."""
        return frozenset().union(*(lines.carried_first for lines in self._lines.values()))

    def connections(self) -> list[ConnectionState]:
        """All connections that carry symbols now."""
        return [state for share in self.shares() for state in share.states()]

    @property
    def losses(self) -> Sequence[Loss]:
        """Connections that were lost lately, the oldest first."""
        return tuple(self._context.losses)

    @property
    def unreachable(self) -> Unreachable | None:
        """Why it cannot be reached, if one of the ways to it fails."""
        return self._context.reach.unreachable

    @property
    def absent(self) -> Absent:
        """What is wanted and not recorded."""
        return self._absences.absent

    @property
    def feeds(self) -> dict[str, bool]:
        """Those that are to be carried, and whether every connection that carries one is open."""
        return feeds_of(self.shares())

    @property
    def patience(self) -> Patience:
        """How long the least patient connection waits for data; as configured if there is none."""
        timeouts = [share.timeouts for share in self.shares()] or [self._timeouts()]
        return Patience(
            first_secs=min(each.first_data_secs for each in timeouts),
            secs=min(each.data_secs for each in timeouts),
        )

    def _timeouts(self) -> Timeouts:
        """As configured, for whatever symbols."""
        config = self._config
        return Timeouts(
            first_data_secs=config.first_data_timeout_secs, data_secs=config.data_timeout_secs
        )

    def _plan_for(self, listed: tuple[str, ...], excused: frozenset[str]) -> None:
        """Plan anew, now that these may be traded; the silence of some is no fault."""
        if self._nursery is None:
            return  # the listing was received before the end, and decoded after it
        others = self._excused ^ excused
        self._listed, self._excused = listed, excused
        self._plan_connections(everywhere=bool(others))
        index = self._context.instruments.of(self._exchange.name)
        known = {
            Subscription(symbol, feed)
            for symbol in others & index.keys()
            for feed in for_symbol(self._config, symbol).feeds
        }
        self._context.intake.learn_anew(streams_of(known, index))

    def reconfigure(self, config: ExchangeConfig) -> None:
        """Record by other settings from now on; what they do not change is not touched."""
        before, self._config = self._config, config
        for backoff in (self._listing_backoff, *(share.backoff for share in self.shares())):
            backoff.limit(config.reconnect_initial_secs, config.reconnect_max_secs)
        for asker in self._askers:
            asker.switch(on=config.backfill)
        if self._nursery is None:
            return
        if self._listed:
            self._plan_connections(everywhere=True)
        else:  # what was recorded before this start, and was wanted until now, is missing so far
            self._wanted.retire(self._known(before) - self._known(config))

    def _plan_connections(self, *, everywhere: bool) -> None:
        """Give each connection its share, or only those whose symbols change."""
        symbols, unmatched = _chosen(self._config.symbols, self._listed)
        before, config = self._plan, self._config
        limits = limits_of(config, self._exchange.profile, len(self._lanes()))
        entrance_of = self._context.elsewhere.number_of
        weights = weights_of(self._exchange, config, symbols, entrance_of)
        self._plan = plan(before.shares, symbols, limits, weights)
        absent = Absent(left_out=self._plan.left_out, not_listed=unmatched)
        self._absences.tell(absent, explained(config, limits))
        self._tell_wanted(before.places, self._plan.places)
        self._context.snapshots.books = self._count_books()
        for number in sorted(before.shares.keys() | self._plan.shares.keys()):
            now = self._plan.shares.get(number, ())
            if everywhere or now != before.shares.get(number, ()):
                self._arrange(number, now)
        shares = len([*self.shares()])
        least = len(self._lanes()) * most_lines(self._config)
        assert shares <= max(self._config.max_connections, least), "more than is configured"
        metrics = self._context.metrics
        metrics.connections_wanted.set(shares)
        metrics.symbols.set(len(self._plan.places))
        metrics.symbols_kept.set(len(self._excused & self._plan.places.keys()))

    def _known(self, config: ExchangeConfig) -> frozenset[Subscription]:
        """What such settings want of the symbols that were ever recorded."""
        known = self._context.instruments.of(self._exchange.name)
        return frozenset(
            Subscription(symbol, feed)
            for symbol in known
            if matches(config.symbols, symbol)
            for feed in for_symbol(config, symbol).feeds
        )

    def _arrange(self, number: int, symbols: tuple[str, ...]) -> None:
        """Start, change or end the connections of a share, so that they carry these symbols."""
        load = self._load(symbols)
        doubled = self._doubled(symbols)
        old_lanes = {lane for each, lane in self._lines if each == number}
        for lane in sorted(old_lanes.union(self._lanes())):
            self._arrange_lane(number, lane, load, doubled)

    def _arrange_lane(self, number: int, lane: Lane, load: Load, doubled: frozenset[str]) -> None:
        mine = {sub for sub in load.subscriptions if self._context.lane_of(sub) == lane}
        load = Load(frozenset(mine), load.timeouts)
        lines = self._lines.get((number, lane))
        if lines is None and mine:
            lines = self._lines[number, lane] = Lines(
                lane.label(number),
                self._context,
                lane=lane,
                start=self._run_share,
                backoff=self._backoff,
            )
        if lines is not None:
            lines.carry(load, doubled)
        if not mine:
            self._lines.pop((number, lane), None)

    def _run_share(self, share: Share) -> None:
        assert self._nursery is not None, "checked where listings arrive"
        self._nursery.start_soon(share.run)

    def _doubled(self, symbols: Iterable[str]) -> frozenset[str]:
        """Those of the symbols that have two lines."""
        return frozenset(each for each in symbols if for_symbol(self._config, each).redundancy > 1)

    def _lanes(self) -> list[Lane]:
        """The addresses that the feeds in use are served at, at each entrance."""
        feeds = {
            *self._config.feeds,
            *(f for each in self._config.markets for f in each.feeds or ()),
        }
        lanes = {self._exchange.lane(feed) for feed in feeds}
        entrances = range(len(self._context.elsewhere.accesses) + 1)
        return sorted(Lane(lane, each) for lane in lanes for each in entrances)

    def _load(self, symbols: tuple[str, ...]) -> Load:
        subscriptions = set()
        timeout_secs = 0.0
        of_symbol: dict[str, float] = {}
        for symbol in symbols:
            market = for_symbol(self._config, symbol)
            subscriptions |= {Subscription(symbol, feed) for feed in market.feeds}
            if symbol in self._excused:
                of_symbol[symbol] = float("inf")
                continue
            # Silence of the connection proves something only when all of its symbols are silent.
            timeout_secs = max(timeout_secs, market.data_timeout_secs)
            of_symbol[symbol] = market.data_timeout_secs
        if symbols and not timeout_secs:
            timeout_secs = float("inf")
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
        self._wanted.change(wanted, moved, self._doubled(moved))
        self._context.refusals.keep(wanted)

    def _count_books(self) -> int:
        feeds = ((each, for_symbol(self._config, each).feeds) for each in self._plan.places)
        books = (symbol for symbol, of_symbol in feeds if "orderbook" in of_symbol)
        return sum(not self._exchange.book_of(symbol).whole for symbol in books)

    def _backoff(self) -> Backoff:
        config = self._config
        return Backoff(config.reconnect_initial_secs, config.reconnect_max_secs, self._context.rng)


def _chosen(
    wanted: str | Sequence[str], listed: Sequence[str]
) -> tuple[Sequence[str], tuple[str, ...]]:
    """The listed symbols that are wanted (a word: all), in the order of the configuration.

    And what of the configuration matches none of them.
    """
    if isinstance(wanted, str):
        return listed, ()
    chosen: dict[str, None] = {}
    unmatched = []
    for pattern in wanted:
        found = [symbol for symbol in listed if matches((pattern,), symbol)]
        if not found:
            unmatched.append(pattern)
        chosen.update(dict.fromkeys(found))
    return list(chosen), tuple(unmatched)
