"""What the clocks of venues show beside the clock of this machine, learned from what comes.

No row tells how far a venue's clock is off: some are old when they come (the last trades, which a
new subscription begins with), and one may be nonsense.  What tells is a stream whose time moves on.
Each tick gives one sample of a venue, the median of event time less receipt over these streams; the
offset of its clock is the median of the newest samples.  So one odd row moves nothing, and a clock
that was set is followed within seconds.

The offset holds whoever is wrong: a venue alone, or, where all venues agree, this machine.

Where most streams move on by as much as the receipts lie apart, the venue's clock runs, and a row
far ahead of it cannot be right.  Where they do not, somebody plays what was recorded before, slower
or faster than it was: then rows can be of any time up to their receipt.

Pure, and part of the state: the same rows and ticks give the same offsets.  Not here: what becomes
of a row whose time does not fit (`doubtful`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import NO_TIME, Table
from tick_logger.model.times import NS_PER_DAY, NS_PER_SECOND, Times
from tick_logger.pipeline.plain_state import Plain

Mask = npt.NDArray[np.bool_]

MAX_AHEAD_NS = 30 * NS_PER_SECOND
"""A row further ahead of its venue's clock cannot be right: it would make all rows of its stream
late until then.  Less would take streams of a venue that lags in part for wrong."""

MAX_AGE_NS = 7 * NS_PER_DAY
"""A row that is older is not recorded in its own day: each stream would open files for as many days
as it names.  What venues send again of a quiet market is rarely older than a week."""

AGREE_NS = 3 * NS_PER_SECOND
"""By how much the delay of a stream that runs with its clock may change between two ticks.  What is
played faster than that is further from the median of samples than `MAX_AHEAD_NS` allows."""

SAMPLES = 15
"""From which the offset is taken: with a tick a second, a clock that was set is followed within
eight seconds."""

LEAST_WITNESSES = 3
"""Instruments and ticks, taken together, before they say what a clock shows.  Not streams: all of
one instrument tell of one trade, whose time may be wrong."""

FIRST_SIZE = 256  # instruments; doubles when exceeded


@attrs.define
class _Clock:
    """The newest samples of a venue; `seen` are all.

    `witnesses` has how many instruments were behind each, `runs` whether most of their streams ran
    with it.  Of one that `was_believed` an earlier version has recorded rows, whatever their age.
    """

    offsets: list[int] = attrs.field(factory=list)
    witnesses: list[int] = attrs.field(factory=list)
    runs: list[bool] = attrs.field(factory=list)
    seen: int = 0
    was_believed: bool = False

    def add(self, offset_ns: int, witnesses: int, *, runs: bool) -> None:
        self.offsets.append(offset_ns)
        self.witnesses.append(witnesses)
        self.runs.append(runs)
        del self.offsets[:-SAMPLES], self.witnesses[:-SAMPLES], self.runs[:-SAMPLES]
        self.seen += 1

    @property
    def offset_ns(self) -> int | None:
        known = sum(self.witnesses) >= LEAST_WITNESSES
        return _median(self.offsets) if known else None

    @property
    def is_running(self) -> bool:
        """Whether it moves on like this machine's."""
        return _most(self.runs)

    def runs_since(self, seen: int) -> bool:
        """Whether it did so behind the first `seen` samples, as far as there are any."""
        count = min(self.seen - seen, SAMPLES)
        return count == 0 or _most(self.runs[-count:])

    def offset_since(self, seen: int) -> int | None:
        """The median of the samples behind the first `seen`; None if there are none."""
        count = min(self.seen - seen, SAMPLES)
        return _median(self.offsets[-count:]) if count > 0 else None


@attrs.define(eq=False)
class _Newest:
    """By instrument, when the newest row with a time was received, and its time."""

    recv: Times = attrs.field(factory=lambda: _no_times(FIRST_SIZE))
    event: Times = attrs.field(factory=lambda: _no_times(FIRST_SIZE))

    def reserve(self, instruments: int) -> None:
        missing = instruments - len(self.recv)
        if missing > 0:
            self.recv = np.append(self.recv, _no_times(missing))
            self.event = np.append(self.event, _no_times(missing))


