"""Where everything lies under the data path, and what lies at a path: one scheme, both directions.

    format.json                                                     what the tables look like
    {exchange}/{symbol}/{TABLE}/{column}.{DD}.{MM}.{YY}.bin         column files
    {exchange}/{symbol}/late/{TABLE}/{column}.{DD}.{MM}.{YY}.bin    rows that came too late
    {exchange}/{symbol}/gaps.{DD}.{MM}.{YY}.jsonl                   known holes
    {exchange}/{symbol}/late/gaps.{DD}.{MM}.{YY}.jsonl              … told after a day was sealed
    {exchange}/instruments.{DD}.{MM}.{YY}.json                      what was listed
    {exchange}/undecodable.{DD}.{MM}.{YY}.jsonl                     payloads kept aside
    {exchange}/candles.{DD}.{MM}.{YY}.jsonl                         candles, as answered by REST
    {exchange}/quality.{DD}.{MM}.{YY}.jsonl                         what looked wrong in rows
    {exchange}/certificate.{DD}.{MM}.{YY}.{n}.json                  what is vouched for, n = 1, 2, …
    {exchange}/rates.json                                           how busy each stream was lately
    unwritten.{DD}.{MM}.{YY}.jsonl                                  holes of what cannot be written
    journal/…                                                       see `journal_layout`

Paths are relative and POSIX.  `parse` accepts exactly the paths that are made here and in
`journal_layout`, so nothing else on the disk is ever taken for a recording.  Pure: no file access.

Not here: how days and symbols are spelled (`names`).
"""

from __future__ import annotations

import re
from typing import TypeAlias

import attrs

from tick_logger.model.tables import SPECS, Table
from tick_logger.storage.files import REPLACEMENT_SUFFIX
from tick_logger.storage.journal_layout import JOURNAL_FOLDER, JournalPath, parse_journal
from tick_logger.storage.names import day_of_text, day_text, folder_of, symbol_of

LATE_FOLDER = "late"

FORMAT_PATH = "format.json"
"""Describes the directory to any program."""

_COLUMN_FILE = re.compile(r"([a-z_]+)\.(\d\d\.\d\d\.\d\d)\.bin", re.ASCII)
_GAPS_FILE = re.compile(r"gaps\.(\d\d\.\d\d\.\d\d)\.jsonl", re.ASCII)
_INSTRUMENTS_FILE = re.compile(r"instruments\.(\d\d\.\d\d\.\d\d)\.json", re.ASCII)
_UNDECODABLE_FILE = re.compile(r"undecodable\.(\d\d\.\d\d\.\d\d)\.jsonl", re.ASCII)
_UNWRITTEN_FILE = re.compile(r"unwritten\.(\d\d\.\d\d\.\d\d)\.jsonl", re.ASCII)
_CANDLES_FILE = re.compile(r"candles\.(\d\d\.\d\d\.\d\d)\.jsonl", re.ASCII)
_QUALITY_FILE = re.compile(r"quality\.(\d\d\.\d\d\.\d\d)\.jsonl", re.ASCII)
_RATES_NAME = "rates.json"
_CERTIFICATE_FILE = re.compile(r"certificate\.(\d\d\.\d\d\.\d\d)\.([1-9]\d*)\.json", re.ASCII)


@attrs.frozen
class FormatPath:
    """The description of the directory."""


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
    """The gaps file of one symbol and UTC day (days since 1970-01-01).

    `late`: of what was told after the day was sealed.
    """

    exchange: str
    symbol: str
    day: int
    late: bool = False


@attrs.frozen
class InstrumentsPath:
    """What an exchange listed on one UTC day (days since 1970-01-01)."""

    exchange: str
    day: int


@attrs.frozen
class UndecodablePath:
    """The payloads of an exchange that were kept aside on one UTC day (days since 1970-01-01)."""

    exchange: str
    day: int


