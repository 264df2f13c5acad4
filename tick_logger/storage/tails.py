"""What is on disk of a stream, so that a new process continues it without repeating rows."""

from __future__ import annotations

import numpy as np

from tick_logger.model.flush import StreamTail
from tick_logger.model.tables import SPECS, Table
from tick_logger.storage.day_files import DayFiles
from tick_logger.storage.files import Files
from tick_logger.storage.id_ranges import IdRanges, Ids
from tick_logger.storage.layout import ColumnPath, parse, table_folder

DAYS_OF_IDS = 2
"""Enough to recognise what an exchange sends again after a restart shortly after midnight."""

MAX_ID_RANGES = 65_536
"""The newest ranges are kept.  Dense ids need one per hole; where ids are sparse, these are still
more ids than an exchange sends again after a reconnect."""


MAX_RECENT_IDS = 1_000
"""As many as are compared with what is received (`pipeline.recent_ids`)."""


def load_tail(files: Files, exchange: str, symbol: str, table: Table) -> StreamTail | None:
    """The last row of the newest day in the main files, or None if there is no row.

    Only rows that are complete in every column count, as they are what `ColumnStore` keeps.
    `last_recv_ns` is the receive time of that row, `last_seq` 0 for tables without ids.
    Raises `OSError`.
    """
    main = table_folder(exchange, symbol, table)
    for day in reversed(_days(files, main)):
        found = DayFiles.look(files, main, table, day)
        rows = found.whole_rows
        if rows:
            ids = _id_ranges(files, exchange, symbol) if table is Table.TRADES else ()
            return StreamTail(
                last_event_ns=int(found.values(files, "event_ns", rows - 1, 1)[0]),
                last_seq=_last_seq(files, found, rows - 1),
                last_recv_ns=int(found.values(files, "recv_ns", rows - 1, 1)[0]),
                id_ranges=ids,
                recent_ids=_recent_ids(files, found, rows) if table is Table.TRADES else (),
            )
    return None


def _days(files: Files, folder: str) -> list[int]:
    """The days of a table's folder that have a file, ascending."""
    found = (parse(f"{folder}/{name}") for name in files.list(folder))
    return sorted({path.day for path in found if isinstance(path, ColumnPath)})


def _id_ranges(files: Files, exchange: str, symbol: str) -> tuple[tuple[int, int], ...]:
    """The trade ids of the newest days, late rows included; rows without an id left out."""
    folders = [table_folder(exchange, symbol, Table.TRADES, late=late) for late in (False, True)]
    days_of = {folder: _days(files, folder) for folder in folders}
    newest = sorted(set().union(*days_of.values()))[-DAYS_OF_IDS:]
    parts: list[Ids] = []
    for folder, days in days_of.items():
        for day in sorted(set(days).intersection(newest)):
            found = DayFiles.look(files, folder, Table.TRADES, day)
            parts.append(found.values(files, "seq", 0, found.whole_rows))
    ids = np.concatenate(parts)
    return IdRanges.of(ids[ids != 0]).pairs()[-MAX_ID_RANGES:]


def _recent_ids(files: Files, day: DayFiles, rows: int) -> tuple[int, ...]:
    count = min(rows, MAX_RECENT_IDS)
    return tuple(day.values(files, "seq", rows - count, count).tolist())


def _last_seq(files: Files, day: DayFiles, row: int) -> int:
    has_ids = any(column.source == "seq" for column in SPECS[day.table].files)
    return int(day.values(files, "seq", row, 1)[0]) if has_ids else 0
