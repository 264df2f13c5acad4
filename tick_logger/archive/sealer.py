"""The task that seals days when they are due, and certifies them, again when they got better.

    over for `seal_after_secs` -> sealed -> certified -> looked at again, hourly and then daily

Invariant: a day is certified only after a checkpoint knows that it is sealed.  A day that cannot be
certified now keeps no other from it, and is tried again; data is never touched.

Not here: what a certificate says (`certifying`), and how often one may follow another (`due`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Protocol

import attrs
import trio

from tick_logger.archive.certificate import Certificate, read
from tick_logger.archive.certifying import (
    Place,
    Surveyed,
    Told,
    certified_days,
    days_there,
    has_changed,
    readable,
    survey,
    write,
)
from tick_logger.archive.due import (
    MOST_DAYS_WATCHED,
    NS_PER_HOUR,
    due_days,
    next_ns,
    withheld,
)
from tick_logger.archive.keys import date_text
from tick_logger.archive.ledger import Day
from tick_logger.archive.signing import EnvelopeError
from tick_logger.clock import WallClock
from tick_logger.errors import words_of
from tick_logger.model.times import NS_PER_DAY, day_of
from tick_logger.offload import Offload
from tick_logger.telemetry.logs import get_logger

LOOK_SECS = 60.0
"""Between two rounds, most of which find by the clock alone that nothing is due."""

DOUBT_SECS = 3_600.0
"""After a start without any exchange's time, and after this machine's clock was set.  What is
recorded shows its time within minutes, but for the quietest."""

MOST_AT_ONCE = 64
"""Days that are looked at before one checkpoint, after which all are written; what was seen of them
is in memory meanwhile."""

WITHHELD_NS = NS_PER_HOUR // 12
"""Until it is looked again whether a day that was not over by its exchange's clock is."""

SET_NS = 300 * 10**9
"""A clock that gains more from round to round was set; less ends no day before its time, as days
are sealed later than at their end."""

RETRY_NS = NS_PER_HOUR
"""After a day could not be certified; also after this, folders are listed again."""


class SealPort(Protocol):
    """Who seals days of a recording; see `recording.seals`."""

    async def seal(self, exchange: str, day: int) -> None:
        """Seal the days up to this one, and return when a checkpoint knows it."""
        ...

    async def settled(self) -> None:
        """Return when all that is on disk now is safe there."""
        ...


class Others:
    """What others know of days (counted since 1970-01-01), and hear of them; here nobody is."""

    def venue_ns(self, exchange: str, now_ns: int) -> int | None:
        """An exchange's own time when it is `now_ns` here; None as long as nobody can know."""
        return now_ns

    def withheld(self, exchange: str, day: int) -> None:
        """A day is due by this machine's clock, and not over by the exchange's; heard once."""

    def told(self, exchange: str, day: int) -> Told:
        """What is known of a day beside its files; asked before each certificate."""
        return Told()

    def certified(self, exchange: str, day: int, certificate: Certificate) -> None:
        """A day has a newest certificate; those that there were at the start are heard of too."""


NOBODY = Others()


