"""Some rows and columns of a content, as a content of its own."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from tick_logger.reader.columns import Column
from tick_logger.reader.content import Content
from tick_logger.reader.source import Array


@attrs.frozen(eq=False)
class View:
    """Rows `start` to `stop` of these columns of a content; see `Content`."""

    _whole: Content
    _start: int
    _stop: int
    columns: tuple[Column, ...]

    @property
    def rows(self) -> int:
        """How many there are."""
        return self._stop - self._start

    @property
    def late(self) -> int:
        """Those of a part are not counted."""
        return self._whole.late if self.rows == self._whole.rows else 0

    def read(self, column: Column, start: int, stop: int) -> Array:
        """See `Content`."""
        return self._whole.read(column, self._start + start, self._start + stop)

    def words(self, column: Column) -> Sequence[str]:
        """Those of the whole."""
        return self._whole.words(column)


def rows_of(content: Content, start: int, stop: int) -> View:
    """Rows `start` to `stop`."""
    return View(content, start, stop, content.columns)


def columns_of(content: Content, names: Sequence[str]) -> View:
    """The columns of these names, in their order; each exists."""
    by_name = {column.name: column for column in content.columns}
    return View(content, 0, content.rows, tuple(by_name[name] for name in names))
