"""A venue that says again what it said: the journal of one exchange, the venue's dialect, clients.

It prints and logs nothing.  Serves in the event loop, and reads the journal where it is told to.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import partial

import attrs
import trio

from tick_logger.clock import WallClock
from tick_logger.exchanges import registry
from tick_logger.model.symbols import MappedInstrument
from tick_logger.offload import Offload
from tick_logger.playback.earlier import earlier_book
from tick_logger.playback.entries import Entries, recorded_streams
from tick_logger.playback.offer import find_offer
from tick_logger.playback.player import Counts, Player
from tick_logger.playback.told import Told
from tick_logger.reader.source import Source, Symbol
from tick_logger.simulator.dialects.base import Dialect
from tick_logger.simulator.exchange import Settings
from tick_logger.simulator.faults import Faults
from tick_logger.simulator.hub import Hub
from tick_logger.simulator.market import Market
from tick_logger.simulator.registry import DIALECTS
from tick_logger.simulator.served import ServedVenue
from tick_logger.simulator.session import SessionSettings
from tick_logger.simulator.symbols import SymbolSpec
from tick_logger.simulator.truth import Truth

KEEP_ALIVE_SECS = 0.1
SNAPSHOT_WAIT_SECS = 5.0
"""How long a request for a book waits for the one that was recorded, if there is none yet."""

_NO_BOOK_YET = 503, b'{"message":"service unavailable"}'


@attrs.frozen(kw_only=True)
class Playing:
    """How it is played: `speed` times as fast (None: as fast as clients read), from when on."""

    speed: float | None = 1.0
    from_ns: int | None = None


class NothingRecordedError(Exception):
    """There are no rows of an exchange, so that nobody knows what was asked of it."""


class PlayedExchange(ServedVenue):
    """One exchange of a recording: its entries of the journal, and the rows beside it.

    The rows tell what was recorded, and what books were when the journal begins; `source` lists
    the symbols as well.  Raises `NothingRecordedError`, and `OSError` where reading fails.
    """

    def __init__(
        self,
        name: str,
        entries: Entries,
        source: Source,
        *,
        clock: WallClock,
        offload: Offload,
        playing: Playing,
    ) -> None:
        exchange = registry.get(name)
        kind = DIALECTS[exchange.adapter]
        self.name = name
        self._clock = clock
        self._offload = offload
        self._playing = playing
        streams = recorded_streams(source, name)
        if not streams:
            raise NothingRecordedError
        listed = {each.symbol: each for each in source.instruments() if each.exchange == name}
        specs = [_spec(kind, symbol, listed.get(symbol)) for symbol in streams]
        asked, _, asked_hub = _silent(kind, specs, clock)
        self._offer = find_offer(exchange, asked, asked_hub, streams)
        dialect, market, hub = _silent(kind, specs, clock)
        self._market = market
        self._told = hub.recorded = Told(exchange, dialect, market, self._offer)
        self._player = Player(entries, exchange, dialect, hub, self._told, self._offer)
        for symbol in self._offer.books.values() if self._told.keeps_books else ():
            for message in earlier_book(
                source,
                Symbol(name, symbol),
                entries.begins_ns,
                one_by_one=exchange.book_depth is not None,
            ):
                self._told.books.apply(symbol, message)
        usual = Settings()
        sessions = SessionSettings(
            ping_interval_secs=usual.ping_interval_secs,
            lifetime_secs=kind.rules.lifetime_secs,
            queue_bytes=usual.queue_bytes,
        )
        super().__init__(hub, dialect, sessions, seed=0)

    @property
    def counts(self) -> Counts:
        """What was sent so far."""
        return self._player.counts

    @property
    def topics(self) -> int:
        """How many subscriptions were recorded."""
        return len(self._offer.topics)

    def skip(self) -> bool:
        """Read until the moment from which it is to be played; False if there is nothing after it.

        Raises as `Entries.take`.
        """
        return self._player.skip_to(self._playing.from_ns or 0)

    async def run_market(
        self,
        *,
        when_over: Callable[[], None] = lambda: None,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Play to the end of the journal, and keep the clients' connections alive until cancelled.

        `when_over` is called at the end.  Raises what reading the journal raises.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep_alive)
            task_status.started()
            await self._player.play(
                speed=self._playing.speed, from_ns=self._playing.from_ns, offload=self._offload
            )
            when_over()

    async def _keep_alive(self) -> None:
        start_secs = trio.current_time()
        while True:
            self._market.now_ns = self._clock.now_ns()
            self._dialect.keep_alive(round((trio.current_time() - start_secs) * 1e6))
            await trio.sleep(KEEP_ALIVE_SECS)

    # -- REST -------------------------------------------------------------------------------------

    async def answer(self, target: str) -> tuple[int, bytes]:
        """Status and body of a GET; of a book, what was recorded, or the book of the moment."""
        symbol = self._dialect.book_asked(target)
        if symbol not in self._offer.books.values():
            return self._dialect.rest(target)
        with trio.move_on_after(SNAPSHOT_WAIT_SECS):
            while True:
                recorded = self._told.take_snapshot(symbol)
                if recorded is not None:
                    return 200, recorded
                found = self._told.book(symbol)
                if found is not None:
                    return self._dialect.book_answer(found[0], target)
                await trio.sleep(KEEP_ALIVE_SECS / 10)
        return _NO_BOOK_YET

    async def _answer(self, target: str) -> tuple[int, bytes]:
        return await self.answer(target)


def _silent(
    kind: type[Dialect], specs: list[SymbolSpec], clock: WallClock
) -> tuple[Dialect, Market, Hub]:
    """A dialect over a market in which nothing happens."""
    hub = Hub(Faults(), 0)
    market = Market(specs, kind.cost, seed=0, levels=1, now_ns=clock.now_ns())
    dialect = kind(hub, market, Truth(1))
    dialect.open()
    return dialect, market, hub


def _spec(kind: type[Dialect], symbol: str, listed: MappedInstrument | None) -> SymbolSpec:
    """A symbol with the decimals of its listing, as far as they are known."""
    spec = kind.spec(symbol)
    if listed is None:
        return spec
    place = partial(_decimals, most=16)
    return attrs.evolve(
        spec,
        price_decimals=place(listed.tick_size, spec.price_decimals),
        size_decimals=place(listed.lot_size, spec.size_decimals),
    )


def _decimals(step: str, usual: int, *, most: int) -> int:
    """Digits behind the point of a step such as 0.01; the usual ones where it says nothing."""
    try:
        exponent = Decimal(step).normalize().as_tuple().exponent
    except InvalidOperation:
        return usual
    return min(max(0, -exponent), most) if isinstance(exponent, int) else usual
