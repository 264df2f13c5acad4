"""Where everything lies under the data path, and what lies at a path: one scheme, both directions.

    {exchange}/{symbol}/{TABLE}/{column}.{DD}.{MM}.{YY}.bin         column files
    {exchange}/{symbol}/late/{TABLE}/{column}.{DD}.{MM}.{YY}.bin    rows that came too late
    {exchange}/{symbol}/gaps.{DD}.{MM}.{YY}.jsonl                   known holes
    {exchange}/instruments.{DD}.{MM}.{YY}.json                      what was listed

Paths are relative and POSIX.  A symbol is the exchange's own spelling; only characters that would
make it unsafe as a folder are percent-encoded.  `parse` accepts exactly the paths that the other
functions make, so nothing else on the disk is ever taken for a recording.  Pure: no file access.
"""

from __future__ import annotations

import datetime
import functools
import re

import attrs

from tick_logger.model.tables import SPECS, Table

FIRST_DAY = 0
LAST_DAY = datetime.date(2069, 12, 31).toordinal() - datetime.date(1970, 1, 1).toordinal()
"""Days (since 1970-01-01) that two digits can tell apart: years 70 to 99 are 1970 to 1999."""

LATE_FOLDER = "late"
JOURNAL_FOLDER = "journal"
FORMAT_FILE = "format.json"

_EPOCH_ORDINAL = datetime.date(1970, 1, 1).toordinal()
_UNSAFE = re.compile(r"^\.|[%/\x00\ud800-\udfff]")  # lone surrogates have no bytes on disk
_ESCAPED = re.compile(r"(?:%[0-9A-F]{2})+")
_EMPTY = "%"  # the folder of the empty symbol; no other symbol gives a bare percent sign
_DAY = re.compile(r"(\d\d)\.(\d\d)\.(\d\d)", re.ASCII)
_COLUMN_FILE = re.compile(r"([a-z_]+)\.(\d\d\.\d\d\.\d\d)\.bin", re.ASCII)
_GAPS_FILE = re.compile(r"gaps\.(\d\d\.\d\d\.\d\d)\.jsonl", re.ASCII)
_INSTRUMENTS_FILE = re.compile(r"instruments\.(\d\d\.\d\d\.\d\d)\.json", re.ASCII)


@attrs.frozen
class ColumnPath:
    """One column file: column of a table, of one symbol and UTC day (days since 1970-01-01)."""

    exchange: str
    symbol: str
    table: Table
    late: bool
    column: str
    day: int


@attrs.frozen
class GapsPath:
    """The gaps file of one symbol and UTC day (days since 1970-01-01)."""

    exchange: str
    symbol: str
    day: int


@attrs.frozen
class InstrumentsPath:
    """What an exchange listed on one UTC day (days since 1970-01-01)."""

    exchange: str
    day: int


@functools.lru_cache(maxsize=1024)  # a flush touches few days, and asks for each very often
def day_text(day: int) -> str:
    """`DD.MM.YY` of a day since 1970-01-01; `ValueError` outside `FIRST_DAY` to `LAST_DAY`."""
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"day {day} has no place in the file layout")
    return datetime.date.fromordinal(_EPOCH_ORDINAL + day).strftime("%d.%m.%y")


def day_of_text(text: str) -> int | None:
    """The day of a `DD.MM.YY`, or None if there is no such day."""
    match = _DAY.fullmatch(text)
    if match is None:
        return None
    of_month, month, year = (int(part) for part in match.groups())
    try:
        date = datetime.date(year + (1900 if year >= 70 else 2000), month, of_month)
    except ValueError:
        return None
    return date.toordinal() - _EPOCH_ORDINAL


def folder_of(symbol: str) -> str:
    """A symbol (or exchange) as a single safe path component."""
    return _UNSAFE.sub(_escape, symbol) or _EMPTY


def symbol_of(folder: str) -> str | None:
    """The symbol whose folder this is, or None if no symbol is written so."""
    if folder == _EMPTY:
        return ""
    try:
        symbol = _ESCAPED.sub(_unescape, folder)
    except UnicodeDecodeError:
        return None
    return symbol if folder_of(symbol) == folder else None


