"""Rows, runs and marks as plain data, and back: how the pipeline's state leaves the process.

Plain data is dicts with str keys, lists, str, int, float, bool, None and one-dimensional numpy
arrays.  What comes back is equal to what went in.  Arrays are passed on, not copied: a `RowBatch`
is never changed in place.

Not here: bytes.  How plain data is encoded is up to whoever stores it.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from tick_logger.model.flush import Run
from tick_logger.model.marks import Mark
from tick_logger.model.plain_marks import mark_from_plain, mark_to_plain
from tick_logger.model.routes import FIRST_LINE
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import ORIGIN_LATE, ORIGIN_MAIN, Table

Plain: TypeAlias = dict[str, Any]


def rows_to_plain(rows: RowBatch) -> Plain:
    """The table's name, the columns, and the route if it is not the first line."""
    route = {"route": rows.route} if rows.route != FIRST_LINE else {}
    return {"table": rows.table.value, "columns": dict(rows.columns), **route}


def rows_from_plain(plain: Plain) -> RowBatch:
    """The batch that `rows_to_plain` was given, by this version or an earlier one."""
    name = "way" if "way" in plain else "route"  # as an earlier version called it, or this one
    route = plain.get(name, FIRST_LINE)
    return RowBatch.of_any_version(Table(plain["table"]), plain["columns"], route)


def run_to_plain(run: Run) -> Plain:
    """A run: its instrument, day and origin, and its rows."""
    return {
        "instrument": run.instrument,
        "day": run.day,
        "late": run.late,
        "origin": run.origin,
        "rows": rows_to_plain(run.rows),
    }


def run_from_plain(plain: Plain) -> Run:
    """The run that `run_to_plain` was given, by this version or an earlier one."""
    rows = rows_from_plain(plain["rows"])
    origin = plain.get("origin", ORIGIN_LATE if plain["late"] else ORIGIN_MAIN)
    return Run(plain["instrument"], rows.table, plain["day"], rows, plain["late"], origin)


def item_to_plain(item: RowBatch | Mark) -> Plain:
    """A batch as `rows_to_plain` has it; a mark as its kind and its fields."""
    if isinstance(item, RowBatch):
        return rows_to_plain(item)
    kind, *fields = mark_to_plain(item)
    return {"mark": kind, "fields": fields}


def item_from_plain(plain: Plain) -> RowBatch | Mark:
    """The batch or mark that `item_to_plain` was given."""
    if "mark" not in plain:
        return rows_from_plain(plain)
    return mark_from_plain([plain["mark"], *plain["fields"]])
