"""Two recordings for tests of `compare`, and the ways to damage a copy of one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tests.reader.recorded import Recorder
from tests.storage.sample import MIDNIGHT_NS
from tick_logger.compare.comparing import compare
from tick_logger.compare.report import Comparison
from tick_logger.model.tables import Table
from tick_logger.reader.opening import source_at
from tick_logger.reader.times import BEGINNING_NS, END_NS, Span

MS = 10**6
ALL = Span(BEGINNING_NS, END_NS)


def row(seq: int, ms: int, **fields: object) -> dict[str, Any]:
    """A row some ms after midnight, received 3 ms later."""
    at = MIDNIGHT_NS + ms * MS
    return {"seq": seq, "event_ns": at, "recv_ns": at + 3 * MS, **fields}


class Two:
    """OLD and NEW below a folder."""

    def __init__(self, folder: Path, widths: tuple[str, str] = ("f4+rest", "f4+rest")) -> None:
        self.folder = folder
        self.old = Recorder(folder / "old", widths[0])
        self.new = Recorder(folder / "new", widths[1])

    def write(
        self, table: Table, old: list[dict[str, Any]], new: list[dict[str, Any]], *, of: int = 0
    ) -> None:
        """Rows into both."""
        for side, rows in ((self.old, old), (self.new, new)):
            if rows:
                side.write(table, rows, of=of)

    def found(self, *, wanted: Span = ALL, exchange: str = "", legacy: str = "") -> Comparison:
        """What a comparison finds; `legacy` is the exchange whose folder is OLD."""
        if legacy:
            shutil.copytree(self.old.folder / legacy, self.folder / "legacy", dirs_exist_ok=True)
        old = self.folder / "legacy" if legacy else self.old.folder
        return compare(source_at(old), source_at(self.new.folder), wanted, exchange=exchange)


def counts(found: Comparison) -> tuple[int, int, int, int]:
    """Both, only in OLD, only in NEW, different."""
    total = found.total
    return total.both, total.only_old, total.only_new, total.different
