"""The command `head`: the first rows of a table, or with `--follow` the newest, as they come.

For people a table, in which a line names each new day; for machines CSV or JSON lines with all
columns.  A hole is a line of its own in its place, but in CSV, where it goes to standard error.
"""

from __future__ import annotations

import csv
import io
import json as json_library
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

import attrs
import cyclopts

from tick_logger import exit_codes
from tick_logger.cli.columns import line
from tick_logger.cli.pairs import Pairs, pairs, say_meant
from tick_logger.cli.reading import moment, opened, reading, say
from tick_logger.cli.reading import tables as tables_of
from tick_logger.errors import ConfigError

if TYPE_CHECKING:
    import numpy.typing as npt

    from tick_logger.reader import Gap, Rows

Format = Literal["table", "csv", "jsonl"]

_SHOWN = {
    "trades": ("id", "side", "price", "size"),
    "quotes": ("bid", "bid_size", "ask", "ask_size"),
    "ticker": ("price", "size", "side", "bid", "ask"),
    "book": ("id", "side", "price", "size", "is_snapshot"),
}
"""What people see of each table; the rest is in the other formats."""

_WIDTHS = {"id": 12, "side": 4, "is_snapshot": 4, "symbol": 20, "pair": 12}
_NUMBER_WIDTH = 13
_NUMBERS = {"id", "price", "size", "bid", "bid_size", "ask", "ask_size"}


def head_command(
    directory: Path,
    symbol: str,
    table: str,
    /,
    *,
    number: Annotated[int, cyclopts.Parameter(name=["--number", "-n"])] = 10,
    from_: Annotated[str | None, cyclopts.Parameter(name="--from")] = None,
    follow: Annotated[bool, cyclopts.Parameter(negative="")] = False,
    format: Format = "table",
) -> int:
    """Show the first rows of a table; with --follow what is being recorded, until Ctrl-C.

    Parameters
    ----------
    directory
        What was recorded into.
    symbol
        coinbase:BTC-USD, a pattern such as *:BTC*, or BTC-USD; several are merged in time.
    table
        trades, quotes, ticker, book.
    number
        So many rows; with --follow they are not counted.
    from_
        From this day or time on, or from so long ago: 2026-11-29T10:00, 2h.
    follow
        Show rows and holes as they come, from now on.
    format
        For people a table, for machines csv or jsonl with all columns.
    """
    if number < 1:
        raise ConfigError([("-n", f"must be a number above zero, not {number}")])
    if follow and from_ is not None:
        raise ConfigError([("--follow", "shows what comes from now on, and takes no --from")])
    recording, (which, *_) = opened(directory), tables_of("TABLE", [table])
    from tick_logger.reader.gaps import WORDS
    from tick_logger.reader.times import BEGINNING_NS, END_NS

    word = WORDS[which]
    with reading(directory):
        say_meant(recording, [symbol])
        found: Iterator[Rows | Gap]
        if follow:
            found = recording.follow(symbol, tables=[word])
        else:
            start = BEGINNING_NS if from_ is None else moment("--from", from_)
            most = min(number, 65_536)
            found = recording.replay(symbol, start=start, end=END_NS, tables=[word], rows=most)
        several = len(recording.find(symbol)) > 1
        printer = _PRINTERS[format](word, pairs(recording), several=several)
        try:
            shown = _shown(found, printer, None if follow else number)
        except KeyboardInterrupt:
            if not follow:
                raise
            return exit_codes.CLEAN
    if not shown and not follow:
        say(f"no {word} of {symbol} are recorded in {directory}" + (" since then" * bool(from_)))
        return exit_codes.FOUND
    return exit_codes.CLEAN


def _shown(found: Iterable[Rows | Gap], printer: _Printer, most: int | None) -> int:
    """Put out so many rows, all for None, and the holes among them; returns how many there were."""
    from tick_logger.reader.gaps import Gap

    shown = 0
    for each in found:
        if isinstance(each, Gap):
            printer.hole(each)
        else:
            shown += printer.rows(each, len(each) if most is None else most - shown)
        sys.stdout.flush()
        if shown == most:
            break
    return shown


class _Printer(Protocol):
    def rows(self, rows: Rows, most: int) -> int:
        """Put out at most so many rows; returns how many there were."""
        ...

    def hole(self, gap: Gap) -> None:
        """Put out a hole."""
        ...


def _records(rows: Rows, most: int) -> Iterator[dict[str, Any]]:
    """Rows by column, times as ns, absent numbers as None, sides as words."""
    first = next(iter(rows.chunks(max(min(most, len(rows)), 1))))
    columns = first.numpy()
    words = _side_words(first)
    plain = {name: _plain(name, values, words) for name, values in columns.items()}
    for values in zip(*plain.values(), strict=True):
        yield dict(zip(plain, values, strict=True))


