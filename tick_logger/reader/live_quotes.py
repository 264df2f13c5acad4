"""The quotes of one venue as they stand at each moment, with those taken out that nobody knows.

Holes are in receive times.  From a venue's event times to them it is as far as its last quote took.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.model.tables import ORIGIN_MAIN, Table
from tick_logger.model.times import NS_PER_DAY, day_of
from tick_logger.reader.edges import bounds
from tick_logger.reader.parts import DayPart, day_part, day_parts
from tick_logger.reader.source import Source, Symbol
from tick_logger.reader.times import Span
from tick_logger.reader.venue_rules import rules_of

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
FIELDS = ("event_ns", "recv_ns", "best_bid", "best_bid_size", "best_ask", "best_ask_size", "origin")


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
    rows = {
        name: np.concatenate([part.field(name, 0, part.rows) for part in parts])
        if parts
        else np.empty(0, np.int64)
        for name in FIELDS
    }
    silent = _silences(rows, source, symbol)
    in_part = rules_of(symbol.exchange).quotes_in_part
    bid, bid_size, bid_ts = _side(rows, "best_bid", silent, in_part=in_part)
    ask, ask_size, ask_ts = _side(rows, "best_ask", silent, in_part=in_part)
    nothing = np.full(len(silent.begins), np.nan)
    ts = np.concatenate([rows["event_ns"], silent.begins])
    order = np.argsort(ts, kind="stable")
    order = order[max(int((ts < wanted.start_ns).sum()) - 1, 0) :]
    return Quotes(
        ts[order],
        *(np.append(each, nothing)[order] for each in (bid, bid_size, ask, ask_size)),
        *(np.append(each, silent.begins)[order] for each in (bid_ts, ask_ts)),
    )


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


def _silences(rows: dict[str, Ints], source: Source, symbol: Symbol) -> _Silences:
    ts, received = rows["event_ns"], rows["recv_ns"]
    count = len(ts)
    inside = np.zeros(count, np.bool_)
    since = np.zeros(count, np.int64)
    begins: list[int] = []
    on_time = rows["origin"] == ORIGIN_MAIN
    delay = (received - ts)[_newest(on_time)] if count else ts
    seen = np.maximum.accumulate(ts + delay)  # when each was received, or would have been
    for hole in source.holes(symbol):
        if hole.table is not Table.QUOTES:
            continue
        begin_ns, end_ns = bounds(hole)
        first, after = (int(np.searchsorted(seen, each, "left")) for each in (begin_ns, end_ns))
        inside[first:after] = True
        since[after : after + 1] = after
        if first > 0:
            begun = begin_ns - int(seen[first - 1] - ts[first - 1])
            begins.append(min(begun, int(ts[first])) if first < count else begun)
    return _Silences(np.array(begins, np.int64), inside, np.maximum.accumulate(since))


def _side(
    rows: dict[str, Ints], name: str, silent: _Silences, *, in_part: bool
) -> tuple[Floats, Floats, Ints]:
    """Price and size of a side as they stand after each row, and since when (ns)."""
    price, size = (np.asarray(rows[each], np.float64) for each in (name, f"{name}_size"))
    ts = rows["event_ns"]
    unknown = silent.inside
    if in_part and len(ts):
        newest = _newest(~np.isnan(price))
        unknown = unknown | (newest < silent.since)
        price, size, ts = price[newest], size[newest], ts[newest]
    return np.where(unknown, np.nan, price), np.where(unknown, np.nan, size), ts


def _newest(those: npt.NDArray[np.bool_]) -> Ints:
    """For each row the newest of those up to it; itself where there is none."""
    rows = np.arange(len(those))
    newest = np.maximum.accumulate(np.where(those, rows, -1))
    return np.where(newest < 0, rows, newest)
