"""What the reading interface raises beside `ValueError` for arguments that make no sense.

Each error tells in its text what was asked for, what there is, and what to do.
"""

from __future__ import annotations


class IncompleteError(Exception):
    """Rows are missing, or it cannot be shown that none are; raised by `Rows.require`."""


class NotRecordedError(LookupError):
    """There is no such exchange, symbol or day in the recording."""

    def __str__(self) -> str:
        """The text as it is; a `LookupError` may quote it."""
        return str(self.args[0]) if self.args else ""


class OverlapError(Exception):
    """Two sources that were opened together have rows of the same symbol and day."""


class DamagedError(OSError):
    """A file of the recording is missing or too short; the command `verify` tells more."""


class MissingExtraError(ImportError):
    """A frame library is not installed; the text names the extra that brings it."""
