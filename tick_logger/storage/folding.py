"""Symbols that differ only in how their letters are written, where a disk does not tell them apart.

`btc-usd` and `BTC-USD` are two symbols with a folder each.  Some disks (usually those of macOS and
Windows, and some of Linux, on request) take the two folders for one, and rows of both would be in
the same files.  There the first of them is recorded, and the other is refused like any
name that cannot be written.  The first is the one that was recorded before, or else that is listed
before.

Not here: names that no disk can hold (`layout.objection_to`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection

from tick_logger.storage.files import Files
from tick_logger.storage.journal_layout import LOCK_PATH
from tick_logger.storage.layout import objection_to
from tick_logger.storage.names import folder_of


def folds_case(files: Files) -> bool:
    """Whether a directory that is in use is found under large letters as well; raises `OSError`."""
    return files.exists(LOCK_PATH.upper())


class FoldersOfSymbols:
    """Which symbols of one exchange have a folder that can be theirs.

    `folds` is asked once, when the first symbol is judged; `recorded_before` are the symbols that
    have folders already.
    """

    def __init__(
        self, folds: Callable[[], bool], recorded_before: Callable[[], Collection[str]]
    ) -> None:
        self._folds = folds
        self._recorded_before = recorded_before
        self._is_folding: bool | None = None  # None: not asked yet
        self._owners: dict[str, str] = {}  # by how their folders are found

    def objection_to(self, symbol: str) -> str:
        """Why nothing can be recorded of a symbol; empty if something can."""
        if objection := objection_to(symbol):
            return objection
        if self._is_folding is None:
            self._is_folding = self._folds()
            for each in sorted(self._recorded_before()):
                self._owners.setdefault(_folded(each), each)
        if not self._is_folding:
            return ""
        owner = self._owners.setdefault(_folded(symbol), symbol)
        if owner == symbol:
            return ""
        return f"its folder would be that of {owner}: this disk tells no large letters from small"


def _folded(symbol: str) -> str:
    return unicodedata.normalize("NFC", folder_of(symbol).casefold())
