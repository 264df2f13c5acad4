"""What all judges of a story share: what came, what may excuse a loss, and whose clock said so.

Shares no code with the recorder: the truth comes from the exchanges and from the sockets.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from ctypes import c_float
from operator import itemgetter
from typing import Any, TypeAlias

import attrs

from tests.service.world import Venue
from tests.sim.clocks import stretches
from tests.sim.limits import GOODBYE_SECS, waited
from tests.sim.oddities import MOST_VENUE_CLOCK_SECS
from tests.sim.process import Process
from tests.sim.said import Fact, facts, payload_of, snapshot
from tests.sim.sockets import Span
from tests.sim.world import World
from tick_logger.config.schema import ExchangeConfig

Key: TypeAlias = tuple[Any, ...]

TABLES = {"trades": "TRADES", "ticker": "MD", "quotes": "QUOTES", "orderbook": "BOOK"}


@attrs.frozen
class Came:
    """When something came out of a socket."""

    at: float
    recv_ns: int
    process: Process
    sound: bool
    connection: int = -1  # its number in the log


@attrs.define
class _Heard:
    """What came on one connection: when, about which symbols, and all tickers, wanted or not."""

    span: Span
    times: list[float] = attrs.field(factory=list)
    symbols: set[str] = attrs.field(factory=set)
    tickers: dict[str, list[tuple[float, Key]]] = attrs.field(factory=lambda: defaultdict(list))


Given: TypeAlias = dict[Key, list[Came]]
"""By key of a fact, when it came."""


class Court:
    """One world after its story; `counts` is what the judges noted."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.counts: Counter[str] = Counter()
        self.width = world.story.logger["price_dtype"]
        self._persist_secs = world.story.logger["persist_interval_secs"]
        self._heard: dict[str, list[_Heard]] = {}
        self._came_at: dict[str, dict[int, list[float]]] = {}
        self._changed_at = [at for at, _ in world.wishes]
        self._stretches = [
            stretch
            for process in world.processes
            if process.showed is not None
            for stretch in stretches(
                process.showed[0], process.ended + 1.0, process.showed[1], world.clock_steps
            )
        ]

    @property
    def has_two_lines(self) -> bool:
        """Whether any exchange had, at any time."""
        settings = [each.config for each in self.world.story.venues]
        settings += [each.settings for each in self.world.story.reloads]
        return any(each.get("redundancy", 1) > 1 for each in settings)

    def venue(self, name: str) -> Venue:
        """As the story has it."""
        (venue,) = (each for each in self.world.story.venues if each.name == name)
        return venue

    # -- what was wanted --------------------------------------------------------------------------

    def wanted(self, name: str, symbol: str, table: str, at: float) -> bool:
        """Whether the process that ran was to record this then (seconds of trio's clock)."""
        newest = bisect_right(self._changed_at, at) - 1
        return newest >= 0 and _asks_for(self.world.wishes[newest][1][name], symbol, table)

    def wanted_since(self, name: str, symbol: str, table: str, at: float) -> float:
        """Since when it was wanted without a break, if it was then."""
        since = at
        for began, asked in reversed(self.world.wishes):
            if began <= at:
                if not _asks_for(asked[name], symbol, table):
                    break
                since = began
        return since

    def wanted_after(self, name: str, symbol: str, table: str, at: float) -> bool:
        """Whether it was asked for once more later."""
        later = (asked for began, asked in self.world.wishes if began > at)
        return any(_asks_for(asked[name], symbol, table) for asked in later)

    def dead_until(self, name: str, process: Process) -> float:
        """When it had died, and those after it that died without a connection to the exchange."""
        ended = process.ended
        spans = self.world.logs[name].connections
        for later in self.world.processes[process.number + 1 :]:
            if later.code == 0 or any(later.began <= each.opened <= later.ended for each in spans):
                break
            ended = later.ended
        return ended

    def ended_between(
        self, name: str, symbol: str, table: str, since: float, until: float
    ) -> Iterator[float]:
        """When it was wanted no longer."""
        was_wanted = False
        for at, asked in self.world.wishes:
            is_wanted = _asks_for(asked[name], symbol, table)
            if was_wanted and not is_wanted and since <= at <= until:
                yield at
            was_wanted = is_wanted

    def ever_wanted(self, name: str, symbol: str, table: str) -> bool:
        """Whether any was."""
        return any(_asks_for(asked[name], symbol, table) for _, asked in self.world.wishes)

    # -- what came --------------------------------------------------------------------------------

    def what_came(self, name: str) -> dict[tuple[str, str], Given]:
        """All facts by table and symbol, and when they came while they were wanted."""
        found: dict[tuple[str, str], Given] = defaultdict(lambda: defaultdict(list))
        processes = iter(self.world.processes)
        process = next(processes)
        heard = [_Heard(span) for span in self.world.logs[name].connections]
        self._heard[name] = heard
        for arrival in self.world.logs[name].arrivals:
            while arrival.at > process.ended:
                process = next(processes)
            heard[arrival.connection].times.append(arrival.at)
            for payload in arrival.payloads:
                for fact in facts(name, payload):
                    heard[arrival.connection].symbols.add(fact.symbol)
                    if fact.table == "MD":
                        told = arrival.at, self._on_disk(fact)
                        heard[arrival.connection].tickers[fact.symbol].append(told)
                    if not self.wanted(name, fact.symbol, fact.table, arrival.at):
                        continue
                    came = Came(
                        *(arrival.at, arrival.recv_ns, process, fact.sound), arrival.connection
                    )
                    found[fact.table, fact.symbol][self._on_disk(fact)].append(came)
        return found

    def greets_alone(self, name: str, symbol: str, key: Key, came: Came) -> bool:
        """Whether a ticker only tells one connection what another one, still open, has told before.

        So a new connection is greeted, with the time of the message.  Of the stream itself nothing
        is missing with it.
        """
        others = [
            heard.tickers[symbol][: bisect_right(heard.tickers[symbol], came.at, key=_at)]
            for number, heard in enumerate(self._heard[name])
            if number != came.connection and heard.span.opened <= came.at < heard.span.closed
        ]
        newest = max((told[-1] for told in others if told), default=None, key=_at)
        return newest is not None and newest[1][1:] == key[1:]

    def snapshots(self, name: str) -> list[Key]:
        """The rows of all books that were fetched by REST, whatever their symbol."""
        answers = (each for each in self.world.logs[name].answers if each.path.endswith("/depth"))
        return [
            self._on_disk(Fact("BOOK", "", row)) for each in answers for row in snapshot(each.body)
        ]

    def kept_back(self, name: str) -> dict[tuple[str, str], set[Key]]:
        """Facts by table and symbol that did not reach a connection, and nobody told."""
        found: dict[tuple[str, str], set[Key]] = defaultdict(set)
        for _, frame in self.world.exchanges[name].lost:
            for fact in facts(name, payload_of(frame)):
                found[fact.table, fact.symbol].add(fact.key)
        return found

    def _on_disk(self, fact: Fact) -> Key:
        """A key with the prices that a column can hold."""
        if self.width != "f4":
            return fact.key
        return tuple(c_float(v).value if isinstance(v, float) else v for v in fact.key)

    # -- excuses ----------------------------------------------------------------------------------

    def excuse(self, came: Came, name: str) -> str | None:
        """Why this may be missing; None if it may not."""
        world, process, at = self.world, came.process, came.at
        for since, until in world.poison.since.get(name, ()):
            # The whole batch is lost to a bug, and what is waiting behind it.
            # A process that the bug has stopped may die before it has ended.
            met = process.code == 1 or (process.code is None and at <= until)
            if since - 0.1 <= at and met and since <= process.ended:
                return "bug"
        if any(began <= at <= ended for began, ended in world.overflows.get(name, ())):
            return "overflow"
        if any(at <= failed for failed in world.failed_replays):
            return "bug in a replay"
        if process.code == 0:
            return None
        if waited(world, at, process.ended, world.offload.journal_failures):
            return "trouble"
        if process.code is not None:
            return None
        return "death" if at > process.ended - self._persist_secs else None

    def silent(self, name: str, symbol: str, since: float, until: float) -> bool:
        """Whether nothing came between these times on one that may have carried a symbol.

        A connection is meant that was still open at the end.
        """
        return any(
            heard.span.opened <= until <= heard.span.closed
            and (symbol in heard.symbols or not heard.symbols)
            and bisect_right(heard.times, since) == bisect_right(heard.times, until)
            for heard in self._heard[name]
        )

    def ended_in_silence(self, name: str, symbol: str, since: float, ended: float) -> bool:
        """Whether nothing came before a stream ended, and nobody could find out why afterwards.

        The connection ended with it, or outlived its process.
        """
        process = self.process_at(ended)
        return process is not None and any(
            heard.span.opened <= ended
            and (
                heard.span.closed >= process.ended or heard.span.closed <= ended + 2 * GOODBYE_SECS
            )
            and bisect_right(heard.times, since) == bisect_right(heard.times, ended)
            for heard in self._heard[name]
            if heard.span.closed >= ended and (symbol in heard.symbols or not heard.symbols)
        )

    def silences(self, name: str) -> Iterator[tuple[float, float]]:
        """From and until when nothing came on connections that told of any symbol.

        Others may be those for a venue's list of instruments, of which little is expected.
        """
        for heard in self._heard[name]:
            if heard.symbols:
                yield from itertools.pairwise([*heard.times, heard.span.closed])

    def process_at(self, at: float) -> Process | None:
        """Who lived then."""
        return next((p for p in self.world.processes if p.began <= at <= p.ended), None)

    # -- clocks -----------------------------------------------------------------------------------

    @property
    def was_clock_set(self) -> bool:
        """Whether the service's clock is, or was, not the exchanges'."""
        return len({offset_ns for _, offset_ns in self.world.clock_steps}) > 1

    @property
    def had_odd_times(self) -> bool:
        """Whether any of the exchanges' times may have been wrong."""
        return any(self.world.counts[kind] for kind in ("odd_times", "venue_clock"))

    @property
    def venue_ahead_secs(self) -> float:
        """How far the exchanges' clocks were ahead at most, as they said themselves."""
        sizes = [each.size for each in self.world.story.troubles if each.kind == "venue_clock"]
        return MOST_VENUE_CLOCK_SECS * max(sizes, default=0.0)

    def moments(self, shown_ns: int) -> list[float]:
        """When the clock of a life may have shown this, or was past it, as a midnight may be."""
        found = (stretch.when(shown_ns) for stretch in self._stretches)
        shown = [moment for moment in found if moment is not None]
        past = (each.began for each in self._stretches if each.shown_ns > shown_ns)
        return shown or [*itertools.islice(past, 1)]

    def moments_of_rows(self, name: str, recv_ns: Iterable[int]) -> Iterator[float]:
        """When rows of an exchange came that have these times of receipt.

        A clock that was set back shows a time again in a later life; its sockets tell in which of
        them something came then.  Of what did not come out of a socket, whenever it was shown.
        """
        if name not in self._came_at:
            of_name = self._came_at[name] = defaultdict(list)
            for arrival in self.world.logs[name].arrivals:
                of_name[arrival.recv_ns].append(arrival.at)
        came_at = self._came_at[name]
        for ns in recv_ns:
            yield from came_at[ns] if ns in came_at else self.moments(ns)

    def venue_moment(self, made_ns: int) -> float:
        """When something happened by the exchanges' true clock, as a time of trio's."""
        return (made_ns - self.world.venue_clock._offset_ns) / 1e9


_at = itemgetter(0)


def _asks_for(config: ExchangeConfig, symbol: str, table: str) -> bool:
    """Whether these settings, whose symbols are no patterns, ask for it."""
    feeds = config.feeds
    for market in config.markets:
        if symbol in market.symbols and market.feeds is not None:
            feeds = market.feeds
            break
    chosen = config.symbols == "all" or symbol in config.symbols
    return chosen and table in {TABLES[feed] for feed in feeds}


def heard_after(given: Iterable[Given], process: Process, at: float) -> bool:
    """Whether anything of these came later in a process."""
    times = itertools.chain.from_iterable(
        came for facts_of_table in given for came in facts_of_table.values()
    )
    return any(came.at > at and came.process is process for came in times)