@attrs.frozen
class CandlesPath:
    """What an exchange answered of the minutes of one UTC day (days since 1970-01-01)."""

    exchange: str
    day: int


@attrs.frozen
class QualityPath:
    """What looked wrong in an exchange's rows on one UTC day (days since 1970-01-01)."""

    exchange: str
    day: int


@attrs.frozen
class CertificatePath:
    """The `number`th certificate, from 1, of an exchange and UTC day (days since 1970-01-01)."""

    exchange: str
    day: int
    number: int


@attrs.frozen
class RatesPath:
    """How many messages a second the streams of an exchange bring."""

    exchange: str


@attrs.frozen
class UnwrittenPath:
    """The records of one UTC day that the gaps files of their streams do not take."""

    day: int


VenuePath: TypeAlias = (
    InstrumentsPath | UndecodablePath | CandlesPath | QualityPath | CertificatePath | RatesPath
)
DataPath: TypeAlias = FormatPath | UnwrittenPath | VenuePath | ColumnPath | GapsPath | JournalPath


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


def day_of_column(name: str, column: str) -> int | None:
    """The day of a column's file by the file's name; None if it is not one of that column."""
    match = _COLUMN_FILE.fullmatch(name)
    return day_of_text(match[2]) if match is not None and match[1] == column else None


def column_path(where: ColumnPath) -> str:
    """The path of a column file."""
    folder = table_folder(where.exchange, where.symbol, where.table, late=where.late)
    return f"{folder}/{column_name(where.column, where.day)}"


def gaps_path(where: GapsPath) -> str:
    """The path of a gaps file."""
    folder = symbol_folder(where.exchange, where.symbol)
    middle = f"{LATE_FOLDER}/" if where.late else ""
    return f"{folder}/{middle}gaps.{day_text(where.day)}.jsonl"


def instruments_path(where: InstrumentsPath) -> str:
    """The path of an instruments file."""
    return f"{folder_of(where.exchange)}/instruments.{day_text(where.day)}.json"


def undecodable_path(where: UndecodablePath) -> str:
    """The path of a file of payloads kept aside."""
    return f"{folder_of(where.exchange)}/undecodable.{day_text(where.day)}.jsonl"


def candles_path(where: CandlesPath) -> str:
    """The path of a file of candles."""
    return f"{folder_of(where.exchange)}/candles.{day_text(where.day)}.jsonl"


def quality_path(where: QualityPath) -> str:
    """The path of a file of what looked wrong."""
    return f"{folder_of(where.exchange)}/quality.{day_text(where.day)}.jsonl"


def certificate_path(where: CertificatePath) -> str:
    """The path of a certificate; its number is 1 or more."""
    folder, day = folder_of(where.exchange), day_text(where.day)
    return f"{folder}/certificate.{day}.{where.number}.json"


def rates_path(exchange: str) -> str:
    """The path of an exchange's file of rates."""
    return f"{folder_of(exchange)}/{_RATES_NAME}"


def unwritten_path(where: UnwrittenPath) -> str:
    """The path of a file of records that have no gaps file."""
    return f"unwritten.{day_text(where.day)}.jsonl"


MAX_NAME_BYTES = 255
"""Of a folder's name: file systems take no longer ones."""


def objection_to(symbol: str) -> str:
    """Why nothing can be recorded of a symbol, whatever its exchange; empty if something can.

    What lies beside the folders of symbols is judged as if no disk told large letters from small,
    and so is what lies there while a file is replaced.
    """
    folder = folder_of(symbol)
    size = len(folder.encode())
    if size > MAX_NAME_BYTES:
        return f"its folder's name would have {size} bytes, and may have {MAX_NAME_BYTES}"
    if _parse_beside_symbols("", folder.casefold().removesuffix(REPLACEMENT_SUFFIX)) is not None:
        return "a file of its exchange is called so"
    return ""