def _side_words(rows: Rows) -> Mapping[int, str | None]:
    tables = set(rows.numpy("table").tolist())
    book = tables == {"book"}
    return {1: "bid" if book else "buy", -1: "ask" if book else "sell", 0: None}


def _plain(name: str, values: npt.NDArray[Any], words: Mapping[int, str | None]) -> list[Any]:
    if name in ("ts", "recv_ts"):
        return list(values.view("int64").tolist())
    if name == "side":
        return [words[side] for side in values.tolist()]
    found: list[Any] = values.tolist()
    if values.dtype.kind == "f":
        return [None if number != number else number for number in found]
    return found


@attrs.define
class _Table:
    """For people, within 80 columns for one symbol, whose pair stands with each new day."""

    word: str
    called: Pairs
    several: bool = attrs.field(kw_only=True)
    _day: str = ""

    def rows(self, rows: Rows, most: int) -> int:
        names = (*(("symbol", *self.called.head) if self.several else ()), *_SHOWN[self.word])
        widths = [15, *(_WIDTHS.get(name, _NUMBER_WIDTH) for name in names)]
        numbers = [False, *(name in _NUMBERS for name in names)]
        records = list(_records(rows, most))
        from tick_logger.telemetry.logs import harmless

        for record in records:
            day, _, clock = _text(record["ts"])[:26].partition("T")
            record["symbol"] = _symbol(record)
            record["pair"] = self.called.known(record["symbol"])
            if day != self._day:
                self._day = day
                heads = [name.replace("is_snapshot", "snap") for name in names]
                pair = None if self.several else self.called.beside(record["symbol"])
                so = f"  {record['symbol']} ({pair})" if pair else ""
                sys.stdout.write(f"{day} (UTC){harmless(so)}\n")
                sys.stdout.write(f"{line(['time', *heads], widths, numbers)}\n")
            cells = [clock.ljust(15, "0"), *(_cell(record[name]) for name in names)]
            sys.stdout.write(line(cells, widths, numbers) + "\n")
        return len(records)

    def hole(self, gap: Gap) -> None:
        sys.stdout.write(f"-- missing: {gap}\n")


@attrs.define
class _JsonLines:
    """An object for each row, and one with the key `gap` for each hole; times are ISO text."""

    word: str
    called: Pairs
    several: bool = attrs.field(kw_only=True)

    def rows(self, rows: Rows, most: int) -> int:
        records = list(_records(rows, most))
        for record in records:
            document = record | {name: _text(record[name]) for name in ("ts", "recv_ts")}
            document["pair"] = self.called.known(_symbol(record))
            sys.stdout.write(json_library.dumps(document) + "\n")
        return len(records)

    def hole(self, gap: Gap) -> None:
        pair = self.called.known(_symbol(attrs.asdict(gap)))
        sys.stdout.write(json_library.dumps({"gap": attrs.asdict(gap) | {"pair": pair}}) + "\n")


@attrs.define
class _Csv:
    """A head, then a line for each row; times are ISO text."""

    word: str
    called: Pairs
    several: bool = attrs.field(kw_only=True)
    _begun: bool = False

    def rows(self, rows: Rows, most: int) -> int:
        records = list(_records(rows, most))
        for record in records:
            record["pair"] = self.called.known(_symbol(record)) or ""
            if not self._begun:
                self._begun = True
                _write_csv(record)
            times = {name: _text(record[name]) for name in ("ts", "recv_ts")}
            _write_csv((record | times).values())
        return len(records)

    def hole(self, gap: Gap) -> None:
        say(f"missing: {gap}")


_PRINTERS: Mapping[Format, Callable[..., _Printer]] = {
    "table": _Table,
    "csv": _Csv,
    "jsonl": _JsonLines,
}


def _symbol(record: Mapping[str, Any]) -> str:
    exchange, symbol = record["exchange"], record["symbol"]
    return f"{exchange}:{symbol}" if exchange else str(symbol)


def _write_csv(cells: Iterable[object]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    sys.stdout.write(text.getvalue())


def _text(time_ns: int) -> str:
    """ISO text with nine digits of a second."""
    from tick_logger.reader.times import iso

    whole, nanos = divmod(time_ns, 10**9)
    return f"{iso(whole * 10**9)[:-1]}.{nanos:09d}Z"


def _cell(value: object) -> str:
    from tick_logger.telemetry.logs import harmless

    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else ""
    return str(harmless(f"{value:.12g}" if isinstance(value, float) else str(value)))
