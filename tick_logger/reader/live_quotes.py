"""The quotes of one venue as they stand at each moment, with those taken out that nobody knows.

Holes are in receive times.  From a venue's event times to them it is as far as its last quote took.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import ORIGIN_MAIN, Table
from tick_logger.model.times import NS_PER_DAY, day_of
from tick_logger.reader.edges import bounds
from tick_logger.reader.parts import DayPart, day_part, day_parts
from tick_logger.reader.source import Array, Source, Symbol
from tick_logger.reader.times import Span
from tick_logger.reader.venue_rules import rules_of

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@attrs.frozen(eq=False)
class Quotes:
    """What stands from each time on, until the next; times (event, ns) ascending, shape `(n,)`.

    A price is NaN where there is none, or none is known.  `bid_ts` and `ask_ts`: when the venue
    said so.
    """

    ts: Ints
    bid: Floats
    bid_size: Floats
    ask: Floats
    ask_size: Floats
    bid_ts: Ints
    ask_ts: Ints

    def newest(self, moments: Ints) -> Ints:
        """Which stands at each moment, ascending; -1 for none yet."""
        first = int(np.searchsorted(self.ts, moments[0], "right")) if len(moments) else 0
        last = int(np.searchsorted(self.ts, moments[-1], "right")) if len(moments) else 0
        counts = np.searchsorted(moments, self.ts[first:last], "left")
        steps = np.bincount(counts, minlength=len(moments))[: len(moments)]
        return np.cumsum(steps) + (first - 1)


def quotes_of(source: Source, symbol: Symbol, wanted: Span) -> Quotes:
    """The quotes in a range, and what stood at its beginning; raises `OSError`."""
    parts = [*_before(source, symbol, wanted.start_ns)]
    parts += day_parts(source, symbol, Table.QUOTES, wanted, "merge")
    ts = _field(parts, "event_ns")
    holes = [hole for hole in source.holes(symbol) if hole.table is Table.QUOTES]
    silent = _silences(parts, ts, holes) if holes else _Silences.none(len(ts))
    in_part = rules_of(symbol.exchange).quotes_in_part
    bid, bid_size, bid_ts = _side(parts, "best_bid", ts, silent, in_part=in_part)
    ask, ask_size, ask_ts = _side(parts, "best_ask", ts, silent, in_part=in_part)
    order = _order(ts, silent.begins, wanted.start_ns)
    nothing = np.full(len(silent.begins), np.nan)
    return Quotes(
        _with(silent.begins, ts)[order],
        *(_with(nothing, each)[order] for each in (bid, bid_size, ask, ask_size)),
        *(_with(silent.begins, each)[order] for each in (bid_ts, ask_ts)),
    )


def _order(ts: Ints, begins: Ints, start_ns: int) -> Ints | slice:
    """Rows and beginnings of silences by time, from the last one before a moment on."""
    first = max(int((ts < start_ns).sum() + (begins < start_ns).sum()) - 1, 0)
    if not len(begins):
        return slice(first, None)  # rows are in order, and need not be copied
    return np.argsort(np.concatenate([ts, begins]), kind="stable")[first:]


def _with(begins: Array, rows: Array) -> Array:
    return np.concatenate([rows, begins]) if len(begins) else rows


def _field(parts: Sequence[DayPart], name: str) -> Array:
    """A field of all parts, one behind the other."""
    found = [part.field(name, 0, part.rows) for part in parts]
    if len(found) == 1:
        return found[0]
    return np.concatenate(found) if found else np.empty(0, np.int64)


def _before(source: Source, symbol: Symbol, start_ns: int) -> Iterator[DayPart]:
    """The newest quotes before a moment, of the newest day that has any."""
    until = day_of(start_ns)
    for day in reversed(source.days(symbol, Table.QUOTES)):
        if day <= until:
            found = source.look(symbol, Table.QUOTES, day)
            part = day_part(symbol, found, Span(day * NS_PER_DAY, start_ns), "merge")
            if part.rows:
                yield part
                return


@attrs.frozen(eq=False)
class _Silences:
    """When a venue does not count: event times at which that begins; rows that are inside; the
    first row of each stretch in which it counts, for each row."""

    begins: Ints
    inside: npt.NDArray[np.bool_]
    since: Ints

    @classmethod
    def none(cls, rows: int) -> _Silences:
        """Where nothing is missing."""
        return cls(np.empty(0, np.int64), np.zeros(rows, np.bool_), np.zeros(rows, np.int64))


def _silences(parts: Sequence[DayPart], ts: Ints, holes: Sequence[GapRecord]) -> _Silences:
    count = len(ts)
    inside = np.zeros(count, np.bool_)
    since = np.zeros(count, np.int64)
    begins: list[int] = []
    on_time = _field(parts, "origin") == ORIGIN_MAIN
    delay = (_field(parts, "recv_ns") - ts)[_newest(on_time)] if count else ts
    seen = np.maximum.accumulate(ts + delay)  # when each was received, or would have been
    for hole in holes:
        begin_ns, end_ns = bounds(hole)
        first, after = (int(np.searchsorted(seen, each, "left")) for each in (begin_ns, end_ns))
        inside[first:after] = True
        since[after : after + 1] = after
        if first > 0:
            begun = begin_ns - int(seen[first - 1] - ts[first - 1])
            begins.append(min(begun, int(ts[first])) if first < count else begun)
    return _Silences(np.array(begins, np.int64), inside, np.maximum.accumulate(since))


def _side(
    parts: Sequence[DayPart], name: str, ts: Ints, silent: _Silences, *, in_part: bool
) -> tuple[Floats, Floats, Ints]:
    """Price and size of a side as they stand after each row, and since when (ns)."""
    price, size = (np.asarray(_field(parts, each), np.float64) for each in (name, f"{name}_size"))
    unknown = silent.inside
    says = ~np.isnan(price)
    if in_part and not says.all():
        newest = _newest(says)
        unknown = unknown | (newest < silent.since)
        price, size, ts = price[newest], size[newest], ts[newest]
    if not unknown.any():
        return price, size, ts
    return np.where(unknown, np.nan, price), np.where(unknown, np.nan, size), ts


def _newest(those: npt.NDArray[np.bool_]) -> Ints:
    """For each row the newest of those up to it; itself where there is none."""
    rows = np.arange(len(those))
    newest = np.maximum.accumulate(np.where(those, rows, -1))
    return np.where(newest < 0, rows, newest)
