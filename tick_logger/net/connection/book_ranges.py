"""Books whose updates carry ranges of ids that join, and whose snapshots are fetched by REST.

The first update of a book on a connection asks for a snapshot.  Ids that do not join are a proven
hole, and break the book: another snapshot is asked for.  A snapshot joins if it is not older than
the first update since the last hole, nor than any update that may have left already, whichever
connection brought it.

While one connection takes over from another, both follow a book.  What the other has received is no
hole; and when the other ends, the book goes on here without one if its updates join.

Where a book comes on two lines, one may be behind the other: what it lacks is told at once and may
come there in a moment, so that a snapshot is asked for only when it has not.  A connection whose
updates join those of a whole book on the other line needs no snapshot of its own; if they do not
join, the other line may be behind, or may have brought nothing for a while.

Pure: `rest.snapshots` fetches.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs

from tick_logger.exchanges.base import BookBroken, BookLink
from tick_logger.model.cause import Cause
from tick_logger.model.marks import AwaitSnapshot, Doubt, Lapse, Mark, MissingIds
from tick_logger.model.routes import FIRST_LINE
from tick_logger.model.tables import Table
from tick_logger.net.connection.following import (
    NOTHING,
    BookEvent,
    BookFollower,
    Judgement,
    Verdict,
)

BEGUN_AGAIN_BEHIND = 1_000
"""An update so far behind the newest is no resend: the venue's ids have begun again."""


@attrs.frozen
class _Doubt:
    """Ids that this connection lacks, and that the other line may bring."""

    hole: MissingIds
    link: BookLink
    recv_ns: int
    is_told: bool = True  # else a connection begins there, which nobody calls a hole


@attrs.define
class Held:
    """The updates of one book that came since its last hole."""

    first_id: int
    last_id: int
    last_ns: int
    needed_id: int  # a snapshot that is older is of no use
    began_id: int  # the first of this connection
    began_ns: int
    awaiting: bool = False  # a snapshot
    passing: bool = False  # its rows do not wait for that: another's snapshot came
    whole: bool = False  # with what came before, on this connection or another
    whole_ns: int = 0  # since when
    snapshot_id: int = 0  # of the last snapshot, which may be ahead of the updates


