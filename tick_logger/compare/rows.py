"""Some rows of one recording, and which of their fields make them the same as another's.

Trades are the same by their id where both recordings have ids, else by time, price, size and side;
all other rows by time, id and values.  What one recording cannot have is not compared:

* prices of a recording without exact ones are compared as f4;
* where an exchange sends no time, and that of receipt stands in on both sides, no times are;
* an earlier logger that kept whole seconds is compared by seconds;
* order ids of trades, only if both have some.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.compare.matching import Indices, Keys
from tick_logger.model.tables import SPECS, Table
from tick_logger.model.times import NS_PER_SECOND
from tick_logger.reader.parts import DayPart
from tick_logger.reader.source import is_exact

Array = npt.NDArray[Any]

ORDERS = ("maker", "taker")
_HALVES_OF_ORDER = 2  # of 16 bytes, as int64


@attrs.frozen(eq=False)
class Piece:
    """Rows in order; `fields` by their names in `model.tables`, each of shape `(n,)`."""

    table: Table
    fields: Mapping[str, Array]
    exact: bool = True
    """Whether prices have all their digits."""
    legacy: bool = False
    """Whether an earlier logger wrote them, without exchanges."""

    @classmethod
    def read(cls, parts: Sequence[DayPart], table: Table) -> Piece:
        """All rows of some parts; raises `OSError`."""
        names = ["event_ns", "recv_ns", "seq", *SPECS[table].fields]
        exact = all(is_exact(each) for part in parts for each in (part.main, part.late_block))
        found = {
            name: np.concatenate([part.field(name, 0, part.rows) for part in parts])
            for name in names
            if parts
        }
        legacy = any(not part.symbol.exchange for part in parts)
        return cls(table, found or _no_rows(table), exact, legacy)

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.fields["event_ns"])

    @property
    def ids(self) -> npt.NDArray[np.uint64]:
        """Their ids; 0 where there is none."""
        return self.fields["seq"]

    def take(self, which: Indices) -> Piece:
        """Some of the rows."""
        taken = {name: values[which] for name, values in self.fields.items()}
        return attrs.evolve(self, fields=taken)

    def before(self, others: Piece) -> Piece:
        """These, and the others behind them."""
        if not self.rows or not others.rows:
            return others if others.rows else self
        return Piece(
            self.table,
            {
                name: np.concatenate((self.fields[name], others.fields[name]))
                for name in self.fields
            },
            self.exact and others.exact,
            self.legacy or others.legacy,
        )


def _no_rows(table: Table) -> dict[str, Array]:
    times = {name: np.empty(0, np.int64) for name in ("event_ns", "recv_ns")}
    own = {name: np.empty(0, dtype) for name, dtype in SPECS[table].fields.items()}
    return {**times, "seq": np.empty(0, np.uint64), **own}


@attrs.frozen
class Rule:
    """What makes rows of two pieces the same."""

    ids: bool
    """Whether both have ids."""
    times: bool
    """Whether both have times of the exchange."""
    seconds: bool
    """Whether one has whole seconds only."""
    narrow: bool
    """Whether one has prices as f4 only."""
    values: tuple[str, ...]

    @classmethod
    def between(cls, old: Piece, new: Piece) -> Rule:
        """The rule for these two."""
        both = (old, new)
        fields = list(SPECS[old.table].fields)
        for name in set(fields) & set(ORDERS):
            if not all(_has_orders(each, name) for each in both):
                fields.remove(name)
        seconds = [_has_seconds_only(each) for each in both]
        return cls(
            ids=all(_has_ids(each) for each in both),
            times=not all(_stand_in(each) for each in both),
            seconds=seconds[0] != seconds[1] and any(each.legacy for each in both),
            narrow=not all(each.exact for each in both),
            values=tuple(fields),
        )

    def whole(self, piece: Piece) -> Keys:
        """Everything that is compared."""
        keys: list[Array] = [self._times(piece)] if self.times else []
        keys += [piece.ids.view(np.int64)] if self.ids else []
        for name in self.values:
            keys += self._keys(name, piece.fields[name])
        return np.stack(keys)

    def by_id(self, piece: Piece) -> Keys | None:
        """What tells that a row is meant to be the same as another; None: only all of it does."""
        return piece.ids.view(np.int64)[None] if self.ids and piece.table is Table.TRADES else None

    def _times(self, piece: Piece) -> Array:
        times = piece.fields["event_ns"]
        return times // NS_PER_SECOND if self.seconds else times

    def _keys(self, name: str, values: Array) -> list[Array]:
        if name in ORDERS:
            halves = np.ascontiguousarray(values).view(np.int64).reshape(-1, _HALVES_OF_ORDER)
            return [halves[:, 0], halves[:, 1]]
        if values.dtype.kind != "f":
            return [values.astype(np.int64)]
        plain = (_as_f4(values) if self.narrow else values) + 0.0  # one zero
        plain[np.isnan(plain)] = np.nan  # and one that is none
        return [plain.view(np.int64)]


def _as_f4(values: Array) -> npt.NDArray[np.float64]:
    """Rounded as the recorder does it: what is not 0 stays so, and what is finite."""
    info = np.finfo(np.float32)
    with np.errstate(over="ignore", under="ignore"):
        halves = values.astype(np.float32)
    lost = (halves == 0) & (values != 0)
    halves[lost] = np.copysign(info.smallest_subnormal, values[lost])
    lost = np.isinf(halves) & np.isfinite(values)
    halves[lost] = np.copysign(info.max, values[lost])
    return halves.astype(np.float64)


def _has_ids(piece: Piece) -> bool:
    present = piece.ids != 0
    return bool(present.all() if piece.table is Table.TRADES else present.any())


def _has_orders(piece: Piece, name: str) -> bool:
    return bool(np.ascontiguousarray(piece.fields[name]).view(np.int64).any())


def _stand_in(piece: Piece) -> bool:
    return bool((piece.fields["event_ns"] == piece.fields["recv_ns"]).all())


def _has_seconds_only(piece: Piece) -> bool:
    return not (piece.fields["event_ns"] % NS_PER_SECOND).any()
