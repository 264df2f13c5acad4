"""What certificates say of days: holes, proofs and conditions, for who has no gaps files.

Certificates lie beside column files (`{exchange}/certificate.{DD}.{MM}.{YY}.{n}.json`), and their
copies in the archive (`meta/{exchange}/certificate.{YYYY-MM-DD}.{n}.json`).  The newest that can be
read counts; `archive verify` names those that cannot.

Not here: signatures, and whether what is said is true.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import msgspec

from tick_logger.archive.keys import META
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.proof import Proof
from tick_logger.model.tables import Table
from tick_logger.reader.tree import Tree
from tick_logger.storage.names import day_of_text, folder_of, symbol_of

MOST_KEPT = 64
"""Certificates that stay in memory once they were read: each is asked for all its symbols."""

_ANY = 0
"""The number of an instrument that stands for the one that is asked about."""

_EPOCH = datetime.date(1970, 1, 1)
_BESIDE_DATA = re.compile(r"certificate\.(\d\d\.\d\d\.\d\d)\.([1-9]\d*)\.json", re.ASCII)
_IN_ARCHIVE = re.compile(r"certificate\.(\d{4}-\d\d-\d\d)\.([1-9]\d*)\.json", re.ASCII)


class _Hole(msgspec.Struct):
    from_id: int | None
    to_id: int | None
    from_ns: int | None
    to_ns: int | None
    cause: str


class Stream(msgspec.Struct):
    """What is said of one table of a symbol; `proof` is a word of `model.proof`."""

    symbol: str
    table: str
    condition: str
    proof: str
    rows: dict[str, int]
    holes: list[_Hole]

    def records(self) -> list[GapRecord]:
        """Its holes as they stand in gaps files."""
        table = Table(self.table)
        return [
            GapRecord(_ANY, table, h.from_id, h.to_id, h.from_ns, h.to_ns, Cause(h.cause))
            for h in self.holes
            if not (h.from_ns is None and h.to_ns is None)
        ]


class _Subject(msgspec.Struct):
    name: str
    digest: dict[str, str]


class _Check(msgspec.Struct):
    symbol: str = ""
    less_here: int = 0


class _Predicate(msgspec.Struct):
    exchange: str
    day: str
    condition: str
    streams: list[Stream]
    checks: list[_Check] = []


class _Statement(msgspec.Struct, rename={"type": "_type"}):
    subject: list[_Subject]
    predicate: _Predicate


class _Envelope(msgspec.Struct):
    payload: str


class Certified:
    """One certificate; `sha256` is that of its file."""

    def __init__(self, said: _Statement, sha256: str) -> None:
        self.sha256 = sha256
        self.condition = said.predicate.condition
        self.of = (said.predicate.exchange, said.predicate.day)
        self.hashes: Mapping[str, str] = {
            each.name: each.digest.get("sha256", "") for each in said.subject
        }
        """By the names of table-days and objects."""
        self._lacking = {each.symbol for each in said.predicate.checks if each.less_here}
        known = {str(table) for table in Table}
        self.streams: Mapping[tuple[str, Table], Stream] = {
            (each.symbol, Table(each.table)): each
            for each in said.predicate.streams
            if each.table in known
        }

    def condition_of(self, symbol: str, table: Table) -> str | None:
        """That of a stream, which is pending while its day is; None if it is not named.

        Trades of which the exchange's candles have more are degraded.
        """
        stream = self.streams.get((symbol, table))
        if stream is None:
            return None
        if table is Table.TRADES and symbol in self._lacking:
            return "degraded"
        is_pending = (self.condition, stream.condition) == ("pending", "available")
        return "pending" if is_pending else stream.condition

    @classmethod
    def read(cls, data: bytes) -> Certified | None:
        """The certificate in an envelope; None if it is none."""
        try:
            payload = base64.b64decode(_decode_envelope(data).payload, validate=True)
            said = _decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, binascii.Error):
            return None
        return cls(said, hashlib.sha256(data).hexdigest())


_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode = msgspec.json.Decoder(_Statement).decode


class Certificates:
    """Those of one tree; `folder` is where the exchanges' folders are in it."""

    def __init__(
        self, tree: Tree, folder: str, pattern: re.Pattern[str], day_of: Callable[[str], int | None]
    ) -> None:
        self._tree = tree
        self._folder = folder
        self._pattern = pattern
        self._day_of = day_of
        self._read = lru_cache(MOST_KEPT)(self._read_anew)

    @classmethod
    def beside_data(cls, tree: Tree) -> Certificates:
        """Those of a directory that is recorded into."""
        return cls(tree, "", _BESIDE_DATA, day_of_text)

    @classmethod
    def in_archive(cls, tree: Tree) -> Certificates:
        """The copies in an archive."""
        return cls(tree, f"{META}/", _IN_ARCHIVE, day_of_date)

    def exchanges(self) -> list[str]:
        """Those that have a folder there, sorted."""
        names = (name[:-1] for name in self._tree.list(self._folder[:-1]) if name.endswith("/"))
        found = map(symbol_of, names)
        return sorted(each for each in found if each is not None)

    def days(self, exchange: str) -> list[int]:
        """The days of which there is one, sorted."""
        return sorted(self._numbers(exchange))

    def numbers(self, exchange: str, day: int) -> list[int]:
        """Of those of a day, sorted."""
        return sorted(self._numbers(exchange).get(day, ()))

    def newest(self, exchange: str, day: int) -> Certified | None:
        """The one that counts; None if there is none that can be read."""
        for number in sorted(self._numbers(exchange).get(day, ()), reverse=True):
            found = self._of_day(exchange, day, number)
            if found is not None:
                return found
        return None

    def hashes(self, exchange: str, day: int) -> frozenset[str]:
        """The SHA-256 of each of a day that can be read: who has one of them has the same day."""
        numbers = self._numbers(exchange).get(day, {})
        found = (self._of_day(exchange, day, number) for number in numbers)
        return frozenset(each.sha256 for each in found if each is not None)

    def _of_day(self, exchange: str, day: int, number: int) -> Certified | None:
        found = self._read(self._path(exchange, self._numbers(exchange)[day][number]))
        date = (_EPOCH + datetime.timedelta(day)).isoformat()
        return found if found is not None and found.of == (exchange, date) else None

    def _numbers(self, exchange: str) -> dict[int, dict[int, str]]:
        """Names of files by day and number."""
        found: dict[int, dict[int, str]] = {}
        for name in self._tree.list(self._folder + folder_of(exchange)):
            match = self._pattern.fullmatch(name)
            day = self._day_of(match[1]) if match else None
            if match and day is not None:
                found.setdefault(day, {})[int(match[2])] = name
        return found

    def _path(self, exchange: str, name: str) -> str:
        return f"{self._folder}{folder_of(exchange)}/{name}"

    def _read_anew(self, path: str) -> Certified | None:
        return Certified.read(bytes(self._tree.read(path)))


def day_of_date(text: str) -> int | None:
    """The day (since 1970-01-01) of `YYYY-MM-DD`; None if it is none."""
    try:
        return (datetime.date.fromisoformat(text) - _EPOCH).days
    except ValueError:
        return None


def proof_of(word: str) -> Proof | None:
    """The proof of a word; None if a newer version has it."""
    return {each.word: each for each in Proof}.get(word)


def joined(found: Sequence[GapRecord]) -> list[GapRecord]:
    """Holes that several days tell of, once; one that was open at the end of a day as it ended."""
    ended = {(h.table, h.cause, h.from_ns) for h in found if h.to_ns is not None}
    return [
        hole
        for hole in dict.fromkeys(found)
        if hole.to_ns is not None or (hole.table, hole.cause, hole.from_ns) not in ended
    ]