class Sealer:
    """Seals and certifies the days of one recorded directory.

    A clock that was set to another day must end none: a day is sealed that is over by its
    exchange's clock too (`Others.venue_ns`).  After `DOUBT_SECS` without any, ours is believed.
    """

    def __init__(
        self,
        place: Place,
        seals: SealPort,
        *,
        clock: WallClock,
        offload: Offload,
        seal_after_secs: float,
        others: Others = NOBODY,
    ) -> None:
        self._place = place
        self._seals = seals
        self._clock = clock
        self._offload = offload
        self._after_secs = seal_after_secs
        self._believed_at = float("inf")
        self._is_alone = False
        self._doubtful_until = float("-inf")
        self._looked: tuple[int, float] | None = None  # wall clock and trio's, at the last round
        self._withheld: set[tuple[str, int]] = set()  # days of which that was said
        self._others = others
        self._list_at_ns = 0  # when folders are to be listed again
        self._watched: dict[tuple[str, int], int] = {}  # by exchange and day: when to look again
        self._known: set[str] = set()  # exchanges whose newest certificate was told
        self._log = get_logger()

    async def run(self) -> None:
        """Round after round, until cancelled.

        Cancellation: at once; see `survey`.
        """
        self._believed_at = trio.current_time() + DOUBT_SECS
        self._is_doubtful(self._clock.now_ns())
        while True:
            await trio.sleep(LOOK_SECS)  # at first too: what was recorded last comes first
            await self.round()

    def believe_this_clock(self) -> None:
        """No exchange will show its time: nothing is received."""
        self._is_alone = True

    async def round(self) -> None:
        """Do what is due now; what fails is logged, and due again later."""
        now_ns = self._clock.now_ns()
        is_doubtful = self._is_doubtful(now_ns)
        try:
            if now_ns >= self._list_at_ns and not is_doubtful:
                retry_ns = await self._seal_and_certify(now_ns)
                self._list_at_ns = min(now_ns + retry_ns, self._next_end_ns(now_ns))
        except OSError as error:
            self._log.warning("days_not_listed", reason=words_of(error))
            self._list_at_ns = now_ns + RETRY_NS
        due = [each for each, at_ns in sorted(self._watched.items()) if at_ns <= now_ns]
        await self._certify([each for each in due if await self._is_due_again(*each)])

    def _is_doubtful(self, now_ns: int) -> bool:
        """Whether our clock went ahead lately, by far more than time did.

        What exchanges showed may be from before that.
        """
        before, self._looked = self._looked, (now_ns, trio.current_time())
        if before is not None:
            passed_ns = round((self._looked[1] - before[1]) * 1e9)
            if now_ns - before[0] - passed_ns > SET_NS:
                self._doubtful_until = trio.current_time() + DOUBT_SECS
        return trio.current_time() < self._doubtful_until

    def _next_end_ns(self, now_ns: int) -> int:
        """When the next day is over for so long that it is due."""
        after_ns = round(self._after_secs * 1e9)
        return (day_of(now_ns - after_ns) + 1) * NS_PER_DAY + after_ns

    async def _seal_and_certify(self, now_ns: int) -> int:
        """Seal and certify what is due; how long after (ns) to list folders again."""
        found = await self._offload.run(partial(self._due, now_ns))
        due = self._over_there(found, now_ns)
        async with trio.open_nursery() as nursery:  # one checkpoint serves all
            for exchange, days in due.items():
                nursery.start_soon(self._seals.seal, exchange, days[-1])
        await self._certify([(exchange, day) for exchange, days in due.items() for day in days])
        return RETRY_NS if due == found else WITHHELD_NS

    def _over_there(self, due: Mapping[str, list[int]], now_ns: int) -> Mapping[str, list[int]]:
        """Those of the due days that are over by the clocks of their exchanges as well."""
        over = {}
        for exchange, days in due.items():
            venue_ns = self._others.venue_ns(exchange, now_ns)
            is_believed = self._is_alone or trio.current_time() >= self._believed_at
            if venue_ns is None and is_believed:
                venue_ns = now_ns
            waiting = withheld(days, venue_ns)
            for day in waiting:
                self._withhold(exchange, day, venue_ns)
            if len(waiting) < len(days):
                over[exchange] = [day for day in days if day not in waiting]
        return over

    def _withhold(self, exchange: str, day: int, venue_ns: int | None) -> None:
        if (exchange, day) in self._withheld:
            return
        self._withheld.add((exchange, day))
        self._others.withheld(exchange, day)
        behind = None if venue_ns is None else round((self._clock.now_ns() - venue_ns) / 1e9)
        self._log.warning(
            "seal_withheld",
            exchange=exchange,
            day=date_text(day),
            behind_secs=behind,
            explanation="by the exchange's clock, or for all that is known of it yet, the day is "
            "not over; this machine's clock may be wrong",
        )

    def _due(self, now_ns: int) -> Mapping[str, list[int]]:
        """By exchange the days that want a certificate; and takes note of those that have one."""
        due = {}
        source = self._place.source().glance()
        for exchange in filter(None, source.exchanges()):
            there = certified_days(self._place.files, exchange)
            self._watch(exchange, there, now_ns)
            days = due_days(days_there(source, exchange), there, now_ns, self._after_secs)
            if days:
                due[exchange] = days
        return due

    def _watch(self, exchange: str, days: Iterable[int], now_ns: int) -> None:
        since = day_of(now_ns) - MOST_DAYS_WATCHED
        for day in days:
            if day >= since:
                self._watched.setdefault((exchange, day), now_ns)
        old = [each for each in self._watched if each[1] < since]
        for each in old:
            del self._watched[each]
        if exchange not in self._known and (newest := max(days, default=None)) is not None:
            self._known.add(exchange)
            certificate = readable(self._place.files, exchange, newest)
            if certificate is not None:
                self._others.certified(exchange, newest, certificate)

    async def _certify(self, days: Sequence[Day]) -> None:
        """Certify days, in order; many of them wait for one checkpoint together."""
        for begin in range(0, len(days), MOST_AT_ONCE):
            some = [await self._survey(*each) for each in days[begin : begin + MOST_AT_ONCE]]
            await self._seals.settled()
            for found in filter(None, some):
                await self._write(found)

    async def _survey(self, exchange: str, day: int) -> Surveyed | None:
        """Look at a day; None if that does not work now."""
        told = self._others.told(exchange, day)
        self._watched[exchange, day] = self._clock.now_ns() + RETRY_NS
        try:
            return await survey(self._place, exchange, day, told, self._offload)
        except OSError as error:
            self._not_certified(exchange, day, error)
            return None

    async def _write(self, surveyed: Surveyed) -> None:
        exchange, day = surveyed.exchange, surveyed.day
        now_ns = self._clock.now_ns()
        try:
            found = await self._offload.run(lambda: write(self._place, surveyed, now_ns))
        except OSError as error:
            self._not_certified(exchange, day, error)
            return
        if found is not None:
            condition = found.predicate["condition"]
            self._log.info(
                "day_certified",
                exchange=exchange,
                day=date_text(day),
                number=found.number,
                condition=condition,
                signed=bool(found.key_ids),
            )
            self._known.add(exchange)
            self._others.certified(exchange, day, found)

    def _not_certified(self, exchange: str, day: int, error: OSError) -> None:
        reason, date = words_of(error), date_text(day)
        self._log.warning("day_not_certified", exchange=exchange, day=date, reason=reason)

    async def _is_due_again(self, exchange: str, day: int) -> bool:
        """Whether there is something new of a day, and a certificate may follow by now."""
        now_ns, told = self._clock.now_ns(), self._others.told(exchange, day)
        try:
            look = partial(_look_again, self._place, exchange, day, told, now_ns)
            again = await self._offload.run(look)
        except OSError as error:
            self._not_certified(exchange, day, error)
            self._watched[exchange, day] = now_ns + RETRY_NS
            return False
        self._watched[exchange, day] = again.at_ns
        return again.is_due


