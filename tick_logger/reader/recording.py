"""`Recording`: everything that can be asked of what was recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from tick_logger.model.symbols import MappedInstrument
from tick_logger.model.tables import Table
from tick_logger.reader.catalog import catalog_rows, worst_of_day
from tick_logger.reader.columns import Column, chosen
from tick_logger.reader.content import StreamRows
from tick_logger.reader.following import follow
from tick_logger.reader.gaps import WORDS, Gap, completeness, gaps_in
from tick_logger.reader.naming import every, meant
from tick_logger.reader.parts import LATE, Late, Part, day_parts
from tick_logger.reader.received import received_part
from tick_logger.reader.replaying import ROWS_AT_ONCE, checked, replay
from tick_logger.reader.rows import Rows
from tick_logger.reader.source import Source, Symbol
from tick_logger.reader.tables import tables_named
from tick_logger.reader.times import BEGINNING_NS, Span, Time, instant, span

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

    def __repr__(self) -> str:
        """Where it is, and of how much."""
        exchanges = self._source.exchanges()
        symbols = sum(len(self._source.symbols(exchange)) for exchange in exchanges)
        named = ", ".join(filter(None, exchanges))
        return f"<Recording {self._source.name}: {symbols:,} symbols{named and f' of {named}'}>"

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

    def gaps(
        self, symbols: Symbols = "*", start: Time = BEGINNING_NS, end: Time | None = None
    ) -> tuple[Gap, ...]:
        """The known holes that touch a range of receive times, healed parts taken out."""
        wanted = span(start, end)
        found = (gaps_in(self._source, each, None, wanted) for each in self._meant(symbols))
        return tuple(gap for gaps in found for gap in gaps)

    def catalog(
        self,
        symbols: Symbols = "*",
        start: Time = BEGINNING_NS,
        end: Time | None = None,
        *,
        tables: Sequence[str] | None = None,
        now: Time | None = None,
    ) -> Rows:
        """What there is: a row for each exchange, symbol, table and UTC day that has rows.

        Columns `exchange`, `symbol`, `table`, `proof`, `condition` (see `condition`) are text,
        `day` is datetime64[D], `rows` (all), `late` and `holes` uint64, `seconds` (from the first
        row to the last, less the holes) float64.  `tables` are words such as "trades" or "book".
        Raises `ValueError`, and `LookupError` for what is not recorded.

        >>> rec.catalog("coinbase:BTC-*", "2026-11-01", "2026-12-01").polars()  # doctest: +SKIP
        """
        return catalog_rows(self._source, self._meant(symbols), tables, span(start, end), now)

    def condition(self, symbol: str, day: Time, *, now: Time | None = None) -> str:
        """How good a symbol's UTC day is, in a word.

        "missing": there are no rows; "degraded": a hole is known; "pending": it may still grow;
        "available": neither.  A day may grow until an hour after its end; without `now`, until
        there are rows of a later one.  Raises `LookupError` for a symbol that is not recorded.

        >>> rec.condition("coinbase:BTC-USD", "2026-11-29")  # doctest: +SKIP
        """
        return worst_of_day(self._source, self._meant(symbol), instant(day), now)

    def replay(
        self,
        *symbols: str | Symbol,
        start: Time = BEGINNING_NS,
        end: Time | None = None,
        tables: Sequence[str] | None = None,
        late: Late = "merge",
        rows: int = ROWS_AT_ONCE,
    ) -> Iterator[Rows | Gap]:
        """What happened, in order of event times: batches of at most `rows` rows, and holes.

        All streams of these symbols (none named: of all) and tables are merged. A batch has the
        columns `ts`, `recv_ts`, `exchange`, `symbol`, `table`, those of its tables, and `origin`;
        what a table does not have is NaN, 0 or False there.  A `Gap` comes before the first row
        that happened after it began.  `late`: "merge" or "drop".  Memory is bounded by the streams
        of one day and `rows`, not by the rows.  Raises `ValueError`, `LookupError`, and `OSError`
        while it reads.

        >>> for batch in rec.replay("*:BTC-USD", start=DAY):  # doctest: +SKIP
        ...     print(batch if isinstance(batch, tick_logger.Gap) else batch.polars())
        """
        found, wanted = self._meant(symbols or "*"), span(start, end)
        return replay(self._source, found, tables_named(tables), wanted, late, checked(rows))

    def follow(
        self,
        *symbols: str | Symbol,
        tables: Sequence[str] | None = None,
        rows: int = ROWS_AT_ONCE,
        wait: Callable[[], object] | None = None,
    ) -> Iterator[Rows | Gap]:
        """What is recorded from now on: batches as in `replay`, holes as they change.

        Of the symbols that there are now.  Rows are in order of time within what one look at the
        files finds; late ones come when they come.  An open `Gap` is told of at once, and again
        when it has closed.  `wait` is called where nothing is new, and ends it by returning False;
        without it, a fifth of a second is slept.  Files that a restart cuts go on behind what was
        given.  Raises `ValueError`, `LookupError`, and `OSError` if files stay unreadable.

        >>> for batch in rec.follow("coinbase:BTC-USD", tables=["trades"]):  # doctest: +SKIP
        ...     print(batch)
        """
        found = self._meant(symbols or "*")
        return follow(self._source, found, tables_named(tables), checked(rows), wait)

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
    named = str(symbols[0]) if len(symbols) == 1 else f"{len(symbols)} symbols"
    return f"{named} {WORDS[table]} {wanted.text}"


def _place(each: MappedInstrument) -> tuple[str, str]:
    return each.exchange, each.symbol
