"""The words for columns that a user meets, the same for every table, and how they are made.

`model.tables` says what lies in memory and on disk; here is what a reader of rows gets of it:
times as datetime64[ns], ids as int64, prices as float64, sides as +1, -1 and 0.  Arrays are handed
through without a copy where nothing has to be calculated.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence

import attrs
import numpy as np

from tick_logger.model.tables import FLAG_SNAPSHOT, SPECS, Table
from tick_logger.reader.source import Array


class Kind(enum.Enum):
    """What the values of a column are: in words, and the dtype that numpy gets."""

    TIME = "a moment, UTC", "datetime64[ns]"
    DAY = "a UTC day", "datetime64[D]"
    TIME_OR_NONE = "a moment, NaT where there is none", "datetime64[ns]"
    ID = "an id", "int64"
    COUNT = "a count", "uint64"
    NUMBER = "a number, NaN where there is none", "float64"
    TRADE_SIDE = "+1 the aggressor bought, -1 sold, 0 unknown", "int8"
    BOOK_SIDE = "+1 bid, -1 ask", "int8"
    FLAG = "whether", "bool"
    ORIGIN = "where a row came from", "uint8"
    ORDER = "the sixteen bytes of a UUID", "V16"
    TEXT = "one of few words", "object"

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """As numpy holds it."""
        return np.dtype(self.value[1])


SIDE_WORDS: Mapping[Kind, tuple[str, str]] = {
    Kind.TRADE_SIDE: ("sell", "buy"),
    Kind.BOOK_SIDE: ("ask", "bid"),
}
"""The words of -1 and +1 in frames; 0 is null there."""


@attrs.frozen
class Column:
    """A column by its public name, and the field of `model.tables` that it is made of."""

    name: str
    kind: Kind
    field: str = ""
    usual: bool = True
    """Whether it is read where nobody names columns."""

    def made_of(self, values: Array) -> Array:
        """The public values of a field's, shape `(n,)`; a view where that is enough."""
        match self.kind:
            case Kind.TIME:
                return values.view(np.dtype("datetime64[ns]"))
            case Kind.ID:
                return values.view(np.int64)
            case Kind.TRADE_SIDE | Kind.BOOK_SIDE:
                return _signs(values)
            case Kind.FLAG:
                return (values & FLAG_SNAPSHOT).astype(np.bool_)
            case Kind.ORIGIN:
                return values.astype(np.uint8, copy=False)
        return values

    def empty(self, rows: int) -> Array:
        """Room for so many values."""
        return np.empty(rows, self.kind.dtype)


def _signs(sides: Array) -> Array:
    """-1, +1 and 0 for the 0, 1 and 2 of the files; several times faster than a table."""
    signs = sides.astype(np.int8)
    signs += signs
    signs -= 1
    signs[signs > 1] = 0
    return signs


TS = Column("ts", Kind.TIME, "event_ns")
RECV_TS = Column("recv_ts", Kind.TIME, "recv_ns")
ORIGIN = Column("origin", Kind.ORIGIN, "origin")
EXCHANGE = Column("exchange", Kind.TEXT)
SYMBOL = Column("symbol", Kind.TEXT)

_PUBLIC = {
    "seq": ("id", Kind.ID),
    "price": ("price", Kind.NUMBER),
    "size": ("size", Kind.NUMBER),
    "volume": ("size", Kind.NUMBER),
    "best_bid": ("bid", Kind.NUMBER),
    "best_bid_size": ("bid_size", Kind.NUMBER),
    "best_ask": ("ask", Kind.NUMBER),
    "best_ask_size": ("ask_size", Kind.NUMBER),
    "flags": ("is_snapshot", Kind.FLAG),
    "maker": ("maker_order_id", Kind.ORDER),
    "taker": ("taker_order_id", Kind.ORDER),
}
"""The public name and kind of fields; `side` depends on the table."""


def _of(table: Table) -> tuple[Column, ...]:
    own = []
    for file in SPECS[table].files:
        if file.source == "side":
            kind = Kind.BOOK_SIDE if table is Table.BOOK else Kind.TRADE_SIDE
            own.append(Column("side", kind, "side"))
        elif file.source in _PUBLIC:
            name, kind = _PUBLIC[file.source]
            own.append(Column(name, kind, file.source, usual=kind is not Kind.ORDER))
    return (TS, RECV_TS, *own, ORIGIN)


COLUMNS: Mapping[Table, tuple[Column, ...]] = {table: _of(table) for table in Table}
"""What can be read of each table, in order."""


def chosen(table: Table, names: Sequence[str] | None, *, several: bool) -> tuple[Column, ...]:
    """The columns of these names, in their order; the usual ones for None.

    With `several` symbols, those that tell them apart come first where nobody names columns.
    Raises `ValueError` for a name that does not exist, or comes twice.
    """
    there = {each.name: each for each in (EXCHANGE, SYMBOL, *COLUMNS[table])}
    if names is None:
        first = (EXCHANGE, SYMBOL) if several else ()
        return (*first, *(each for each in COLUMNS[table] if each.usual))
    wanted = [names] if isinstance(names, str) else list(names)
    if not wanted:
        raise ValueError("no columns are asked for")
    unknown = [name for name in wanted if name not in there]
    if unknown:
        raise ValueError(f"no column {unknown[0]!r} here; there are {', '.join(there)}")
    if len(set(wanted)) < len(wanted):
        raise ValueError(f"a column is named twice in {wanted}")
    return tuple(there[name] for name in wanted)


def by_name(columns: Iterable[Column], name: str) -> Column:
    """The column of this name; `KeyError`, which says what there is."""
    found = {each.name: each for each in columns}
    if name not in found:
        raise KeyError(f"no column {name!r} here; there are {', '.join(found)}")
    return found[name]
