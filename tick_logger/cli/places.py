"""Whether a path is a recording, a part of one, or a folder of recordings: judged by names alone.

A path that was mistyped by one folder would otherwise give thousands of findings, or a lock file
where none belongs.  Not here: whether what is recorded there is right.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tick_logger.errors import ConfigError
from tick_logger.storage.layout import parse

MOST_LOOKED_AT = 5_000
"""Files whose names are looked at; all of a recording are named alike."""

MOST_ABOVE = 4
"""Folders of a recording on the way to a column file: exchange, symbol, `late`, table."""

MOST_NAMED = 5
"""Recordings in a folder that are named as possible ones."""


def require_recording(directory: Path) -> None:
    """Refuse what is no directory, and what is not itself the root of a recording.

    An empty directory, or one with other files, passes: that nothing is recorded there is an
    answer.  Raises `ConfigError` with what was probably meant.
    """
    if not directory.exists():
        raise _refused(directory, "there is no such directory")
    where = directory.resolve()
    if not where.is_dir():
        root = _root_above(where.parent, [where.name])
        hint = f"; it is a file of the recording in {root}: did you mean that?" if root else ""
        raise _refused(directory, f"this is a file, and no directory{hint}")
    names = list(itertools.islice(_files_in(where), MOST_LOOKED_AT))
    if any((where / name).exists() for name in ("format.json", "journal/lock")):
        return
    if root := _root_above(where, names):
        what = f"this is no recording but a part of one; did you mean {root}?"
        raise _refused(directory, what)
    if inside := _roots_below(where, names):
        named = " or ".join(str(directory / name) for name in inside[:MOST_NAMED])
        what = f"this is no recording, but there are some in it; did you mean {named}?"
        raise _refused(directory, what)


def is_archive_at(where: str) -> bool:
    """Whether somebody means an archive: a bucket, or a folder with what archives have."""
    from tick_logger.reader.archived import is_archive
    from tick_logger.reader.opening import SCHEME
    from tick_logger.reader.tree import DiskTree

    return where.startswith(SCHEME) or (os.path.isdir(where) and is_archive(DiskTree(where)))


def _refused(directory: Path, reason: str) -> ConfigError:
    return ConfigError([(str(directory), reason)])


def _files_in(folder: Path) -> Iterator[str]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        inner = Path(parent).relative_to(folder)
        yield from ((inner / name).as_posix() for name in sorted(names))


def _root_above(folder: Path, names: list[str]) -> Path | None:
    """The folder above from which most names are those of a recording; None if it is this one."""
    best, root, prefix, above = _known(names), None, "", folder
    for _ in range(MOST_ABOVE):
        if above == above.parent:
            break
        prefix, above = f"{above.name}/{prefix}", above.parent
        known = _known([prefix + name for name in names])
        if known > best:
            best, root = known, above
    return root


def _roots_below(folder: Path, names: list[str]) -> list[str]:
    """The folders, one or two levels below, in which there are recordings."""
    if _known(names):
        return []
    found: Counter[str] = Counter()
    for name in names:
        parts = name.split("/")
        for depth in (1, 2):
            inner = "/".join(parts[depth:])
            if inner and parse(inner) is not None:
                found["/".join(parts[:depth])] += 1
                break
    return [name for name, _ in found.most_common() if (folder / name).is_dir()]


def _known(names: list[str]) -> int:
    return sum(parse(name) is not None for name in names)
