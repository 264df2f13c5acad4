"""How long the files are that the recording may touch again, and when that is forgotten.

What grows is a table-day (all its columns together, in rows) or a file of lines (in bytes).  Its
extent is the length up to which it is good; what lies behind is left over from an append that
failed, or from a process that died.

Not here: looking at files (`columns`, `line_files`) and cutting them (`cutting`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, TypeAlias

import attrs
import msgspec
import numpy as np

from tick_logger.errors import StorageError
from tick_logger.model.tables import Table
from tick_logger.storage.day_files import item_sizes
from tick_logger.storage.layout import column_name

Place: TypeAlias = tuple[str, int]
"""Path and day of what grows."""

MAX_KNOWN_DAYS = 65_536
"""Lengths remembered between two dumps, about 400 bytes each; others are looked up again."""

MAX_IDLE_DUMPS = 240
"""What was not touched between so many dumps is met again when it is: two hours, by default."""


class RefusedError(StorageError):
    """What is on disk cannot be continued, and trying again would change nothing."""


@attrs.frozen
class Extent:
    """The good length of one thing that grows.

    Of a table-day: `path` is the table's folder, `length` counts rows, and `price_dtype` ("f4" or
    "f8") is the width of its prices.  Of a file of lines: `path` is its path, `length` counts
    bytes, `price_dtype` is empty.  `day` counts from 1970-01-01.
    """

    path: str
    day: int
    length: int
    price_dtype: str = ""

    @property
    def place(self) -> Place:
        """What the extent is about."""
        return self.path, self.day

    def widths(self) -> dict[str, int]:
        """Path of each file to the bytes of one unit of length in it, the time column first."""
        if not self.price_dtype:
            return {self.path: 1}
        columns = item_sizes(Table(self.path.rsplit("/", 1)[-1]), self.price_dtype)
        return {
            f"{self.path}/{column_name(name, self.day)}": width
            for name, width in reversed(columns.items())
        }

    def sizes(self) -> dict[str, int]:
        """Path of each file to its good size in bytes, the time column first."""
        return {path: self.length * width for path, width in self.widths().items()}

    def to_plain(self) -> list[Any]:
        """The fields as a list of texts and numbers."""
        return [self.path, self.day, self.length, self.price_dtype]

    @classmethod
    def from_plain(cls, plain: list[Any]) -> Extent:
        """The extent that `to_plain` gave; raises `ValueError` if it is none."""
        return cls(*msgspec.convert(plain, tuple[str, int, int, str]))


@attrs.define
class Known:
    """One thing that grows, while the process lives.

    `longer` says that the files may hold more than `length`: they are cut before the next append.
    """

    path: str
    day: int
    length: int
    price_dtype: str
    longer: bool = False
    idle_dumps: int = 0

    @property
    def extent(self) -> Extent:
        """Its good length as a value."""
        return Extent(self.path, self.day, self.length, self.price_dtype)


class KnownLengths:
    """Everything whose length is known, in the order of use, that used longest ago first.

    Nothing is forgotten but by `forget_old`, because a recovery has to cut whatever was touched
    since the last checkpoint.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[Place, Known] = OrderedDict()

    def __contains__(self, place: Place) -> bool:
        return place in self._known

    def use(self, path: str, day: int) -> Known:
        """What is known of a place that was met before."""
        place = path, day
        assert place in self._known, f"{place} is written without having been met"
        self._known.move_to_end(place)
        known = self._known[place]
        known.idle_dumps = 0
        return known

    def learn(self, extent: Extent, *, longer: bool = False) -> None:
        """Remember a length, in place of what was known before; for `longer` see `Known`."""
        self._known.pop(extent.place, None)
        self._known[extent.place] = Known(
            extent.path, extent.day, extent.length, extent.price_dtype, longer
        )

    def forget_old(self) -> None:
        """Forget what is long unused, then what was used longest ago if there is still too much.

        Whatever is known to be longer than good is kept until it is cut.
        """
        for known in list(self._known.values()):
            known.idle_dumps += 1
            if known.idle_dumps > MAX_IDLE_DUMPS:
                self._forget(known)
        excess = max(len(self._known) - MAX_KNOWN_DAYS, 0)
        for known in list(self._known.values())[:excess]:
            self._forget(known)

    def extents(self) -> list[Extent]:
        """Everything known, as values."""
        return [known.extent for known in self._known.values()]

    def _forget(self, known: Known) -> None:
        if not known.longer:
            del self._known[known.path, known.day]


def extents_to_state(extents: Iterable[Extent]) -> dict[str, Any]:
    """Extents as plain data: parallel lists and arrays, in the order given."""
    each = list(extents)
    return {
        "paths": [extent.path for extent in each],
        "days": np.array([extent.day for extent in each], np.int64),
        "lengths": np.array([extent.length for extent in each], np.int64),
        "price_dtypes": [extent.price_dtype for extent in each],
    }


def extents_from_state(state: dict[str, Any]) -> list[Extent]:
    """What `extents_to_state` was given."""
    days, lengths = state["days"].tolist(), state["lengths"].tolist()
    fields = zip(state["paths"], days, lengths, state["price_dtypes"], strict=True)
    return [Extent(*each) for each in fields]