def looks_like_column_file(path: str) -> bool:
    """Whether the last part of a path is named as column files are."""
    return _COLUMN_FILE.fullmatch(path.rsplit("/", 1)[-1]) is not None


def is_stray(path: str) -> bool:
    """Whether a file is named as column files are, and lies where none belongs."""
    return looks_like_column_file(path) and parse(path) is None


def is_misplaced(path: str) -> bool:
    """Whether a file is named as those beside the columns are, and lies where none belongs."""
    name = path.rsplit("/", 1)[-1]
    others = (
        *(_GAPS_FILE, _INSTRUMENTS_FILE, _UNDECODABLE_FILE, _CERTIFICATE_FILE),
        *(_CANDLES_FILE, _QUALITY_FILE, _UNWRITTEN_FILE),
    )
    return any(each.fullmatch(name) for each in others) and parse(path) is None


def is_column_of_unknown_name(path: str) -> bool:
    """Whether a path is that of a column file of a table, but for the name of the column."""
    folder, _, name = path.rpartition("/")
    match, table = _COLUMN_FILE.fullmatch(name), folder.rpartition("/")[2]
    if match is None or table not in SPECS:
        return False
    beside = f"{folder}/{SPECS[Table(table)].time_column}.{match[2]}.bin"
    return parse(path) is None and isinstance(parse(beside), ColumnPath)


def parse(path: str) -> DataPath | None:
    """What lies at a path; None for everything that is named neither here nor in the journal."""
    if path == FORMAT_PATH:
        return FormatPath()
    parts = path.split("/")
    if parts[0] == JOURNAL_FOLDER:
        return parse_journal(path)
    exchange = symbol_of(parts[0])
    if len(parts) == 1:
        match = _UNWRITTEN_FILE.fullmatch(path)
        day = day_of_text(match[1]) if match else None
        return None if day is None else UnwrittenPath(day)
    if exchange is None:
        return None
    if len(parts) == 2:
        return _parse_beside_symbols(exchange, parts[1])
    symbol = symbol_of(parts[1])
    if symbol is None:
        return None
    match parts[2:]:
        case [name]:
            return _parse_gaps(exchange, symbol, name, late=False)
        case [folder, name] if folder == LATE_FOLDER:
            return _parse_gaps(exchange, symbol, name, late=True)
        case [table, name]:
            return _parse_column(exchange, symbol, table, name, late=False)
        case [folder, table, name] if folder == LATE_FOLDER:
            return _parse_column(exchange, symbol, table, name, late=True)
    return None


def _parse_beside_symbols(exchange: str, name: str) -> VenuePath | None:
    if name == _RATES_NAME:
        return RatesPath(exchange)
    for pattern, kind in (
        (_INSTRUMENTS_FILE, InstrumentsPath),
        (_UNDECODABLE_FILE, UndecodablePath),
        (_CANDLES_FILE, CandlesPath),
        (_QUALITY_FILE, QualityPath),
        (_CERTIFICATE_FILE, CertificatePath),
    ):
        match = pattern.fullmatch(name)
        day = day_of_text(match[1]) if match else None
        if match is not None and day is not None:
            return kind(exchange, day, *map(int, match.groups()[1:]))
    return None


def _parse_gaps(exchange: str, symbol: str, name: str, *, late: bool) -> GapsPath | None:
    match = _GAPS_FILE.fullmatch(name)
    day = day_of_text(match[1]) if match else None
    return None if day is None else GapsPath(exchange, symbol, day, late)


def _parse_column(
    exchange: str, symbol: str, table: str, name: str, *, late: bool
) -> ColumnPath | None:
    match = _COLUMN_FILE.fullmatch(name)
    day = day_of_text(match[2]) if match else None
    if match is None or day is None or table not in SPECS:
        return None
    known = any(match[1] == file.name for file in SPECS[Table(table)].files)
    return ColumnPath(exchange, symbol, Table(table), late, match[1], day) if known else None
