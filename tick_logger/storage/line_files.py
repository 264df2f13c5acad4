"""Files of lines: whole lines are appended, and a line that was torn is cut off first.

What the lines say is the business of `gap_files` and `kept_aside`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import TypeVar

import attrs

from tick_logger.errors import StorageError
from tick_logger.storage.appending import (
    CannotAppend,
    PartlyWritten,
    append_all,
    reason_of,
)
from tick_logger.storage.extents import Extent, KnownLengths, Place
from tick_logger.storage.files import Files

Item = TypeVar("Item")


@attrs.frozen
class LineFiles:
    """The files of lines under one root."""

    files: Files
    known: KnownLengths

    def meet(self, places: Iterable[Place]) -> list[Extent]:
        """The lengths of the files among these that are not known, each ending with a whole line.

        Raises `StorageError`; nothing is remembered.
        """
        new = dict.fromkeys(place for place in places if place not in self.known)
        return [Extent(path, day, self._whole_lines(path)) for path, day in new]

    def is_empty(self, place: Place) -> bool:
        """Whether a file that was met has no line yet."""
        return self.known.use(*place).length == 0

    def append(self, place: Place, lines: Sequence[bytes]) -> None:
        """Append lines, newlines included; raises `CannotAppend`."""
        data = b"".join(lines)
        assert data.endswith(b"\n"), "half a line"
        assert data.count(b"\n") == len(lines), "two lines in one"
        append_all(self.files, self.known.use(*place), [(place[0], data)], len(data))

    def _whole_lines(self, path: str) -> int:
        """The size of a file once it ends with a whole line."""
        try:
            size = self.files.size(path)
            if size == 0 or self.files.read(path, size - 1) == b"\n":
                return size
            whole = self.files.read(path).rfind(b"\n") + 1
            self.files.truncate(path, whole)
        except OSError as error:
            raise StorageError(f"cannot look at {path}: {reason_of(error)}") from error
        return whole


def append_to_each(
    items: Iterable[Item],
    place_of: Callable[[Item], Place],
    append: Callable[[Place, Sequence[Item]], None],
) -> None:
    """Append items to the files that they belong to, file by file; `append` raises `CannotAppend`.

    Raises `PartlyWritten` with the items of that file and the later ones.
    """
    groups: dict[Place, list[Item]] = {}
    for item in items:
        groups.setdefault(place_of(item), []).append(item)
    waiting = dict(groups)
    for place, group in groups.items():
        try:
            append(place, group)
        except CannotAppend as error:
            rest = tuple(chain.from_iterable(waiting.values()))
            raise PartlyWritten(error.path, error.reason, rest) from error.__cause__
        del waiting[place]
    assert not waiting, "files that were passed over"
