"""Minutes as they were recorded beside minutes as the exchange tells them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from tests.archive.test_facts import DAY, HOUR, MIDNIGHT, NS_PER_DAY, hole
from tests.archive.test_facts import trade as priced
from tests.reader.recorded import Recorder, aside
from tick_logger.archive.candle_checks import MOST_DIFFERENT, candle_check, found_again, has_loss
from tick_logger.archive.facts import stream_facts
from tick_logger.model.candles import MINUTES_PER_DAY, NS_PER_MINUTE, Candles, Measure
from tick_logger.model.tables import ORIGIN_REST, Table
from tick_logger.reader.opening import source_at
from tick_logger.reader.source import Symbol
from tick_logger.storage.disk_files import DiskFiles

NAME = "BTC-USD"
FIRST = DAY * MINUTES_PER_DAY
START = FIRST + 600
EACH_NS = 20 * 10**9


def trade(number: int, at_ns: int) -> dict[str, Any]:
    return {**priced(number, at_ns), "size": SIZE}


def record(folder: Path, *, without: Iterable[int] = ()) -> list[int]:
    """A trade every twenty seconds from 10:00 to 12:00, but for some; and one on each side."""
    times = [MIDNIGHT - HOUR, MIDNIGHT + NS_PER_DAY + HOUR]
    times[1:1] = [MIDNIGHT + 10 * HOUR + EACH_NS * n for n in range(360)]
    rows = [trade(n + 1, at) for n, at in enumerate(times) if n not in set(without)]
    Recorder(folder).write(Table.TRADES, rows)
    return times[1:-1]


def answer(times: list[int], measure: Measure = Measure.COUNT, at_ns: int = 9) -> Candles:
    counts = Counter(at // NS_PER_MINUTE for at in times)
    minutes = np.arange(FIRST, FIRST + MINUTES_PER_DAY)
    values = np.array([counts[int(minute)] for minute in minutes], np.float64)
    return Candles(
        NAME, measure, at_ns, minutes, values * (1 if measure is Measure.COUNT else SIZE)
    )


SIZE = 2.0
"""Of each trade; see `trade`."""


def check(folder: Path, *answers: Candles, holes: Any = ()) -> dict[str, Any] | None:  # noqa: ANN401
    files, source = DiskFiles(folder, max_open=1), source_at(folder)
    symbol = Symbol("venue", NAME)
    facts = stream_facts(source, files, symbol, Table.TRADES, DAY, holes)
    found = candle_check(facts, source.look(symbol, Table.TRADES, DAY), answers, DAY)
    if found is not None:
        again = found_again(found, facts, source.look(symbol, Table.TRADES, DAY), answers, DAY)
        assert again == ""
    files.close()
    return found


@pytest.mark.parametrize("measure", Measure)
def test_what_is_whole_is_equal_in_each_minute(tmp_path: Path, measure: Measure) -> None:
    found = check(tmp_path, answer(record(tmp_path), measure))
    assert found is not None
    assert (found["what"], found["minutes"], found["unequal"]) == (f"candles.{measure}", 1440, 0)
    assert not has_loss(found)


@pytest.mark.parametrize("measure", Measure)
def test_a_trade_that_is_not_here_is_found(tmp_path: Path, measure: Measure) -> None:
    """And in which minute; whatever the ids say."""
    found = check(tmp_path, answer(record(tmp_path, without={7}), measure))
    assert found is not None
    unit = 1.0 if measure is Measure.COUNT else SIZE
    start_ns = (START + 2) * NS_PER_MINUTE
    assert (found["unequal"], found["less_here"]) == (1, 1)
    assert found["different"] == [{"from_ns": start_ns, "here": 2 * unit, "there": 3 * unit}]
    assert has_loss(found)


def test_a_trade_that_came_by_rest_counts_and_one_aside_does_not(tmp_path: Path) -> None:
    times = record(tmp_path, without={7})
    recorder = Recorder(tmp_path)
    aside(recorder, Table.TRADES, [trade(8, times[6])], DAY)
    found = check(tmp_path, answer(times))
    assert found is not None
    assert found["unequal"] == 1
    recorder.write(Table.TRADES, [trade(8, times[6])], late=True, origin=ORIGIN_REST)
    found = check(tmp_path, answer(times))
    assert found is not None
    assert found["unequal"] == 0


def test_what_only_we_have_is_told_and_is_no_loss(tmp_path: Path) -> None:
    """Some venues say that their candles may be incomplete."""
    times = record(tmp_path)
    found = check(tmp_path, answer(times[:-100]))
    assert found is not None
    assert (found["unequal"], found["less_here"]) == (34, 0)
    assert len(found["different"]) == MOST_DIFFERENT
    assert not has_loss(found)


def test_minutes_around_a_hole_that_is_told_are_not_compared(tmp_path: Path) -> None:
    """Nor those without an answer; an answer that comes later counts, and of one symbol alone."""
    times = record(tmp_path, without=range(30, 60))
    before, after = times[28] + 10**9, times[59] + 10**9
    recorder = Recorder(tmp_path)
    recorder.miss(hole(None, None, before, after))
    source = source_at(tmp_path)
    whole = answer(times)
    found = check(tmp_path, whole, holes=source.holes(Symbol("venue", NAME)))
    assert found is not None
    assert (found["minutes"], found["unequal"]) == (1440 - 13, 0)
    part = attrs.evolve(whole, minutes=whole.minutes[:700], values=whole.values[:700])
    wrong = attrs.evolve(part, values=part.values + 1, at_ns=8)
    found = check(tmp_path, part, wrong, holes=source.holes(Symbol("venue", NAME)))
    assert found is not None
    assert (found["minutes"], found["unequal"]) == (700 - 13, 0)
    assert check(tmp_path) is None


def test_a_check_without_all_answers_cannot_be_found_again(tmp_path: Path) -> None:
    """Where the journal has lost some; and one that says something else is a difference."""
    whole = answer(record(tmp_path))
    found = check(tmp_path, whole)
    assert found is not None
    files, source, symbol = (
        DiskFiles(tmp_path, max_open=1),
        source_at(tmp_path),
        Symbol("venue", NAME),
    )
    facts = stream_facts(source, files, symbol, Table.TRADES, DAY, ())
    rows = source.look(symbol, Table.TRADES, DAY)
    part = attrs.evolve(whole, minutes=whole.minutes[1:], values=whole.values[1:])
    assert found_again(found, facts, rows, [part], DAY) is None
    assert found_again(found, facts, rows, [attrs.evolve(whole, at_ns=10)], DAY) is None
    more = attrs.evolve(whole, values=whole.values + 1)
    assert "unequal is 1440, certified 0" in str(found_again(found, facts, rows, [more], DAY))
    files.close()
