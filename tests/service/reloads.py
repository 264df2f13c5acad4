"""A recorder that is told to record something else, and what it must have recorded then.

The truth are the messages that came out of the sockets, read with nothing but the standard library:
of each stream, exactly what came while it was wanted must be on disk.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

import attrs
import trio

from tests.fakes.clock import VirtualClock
from tests.fakes.dial import MemoryDial
from tests.service.oracle import gaps, rows
from tests.service.world import Venue, World, running
from tests.sim.poison import Poison
from tests.sim.said import facts, snapshot
from tests.sim.sockets import Log, TappedDial
from tests.sim.streams import _keys
from tick_logger.config.schema import Config
from tick_logger.exchanges import registry
from tick_logger.journal.entry_codec import decode_entries
from tick_logger.journal.reader import JournalReader
from tick_logger.model.entries import Received
from tick_logger.model.marks import Retired
from tick_logger.model.tables import FEEDS
from tick_logger.reload import Reloader
from tick_logger.simulator.exchange import SimulatedExchange

Key = tuple[Any, ...]
Wish = frozenset[tuple[str, str]]
"""Pairs of a symbol and a feed."""


def wish(symbols: Collection[str], feeds: Collection[str]) -> Wish:
    """These feeds of these symbols."""
    return frozenset((symbol, feed) for symbol in symbols for feed in feeds)


@attrs.define(eq=False)
class Reloads:
    """A world, what came out of its sockets, and what was wanted of each exchange, since when."""

    world: World
    logs: dict[str, Log]
    config: Config
    reloader: Reloader
    wishes: dict[str, list[tuple[float, Wish]]]
    levels: list[str] = attrs.field(factory=list)  # of the log

    # -- what happens -----------------------------------------------------------------------------

    def reload(self, **changes: Any) -> None:  # noqa: ANN401 - any settings
        """As SIGHUP does, with other settings of the first exchange."""
        name = next(iter(self.world.exchanges))
        old = self.config.exchanges[name]
        self.reload_all(exchanges={**self.config.exchanges, name: attrs.evolve(old, **changes)})

    def reload_all(self, **changes: Any) -> None:  # noqa: ANN401 - any settings
        """With other sections."""
        self.config = attrs.evolve(self.config, **changes)
        self.reloader.reload()
        for name in self.world.exchanges:
            self.note_wish(name)

    def note_wish(self, name: str) -> None:
        """What the configuration that runs asks for is wanted from now on."""
        config = self.reloader.config.exchanges[name]
        known = self.world.exchanges[name].truth.symbols()
        symbols = known if isinstance(config.symbols, str) else config.symbols
        wished = (trio.current_time(), wish(symbols, config.feeds))
        self.wishes.setdefault(name, []).append(wished)

    # -- what must be -----------------------------------------------------------------------------

    def check(self) -> int:
        """Raises if anything else is on disk than what was wanted; returns the number of rows."""
        return sum(map(self._check, self.world.exchanges))

    def _check(self, name: str) -> int:
        assert self.world.exchanges[name].violations == []
        found = 0
        for symbol in self.world.exchanges[name].truth.symbols():
            for feed, table in FEEDS.items():
                on_disk = self._on_disk(name, symbol, table.value)
                came = self._came(name, symbol, feed, table.value)
                fetched = self._fetched(name) - came if table.value == "BOOK" else set()
                assert set(on_disk) - fetched == came, (
                    f"{name} {symbol} {feed}: {_told(on_disk, came)}"
                )
                if table.value in ("TRADES", "QUOTES"):  # those without an id look alike
                    ids = [key for key in on_disk if key[0]]
                    assert len(ids) == len(set(ids)), f"{name} {symbol} {feed}: duplicates"
                found += len(on_disk)
        return found

    def _on_disk(self, name: str, symbol: str, table: str) -> list[Key]:
        parts = [rows(self.world.files, name, symbol, table, late) for late in (False, True)]
        return [key for part in parts for key in _keys(part, table)]

    def _came(self, name: str, symbol: str, feed: str, table: str) -> set[Key]:
        return {
            fact.key
            for arrival in self.logs[name].arrivals
            if self.wanted(name, symbol, feed, arrival.at)
            for payload in arrival.payloads
            for fact in facts(name, payload)
            if (fact.table, fact.symbol) == (table, symbol)
        }

    def _fetched(self, name: str) -> set[Key]:
        """The rows of all books that came by REST, whatever their symbol."""
        answers = (each for each in self.logs[name].answers if each.path.endswith("/depth"))
        return {key for each in answers for key in snapshot(each.body)}

    def wanted(self, name: str, symbol: str, feed: str, at: float) -> bool:
        """Whether it was, at a moment of trio's clock."""
        newest = [pairs for since, pairs in self.wishes[name] if since <= at]
        return bool(newest) and (symbol, feed) in newest[-1]

    def retired(self) -> list[tuple[str, str]]:
        """The pairs of symbol and table that ended, as the journal has them, in order."""
        found: dict[tuple[str, str], None] = {}
        names: dict[int, str] = {}
        for frame in JournalReader(self.world.files, from_seq=1):
            for entry in decode_entries(frame.body):
                if isinstance(entry, Received):
                    names |= {each.instrument: each.symbol for each in entry.defined}
                    marks = [mark for mark in entry.marks if isinstance(mark, Retired)]
                    found |= dict.fromkeys(
                        (names[i], t.value) for m in marks for i in m.instruments for t in m.tables
                    )
        return list(found)

    def causes(self) -> dict[str, Wish]:
        """Of all gaps of the first exchange, and of what; but for what nobody wanted meanwhile."""
        name, exchange = next(iter(self.world.exchanges.items()))
        found: dict[str, set[tuple[str, str]]] = {}
        for symbol, feed in wish(exchange.truth.symbols(), FEEDS):
            for gap in gaps(self.world.files, name, symbol, FEEDS[feed].value):
                found.setdefault(gap["cause"], set()).add((symbol, feed))
        return {cause: frozenset(of) for cause, of in found.items() if cause != "retired"}

    def symbols_with_gaps(self) -> set[str]:
        """But for what nobody wanted meanwhile."""
        return {symbol for pairs in self.causes().values() for symbol, _ in pairs}

    def recorded_since(self, secs: float) -> Wish:
        """Of what anything came to the disk that was received after this, since the beginning."""
        name, exchange = next(iter(self.world.exchanges.items()))
        since_ns = self.world.clock.now_ns() - int((self.world.elapsed - secs) * 1e9)
        return frozenset(
            (symbol, feed)
            for symbol, feed in wish(exchange.truth.symbols(), FEEDS)
            for late in (False, True)
            if (
                rows(self.world.files, name, symbol, FEEDS[feed].value, late).recv_ns > since_ns
            ).any()
        )

    def opened(self) -> list[float]:
        """When each connection to the first exchange was made, since the beginning."""
        dial = next(iter(self.world.dials.values()))
        return [each.opened - self.world.began for each in dial.connections]

    def topics(self, symbol: str) -> list[str]:
        """What the first exchange sends of a symbol."""
        exchange = next(iter(self.world.exchanges.values()))
        topics = {topic for client in exchange._hub.clients for topic in client.topics}
        return sorted(topic for topic in topics if symbol.lower() in topic.lower())

    def open_now(self) -> list[str]:
        """The names of those of the first exchange that carry anything."""
        exchange = next(iter(self.world.exchanges.values()))
        return [client.name for client in exchange._hub.clients if client.topics]


