"""Where a symbol's files lie: in a directory of this program, or in one of an earlier logger.

    {exchange}/{symbol}/{TABLE}/...     ours (`storage.layout`)
    {symbol}/{TABLE}/...                legacy: one exchange, which no folder names

A directory of ours may have links of the second kind beside the exchanges, for programs that read
an earlier logger's files; they are no exchanges.  Nor is what a system puts beside them
(`lost+found`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Protocol

from tick_logger.model.tables import SPECS, Table
from tick_logger.reader.source import Symbol
from tick_logger.reader.tree import Tree
from tick_logger.storage.journal_layout import JOURNAL_FOLDER
from tick_logger.storage.layout import (
    FORMAT_PATH,
    day_of_column,
    symbol_folder,
    table_folder,
)
from tick_logger.storage.names import folder_of, symbol_of

_EXCHANGE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
"""What a section of the configuration is called, and so an exchange."""


class Places(Protocol):
    """The folders of one tree."""

    may_lack: bool
    """Whether a column of the first version may have no file, and then reads as absent."""

    def on(self, tree: Tree) -> Places:
        """The same places of another view of the tree."""
        ...

    def exchanges(self) -> Sequence[str]:
        """All of them, sorted; the empty one where no folder names one."""
        ...

    def symbols(self, exchange: str) -> Sequence[str]:
        """All symbols of an exchange, sorted."""
        ...

    def has(self, symbol: Symbol) -> bool:
        """Whether a symbol has a folder."""
        ...

    def folder_of(self, symbol: Symbol) -> str:
        """The folder of everything that is recorded of a symbol."""
        ...

    def folder(self, symbol: Symbol, table: Table, *, late: bool) -> str:
        """The folder of the column files of a table."""
        ...


class OwnPlaces:
    """Exchange, symbol, table."""

    may_lack = False

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def on(self, tree: Tree) -> OwnPlaces:
        """See `Places`."""
        return OwnPlaces(tree)

    def exchanges(self) -> Sequence[str]:
        """Folders that are neither the journal nor a symbol's."""
        return list(self._exchanges())

    @property
    def is_used(self) -> bool:
        """Whether there is anything of ours; cheaper than all `exchanges`."""
        return self._tree.exists(FORMAT_PATH) or next(self._exchanges(), None) is not None

    def _exchanges(self) -> Iterator[str]:
        for name in folders_in(self._tree):
            named = name != JOURNAL_FOLDER and _EXCHANGE.fullmatch(name)
            if named and not self._is_linked(name):
                yield name

    def _is_linked(self, folder: str) -> bool:
        """Whether it is a symbol's, of links: to tables, or to what is gone by now."""
        inner = [name.rstrip("/") for name in self._tree.list(folder)]
        if not inner or not set(inner) <= SPECS.keys():
            return is_of_symbol(self._tree, folder)
        return not any(folders_in(self._tree, f"{folder}/{name}") for name in inner)

    def symbols(self, exchange: str) -> Sequence[str]:
        """Folders in that of the exchange."""
        names = map(symbol_of, folders_in(self._tree, folder_of(exchange)))
        return sorted(name for name in names if name is not None)

    def has(self, symbol: Symbol) -> bool:
        """Whether there is anything in a symbol's folder."""
        return bool(symbol.exchange and self._tree.list(self.folder_of(symbol)))

    def folder_of(self, symbol: Symbol) -> str:
        """See `Places`."""
        return symbol_folder(symbol.exchange, symbol.symbol)

    def folder(self, symbol: Symbol, table: Table, *, late: bool) -> str:
        """See `Places`."""
        return table_folder(symbol.exchange, symbol.symbol, table, late=late)


class LegacyPlaces:
    """Symbol, table; the exchange is empty."""

    may_lack = True

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def on(self, tree: Tree) -> LegacyPlaces:
        """See `Places`."""
        return LegacyPlaces(tree)

    def exchanges(self) -> Sequence[str]:
        """None has a name."""
        return [""]

    def symbols(self, exchange: str) -> Sequence[str]:
        """Folders that have a table's in them."""
        folders = (each for each in folders_in(self._tree) if is_of_symbol(self._tree, each))
        return [] if exchange else sorted(symbol_of(each) or each for each in folders)

    def has(self, symbol: Symbol) -> bool:
        """Whether a symbol has a folder with a table's in it."""
        return not symbol.exchange and is_of_symbol(self._tree, self.folder_of(symbol))

    def folder_of(self, symbol: Symbol) -> str:
        """See `Places`: as we would spell it, or else as it is, with a bare percent sign."""
        folder = folder_of(symbol.symbol)
        if folder.replace("%25", "%") == symbol.symbol and not self._tree.list(folder):
            return symbol.symbol
        return folder

    def folder(self, symbol: Symbol, table: Table, *, late: bool) -> str:
        """See `Places`; what came late lies where ours does."""
        return f"{self.folder_of(symbol)}/{'late/' if late else ''}{table}"


def folders_in(tree: Tree, folder: str = "") -> list[str]:
    """The names of the folders in a folder."""
    return [name[:-1] for name in tree.list(folder) if name.endswith("/")]


def is_of_symbol(tree: Tree, folder: str) -> bool:
    """Whether a folder is a symbol's: column files lie one folder below it.

    An exchange may list a symbol that is called as a table is, so that names of folders do not
    tell; what lies beside them tells mostly, and saves a look at the files of years.
    """
    names = tree.list(folder)
    if any(name.startswith("instruments.") for name in names):
        return False
    tables = [name[:-1] for name in names if name.endswith("/") and name[:-1] in SPECS]
    if tables and any(name.startswith("gaps.") for name in names):
        return True
    return any(
        day_of_column(name, SPECS[Table(table)].time_column) is not None
        for table in tables
        for name in tree.list(f"{folder}/{table}")
    )
