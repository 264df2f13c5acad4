"""What makes a directory fit to be recorded into: nobody else does, and prices keep their width.

Blocking.  Not here: what the directory holds (`recovery`).
"""

from __future__ import annotations

import contextlib

from tick_logger.derive.replay import entries_of
from tick_logger.errors import ConfigError
from tick_logger.journal.reader import JournalReader
from tick_logger.model.entries import Started
from tick_logger.model.tables import EXACT, SPECS
from tick_logger.storage.checkpoint import Checkpoint, CheckpointSlots
from tick_logger.storage.day_files import DayFiles
from tick_logger.storage.files import Files
from tick_logger.storage.format_file import (
    READ,
    Receipt,
    UnreadableFormatError,
    Width,
    read_receipts,
    read_widths,
    write_format,
)
from tick_logger.storage.journal_layout import LOCK_PATH
from tick_logger.storage.layout import ColumnPath, parse, table_folder

FIRST_SEQ = 1
"""Number of the first frame of every journal."""

MAY_BECOME = {"f4": (EXACT,)}
"""Widths of prices that may change: the columns of f4 stay what they are, and the rest is added."""


def take_directory(files: Files, name: str) -> None:
    """Lock the directory of this name until the files are closed.

    Raises `ConfigError` if another process has it, `OSError` if nothing can be written there.
    """
    files.prepare()
    try:
        files.lock(LOCK_PATH)
    except BlockingIOError as error:
        why = f"another process records into {name}: its number is {_holder(files)}"
        raise ConfigError([("logger.data_path", why)]) from error


def require_continuable(files: Files, price_dtype: str) -> None:
    """Raise where this version could not go on with what is there; takes and changes nothing.

    `ConfigError` for another width of prices, `RefusedError` for what a newer version made.
    Another process may record there meanwhile.  Not looked at: whether everything is whole.
    """
    checkpoint = CheckpointSlots(files).load()
    price_dtype_to_use(price_dtype, recorded_price_dtype(files, checkpoint))


def _holder(files: Files) -> str:
    """The process that holds the lock, as far as it has said so."""
    try:
        return files.read(LOCK_PATH).decode("ascii", "replace").strip() or "unknown"
    except OSError:
        return "unknown"


def price_dtype_to_use(wanted: str | None, recorded: str | None) -> str:
    """The width of prices to go on with: the one that is wanted, or else the recorded one.

    Raises `ConfigError` if prices are recorded with a width that cannot become the one wanted.
    """
    chosen = wanted or recorded or EXACT
    if recorded not in (None, chosen) and chosen not in MAY_BECOME.get(recorded, ()):
        why = f'prices here are recorded as "{recorded}"; keep that, or use another directory'
        raise ConfigError([("logger.price_dtype", why)])
    return chosen


def recorded_price_dtype(files: Files, checkpoint: Checkpoint | None) -> str | None:
    """The width of recorded prices: of `format.json`, the checkpoint, or the journal's beginning.

    Where none of them tells, the column files do; None if there are none either.
    Raises `RefusedError` if a newer version made one of them.
    """
    with contextlib.suppress(UnreadableFormatError):
        if widths := read_widths(files):
            return widths[-1].price_dtype
    if checkpoint is not None:
        return str(checkpoint.state["price_dtype"])
    for frame in JournalReader(files, from_seq=FIRST_SEQ, until_seq=FIRST_SEQ + 1):
        for entry in entries_of(frame):
            if isinstance(entry, Started):
                return entry.price_dtype
    return _width_on_disk(files)


def _width_on_disk(files: Files) -> str | None:
    """What the column files show: "f4+rest" if any day has the rest, else the width of one day."""
    found = [parse(path) for path in files.list(recursive=True)]
    columns = [each for each in found if isinstance(each, ColumnPath)]
    if any(SPECS[each.table].column(each.column).rest_of for each in columns):
        return EXACT
    for each in columns:
        folder = table_folder(each.exchange, each.symbol, each.table, late=each.late)
        with contextlib.suppress(OSError):  # one that cannot be looked at tells nothing
            day = DayFiles.look(files, folder, each.table, each.day)
            if day.is_even:
                return day.schema.width
    return None


def describe_directory(
    files: Files, before: str | None, price_dtype: str, receive_times: str, now_ns: int
) -> None:
    """Let `format.json` say what is recorded from `now_ns` on; `before` is the width until then.

    `receive_times` is what they are from then on.  Raises `OSError`; it may be called again.
    """
    try:
        widths = read_widths(files)
    except UnreadableFormatError:
        widths = []
    if not widths and before is not None:
        widths = [Width(before)]
    receipts = read_receipts(files)
    if widths and not receipts:
        receipts = [Receipt(READ)]  # before they were told
    if not receipts or receipts[-1].by != receive_times:
        receipts.append(Receipt(receive_times, now_ns if receipts else None))
    if not widths or widths[-1].price_dtype != price_dtype:
        widths = [*widths, Width(price_dtype, now_ns if widths else None)]
    write_format(files, widths, receipts)
