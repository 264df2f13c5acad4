"""`Rows`: what a question to a recording answers; nothing is read before it is asked for.

Invariant: from the first look on, one `Rows` is the same rows, however much a recorder appends.

Not here: which rows those are (`content`), and how each library gets them (`frames`).
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal, cast, overload

import attrs
import numpy.typing as npt

from tick_logger.model.proof import Proof
from tick_logger.reader.columns import by_name
from tick_logger.reader.content import Content
from tick_logger.reader.errors import IncompleteError
from tick_logger.reader.frames import (
    arrow_of,
    duckdb_of,
    lazy_polars_of,
    numpy_of,
    pandas_of,
    polars_of,
)
from tick_logger.reader.gaps import Completeness, Gap
from tick_logger.reader.views import rows_of
from tick_logger.reader.writing import pieces, write_csv, write_parquet

if TYPE_CHECKING:
    import duckdb
    import pandas
    import polars
    import pyarrow

NOTHING_KNOWN = Completeness((), Proof.UNPROVABLE, bracketed=False)
_LEVELS = {proof.word: proof for proof in Proof}


@attrs.frozen(eq=False, repr=False)
class Rows:
    """Rows of a recording, or calculated from it.

    Columns have the same names and units everywhere: `ts`, `recv_ts` (UTC, ns), `id`, `price`,
    `size`, `side`, `bid`, `bid_size`, `ask`, `ask_size`, `is_snapshot`, `origin` (0 in order, 1
    late on the stream, 2 asked for later, 3 with a time that cannot be right), and `exchange` and
    `symbol` where there are several.  Rows of a symbol are together, in the order of time.

    All methods that read raise `OSError` where files cannot be read.
    """

    title: str
    """What it is, for people."""
    _load: Callable[[], Content]
    _known: Callable[[], Completeness] = lambda: NOTHING_KNOWN

    @functools.cached_property
    def content(self) -> Content:
        """The columns, for what is calculated from them."""
        return self._load()

    @functools.cached_property
    def known(self) -> Completeness:
        """What is known of its completeness."""
        return self._known()

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, in order.

        >>> rec.trades("coinbase:BTC-USD", "2026-11-29").columns
        ('ts', 'recv_ts', 'id', 'price', 'size', 'side', 'origin')
        """
        return tuple(column.name for column in self.content.columns)

    def __len__(self) -> int:
        """How many rows there are."""
        return self.content.rows

    def __repr__(self) -> str:
        """What it is, in one line."""
        late = f", {self.content.late:,} late" if self.content.late else ""
        return f"{self.title}: {len(self):,} rows{late}, {self._words()}"

    def _words(self) -> str:
        known = self.known
        if known.gaps:
            count = len(known.gaps)
            return f"{count} {'gap' if count == 1 else 'gaps'}"
        shown = {True: "proven complete", None: f"no gaps known ({known.proof.word})"}
        return shown.get(known.complete, "no gaps known")

    @overload
    def numpy(self, column: str) -> npt.NDArray[Any]: ...
    @overload
    def numpy(self, column: None = None) -> dict[str, npt.NDArray[Any]]: ...
    def numpy(self, column: str | None = None) -> npt.NDArray[Any] | dict[str, npt.NDArray[Any]]:
        """A column, shape `(len(self),)`, or all of them by name.

        dtypes: `ts`, `recv_ts` datetime64[ns]; `id` int64; prices and sizes float64; `side` int8
        (+1 buy or bid, -1 sell or ask, 0 unknown); `is_snapshot` bool; `origin` uint8; `exchange`,
        `symbol` object (str).

        `id`, and prices of a directory with `price_dtype = "f8"`, are views of the mapped files
        where the rows are of one symbol and day and none is late; all else is a copy.  Raises
        `KeyError` if there is no such column.

        >>> rec.trades("coinbase:BTC-USD", "2026-11-29").numpy("id")[:3]
        array([1, 2, 3])
        """
        content = self.content
        if column is not None:
            return numpy_of(content, by_name(content.columns, column), 0, content.rows)
        return {each.name: numpy_of(content, each, 0, content.rows) for each in content.columns}

    def arrow(self) -> pyarrow.Table:
        """An Arrow table, without a copy of what numpy holds; sides are dictionaries of words.

        >>> rec.trades("coinbase:BTC-USD", "2026-11-29").arrow()["price"].type
        DataType(double)
        """
        return arrow_of(self.content, 0, self.content.rows)

    @overload
    def polars(self, *, lazy: Literal[False] = False) -> polars.DataFrame: ...
    @overload
    def polars(self, *, lazy: Literal[True]) -> polars.LazyFrame: ...
    def polars(self, *, lazy: bool = False) -> polars.DataFrame | polars.LazyFrame:
        """A polars frame; a lazy one reads just the columns that its query needs.

        >>> rec.trades("coinbase:BTC-USD", "2026-11-29").polars()["side"].to_list()[:2]
        ['sell', 'buy']
        """
        content = self.content
        found = lazy_polars_of(content) if lazy else polars_of(content, 0, content.rows)
        return cast("polars.DataFrame | polars.LazyFrame", found)

    def pandas(self) -> pandas.DataFrame:
        """A pandas frame; `side` and symbols are categories.

        >>> float(rec.trades("coinbase:BTC-USD", "2026-11-29").pandas()["price"].max())
        84106.15
        """
        return pandas_of(self.content, 0, self.content.rows)

    def duckdb(
        self, connection: duckdb.DuckDBPyConnection | None = None
    ) -> duckdb.DuckDBPyRelation:
        """A DuckDB relation, to be queried with SQL; of a new connection if none is given.

        >>> rec.trades("coinbase:BTC-USD", "2026-11-29").duckdb().aggregate("max(price)").fetchall()
        [(84106.15,)]
        """
        return cast("duckdb.DuckDBPyRelation", duckdb_of(self.content, connection))

    def chunks(self, rows: int = 1_000_000) -> Iterator[Rows]:
        """The same rows in pieces of at most so many, in order, for what does not fit in memory.

        What is known of holes is that of all rows.

        >>> [len(piece) for piece in rec.trades("coinbase:BTC-USD", "2026-11-29").chunks(250)]
        [250, 250, 100]
        """
        if rows < 1:
            raise ValueError(f"pieces of {rows} rows")
        for start, stop in pieces(len(self), rows):
            piece = functools.partial(rows_of, self.content, start, stop)
            yield Rows(f"{self.title}, rows {start} to {stop}", piece, self._known)

    def to_parquet(self, path: str | os.PathLike[str]) -> None:
        """Write a Parquet file, in bounded memory; it gets its name when it is whole.

        >>> rec.trades("coinbase:BTC-USD", "2026-11-29").to_parquet("trades.parquet")
        """
        about = {"rows": len(self), "what": self.title, "proof": self.proof}
        write_parquet(self.content, path, about)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a CSV file with a header, in bounded memory; it gets its name when it is whole.

        >>> rec.trades("coinbase:BTC-USD", "2026-11-29").to_csv("trades.csv")
        """
        write_csv(self.content, path)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The known holes in the range, healed parts taken out, those that are open included.

        >>> [gap.cause for gap in rec.trades("kraken:BTC/USD", "2026-11-29").gaps]
        ['sequence']
        """
        return self.known.gaps

    @property
    def proof(self) -> str:
        """What it is worth that no hole is known: "proven", "consistent" or "unprovable".

        >>> rec.trades("coinbase:BTC-USD", "2026-11-29").proof
        'proven'
        """
        return self.known.proof.word

    @property
    def complete(self) -> bool | None:
        """True: nothing is missing; False: something is; None: nobody can tell.

        It is True only where ids prove it, and there are rows before and after the range.  It is
        about what was recorded, whichever of the late rows are left out here.

        >>> rec.trades("coinbase:BTC-USD", "2026-11-29T10:01", "2026-11-29T10:02").complete
        True
        """
        return self.known.complete

    def require(self, level: Literal["proven", "consistent", "unprovable"] = "proven") -> Rows:
        """These rows, if no hole is known, and their completeness can be shown as far as `level`.

        Raises `IncompleteError`, which says what is missing.

        >>> minute = "2026-11-29T10:01", "2026-11-29T10:02"
        >>> frame = rec.trades("coinbase:BTC-USD", *minute).require().polars()
        """
        if level not in _LEVELS:
            raise ValueError(f"{level!r} is none of {', '.join(_LEVELS)}")
        known = self.known
        if known.gaps:
            first = "; ".join(str(gap) for gap in known.gaps[:3])
            raise IncompleteError(f"{self.title}: {self._words()}: {first}")
        if known.proof < _LEVELS[level]:
            raise IncompleteError(f"{self.title}: completeness is {known.proof.word} here")
        if level == "proven" and not known.bracketed:
            raise IncompleteError(
                f"{self.title}: there are not rows on both sides of the range, "
                "so that nobody can tell whether any are missing at its edges"
            )
        return self