def symbol_folder(exchange: str, symbol: str) -> str:
    """The folder of everything that is recorded of a symbol."""
    return f"{folder_of(exchange)}/{folder_of(symbol)}"


def table_folder(exchange: str, symbol: str, table: Table, *, late: bool = False) -> str:
    """The folder of the column files of a table."""
    middle = f"{LATE_FOLDER}/" if late else ""
    return f"{symbol_folder(exchange, symbol)}/{middle}{table}"


def column_name(column: str, day: int) -> str:
    """The name of a column file within its table's folder."""
    return f"{column}.{day_text(day)}.bin"


def column_path(where: ColumnPath) -> str:
    """The path of a column file."""
    folder = table_folder(where.exchange, where.symbol, where.table, late=where.late)
    return f"{folder}/{column_name(where.column, where.day)}"


def gaps_path(where: GapsPath) -> str:
    """The path of a gaps file."""
    return f"{symbol_folder(where.exchange, where.symbol)}/gaps.{day_text(where.day)}.jsonl"


def instruments_path(where: InstrumentsPath) -> str:
    """The path of an instruments file."""
    return f"{folder_of(where.exchange)}/instruments.{day_text(where.day)}.json"


def looks_like_column_file(path: str) -> bool:
    """Whether the last part of a path is named as column files are."""
    return _COLUMN_FILE.fullmatch(path.rsplit("/", 1)[-1]) is not None


def is_column_of_unknown_name(path: str) -> bool:
    """Whether a path is that of a column file of a table, but for the name of the column."""
    match = _COLUMN_FILE.fullmatch(path.rsplit("/", 1)[-1])
    if match is None:
        return False
    table = path.rsplit("/", 2)[-2] if path.count("/") > 1 else ""
    if table not in SPECS:
        return False
    folder = path.rpartition("/")[0]
    return isinstance(
        parse(f"{folder}/{SPECS[Table(table)].time_column}.{match[2]}.bin"), ColumnPath
    )


def parse(path: str) -> ColumnPath | GapsPath | InstrumentsPath | None:
    """What lies at a path; None for everything that is not named by this module."""
    parts = path.split("/")
    exchange = symbol_of(parts[0])
    if exchange is None or len(parts) < 2:
        return None
    if len(parts) == 2:
        return _parse_instruments(exchange, parts[1])
    symbol = symbol_of(parts[1])
    if symbol is None:
        return None
    match parts[2:]:
        case [name]:
            return _parse_gaps(exchange, symbol, name)
        case [table, name]:
            return _parse_column(exchange, symbol, table, name, late=False)
        case ["late", table, name]:
            return _parse_column(exchange, symbol, table, name, late=True)
    return None


def _parse_instruments(exchange: str, name: str) -> InstrumentsPath | None:
    match = _INSTRUMENTS_FILE.fullmatch(name)
    day = day_of_text(match[1]) if match else None
    return None if day is None else InstrumentsPath(exchange, day)


def _parse_gaps(exchange: str, symbol: str, name: str) -> GapsPath | None:
    match = _GAPS_FILE.fullmatch(name)
    day = day_of_text(match[1]) if match else None
    return None if day is None else GapsPath(exchange, symbol, day)


def _parse_column(
    exchange: str, symbol: str, table: str, name: str, *, late: bool
) -> ColumnPath | None:
    match = _COLUMN_FILE.fullmatch(name)
    day = day_of_text(match[2]) if match else None
    if match is None or day is None or table not in SPECS:
        return None
    known = any(match[1] == file.name for file in SPECS[Table(table)].files)
    return ColumnPath(exchange, symbol, Table(table), late, match[1], day) if known else None


def _escape(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogatepass"))


def _unescape(match: re.Match[str]) -> str:
    return bytes.fromhex(match[0].replace("%", "")).decode("utf-8", "surrogatepass")
