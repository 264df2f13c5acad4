"""What there is in a recording, and all of it as it happened: what concerns no table alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tick_logger.model.symbols import MappedInstrument
from tick_logger.reader.catalog import catalog_rows, worst_of_day
from tick_logger.reader.doubts import Doubt, doubts_of
from tick_logger.reader.following import follow
from tick_logger.reader.gaps import Gap, gaps_in, healed_in
from tick_logger.reader.naming import every, meant
from tick_logger.reader.pairs import pairs_of
from tick_logger.reader.parts import Late
from tick_logger.reader.replaying import ROWS_AT_ONCE, checked, replay
from tick_logger.reader.rows import Rows
from tick_logger.reader.source import Source, Symbol
from tick_logger.reader.tables import tables_named
from tick_logger.reader.times import BEGINNING_NS, Time, instant, span

Symbols = str | Symbol | Sequence[str | Symbol]
"""`"exchange:SYMBOL"`, a pattern, a normal name, or several of them."""


class Overview:
    """The part of `Recording` that tells what there is, and plays it."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def __repr__(self) -> str:
        """Where it is, and of how much."""
        exchanges = self._source.exchanges()
        symbols = sum(len(self._source.symbols(exchange)) for exchange in exchanges)
        names = ", ".join(filter(None, exchanges))
        return f"<Recording {self._source.name}: {symbols:,} symbols{names and f' of {names}'}>"

    def gaps(
        self, symbols: Symbols | None = None, start: Time = BEGINNING_NS, end: Time | None = None
    ) -> tuple[Gap, ...]:
        """The known holes that touch a range of receive times, healed parts taken out.

        Of all symbols if none are named.

        >>> for gap in rec.gaps():
        ...     print(gap)
        kraken:BTC/USD trades: sequence, 2026-11-29T10:02:29.04Z to 2026-11-29T10:02:40.04Z,
        ids 151 to 160
        """
        wanted = span(start, end)
        asked = every(self._source) if symbols is None else self._meant(symbols)
        found = (gaps_in(self._source, each, None, wanted) for each in asked)
        return tuple(gap for gaps in found for gap in gaps)

    def healed(
        self, symbols: Symbols | None = None, start: Time = BEGINNING_NS, end: Time | None = None
    ) -> tuple[Gap, ...]:
        """What was missing of a range of receive times and is not any more; `healed` says how.

        Of all symbols if none are named.  A hole that healed bit by bit is there bit by bit.

        >>> rec.healed("coinbase:*")
        ()
        """
        wanted = span(start, end)
        asked = every(self._source) if symbols is None else self._meant(symbols)
        found = (healed_in(self._source, each, wanted) for each in asked)
        return tuple(gap for gaps in found for gap in gaps)

    def doubts(
        self, symbols: Symbols | None = None, start: Time = BEGINNING_NS, end: Time | None = None
    ) -> tuple[Doubt, ...]:
        """What looked wrong in rows of a range of receive times when they were recorded.

        Of all symbols if none are named.  No row was changed for it; that there is none proves
        nothing where nothing was checked.

        >>> rec.doubts("coinbase:*")
        ()
        """
        wanted = span(start, end)
        asked = every(self._source) if symbols is None else self._meant(symbols)
        return tuple(doubts_of(self._source, tuple(asked), wanted))

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

        >>> rec.catalog("coinbase:BTC-*", "2026-11-01", "2026-12-01").numpy("rows")
        array([300, 600, 300, 618], dtype=uint64)
        """
        return catalog_rows(self._source, self._meant(symbols), tables, span(start, end), now)

    def condition(self, symbol: str, day: Time, *, now: Time | None = None) -> str:
        """How good a symbol's UTC day is, in a word.

        "missing": there are no rows; "degraded": a hole is known; "pending": it may still grow;
        "available": neither.  A day may grow until an hour after its end; without `now`, until
        there are rows of a later one.  Raises `LookupError` for a symbol that is not recorded.

        >>> rec.condition("kraken:BTC/USD", "2026-11-29")
        'degraded'
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

        >>> played = list(rec.replay("kraken:*", start="2026-11-29", tables=["trades"]))
        >>> [len(each) for each in played if not isinstance(each, tick_logger.Gap)]
        [150, 140]
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

        >>> for batch in rec.follow("coinbase:BTC-USD", wait=lambda: False):
        ...     print(batch)
        """
        found = self._meant(symbols or "*")
        return follow(self._source, found, tables_named(tables), checked(rows), wait)

    def instruments(self, day: Time | None = None) -> tuple[MappedInstrument, ...]:
        """What was listed on a UTC day, or of late, by exchange and symbol.

        >>> [each.tick_size for each in rec.instruments()]
        ['0.01', '0.01']
        """
        until = None if day is None else span(day, None).days[0]
        return tuple(sorted(self._source.instruments(until), key=_place))

    def find(self, name: str) -> tuple[str, ...]:
        """The recorded symbols that a name means, as `"exchange:SYMBOL"`; `LookupError` if none.

        >>> rec.find("BTC-USD")
        ('coinbase:BTC-USD', 'kraken:BTC/USD')
        """
        return tuple(map(str, meant(self._source, name)))

    def pairs(self) -> dict[str, str]:
        """What each recorded symbol is called everywhere, where a listing says what it is.

        >>> rec.pairs()
        {'coinbase:BTC-USD': 'BTC-USD', 'kraken:BTC/USD': 'BTC-USD'}
        """
        known = pairs_of(self._source)
        return {str(each): known[each] for each in every(self._source) if each in known}

    def symbols(self) -> tuple[str, ...]:
        """All symbols of which there is anything, as `"exchange:SYMBOL"`, sorted.

        >>> rec.symbols()
        ('coinbase:BTC-USD', 'kraken:BTC/USD')
        """
        return tuple(map(str, every(self._source)))

    def _meant(self, symbols: Symbols) -> tuple[Symbol, ...]:
        return meant(self._source, symbols)


def _place(each: MappedInstrument) -> tuple[str, str]:
    return each.exchange, each.symbol
