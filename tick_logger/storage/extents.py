"""How long the files are that the recording may touch again, and when that is forgotten.

What grows is a table-day (all its columns together, in rows) or a file of lines (in bytes).  Its
extent is the length up to which it is good, and the columns that have it; what lies behind is left
over from an append that failed, or from a process that died.

Not here: looking at files (`columns`, `line_files`) and cutting them (`cutting`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, TypeAlias

import attrs
import msgspec
import numpy as np

from tick_logger.model.schemas import NewerVersionError, Schema
from tick_logger.model.tables import SPECS, Table
from tick_logger.storage.layout import column_name

Place: TypeAlias = tuple[str, int]
"""Path and day of what grows."""

MAX_KNOWN_DAYS = 65_536
"""Lengths remembered between two dumps, about 400 bytes each; others are looked up again."""

MAX_IDLE_DUMPS = 240
"""What was not touched between so many dumps is met again when it is: two hours, by default."""


@attrs.frozen
class Extent:
    """The good length of one thing that grows.

    Of a table-day: `path` is the table's folder, `length` counts rows, and `schema` names its
    columns.  Of a file of lines: `path` is its path, `length` counts bytes, and there is no schema.
    `day` counts from 1970-01-01.
    """

    path: str
    day: int
    length: int
    schema: Schema | None = None

    @property
    def place(self) -> Place:
        """What the extent is about."""
        return self.path, self.day

    def widths(self) -> dict[str, int]:
        """Path of each file to the bytes of one unit of length in it, the time column first."""
        if self.schema is None:
            return {self.path: 1}
        return {
            self.column_path(name): width
            for name, width in reversed(self.schema.item_sizes.items())
        }

    def sizes(self) -> dict[str, int]:
        """Path of each file to its good size in bytes, the time column first.

        Columns that the day does not have yet are good with no bytes: what is in them was begun by
        a process that died, and is written again.
        """
        good = {path: self.length * width for path, width in self.widths().items()}
        assert good.keys().isdisjoint(self._not_begun()), f"columns of {self.path} in two states"
        return good | dict.fromkeys(self._not_begun(), 0)

    def to_plain(self) -> list[Any]:
        """The fields as a list of texts and numbers."""
        return [self.path, self.day, self.length, "" if self.schema is None else self.schema.text]

    @classmethod
    def from_plain(cls, plain: list[Any]) -> Extent:
        """The extent that `to_plain` gave, or an earlier version of it.

        Raises `ValueError` if it is none, `NewerVersionError` if its columns are not known here.
        """
        path, day, length, text = msgspec.convert(plain, tuple[str, int, int, str])
        return cls(path, day, length, _schema(path, text))

    def _not_begun(self) -> list[str]:
        if self.schema is None:
            return []
        known, mine = SPECS[self.schema.table].files, self.schema.names
        return [self.column_path(each.name) for each in known if each.name not in mine]

    def column_path(self, name: str) -> str:
        """The path of a column of a table-day."""
        return f"{self.path}/{column_name(name, self.day)}"


def _schema(path: str, text: str) -> Schema | None:
    """The schema of what lies at a path, from its text; None for a file of lines."""
    if not text:
        return None
    table = path.rsplit("/", 1)[-1]
    if table not in SPECS:
        raise NewerVersionError(f"the table {table} is not known")
    return Schema.parse(Table(table), text)


@attrs.define
class Known:
    """One thing that grows, while the process lives.

    `longer` says that the files may hold more than `length`: they are cut before the next append.
    """

    path: str
    day: int
    length: int
    schema: Schema | None
    longer: bool = False
    idle_dumps: int = 0

    @property
    def extent(self) -> Extent:
        """Its good length as a value."""
        return Extent(self.path, self.day, self.length, self.schema)


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
            extent.path, extent.day, extent.length, extent.schema, longer
        )

    def drop(self, place: Place) -> None:
        """Know nothing of a place any more: nothing will be added there."""
        self._known.pop(place, None)

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
        kept = self._known.values()
        assert len(kept) <= MAX_KNOWN_DAYS or any(each.longer for each in kept), "too much is known"

    def extents(self) -> list[Extent]:
        """Everything known, as values."""
        return [known.extent for known in self._known.values()]

    def _forget(self, known: Known) -> None:
        if not known.longer:
            del self._known[known.path, known.day]


def extents_to_state(extents: Iterable[Extent]) -> dict[str, Any]:
    """Extents as plain data: parallel lists and arrays, in the order given.

    Each schema is written once, and named by its place in the list of them.
    """
    each = list(extents)
    texts = ["" if extent.schema is None else extent.schema.text for extent in each]
    unique = list(dict.fromkeys(texts))
    number = {text: at for at, text in enumerate(unique)}
    return {
        "paths": [extent.path for extent in each],
        "days": np.array([extent.day for extent in each], np.int64),
        "lengths": np.array([extent.length for extent in each], np.int64),
        "schemas": unique,
        "schema": np.array([number[text] for text in texts], np.int64),
    }


def extents_from_state(state: dict[str, Any]) -> list[Extent]:
    """What `extents_to_state` was given, in this version or an earlier one.

    Raises `NewerVersionError` for columns that are not known here.
    """
    if "price_dtypes" in state:  # the first version had no other columns
        texts = state["price_dtypes"]
    else:
        texts = [state["schemas"][number] for number in state["schema"].tolist()]
    days, lengths = state["days"].tolist(), state["lengths"].tolist()
    fields = zip(state["paths"], days, lengths, texts, strict=True)
    return [Extent(path, day, rows, _schema(path, text)) for path, day, rows, text in fields]
