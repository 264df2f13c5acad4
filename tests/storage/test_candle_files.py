"""Files of candles: what was added is found again, by symbol, whatever was torn."""

from __future__ import annotations

import json

import numpy as np

from tests.fakes.memory_files import MemoryFiles
from tick_logger.model.candles import MINUTES_PER_DAY, Candles, Measure
from tick_logger.storage.candle_files import MOST_DAYS_KEPT, append, index, remove_old
from tick_logger.storage.layout import CandlesPath, candles_path, parse

DAY = 19_754  # 2024-02-01
START = DAY * MINUTES_PER_DAY
PATH = "venue/candles.01.02.24.jsonl"


def candles(symbol: str, minutes: list[int], values: list[float], at_ns: int = 7) -> Candles:
    at = np.array(minutes, np.int64) + START
    return Candles(symbol, Measure.COUNT, at_ns, at, np.array(values, np.float64))


def test_the_path_lies_beside_the_symbols() -> None:
    assert candles_path(CandlesPath("venue", DAY)) == PATH
    assert parse(PATH) == CandlesPath("venue", DAY)


def test_what_was_added_is_found_again() -> None:
    """Zeros too, and gaps between; an answer over midnight lies in both files."""
    files = MemoryFiles()
    one, other = candles("A", [3, 4, 9], [2.0, 0.0, 5.0]), candles("B", [0], [0.0])
    append(files, "venue", [one, other])
    append(files, "venue", [candles("A", [1439, 1440], [1.0, 2.0], 8)])
    found = index(files, "venue", DAY)
    assert dict(found.until) == {"A": 1440, "B": 1}
    assert found.size == files.size(PATH)
    first, second = found.read(files, "A")
    assert (first.minutes.tolist(), first.values.tolist()) == (one.minutes.tolist(), [2, 0, 5])
    assert (first.at_ns, first.measure, second.at_ns) == (7, Measure.COUNT, 8)
    assert second.minutes.tolist() == [START + 1439]
    assert [each.values.tolist() for each in found.read(files, "B")] == [[0.0]]
    assert [*found.read(files, "C")] == []
    assert dict(index(files, "venue", DAY + 1).until) == {"A": 1}
    line = json.loads(files.read(PATH).splitlines()[0])
    assert (line["minutes"], line["traded"]) == ([[3, 5], [9, 10]], [[3, 2.0], [9, 5.0]])


def test_a_torn_line_costs_itself() -> None:
    files = MemoryFiles()
    append(files, "venue", [candles("A", [1], [1.0])])
    files.append(PATH, b'{"symbol":"A","min')
    append(files, "venue", [candles("A", [2], [1.0])])
    found = index(files, "venue", DAY)
    assert [each.minutes.tolist() for each in found.read(files, "A")] == [[START + 1], [START + 2]]
    assert index(files, "venue", DAY + 9).size == 0


def test_old_files_go() -> None:
    files = MemoryFiles()
    append(files, "venue", [candles("A", [1, 1441], [1.0, 1.0])])
    remove_old(files, "venue", DAY + 1 + MOST_DAYS_KEPT)
    assert files.list("venue") == ["candles.02.02.24.jsonl"]
