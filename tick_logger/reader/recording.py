"""`Recording`: everything that can be asked of what was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from tick_logger.model.tables import Table
from tick_logger.reader.asof import matched
from tick_logger.reader.bars import bars
from tick_logger.reader.book import Book
from tick_logger.reader.book_series import book_series, moments
from tick_logger.reader.books import Books
from tick_logger.reader.columns import Column, chosen
from tick_logger.reader.consolidated import consolidated
from tick_logger.reader.content import StreamRows
from tick_logger.reader.gaps import WORDS, both, completeness
from tick_logger.reader.naming import named, one_meant
from tick_logger.reader.overview import Overview, Symbols
from tick_logger.reader.parts import LATE, Late, Part, day_parts
from tick_logger.reader.received import late_part, received_part
from tick_logger.reader.rows import Rows
from tick_logger.reader.source import Source, Symbol
from tick_logger.reader.times import Span, Time, instant, period, span


class Recording(Overview):
    """What was recorded, live or at rest.  Made by `tick_logger.open`.

    Nothing is read before it is asked for, and no file is held open.  `symbols` is always
    `"exchange:SYMBOL"`, a pattern (`"coinbase:BTC-*"`), a normal name (`"BTC-USD"`: wherever it was
    listed), or several of them.  Times are a date (its UTC day), ISO text, an aware datetime, or ns
    since 1970-01-01 UTC; ranges are half open, and a day without an end is that day.
    """

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self._books = Books(source)

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

        >>> rec.trades("coinbase:BTC-USD", "2026-11-29").numpy("price")[:3]
        array([84106.09, 84106.1 , 84106.11])
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

        >>> minute = "2026-11-29T10:00", "2026-11-29T10:01"
        >>> rec.quotes("*:BTC*", *minute, columns=["symbol", "bid"])
        2 symbols quotes 2026-11-29T10:00:00Z to 2026-11-29T10:01:00Z: 120 rows, ...
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

        >>> rec.ticker("kraken:BTC/USD", "2026-11-29").numpy("bid")[:2]
        array([84106.09, 84106.08])
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

        >>> int(rec.book_updates("coinbase:BTC-USD", "2026-11-29").numpy("is_snapshot").sum())
        20
        """
        return self._rows(Table.BOOK, symbols, span(start, end), columns, late, by)

    def book(self, symbol: str | Symbol, at: Time, *, depth: int | None = None) -> Book:
        """The order book at a moment, with the venue's rules applied: `Book`.

        Rows of event times up to `at` are applied, from the newest snapshot on; `depth` limits the
        levels of each side that are given.  Inside a hole, and before there is a book, it is
        `broken`, and has a `cause`.

        >>> rec.book("coinbase:BTC-USD", "2026-11-29T10:02:00Z", depth=10).broken
        False
        """
        return self._books.at(one_meant(self._source, symbol), instant(at), depth)

    def books(
        self, symbol: str | Symbol, start: Time, end: Time, *, every: str = "1s", depth: int = 10
    ) -> Rows:
        """The book at `start`, and after each period until before `end`, one row each.

        Columns: `ts` (the moment), `as_of` (event time of the last row applied, or NaT), `broken`,
        `cause` (empty where it is not), `bid_0`, `bid_size_0`, ... `ask_0`, `ask_size_0`, ...; NaN
        where there is no such level.  Raises `ValueError` if they would be too many to be held.

        >>> minutes = "2026-11-29T10:00", "2026-11-29T10:05"
        >>> len(rec.books("coinbase:BTC-USD", *minutes, every="1m", depth=5))
        5
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

        >>> rec.bars("coinbase:BTC-USD", "2026-11-29").polars()["count"].to_list()
        [120, 120, 120, 120, 120]
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

        >>> btc, day = "coinbase:BTC-USD", "2026-11-29"
        >>> rec.asof(rec.trades(btc, day), rec.quotes(btc, day)).numpy("bid")[:3]
        array([     nan, 84106.08, 84106.08])
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

        >>> rec.consolidated("BTC-USD", "2026-11-29").polars().height
        300
        """
        found, wanted = self._meant(symbols), span(start, end)
        return Rows(
            f"{named(found)} best of {len(found)} {wanted.text}",
            partial(consolidated, self._source, found, wanted),
            partial(completeness, self._source, found, Table.QUOTES, wanted),
        )

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
            partial(completeness, self._source, found, table, wanted, by),
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
    parts: list[Part | None] = []
    for symbol in symbols:
        if by == "received":
            parts.append(received_part(source, symbol, table, wanted, late))
        elif late == "only":
            parts.append(late_part(source, symbol, table, wanted))
        else:
            parts += day_parts(source, symbol, table, wanted, late)
    return StreamRows(columns, [part for part in parts if part is not None])


def _title(symbols: Sequence[Symbol], table: Table, wanted: Span) -> str:
    return f"{named(symbols)} {WORDS[table]} {wanted.text}"
