"""What there is of each symbol and day, looked up a little at a time, and kept.

Thousands of symbols take seconds to look at, and somebody may record beside it: each call looks at
no more than it is allowed to, and goes on where the last one ended.  A day that is over, and good,
is not looked at again; all others are, in turn.  Held as arrays, 50 bytes for a day of a symbol,
and of each symbol its last `MOST_DAYS` days.

Not here: what a page is told of it (`calendar`), and the rows of a day (`looking_back`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from tick_logger.model.tables import Table
from tick_logger.model.times import NS_PER_DAY, NS_PER_SECOND
from tick_logger.reader.catalog import AVAILABLE, DEGRADED, MISSING, PENDING, Entry, entries
from tick_logger.reader.gaps import Gap
from tick_logger.reader.naming import every
from tick_logger.reader.source import Source, Symbol
from tick_logger.reader.times import END_NS, Span

MOST_LOOKS = 2_000
"""Table-days that one call looks at; a symbol counts as `LOOKS_OF_SYMBOL` more."""

LOOKS_OF_SYMBOL = 4

MOST_DAYS = 92
"""Days of a symbol that are kept, the last ones: three months."""

CONDITIONS = (MISSING, DEGRADED, PENDING, AVAILABLE)
"""From the worst on; a day holds the number of its condition."""

_GOOD = CONDITIONS.index(AVAILABLE)

DAY = np.dtype(
    [
        ("day", "i4"),  # since 1970-01-01
        ("condition", "u1"),
        ("damaged", "i4"),  # files
        ("rows", "i8"),
        ("late", "i8"),
        ("holes", "i4"),
        ("missing", "f8"),  # seconds, of the table that lacks most
        ("first", "f8"),  # event times, in seconds since 1970-01-01; NaN where there are none
        ("last", "f8"),
    ]
)
"""A UTC day of a symbol, all tables together."""

Days = npt.NDArray[np.void]
"""Records of `DAY`, in order."""

_NONE: Days = np.empty(0, DAY)


class Survey:
    """What is known of all symbols of a source so far."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._known: dict[Symbol, Days] = {}
        self._names: list[Symbol] = []
        self._waiting: list[Symbol] = []
        self.pairs: Mapping[Symbol, str] = {}
        """What symbols are called everywhere, as whoever asks has found out."""

    @property
    def symbols(self) -> Sequence[Symbol]:
        """All that have a folder, sorted."""
        return self._names

    @property
    def looked(self) -> int:
        """How many of them were looked at."""
        return len(self._known)

    def days(self, symbol: Symbol) -> Days:
        """What is known of the days of a symbol; none if it was not looked at."""
        return self._known.get(symbol, _NONE)

    def advance(self, now_ns: int, most: int = MOST_LOOKS) -> None:
        """Look at the next symbols, at each no more than once.  Raises `OSError`."""
        if not self._waiting:
            self._begin_anew()
        while self._waiting and most > 0:
            symbol = self._waiting.pop()
            before = self._lasting(self.days(symbol))
            fresh = self._look(symbol, before, now_ns)
            self._known[symbol] = np.concatenate((before, fresh))[-MOST_DAYS:]
            most -= LOOKS_OF_SYMBOL + len(Table) * len(fresh)

    def _begin_anew(self) -> None:
        self._names = list(every(self._source))
        self._waiting = self._names[::-1]
        there = set(self._names)
        self._known = {name: days for name, days in self._known.items() if name in there}

    def _lasting(self, days: Days) -> Days:
        """Those before the first that may have changed."""
        changing = np.flatnonzero((days["condition"] != _GOOD) | (days["damaged"] > 0))
        return days[: changing[0]] if len(changing) else days

    def _look(self, symbol: Symbol, before: Days, now_ns: int) -> Days:
        there = sorted({day for table in Table for day in self._source.days(symbol, table)})
        known = int(before["day"][-1]) if len(before) else -1
        wanted = [day for day in there[-MOST_DAYS:] if day > known]
        if not wanted:
            return _NONE
        span = Span(wanted[0] * NS_PER_DAY, END_NS)
        by_day: dict[int, list[Entry]] = {}
        for entry in entries(self._source, [symbol], tuple(Table), span, now_ns):
            by_day.setdefault(entry.day, []).append(entry)
        return np.array([_day_of(by_day[day], now_ns) for day in sorted(by_day)], DAY)


def _day_of(tables: Sequence[Entry], now_ns: int) -> tuple[float, ...]:
    """A record of `DAY`."""
    edges = [edge for each in tables for edge in _edges(each)]
    return (
        tables[0].day,
        min(CONDITIONS.index(each.condition) for each in tables),
        sum(len(each.found.damage) for each in tables),
        sum(each.rows for each in tables),
        sum(each.found.late.rows for each in tables),
        sum(len(each.holes) for each in tables),
        max(missing_secs(each.holes, each.day, now_ns) for each in tables),
        min(edges, default=np.nan),
        max(edges, default=np.nan),
    )


def _edges(entry: Entry) -> Iterator[float]:
    """The first and the last event time in order, in seconds."""
    main = entry.found.main
    for row in (0, main.rows - 1) if main.rows else ():
        yield int(main.field("event_ns", row, row + 1)[0]) / NS_PER_SECOND


def missing_secs(holes: Iterable[Gap], day: int, now_ns: int) -> float:
    """How long a UTC day is inside a hole; where several overlap it counts once."""
    done, missing = day * NS_PER_DAY, 0
    for begin, end in sorted(clipped(hole, day, now_ns) for hole in holes):
        missing += max(0, end - max(begin, done))
        done = max(done, end)
    return missing / NS_PER_SECOND


def clipped(hole: Gap, day: int, now_ns: int) -> tuple[int, int]:
    """From when until when (ns) a UTC day is inside a hole; one that is open lasts until now."""
    starts, ends = day * NS_PER_DAY, (day + 1) * NS_PER_DAY
    end = now_ns if hole.to_ns is None else hole.to_ns
    begin = end if hole.from_ns is None else hole.from_ns
    return min(max(begin, starts), ends), min(max(end, starts), ends)
