"""The names of what an archive holds, under its root or in a bucket: one scheme, both directions.

    data/table=trades/exchange={exchange}/date=2026-11-29/{server}-{sha256[:12]}.parquet
    data/table=raw/exchange={exchange}/date=2026-11-29/{server}-{first seq}-{sha256[:12]}.parquet
    {exchange}/{symbol}/{kind}/{server}/2026-11-29/{ms}.parquet      raw, with layout "source"
    meta/{exchange}/certificate.2026-11-29.{n}.json
    meta/{exchange}/SHA256SUMS.2026-11-29
    meta/{exchange}/aside.{table}.2026-11-29.{server}-{sha256[:12]}.parquet    with impossible times
    meta/{exchange}/instruments.29.11.26.json           what was listed, as in the recording
    meta/{exchange}/quality.2026-11-29.{server}-{begin}-{sha256[:12]}.jsonl    what looked wrong
    meta/ledger.jsonl                                   what was packed, stored and verified
    incoming/…                                          what is being written

Invariant: an object's name tells the beginning of its hash, so that the same name means the same
bytes; nothing but whole objects is ever named under `data/`, where readers list everything.

Pure: no file access.
"""

from __future__ import annotations

import datetime
import re

import attrs

from tick_logger.model.tables import Table
from tick_logger.storage.layout import InstrumentsPath, instruments_path
from tick_logger.storage.names import folder_of, symbol_of

DATA, META, INCOMING = "data", "meta", "incoming"

LEDGER = f"{META}/ledger.jsonl"

RAW = "raw"
"""The word for the messages as received, in the place of a table's."""

WORDS: dict[Table, str] = {
    Table.MD: "ticker",
    Table.TRADES: "trades",
    Table.QUOTES: "quotes",
    Table.BOOK: "book_updates",
}
"""What the reading interface calls each table."""

SOURCE = "source"
"""The word for messages by symbol, in the place of a table's."""

CERTIFICATE, LISTING, SUMS, QUALITY = "certificate", "listing", "sums", "quality"
"""The words for documents, in the place of a table's."""

DOCUMENTS = frozenset({CERTIFICATE, LISTING, SUMS, QUALITY})

KINDS: dict[Table, str] = {
    Table.MD: "ticker",
    Table.TRADES: "trade",
    Table.QUOTES: "quote",
    Table.BOOK: "orderbook",
}
"""What the layout "source" calls the data of each table."""

HASH_DIGITS = 12
"""Of an object's SHA-256, in its name."""

_TABLES = {word: table for table, word in WORDS.items()}
_FOLDER = re.compile(r"data/table=(\w+)/exchange=([^/]+)/date=(\d{4}-\d\d-\d\d)/([^/]+)", re.ASCII)
_TYPED = re.compile(r"(.+)-([0-9a-f]{12})\.parquet", re.ASCII)
_RAW = re.compile(r"(.+)-(\d+)-([0-9a-f]{12})\.parquet", re.ASCII)
_ASIDE = re.compile(
    r"meta/([^/]+)/aside\.(\w+)\.(\d{4}-\d\d-\d\d)\.(.+)-([0-9a-f]{12})\.parquet", re.ASCII
)
_QUALITY = re.compile(
    r"meta/([^/]+)/quality\.(\d{4}-\d\d-\d\d)\.(.+)-(\d+)-([0-9a-f]{12})\.jsonl", re.ASCII
)
_EPOCH = datetime.date(1970, 1, 1)


@attrs.frozen
class TypedKey:
    """Rows of a table of one exchange and UTC day (days since 1970-01-01)."""

    table: Table
    exchange: str
    day: int
    server: str
    digest: str  # the first digits of the SHA-256

    def __str__(self) -> str:
        """The name of the object."""
        folder = _folder(WORDS[self.table], self.exchange, self.day)
        return f"{folder}/{self.server}-{self.digest}.parquet"


@attrs.frozen
class AsideKey:
    """Rows of a table that came on a UTC day, and whose own time cannot be right.

    They lie beside the tree of rows, where no plain reader takes them for rows of their day.
    """

    table: Table
    exchange: str
    day: int
    server: str
    digest: str

    def __str__(self) -> str:
        """The name of the object."""
        folder, word = meta_folder(self.exchange), WORDS[self.table]
        return f"{folder}/aside.{word}.{date_text(self.day)}.{self.server}-{self.digest}.parquet"


