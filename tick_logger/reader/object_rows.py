"""Rows of a stream and day that lie in objects of an archive, as the blocks of a source.

In an object late rows are where they belong by their times; here they are taken apart again, main
rows from those that came late, so that everything that reads column files reads these too.

Invariant: main rows are in the order of their column files, late ones by (time, id), and what was
packed later behind what was packed earlier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.model.tables import ORIGIN_MAIN
from tick_logger.reader.objects import Run, TypedObject
from tick_logger.reader.source import Array, TableDay

Numbers = npt.NDArray[np.int64]
Columns = Callable[[TypedObject, int, str], Array]
"""Gives all values of a field in a row group of an object."""

_NONE = np.empty(0, np.int64)


@attrs.frozen(eq=False)
class Piece:
    """The rows of a run that came in order, or (`late`) the others; `places`: where those are."""

    object: TypedObject
    run: Run
    places: Numbers
    late: bool

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.places) if self.late else self.run.rows - len(self.places)

    def of(self, column: Array) -> Array:
        """Theirs of a row group's column."""
        mine = column[self.run.start : self.run.stop]
        if self.late:
            return mine[self.places]
        return np.delete(mine, self.places) if len(self.places) else mine


class ObjectRows:
    """The rows of some pieces, one behind the other; see `Block`."""

    def __init__(self, pieces: Sequence[Piece], columns: Columns) -> None:
        self._pieces = [piece for piece in pieces if piece.rows]
        self._columns = columns
        counts = [piece.rows for piece in self._pieces]
        self._ends = np.cumsum(counts, dtype=np.int64)
        self.rows = sum(counts)

    @property
    def exact(self) -> bool:
        """Whether prices have all their digits."""
        return all(piece.object.exact for piece in self._pieces)

    def field(self, name: str, start: int, stop: int) -> Array:
        """A field of some rows; see `Block`."""
        parts = []
        for number in self._touched(start, stop):
            piece, begin = self._pieces[number], self._begin(number)
            values = piece.of(self._columns(piece.object, piece.run.group, name))
            parts.append(values[max(start - begin, 0) : stop - begin])
        if not parts:
            return np.empty(0, _dtype(name))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def first_at(self, time_ns: int) -> int:
        """How many rows are before a time: the piece first, then within it; see `Block`."""
        low, high = 0, len(self._pieces)
        while low < high:
            middle = (low + high) // 2
            if self._last_ns(middle) < time_ns:
                low = middle + 1
            else:
                high = middle
        if low == len(self._pieces):
            return self.rows
        begin = self._begin(low)
        times = self.field("event_ns", begin, int(self._ends[low]))
        return begin + int(np.searchsorted(times, time_ns, "left"))

    def _last_ns(self, number: int) -> int:
        """Not before the event time of any row of a piece, nor behind that of the next."""
        piece, end = self._pieces[number], int(self._ends[number])
        known = piece.object.last_ns(piece.run)
        return int(self.field("event_ns", end - 1, end)[0]) if known is None else known

    def _begin(self, number: int) -> int:
        return int(self._ends[number - 1]) if number else 0

    def _touched(self, start: int, stop: int) -> range:
        if start >= stop:
            return range(0)
        first = int(np.searchsorted(self._ends, start, "right"))
        return range(first, int(np.searchsorted(self._ends, stop, "left")) + 1)


def table_day(symbol: str, objects: Sequence[TypedObject], columns: Columns) -> TableDay:
    """The rows of a symbol in the objects of a day, in the order in which these were packed."""
    main: list[Piece] = []
    late: list[Piece] = []
    for each in objects:
        for run, places in _parted(each, symbol, columns):
            main.append(Piece(each, run, places, late=False))
            late.append(Piece(each, run, places, late=True))
    return TableDay(ObjectRows(main, columns), ObjectRows(late, columns))


def _parted(of: TypedObject, symbol: str, columns: Columns) -> Iterator[tuple[Run, Numbers]]:
    """Each run of a symbol, with the places of its late rows."""
    for run in of.runs.get(symbol, ()):
        places = _NONE
        if of.may_be_late(run.group):
            origins = columns(of, run.group, "origin")[run.start : run.stop]
            places = np.flatnonzero(origins != ORIGIN_MAIN)
        yield run, places


def _dtype(name: str) -> np.dtype[np.generic]:
    """Of a field of no rows."""
    of = {"event_ns": "i8", "recv_ns": "i8", "seq": "u8", "side": "u4", "flags": "u4"}
    of |= {"origin": "u1", "maker": "V16", "taker": "V16"}
    return np.dtype(of.get(name, "f8"))
