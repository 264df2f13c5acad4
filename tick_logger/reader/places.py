"""Where a symbol's files lie: in a directory of this program, or in one of an earlier logger.

    {exchange}/{symbol}/{TABLE}/...     ours (`storage.layout`)
    {symbol}/{TABLE}/...                legacy: one exchange, which no folder names

A directory of ours may have links of the second kind beside the exchanges, for programs that read
an earlier logger's files; they are no exchanges.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tick_logger.model.tables import SPECS, Table
from tick_logger.reader.source import Symbol
from tick_logger.reader.tree import Tree
from tick_logger.storage.journal_layout import JOURNAL_FOLDER
from tick_logger.storage.layout import day_of_column, symbol_folder, table_folder
from tick_logger.storage.names import folder_of, symbol_of


class Places(Protocol):
    """The folders of one tree."""

    may_lack: bool
    """Whether a column of the first version may have no file, and then reads as absent."""

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

    def exchanges(self) -> Sequence[str]:
        """Folders that are neither the journal nor a symbol's."""
        folders = (each for each in folders_in(self._tree) if each != JOURNAL_FOLDER)
        names = (symbol_of(each) for each in folders if not self._is_linked(each))
        return sorted(filter(None, names))

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
        """See `Places`."""
        return folder_of(symbol.symbol)

    def folder(self, symbol: Symbol, table: Table, *, late: bool) -> str:
        """See `Places`; what came late lies where ours does."""
        return f"{folder_of(symbol.symbol)}/{'late/' if late else ''}{table}"


def folders_in(tree: Tree, folder: str = "") -> list[str]:
    """The names of the folders in a folder."""
    return [name[:-1] for name in tree.list(folder) if name.endswith("/")]


def is_of_symbol(tree: Tree, folder: str) -> bool:
    """Whether a folder has column files one folder below, as a symbol's has."""
    tables = set(folders_in(tree, folder)) & set(SPECS)
    return any(
        day_of_column(name, SPECS[Table(table)].time_column) is not None
        for table in tables
        for name in tree.list(f"{folder}/{table}")
    )
