"""What was recorded, for a page: its days, its symbols, a day and a book of one, as JSON.

A page may be opened beside a recorder: each answer is bounded in what is read at a time, and in
what is sent.  Answers of days that are over are kept, `MOST_KEPT` of them, until there is a row, a
hole or a day more, or one less; and days of books as `Books` keeps them, so that the next moment
costs little.  One call at a time.

Pure: the caller says what time it is.  Not here: HTTP (`tick_logger.ops.web`).
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping

import msgspec

from tick_logger.model.tables import Table
from tick_logger.model.times import NS_PER_DAY, day_of
from tick_logger.reader.book_view import book_view
from tick_logger.reader.calendar import Document, calendar, symbol_list
from tick_logger.reader.day_view import Looked, day_view, is_settled, stretch
from tick_logger.reader.opening import Where, source_at
from tick_logger.reader.pairs import KeptPairs
from tick_logger.reader.recording import Recording
from tick_logger.reader.source import Source, Symbol
from tick_logger.reader.survey import Survey
from tick_logger.reader.times import Span, instant

MOST_KEPT = 64
"""Answers; one of a day with 1,200 buckets takes some 150 kB."""

FEWEST_BUCKETS, MOST_BUCKETS = 50, 1_200

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class LookingBack:
    """What may be asked of what was recorded into a directory; `now_ns` tells the time.

    All methods return JSON, and raise `LookupError` for what is not recorded, `ValueError` for what
    makes no sense, and `OSError`.
    """

    def __init__(self, where: Where, now_ns: Callable[[], int]) -> None:
        self._where = where
        self._now_ns = now_ns
        self._source: Source | None = None
        self._recording: Recording | None = None
        self._survey: Survey | None = None
        self._kept_pairs: KeptPairs | None = None
        self._kept: OrderedDict[Looked, tuple[object, bytes]] = OrderedDict()
        """Answers, and what was there when they were made."""

    def calendar(self, exchanges: Collection[str] | None = None) -> bytes:
        """Each of these exchanges (None: of all) with its days; see `calendar.calendar`."""
        return msgspec.json.encode(calendar(self._surveyed(), exchanges))

    def symbols(
        self,
        query: str,
        exchange: str | None,
        day: str | None,
        sort: str,
        offset: int,
        limit: int,
        exchanges: Collection[str] | None = None,
    ) -> bytes:
        """Symbols of these exchanges, of all days or of one; see `calendar.symbol_list`."""
        found = symbol_list(
            self._surveyed(),
            exchanges=exchanges,
            query=query,
            exchange=exchange,
            day=None if day is None else _day(day),
            sort=sort,
            offset=offset,
            limit=limit,
        )
        return msgspec.json.encode(found)

    def day(
        self, exchange: str, symbol: str, day: str, start_ns: int, end_ns: int, buckets: int
    ) -> bytes:
        """A UTC day of a symbol; the range is all of what there is where it is empty."""
        name, number = self._there(exchange, symbol), _day(day)
        buckets = min(max(buckets, FEWEST_BUCKETS), MOST_BUCKETS)
        wanted = _within(start_ns, end_ns, number)
        looked = Looked(name, number, wanted, buckets)
        there = _what_is_there(self._opened(), name, number)
        if looked in self._kept and self._kept[looked][0] == there:
            self._kept.move_to_end(looked)
            return self._kept[looked][1]
        now_ns = self._now_ns()
        found = day_view(self._read(), self._opened(), looked, now_ns)
        said = self._said(found, name)
        if is_settled(found):
            self._kept[looked] = there, said
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return said

    def book(self, exchange: str, symbol: str, at_ns: int, depth: int) -> bytes:
        """The order book at a moment, so many levels of each side; see `book_view.book_view`."""
        name = self._there(exchange, symbol)
        return self._said(book_view(self._read().book(name, at_ns, depth=depth)), name)

    def _said(self, found: Document, symbol: Symbol) -> bytes:
        """What was found, and what the symbol is called everywhere."""
        return msgspec.json.encode(found | {"pair": self._pairs().get(symbol)})

    def _pairs(self) -> Mapping[Symbol, str]:
        if self._kept_pairs is None:
            self._kept_pairs = KeptPairs(self._opened())
        return self._kept_pairs.at(self._now_ns())

    def _there(self, exchange: str, symbol: str) -> Symbol:
        name = Symbol(exchange, symbol)
        if not self._opened().has(name):
            raise LookupError(f"nothing is recorded of {name}")
        return name

    def _read(self) -> Recording:
        """One for all calls: it keeps books."""
        if self._recording is None:
            self._recording = Recording(self._opened())
        return self._recording

    def _opened(self) -> Source:
        """The directory may not be there yet when a recorder starts."""
        if self._source is None:
            self._source = source_at(self._where)
        return self._source

    def _surveyed(self) -> Survey:
        if self._survey is None:
            self._survey = Survey(self._opened())
        self._survey.pairs = self._pairs()
        self._survey.advance(self._now_ns())
        return self._survey


def _what_is_there(source: Source, symbol: Symbol, day: int) -> object:
    """Another as soon as an answer about a day would be: rows, holes, and which days there are."""
    source = source.glance()
    found = [source.look(symbol, table, day) for table in Table]
    rows = tuple((each.main.rows, each.late.rows) for each in found)
    days = tuple(tuple(source.days(symbol, table)) for table in Table)
    return rows, hash((days, tuple(source.holes(symbol))))


def _day(text: str) -> int:
    if not _DAY.fullmatch(text):
        raise ValueError(f'{text!r} is no day; write "2026-11-29"')
    return day_of(instant(text))


def _within(start_ns: int, end_ns: int, day: int) -> Span | None:
    """A range inside a day; None for all of it, if none of it is meant."""
    first, last = day * NS_PER_DAY, (day + 1) * NS_PER_DAY
    if end_ns <= start_ns or min(end_ns, last) <= max(start_ns, first):
        return None
    return stretch(start_ns, end_ns, day)
