"""What was recorded long ago and is sent again, at any speed, is recorded like anything else."""

from __future__ import annotations

import pytest

from tests.pipeline.streams import DAY, SECOND, new_pipeline, record, trades
from tests.pipeline.timed import HOUR, MAKERS, NOON, Row, all_aside, late
from tick_logger.model.proof import Ids
from tick_logger.model.tables import Table


@pytest.mark.parametrize("ago", [2 * HOUR, 9 * DAY, 5 * 365 * DAY])
@pytest.mark.parametrize("speed", [0.1, 1, 3, 10, 30, 1_000, 86_400])
@pytest.mark.parametrize("ticks", [1, 2, 3, 5, 20])
@pytest.mark.parametrize("table", MAKERS)
def test_what_is_played_at_any_speed_is_recorded(
    ago: int, speed: float, ticks: int, table: Table
) -> None:
    """What was recorded long ago, and is sent again: nothing is set aside, and nothing is late."""
    count, end = 20, NOON + ticks * SECOND
    played = [
        [
            (stream, recv, int(end - ago - speed * (end - recv)), 1 + number)
            for number in range(tick * count, (tick + 1) * count)
            for recv in (NOON + number * SECOND // count,)
            for stream in (0, 1)
        ]
        for tick in range(ticks)
    ]
    out = record([[MAKERS[table](rows)] for rows in played])
    assert all_aside(out) == []
    assert late(out) == []
    rows = sum(len(run.rows) for run in out.runs)
    assert rows == 2 * count * ticks


@pytest.mark.parametrize("before", [0.5, 1, 3, 30])
@pytest.mark.parametrize("behind", [0.5, 1, 3, 30, 1_000])
@pytest.mark.parametrize("ticks", [1, 2, 3, 4, 9])
def test_another_recording_that_is_played_behind_the_first(
    before: float, behind: float, ticks: int
) -> None:
    """It is of the next day, and sent at another speed."""
    count, ago = 20, 400 * DAY
    played: list[list[Row]] = []
    for number, (speed, seconds) in enumerate(((before, 20), (behind, ticks))):
        start = NOON + 20 * number * SECOND
        played += [
            [
                (stream, start + at, start - ago + number * DAY + int(speed * at), 1 + seq)
                for place in range(second * count, (second + 1) * count)
                for at, seq in ((place * SECOND // count, 1_000 * number + place),)
                for stream in (0, 1)
            ]
            for second in range(seconds)
        ]
    out = record([[trades(rows)] for rows in played], new_pipeline(ids=Ids.SPARSE))
    assert all_aside(out) == []
    assert late(out) == []
    assert sum(len(run.rows) for run in out.runs) == 2 * count * (20 + ticks)
