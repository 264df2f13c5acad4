"""Links that let a reader of an earlier logger's layout read one exchange's folder.

    {symbol}/{TABLE} -> ../{exchange}/{symbol}/{TABLE}      beside the folders of the exchanges

Nothing that is there is ever replaced, and no file is written.  A link that is missing after a
power cut is made anew at the next start, so that none has to be synced.

Not here: which exchange, and when (`recording.legacy_links`).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable, Iterator
from typing import TypeAlias

from tick_logger.errors import words_of
from tick_logger.model.tables import SPECS, Table
from tick_logger.storage.files import REPLACEMENT_SUFFIX, Files
from tick_logger.storage.journal_layout import JOURNAL_FOLDER
from tick_logger.storage.layout import parse, table_folder
from tick_logger.storage.names import folder_of, symbol_of

Stream: TypeAlias = tuple[str, Table]
"""A symbol of the exchange, and a table."""

Objection: TypeAlias = tuple[str, str]
"""The path at which there is no link, and why."""


class LegacyLinks:
    """The links of one data path; `exchanges` are the names that folders of exchanges may have."""

    def __init__(
        self, root: str | os.PathLike[str], exchange: str, exchanges: Collection[str]
    ) -> None:
        self._root = os.fspath(root)
        self._exchange = exchange
        # As if no disk told large letters from small.
        self._taken = {folder_of(each).casefold() for each in (exchange, *exchanges)}
        self._taken.add(JOURNAL_FOLDER)
        self._seen: set[Stream] = set()

    def recorded(self) -> Iterator[Stream]:
        """Every stream of which there is a file already."""
        with contextlib.suppress(OSError):
            for folder in sorted(os.listdir(self._at(folder_of(self._exchange)))):
                symbol = symbol_of(folder)
                if symbol is not None:
                    yield from ((symbol, table) for table in Table if self._has(symbol, table))

    def make(self, streams: Iterable[Stream]) -> list[Objection]:
        """Link to those that were not seen yet; returns what could not be, in words."""
        found = []
        for stream in streams:
            if stream not in self._seen:
                self._seen.add(stream)
                objection = self._link(*stream)
                if objection:
                    found.append((f"{folder_of(stream[0])}/{stream[1]}", objection))
        return found

    def _has(self, symbol: str, table: Table) -> bool:
        try:
            with os.scandir(self._at(table_folder(self._exchange, symbol, table))) as entries:
                return next(entries, None) is not None
        except OSError:
            return False

    def _link(self, symbol: str, table: Table) -> str:
        """Make one; returns why not, or nothing."""
        folder = folder_of(symbol)
        plain = folder.casefold().removesuffix(REPLACEMENT_SUFFIX)
        if plain in self._taken or parse(plain) is not None:
            return "an exchange, or a file of the recording, is called so"
        target = f"../{table_folder(self._exchange, symbol, table)}"
        path = self._at(f"{folder}/{table}")
        try:
            if os.path.islink(path):
                leads_to = os.readlink(path)
                return "" if leads_to == target else f"a link is there that leads to {leads_to}"
            if os.path.lexists(path):
                return "something is there that is no link"
            os.makedirs(self._at(folder), exist_ok=True)
            if strange := sorted(set(os.listdir(self._at(folder))) - SPECS.keys()):
                return f"the folder has something else in it: {strange[0]}"
            os.symlink(target, path, target_is_directory=True)
        except OSError as error:
            return words_of(error)
        return ""

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"


def has_links_only(files: Files, folder: str) -> bool:
    """Whether a folder beside the exchanges holds such links and nothing else; raises `OSError`."""
    names = files.list(folder)
    if not names or any(name.rstrip("/") not in SPECS for name in names):
        return False
    # Links are not followed to files; one that leads nowhere any more is listed as if it were one.
    return all(path.count("/") == 1 for path in files.list(folder, recursive=True))
