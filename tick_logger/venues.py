"""Puts together what records each exchange of one run: its adapter, intake, dial and venue.

Not here: running them and ending them (`app`).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from functools import partial
from random import Random

import attrs
import trio

from tick_logger.api_keys import signer_of
from tick_logger.clock import WallClock
from tick_logger.config.markets import book_wanted, books_wanted, entrances
from tick_logger.config.schema import Config, ExchangeConfig
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import Exchange
from tick_logger.filling import Filling
from tick_logger.model.instruments import Instrument
from tick_logger.model.proof import Proof
from tick_logger.model.tables import Table
from tick_logger.model.wanted import WantedTables
from tick_logger.net.address import Addresses
from tick_logger.net.approach import Approach, Purpose
from tick_logger.net.connection.accesses import Access, Elsewhere
from tick_logger.net.connection.context import VenueContext
from tick_logger.net.intake.intake import Intake
from tick_logger.net.online import Online
from tick_logger.net.reach import Reach
from tick_logger.net.rest.allowance import Allowance
from tick_logger.net.rest.backfill import BackFiller
from tick_logger.net.rest.candles import CandleRounds
from tick_logger.net.rest.client import RestClient
from tick_logger.net.venue.backfill_source import BackfillSource
from tick_logger.net.venue.discovery import Beside
from tick_logger.net.venue.share import streams_of
from tick_logger.net.venue.venue import Venue
from tick_logger.net.wire.dial import Dial, NetworkDial
from tick_logger.net.wire.poller import Poller
from tick_logger.net.wire.receive_times import ReceiveTimes, kernel_notes_times
from tick_logger.recording.remembered_rates import RememberedRates
from tick_logger.recording.resources import Resources
from tick_logger.storage.folding import FoldersOfSymbols
from tick_logger.storage.format_file import KERNEL, READ
from tick_logger.telemetry.exchange_metrics import ExchangeMetrics
from tick_logger.telemetry.reads import Reads


class Venues:
    """What records each exchange, by name, and the intakes through which it comes.

    `dial` makes a way to each exchange, by its name and the clock that labels what comes; None:
    over the network.
    """

    def __init__(
        self,
        config: Config,
        resources: Resources,
        dial: Callable[[str, WallClock], Dial] | None,
        rng: Random,
        filling: Filling,
    ) -> None:
        self.filling = filling
        self.by_name: dict[str, Venue] = {}
        self.proofs: dict[str, Mapping[Table, Proof]] = {}
        """How far the completeness of tables can be shown, at least, as they are recorded."""
        self.intakes: list[Intake] = []
        self._config = config
        self._resources = resources
        self._given_dial = dial
        self._rng = rng
        self._network_dials: list[NetworkDial] = []
        # One for all exchanges: a wake-up is what costs, not how much is read after it.
        times = ReceiveTimes(resources.clock, resources.clock.machine)
        self._poller = Poller(times, config.logger.read_coalesce_ms / 1000)
        if dial is None:
            resources.found.receive_times = KERNEL if kernel_notes_times() else READ
            resources.metrics.registry.register(Reads(lambda: attrs.asdict(times.reads)))
        self._addresses = Addresses()
        disk = resources.disk
        self._rates = RememberedRates(disk.rates_files, disk.rates_offload)
        if (by_symbol := resources.metrics.symbols) is not None:
            by_symbol.connected = self._streams
            by_symbol.pair_of = resources.pairs.name
        self._online = Online(lambda: [each.unreachable for each in self.by_name.values()])

    def _streams(self) -> Iterator[tuple[tuple[str, str, str], bool]]:
        """What is to be recorded, and whether a connection for it is open."""
        for name, venue in self.by_name.items():
            for (symbol, feed), is_open in streams_of(venue.shares()).items():
                yield (name, symbol, feed), is_open

    def add(
        self,
        name: str,
        *,
        on_bug: Callable[[], None],
        write_listing: Callable[[Exchange, tuple[Instrument, ...]], None],
    ) -> None:
        """Record this exchange too.

        `on_bug` hears that its adapter has failed, `write_listing` takes what it lists.
        """
        config, shared = self._config, self._resources
        own = config.exchanges[name]
        exchange = registry.get(name).asking_for(partial(book_wanted, own), books_wanted(own))
        self.proofs[name] = exchange.proofs
        metrics, wanted = shared.metrics.exchange(name), WantedTables()
        intake = Intake(
            exchange,
            shared.instruments,
            wanted,
            budget=shared.budget,
            linger_secs=config.logger.linger_ms / 1000,
            metrics=metrics,
            on_bug=on_bug,
        )
        intake.keeper = shared.disk.kept.of(name)
        self.intakes.append(intake)
        context = self._context(exchange, own, intake, metrics)

        def before() -> frozenset[str]:
            return shared.found.recorded.get(name, frozenset())

        folders = FoldersOfSymbols(lambda: shared.found.folds_case, before)
        beside = Beside(
            write_listing=partial(self._listed, exchange, write_listing),
            recorded_before=before,
            objection_to=folders.objection_to,
            recall_rates=partial(self._rates.recall, name),
            remember_rates=partial(self._rates.remember, name),
        )
        source = BackfillSource(intake, wanted, shared.clock)
        allowance = Allowance(exchange, context.rest_of)
        filler = self._filler(context, source, allowance, enabled=own.backfill)
        rounds = self._rounds(context, source, allowance, enabled=own.backfill)
        self.by_name[name] = Venue(context, own, beside, filler, rounds)

    def _context(
        self, exchange: Exchange, own: ExchangeConfig, intake: Intake, metrics: ExchangeMetrics
    ) -> VenueContext:
        """What everything of one exchange shares, the ways into it among it."""
        shared, dial = self._resources, self._dial(exchange.name)
        dial.brake = intake.brake
        reach = Reach(exchange.name, shared.clock, self._online.look, exchange.others)

        def access(ws_endpoint: str, rest_endpoint: str) -> Access:
            root = exchange.rest_root(rest_endpoint)
            to_rest = self._approach(exchange, own, metrics, root, Purpose.REST)
            to_it = self._approach(exchange, own, metrics, ws_endpoint, Purpose.CONNECTIONS)
            return Access(ws_endpoint, RestClient(root, dial, to_rest, reach), to_it)

        usual = access(own.ws_endpoint, own.rest_endpoint)
        others, number_of = entrances(own)
        return VenueContext(
            exchange=exchange,
            ws_endpoint=own.ws_endpoint,
            instruments=shared.instruments,
            intake=intake,
            dial=dial,
            rest=usual.rest,
            reach=reach,
            connects=usual.connects,
            max_message_bytes=own.max_message_mib * 2**20,
            elsewhere=Elsewhere([access(*each) for each in others], number_of),
            clock=shared.clock,
            rng=self._rng,
            metrics=metrics,
            signer=signer_of(exchange, os.environ, shared.clock.machine),
        )

    def _listed(
        self,
        exchange: Exchange,
        write: Callable[[Exchange, tuple[Instrument, ...]], None],
        listing: tuple[Instrument, ...],
    ) -> None:
        self._resources.pairs.tell(exchange.name, listing)
        write(exchange, listing)

    def _filler(
        self, context: VenueContext, source: BackfillSource, allowance: Allowance, *, enabled: bool
    ) -> BackFiller | None:
        """Who asks for trades that were missed, where there is a way to ask."""
        exchange, filling = context.exchange, self.filling
        if exchange.trades_by_rest is None:
            return None
        disk = filling.disk(exchange.name)
        filler = BackFiller(exchange, allowance, source, disk, context.metrics, enabled=enabled)
        filling.fillers[exchange.name] = filler
        return filler

    def _rounds(
        self, context: VenueContext, source: BackfillSource, allowance: Allowance, *, enabled: bool
    ) -> CandleRounds | None:
        """Who asks for minute candles, where there is a way to ask."""
        exchange, filling = context.exchange, self.filling
        if exchange.candles_by_rest is None:
            return None
        rounds = filling.rounds[exchange.name] = CandleRounds(
            exchange,
            allowance,
            source,
            filling.candles(exchange.name),
            lambda: context.instruments.of(exchange.name),
            context.metrics,
            enabled=enabled,
        )
        return rounds

    @contextlib.asynccontextmanager
    async def open_dials(self) -> AsyncIterator[None]:
        """Within this, connections can be made."""
        async with contextlib.AsyncExitStack() as dials:
            if self._network_dials:
                nursery = await dials.enter_async_context(trio.open_nursery())
                nursery.start_soon(self._poller.run)
                dials.callback(nursery.cancel_scope.cancel, "all dials are closed")
            for dial in self._network_dials:
                await dials.enter_async_context(dial)
            yield

    def _approach(
        self,
        exchange: Exchange,
        config: ExchangeConfig,
        metrics: ExchangeMetrics,
        endpoint: str,
        purpose: Purpose,
    ) -> Approach:
        address = self._addresses.at(
            exchange.operated_by,
            endpoint,
            weight_per_minute=exchange.profile.rest_weight_per_minute,
            connects_per_second=config.connects_per_second,
            ban_secs=exchange.profile.ban_secs,
            connects_burst=exchange.profile.connects_burst,
        )
        clock = self._resources.clock
        return Approach(exchange.name, address, purpose, clock=clock, metrics=metrics)

    def _dial(self, name: str) -> Dial:
        if self._given_dial is not None:
            return self._given_dial(name, self._resources.clock)
        dial = NetworkDial(
            self._resources.clock,
            ca_file=self._config.exchanges[name].ca_file,
            poller=self._poller,
        )
        self._network_dials.append(dial)
        return dial
