"""Rows of a recording with short prices, once more from its journal, with all their digits.

An "f4" directory has lost digits that its journal still has.  Where that begins with the first
frame, the same derivation gives the same rows with exact prices, as column files of their own in
`incoming/`; what is left there is removed by the next start.

Invariant: derived rows stand in for recorded ones only where they are the same: as many, with the
same ids, times and short prices.  Others keep what is on disk, and are counted as inexact.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable

import attrs
import numpy as np

from tick_logger.archive.jobs import Folders, Stream
from tick_logger.archive.keys import INCOMING
from tick_logger.archive.parquet import AbandonedError
from tick_logger.derive.derivation import Derivation
from tick_logger.derive.directory import FIRST_SEQ
from tick_logger.derive.replay import Replay
from tick_logger.errors import StorageError
from tick_logger.journal.reader import first_seq_of, segments
from tick_logger.model.entries import Started
from tick_logger.model.schemas import Schemas
from tick_logger.model.tables import EXACT, SPECS, Table
from tick_logger.reader.opening import source_at
from tick_logger.reader.source import Array, Block, Source, TableDay, is_exact
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.storage.extents_log import ExtentsLog
from tick_logger.storage.files import Files

SCRATCH = f"{INCOMING}/exact"
DONE = "done.json"
"""In it: names the journal that was derived, once all of it was."""

CHUNK_ROWS = 262_144
"""Rows that are compared at once."""


class Rederived:
    """What the journal gives; derived when it is first asked for, and again when it has grown."""

    def __init__(self, folders: Folders, is_wanted: Callable[[], bool] = lambda: True) -> None:
        self._folders = folders
        self._is_wanted = is_wanted
        self._source: Source | None = None
        self._looked = False

    def source(self) -> Source | None:
        """The rows with all digits; None where the journal does not have everything any more.

        Raises `OSError`, `StorageError` if the journal is damaged, and `AbandonedError` as soon as
        nobody wants it.
        """
        if not self._looked:
            self._looked = True
            path = os.path.join(self._folders.local_path, SCRATCH)
            with contextlib.closing(DiskFiles(self._folders.data_path)) as journal:
                if first_seq_of(journal) == FIRST_SEQ:
                    with contextlib.closing(DiskFiles(path)) as scratch:
                        _derive(journal, scratch, self._is_wanted)
                    self._source = source_at(path, "tick_logger")
        return self._source


class _Exactly(Derivation):
    """A derivation that writes exact prices, whatever was recorded."""

    def start(self, started: Started) -> None:
        columns = Schemas.written(EXACT).to_plain()
        super().start(attrs.evolve(started, price_dtype=EXACT, columns=columns))


def _derive(journal: Files, scratch: Files, is_wanted: Callable[[], bool]) -> None:
    known = json.dumps([[each.number, each.size_bytes] for each in segments(journal)]).encode()
    scratch.prepare()
    if scratch.exists(DONE):
        if bytes(scratch.read(DONE)) == known:
            return
        scratch.remove(DONE)
    for path in scratch.list(recursive=True):
        scratch.remove(path)
    replay = Replay(_Exactly(scratch, ExtentsLog(scratch), Schemas.written(EXACT)), journal)
    while replay.run():
        if not is_wanted():
            raise AbandonedError
    if replay.reader.damages:
        raise StorageError(f"the journal is damaged: {replay.reader.damages[0]}")
    scratch.replace(DONE, known)


def same_rows(found: TableDay, other: TableDay, table: Table, stream: Stream) -> bool:
    """Whether the rows that are to be packed are the same in both but for digits."""
    pairs = (
        (found.main, other.main, 0, stream.main),
        (
            found.late,
            other.late,
            stream.late_from,
            stream.late_to,
        ),
    )
    return all(_same(*each, table) for each in pairs)


def _same(one: Block, other: Block, start: int, stop: int, table: Table) -> bool:
    if start == stop:
        return True
    if other.rows < stop or not is_exact(other):
        return False
    prices = {each.source for each in SPECS[table].priced}
    names = ("event_ns", "recv_ns", "seq", *sorted(prices))
    for begin in range(start, stop, CHUNK_ROWS):
        end = min(begin + CHUNK_ROWS, stop)
        for name in names:
            a, b = one.field(name, begin, end), other.field(name, begin, end)
            if name in prices:
                a, b = _short(a), _short(b)
            if not np.array_equal(a, b, equal_nan=name in prices):
                return False
    return True


def _short(values: Array) -> Array:
    with np.errstate(over="ignore"):
        return values.astype(np.float32)