class VenueClocks:
    """The clocks of all venues; `venue_of` says of which venue an instrument is."""

    def __init__(self, venue_of: Callable[[int], str]) -> None:
        self._venue_of = venue_of
        self._names: list[str] = []
        self._clocks: list[_Clock] = []
        self._place: npt.NDArray[np.int16] = np.full(FIRST_SIZE, -1, np.int16)  # in these lists
        self._newest = {table: _Newest() for table in Table}
        self._used = 0  # instruments beyond it have no state
        # By place: between which event time less receipt is expected, and how far a clock is off.
        self._lowest = self._highest = self._off = np.empty(0, np.int64)

    @property
    def offsets_ns(self) -> dict[str, int]:
        """Event time less receipt, by venue, as far as it is known."""
        pairs = zip(self._names, self._clocks, strict=True)
        return {name: clock.offset_ns for name, clock in pairs if clock.offset_ns is not None}

    def believe(self, instruments: npt.NDArray[np.int32]) -> None:
        """Go on from a version that knew no clocks, and has recorded these instruments.

        Until more is known, no row is in doubt for its age, as none will be where the journal tells
        from the beginning what those clocks showed.
        """
        for place in np.unique(self._places(instruments)).tolist():
            self._clocks[place].was_believed = True
        self._judge()

    def learn(self, batches: Mapping[Table, RowBatch]) -> None:
        """Take one sample of each venue from the rows of a tick, in the order of their receipt."""
        found = [self._witnesses(rows) for rows in batches.values() if len(rows)]
        if found:
            instruments, offsets, runs = map(np.concatenate, zip(*found, strict=True))
            places = self._place[instruments]
            for place in np.unique(places).tolist():
                mine = places == place
                witnesses = len(np.unique(instruments[mine]))
                most_run = 2 * int(runs[mine].sum()) > int(mine.sum())
                self._clocks[place].add(_median(offsets[mine].tolist()), witnesses, runs=most_run)
        self._judge()

    def places(self, rows: RowBatch) -> npt.NDArray[np.int16]:
        """The number of each row's venue."""
        return self._places(rows["instrument"])

    def seen(self, place: int) -> int:
        """How many samples there were of a venue."""
        return self._clocks[place].seen

    def doubtful(self, rows: RowBatch) -> Mask:
        """Which rows have a time that may not fit what their venue's clock shows.

        As long as nothing tells what that is, no age is taken for granted.
        """
        event, recv = rows["event_ns"], rows["recv_ns"]
        if not len(rows):
            return np.zeros(0, np.bool_)
        ahead = event - recv  # without a time it is wrapped around, and far beyond all others
        lowest, highest = self._lowest, self._highest
        if ahead.max() <= highest.min() and ahead.min() >= lowest.max():
            return np.zeros(len(rows), np.bool_)  # as ever
        place = self.places(rows)
        misfit = (ahead > highest[place]) | (ahead < lowest[place])
        # The time of the receipt, to the nanosecond, stands in for one that was not sent.
        return np.asarray(misfit & (event != NO_TIME) & (ahead != 0))

    def misfits(self, rows: RowBatch, place: int, seen: int, *, last: bool) -> Mask:
        """Which rows of a venue fit neither what its clock shows, nor what it showed since then.

        `seen` is how many samples there were then.  All known samples of any venue count if there
        are no others.  Where nothing is known, and for those rows that agree when nothing more
        will come (`last`), the rows speak for each other, and only the future is impossible.
        """
        clock = self._clocks[place]
        shown = [clock.offset_ns, clock.offset_since(seen)]
        if shown == [None, None]:
            shown = [self._usual]
        strict = clock.is_running and clock.runs_since(seen)
        offsets = [each for each in shown if each is not None]
        bounds = [(each, each if strict else max(each, 0)) for each in offsets]
        ahead = rows["event_ns"] - rows["recv_ns"]
        if not bounds or (last and len(rows) >= LEAST_WITNESSES):
            usual = min(_median(ahead.tolist()), 0)
            bounds.append((usual, 0))
        wrong = np.ones(len(rows), np.bool_)
        for oldest, newest in bounds:
            wrong &= (ahead > newest + MAX_AHEAD_NS) | (ahead < oldest - MAX_AGE_NS)
        return wrong

    def received(self, rows: RowBatch) -> Times:
        """When rows without a time were received.

        In a stream of which other rows have times, by the clock of its venue, if that is not ours:
        else the one would be days away from the others.
        """
        recv = rows["recv_ns"]
        if not self._off.any():
            return recv
        mixed = self._newest[rows.table].event[rows["instrument"]] != NO_TIME
        return np.where(mixed, recv + self._off[self.places(rows)], recv)

    def dump(self) -> Plain:
        """The samples by venue, and the newest times, cut to the instruments in use."""
        clocks = zip(self._names, self._clocks, strict=True)
        used = slice(self._used)
        return {
            "clocks": [
                [name, c.seen, list(c.offsets), list(c.witnesses), list(c.runs), c.was_believed]
                for name, c in clocks
            ],
            "newest": {
                table.value: {"recv": each.recv[used].copy(), "event": each.event[used].copy()}
                for table, each in self._newest.items()
            },
        }

    def load(self, state: Plain) -> None:
        """Take over the state that `dump` returned; only while nothing was learned here."""
        assert not self._clocks, "the clocks would be mixed with others"
        for name, seen, offsets, witnesses, runs, *believed in state["clocks"]:
            self._names.append(name)
            self._clocks.append(_Clock(list(offsets), list(witnesses), list(runs), seen, *believed))
        for name, each in state["newest"].items():
            newest, count = self._newest[Table(name)], len(each["recv"])
            self._reserve(count)
            newest.recv[:count], newest.event[:count] = each["recv"], each["event"]
        self._judge()

    def _reserve(self, instruments: int) -> None:
        self._used = max(self._used, instruments)
        missing = instruments - len(self._place)
        if missing > 0:
            more = max(missing, len(self._place))
            self._place = np.append(self._place, np.full(more, -1, np.int16))
        for newest in self._newest.values():
            newest.reserve(len(self._place))

    def _places(self, instruments: npt.NDArray[np.int32]) -> npt.NDArray[np.int16]:
        if len(instruments):
            self._meet(instruments)
        places: npt.NDArray[np.int16] = self._place[instruments]
        return places

    def _meet(self, instruments: npt.NDArray[np.int32]) -> None:
        """Learn of which venues these instruments are."""
        self._reserve(int(instruments.max()) + 1)
        unknown = self._place[instruments] < 0
        if not unknown.any():
            return
        for instrument in np.unique(instruments[unknown]).tolist():
            name = self._venue_of(instrument)
            if name not in self._names:
                self._names.append(name)
                self._clocks.append(_Clock())
            self._place[instrument] = self._names.index(name)

    def _witnesses(self, rows: RowBatch) -> tuple[npt.NDArray[np.int32], Times, Mask]:
        """Of the streams that tell what a clock shows: instruments, event time less receipt, and
        which of them ran with it.
        """
        self._meet(rows["instrument"])
        timed = rows["event_ns"] != NO_TIME
        if not timed.all():
            rows = rows.take(timed)
        last = np.full(self._used, -1, np.intp)
        last[rows["instrument"]] = np.arange(len(rows))  # of several, numpy keeps the last
        last = last[last >= 0]
        instrument = rows["instrument"][last]
        recv, event = rows["recv_ns"][last], rows["event_ns"][last]
        newest = self._newest[rows.table]
        recv_before, event_before = newest.recv[instrument], newest.event[instrument]
        newest.recv[instrument], newest.event[instrument] = recv, event
        known = event_before != NO_TIME
        moved = event - np.where(known, event_before, 0)
        passed = recv - np.where(known, recv_before, 0)
        tells = known & (moved > 0)
        runs = abs(moved - passed) <= AGREE_NS
        # Before the second row of a stream: no venue repeats old events with times that are ahead.
        first = ~known & (event - recv > MAX_AHEAD_NS)
        tells, runs = tells | first, runs | first
        return instrument[tells], (event - recv)[tells], runs[tells]

    @property
    def _usual(self) -> int | None:
        """What the clocks of most venues show; None if nothing is known of any."""
        known = list(self.offsets_ns.values())
        return _median(known) if known else None

    def _judge(self) -> None:
        """Take what is known now for what may be expected of each venue."""
        usual = self._usual
        known = [usual if c.offset_ns is None else c.offset_ns for c in self._clocks]
        offset = np.array([0 if each is None else each for each in known], np.int64)
        ages = (
            each is not None or c.was_believed for each, c in zip(known, self._clocks, strict=True)
        )
        older = np.array([MAX_AGE_NS if each else MAX_AHEAD_NS for each in ages], np.int64)
        runs = np.array([each.is_running for each in self._clocks], np.bool_)
        newest = np.where(runs, offset, np.maximum(offset, 0))
        self._lowest, self._highest = offset - older, newest + MAX_AHEAD_NS
        self._off = np.where(abs(offset) > MAX_AHEAD_NS, offset, 0)


def _most(values: list[bool]) -> bool:
    return 2 * sum(values) > len(values)


def _median(values: list[int]) -> int:
    """The middle one; of two the lower."""
    return sorted(values)[(len(values) - 1) // 2]


def _no_times(count: int) -> Times:
    return np.full(count, NO_TIME, np.int64)
