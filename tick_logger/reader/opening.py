"""Which kind of recording lies somewhere, and `open`.

A directory whose days were released is read with the archive beside it (`ARCHIVE`), as far as the
two belong together; everybody else says where the archive is.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import Literal

from tick_logger.reader.archived import Archived, is_archive
from tick_logger.reader.beside import released_here
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

    Also an archive of finished days: its root, or `"s3://bucket/prefix"`, with credentials from the
    environment (`AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT_URL`).

    `layout`: "tick_logger" (`{exchange}/{symbol}/{TABLE}/`), "legacy" (`{symbol}/{TABLE}/`, of an
    earlier logger), or "auto", which looks.  No permission to write is needed.  Raises
    `NotRecordedError` (a `LookupError`) if there is no such directory, `OSError` if it cannot be
    read, and later `OverlapError` if two directories have rows of one symbol and day, which a
    recording and its own archive may.

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
    if len(sources) == 1 and isinstance(sources[0], ColumnFiles) and layout == "auto":
        beside = _archive_beside(os.fspath(wheres[0]), sources[0])
        sources += [beside] if beside is not None else []
    return Recording(sources[0] if len(sources) == 1 else Joined(sources))


SCHEME = "s3://"

ARCHIVE = "archive"
"""The folder beside a directory in which its archive is looked for: the usual `local_path`."""


def source_at(where: Where, layout: Layout = "auto") -> Source:
    """What lies in one place, and nothing beside it; see `open`."""
    path = os.fspath(where)
    if path.startswith(SCHEME):
        return Archived(archive_tree(path))
    if not os.path.isdir(path):
        raise NotRecordedError(f"there is no directory {path}")
    files = DiskTree(path)
    if layout == "auto" and is_archive(files):
        return Archived(files)
    return ColumnFiles(files, _places(files, layout))


def archive_tree(where: Where) -> Tree:
    """The files of an archive; raises `NotRecordedError` if there is none, and as `open`."""
    path = os.fspath(where)
    tree: Tree = DiskTree(path)
    if path.startswith(SCHEME):
        from tick_logger.reader.bucket_tree import bucket_tree  # takes a while, seldom needed

        tree = bucket_tree(path.removeprefix(SCHEME), os.environ)
    with contextlib.suppress(FileNotFoundError):
        if is_archive(tree):
            return tree
    raise NotRecordedError(f"there is no archive at {path}")


def _archive_beside(path: str, files: ColumnFiles) -> Source | None:
    """The days that were released from a directory, if their archive lies beside it."""
    root = os.path.join(os.path.dirname(os.path.abspath(path)), ARCHIVE)
    tree = DiskTree(root)
    return released_here(tree, files) if is_archive(tree) else None


def _places(tree: Tree, layout: Layout) -> Places:
    own = OwnPlaces(tree)
    if layout == "tick_logger":
        return own
    if layout == "legacy" or (not own.is_used and _has_symbols(tree)):
        return LegacyPlaces(tree)
    return own


def _has_symbols(tree: Tree) -> bool:
    return any(is_of_symbol(tree, folder) for folder in folders_in(tree))
