"""Port: where rows come from, one day of one stream at a time.

Column files are one source, those of an earlier logger another; an archive plugs in here.  Rows
are asked for by the names that fields have in memory (`model.tables`: `event_ns`, `recv_ns`,
`seq`, `price`, ...), so that nothing behind this port knows about files, and nothing before it
about what a user calls a column.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import attrs
import numpy.typing as npt

from tick_logger.model.flush import GapRecord
from tick_logger.model.proof import Proof
from tick_logger.model.symbols import MappedInstrument
from tick_logger.model.tables import Table

Array = npt.NDArray[Any]


@attrs.frozen(order=True)
class Symbol:
    """A symbol in its exchange's own spelling; the exchange is empty where none is recorded."""

    exchange: str
    symbol: str

    def __str__(self) -> str:
        """As a user writes it."""
        return f"{self.exchange}:{self.symbol}" if self.exchange else self.symbol


class Block(Protocol):
    """Some rows of one stream and UTC day, as they were when it was looked at."""

    @property
    def rows(self) -> int:
        """How many there are."""
        ...

    def field(self, name: str, start: int, stop: int) -> Array:
        """A field of rows `start` to `stop` (exclusive), shape `(stop - start,)`.

        `event_ns` and `recv_ns` are int64; prices and sizes float64, exact where the recording is;
        `seq` uint64; `side`, `flags` and `origin` unsigned; all others as `model.tables` says.
        What was not recorded has its absent value (a time: `NO_TIME`, which numpy takes for NaT),
        and what the table does not have is 0.  Raises `OSError`; `DamagedError` of a field alone.
        """
        ...

    def first_at(self, time_ns: int) -> int:
        """Of rows in order of their event times: how many are before this time."""
        ...


def is_exact(block: Block) -> bool:
    """Whether prices and sizes have all digits that were sent, as far as the block tells."""
    return bool(getattr(block, "exact", True))


@attrs.frozen(eq=False)
class TableDay:
    """One table, symbol and UTC day: its rows in file order, and those that came late or are aside.

    `late` are in order of arrival, and have the field `origin`.
    """

    main: Block
    late: Block

    @property
    def damage(self) -> tuple[str, ...]:
        """Which files are shorter than those beside them, so that rows cannot be read, in words."""
        return tuple(
            each for of in (self.main, self.late) for each in getattr(of, "short_files", ())
        )


class Source(Protocol):
    """A recording, or part of one.  All methods raise `OSError` if it cannot be read."""

    @property
    def name(self) -> str:
        """Where it is, for people."""
        ...

    def glance(self) -> Source:
        """The same for one pass over many symbols: what comes while it lasts may not be seen."""
        ...

    def exchanges(self) -> Sequence[str]:
        """The exchanges of which there is anything, sorted."""
        ...

    def symbols(self, exchange: str) -> Sequence[str]:
        """The symbols of which there is anything, sorted."""
        ...

    def has(self, symbol: Symbol) -> bool:
        """Whether there is anything of a symbol."""
        ...

    def days(self, symbol: Symbol, table: Table) -> Sequence[int]:
        """The UTC days (since 1970-01-01) of which there may be rows, late ones too; sorted."""
        ...

    def look(self, symbol: Symbol, table: Table, day: int) -> TableDay:
        """The rows of a day as they are now; none if there are none."""
        ...

    def holes(self, symbol: Symbol) -> Sequence[GapRecord]:
        """What is missing of a symbol, healed parts taken out; the open ones have no `to_ns`."""
        ...

    def healed(self, symbol: Symbol) -> Sequence[GapRecord]:
        """What was missing of a symbol for a time, each with how it healed."""
        ...

    def proof(self, symbol: Symbol, table: Table) -> Proof:
        """How far it can be shown that nothing is missing."""
        ...

    def instruments(self, day: int | None = None) -> Iterable[MappedInstrument]:
        """Of each exchange its last listing until the end of a UTC day (None: of all days)."""
        ...


def certified(source: Source, symbol: Symbol, table: Table, day: int) -> str | None:
    """The condition that a certificate gives a stream on a day; None if there is none of it."""
    ask = getattr(source, "certified", None)
    return None if ask is None else ask(symbol, table, day)
