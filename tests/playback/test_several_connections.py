"""Recordings that were made on more than one connection are played as one."""

from __future__ import annotations

import pytest
from trio.testing import MockClock

from tests.playback.recorded import (
    STOOD_IN,
    book_at,
    connections_of,
    differing,
    late_rows,
    of_table,
    part,
    record_played,
    record_simulated,
    streams_of,
)
from tests.service.oracle import Rows, causes
from tests.service.world import World
from tick_logger.playback.exchange import Playing
from tick_logger.simulator.registry import DIALECTS

SECS = 30.123
WITHOUT_IDS = {"kraken"}
"""Exchanges whose updates of books have none, so that a recording has some twice."""
RESUMED = {"binance"}
"""Exchanges whose books go on after a reconnect that has cost no update."""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["binance", "kraken", "okx"])
async def test_a_hand_over_is_played_without_a_break(name: str, autojump_clock: MockClock) -> None:
    """While a successor takes over, both are sent everything: who listens hears it once."""

    def during(world: World) -> None:
        assert world.exchange.announce_shutdown() > 0

    recording = await record_simulated(name, SECS, during=during)
    assert len(connections_of(recording, name)) > 1
    world = await record_played(name, recording, 2 * SECS, Playing())
    for symbol, tables in streams_of(recording, name).items():
        for table in tables:
            before, after = (of_table(f, name, symbol, table) for f in (recording, world.files))
            if table == "BOOK":
                assert book_at(before, len(before)) == book_at(after, len(after))
                # The successor's own snapshot, in the middle of a book, is of no use to anybody.
                assert after["flags"].sum() < before["flags"].sum()
                before, after = (part(each, each["flags"] == 0) for each in (before, after))
            if table == "BOOK" and name in WITHOUT_IDS:
                assert said_in(before) == said_in(after)  # which of them came twice nobody knows
                assert len(said_in(after)) == len(after)
                continue
            assert differing(before, after, but=STOOD_IN.get((name, table), ())) == []
    assert late_rows(world.files) == []
    assert causes(world.files) == set()


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(DIALECTS))
async def test_a_reconnect_is_played_with_its_hole(name: str, autojump_clock: MockClock) -> None:
    """What was received after it goes on, and books are right again."""

    def during(world: World) -> None:
        world.exchange.cut_all(abrupt=True)

    recording = await record_simulated(name, SECS, during=during)
    assert len(connections_of(recording, name)) > 1
    assert "disconnect" in causes(recording)
    world = await record_played(name, recording, 2 * SECS, Playing())
    for symbol, tables in streams_of(recording, name).items():
        for table in tables:
            before, after = (of_table(f, name, symbol, table) for f in (recording, world.files))
            if table == "BOOK":
                assert book_at(before, len(before)) == book_at(after, len(after))
                if name in RESUMED:  # its own snapshot, in the middle of a book, is of no use
                    before, after = (part(each, each["flags"] == 0) for each in (before, after))
            assert differing(before, after, but=STOOD_IN.get((name, table), ())) == []
    assert late_rows(world.files) == []
    assert causes(world.files) <= {"sequence", "resync"}, "as far as ids tell"


def said_in(found: Rows) -> set[tuple[int, int, float, float]]:
    """What the rows of a book say, each once."""
    columns = [found[name].tolist() for name in ("side", "price", "size")]
    return set(zip(found.event_ns.tolist(), *columns, strict=True))