@attrs.frozen
class RawKey:
    """Entries of the journal of one exchange, from frame `first_seq` on, received on a UTC day."""

    exchange: str
    day: int
    server: str
    first_seq: int
    digest: str

    def __str__(self) -> str:
        """The name of the object."""
        folder = _folder(RAW, self.exchange, self.day)
        return f"{folder}/{self.server}-{self.first_seq}-{self.digest}.parquet"


@attrs.frozen
class QualityKey:
    """What looked wrong in rows of one exchange and UTC day, from byte `begin` of its file on."""

    exchange: str
    day: int
    server: str
    begin: int
    digest: str

    def __str__(self) -> str:
        """The name of the document."""
        name = f"quality.{date_text(self.day)}.{self.server}-{self.begin}-{self.digest}.jsonl"
        return f"{meta_folder(self.exchange)}/{name}"


@attrs.frozen
class SourceKey:
    """Messages of one symbol and kind of data, the first received at `at_ms`: layout "source".

    Lies outside `data/`, with the symbol in lower case; `kind` is a word of `KINDS`.
    """

    exchange: str
    symbol: str
    kind: str
    server: str
    day: int
    at_ms: int

    def __str__(self) -> str:
        """The name of the object."""
        symbol = folder_of(self.symbol.lower())
        folder = f"{folder_of(self.exchange)}/{symbol}/{self.kind}/{self.server}"
        return f"{folder}/{date_text(self.day)}/{self.at_ms}.parquet"


def parse(key: str) -> TypedKey | RawKey | None:
    """What an object is, by its name; None for everything that is not named here."""
    match = _FOLDER.fullmatch(key)
    if match is None:
        return None
    word, folder, date, name = match.groups()
    exchange, day = symbol_of(folder), _day_of(date)
    if exchange is None or day is None:
        return None
    if word == RAW:
        raw = _RAW.fullmatch(name)
        return raw and RawKey(exchange, day, raw[1], int(raw[2]), raw[3])
    typed = _TYPED.fullmatch(name)
    if typed is None or word not in _TABLES:
        return None
    return TypedKey(_TABLES[word], exchange, day, typed[1], typed[2])


def parse_aside(key: str) -> AsideKey | None:
    """What an object is that has rows with impossible times; None for every other name."""
    match = _ASIDE.fullmatch(key)
    if match is None:
        return None
    exchange, day = symbol_of(match[1]), _day_of(match[3])
    if exchange is None or day is None or match[2] not in _TABLES:
        return None
    return AsideKey(_TABLES[match[2]], exchange, day, match[4], match[5])


def parse_quality(key: str) -> QualityKey | None:
    """What a part of a quality file is; None for every other name."""
    match = _QUALITY.fullmatch(key)
    if match is None:
        return None
    exchange, day = symbol_of(match[1]), _day_of(match[2])
    if exchange is None or day is None:
        return None
    return QualityKey(exchange, day, match[3], int(match[4]), match[5])


def meta_folder(exchange: str) -> str:
    """Where the documents of an exchange are, and its objects of rows with impossible times."""
    return f"{META}/{folder_of(exchange)}"


def aside_word(table: Table) -> str:
    """What such rows are called in the place of a table's word."""
    return f"aside {WORDS[table]}"


def day_folder(table: Table | None, exchange: str, day: int) -> str:
    """Where the objects of a day are; None stands for the messages as received."""
    return _folder(RAW if table is None else WORDS[table], exchange, day)


def certificate_key(exchange: str, day: int, number: int) -> str:
    """The copy of a certificate."""
    return f"{META}/{folder_of(exchange)}/certificate.{date_text(day)}.{number}.json"


def certificate_number(key: str) -> int:
    """The number in the key of a certificate."""
    return int(key.rsplit(".", 2)[1])


def listing_key(exchange: str, day: int) -> str:
    """The copy of a listing, named as in the recording."""
    return f"{META}/{instruments_path(InstrumentsPath(exchange, day))}"


def sums_key(exchange: str, day: int) -> str:
    """The list of hashes that `sha256sum -c` reads."""
    return f"{META}/{folder_of(exchange)}/SHA256SUMS.{date_text(day)}"


def incoming(name: str) -> str:
    """Where an object is written before it has its name."""
    return f"{INCOMING}/{name}.part"


def date_text(day: int) -> str:
    """`YYYY-MM-DD` of a day since 1970-01-01."""
    return (_EPOCH + datetime.timedelta(day)).isoformat()


def _day_of(text: str) -> int | None:
    try:
        return (datetime.date.fromisoformat(text) - _EPOCH).days
    except ValueError:
        return None


def _folder(word: str, exchange: str, day: int) -> str:
    return f"{DATA}/table={word}/exchange={folder_of(exchange)}/date={date_text(day)}"
