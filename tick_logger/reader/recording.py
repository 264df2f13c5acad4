"""`Recording`: everything that can be asked of what was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from tick_logger.model.symbols import MappedInstrument
from tick_logger.model.tables import Table
from tick_logger.reader.asof import matched
from tick_logger.reader.bars import bars
from tick_logger.reader.book import Book
from tick_logger.reader.book_series import book_series, moments
from tick_logger.reader.books import Books
from tick_logger.reader.columns import Column, chosen
from tick_logger.reader.consolidated import consolidated
from tick_logger.reader.content import StreamRows
from tick_logger.reader.gaps import WORDS, Gap, both, completeness, gaps_in
from tick_logger.reader.naming import every, meant, named, one_meant
from tick_logger.reader.parts import LATE, Late, Part, day_parts
from tick_logger.reader.received import received_part
from tick_logger.reader.rows import Rows
from tick_logger.reader.source import Source, Symbol
from tick_logger.reader.times import BEGINNING_NS, Span, Time, instant, period, span

Symbols = str | Symbol | Sequence[str | Symbol]
"""`"exchange:SYMBOL"`, a pattern, a normal name, or several of them."""


class Recording:
    """What was recorded, live or at rest.  Made by `tick_logger.open`.

    Nothing is read before it is asked for, and no file is held open.  `symbols` is always
    `"exchange:SYMBOL"`, a pattern (`"coinbase:BTC-*"`), a normal name (`"BTC-USD"`: wherever it was
    listed), or several of them.  Times are a date (its UTC day), ISO text, an aware datetime, or ns
    since 1970-01-01 UTC; ranges are half open, and a day without an end is that day.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._books = Books(source)

    def __repr__(self) -> str:
        """Where it is, and of how much."""
        exchanges = self._source.exchanges()
        symbols = sum(len(self._source.symbols(exchange)) for exchange in exchanges)
        names = ", ".join(filter(None, exchanges))
        return f"<Recording {self._source.name}: {symbols:,} symbols{names and f' of {names}'}>"

    def trades(
        self,
        symbols: Symbols,
        start: Time,
        end: Time | None = None,
        *,
        columns: Sequence[str] | None = None,
        late: Late = "merge",
        by: str = "event",
    ) -> Rows:
        """Trades: `ts`, `recv_ts`, `id`, `price`, `size`, `side` (of the aggressor), `origin`.

        `maker_order_id` and `taker_order_id` (16 bytes) by name in `columns`.

        `late`: "merge" those that came late, or were asked for later, by (time, id); "drop" them;
        or "only" them, with those whose time cannot be right.  `by`: "event" or "received", for
        the range and the order.  Raises `ValueError`, and `LookupError` for what is not recorded.

        >>> rec.trades("coinbase:BTC-USD", DAY).numpy("price")[:3]  # doctest: +SKIP
        """
        return self._rows(Table.TRADES, symbols, span(start, end), columns, late, by)

    def quotes(
        self,
        symbols: Symbols,
        start: Time,
        end: Time | None = None,
        *,
        columns: Sequence[str] | None = None,
        late: Late = "merge",
        by: str = "event",
    ) -> Rows:
        """Quotes: `ts`, `recv_ts`, `id`, `bid`, `bid_size`, `ask`, `ask_size` (the best), `origin`.

        For all else see `trades`.
        """
        return self._rows(Table.QUOTES, symbols, span(start, end), columns, late, by)

    def ticker(
        self,
        symbols: Symbols,
        start: Time,
        end: Time | None = None,
        *,
        columns: Sequence[str] | None = None,
        late: Late = "merge",
        by: str = "event",
    ) -> Rows:
        """Tickers: `ts`, `recv_ts`, `price`, `size`, `side` (of the last trade), `bid`, `ask`,
        `origin`.

        For all else see `trades`.
        """
        return self._rows(Table.MD, symbols, span(start, end), columns, late, by)

    def book_updates(
        self,
        symbols: Symbols,
        start: Time,
        end: Time | None = None,
        *,
        columns: Sequence[str] | None = None,
        late: Late = "merge",
        by: str = "event",
    ) -> Rows:
        """Levels of books as they changed: `ts`, `recv_ts`, `id`, `side`, `price`, `size`,
        `is_snapshot`, `origin`.

        A size of 0 deletes the level.  `book` and `books` apply the rules of each venue.  For all
        else see `trades`.
        """
        return self._rows(Table.BOOK, symbols, span(start, end), columns, late, by)

    def book(self, symbol: str | Symbol, at: Time, *, depth: int | None = None) -> Book:
        """The order book at a moment, with the venue's rules applied: `Book`.

        Rows of event times up to `at` are applied, from the newest snapshot on; `depth` limits the
        levels of each side that are given.  Inside a hole, and before there is a book, it is
        `broken`, and has a `cause`.

        >>> rec.book("coinbase:BTC-USD", "2026-11-29T18:55:00Z", depth=10)  # doctest: +SKIP
        """
        return self._books.at(one_meant(self._source, symbol), instant(at), depth)

    def books(
        self, symbol: str | Symbol, start: Time, end: Time, *, every: str = "1s", depth: int = 10
    ) -> Rows:
        """The book at `start`, and after each period until before `end`, one row each.

        Columns: `ts` (the moment), `as_of` (event time of the last row applied, or NaT), `broken`,
        `cause` (empty where it is not), `bid_0`, `bid_size_0`, ... `ask_0`, `ask_size_0`, ...; NaN
        where there is no such level.  Raises `ValueError` if they would be too many to be held.

        >>> rec.books("okx:BTC-USDT", "2026-11-29", "2026-11-30", depth=5)  # doctest: +SKIP
        """
        found, wanted = one_meant(self._source, symbol), span(start, end)
        at = moments(wanted, period(every), depth)
        return Rows(
            f"{found} books each {every} {wanted.text}",
            partial(book_series, self._books, self._source, found, at, depth),
            partial(completeness, self._source, [found], Table.BOOK, wanted),
        )

    def bars(
        self, symbols: Symbols, start: Time, end: Time | None = None, *, every: str = "1m"
    ) -> Rows:
        """Bars of trades: `ts` (beginning), `open`, `high`, `low`, `close`, `volume`, `count`,
        `vwap`, `buy_volume`, `sell_volume` (of trades whose aggressor bought, and sold).

        Periods begin at whole multiples of `every` since 1970 (UTC).  One without trades has no
        row.  Late trades count; a period that the range cuts has the trades inside the range.

        >>> rec.bars("BTC-USD", "2026-11-29", every="5m").polars()  # doctest: +SKIP
        """
        found, wanted, length = self._meant(symbols), span(start, end), period(every)
        return Rows(
            f"{named(found)} bars of {every} {wanted.text}",
            partial(bars, self._source, found, wanted, length),
            partial(completeness, self._source, found, Table.TRADES, wanted),
        )

    def asof(self, left: Rows, right: Rows) -> Rows:
        """Each row of `left` with the newest row of `right` at or before it, by `ts`.

        Where `right` is of several symbols, within a symbol.  Columns of `right` whose names `left`
        has too end in `_right` (`ts_right`: how old it is).  Without a match: NaN, NaT, 0, False.

        >>> rec.asof(rec.trades(BTC, DAY), rec.quotes(BTC, DAY)).polars()  # doctest: +SKIP
        """
        return Rows(
            f"{left.title}, as of which {right.title}",
            lambda: matched(left.content, right.content),
            lambda: both(left.known, right.known),
        )

    def consolidated(self, symbols: Symbols, start: Time, end: Time | None = None) -> Rows:
        """Best bid and ask over all venues: `ts`, `bid`, `bid_size`, `bid_venue`, `bid_age` (s),
        `ask`, `ask_size`, `ask_venue`, `ask_age`, `spread_bps`, `venues` (how many count).

        A row at `start`, and at each change.  A negative `spread_bps` is a crossed market.  A venue
        does not count from a hole in its quotes on until it quotes again after it.

        >>> rec.consolidated("BTC-USD", "2026-11-29").polars()  # doctest: +SKIP
        """
        found, wanted = self._meant(symbols), span(start, end)
        return Rows(
            f"{named(found)} best of {len(found)} {wanted.text}",
            partial(consolidated, self._source, found, wanted),
            partial(completeness, self._source, found, Table.QUOTES, wanted),
        )

    def gaps(
        self, symbols: Symbols = "*", start: Time = BEGINNING_NS, end: Time | None = None
    ) -> tuple[Gap, ...]:
        """The known holes that touch a range of receive times, healed parts taken out."""
        wanted = span(start, end)
        found = (gaps_in(self._source, each, None, wanted) for each in self._meant(symbols))
        return tuple(gap for gaps in found for gap in gaps)

    def instruments(self, day: Time | None = None) -> tuple[MappedInstrument, ...]:
        """What was listed on a UTC day, or of late, by exchange and symbol."""
        until = None if day is None else span(day, None).days[0]
        return tuple(sorted(self._source.instruments(until), key=_place))

    def find(self, name: str) -> tuple[str, ...]:
        """The recorded symbols that a name means, as `"exchange:SYMBOL"`; `LookupError` if none."""
        return tuple(map(str, meant(self._source, name)))

    def symbols(self) -> tuple[str, ...]:
        """All symbols of which there is anything, as `"exchange:SYMBOL"`, sorted."""
        return tuple(map(str, every(self._source)))

    def _meant(self, symbols: Symbols) -> tuple[Symbol, ...]:
        return meant(self._source, symbols)

    def _rows(
        self,
        table: Table,
        symbols: Symbols,
        wanted: Span,
        columns: Sequence[str] | None,
        late: Late,
        by: str,
    ) -> Rows:
        if late not in LATE:
            raise ValueError(f"late={late!r} is none of {', '.join(LATE)}")
        if by not in ("event", "received"):
            raise ValueError(f'by={by!r} is neither "event" nor "received"')
        found = self._meant(symbols)
        names = chosen(table, columns, several=len(found) > 1)
        return Rows(
            _title(found, table, wanted),
            partial(_stream_rows, self._source, found, table, names, wanted, late, by),
            partial(completeness, self._source, found, table, wanted),
        )


def _stream_rows(
    source: Source,
    symbols: Sequence[Symbol],
    table: Table,
    columns: tuple[Column, ...],
    wanted: Span,
    late: Late,
    by: str,
) -> StreamRows:
    parts: list[Part] = []
    for symbol in symbols:
        if by == "event":
            parts += day_parts(source, symbol, table, wanted, late)
        else:
            part = received_part(source, symbol, table, wanted, late)
            parts += [] if part is None else [part]
    return StreamRows(columns, parts)


def _title(symbols: Sequence[Symbol], table: Table, wanted: Span) -> str:
    return f"{named(symbols)} {WORDS[table]} {wanted.text}"


def _place(each: MappedInstrument) -> tuple[str, str]:
    return each.exchange, each.symbol
