"""How long books, bars, joins and the consolidated quote of a large recording take.

Makes a recording of its own in a folder: one day of a book and of trades, and quotes of five
venues, with the width "f4+rest".  Each figure is a pair of seconds: of the wall and of the CPU, the
least of some rounds, because other programs only ever add to it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

import tick_logger
from tick_logger.model.tables import EXACT, SPECS, Table
from tick_logger.reader.recording import Recording
from tick_logger.storage.layout import column_name, table_folder

DAY = 20_786
"""2026-11-29."""

DAY_NS = 86_400 * 10**9
ROUNDS = 5
VENUES = ("binance", "bybit", "coinbase", "kraken", "okx")
WHOLE, CUT = "coinbase", "kraken"
"""Venues whose books have all levels, and 100 a side."""

SYMBOL = "BTC-USD"

Fields = dict[str, npt.NDArray[np.generic]]
Figure = tuple[float, float]
"""Seconds of the wall and of the CPU."""


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
    middle = 10_000_000 + np.cumsum(random.integers(-1, 2, rows)) // 8
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


def least(work: Callable[[], object], rounds: int = ROUNDS) -> Figure:
    """The least time of some rounds."""
    found = []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        found.append((time.perf_counter() - wall, time.process_time() - cpu))
    return min(each[0] for each in found), min(each[1] for each in found)


def time_first_book(root: Path, exchange: str) -> Figure:
    """The first look at a day: a book in the middle of it, of a recording just opened."""
    at = DAY * DAY_NS + DAY_NS // 2
    return least(lambda: tick_logger.open(root).book(f"{exchange}:{SYMBOL}", at))


def time_next_book(rec: Recording, exchange: str, moments: int = 100) -> Figure:
    """A book at a random moment of a day that was looked at; a mean of some moments."""
    random = np.random.default_rng(4)
    at = (DAY * DAY_NS + random.integers(0, DAY_NS, moments)).tolist()
    symbol = f"{exchange}:{SYMBOL}"
    rec.book(symbol, at[0])
    wall, cpu = least(lambda: [rec.book(symbol, each) for each in at])
    return wall / moments, cpu / moments


def time_books(rec: Recording, exchange: str) -> Figure:
    """Ten levels each second of a day."""
    day = np.datetime64(DAY, "D")
    symbol = f"{exchange}:{SYMBOL}"
    return least(lambda: len(rec.books(symbol, day, day + 1)), rounds=1)


def time_bars(rec: Recording, exchange: str) -> Figure:
    """Bars of a minute of a day's trades."""
    return least(lambda: len(rec.bars(f"{exchange}:{SYMBOL}", np.datetime64(DAY, "D"))))


def time_asof(rec: Recording, exchange: str) -> Figure:
    """A day's trades with the quotes at each."""
    day, symbol = np.datetime64(DAY, "D"), f"{exchange}:{SYMBOL}"
    return least(lambda: rec.asof(rec.trades(symbol, day), rec.quotes(symbol, day)).numpy())


def time_consolidated(rec: Recording) -> Figure:
    """The best of all venues of a day."""
    return least(lambda: len(rec.consolidated("*:*", np.datetime64(DAY, "D"))))


def make(root: Path, rows: int) -> None:
    """All that is measured; `rows` of the book, a tenth of quotes of each venue and of trades."""
    make_book(root, WHOLE, rows, 5_000)
    make_book(root, CUT, rows, 100)
    make_trades(root, WHOLE, rows // 10)
    for number, exchange in enumerate(VENUES):
        make_quotes(root, exchange, rows // 10, number)


def measured(root: Path) -> dict[str, Figure]:
    """All figures of a recording that `make` made."""
    rec = tick_logger.open(root)
    return {
        "first book": time_first_book(root, WHOLE),
        "next book": time_next_book(rec, WHOLE),
        "first book that is cut": time_first_book(root, CUT),
        "next book that is cut": time_next_book(rec, CUT),
        "books each second": time_books(rec, WHOLE),
        "bars of a minute": time_bars(rec, WHOLE),
        "as-of join": time_asof(rec, WHOLE),
        "consolidated": time_consolidated(rec),
    }


def main() -> None:
    """Make a recording, and print what it takes to read it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="of the book")
    parser.add_argument("--folder", type=Path, help="where the recording is made")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        make(Path(folder), given.rows)
        for name, (wall, cpu) in measured(Path(folder)).items():
            print(f"{name:24}{wall * 1000:10.1f} ms{cpu * 1000:10.1f} ms of CPU")  # noqa: T201


if __name__ == "__main__":
    main()
