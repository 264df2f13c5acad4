"""Recordings for tests of the reader, written by the storage layer as a recorder does.

Rows are plain dictionaries, so that a test can say what it expects without the code under test.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from tests.storage.sample import batch, instruments
from tick_logger.model.flush import Flush, GapRecord, Run
from tick_logger.model.proof import Proof
from tick_logger.model.schemas import Schemas
from tick_logger.model.tables import ORIGIN_ASIDE, ORIGIN_LATE, Table
from tick_logger.model.times import day_of
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.storage.store import Store

PROOFS = {Table.TRADES: Proof.PROVEN, Table.BOOK: Proof.CONSISTENT}


@attrs.define
class Recorder:
    """Writes rows below a folder; `price_dtype` as configured."""

    folder: Path
    price_dtype: str = "f4+rest"
    names: tuple[tuple[str, str], ...] = (("venue", "BTC-USD"), ("other", "XBT/USD"))
    schemas: Schemas | None = None
    """Columns of an earlier version; those of this one if there are none."""

    def write(
        self,
        table: Table,
        rows: Sequence[dict[str, Any]],
        *,
        of: int = 0,
        late: bool = False,
        origin: int = ORIGIN_LATE,
        day: int | None = None,
    ) -> None:
        """Rows of one symbol, each into the file of its day (`day`: all into that one)."""
        by_day: dict[int, list[dict[str, Any]]] = {}
        for row in rows:
            by_day.setdefault(day_of(row["event_ns"]) if day is None else day, []).append(row)
        runs = [
            Run(of, table, each, batch(table, [{"instrument": of, **row} for row in found]), late)
            for each, found in by_day.items()
        ]
        if late:
            runs = [attrs.evolve(run, origin=origin) for run in runs]
        self._flush(Flush(tuple(runs), ()))

    def miss(self, *gaps: GapRecord) -> None:
        """Lines in gaps files."""
        self._flush(Flush((), gaps))

    def _flush(self, flush: Flush) -> None:
        files = DiskFiles(self.folder)
        store = Store(
            files,
            instruments(*self.names),
            self.schemas or Schemas.written(self.price_dtype),
            lambda _exchange: PROOFS,
        )
        store.meet(flush, ())
        store.write(flush, ())
        files.close()


def aside(recorder: Recorder, table: Table, rows: Sequence[dict[str, Any]], day: int) -> None:
    """Rows whose time cannot be right, in the day of their receipt."""
    recorder.write(table, rows, late=True, origin=ORIGIN_ASIDE, day=day)
