"""A UTC day of one symbol as a page draws it: prices, bids and asks, volume, holes.

Prices come from trades, or from the ticker where no trade is recorded; bids and asks from quotes,
or from the ticker.  What cannot be read is said, and costs nothing else.  Times are seconds since
1970-01-01 (to draw) and texts of ns (to ask again with).

Not here: the arithmetic (`buckets`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np

from tick_logger.model.tables import Table
from tick_logger.model.times import NS_PER_DAY, NS_PER_SECOND
from tick_logger.reader.buckets import Extremes, Grid, Places, prices_of, spread_of
from tick_logger.reader.calendar import day_text
from tick_logger.reader.catalog import GROWS_NS, Entry, entries, worst
from tick_logger.reader.errors import DamagedError
from tick_logger.reader.gaps import WORDS, Gap, gaps_in
from tick_logger.reader.recording import Recording
from tick_logger.reader.rows import Rows
from tick_logger.reader.source import Source, Symbol
from tick_logger.reader.survey import clipped
from tick_logger.reader.times import Span

Document = dict[str, Any]

SHORTEST_NS = 1_000_000
"""Nobody looks closer than a millisecond, and seconds in a double have no more digits than that."""

MOST_HOLES = 200
"""That are told one by one, the longest first; all are counted."""


@attrs.frozen
class Looked:
    """What is looked at: a day of a symbol, or a range in it (None: all that there is)."""

    symbol: Symbol
    day: int
    wanted: Span | None
    buckets: int


def is_settled(found: Document) -> bool:
    """Whether a day that was told will be told the same from now on, but for what heals in it."""
    return bool(found["over"] and found["tables"] and not found["damaged"])


def day_view(recording: Recording, source: Source, looked: Looked, now_ns: int) -> Document:
    """Everything a page shows of a day.  Raises `OSError` where not even sizes can be read."""
    symbol, day = looked.symbol, looked.day
    whole = Span(day * NS_PER_DAY, (day + 1) * NS_PER_DAY)
    there = {each.table: each for each in entries(source, [symbol], tuple(Table), whole, now_ns)}
    gaps = tuple(gaps_in(source, symbol, None, whole))
    damage = [words for table in Table for words in source.look(symbol, table, day).damage]
    extent = _extent(list(there.values()), gaps, day, now_ns, damage)
    span = looked.wanted or extent
    days = sorted({each for table in Table for each in source.days(symbol, table)})
    drawn = {} if span is None else _drawn(recording, there, looked, span, damage)
    return {
        "exchange": symbol.exchange,
        "symbol": symbol.symbol,
        "day": day_text(day),
        "before": max((day_text(each) for each in days if each < day), default=None),
        "after": min((day_text(each) for each in days if each > day), default=None),
        "condition": worst(each.condition for each in there.values()),
        "over": now_ns >= whole.end_ns + GROWS_NS,
        "tables": {word: _table(each) for word, each in there.items()},
        "extent": extent and _range(extent),
        "range": span and _range(span),
        **drawn,
        "holes": [_hole(gap, day, now_ns) for gap in _longest(gaps, day, now_ns)],
        "holes_in_all": len(gaps),
        "damaged": damage,
    }


def _table(entry: Entry) -> Document:
    return {
        "rows": entry.rows,
        "late": entry.found.late.rows,
        "holes": len(entry.holes),
        "proof": entry.proof,
        "condition": entry.condition,
    }


def _extent(
    tables: Sequence[Entry], gaps: Sequence[Gap], day: int, now_ns: int, damage: list[str]
) -> Span | None:
    """From the first row or hole of a day to the last; None if there is nothing."""
    edges = [edge for gap in gaps for edge in clipped(gap, day, now_ns)]
    for entry in tables:
        main = entry.found.main
        try:
            edges += [
                int(main.field("event_ns", row, row + 1)[0])
                for row in ((0, main.rows - 1) if main.rows else ())
            ]
        except OSError as error:
            damage.append(_words(entry.table, error))
    if not edges:
        return None
    return stretch(min(edges), max(edges) + 1, day)


def stretch(start_ns: int, end_ns: int, day: int) -> Span:
    """A range inside a UTC day, made longer if it is too short to be drawn."""
    first, last = day * NS_PER_DAY, (day + 1) * NS_PER_DAY
    begin = min(max(start_ns, first), last - SHORTEST_NS)
    return Span(begin, max(min(end_ns, last), begin + SHORTEST_NS))


def _drawn(
    recording: Recording,
    there: dict[str, Entry],
    looked: Looked,
    span: Span,
    damage: list[str],
) -> Document:
    grid = Grid.over(span.start_ns, span.end_ns, looked.buckets)
    trades, quotes, ticker = (WORDS[each] for each in (Table.TRADES, Table.QUOTES, Table.MD))
    of_prices = trades if trades in there else ticker
    of_spread = quotes if quotes in there else ticker
    ask = {trades: recording.trades, quotes: recording.quotes, ticker: recording.ticker}

    def rows_of(table: str, columns: list[str]) -> Rows:
        return ask[table](looked.symbol, span.start_ns, span.end_ns, columns=columns)

    def prices() -> Document:
        drawn = prices_of(rows_of(of_prices, ["ts", "price", "size"]), grid)
        at = np.flatnonzero(drawn.rows)
        values = {"volume": drawn.volume[at].tolist(), "rows": drawn.rows[at].tolist()}
        return {"table": of_prices, "at": at.tolist(), **_told(drawn.price, at), **values}

    def spread() -> Document:
        found = spread_of(rows_of(of_spread, ["ts", "bid", "ask"]), grid)
        at = np.flatnonzero(np.isfinite(found.bid.last) | np.isfinite(found.ask.last))
        sides = {"bid": _told(found.bid, at), "ask": _told(found.ask, at)}
        return {"table": of_spread, "at": at.tolist(), **sides}

    return {
        "grid": {
            "start": grid.start_ns / NS_PER_SECOND,
            "step": grid.step_ns / NS_PER_SECOND,
            "many": grid.many,
        },
        "prices": _unless_damaged(of_prices, there, prices, damage),
        "spread": _unless_damaged(of_spread, there, spread, damage),
    }


def _unless_damaged(
    table: str, there: dict[str, Entry], draw: Callable[[], Document], damage: list[str]
) -> Document | None:
    if table not in there:
        return None
    try:
        return draw()
    except OSError as error:
        damage.append(_words(table, error))
        return None


def _words(table: str, error: OSError) -> str:
    reason = str(error) if isinstance(error, DamagedError) else error.strerror or str(error)
    return f"{table}: {reason}"


def _told(of: Extremes, at: Places) -> Document:
    """Values of some buckets; a number that is none becomes null."""
    return {name: getattr(of, name)[at].tolist() for name in ("first", "low", "high", "last")}


def _range(span: Span) -> Document:
    return {
        "from_ns": str(span.start_ns),
        "to_ns": str(span.end_ns),
        "from": span.start_ns / NS_PER_SECOND,
        "to": span.end_ns / NS_PER_SECOND,
    }


def _longest(gaps: Sequence[Gap], day: int, now_ns: int) -> list[Gap]:
    """The longest ones, in order of time."""

    def length(gap: Gap) -> int:
        begin, end = clipped(gap, day, now_ns)
        return end - begin

    kept = sorted(gaps, key=length, reverse=True)[:MOST_HOLES]
    return sorted(kept, key=lambda gap: clipped(gap, day, now_ns))


def _hole(gap: Gap, day: int, now_ns: int) -> Document:
    begin, end = clipped(gap, day, now_ns)
    return {
        "table": gap.table,
        "cause": gap.cause,
        "from": None if gap.from_ns is None else gap.from_ns / NS_PER_SECOND,
        "to": None if gap.to_ns is None else gap.to_ns / NS_PER_SECOND,
        "shown": [begin / NS_PER_SECOND, end / NS_PER_SECOND],
        "from_id": None if gap.from_id is None else str(gap.from_id),
        "to_id": None if gap.to_id is None else str(gap.to_id),
    }
