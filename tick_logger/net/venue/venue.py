"""Records one exchange: follows its listing, plans its shares, and runs what carries them.

When the listing changes, only what changes is touched: symbols move onto connections that have
room, new connections are added, and one that has lost its last symbol ends.  Where a venue serves
its feeds at several addresses, or feeds are to be apart (lanes), each share of the symbols has a
connection for each lane, and fewer shares are allowed, so that there are never more connections
than configured, unless even one share needs more, or some are about to end (`arrangement`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import trio

from tick_logger.config.markets import for_symbol, matches, most_lines
from tick_logger.config.schema import ExchangeConfig
from tick_logger.exchanges.base import Subscription
from tick_logger.model.connections import Absent, ConnectionState, Loss, Patience, Unreachable
from tick_logger.net.connection.context import Timeouts, VenueContext
from tick_logger.net.intake.arrivals import streams_of
from tick_logger.net.pace import Backoff
from tick_logger.net.rest.backfill import BackFiller
from tick_logger.net.rest.candles import CandleRounds
from tick_logger.net.venue.absences import Absences
from tick_logger.net.venue.arrangement import NOBODY, Arrangement
from tick_logger.net.venue.balance import next_move, spread, unevenness
from tick_logger.net.venue.discovery import Beside, Discovery
from tick_logger.net.venue.known_rates import KnownRates, RatesByFeed, by_lane
from tick_logger.net.venue.lanes import Lanes
from tick_logger.net.venue.limits import explained, limits_of, weights_of
from tick_logger.net.venue.loads import doubled_of, load_of, timeouts_of, wanted_of
from tick_logger.net.venue.moves import Board, Moves, Seen
from tick_logger.net.venue.plan import Limits, Plan, Weight, plan
from tick_logger.net.venue.retrials import Retrials, Shares
from tick_logger.net.venue.share import Share, feeds_of
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
        self._arrangement = Arrangement(
            context, start=self._run_share, backoff=self._backoff, doubled=self._doubled
        )
        index = context.instruments.of(self._exchange.name)
        self._rates = KnownRates(context.intake.rates, index)
        self._plan = Plan({}, ())
        self._listed: tuple[str, ...] = ()
        self._excused: frozenset[str] = frozenset()  # whose silence is no fault
        self._nursery: trio.Nursery | None = None
        self._listing_backoff = self._backoff()
        self._log = get_logger().bind(exchange=self._exchange.name)
        self._wanted = WantedStreams(context, self._log)
        self._absences = Absences(self._log, context.metrics)
        board = Board(
            look=self._look,
            plan=lambda: self._plan,
            carry=lambda found, moved: self._carry_out(found, moved=moved),
            staying=self._staying,
            remember=beside.remember_rates,
        )
        self.moves = Moves(board, context.metrics.load, self._log)
        """Who lets symbols change their connection for the sake of its load."""

    async def run(self) -> None:
        """Record until cancelled."""
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                self._rates.remember(await self._beside.recall_rates(), trio.current_time())
                nursery.start_soon(self._context.snapshots.run)  # waits until a book asks for one
                discovery = Discovery(
                    self._context, self._listing_backoff, self._beside, plan_for=self._plan_for
                )
                nursery.start_soon(self._context.reach.run)
                nursery.start_soon(self._arrangement.run)
                nursery.start_soon(self.moves.run)
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
        return self._arrangement.shares()

    def _carried(self) -> frozenset[Subscription]:
        """What the first lines deliver: what is asked for again on their behalf is of no other."""
        return self._arrangement.carried_first

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
        return timeouts_of(self._config)

    def _plan_for(self, listed: tuple[str, ...], excused: frozenset[str]) -> None:
        """Plan anew, now that these may be traded; the silence of some is no fault."""
        if self._nursery is None:
            return  # the listing was received before the end, and decoded after it
        others = self._excused ^ excused
        self._listed, self._excused = listed, excused
        self._plan_connections(everywhere=bool(others))
        index = self._context.instruments.of(self._exchange.name)
        known = wanted_of(self._config, others & index.keys())
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
            anew = before.feeds_per_connection != config.feeds_per_connection
            self._plan_connections(everywhere=True, anew=anew)
        else:  # what was recorded before this start, and was wanted until now, is missing so far
            self._wanted.retire(self._known(before) - self._known(config))

    def _plan_connections(self, *, everywhere: bool, anew: bool = False) -> None:
        """Give each connection its share, or only those whose symbols change.

        `anew`: all connections are others, so that none is full of what stays on another.
        """
        symbols, unmatched = _chosen(self._config.symbols, self._listed)
        config, limits = self._config, self._limits()
        weights = self._weights(symbols)
        found = plan(self._plan.shares, symbols, limits, weights, self._reserved())
        rates = by_lane(self._known_rates(found), self._lanes.of)
        found = spread(found, self._plan.places, rates, limits, weights)
        absent = Absent(left_out=found.left_out, not_listed=unmatched)
        self._absences.tell(absent, explained(config, limits))
        moved = found.places.keys() & self._plan.places.keys() if anew else NOBODY
        self._carry_out(found, everywhere=everywhere, moved=moved)
        metrics = self._context.metrics
        metrics.symbols.set(len(self._plan.places))
        metrics.symbols_kept.set(len(self._excused & self._plan.places.keys()))

    def _carry_out(
        self, found: Plan, *, everywhere: bool = False, moved: Collection[str] = NOBODY
    ) -> None:
        """Let connections carry what is planned; `moved` symbols go to others without a break."""
        before, self._plan = self._plan, found
        self._tell_wanted(before.places, found.places, moved)
        self._context.snapshots.books = self._count_books()
        numbers = before.shares.keys() | found.shares.keys()
        for number in sorted(numbers | self._arrangement.numbers if everywhere else numbers):
            now = found.shares.get(number, ())
            if everywhere or now != before.shares.get(number, ()):
                self._arrange(number, now, moved)
        shares = self._arrangement.count
        least = self._used_lanes() * most_lines(self._config)
        assert shares <= max(self._config.max_connections, least), "more than is configured"
        self._context.metrics.connections_wanted.set(shares)

    def _limits(self) -> Limits:
        return limits_of(self._config, self._exchange.profile, self._used_lanes())

    def _weights(self, symbols: Iterable[str]) -> dict[str, Weight]:
        entrance_of = self._context.elsewhere.number_of
        return weights_of(self._exchange, self._config, symbols, entrance_of)

    def _known_rates(self, planned: Plan) -> RatesByFeed:
        feeds = {each: for_symbol(self._config, each).feeds for each in planned.places}
        return self._rates.of(feeds, trio.current_time())

    def _look(self) -> Seen:
        """How even the connections are, and what would make them more so."""
        known = self._known_rates(self._plan)
        rates = by_lane(known, self._lanes.of)
        weights = self._weights(self._plan.places)
        return Seen(
            unevenness=unevenness(self._plan, rates),
            move=next_move(self._plan, rates, self._limits(), weights),
            rates=known,
        )

    def _staying(self, number: int) -> set[str]:
        return self._reserved().get(number, set())

    def _reserved(self) -> dict[int, set[str]]:
        """By share the symbols that stay there for a while, and are another's by the plan."""
        places = self._plan.places
        return {
            number: {each for each in symbols if places.get(each) != number}
            for number, symbols in self._arrangement.staying().items()
        }

    def _known(self, config: ExchangeConfig) -> frozenset[Subscription]:
        """What such settings want of the symbols that were ever recorded."""
        known = self._context.instruments.of(self._exchange.name)
        return wanted_of(config, (each for each in known if matches(config.symbols, each)))

    def _arrange(self, number: int, symbols: tuple[str, ...], moved: Collection[str]) -> None:
        """Start, change or end the connections of a share, so that they carry these symbols.

        Those of `moved` symbols that it carries stay until another share has them.
        """
        load = load_of(self._config, symbols, self._excused)
        lanes = self._lanes.sorted_out(load.subscriptions)
        self._arrangement.arrange(number, load, lanes, moved)

    def _run_share(self, share: Share) -> None:
        assert self._nursery is not None, "checked where listings arrive"
        self._nursery.start_soon(share.run)

    def _doubled(self, symbols: Iterable[str]) -> frozenset[str]:
        return doubled_of(self._config, symbols)

    @property
    def _lanes(self) -> Lanes:
        elsewhere = self._context.elsewhere
        return Lanes.by(self._exchange, self._config, elsewhere.number_of)

    def _used_lanes(self) -> int:
        entrances = len(self._context.elsewhere.accesses) + 1
        return len(self._lanes.used(self._config, entrances))

    def _tell_wanted(
        self, before: Mapping[str, int], places: Mapping[str, int], moved: Collection[str]
    ) -> None:
        """Tell which streams are wanted, now that symbols have these places.

        Those of `moved` symbols are delivered all the time.
        """
        wanted = wanted_of(self._config, places)
        cut = {symbol for symbol, number in places.items() if before.get(symbol, number) != number}
        cut.difference_update(moved)
        self._wanted.change(wanted, cut, self._doubled(cut))
        self._context.refusals.keep(wanted)
        self._arrangement.keep(wanted)

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
