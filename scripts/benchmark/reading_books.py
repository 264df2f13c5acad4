"""How long books, bars, joins, the consolidated quote and an export of a large recording take.

Makes a recording of its own in a folder: one day of a book and of trades, and quotes of five
venues, with the width "f4+rest".  Goals are of so many rows as were made.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

import tick_logger
from scripts.benchmark.steps import Step
from tick_logger.model.tables import EXACT, SPECS, Table
from tick_logger.reader.exporting import Export
from tick_logger.reader.recording import Recording
from tick_logger.reader.times import Span
from tick_logger.storage.layout import column_name, table_folder

DAY = 20_786
"""2026-11-29."""

DAY_NS = 86_400 * 10**9
VENUES = ("binance", "bybit", "coinbase", "kraken", "okx")
WHOLE, CUT = "coinbase", "kraken"
"""Venues whose books have all levels, and 100 a side."""

SYMBOL = "BTC-USD"

MOST_TICKS = 20
"""By which the middle of a book moves to either side."""

MOMENTS = 100
"""At which a book is asked for, of a day that was looked at."""

LONG_ROUNDS = 2
"""Of what takes many seconds."""

FIRST_BOOK_MS_PER_MILLION = 200.0
NEXT_BOOK_MS = 25.0
CONSOLIDATED_MS_PER_MILLION = 250.0
EXPORTED_PER_SEC = 2e6
"""Goals: of ten million rows 2 s for the first book and 2.5 s for the best of five venues (whose
quotes are half as many), and 25 ms for the next book, whatever there is."""

Fields = dict[str, npt.NDArray[np.generic]]


def write(root: Path, exchange: str, table: Table, fields: Fields) -> None:
    """The column files of one symbol and day."""
    folder = root / table_folder(exchange, SYMBOL, table)
    folder.mkdir(parents=True, exist_ok=True)
    times: Fields = {}
    for name in ("event", "recv"):
        seconds, nanos = np.divmod(fields[f"{name}_ns"], 10**9)
        times |= {f"{name}_s": seconds, f"{name}_frac": nanos}
    priced = [column.source for column in SPECS[table].priced]
    for column in SPECS[table].files:
        if not column.is_written(EXACT, late=False):
            continue
        dtype = column.numpy_dtype(EXACT)
        if column.rest_of:
            values: npt.NDArray[np.generic]
            values = np.column_stack([_rests(fields[name]) for name in priced])
        else:
            values = {**fields, **times}.get(column.source, np.zeros(1, dtype))
            values = np.broadcast_to(values, len(fields["event_ns"])).astype(dtype)
        values.astype(dtype.base).tofile(folder / column_name(column.name, DAY))


def _rests(values: npt.NDArray[np.generic]) -> npt.NDArray[np.int32]:
    exact = values.astype(np.float64)
    halves = exact.astype(np.float32).astype(np.float64)
    return (exact.view(np.int64) - halves.view(np.int64)).astype(np.int32)


def _times(random: np.random.Generator, rows: int) -> Fields:
    times = DAY * DAY_NS + np.sort(random.integers(0, DAY_NS, rows))
    return {"event_ns": times, "recv_ns": times + random.integers(10**6, 10**8, rows)}


def make_book(root: Path, exchange: str, rows: int, levels: int, seed: int = 1) -> None:
    """A day of a book: a snapshot, and updates around a price that walks."""
    random = np.random.default_rng(seed)
    fields = _times(random, rows)
    for name in ("event_ns", "recv_ns"):
        fields[name][: 2 * levels] = fields[name][0]
    side = random.integers(0, 2, rows)
    away = random.geometric(4 / levels, rows) % levels + 1
    size = np.round(random.exponential(1, rows), 5) * (random.random(rows) > 0.3)
    side[: 2 * levels] = np.arange(2 * levels) % 2
    away[: 2 * levels] = np.arange(2 * levels) // 2 + 1
    size[: 2 * levels] += 1
    walk = np.cumsum(random.integers(-1, 2, rows)) // 8
    # A price that never comes back would leave levels behind that no venue keeps.
    middle = 10_000_000 + np.abs((walk + MOST_TICKS) % (4 * MOST_TICKS) - 2 * MOST_TICKS)
    price = np.round((middle + np.where(side == 1, -away, away)) / 100, 2)
    flags = (np.arange(rows) < 2 * levels).astype(np.uint32)
    write(root, exchange, Table.BOOK, {
        **fields, "seq": np.zeros(1, np.uint64), "side": side, "price": price, "size": size,
        "flags": flags,
    })  # fmt: skip


def make_trades(root: Path, exchange: str, rows: int, seed: int = 2) -> None:
    """A day of trades."""
    random = np.random.default_rng(seed)
    price = np.round(100_000 + np.cumsum(random.integers(-1, 2, rows)) / 100, 2)
    write(root, exchange, Table.TRADES, {
        **_times(random, rows), "seq": np.arange(rows), "price": price,
        "size": np.round(random.exponential(1, rows), 5), "side": random.integers(0, 2, rows),
    })  # fmt: skip


def make_quotes(root: Path, exchange: str, rows: int, seed: int = 3) -> None:
    """A day of quotes."""
    random = np.random.default_rng(seed)
    bid = np.round(100_000 + np.cumsum(random.integers(-1, 2, rows)) / 100, 2)
    write(root, exchange, Table.QUOTES, {
        **_times(random, rows), "seq": np.arange(rows), "best_bid": bid,
        "best_ask": np.round(bid + random.integers(1, 5, rows) / 100, 2),
        "best_bid_size": np.round(random.exponential(1, rows), 5),
        "best_ask_size": np.round(random.exponential(1, rows), 5),
    })  # fmt: skip


def make(root: Path, rows: int) -> None:
    """All that is measured; `rows` of the book, a tenth of quotes of each venue and of trades."""
    make_book(root, WHOLE, rows, 5_000)
    make_book(root, CUT, rows, 100)
    make_trades(root, WHOLE, rows // 10)
    for number, exchange in enumerate(VENUES):
        make_quotes(root, exchange, rows // 10, number)


def steps(root: Path, rows: int) -> Iterator[Step]:
    """All that are measured of a recording that `make` made, or will have made, of so many rows."""
    for kind, exchange in (("book", WHOLE), ("cut book", CUT)):
        first, symbol = FIRST_BOOK_MS_PER_MILLION * rows / 1e6, f"{exchange}:{SYMBOL}"
        yield Step(f"{kind}, first look", partial(_first_book, root, symbol), goal_ms=first)
        next_book = _NextBooks(root, symbol)
        yield Step(f"{kind}, next moment", next_book, goal_ms=NEXT_BOOK_MS, times=MOMENTS)
        series = partial(_books, root, symbol)
        yield Step(f"{kind}s, ten levels each second", series, most_rounds=LONG_ROUNDS)
    yield Step("bars of a minute", partial(_bars, root))
    yield Step("asof, trades with quotes", partial(_asof, root))
    goal = CONSOLIDATED_MS_PER_MILLION * rows / 1e6
    yield Step("consolidated, five venues", partial(_consolidated, root), goal_ms=goal)
    goal = rows / EXPORTED_PER_SEC * 1e3
    export = partial(_export, root)
    name = "export of a book to Parquet"
    yield Step(name, export, goal_ms=goal, rows=rows, most_rounds=LONG_ROUNDS)


def _first_book(root: Path, symbol: str) -> object:
    """A book in the middle of the day, of a recording just opened."""
    return tick_logger.open(root).book(symbol, DAY * DAY_NS + DAY_NS // 2)


class _NextBooks:
    """Books at random moments of a day that was looked at, which is kept from call to call."""

    def __init__(self, root: Path, symbol: str) -> None:
        self._root, self._symbol = root, symbol
        self._at = (DAY * DAY_NS + np.random.default_rng(4).integers(0, DAY_NS, MOMENTS)).tolist()
        self._recording: Recording | None = None

    def __call__(self) -> object:
        self._recording = self._recording or tick_logger.open(self._root)
        return [self._recording.book(self._symbol, at) for at in self._at]


def _books(root: Path, symbol: str) -> object:
    return tick_logger.open(root).books(symbol, _day(), _day() + 1).content


def _bars(root: Path) -> object:
    return tick_logger.open(root).bars(f"{WHOLE}:{SYMBOL}", _day()).content


def _asof(root: Path) -> object:
    rec, symbol = tick_logger.open(root), f"{WHOLE}:{SYMBOL}"
    return rec.asof(rec.trades(symbol, _day()), rec.quotes(symbol, _day())).numpy()


def _consolidated(root: Path) -> object:
    return tick_logger.open(root).consolidated("*:*", _day()).content


def _export(root: Path) -> object:
    """All rows of a book, as the command writes them."""
    wanted = Span(DAY * DAY_NS, (DAY + 1) * DAY_NS)
    rec, symbols = tick_logger.open(root), [f"{WHOLE}:{SYMBOL}"]
    export = Export(rec, symbols, [Table.BOOK], wanted, "parquet")
    with tempfile.TemporaryDirectory(dir=root.parent) as out:
        return [export.run(job, Path(out)) for job in export.jobs()]


def _day() -> np.datetime64:
    return np.datetime64(DAY, "D")
