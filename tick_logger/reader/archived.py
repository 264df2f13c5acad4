"""A source: an archive of finished days, on a disk or in a bucket.

    data/table=…/exchange=…/date=…/{server}-{sha256[:12]}.parquet     rows (`archive.keys`)
    meta/{exchange}/certificate.…                                     holes and proofs

pyarrow is imported when the first rows are asked for.  What came later than the main rows of a day
lies in further objects, and is late here as it is in column files.  Rows whose time cannot be right
lie in objects beside the tree, and are late here too.  Messages as received are left alone.  What
looked wrong lies beside the certificates.

Invariant: no row is read twice; where two servers packed the same stream and day, that is an error.
Memory is bounded by `COLUMNS_KEPT` and `OBJECTS_KEPT`, whatever there is of a day.

Not here: how an object is read (`objects`, `object_rows`), and what a directory has beside it
(`joined`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache

from tick_logger.archive.keys import (
    DATA,
    META,
    WORDS,
    AsideKey,
    TypedKey,
    aside_word,
    day_folder,
    meta_folder,
    parse,
    parse_aside,
)
from tick_logger.model.flush import GapRecord
from tick_logger.model.proof import Proof
from tick_logger.model.symbols import MappedInstrument
from tick_logger.model.tables import Table
from tick_logger.model.times import NS_PER_DAY
from tick_logger.reader.certified import Certificates, day_of_date, joined, proof_of
from tick_logger.reader.errors import DamagedError, OverlapError
from tick_logger.reader.glance import GlanceTree
from tick_logger.reader.kept_doubts import KeptDoubts
from tick_logger.reader.listings import ListingFiles
from tick_logger.reader.object_rows import table_day
from tick_logger.reader.objects import TypedObject
from tick_logger.reader.packed import PackedObjects
from tick_logger.reader.places import OwnPlaces
from tick_logger.reader.source import Array, Symbol, TableDay
from tick_logger.reader.times import Span, iso
from tick_logger.reader.tree import InnerTree, Tree
from tick_logger.storage.names import folder_of, symbol_of
from tick_logger.storage.quality_files import ReadDoubt

COLUMNS_KEPT = 64
"""Columns of row groups that stay decoded, those used last: of 1 or 2 MiB each."""

PENDING = "pending"
"""The condition of a day of which there is no certificate."""

OBJECTS_KEPT = 256
"""Objects whose footers stay read, those used last: some tens of KiB each."""


def is_archive(tree: Tree) -> bool:
    """Whether there is an archive of ours."""
    known = {f"table={word}/" for word in WORDS.values()}
    return bool(known & set(tree.list(DATA))) or PackedObjects(tree).is_there


def every_day(_exchange: str, _day: int) -> bool:
    """Whether a day is read, where nothing is left out."""
    return True


class Archived:
    """The typed rows below one root; `is_read` tells of which exchanges and days."""

    def __init__(self, tree: Tree, is_read: Callable[[str, int], bool] = every_day) -> None:
        self._tree = tree
        self._is_read = is_read
        self._certificates = Certificates.in_archive(tree)
        self._packed = PackedObjects(tree)
        self._object = lru_cache(OBJECTS_KEPT)(lambda key, table: TypedObject(tree, key, table))
        self._column = lru_cache(COLUMNS_KEPT)(_column)

    @property
    def name(self) -> str:
        """The root."""
        return self._tree.name

    def glance(self) -> Archived:
        """The same, which lists each folder once; see `Source`."""
        seen = Archived(GlanceTree(self._tree), self._is_read)
        seen._object, seen._column = self._object, self._column
        return seen

    def exchanges(self) -> Sequence[str]:
        """Those of which there are objects or certificates; see `Source`."""
        found = {*self._certificates.exchanges(), *(e for e, _ in self._packed.days())}
        for word in WORDS.values():
            for name in _values(self._tree, f"{DATA}/table={word}", "exchange"):
                exchange = symbol_of(name)
                found |= {exchange} if exchange is not None else set()
        if self._is_read is every_day:
            return sorted(found)
        return sorted(exchange for exchange in found if self._all_days(exchange))

    def symbols(self, exchange: str) -> Sequence[str]:
        """Those in objects and certificates; reads what these say of each day.  See `Source`."""
        return sorted(set().union(*self._symbols(exchange)))

    def has(self, symbol: Symbol) -> bool:
        """Whether a day has it, the newest first."""
        return any(symbol.symbol in some for some in self._symbols(symbol.exchange))

    def days(self, symbol: Symbol, table: Table) -> Sequence[int]:
        """The days of which there are rows of the table of any symbol; see `Source`."""
        return self._days(symbol.exchange, table)

    def look(self, symbol: Symbol, table: Table, day: int) -> TableDay:
        """The rows of a day; see `Source`.

        Raises `DamagedError` if an object that was packed is not there, and `OverlapError` if two
        servers packed the same.
        """
        objects = [
            each
            for each in self._objects(symbol.exchange, table, day)
            if symbol.symbol in each.runs
        ]
        begun = [each for each in objects if _has_main(each)]
        if len(begun) > 1 or len({_server(each.key) for each in objects}) > 1:
            names = " and ".join(each.key.rpartition("/")[2] for each in objects)
            raise OverlapError(
                f"{self.name} has {table} of {symbol} of {iso(day * NS_PER_DAY)[:10]} more than "
                f"once: {names}"
            )
        later = [each for each in objects if each not in begun]
        asides = [self._object(key, table) for key in self._asides(symbol.exchange, table, day)]
        later += (each for each in asides if symbol.symbol in each.runs)
        return table_day(symbol.symbol, [*begun, *later], self._column)

    def holes(self, symbol: Symbol) -> Sequence[GapRecord]:
        """As the newest certificate of each day says; see `Source`."""
        return self.holes_of(symbol, self.certified_days(symbol.exchange))

    def certified(self, symbol: Symbol, table: Table, day: int) -> str | None:
        """The condition by the newest certificate of a day; see `source.certified`.

        Pending where nothing is vouched for: here certificates alone tell what is missing.
        """
        found = self._certificates.newest(symbol.exchange, day)
        word = None if found is None else found.condition_of(symbol.symbol, table)
        if word is not None:
            return word
        objects = self._objects(symbol.exchange, table, day)
        return PENDING if any(symbol.symbol in each.runs for each in objects) else None

    def healed(self, symbol: Symbol) -> Sequence[GapRecord]:
        """None: certificates name what is missing; what is not any more is among the rows."""
        return ()

    def holes_of(self, symbol: Symbol, days: Iterable[int]) -> Sequence[GapRecord]:
        """Those of some days."""
        found: list[GapRecord] = []
        for day in days:
            said = self._certificates.newest(symbol.exchange, day)
            for table in Table:
                stream = said and said.streams.get((symbol.symbol, table))
                found += stream.records() if stream else ()
        return joined(found)

    def proof(self, symbol: Symbol, table: Table) -> Proof:
        """That of the newest day that has the stream; see `Source`.

        Nothing is shown where a day of the table has no certificate.
        """
        if set(self._days(symbol.exchange, table)) - set(self.certified_days(symbol.exchange)):
            return Proof.UNPROVABLE
        for day in reversed(self._all_days(symbol.exchange)):
            said = self._certificates.newest(symbol.exchange, day)
            stream = said and said.streams.get((symbol.symbol, table))
            words = [stream.proof] if stream else []  # of the day: it may be less than can be shown
            for each in self._objects(symbol.exchange, table, day):
                if symbol.symbol in each.runs:
                    words.append(str(each.about.get("proof")))
            known = [proof for proof in map(proof_of, words) if proof is not None]
            if known:
                return max(known)
        return Proof.UNPROVABLE

    def instruments(self, day: int | None = None) -> Iterable[MappedInstrument]:
        """Those of the listings that were kept with certificates; see `Source`."""
        tree = InnerTree(self._tree, META)
        return ListingFiles(tree, OwnPlaces(tree)).instruments(day)

    def doubts(self, exchange: str, wanted: Span) -> Iterator[tuple[Symbol, ReadDoubt]]:
        """What looked wrong in rows of days that are read; see `doubts.doubts_of`."""
        return KeptDoubts(self._tree).of(exchange, wanted, self._is_read)

    def marks(self, exchange: str, day: int) -> list[bytes]:
        """The whole quality file of a day, of each server that recorded one."""
        return KeptDoubts(self._tree).files(exchange, day)

    @property
    def certificates(self) -> Certificates:
        """The copies that are kept."""
        return self._certificates

    def certified_days(self, exchange: str) -> list[int]:
        """The days of which there is a certificate, sorted."""
        return [day for day in self._certificates.days(exchange) if self._is_read(exchange, day)]

    def is_released(self, exchange: str, day: int) -> bool:
        """Whether the column files of a day may be gone, as far as is known here."""
        return self._packed.is_released(exchange, day)

    def has_all(self, exchange: str, day: int) -> bool:
        """Whether each object that was packed of a day is here."""
        try:
            for table in Table:
                self._keys(exchange, table, day)
                self._asides(exchange, table, day)
        except DamagedError:
            return False
        return True

    def _symbols(self, exchange: str) -> Iterator[set[str]]:
        """Those of each day, the newest first."""
        for day in reversed(self._all_days(exchange)):
            said = self._certificates.newest(exchange, day)
            if said is not None:
                yield {symbol for symbol, _ in said.streams}
            else:
                for table in Table:
                    yield from (set(each.runs) for each in self._objects(exchange, table, day))

    def _all_days(self, exchange: str) -> list[int]:
        found = set(self.certified_days(exchange))
        return sorted(found.union(*(self._days(exchange, table) for table in Table)))

    def _days(self, exchange: str, table: Table) -> list[int]:
        word = WORDS[table]
        folder = f"{DATA}/table={word}/exchange={folder_of(exchange)}"
        found = {day_of_date(text) for text in _values(self._tree, folder, "date")}
        found |= {day for of, day in self._packed.days(word) if of == exchange}
        found |= {key.day for key in self._aside_keys(exchange) if key.table is table}
        return sorted(day for day in found if day is not None and self._is_read(exchange, day))

    def _objects(self, exchange: str, table: Table, day: int) -> list[TypedObject]:
        """In the order in which they were packed; where no ledger tells, by when rows came."""
        if not self._is_read(exchange, day):
            return []
        found = [self._object(key, table) for key in self._keys(exchange, table, day)]
        known = self._packed.of_day(exchange, day, WORDS[table])
        if len(known) == len(found):
            return found
        return sorted(found, key=lambda each: each.received_ns)

    def _keys(self, exchange: str, table: Table, day: int) -> Sequence[str]:
        folder = day_folder(table, exchange, day)
        names = (f"{folder}/{name}" for name in self._tree.list(folder))
        there = [key for key in names if isinstance(parse(key), TypedKey)]
        known = self._packed.of_day(exchange, day, WORDS[table])
        self._must_have(known, there)
        return [*known, *(key for key in there if key not in known and self._is_other(key))]

    def _asides(self, exchange: str, table: Table, day: int) -> Sequence[str]:
        """The objects of the rows that came on a day and whose time cannot be right."""
        if not self._is_read(exchange, day):
            return []
        keys = self._aside_keys(exchange)
        there = [str(each) for each in keys if (each.table, each.day) == (table, day)]
        known = self._packed.of_day(exchange, day, aside_word(table))
        self._must_have(known, there)
        return [*known, *(key for key in there if key not in known and self._is_other(key))]

    def _aside_keys(self, exchange: str) -> list[AsideKey]:
        folder = meta_folder(exchange)
        found = (parse_aside(f"{folder}/{name}") for name in self._tree.list(folder))
        return [each for each in found if each is not None]

    def _must_have(self, known: Sequence[str], there: Sequence[str]) -> None:
        lacking = [key for key in known if key not in there]
        if lacking:
            raise DamagedError(
                f"{self.name}/{lacking[0]} is not there; if it is kept in a bucket, open that too"
            )

    def _is_other(self, key: str) -> bool:
        """Whether nobody here packed an object: one of ours that is not known was never whole."""
        return _server(key) not in self._packed.servers()


def _column(of: TypedObject, group: int, field: str) -> Array:
    return of.column(group, field)


def _has_main(of: TypedObject) -> bool:
    """Whether an object has rows that came in order.

    What is packed later has late rows only, of all symbols.
    """
    return of.rows != of.about.get("late")


def _server(key: str) -> str:
    found = parse(key) or parse_aside(key)
    return found.server if found is not None else ""


def _values(tree: Tree, folder: str, name: str) -> Iterator[str]:
    """Of folders that are called `name=value/`."""
    for each in tree.list(folder):
        if each.startswith(f"{name}=") and each.endswith("/"):
            yield each[len(name) + 1 : -1]
