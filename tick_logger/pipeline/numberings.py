"""The numberings of one instrument's trades, whose ids rise by one until they begin again.

Trades come in the order of their event times, which rise with the ids.  So an id that was seen, or
one below all others, is that of an old trade if its time is old, too.  With a time newer than those
it is another trade: either ids have begun again, or it is a stray.  Which of the two shows by what
follows: the new numbering goes on from there, or the old one goes on as if nothing had been.  Until
then such a trade is in doubt, and moves nothing.

Trades of the old numbering may come late, on a connection that lags behind.  Their times tell them
from those of the new one; so the numberings before the present one are kept, too.  A trade whose
time tells nothing has `NO_TIME` here: then its id alone decides, by the present numbering.

An id far above all others, or below, is doubted in the same way (`model.id_jumps`).

Invariant: no hole reaches from one numbering into another, and a stray makes none.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

import attrs

from tick_logger.model.flush import IdRun
from tick_logger.model.id_jumps import is_believable
from tick_logger.model.tables import NO_TIME
from tick_logger.pipeline.id_line import (
    BegunAgain,
    Finding,
    HoleFilled,
    HoleOpened,
    IdLine,
    Place,
    Range,
    Stray,
    cut,
)

MAX_PAST = 8
"""Numberings before the present one: many more than an exchange begins within what a connection
that lags behind delivers late."""

ENOUGH_IN_DOUBT = 3
"""So many trades in doubt that rise are a numbering, though no two of them are adjacent."""

MAX_OUTSIDERS = 16
"""Trades in doubt and strays that are remembered, so that they are known when they come again."""

FOR_EVER = 2**63 - 1

MAX_ECHO_NS = 5 * 10**9
"""For so long after ids have begun again, the newest id of the old numbering may still be told."""


@attrs.frozen
class Outsider:
    """A trade that is part of no numbering, and what was the highest id of its own before it."""

    id: int
    event_ns: int
    recv_ns: int
    before_id: int
    before_ns: int  # received


@attrs.frozen
class Piece:
    """Trades with adjacent ids `first` to `last`, in the order of their event times.

    `events` and `recv` are the times of each, or of the first and the last alone.
    """

    first: int
    last: int
    events: Sequence[int]
    recv: Sequence[int]

    @classmethod
    def of_run(cls, run: IdRun) -> Piece:
        """A piece of which only the times of both ends are known."""
        events = run.first_event_ns, run.last_event_ns
        return cls(run.first, run.last, events, (run.first_recv_ns, run.last_recv_ns))

    def times(self, id_: int) -> tuple[int, int]:
        """Event and receive time of one of its trades; those of the last where none are known."""
        at = min(id_ - self.first, len(self.events) - 1)
        return self.events[at], self.recv[at]

    def reach(self, last: int, event_ns: int) -> int:
        """The last id up to `last` whose event is not after `event_ns`; at least the first id."""
        if self.times(last)[0] <= event_ns:
            return last
        return max(self.first, min(last, self.first + bisect_right(self.events, event_ns) - 1))

    def until(self, last: int) -> Piece:
        """The ids up to `last`."""
        count = last - self.first + 1
        if last == self.last:
            return self
        if count < len(self.events):
            return Piece(self.first, last, self.events[:count], self.recv[:count])
        return attrs.evolve(self, last=last)

    def after(self, last: int) -> Piece | None:
        """The ids behind `last`, if there are any."""
        if last == self.last:
            return None
        start = min(last - self.first + 1, len(self.events) - 1)
        return Piece(last + 1, self.last, self.events[start:], self.recv[start:])


@attrs.define
class Numberings:
    """The present numbering, those before it (oldest first), and what is in doubt."""

    line: IdLine
    past: list[IdLine] = attrs.field(factory=list)
    doubtful: list[Outsider] = attrs.field(factory=list)  # by id
    outsiders: list[Outsider] = attrs.field(factory=list)  # in order of receipt

    @classmethod
    def begin(cls, instrument: int, piece: Piece) -> Numberings:
        """With the first trades of all."""
        return cls(_line(instrument, piece, 0))

    def goes_on(self, first: int, last: int, first_ns: int, last_ns: int, recv_ns: int) -> bool:
        """Take trades that follow the highest id, unless they need a closer look.

        `first_ns` and `last_ns` are their first and last event times, `recv_ns` when the last came.
        """
        line = self.line
        if first != line.high + 1 or not self.lies_behind(first, first_ns):
            return False
        line.high, line.high_recv_ns = last, recv_ns
        line.high_event_ns = max(line.high_event_ns, last_ns)
        if last_ns != NO_TIME:
            line.timed_last = last
        return True

    def lies_behind(self, id_: int, event_ns: int) -> bool:
        """Whether a trade, and all with higher ids after it, can only be behind all others."""
        # Where there is a numbering before, a trade of the very moment may be its last.
        begun = event_ns >= self.line.low_event_ns + bool(self.past)
        return id_ > self.line.high and begun and not self.doubtful

    def admit(
        self, piece: Piece, released_ns: int, findings: list[Finding]
    ) -> Iterator[tuple[int, bool]]:
        """How many of the trades are new or not, in order; `findings` grow with them.

        A trade that was there before is at most as new as `released_ns`, the newest event time
        that has left the reorder window; all others are compared before.
        """
        rest: Piece | None = piece
        while rest is not None:
            last, new = self._head(rest, released_ns, findings)
            assert rest.first <= last <= rest.last, "trades of another piece"
            yield last - rest.first + 1, new
            rest = rest.after(last)

    def announce(self, newest_id: int, at_ns: int) -> HoleOpened | None:
        """The exchange says, at `at_ns`, that it has had this trade: what is missing up to it."""
        line = self.line
        if self.past:
            before, began_ns = self.past[-1], self.line.low_recv_ns
            if at_ns < began_ns:
                line = before
            elif line.high < newest_id <= before.high and at_ns < began_ns + MAX_ECHO_NS:
                return None
        if newest_id <= line.high:
            if newest_id == line.high:  # so nothing was missed up to now
                line.high_recv_ns = max(line.high_recv_ns, at_ns)
            return None
        if not is_believable(newest_id - line.high, at_ns - line.high_recv_ns):
            return None  # should trades go on from there, they will say that ids began again
        opened = line.open(line.high + 1, newest_id, line.high_recv_ns, at_ns)
        line.high, line.high_recv_ns = newest_id, at_ns
        return opened

    def refill(self, id_: int, event_ns: int) -> tuple[Place, int]:
        """Where an id lies, by the time of its trade, and in which numbering; a hole is filled.

        What lies behind all of a past numbering the stream will not bring any more: it is told as
        lying before the present one.
        """
        line, _ = self._line_of(id_, event_ns)
        place, _ = line.place(id_)
        if place is Place.AFTER and line is not self.line:
            return Place.BEFORE, line.number
        if place is Place.HOLE:
            cut(line.holes, id_, id_)
        return place, line.number

    def places(self, ids: Range) -> list[tuple[Range, Place, int]]:
        """Where ids lie, part by part, in the newest numbering that reaches some of them."""
        first, last = ids
        for line in (self.line, *reversed(self.past)):
            if first <= line.high and line.low <= last:
                break
        else:
            return [(ids, Place.BEFORE, 0)]
        parts: list[tuple[Range, Place, int]] = []
        while first <= last:
            place, end = line.place(first)
            end = last if end is None else min(last, end)
            parts.append(((first, end), place, line.number))
            first = end + 1
        return parts

    def _head(self, piece: Piece, released_ns: int, findings: list[Finding]) -> tuple[int, bool]:
        """The last of the first trades that are of one kind, and whether they are new."""
        id_, (event, _) = piece.first, piece.times(piece.first)
        outsiders = {each.id: each.event_ns for each in self.outsiders}
        if event <= released_ns and outsiders.get(id_) == event:
            return id_, False
        line, until_ns = self._line_of(id_, event)
        place, end = line.place(id_)
        last = min([piece.last, *(each - 1 for each in outsiders if each > id_)])
        last = last if end is None else min(last, end)
        last = piece.reach(last, until_ns)
        if place is Place.SEEN and event <= released_ns:
            return piece.reach(last, released_ns), False
        if place is Place.HOLE and end is not None and not line.is_beyond_times(end):
            last = piece.reach(last, line.high_event_ns)
        if not _fits(line, place, end, event) or _leaps(line, place, piece):
            return self._outside(line, piece.until(last), findings), True
        if line is self.line and place is not Place.BEFORE:
            self._goes_on(id_, event, findings)
        findings += _covered(line, piece.until(last))
        return last, True

    def _line_of(self, id_: int, event_ns: int) -> tuple[IdLine, int]:
        """The numbering to which a trade of this time belongs, and until when it lasts."""
        line, until_ns = self.line, FOR_EVER
        if event_ns == NO_TIME:
            return line, event_ns
        for before in reversed(self.past):
            if event_ns > line.low_event_ns:
                break
            if event_ns == line.low_event_ns:
                belongs_before = id_ > before.high and id_ - before.high < id_ - line.high
            else:
                belongs_before = id_ >= line.low or event_ns <= before.high_event_ns
            if not belongs_before:
                break
            line, until_ns = before, max(event_ns, line.low_event_ns - 1)
        return line, until_ns

    def _goes_on(self, id_: int, event_ns: int, findings: list[Finding]) -> None:
        """The present numbering goes on: what was in doubt before that was a stray."""
        newest_ns = max((each.event_ns for each in self.doubtful), default=event_ns)
        # Of the very moment: others may show yet that ids began again, but not with the last one.
        is_next = all(each.id == self.line.high == id_ - 1 for each in self.doubtful)
        decided = event_ns > newest_ns or (event_ns == newest_ns and is_next)
        if self.doubtful and (decided or event_ns == NO_TIME):
            self._give_up_doubtful(findings)

    def _give_up_doubtful(self, findings: list[Finding]) -> None:
        findings += (_stray(self.line.instrument, each) for each in self.doubtful)
        self.doubtful = []

    def _outside(self, line: IdLine, piece: Piece, findings: list[Finding]) -> int:
        """Take trades that fit nowhere in their numbering; returns the last of those taken."""
        before = line.high, line.high_recv_ns
        first = Outsider(piece.first, *piece.times(piece.first), *before)
        if line is not self.line:
            self._remember(first)
            findings.append(_stray(line.instrument, first))
            return first.id
        if not self._rises_with_doubtful(first):
            self._give_up_doubtful(findings)
        known = self.doubtful
        adjacent = piece.last > first.id or any(abs(each.id - first.id) == 1 for each in known)
        if not adjacent and len(known) + 1 < ENOUGH_IN_DOUBT:
            self._remember(first)
            self.doubtful = sorted([*known, first], key=lambda each: each.id)
            return first.id
        end = min([piece.last, *(each.id - 1 for each in known if each.id > first.id)])
        self._begin_again(piece.until(end), findings)
        return end

    def _rises_with_doubtful(self, trade: Outsider) -> bool:
        """Whether times and ids of this and of those in doubt rise together."""
        earlier = [each.event_ns for each in self.doubtful if each.id < trade.id]
        later = [each.event_ns for each in self.doubtful if each.id > trade.id]
        if len(earlier) + len(later) < len(self.doubtful):
            return False  # one has this id
        return (
            max(earlier, default=trade.event_ns)
            <= trade.event_ns
            <= min(later, default=trade.event_ns)
        )

    def _begin_again(self, piece: Piece, findings: list[Finding]) -> None:
        """Let the trades in doubt and these be the present numbering."""
        before = self.line
        singles = [Piece(o.id, o.id, (o.event_ns,), (o.recv_ns,)) for o in self.doubtful]
        pieces = sorted([*singles, piece], key=lambda each: each.first)
        self.line = _line(before.instrument, pieces[0], before.number + 1)
        if self.line.low_event_ns == NO_TIME != before.high_event_ns:
            # Its first trade tells no time, but it is behind all of the numbering before.
            self.line.low_event_ns = before.high_event_ns + 1
            self.line.high_event_ns = max(self.line.high_event_ns, self.line.low_event_ns)
        findings.append(
            BegunAgain(
                before.instrument,
                before.high,
                self.line.low,
                before.high_recv_ns,
                self.line.low_recv_ns,
            )
        )
        findings += _never_missing(before, self.line)
        for each in pieces[1:]:
            findings += _covered(self.line, each)
        self.past = [*self.past, before][-MAX_PAST:]
        self.doubtful = []

    def _remember(self, trade: Outsider) -> None:
        self.outsiders = [*self.outsiders, trade][-MAX_OUTSIDERS:]


def _fits(line: IdLine, place: Place, end: int | None, event_ns: int) -> bool:
    """Whether a trade of this time has its place in the numbering, as one that was not seen."""
    match place:
        case Place.AFTER:
            return True
        case Place.HOLE:
            assert end is not None, "a hole has an end"
            return line.is_beyond_times(end) or event_ns <= line.high_event_ns
        case Place.BEFORE:
            return event_ns <= line.low_event_ns
        case Place.SEEN:
            return False


def _leaps(line: IdLine, place: Place, piece: Piece) -> bool:
    """Whether more ids would be missing beside the trades than can have been given."""
    _, recv_ns = piece.times(piece.first)
    if place is Place.AFTER:
        return not is_believable(piece.first - line.high - 1, recv_ns - line.high_recv_ns)
    if place is Place.BEFORE:
        return not is_believable(line.low - piece.last - 1, line.low_recv_ns - recv_ns)
    return False


def _line(instrument: int, piece: Piece, number: int) -> IdLine:
    (low_event, low_recv), (high_event, high_recv) = map(piece.times, (piece.first, piece.last))
    ids, times = (piece.first, piece.last), (low_event, high_event, low_recv, high_recv)
    timed_last = piece.first - 1 if high_event == NO_TIME else piece.last
    return IdLine(instrument, *ids, *times, number, timed_last)


def _never_missing(before: IdLine, begun: IdLine) -> list[Finding]:
    """The hole of the numbering before in whose place another one begins, if there is one.

    A trade without a time with which ids begin again is taken, by its id alone, for one before all
    others of the present numbering.  The ids between are called missing, until those that follow it
    have times that tell of another numbering: that begins where the hole begins by now, or a little
    behind that, where its first trades were lost.
    """
    end = before.unsure_last
    if before.place(begun.low) != (Place.HOLE, end):
        return []
    cut(before.holes, begun.low, end)
    ids = before.instrument, begun.low, end
    return [HoleFilled(*ids, begun.low_recv_ns, before.number, never_were=True)]


def _covered(line: IdLine, piece: Piece) -> list[Finding]:
    events, recv = zip(piece.times(piece.first), piece.times(piece.last), strict=True)
    return line.cover((piece.first, piece.last), events, recv)


def _stray(instrument: int, trade: Outsider) -> Stray:
    return Stray(instrument, trade.before_id, trade.id, trade.before_ns, trade.recv_ns)
