"""Replays: all streams in order of time, holes in their places, in bounded batches."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tick_logger
from tests.reader.recorded import Recorder, aside
from tests.reader.test_rows import BTC, MS, trade
from tests.storage.sample import DAY, MIDNIGHT_NS
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import Table
from tick_logger.reader.columns import TS
from tick_logger.reader.mixed import LEAST_ROWS, Stretch, columns_of_tables, merged
from tick_logger.reader.parts import DayPart
from tick_logger.reader.source import Array, Symbol

DAY_MS = 86_400_000
START = "2024-02-01"
END = "2024-02-05"


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path / "data")


def ids_of(found: list[tick_logger.Rows | tick_logger.Gap]) -> list[object]:
    """The ids of each batch as a list, and of each hole its beginning in ms."""
    return [
        (int(each.from_ns or 0) - MIDNIGHT_NS) // MS
        if isinstance(each, tick_logger.Gap)
        else each.numpy("id").tolist()
        for each in found
    ]


def hole(begin_ms: int, end_ms: int | None, table: Table = Table.TRADES, of: int = 0) -> GapRecord:
    end = None if end_ms is None else MIDNIGHT_NS + end_ms * MS
    return GapRecord(of, table, None, None, MIDNIGHT_NS + begin_ms * MS, end, Cause.DISCONNECT)


def test_all_streams_are_merged_by_time(recorder: Recorder) -> None:
    """Symbols and tables, late rows among them, over midnight; equal times in order of streams."""
    recorder.write(Table.TRADES, [trade(1, 10), trade(4, 40), trade(6, DAY_MS + 1)])
    recorder.write(Table.TRADES, [trade(3, 30)], late=True)
    recorder.write(Table.TRADES, [trade(2, 20), trade(5, 40)], of=1)
    recorder.write(Table.BOOK, [trade(7, 40, size=0.0, side=0, flags=1)])
    recorder.write(Table.MD, [trade(0, 50, price=7.5)])
    aside(recorder, Table.TRADES, [trade(99, 45)], DAY)
    (one, two) = tick_logger.open(recorder.folder).replay(start=START, end=END)
    assert isinstance(one, tick_logger.Rows)
    assert isinstance(two, tick_logger.Rows)
    found = one.numpy()
    assert list(found) == [
        *("ts", "recv_ts", "exchange", "symbol", "table", "id", "price", "size", "side"),
        *("bid", "bid_size", "ask", "ask_size", "is_snapshot", "origin"),
    ]
    assert found["id"].tolist() == [1, 2, 3, 5, 4, 7, 0]
    assert found["exchange"].tolist() == [*("venue", "other", "venue", "other"), *["venue"] * 3]
    assert found["table"].tolist() == [*["trades"] * 5, "book", "ticker"]
    assert found["side"].tolist() == [1, 1, 1, 1, 1, -1, 1]
    assert found["size"].tolist() == [0.25] * 5 + [0.0, 0.25]
    assert found["is_snapshot"].tolist() == [False] * 5 + [True, False]
    assert found["origin"].tolist() == [0, 0, 1, 0, 0, 0, 0]
    assert math.isnan(found["bid"][0])
    assert found["bid"][6] == 100.25
    assert found["ts"].astype(np.int64).tolist() == [
        MIDNIGHT_NS + ms * MS for ms in (10, 20, 30, 40, 40, 40, 50)
    ]
    assert one.polars()["side"].to_list() == ["buy"] * 5 + ["sell", "buy"]
    assert two.numpy("id").tolist() == [6]


def test_holes_stand_where_they_began(recorder: Recorder) -> None:
    """Before the first row after that; one from before the range first, an open one at its end."""
    recorder.write(Table.TRADES, [trade(n, n * 10) for n in range(1, 7)])
    recorder.miss(hole(5, 15), hole(20, 25), hole(35, None), hole(60, 90), hole(1, 2))
    recorder.miss(hole(45, 50, Table.QUOTES), hole(41, 42, of=1))
    rec = tick_logger.open(recorder.folder)
    start, end = MIDNIGHT_NS + 10 * MS, MIDNIGHT_NS + 70 * MS
    trades = list(rec.replay(BTC, start=start, end=end, tables=["trades"]))
    assert ids_of(trades) == [5, [1, 2], 20, [3], 35, [4, 5, 6], 60]
    both = list(rec.replay(BTC, start=start, end=end, tables=["trades", "quotes"]))
    assert ids_of(both) == [5, [1, 2], 20, [3], 35, [4], 45, [5, 6], 60]


def test_batches_are_bounded(recorder: Recorder) -> None:
    """No longer than asked for, and all of them together are everything."""
    recorder.write(Table.TRADES, [trade(n, n) for n in range(10)])
    recorder.write(Table.TRADES, [trade(n + 10, n) for n in range(10)], of=1)
    recorder.miss(hole(4, 5))
    rec = tick_logger.open(recorder.folder)
    found = list(rec.replay("*:*", start=START, rows=3))
    sizes = [len(each) for each in found if isinstance(each, tick_logger.Rows)]
    assert max(sizes) == 3
    assert sum(sizes) == 20
    assert next(i for i, each in enumerate(found) if isinstance(each, tick_logger.Gap)) == 4


def test_late_rows_can_be_left_out(recorder: Recorder) -> None:
    """As whoever listened then has not had them."""
    recorder.write(Table.TRADES, [trade(1, 10), trade(3, 30)])
    recorder.write(Table.TRADES, [trade(2, 20)], late=True)
    rec = tick_logger.open(recorder.folder)
    assert ids_of(list(rec.replay(BTC, late="drop"))) == [[1, 3]]
    assert ids_of(list(rec.replay(BTC))) == [[1, 2, 3]]


def test_wrong_questions_are_refused_at_once(recorder: Recorder) -> None:
    """Not when the first batch is asked for."""
    recorder.write(Table.TRADES, [trade(1, 10)])
    rec = tick_logger.open(recorder.folder)
    with pytest.raises(ValueError, match="batches of 0 rows"):
        rec.replay(BTC, rows=0)
    with pytest.raises(ValueError, match="neither"):
        rec.replay(BTC, late="only")
    with pytest.raises(ValueError, match="no table"):
        rec.replay(BTC, tables=["tradez"])
    with pytest.raises(LookupError):
        rec.replay("venue:NONE")


class Memory:
    """Rows in memory, for a part of a stream; counts which have been asked for."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self._rows = rows
        self.most_at_once = 0

    @property
    def rows(self) -> int:
        return len(self._rows)

    def field(self, name: str, start: int, stop: int) -> Array:
        self.most_at_once = max(self.most_at_once, stop - start)
        dtype = np.int64 if name.endswith("_ns") else np.uint64
        return np.array([row[name] for row in self._rows[start:stop]], dtype)

    def first_at(self, time_ns: int) -> int:
        return sum(row["event_ns"] < time_ns for row in self._rows)


