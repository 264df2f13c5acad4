"""The recorder against what is played of its own journal, from the beginning: the same rows."""

from __future__ import annotations

import pytest
from trio.testing import MockClock

from tests.playback.recorded import (
    DAY_NS,
    STOOD_IN,
    differing,
    late_rows,
    of_table,
    record_played,
    record_simulated,
    streams_of,
)
from tests.service.oracle import causes
from tick_logger.playback.exchange import Playing
from tick_logger.simulator.registry import DIALECTS

SECS = 20.123


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(DIALECTS))
async def test_the_same_rows(name: str, autojump_clock: MockClock) -> None:
    """In every table, in all columns but those of receipt; nothing is late, aside or missing."""
    recording = await record_simulated(name, SECS)
    world = await record_played(name, recording, 2 * SECS, Playing())
    streams = streams_of(recording, name)
    assert streams_of(world.files, name) == streams
    assert len(streams) == 2
    for symbol, tables in streams.items():
        for table in tables:
            before, after = (of_table(f, name, symbol, table) for f in (recording, world.files))
            assert len(before) > 10, f"{symbol} {table}"
            assert differing(before, after, but=STOOD_IN.get((name, table), ())) == []
            assert (after.recv_ns - before.recv_ns > DAY_NS).all()
    assert late_rows(world.files) == []
    assert causes(world.files) == set()
    assert world.exchange.violations == []
    said = {line["event"] for line in world.lines if line["level"] != "info"}
    assert said <= {"clock_offset"}, "the venue's times are of yesterday, and that is said"
