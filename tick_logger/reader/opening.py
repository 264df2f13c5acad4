"""Which kind of recording lies somewhere, and `open`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Literal

from tick_logger.reader.column_files import ColumnFiles
from tick_logger.reader.errors import NotRecordedError
from tick_logger.reader.joined import Joined
from tick_logger.reader.places import LegacyPlaces, OwnPlaces, Places, folders_in, is_of_symbol
from tick_logger.reader.recording import Recording
from tick_logger.reader.source import Source
from tick_logger.reader.tree import DiskTree, Tree

Layout = Literal["auto", "tick_logger", "legacy"]
LAYOUTS: tuple[Layout, ...] = ("auto", "tick_logger", "legacy")

Where = str | os.PathLike[str]


def open(source: Where | Sequence[Where], *, layout: Layout = "auto") -> Recording:
    """What was recorded into a directory, or into several, joined; live or at rest.

    `layout`: "tick_logger" (`{exchange}/{symbol}/{TABLE}/`), "legacy" (`{symbol}/{TABLE}/`, of an
    earlier logger), or "auto", which looks.  No permission to write is needed.  Raises
    `NotRecordedError` (a `LookupError`) if there is no such directory, `OSError` if it cannot be
    read, and later `OverlapError` if two directories have rows of one symbol and day.

    >>> import tick_logger
    >>> rec = tick_logger.open("data")
    >>> rec
    <Recording data: 2 symbols of coinbase, kraken>
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout={layout!r} is none of {', '.join(LAYOUTS)}")
    wheres = [source] if isinstance(source, str | os.PathLike) else list(source)
    if not wheres:
        raise ValueError("nothing is to be opened")
    sources = [source_at(where, layout) for where in wheres]
    return Recording(sources[0] if len(sources) == 1 else Joined(sources))


def source_at(where: Where, layout: Layout = "auto") -> Source:
    """What lies in one directory; see `open`."""
    path = os.fspath(where)
    if not os.path.isdir(path):
        raise NotRecordedError(f"there is no directory {path}")
    tree = DiskTree(path)
    return ColumnFiles(tree, _places(tree, layout))


def _places(tree: Tree, layout: Layout) -> Places:
    own = OwnPlaces(tree)
    if layout == "tick_logger":
        return own
    if layout == "legacy" or (not own.is_used and _has_symbols(tree)):
        return LegacyPlaces(tree)
    return own


def _has_symbols(tree: Tree) -> bool:
    return any(is_of_symbol(tree, folder) for folder in folders_in(tree))
