"""Reads the messages that are of declared shapes into columns, all of a batch by one call.

Invariant: a message is taken by one shape, whole, or left; the rows of those that are taken are in
the order of the messages.  Not here: whoever reads what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tick_logger import core
from tick_logger.core.shape import MESSAGE, Number, Shape, Symbol, Uuid

Column: TypeAlias = npt.NDArray[Any]
Places: TypeAlias = npt.NDArray[np.int64]


class Rows:
    """The rows of one scope of a shape, by the names of their columns.

    `of` (int64, shape `(n,)`) is the row of the scope around it that each belongs to, or the number
    of the message.  Numbers are float64, symbols int32, UUIDs of 16 bytes, everything else int64.
    """

    def __init__(
        self, shape: Shape, scope: str, cells: bytes, numbers: npt.NDArray[np.int32]
    ) -> None:
        self._shape, self._scope, self._numbers = shape, scope, numbers
        self._places = {name: place for place, name in enumerate(shape.scopes[scope])}
        width = len(self._places)
        self._cells = np.ascontiguousarray(np.frombuffer(cells, np.int64).reshape(-1, width).T)
        self.of: Places = self._cells[0]

    def __len__(self) -> int:
        return len(self.of)

    def __getitem__(self, name: str) -> Column:
        place = self._places[name]
        kind = self._shape.kinds[self._scope, name]
        cells: Column = self._cells[place]
        if kind is Number and not name.endswith("_at"):
            cells = cells.view(np.float64)
        elif kind is Symbol:
            cells = self._numbers[cells]
        elif kind is Uuid:
            cells = np.ascontiguousarray(self._cells[place : place + 2].T).view("V16").reshape(-1)
        return cells

    @property
    def symbols(self) -> Sequence[str]:
        """The columns that hold symbols."""
        return [n for n in self._places if self._shape.kinds.get((self._scope, n)) is Symbol]


class Taken:
    """What was taken as one shape: the rows of each of its scopes."""

    def __init__(
        self, shape: Shape, cells: Sequence[bytes], numbers: npt.NDArray[np.int32]
    ) -> None:
        self.scopes = {
            scope: Rows(shape, scope, of, numbers)
            for scope, of in zip(shape.scopes, cells, strict=True)
        }
        self._parents = shape.parents
        self.messages = self.scopes[MESSAGE]

    def __getitem__(self, scope: str) -> Rows:
        return self.scopes[scope]

    def frame(self, scope: str) -> npt.NDArray[np.int32]:
        """The number of the message of each row."""
        of = self.scopes[scope].of
        while scope != MESSAGE:
            scope = self._parents[scope]
            of = self.scopes[scope].of[of]
        return of.astype(np.int32)


@dataclass(frozen=True)
class Reading:
    """A shape, and what tells which of its messages (a mask) are left for other reasons."""

    shape: Shape
    is_odd: Callable[[Rows], npt.NDArray[np.bool_]] | None = None


class Scanner:
    """Some shapes, of which no message is of two; tried in this order."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        self.readings = readings
        self._plans: tuple[object, ...] = ()

    def scan(
        self, block: bytes, packed: bytes, symbols: Mapping[str, int]
    ) -> tuple[Places, dict[int, Taken]] | None:
        """The numbers of the messages that are left, and by shape what was taken, if anything was.

        None where there is no compiled core.  A message with a symbol that is none of `symbols` is
        left, and so are those of which the test of their shape says so.
        """
        compiled = core.compiled
        if compiled is None:
            return None
        if not self._plans:
            self._plans = tuple(compiled.plan(*each.shape.plan()) for each in self.readings)
        left: bytes | None = None
        while True:  # twice, if some are left after all
            by_which, names, cells = compiled.scan(self._plans, block, packed, left)
            numbers = _numbers(names, symbols)
            taken = {
                number: Taken(self.readings[number].shape, of_shape, numbers)
                for number, of_shape in enumerate(cells)
                if of_shape[0]
            }
            after_all = self._left_after_all(taken, strange=bool((numbers < 0).any()))
            if not after_all:
                return np.flatnonzero(np.frombuffer(by_which, np.int8) < 0), taken
            mask = bytearray(left or bytes(len(by_which)))
            for frame in after_all:
                assert not mask[frame], "what is left is not taken"
                mask[frame] = 1
            left = bytes(mask)

    def _left_after_all(self, taken: Mapping[int, Taken], *, strange: bool) -> set[int]:
        """The messages in which there is a symbol that nobody knows, or that fail their test."""
        found: set[int] = set()
        for number, of_shape in taken.items():
            if strange:
                for scope, rows in of_shape.scopes.items():
                    for name in rows.symbols:
                        found.update(of_shape.frame(scope)[rows[name] < 0].tolist())
            is_odd = self.readings[number].is_odd
            if is_odd is not None and (odd := is_odd(of_shape.messages)).any():
                found.update(of_shape.frame(MESSAGE)[odd].tolist())
        return found


def _numbers(names: Sequence[str], symbols: Mapping[str, int]) -> npt.NDArray[np.int32]:
    """The index of each name, or -1."""
    found = np.full(len(names), -1, np.int32)
    for place, name in enumerate(names):
        try:
            found[place] = symbols[name]
        except KeyError:
            continue
    return found