def test_any_streams_are_merged_as_sorting_merges_them() -> None:
    """Against a stable sort of everything, with many equal times, a few rows of each at a time."""
    rng = random.Random(7)
    for _ in range(30):
        streams: list[Memory] = []
        expected: list[tuple[int, int, int]] = []
        for number in range(rng.randrange(1, 6)):
            times = sorted(rng.randrange(rng.choice([3, 400])) for _ in range(rng.randrange(500)))
            rows = [{"event_ns": time, "seq": 1000 * number + n} for n, time in enumerate(times)]
            streams.append(Memory(rows))
            expected += [(time, number, 1000 * number + n) for n, time in enumerate(times)]
        none = Memory([])
        empty = np.empty(0, np.int64)
        stretches = [
            Stretch(
                Table.TRADES,
                DayPart(Symbol("v", "S"), stream, 0, stream.rows, none, empty, empty),
            )
            for stream in streams
        ]
        columns = columns_of_tables([Table.TRADES])
        of_id = next(column for column in columns if column.name == "id")
        ids: list[int] = []
        for content in merged(columns, stretches, held=LEAST_ROWS):
            assert content.rows <= LEAST_ROWS * len(streams)
            ids += content.read(of_id, 0, content.rows).tolist()
            half = content.rows // 2
            pieces = [content.read(TS, 0, half), content.read(TS, half, content.rows)]
            assert np.concatenate(pieces).astype(np.int64).tolist() == content.times.tolist()
        assert ids == [seq for _, _, seq in sorted(expected)]
        assert all(stream.most_at_once <= LEAST_ROWS for stream in streams)
