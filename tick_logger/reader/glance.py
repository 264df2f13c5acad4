"""A tree as it is at one glance: each folder is listed once, and what no list names is not there.

A pass over thousands of symbols asks for the same names again and again, mostly for files that most
symbols do not have.  What comes into a folder after it was listed is not seen: so this is for one
pass, and no longer.  Files that are there grow as ever.

Memory is bounded by `MOST_FOLDERS`; a pass is done with one symbol before it begins the next.
"""

from __future__ import annotations

from collections import OrderedDict

import attrs

from tick_logger.reader.tree import Tree
from tick_logger.storage.files import Names

MOST_FOLDERS = 64
"""Whose names are kept, those that were asked for last: a symbol has ten, and years of days in
each."""


@attrs.frozen(eq=False)
class _Folder:
    names: Names
    there: frozenset[str]


class GlanceTree:
    """Another tree, of which each folder is listed once; see `Tree`."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._folders: OrderedDict[str, _Folder] = OrderedDict()
        self._read: tuple[str, bytes | memoryview] = "", b""
        """The file that was read last as a whole: a gaps file is asked for each table's proof."""

    @property
    def name(self) -> str:
        """That of the other."""
        return self._tree.name

    def size(self, path: str) -> int:
        """Length in bytes; 0 if it is not there."""
        return self._tree.size(path) if self.exists(path) else 0

    def exists(self, path: str) -> bool:
        """Whether its folder names it."""
        folder, _, name = path.rpartition("/")
        return name in self._folder(folder).there

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes | memoryview:
        """As the other reads it; a file that is read as a whole, as it was the first time."""
        if offset or length is not None:
            return self._tree.read(path, offset, length)
        if path != self._read[0]:
            self._read = path, self._tree.read(path)
        return self._read[1]

    def list(self, folder: str = "") -> Names:
        """As it was when it was listed first."""
        return self._folder(folder).names

    def _folder(self, folder: str) -> _Folder:
        known = self._folders.get(folder)
        if known is None:
            known = self._folders[folder] = self._listed(folder)
            if len(self._folders) > MOST_FOLDERS:
                self._folders.popitem(last=False)
        self._folders.move_to_end(folder)
        return known

    def _listed(self, folder: str) -> _Folder:
        above, _, name = folder.rpartition("/")
        if folder and f"{name}/" not in self._folder(above).there:
            return _NONE
        names = self._tree.list(folder)
        return _Folder(names, frozenset(names))


_NONE = _Folder([], frozenset())
