"""The recording on disk as one object: column files, gaps files, payloads kept aside, tails.

Blocking; used by one thread at a time, except that `keep_aside` may be called while another
thread writes: what it is given reaches the disk with the next `write`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import attrs

from tick_logger.errors import StorageError
from tick_logger.model.flush import Flush, StreamTail
from tick_logger.model.instruments import Instruments
from tick_logger.model.tables import Table
from tick_logger.storage.columns import ColumnStore, Repair
from tick_logger.storage.files import Files
from tick_logger.storage.gap_files import GapFiles
from tick_logger.storage.kept_aside import KeptAsideFiles
from tick_logger.storage.tails import load_tail

MAX_WAITING_ASIDE = 1_000
"""Undecodable payloads between two writes; more are counted elsewhere, but not kept."""


@attrs.frozen
class AsideRecord:
    """An undecodable payload of an exchange."""

    exchange: str
    recv_ns: int
    reason: str
    payload: bytes


class Store:
    """Everything that a recording writes."""

    def __init__(self, files: Files, instruments: Instruments, price_dtype: str) -> None:
        self._files = files
        self._instruments = instruments
        self._columns = ColumnStore(files, instruments, price_dtype)
        self._gaps = GapFiles(files, instruments)
        self._aside_files = KeptAsideFiles(files)
        self._aside: list[AsideRecord] = []

    def prepare(self) -> None:
        """Raise `StorageError` if nothing can be recorded here."""
        try:
            self._files.prepare()
        except OSError as error:
            raise StorageError(f"cannot record here: {error}") from error

    def tail(self, instrument: int, table: Table) -> StreamTail | None:
        """What is on disk of a stream; raises `StorageError` if it cannot be read."""
        exchange, symbol = self._instruments.name(instrument)
        try:
            return load_tail(self._files, exchange, symbol, table)
        except OSError as error:
            raise StorageError(f"cannot read {exchange}/{symbol}/{table}: {error}") from error

    def write(self, flush: Flush) -> None:
        """Append rows, gap records and payloads kept aside; raises `StorageError`."""
        try:
            self._columns.append(flush)
        except StorageError:
            # Small, and worth a try; but what failed first is what has to be told.
            with contextlib.suppress(StorageError):
                self._gaps.append(flush.gaps)
            raise
        self._gaps.append(flush.gaps)
        aside, self._aside = self._aside, []
        for record in aside:
            try:
                self._aside_files.append(
                    record.exchange, record.recv_ns, record.reason, record.payload
                )
            except OSError as error:
                raise StorageError(f"cannot keep a payload aside: {error}") from error

    @property
    def rows(self) -> Mapping[Table, int]:
        """How many rows were put on disk, by table."""
        return self._columns.rows

    def keep_aside(self, record: AsideRecord) -> None:
        """Keep an undecodable payload for inspection, with the next `write`."""
        if len(self._aside) < MAX_WAITING_ASIDE:
            self._aside.append(record)

    def take_repairs(self) -> list[Repair]:
        """What earlier processes had left uneven and was mended since the last call."""
        repairs = list(self._columns.repairs)
        self._columns.repairs.clear()
        return repairs

    def close(self) -> None:
        """Close all files; everything written before is in the system's hands."""
        self._files.close()
