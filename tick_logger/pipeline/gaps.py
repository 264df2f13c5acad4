"""From interruptions and holes in ids to the records in the gaps files.

Two kinds of loss are told apart.  Where ids are dense, a hole in them is the proof, and an
interruption only names its cause: if the ids continue without a hole nothing was lost.  Where they
are not, the interruption itself is all that is known, and becomes a record when it ends.  So does
an interruption of dense ids when everything ends, if no id came after it.

Where ids begin again, they prove nothing about what lies between the two numberings: interruptions
that fell in there become records.  So they do where the first trade after them has the very id of
the last one before, for all that tells it from a stray may have been lost.  That ids began again,
or that one is a stray, has a record of its own, which is about no hole.

When a process ends, all streams stop.  That becomes an interruption if a later process uses the
stream again, and no record if none does: then nobody wanted the stream.

Invariant: an interruption is recorded at most once, however many processes it lasts.  Not here:
how long holes in ids are held back (`id_holes`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from tick_logger.model.cause import Cause
from tick_logger.model.flush import HEALED, VOID, GapRecord, OpenHole
from tick_logger.model.marks import Interrupted, Lapse, MissingIds, Resumed
from tick_logger.model.tables import Table
from tick_logger.pipeline.gap_records import (
    as_by_earlier_versions,
    begins_again,
    is_stray,
    record_from_plain,
    record_to_plain,
)
from tick_logger.pipeline.id_holes import GRACE_TICKS, IdHoles
from tick_logger.pipeline.id_line import BegunAgain, Finding, HoleFilled, HoleOpened, Stray
from tick_logger.pipeline.lapses import Lapses
from tick_logger.pipeline.lost_trades import LostTrades
from tick_logger.pipeline.open_holes import OpenHoles
from tick_logger.pipeline.outages import Outage, Stream
from tick_logger.pipeline.past_outages import PastOutages
from tick_logger.pipeline.plain_state import Plain
from tick_logger.pipeline.told_holes import ToldHoles


class GapLedger:
    """The interruptions in progress, and the holes that have no record yet.

    `complete_until_ns` gives the receive time up to which a stream's ids prove what is missing.
    """

    def __init__(
        self,
        dense: Callable[[int, Table], bool],
        complete_until_ns: Callable[[Stream], int | None],
    ) -> None:
        self._dense = dense
        self._complete_until_ns = complete_until_ns
        self._outages: dict[Stream, Outage] = {}
        self._stopped: dict[Stream, Outage] = {}  # not used since the process that used them
        self._past = PastOutages(complete_until_ns)
        self.holes = IdHoles()
        self._open = OpenHoles(dense, self._is_asleep, self._past.awaits_ids, self.holes.are_due_to)
        self._records: list[GapRecord] = []
        self.lost_trades = LostTrades()
        self._told = ToldHoles()
        self._lapses = Lapses(self._told)
        self._tick = 0
        self.is_timed = False  # ticks say when it is; else records are those of earlier versions

    def interrupted(self, mark: Interrupted) -> None:
        """Begin an interruption; one that is already in progress keeps its beginning and cause.

        One by intent ends: what is interrupted is wanted again.  Any other ends with a refusal,
        which is why there is nothing from then on.
        """
        for instrument in mark.instruments:
            for table in mark.tables:
                stream, at_ns = (instrument, table), mark.at_ns
                current = self._outages.get(stream)
                if current is not None and current.cause is Cause.RETIRED:
                    at_ns = max(at_ns, current.from_ns)
                    self._end(stream, at_ns)
                elif current is not None and mark.cause is Cause.REFUSED is not current.cause:
                    self._give_way(stream, current, at_ns)
                self._outages.setdefault(stream, Outage(at_ns, mark.cause))

    def resumed(self, mark: Resumed) -> None:
        """End the interruption of these streams."""
        for instrument in mark.instruments:
            for table in mark.tables:
                self._end((instrument, table), mark.at_ns)

    def retired(self, stream: Stream, at_ns: int) -> None:
        """The stream is no longer wanted: an interruption by intent, which is no loss."""
        self._end(stream, at_ns)
        assert stream not in self._outages, "a stream has one interruption at a time"
        self._outages[stream] = Outage(at_ns, Cause.RETIRED)

    def restarted(
        self, streams: Iterable[Stream], stopped_ns: Mapping[int, int], cause: Cause
    ) -> None:
        """A new process continues: these streams stopped at the time given per instrument."""
        self._records += self.lost_trades.take_healed()  # by what the process before had received
        self.end_unused()
        for stream in streams:
            self._stopped[stream] = Outage(stopped_ns[stream[0]], cause)

    def met_again(self, stream: Stream) -> bool:
        """Whether the stream had stopped; then that is an interruption, now in progress."""
        stop = self._stopped.pop(stream, None)
        if stop is None:
            return False
        self._outages.setdefault(stream, stop)
        return True

    def end_unused(self) -> None:
        """End the interruptions of streams that had stopped, and that this process has not used.

        To be called when this process ends, or has ended.
        """
        for stream, stop in self._stopped.items():
            outage = self._outages.get(stream)
            if outage is not None and outage.cause is not Cause.RETIRED:
                self._end(stream, stop.from_ns)

    def interruption(self, stream: Stream, *, by_intent: bool = False) -> Outage | None:
        """The one in progress, if the stream is wanted; `by_intent`: or if it is retired."""
        outage = self._outages.get(stream)
        return outage if by_intent or (outage and outage.cause is not Cause.RETIRED) else None

    def record(self, records: Iterable[GapRecord]) -> None:
        """Write these with the next tick."""
        self._records += records

    def missing(self, mark: MissingIds) -> None:
        """Record a hole that the feed side has proven."""
        fields = mark.instrument, mark.table, mark.from_id, mark.to_id, mark.from_ns, mark.to_ns
        self._records += self._told.tell(GapRecord(*fields, mark.cause), mark.doubt, self._tick)

    def lapsed(self, mark: Lapse) -> None:
        """Record a span of time in which rows may be missing, or let the ids tell."""
        for instrument in mark.instruments:
            for table in mark.tables:
                stream = (instrument, table)
                known_ns = self._complete_until_ns(stream) if self._dense(*stream) else None
                if not mark.ids_tell:
                    self._lapses.record(stream, mark, self._tick, self._records)
                elif known_ns is None:
                    self._lapses.join(stream, mark, self._tick, self._records)
                else:
                    self._let_ids_tell(stream, mark, known_ns)

    def _let_ids_tell(self, stream: Stream, mark: Lapse, known_ns: int) -> None:
        """Keep it as the cause of the hole that will show, if later ids come."""
        outage = Outage(mark.from_ns, mark.cause, mark.to_ns, known_ns)
        if not self._past.extend_last(stream, outage):
            self._keep(stream, outage)

    def found(self, table: Table, found: Finding) -> None:
        """Take note of what the ids of a stream show."""
        match found:
            case HoleOpened():
                cause, of_ns = self._cause((found.instrument, table), found)
                self.holes.opened(table, found, cause, self._tick, of_ns)
            case HoleFilled():
                how = VOID if found.never_were else HEALED
                self._records += self.holes.filled(table, found, by_hole=self.is_timed, how=how)
            case BegunAgain(instrument, _, _, from_ns, to_ns):
                self._records.append(begins_again(table, found))
                self._unprovable((instrument, table), to_ns if from_ns is None else from_ns, to_ns)
            case Stray(instrument, before, stray, from_ns, to_ns):
                self._records.append(is_stray(table, found))
                if stray == before:  # so ids may have begun again, and have come up to there
                    self._unprovable((instrument, table), from_ns, to_ns)

    def _unprovable(self, stream: Stream, from_ns: int, to_ns: int) -> None:
        """No id tells what an interruption between these times has cost."""
        for outage in self._past.take_between(stream, from_ns, to_ns):
            self._record_outage(stream, outage, outage.to_ns or to_ns)
        current = self._outages.get(stream)
        if current is not None and current.from_ns <= max(from_ns, to_ns):
            current.unprovable = True

    def tick(
        self, at_ns: int | None = None, books: Sequence[OpenHole] = ()
    ) -> tuple[GapRecord, ...]:
        """The records that are due, and lines of holes that open, such as those of broken `books`.

        It is `at_ns`; where that is not known, no hole is written while it is open.
        """
        self._tick += 1
        self._records += self.lost_trades.tick()
        wanted = [_hole(*each) for each in self._outages.items() if each[0] not in self._stopped]
        lasting = [hole for hole in wanted if hole.cause is not Cause.RETIRED]
        return self._take_records(self._tick, at_ns, [*lasting, *books])

    @property
    def open_holes(self) -> tuple[OpenHole, ...]:
        """Those that are written and go on, as of the last tick."""
        return self._open.shown

    def unproven(self) -> None:
        """Record the interruptions of dense ids that no id came after, before the end."""
        for stream, outage in self._past.take_unproven():
            assert outage.to_ns is not None
            self._record_outage(stream, outage, outage.to_ns)

    def close(self, at_ns: int, tell_open: bool = False) -> tuple[GapRecord, ...]:
        """Everything that is still open, when nothing more will come.

        With `tell_open`, that streams have stopped, too.  What is retired stays so: a process that
        records it again has not lost what lies between.
        """
        for stream, outage in list(self._outages.items()):
            if outage.cause is not Cause.RETIRED:
                self._record_outage(stream, outage, at_ns)
                del self._outages[stream]
        self._records += self.lost_trades.tick(last=True)
        records = self._take_records(self._tick + GRACE_TICKS, at_ns, ())
        stopped = [_hole(*each) for each in self._stopped.items()] if tell_open else []
        return (*records, *self._open.open_now(stopped, at_ns))

    def _take_records(
        self, tick: int, at_ns: int | None, lasting: Sequence[OpenHole]
    ) -> tuple[GapRecord, ...]:
        """Those that are due by this tick, and the lines of holes that open and close."""
        records, self._records = self._records, []
        records += self.holes.take_due(tick, self._open.cost_ids)
        records += self._told.take_due(tick)
        self._lapses.clear()
        told = self._open.tell(at_ns, records, lasting)
        return tuple(told if self.is_timed else map(as_by_earlier_versions, told))

    def _is_asleep(self, hole: OpenHole) -> bool:
        return (hole.instrument, hole.table) in self._stopped

    def dump(self) -> Plain:
        """Everything that is open, as lists, in the order in which it will be recorded."""
        return {
            "tick": self._tick,
            "is_timed": self.is_timed,
            "outages": [outage.dump(stream) for stream, outage in self._outages.items()],
            "stopped": [outage.dump(stream) for stream, outage in self._stopped.items()],
            "past": self._past.dump(),
            "open": self._open.dump(),
            "pending": self.holes.dump(),
            "recorded": self.holes.dump_recorded(),
            "records": [record_to_plain(record) for record in self._records],
            "lost_trades": self.lost_trades.dump(),
            "told": self._told.dump(),
        }

    def load(self, state: Plain) -> None:
        """Take over the state that `dump` returned."""
        self._tick, self.is_timed = state["tick"], state.get("is_timed", False)
        self._outages = dict(map(Outage.load, state["outages"]))
        self._stopped = dict(map(Outage.load, state["stopped"]))
        self._past.load(state["past"])
        # Earlier versions wrote holes when they were over, and healed them without a beginning.
        self._open.load(state.get("open", ()))
        self.holes.load(state["pending"], state.get("recorded", ()))
        self._records = [record_from_plain(fields) for fields in state["records"]]
        self.lost_trades.load(state.get("lost_trades", ()))
        self._told.load(state.get("told", ()))  # an earlier version wrote them at once

    def _end(self, stream: Stream, at_ns: int) -> None:
        outage = self._outages.pop(stream, None)
        if outage is None:
            return
        assert outage.to_ns is None, "an interruption ends once"
        outage.to_ns = at_ns
        outage.proven_ns = self._complete_until_ns(stream) if self._dense(*stream) else None
        # Without ids before it, or in the same numbering, those behind prove nothing.
        if outage.proven_ns is not None and not outage.unprovable:
            self._keep(stream, outage)
            return
        self._record_outage(stream, outage, at_ns)

    def _keep(self, stream: Stream, outage: Outage) -> None:
        """Keep it until ids have told; if another is forgotten for it, its line is closed."""
        for forgotten in self._past.add(stream, outage):
            if self._open.has_line(_hole(stream, forgotten)):
                assert forgotten.to_ns is not None
                self._record_outage(stream, forgotten, forgotten.to_ns)

    def _give_way(self, stream: Stream, outage: Outage, at_ns: int) -> None:
        """End an interruption because there is another from then on."""
        if outage.from_ns < at_ns:
            self._end(stream, at_ns)
        else:
            del self._outages[stream]

    def _record_outage(self, stream: Stream, outage: Outage, to_ns: int) -> None:
        if outage.cause is not Cause.RETIRED:
            self._records.append(outage.as_record(stream, to_ns))

    def _cause(self, stream: Stream, hole: HoleOpened) -> tuple[Cause, int | None]:
        """Why ids are missing; if it was an interruption, also when that began."""
        current = self._outages.get(stream)
        candidates = [*self._past.of(stream), *([current] if current else [])]
        for outage in reversed(candidates):
            if outage.lies_in(hole.from_ns, hole.to_ns):
                return outage.cause, outage.from_ns
        return Cause.SEQUENCE, None


def _hole(stream: Stream, outage: Outage) -> OpenHole:
    return OpenHole(*stream, outage.cause, outage.from_ns)
