"""The recorder against what is played of its own journal from a moment on.

All that was received from then on is recorded again, and books are what they were.
"""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from trio.testing import MockClock

from tests.fakes.clock import NOON_NS
from tests.playback.recorded import (
    STOOD_IN,
    book_at,
    differing,
    late_rows,
    of_table,
    part,
    record_played,
    record_simulated,
    streams_of,
)
from tests.service.oracle import causes
from tick_logger.playback.exchange import Playing
from tick_logger.simulator.registry import DIALECTS

SECS, MOMENT_SECS = 40.123, 20.04
FROM_NS = NOON_NS + round(MOMENT_SECS * 1e9)
MOST_FILLS = 4  # of one order, in the last message before the moment
MOST_LEVELS = 60  # of a whole book, which is the last message before it


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(DIALECTS))
async def test_the_rows_after_it_and_the_books(name: str, autojump_clock: MockClock) -> None:
    """Before them come what new subscribers are told: a book, and each stream's last message."""
    recording = await record_simulated(name, SECS)
    world = await record_played(name, recording, SECS, Playing(from_ns=FROM_NS))
    streams = streams_of(recording, name)
    assert streams_of(world.files, name) == streams
    rng = Random(name)
    for symbol, tables in streams.items():
        for table in tables:
            before, after = (of_table(f, name, symbol, table) for f in (recording, world.files))
            received = before.recv_ns >= FROM_NS
            count = int(received.sum())
            assert 10 < count < len(before), f"{symbol} {table}"
            if table == "BOOK":
                for back in [0, *rng.sample(range(count), 5)]:
                    then, now = (book_at(each, len(each) - back) for each in (before, after))
                    assert then == now, f"{symbol}, {back} rows before the end"
            before = part(before, received)
            if table == "BOOK" and not before["flags"].all():
                after = part(after, after["flags"] == 0)  # of its own snapshot, which is new
            told = len(after) - count
            assert 0 <= told <= (MOST_LEVELS if table == "BOOK" else MOST_FILLS)
            after = part(after, np.arange(len(after)) >= told)
            assert differing(before, after, but=STOOD_IN.get((name, table), ())) == []
    assert late_rows(world.files) == []
    assert causes(world.files) <= {"start"}
    assert world.exchange.violations == []
