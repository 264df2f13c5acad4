"""The share of some symbols at one address of a venue, on one line or on two.

Both lines carry the same, so that each fills what the other lacks; what that is, is told from the
marks of both (`pipeline.coverage`).  Feeds of which two cannot be told to be one (`Twins.LED`) are
carried by one line, which leads.  When its connection ends the other asks for them at once, on the
connection that it has.

Invariant: a line that no longer carries something which is still wanted has been told to lack it.

Not here: the connections of one line (`share`), and which symbols these are (`plan`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from tick_logger.exchanges.base import Subscription
from tick_logger.model.cause import Cause
from tick_logger.model.marks import Interrupted
from tick_logger.model.routes import FIRST_LINE, LINES, label_of
from tick_logger.net.connection.accesses import Lane
from tick_logger.net.connection.context import VenueContext
from tick_logger.net.intake.arrivals import streams_of
from tick_logger.net.pace import Backoff
from tick_logger.net.venue.share import Load, Share
from tick_logger.net.venue.waiting import Turns
from tick_logger.telemetry.logs import get_logger

NO_SYMBOLS: frozenset[str] = frozenset()


class Lines:
    """The shares that carry the same load; `start` runs one, `backoff` makes one for each.

    `beside` names the other shares of its line.
    """

    def __init__(
        self,
        label: str,
        venue: VenueContext,
        *,
        lane: Lane,
        start: Callable[[Share], None],
        backoff: Callable[[], Backoff],
        beside: Callable[[Share], Iterable[Share]] = lambda _: (),
    ) -> None:
        self._beside = beside
        self._label = label
        self._venue = venue
        self._lane = lane
        self._start = start
        self._backoff = backoff
        self._shares: dict[int, Share] = {}
        self._load: Load | None = None
        self._doubled = NO_SYMBOLS
        self._leader = FIRST_LINE
        self._turns = Turns()
        self._log = get_logger().bind(exchange=venue.exchange.name, connection=label)

    def __iter__(self) -> Iterator[Share]:
        return iter([share for _, share in sorted(self._shares.items())])

    def carry(self, load: Load, doubled: frozenset[str]) -> None:
        """Carry this from now on, and on both lines what of it is of `doubled` symbols."""
        self._load, self._doubled = load, doubled
        if not self._shared(load):
            self._leader = FIRST_LINE
        self._arrange()

    @property
    def carried_first(self) -> frozenset[Subscription]:
        """What the first line delivers."""
        share = self._shares.get(FIRST_LINE)
        return frozenset() if share is None else share.carried

    def _shared(self, load: Load) -> frozenset[Subscription]:
        return frozenset(sub for sub in load.subscriptions if sub.symbol in self._doubled)

    def _of(self, line: int, load: Load) -> Load:
        """What a line carries of it."""
        shared = self._shared(load)
        led = {sub for sub in shared if sub.feed in self._venue.exchange.led_feeds}
        mine = load.subscriptions if line == FIRST_LINE else shared
        return Load(mine if line == self._leader else mine.difference(led), load.timeouts)

    def _arrange(self) -> None:
        load = self._load
        assert load is not None, "there is something to carry"
        for line in LINES:
            self._give(line, self._of(line, load), load)

    def _give(self, line: int, mine: Load, whole: Load) -> None:
        """Start, change or end the share of a line, so that it carries this."""
        share = self._shares.get(line)
        before = share.load.subscriptions if share is not None else frozenset[Subscription]()
        self._leave(line, (before - mine.subscriptions) & whole.subscriptions)
        if share is not None:
            share.retarget(mine)  # if it is empty: rows that it still receives are not wanted
            if not mine.subscriptions:
                del self._shares[line]
                share.scope.cancel("no symbols left")
                self._venue.reach.forget(share.label)
        elif mine.subscriptions:
            label = label_of(self._label, line)
            self._shares[line] = Share(
                *(label, self._venue, mine, self._backoff()),
                lane=self._lane,
                turns=self._turns,
                changed=self._changed,
                beside=self._beside,
            )
            self._start(self._shares[line])

    def _leave(self, line: int, left: frozenset[Subscription]) -> None:
        """These are carried by the other line alone from now on."""
        symbols = self._venue.instruments.of(self._venue.exchange.name)
        for streams in streams_of(sorted(left), symbols):
            now_ns = self._venue.clock.now_ns()
            self._venue.intake.mark(Interrupted(*streams, now_ns, Cause.MOVED, line))

    def _changed(self) -> None:
        """Let the other line lead, if the one that leads has no connection."""
        leader = self._shares.get(self._leader)
        others = [line for line, each in self._shares.items() if each is not leader and each.is_up]
        if leader is None or leader.is_alive or not leader.was_lost or not others:
            return  # it leads, or is about to
        if not any(sub.feed in self._venue.exchange.led_feeds for sub in leader.load.subscriptions):
            return
        assert self._load is not None, "a share carries something"
        self._leader = others[0]
        self._log.info(
            "leads",
            line=self._leader,
            explanation="books that only one line carries are asked for on the other, "
            "because the connection that had them has ended",
        )
        self._arrange()
