"""What carries the shares of one exchange: lines, by lane, and what stays where it was so far.

A stream that goes to another connection by intent stays on the one that has it until the other
delivers it too, so that nothing is lost by that; what both receive is stored once.

    moved -> asked for there, stays here -> (delivered there, and all that came before here too,
                                             `BOTH_SECS`) -> ended here
                                        `-> (not in `STAY_SECS`) -> interrupted, and ended here

Invariant: a stream that is wanted and ends on a connection is delivered by another of its line, or
its line has been told to lack it.

Not here: which streams are to be on which connection (`plan`, `lanes`), and one line (`lines`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TypeAlias

import attrs
import trio

from tick_logger.exchanges.base import Subscription
from tick_logger.model.cause import Cause
from tick_logger.model.marks import Interrupted
from tick_logger.net.connection.accesses import Lane
from tick_logger.net.connection.context import VenueContext
from tick_logger.net.intake.arrivals import streams_of
from tick_logger.net.pace import Backoff
from tick_logger.net.venue.lines import Lines
from tick_logger.net.venue.share import Load, Share

LOOK_SECS = 0.25
"""How often it is seen what the others deliver by now."""

BOTH_SECS = 2.0
"""So long both deliver: what was on its way here when the other began still comes."""

STAY_SECS = 600.0
"""So long a stream stays at most: a venue that is arranged anew as a whole gets one connection a
second, hundreds of them."""

Key: TypeAlias = tuple[int, Lane]
"""The number of a share, and one of its lanes."""

NOBODY: frozenset[str] = frozenset()
NO_STREAMS: frozenset[Subscription] = frozenset()


@attrs.define
class _Stay:
    """How long a stream stays at most (trio's clock), and since when the other delivers it (ns)."""

    until: float
    both_since_ns: int | None = None

    def is_over(self, now: float, now_ns: int, heard_ns: int, *, delivered: bool) -> bool:
        """Whether it need not stay any longer, now that the other does, or does not.

        `heard_ns` is when anything came last where it stays: all before that has come.
        """
        if not delivered:
            self.both_since_ns = None
            return now >= self.until
        since_ns = self.both_since_ns = self.both_since_ns or now_ns
        came_all = since_ns <= heard_ns and now_ns - since_ns >= BOTH_SECS * 1e9
        return came_all or now >= self.until


class Arrangement:
    """The lines of all shares of one exchange.

    `start` runs a share, `backoff` makes one for each, `doubled` says which symbols have two lines.
    """

    def __init__(
        self,
        venue: VenueContext,
        *,
        start: Callable[[Share], None],
        backoff: Callable[[], Backoff],
        doubled: Callable[[Iterable[str]], frozenset[str]],
    ) -> None:
        self._venue = venue
        self._start = start
        self._backoff = backoff
        self._doubled = doubled
        self._lines: dict[Key, Lines] = {}
        self._loads: dict[Key, Load] = {}  # what each is to carry
        self._stays: dict[Key, dict[Subscription, _Stay]] = {}
        self._moving = trio.Event()

    async def run(self) -> None:
        """End in time what only stays, until cancelled."""
        while True:
            await self._moving.wait()
            self._moving = trio.Event()
            while self._stays:
                await trio.sleep(LOOK_SECS)
                await self._venue.intake.caught_up()  # what the others said may be waiting there
                self._look(trio.current_time())

    # -- what is to be ----------------------------------------------------------------------------

    def arrange(
        self,
        number: int,
        load: Load,
        lanes: Mapping[Lane, frozenset[Subscription]],
        moved: Collection[str] = NOBODY,
    ) -> None:
        """Let a share carry this from now on, each stream on its lane.

        What it carries on another lane so far stays there for a while, and so does what it carries
        of `moved` symbols, which another share is to carry.
        """
        keys = {(number, lane) for lane in lanes} | {key for key in self._lines if key[0] == number}
        until = trio.current_time() + STAY_SECS
        for key in sorted(keys):
            mine = lanes.get(key[1], NO_STREAMS)
            before, stays = self._loads.get(key), self._stays.pop(key, {})
            for sub in before.subscriptions - mine if before is not None else ():
                if sub in load.subscriptions or sub.symbol in moved:
                    stays.setdefault(sub, _Stay(until))
            # Where all that is left only stays, it is waited for as long as it was before.
            patience = load if load.subscriptions or before is None else before
            self._loads[key] = Load(mine, patience.timeouts)
            self._let_stay(key, {sub: stay for sub, stay in stays.items() if sub not in mine})

    def keep(self, wanted: frozenset[Subscription]) -> None:
        """Nothing else stays any longer: it is not to be recorded any more."""
        for key, stays in list(self._stays.items()):
            if not stays.keys() <= wanted:
                self._let_stay(key, {sub: stay for sub, stay in stays.items() if sub in wanted})

    def _let_stay(self, key: Key, stays: dict[Subscription, _Stay]) -> None:
        """Carry there what is to be carried there, and these."""
        self._stays.pop(key, None)
        if stays:
            self._stays[key] = stays
            self._moving.set()
        load, lines = self._loads[key], self._lines.get(key)
        streams = load.subscriptions.union(stays)
        if lines is None and streams:
            lines = self._lines[key] = Lines(
                key[1].label(key[0]),
                self._venue,
                lane=key[1],
                start=self._start,
                backoff=self._backoff,
                beside=self._others,
            )
        if lines is not None:
            doubled = self._doubled({sub.symbol for sub in streams})
            lines.carry(Load(streams, load.timeouts), doubled)
        if not streams:
            self._lines.pop(key, None)
            del self._loads[key]

    # -- what is ----------------------------------------------------------------------------------

    def shares(self) -> Iterator[Share]:
        """What the connections carry, each line for itself."""
        for _, lines in sorted(self._lines.items()):
            yield from lines

    @property
    def numbers(self) -> set[int]:
        """Those of the shares that have a connection, for whatever stays there too."""
        return {number for number, _ in self._lines}

    @property
    def count(self) -> int:
        """How many connections there are to be, but for those for what only stays there."""
        return sum(
            bool(share.load.subscriptions & self._loads[key].subscriptions)
            for key, lines in self._lines.items()
            for share in lines
        )

    @property
    def carried_first(self) -> frozenset[Subscription]:
        """What the first lines deliver."""
        return frozenset().union(*(lines.carried_first for lines in self._lines.values()))

    def staying(self) -> dict[int, set[str]]:
        """By number of a share, the symbols of which something stays there for now."""
        found: dict[int, set[str]] = {}
        for (number, _), stays in self._stays.items():
            found.setdefault(number, set()).update(sub.symbol for sub in stays)
        return found

    # -- what stays -------------------------------------------------------------------------------

    def _look(self, now: float) -> None:
        """End what the others deliver, or what has stayed for too long."""
        delivered = self._delivered(frozenset().union(*self._stays.values()))
        now_ns = self._venue.clock.now_ns()
        for key, stays in list(self._stays.items()):
            lines = self._lines[key]
            here = frozenset().union(*(each.carried for each in lines))
            heard = [each.heard_ns for each in lines]
            heard_ns = min((each for each in heard if each is not None), default=now_ns)
            over = {
                sub
                for sub, stay in stays.items()
                if (sub in delivered and sub not in here)  # it has nothing on its way here
                or stay.is_over(now, now_ns, heard_ns, delivered=sub in delivered)
            }
            if over:
                self._leave(key, frozenset(over))
                self._let_stay(key, {sub: stay for sub, stay in stays.items() if sub not in over})

    def _delivered(self, streams: frozenset[Subscription]) -> frozenset[Subscription]:
        """Which of these are delivered on all lines on which they are to be."""
        found, missing = set[Subscription](), set[Subscription]()
        for key, lines in self._lines.items():
            mine = self._loads[key].subscriptions & streams
            for share in lines if mine else ():
                asked = share.load.subscriptions & mine
                found |= asked
                missing |= asked - share.carried
        return frozenset(found - missing)

    def _leave(self, key: Key, streams: frozenset[Subscription]) -> None:
        """Tell what follows when these end on this share."""
        for old in self._lines[key]:
            mine = old.load.subscriptions & streams
            for other in self._others(old):
                if other.load.subscriptions & mine:
                    other.take_over(old)
            self._venue.mark(self._interrupted(mine - self._carried_beside(old)), old.line)

    def _interrupted(self, streams: frozenset[Subscription]) -> list[Interrupted]:
        symbols = self._venue.instruments.of(self._venue.exchange.name)
        now_ns = self._venue.clock.now_ns()
        pairs = streams_of(sorted(streams), symbols)
        return [Interrupted(*pair, now_ns, Cause.MOVED) for pair in pairs]

    def _others(self, share: Share) -> Iterator[Share]:
        """Those of its line."""
        return (each for each in self.shares() if each is not share and each.line == share.line)

    def _carried_beside(self, share: Share) -> frozenset[Subscription]:
        """What the other shares of its line deliver."""
        return frozenset().union(*(each.carried for each in self._others(share)))
