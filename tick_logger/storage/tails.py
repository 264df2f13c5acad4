"""What is on disk of a stream, so that a new process continues it without repeating rows."""

from __future__ import annotations

import numpy as np

from tick_logger.model.flush import IdRun, StreamTail
from tick_logger.model.tables import ORIGIN_ASIDE, SPECS, Table
from tick_logger.model.times import Times
from tick_logger.storage.day_files import DayFiles
from tick_logger.storage.files import Files
from tick_logger.storage.id_ranges import Ids
from tick_logger.storage.layout import ColumnPath, parse, table_folder

DAYS_OF_IDS = 2
"""Enough to recognise what an exchange sends again after a restart shortly after midnight."""

MAX_ID_RUNS = 65_536
"""The newest runs are kept.  Dense ids need one per hole; where ids are sparse, these are still
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
            runs = _id_runs(files, exchange, symbol) if table is Table.TRADES else ()
            recent = _recent(files, found, rows) if table is Table.TRADES else ((), ())
            return StreamTail(
                last_event_ns=int(found.values(files, "event_ns", rows - 1, 1)[0]),
                last_seq=_last_seq(files, found, rows - 1),
                last_recv_ns=int(found.values(files, "recv_ns", rows - 1, 1)[0]),
                id_runs=runs,
                recent_ids=recent[0],
                recent_event_ns=recent[1],
            )
    return None


def _days(files: Files, folder: str) -> list[int]:
    """The days of a table's folder that have a file, ascending."""
    found = (parse(f"{folder}/{name}") for name in files.list(folder))
    return sorted({path.day for path in found if isinstance(path, ColumnPath)})


def _id_runs(files: Files, exchange: str, symbol: str) -> tuple[IdRun, ...]:
    """The trade ids of the newest days, late rows included; rows without an id left out."""
    folders = [table_folder(exchange, symbol, Table.TRADES, late=late) for late in (False, True)]
    days_of = {folder: _days(files, folder) for folder in folders}
    newest = sorted(set().union(*days_of.values()))[-DAYS_OF_IDS:]
    parts = []
    for folder, days in days_of.items():
        for day in sorted(set(days).intersection(newest)):
            found = DayFiles.look(files, folder, Table.TRADES, day)
            sources = ("seq", "event_ns", "recv_ns", "origin")
            ids, events, recv, origin = (
                found.values(files, source, 0, found.whole_rows) for source in sources
            )
            # A time that cannot be right does not tell where the row belongs.
            parts.append((ids, np.where(origin == ORIGIN_ASIDE, recv, events), recv))
    ids, events, recv = (np.concatenate(each) for each in zip(*parts, strict=True))
    numbered = ids != 0
    return id_runs(ids[numbered], events[numbered], recv[numbered])[-MAX_ID_RUNS:]


def id_runs(ids: Ids, events: Times, recv: Times) -> tuple[IdRun, ...]:
    """Trades in runs of ids that rise by one, in the order of their times."""
    if not len(ids):
        return ()
    if not (events[1:] >= events[:-1]).all():  # late rows are among them
        order = np.lexsort((ids, events))
        ids, events, recv = ids[order], events[order], recv[order]
    breaks = np.flatnonzero(ids[1:] - ids[:-1] != 1)
    starts, ends = np.concatenate(([0], breaks + 1)), np.append(breaks, len(ids) - 1)
    both = [array[at].tolist() for array in (ids, events, recv) for at in (starts, ends)]
    return tuple(map(IdRun, *both))


def _recent(files: Files, day: DayFiles, rows: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The newest ids, and their event times."""
    count = min(rows, MAX_RECENT_IDS)
    ids, times = (day.values(files, each, rows - count, count) for each in ("seq", "event_ns"))
    return tuple(ids.tolist()), tuple(times.tolist())


def _last_seq(files: Files, day: DayFiles, row: int) -> int:
    has_ids = any(column.source == "seq" for column in SPECS[day.table].files)
    return int(day.values(files, "seq", row, 1)[0]) if has_ids else 0
