"""The reading interface: what was recorded, as arrays, frames, books and files.

Numpy alone is needed; frames of other libraries are imported when they are asked for.  Works on any
operating system, beside a recorder, and without permission to write.  Pure: no event loop, no
clock.
"""

from tick_logger.reader.book import Book
from tick_logger.reader.doubts import Doubt
from tick_logger.reader.errors import (
    DamagedError,
    IncompleteError,
    MissingExtraError,
    NotRecordedError,
    OverlapError,
)
from tick_logger.reader.gaps import Gap
from tick_logger.reader.opening import open
from tick_logger.reader.recording import Recording
from tick_logger.reader.rows import Rows

__all__ = [
    "Book",
    "DamagedError",
    "Doubt",
    "Gap",
    "IncompleteError",
    "MissingExtraError",
    "NotRecordedError",
    "OverlapError",
    "Recording",
    "Rows",
    "open",
]
