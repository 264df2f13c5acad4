"""What an exchange listed, from the newest instruments file beside the data."""

from __future__ import annotations

from collections.abc import Mapping

from tick_logger.model.instruments import Instrument
from tick_logger.storage.files import Files
from tick_logger.storage.instruments_file import UnreadableError, decode
from tick_logger.storage.layout import InstrumentsPath, parse
from tick_logger.storage.names import folder_of


def listed_symbols(files: Files, exchange: str) -> Mapping[str, Instrument]:
    """By symbol, its steps of prices and sizes; empty if no file says.  Raises `OSError`.

    A file that cannot be read is passed over, and the one before it holds.
    """
    folder = folder_of(exchange)
    days: dict[int, str] = {}
    for name in files.list(folder):
        where = parse(f"{folder}/{name}")
        if isinstance(where, InstrumentsPath):
            days[where.day] = f"{folder}/{name}"
    for _, path in sorted(days.items(), reverse=True):
        try:
            saved = decode(files.read(path))
        except UnreadableError:
            continue
        return {
            each.symbol: Instrument(
                each.symbol, tick_size=each.tick_size, lot_size=each.lot_size, kind=each.kind
            )
            for each in saved.instruments
        }
    return {}