def anything_due(
    place: Place, now_ns: int, seal_after_secs: float, others: Others = NOBODY
) -> bool:
    """Whether a round would seal or certify anything of a directory at rest; raises `OSError`."""
    source = place.source().glance()
    since = day_of(now_ns) - MOST_DAYS_WATCHED
    for exchange in filter(None, source.exchanges()):
        there = certified_days(place.files, exchange)
        if due_days(days_there(source, exchange), there, now_ns, seal_after_secs):
            return True
        for day in sorted(there):
            told = others.told(exchange, day)
            if day >= since and _look_again(place, exchange, day, told, now_ns).is_due:
                return True
    return False


@attrs.frozen
class _Again:
    """When to look at a day again, and whether a certificate is due now."""

    at_ns: int
    is_due: bool = False


def _look_again(place: Place, exchange: str, day: int, told: Told, now_ns: int) -> _Again:
    """In a thread; raises `OSError`."""
    newest = readable(place.files, exchange, day)
    if newest is None:  # damaged, which `verify` tells of; a new one says what there is now
        return _Again(now_ns + RETRY_NS, is_due=True)
    newest_ns = int(newest.predicate["made_at_ns"])
    first_ns = _first_ns(place, exchange, day, newest_ns)
    may_ns = next_ns(first_ns, newest_ns)
    if now_ns < may_ns:
        return _Again(may_ns)
    is_due = has_changed(place, exchange, day, newest, told, now_ns=now_ns)
    return _Again(next_ns(first_ns, now_ns), is_due)


def _first_ns(place: Place, exchange: str, day: int, newest_ns: int) -> int:
    """When the first certificate was made; the newest, where the first cannot be read."""
    try:
        return int(read(place.files, exchange, day, 1).predicate["made_at_ns"])
    except EnvelopeError:
        return newest_ns
