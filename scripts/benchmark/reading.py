"""What the reading interface takes for ten million rows, beside the plain way on the same files.

One day of order book of one symbol is written with numpy straight into column files, once with
prices as "f4+rest" and once as "f8".  Everything is measured warm: the files are in memory.
*Plain* is what somebody would write who has the page on files open, with numpy or polars, for the
same columns, the prices as exact as ours.  What is calculated from rows (`reading_books`) has a
goal beside it instead.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

import tick_logger
from scripts.benchmark import reading_books
from scripts.benchmark.steps import Result, Step, measured, table
from tick_logger import Rows

ROWS = 10_000_000
ROUNDS = 7
WIDTHS = ("f4+rest", "f8")
SYMBOL, DATE, DAY = "venue:BTC-USD", "29.11.26", "2026-11-29"
MIDNIGHT_SECS = 20_786 * 86_400
HOUR = "2026-11-29T12:00", "2026-11-29T13:00"
COLUMNS = ["ts", "price", "size", "side", "id"]

OPEN_MS, ARROW_MS = 2.0, 5.0
NUMPY_MS = {"f4+rest": 160.0, "f8": 80.0}
POLARS_MS = {"f4+rest": 300.0, "f8": 150.0}
HOUR_MS = 10.0
"""Goals: of `ROWS` rows; the first two are of any number."""


def report(rows: int, rounds: int, only: str) -> list[Result]:
    """Measure, print a table, and return what is in it."""
    results: list[Result] = []
    before = os.getloadavg()
    for write, steps_of in ((_write, steps), (reading_books.make, reading_books.steps)):
        with tempfile.TemporaryDirectory(prefix="tick_logger_bench_") as folder:
            wanted = [step for step in steps_of(Path(folder), rows) if only in step.name]
            if wanted:
                write(Path(folder), rows)
            results += [measured(step, rounds) for step in wanted]
    print(table(results))  # noqa: T201
    loads = (f"{load[0]:.1f}" for load in (before, os.getloadavg()))
    print(f"load of the machine before and after: {', '.join(loads)}")  # noqa: T201
    return results


def _write(folder: Path, rows: int) -> None:
    for width in WIDTHS:
        write_day(folder / width, rows, width)


def steps(folder: Path, rows: int) -> Iterator[Step]:
    """Ways to rows as they are."""
    part = rows / ROWS
    for width in WIDTHS:
        root = folder / width
        day = Day(root, width)
        zero = ["id"] if width == "f4+rest" else ["id", "price", "size"]
        ways = (
            ("open, ask, count", partial(_count, root), day.count, OPEN_MS),
            ("five columns, numpy", partial(_numpy, root, DAY), day.numpy, NUMPY_MS[width] * part),
            ("as a polars frame", partial(_polars, root), day.polars, POLARS_MS[width] * part),
            (
                f"{', '.join(zero)} as Arrow, no copy",
                partial(_arrow, root, zero),
                partial(day.arrow, zero),
                ARROW_MS,
            ),
            ("one hour of the day, numpy", partial(_numpy, root, *HOUR), day.hour, HOUR_MS * part),
        )
        for name, ours, plain, goal in ways:
            yield Step(f"{width}: {name}", ours, plain, goal_ms=goal)


def _count(root: Path) -> int:
    return len(_rows(root))


def _numpy(root: Path, start: str, end: str | None = None) -> object:
    return _rows(root, start, end).numpy()


def _polars(root: Path) -> object:
    return _rows(root).polars()


def _arrow(root: Path, columns: list[str]) -> object:
    return _rows(root, columns=columns).arrow()


def _rows(
    root: Path, start: str = DAY, end: str | None = None, columns: list[str] | None = None
) -> Rows:
    rec = tick_logger.open(root)
    return rec.book_updates(SYMBOL, start, end, columns=columns or COLUMNS)


class Day:
    """The files of the day, read by hand: mapped to search, and brought into memory to use."""

    def __init__(self, root: Path, width: str) -> None:
        self._folder = root / "venue" / "BTC-USD" / "BOOK"
        self._exact = width == "f8"

    def count(self) -> int:
        """How many rows there are."""
        return len(self._map("time", "<u4"))

    def numpy(self, rows: slice = slice(None)) -> dict[str, np.ndarray]:
        """The five columns."""
        ns = self._map("time", "<u4")[rows].astype("i8") * 1_000_000_000
        ns += self._map("nanos", "<u4")[rows]
        sides = np.array([-1, 1], "i1")[self._map("side", "<u4")[rows]]
        return {
            "ts": ns.view("M8[ns]"),
            "price": self._exactly("price", 0, rows),
            "size": self._exactly("size", 1, rows),
            "side": sides,
            "id": np.array(self._map("update_id", "<u8")[rows]).view("i8"),
        }

    def polars(self) -> pl.DataFrame:
        """The same as a frame."""
        frame = pl.DataFrame(self.numpy())
        words = pl.Enum(["ask", "bid"])
        side = pl.col("side").replace_strict({-1: "ask", 1: "bid"}, return_dtype=words)
        return frame.with_columns(pl.col("ts").dt.replace_time_zone("UTC"), side)

    def arrow(self, columns: list[str]) -> pa.Table:
        """Columns that need no arithmetic."""
        files = {"id": ("update_id", "<i8"), "price": ("price", "<f8"), "size": ("size", "<f8")}
        return pa.table({name: pa.array(self._map(*files[name])) for name in columns})

    def hour(self) -> dict[str, np.ndarray]:
        """The five columns, of the thirteenth hour."""
        seconds = self._map("time", "<u4")
        edges = (np.uint32(MIDNIGHT_SECS + hour * 3600) for hour in (12, 13))
        return self.numpy(slice(*(int(np.searchsorted(seconds, edge)) for edge in edges)))

    def _map(self, column: str, dtype: str) -> np.ndarray:
        return np.memmap(self._folder / f"{column}.{DATE}.bin", dtype, "r")

    def _exactly(self, column: str, place: int, rows: slice) -> np.ndarray:
        if self._exact:
            return np.array(self._map(column, "<f8")[rows])
        values = self._map(column, "<f4")[rows].astype("f8")
        values.view("i8")[:] += self._map("rest", "<i4").reshape(-1, 2)[rows, place]
        return values


def write_day(root: Path, rows: int, width: str) -> None:
    """A day of book updates with prices of a cent and sizes of eight digits."""
    folder = root / "venue" / "BTC-USD" / "BOOK"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    ns = np.linspace(0, 86_400 * 10**9 - 1, rows).astype("i8")
    prices = np.round(84_000 + rng.integers(-5_000, 5_000, rows) / 100, 2)
    sizes = rng.integers(0, 10**9, rows) / 1e8
    columns = {
        "update_id": np.arange(rows, dtype="<u8"),
        "side": rng.integers(0, 2, rows).astype("<u4"),
        "flags": np.zeros(rows, "<u4"),
        "recv_time": (MIDNIGHT_SECS + ns // 10**9).astype("<u4"),
        "recv_nanos": (ns % 10**9).astype("<u4"),
        "nanos": (ns % 10**9).astype("<u4"),
        "time": (MIDNIGHT_SECS + ns // 10**9).astype("<u4"),
    }
    if width == "f8":
        columns |= {"price": prices, "size": sizes}
    else:
        halves = {"price": prices.astype("<f4"), "size": sizes.astype("<f4")}
        rest = np.empty((rows, 2), "<i4")
        for place, (name, exact) in enumerate((("price", prices), ("size", sizes))):
            rest[:, place] = exact.view("i8") - halves[name].astype("f8").view("i8")
        columns |= {**halves, "rest": rest}
    for name, values in columns.items():
        values.tofile(folder / f"{name}.{DATE}.bin")
