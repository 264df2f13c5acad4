"""What the compiled core reads of a venue's messages, and the adapter of the rest.

    payloads -> those of a declared shape -> columns -> rows and events -,-> decoded
             `-> all others -> read by the adapter ----------------------'

Invariant: whether there is a core or not, the same payloads say the same.  The shapes take only
what is good in every respect, so that whatever is wrong, odd or seldom is judged in one place, by
the adapter.  Not here: the shapes of any venue's messages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger import core
from tick_logger.core.scanning import Reading, Rows, Scanner, Taken
from tick_logger.core.shape import Node, Shape
from tick_logger.exchanges.base import Decoded, DecodedRows
from tick_logger.exchanges.columns import Findings, merged
from tick_logger.exchanges.together import all_counted, all_events
from tick_logger.model import tables
from tick_logger.model.payloads import Payloads

Read: TypeAlias = Callable[[Sequence[bytes]], Decoded]
Floats: TypeAlias = npt.NDArray[np.float64]
Places: TypeAlias = npt.NDArray[np.int64]


@attrs.frozen(eq=False)
class Hot:
    """A shape of messages, what finds rows and events in those taken, and which are left."""

    members: Mapping[str, Node]
    find: Callable[[Findings, Taken, Payloads], None]
    is_odd: Callable[[Rows], npt.NDArray[np.bool_]] | None = None


class HotShapes:
    """All shapes of one venue."""

    def __init__(self, *shapes: Hot) -> None:
        self._finders = [each.find for each in shapes]
        self.scanner = Scanner([Reading(Shape(each.members), each.is_odd) for each in shapes])

    def read(self, rest: Read, payloads: Sequence[bytes], symbols: Mapping[str, int]) -> Decoded:
        """What all payloads say; `rest` reads those that are of none of the shapes."""
        if core.compiled is None or not self._finders:
            return rest(payloads)
        together = Payloads.of(payloads)
        scanned = self.scanner.scan(together.block, together.packed, symbols)
        if scanned is None or len(scanned[0]) == len(together):
            return rest(payloads)
        left, taken = scanned
        found = Findings(symbols)
        for number, of_shape in taken.items():
            self._finders[number](found, of_shape, together)
        if not len(left):
            return found.done()
        return _together(found.done(), rest(together.at(left)).moved(left.tolist()))


def _together(taken: Decoded, read: Decoded) -> Decoded:
    """Both, in the order of the payloads; of those that were taken none is bad."""
    of_table: dict[tables.Table, list[DecodedRows]] = {}
    for part in (*taken.rows, *read.rows):
        of_table.setdefault(part.table, []).append(part)
    return attrs.evolve(
        read,
        rows=tuple(merged(table, of_table[table]) for table in sorted(of_table)),
        events=all_events((taken, read)),
        counted=all_counted((taken, read)),
    )


# -- rows ------------------------------------------------------------------------------------------


def columns(rows: Rows, *names: str) -> dict[str, Any]:
    """Columns of these names."""
    return {name: rows[name] for name in names}


def trades(found: Findings, frame: npt.NDArray[np.int32], rows: Rows, **other: Any) -> None:  # noqa: ANN401
    """TRADES rows; `other` are columns in place of those that were scanned."""
    names = {"instrument", "event_ns", "seq", "price", "size", "side"} - other.keys()
    nobody = {"maker": tables.NO_UUID, "taker": tables.NO_UUID}
    found.rows(tables.Table.TRADES, frame, nobody | columns(rows, *names) | other)


def levels(
    found: Findings, taken: Taken, scope: str, common: Mapping[str, Any], flags: int = 0
) -> None:
    """BOOK rows of a scope; `common` has columns of the scope around it, or a value for all."""
    rows = taken[scope]
    repeated = {n: c if np.ndim(c) == 0 else c[rows.of] for n, c in common.items()}
    own = columns(rows, "side", "price", "size")
    found.rows(tables.Table.BOOK, taken.frame(scope), repeated | own | {"flags": flags})


def best(rows: Rows, count: int, side: int, *, gone: bool = False) -> tuple[Floats, Floats]:
    """Price and size of the first level of this side, of `count` books; NaN where there is none.

    Where levels may be `gone`, one of size 0 is none.
    """
    is_one = rows["side"] == side
    mine = np.flatnonzero(is_one & (rows["size"] != 0) if gone else is_one)
    of, first = np.unique(rows.of[mine], return_index=True)
    price, size = np.full((2, count), np.nan)
    price[of], size[of] = rows["price"][mine[first]], rows["size"][mine[first]]
    return price, size