class BookRanges(BookFollower):
    """The ranges of one connection's books; `all_here` are those of all connections of a venue."""

    mended_by_updates: ClassVar[bool] = True

    def __init__(self, all_here: list[BookRanges] | None = None, line: int = FIRST_LINE) -> None:
        super().__init__()
        self.line = line
        self._doubts: dict[int, list[_Doubt]] = {}
        self.held: dict[int, Held] = {}
        self.left: dict[int, Held] = {}
        """Of a connection whose books this one has taken over, until an update comes here."""
        self._all = [] if all_here is None else all_here
        self._all.append(self)

    def end(self) -> None:
        """The connection has ended, and brings nothing any more."""
        self._all.remove(self)

    def hear(self, event: BookEvent, recv_ns: int) -> Verdict:
        """Follow one update; snapshots are judged before they are taken, by `accepts`."""
        if isinstance(event, BookBroken):
            return self.broken(event.instrument, recv_ns)
        return self.link(event, recv_ns) if isinstance(event, BookLink) else NOTHING

    def broken(self, instrument: int, recv_ns: int) -> Verdict:
        """An update was not understood: its ids are not known, so that the next begins anew.

        That one asks for a snapshot; an older one would be of no use.
        """
        if self.held.pop(instrument, None) is None:
            return NOTHING
        return Verdict((AwaitSnapshot(instrument, recv_ns, broken=True),))

    def link(self, link: BookLink, recv_ns: int) -> Verdict:
        """Whether an update joins those before it."""
        number = link.instrument
        held = self.held.get(number)
        if held is None:
            return self._begin(link, recv_ns)
        if link.last_id + BEGUN_AGAIN_BEHIND < held.last_id:
            self.judged[Judgement.RESET] += 1
            return self._begin_again(held, link, recv_ns)
        before_id, before_ns = held.last_id, held.last_ns
        held.last_id, held.last_ns = max(before_id, link.last_id), recv_ns
        first, last = before_id + 1, link.first_id - 1
        if first > last or self._came_elsewhere(number, first, last):
            return NOTHING
        held.first_id = link.first_id
        hole = MissingIds(number, Table.BOOK, first, last, before_ns, recv_ns, Cause.SEQUENCE)
        if self._on_other_line(number):
            hole = attrs.evolve(hole, doubt=Doubt.OPEN)
            self._doubts.setdefault(number, []).append(_Doubt(hole, link, recv_ns))
            return Verdict((hole,), doubtful=frozenset((number,)))
        return self._lost(held, link, recv_ns, last, hole)

    def _lost(self, held: Held, link: BookLink, recv_ns: int, last: int, *hole: Mark) -> Verdict:
        """The updates until `last` have come to nobody."""
        number = link.instrument
        held.whole &= last <= held.snapshot_id
        held.needed_id = max(last, self._newest(number, but=self))
        return self._broken(held, link, self._known_behind(number, last, recv_ns), *hole)

    def settle(self, instrument: int) -> Verdict:
        """What the other line was to bring, it has brought by now, or never will."""
        held, marks, fetch = self.held.get(instrument), list[Mark](), frozenset[int]()
        for doubt in self._doubts.pop(instrument, ()):
            first, last = doubt.hole.from_id, doubt.hole.to_id
            if self._came_elsewhere(instrument, first, last):
                marks += [attrs.evolve(doubt.hole, doubt=Doubt.VOID)] if doubt.is_told else []
                if held is not None and not doubt.is_told:
                    held.whole |= held.first_id == held.began_id
            elif held is not None and held.snapshot_id < last:
                verdict = self._lost(held, doubt.link, doubt.recv_ns, last)
                marks += verdict.marks
                fetch |= verdict.fetch
        return Verdict(tuple(marks), fetch=fetch)

    def accepts(self, instrument: int, snapshot_id: int) -> bool:
        """Whether a snapshot as of this update id joins the updates held."""
        held = self.held.get(instrument)
        return held is not None and snapshot_id >= held.needed_id

    def taken(self, instrument: int, snapshot_id: int, at_ns: int) -> None:
        """A snapshot that joins is in the stream: all connections that await one have it."""
        self._take(self.held[instrument], snapshot_id, at_ns)
        for other in self._all:
            if not other.awaits(instrument):
                continue
            if other.accepts(instrument, snapshot_id):
                self._take(other.held[instrument], snapshot_id, at_ns)
            else:
                other.held[instrument].passing = True

    def _take(self, held: Held, snapshot_id: int, at_ns: int) -> None:
        held.awaiting, held.whole, held.whole_ns = False, True, at_ns
        held.snapshot_id = snapshot_id

    def expect(self, instrument: int, *, in_time: bool) -> None:
        """If rows have not waited for the snapshot, it must not be older than they."""
        held = self.held.get(instrument)
        if held is not None and (held.passing or not in_time):
            held.needed_id, held.passing = max(held.needed_id, self._newest(instrument)), False

    def given_up(self, instrument: int) -> None:
        """The snapshot asked for will not come: the next hole asks again."""
        if instrument in self.held:
            self.held[instrument].awaiting = False

    def awaits(self, instrument: int) -> bool:
        """Whether a snapshot of this book would be of use."""
        held = self.held.get(instrument)
        return held is not None and held.awaiting

    def goes_on(self, instrument: int) -> bool:
        """Whether the book needs no snapshot to be right."""
        held = self.held.get(instrument)
        return held is not None and held.whole

    def drop(self, instrument: int) -> None:
        """The book is no longer subscribed."""
        self.held.pop(instrument, None)
        self.left.pop(instrument, None)
        self._doubts.pop(instrument, None)

    def take_over(self, ended: BookFollower, instruments: Sequence[int]) -> list[Mark]:
        """The other connection has ended; these books of both are carried by this one alone."""
        assert isinstance(ended, BookRanges), "a venue's books are all followed in one way"
        marks: list[Mark] = []
        for number in instruments:
            theirs = ended.held.get(number) or ended.left.get(number)
            mine = self.held.get(number)
            if theirs is None or not theirs.whole:
                continue  # it was broken there, or had not begun
            if mine is None:
                left = self.left.get(number, theirs)
                self.left[number] = max(left, theirs, key=lambda each: each.last_id)
            elif mine.began_id <= theirs.last_id + 1:
                mine.whole |= mine.first_id == mine.began_id
            elif not self._has_come(number, theirs, mine.began_id):
                marks += self._not_joined(number, theirs, mine)
        return marks

    # -- beginnings and holes ----------------------------------------------------------------------

    def _begin(self, link: BookLink, recv_ns: int) -> Verdict:
        """The first update of a book on this connection."""
        number, first = link.instrument, link.first_id
        needed = max(first - 1, self._newest(number, but=self))
        held = Held(first, link.last_id, recv_ns, needed, first, recv_ns)
        self.held[number] = held
        left = self.left.pop(number, None)
        if left is not None and not self._has_come(number, left, first):
            hole = _hole(number, left, held)
            return self._broken(held, link, recv_ns, hole)
        joins = left is not None and first <= left.last_id + 1
        held.whole = joins or self._joins_another(number, first)
        held.whole_ns = recv_ns
        if self._joins_another(number, first, line=True):
            return NOTHING
        behind = self._behind_on_other_line(number, first)
        if behind is not None:
            hole = _hole(number, behind, held)
            self._doubts[number] = [_Doubt(hole, link, recv_ns, is_told=False)]
            return Verdict(doubtful=frozenset((number,)))
        held.awaiting = True
        return Verdict((AwaitSnapshot(number, recv_ns, first),), fetch=frozenset((number,)))

    def _begin_again(self, held: Held, link: BookLink, recv_ns: int) -> Verdict:
        """The venue's ids have begun again: nothing says what came between."""
        held.first_id = held.began_id = link.first_id
        held.last_id, held.last_ns, held.needed_id = link.last_id, recv_ns, link.first_id - 1
        held.whole, held.snapshot_id = False, 0
        return self._broken(held, link, recv_ns)

    def _broken(self, held: Held, link: BookLink, recv_ns: int, *holes: Mark) -> Verdict:
        """The book is wrong from this update on; a snapshot is asked for unless one is awaited."""
        number = link.instrument
        asked = AwaitSnapshot(number, recv_ns, link.first_id, broken=True)
        fetch = frozenset[int]() if held.awaiting else frozenset((number,))
        held.awaiting, held.passing = True, False
        return Verdict((*holes, asked), fetch=fetch)

    def _not_joined(self, number: int, theirs: Held, mine: Held) -> list[Mark]:
        """Between the last update there and the first here some have come to neither."""
        hole = _hole(number, theirs, mine)
        if mine.whole:  # by a snapshot since
            lapse = Lapse((number,), (Table.BOOK,), mine.began_ns, mine.whole_ns, Cause.RESYNC)
            return [hole, lapse]
        return [hole, AwaitSnapshot(number, mine.began_ns, mine.began_id, broken=True)]

    # -- other connections -------------------------------------------------------------------------

    def _newest(self, number: int, but: BookRanges | None = None) -> int:
        """The newest id that any connection has brought."""
        held = (each.held.get(number) for each in self._all if each is not but)
        return max((each.last_id for each in held if each is not None), default=0)

    def _came_elsewhere(self, number: int, first: int, last: int) -> bool:
        """Whether another connection has brought all of these."""
        held = (each.held.get(number) for each in self._all if each is not self)
        return any(
            each is not None and each.first_id <= first and last <= each.last_id for each in held
        )

    def _known_behind(self, number: int, missing_id: int, recv_ns: int) -> int:
        """Since when updates behind this one are known: a connection may be ahead of the others."""
        held = (each.held.get(number) for each in self._all)
        began = [each.began_ns for each in held if each and each.began_id > missing_id]
        return min(recv_ns, *began) if began else recv_ns

    def _has_come(self, number: int, before: Held, first: int) -> bool:
        """Whether all has come to somebody that lies between these updates and one from here on."""
        return first <= before.last_id + 1 or self._came_elsewhere(
            number, before.last_id + 1, first - 1
        )

    def _on_other_line(self, number: int) -> bool:
        """Whether the book comes on the other line too."""
        return any(each.line != self.line and number in each.held for each in self._all)

    def _behind_on_other_line(self, number: int, first: int) -> Held | None:
        """A whole book of the other line that does not reach up to this update yet."""
        held = (each.held.get(number) for each in self._all if each.line != self.line)
        return next((h for h in held if h is not None and h.whole and h.last_id + 1 < first), None)

    def _joins_another(self, number: int, first: int, *, line: bool = False) -> bool:
        """Whether a whole book of another connection, or only of another line, goes on here."""
        others = (each for each in self._all if each is not self)
        held = (each.held.get(number) for each in others if not line or each.line != self.line)
        return any(
            each is not None and each.whole and each.first_id <= first <= each.last_id + 1
            for each in held
        )


def _hole(number: int, before: Held, after: Held) -> MissingIds:
    first, last = before.last_id + 1, after.began_id - 1
    return MissingIds(
        number, Table.BOOK, first, last, before.last_ns, after.began_ns, Cause.SEQUENCE
    )