@asynccontextmanager
async def reloading(*venues: Venue, **options: Any) -> AsyncIterator[Reloads]:  # noqa: ANN401
    """As `running`, with a tap on every socket."""
    logs = {venue.name: Log() for venue in venues}

    def dial(
        simulated: SimulatedExchange, clock: VirtualClock, nursery: trio.Nursery
    ) -> MemoryDial:
        return TappedDial(simulated, clock, nursery, logs[simulated.name], Poison())

    async with running(*venues, dial=dial, **options) as world:
        config = world.service.started_with
        levels: list[str] = []
        reloader = Reloader(
            config,
            lambda: reloads.config,
            world.service.venues,
            lambda logger: levels.append(logger.log_level),
        )
        reloads = Reloads(world, logs, config, reloader, {}, levels)
        for venue in venues:
            began = (float("-inf"), wish(_symbols(venue), venue.feeds))
            reloads.wishes[venue.name] = [began]
        yield reloads


def lanes(name: str, feeds: Collection[str]) -> set[str]:
    """The addresses that serve these feeds."""
    return {registry.get(name).lane(feed) for feed in feeds}


def _symbols(venue: Venue) -> Collection[str]:
    chosen = venue.config.get("symbols", "all")
    return venue.symbols if isinstance(chosen, str) else chosen


def _told(on_disk: Collection[Key], came: Collection[Key]) -> str:
    lacks, more = set(came) - set(on_disk), set(on_disk) - set(came)
    return f"{len(lacks)} lacking {sorted(lacks)[:2]}, {len(more)} too many {sorted(more)[:2]}"
