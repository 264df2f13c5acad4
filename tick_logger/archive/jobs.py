"""What is to be packed, and what has become of it: plain values that cross to a worker and back.

A job is named by the hash of its input, so that a repeat is known as one, whatever the machine and
the folders are called: what is packed once is never packed again under another name.

Invariant: the same files and the same job give the same objects, byte for byte.

Not here: what is due (`packing`), how it is done (`typed`, `raw`, `source_layout`), and where
(`worker`).
"""

from __future__ import annotations

import hashlib
import json
from typing import TypeAlias

import attrs

from tick_logger.archive.keys import WORDS, aside_word
from tick_logger.archive.ledger import Packed
from tick_logger.model.tables import Table


@attrs.frozen
class Folders:
    """Where a job reads and writes, and the server's part of names; no part of a job's hash."""

    data_path: str
    local_path: str
    server: str


@attrs.frozen
class Stream:
    """What one object takes of a symbol: all main rows or none, and late rows `late_from` to
    `late_to` (exclusive) in order of arrival, but for those whose time cannot be right."""

    symbol: str
    main: int
    late_from: int
    late_to: int


@attrs.frozen
class TableJob:
    """Rows of one exchange, sealed UTC day (since 1970-01-01) and table, as one object."""

    folders: Folders
    exchange: str
    day: int
    table: Table
    streams: tuple[Stream, ...]
    known: tuple[str, ...] = ()
    """Objects of this day and table of which the ledger knows: any other of this server was left
    by a process that died before it could say so, and is removed.  No part of the hash."""
    aside: bool = False
    """Of the late rows those whose time cannot be right, and no others."""

    @property
    def word(self) -> str:
        """What its object is called in the ledger."""
        return aside_word(self.table) if self.aside else WORDS[self.table]

    @property
    def input_hash(self) -> str:
        """What the job is known by."""
        parts = [[each.symbol, each.main, each.late_from, each.late_to] for each in self.streams]
        return _hash("table", self.exchange, self.day, self.word, sorted(parts))

    @property
    def rows(self) -> int:
        """How many rows it looks at."""
        return sum(each.main + each.late_to - each.late_from for each in self.streams)

    @property
    def late(self) -> dict[str, int]:
        """Up to which row the object has each symbol's late ones."""
        return {each.symbol: each.late_to for each in self.streams if each.late_to}


@attrs.frozen
class RawJob:
    """Every entry of the journal's frames `first_seq` to `next_seq` (exclusive), as received.

    An object for each exchange, UTC day of receipt, and rotation; entries that are of no exchange
    (starts, ticks, ends) are in the objects of all.  With `layout` "source" an object for each
    symbol and kind of data instead, without what is of no symbol.
    """

    folders: Folders
    first_seq: int
    next_seq: int
    rotate_secs: int = 3600
    rotate_mib: int = 500
    layout: str = "hive"
    known: tuple[str, ...] = ()
    """As of a `TableJob`, of all objects that begin with one of these frames or a later one."""

    @property
    def input_hash(self) -> str:
        """What the job is known by; that of an object adds what it is of."""
        return _hash("raw", self.layout, self.first_seq, self.next_seq)

    def hash_of(self, *part: str | int) -> str:
        """The hash for one of its objects."""
        return _hash(self.input_hash, *part)


Job: TypeAlias = TableJob | RawJob


@attrs.frozen
class Made:
    """An object that lies in its place, whole and durable: a line of the ledger without its time.

    `table` is the word of the table, "raw", or "source".  `frames`: of an object as received, the
    first frame and the one behind the last; all entries of its job's exchange there are in the
    objects of that job.
    """

    job: str
    key: str
    sha256: str
    size: int  # bytes
    rows: int
    exchange: str
    day: int
    table: str
    late: dict[str, int] = attrs.field(factory=dict)
    frames: tuple[int, int] | None = None

    def packed(self, at_ns: int) -> Packed:
        """The line of the ledger."""
        return Packed(at_ns=at_ns, **attrs.asdict(self, recurse=False))


@attrs.frozen
class Result:
    """What a job made, in the order in which it is written to the ledger.

    `left_out` counts by kind, in words, what no object has (layout "source": messages of no
    symbol), and `inexact` the rows whose prices have fewer digits than were sent.
    """

    made: tuple[Made, ...]
    left_out: dict[str, int] = attrs.field(factory=dict)
    inexact: int = 0


def _hash(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
