"""Ten connections that never last: the recording stays sound, and every loss is written down."""

from __future__ import annotations

import pytest

from tests.service.oracle import check, gaps, rows
from tests.service.world import World, binance, coinbase, in_virtual_time, running
from tick_logger.simulator.faults import Faults
from tick_logger.verify.tree import verify

BASES = ("BTC", "ETH", "SOL", "XRP", "ADA", "DOT", "LTC", "LINK", "DOGE", "AVAX")
TABLES = ("TRADES", "MD", "QUOTES", "BOOK")
STORM = Faults(
    cut_after_secs=(2.0, 6.0),
    abrupt_cut_probability=0.5,
    garbage_probability=0.02,
    duplicate_probability=0.05,
    reorder_probability=0.1,
    id_hole_probability=0.02,
)
SECS = 60.0

SEEDS = [*range(2), *(pytest.param(seed, marks=pytest.mark.seldom) for seed in range(2, 10))]
"""One of each venue for each change."""


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_a_storm_leaves_a_sound_recording(seed: int) -> None:
    """No row twice, none out of order, every hole in the gaps file, and numbers that add up."""
    in_virtual_time(storm, seed)


async def storm(seed: int) -> None:
    simulated = {"faults": STORM, "messages_per_second": 40.0, "step_secs": 0.1}
    config = {"symbols_per_connection": 1, "reconnect_max_secs": 2.0}
    if seed % 2:
        venue = binance(*(f"{base}USDT" for base in BASES), simulated=simulated, config=config)
    else:
        venue = coinbase(*(f"{base}-USD" for base in BASES), simulated=simulated, config=config)
    async with running(venue, seed=seed) as world:
        await world.until(SECS + 0.0123)
        up = world.metric("connections_up")
        assert 0 <= up <= world.metric("connections_wanted") == 10
        numbers = world.service.snapshot().exchanges[venue.name]
        assert await world.stop() == 0
    assert check(world) > 300
    check_numbers(world)
    assert numbers.symbols == 10
    assert numbers.seconds_since_data is not None
    assert 0.0 <= numbers.seconds_since_data < 5.0
    assert world.exchange.violations == []
    assert world.metric("connections_up") == 0


def check_numbers(world: World) -> None:
    """The metrics say what is on disk, and what happened."""
    name, counts = world.exchange.name, world.exchange.counts
    symbols = world.exchange.truth.symbols()
    report = verify(world.files, dense=lambda *_: False)
    assert world.metric("rows_written_total") == report.rows
    late = sum(
        len(rows(world.files, name, symbol, table, late=True))
        for symbol in symbols
        for table in TABLES
    )
    assert world.metric("late_rows_total") == late
    holes = [gap for s in symbols for table in TABLES for gap in gaps(world.files, name, s, table)]
    assert world.metric("sequence_gaps_total") == len(holes)
    assert world.metric("ids_missing_total") == sum(
        hole["to_id"] - hole["from_id"] + 1 for hole in holes if hole["from_id"] is not None
    )
    lost = [line for line in world.said("connection_lost") if line["connection"] != "listing"]
    assert world.metric("reconnects_total") == len(lost) > 50
    assert counts.cut >= len(lost)
    greetings = 2 * (len(lost) + 10)  # the latest match and ticker, again at each subscription
    assert 0 < world.metric("duplicates_total") <= counts.duplicated + greetings
    assert 0 < world.metric("parse_errors_total") <= counts.garbage
    assert world.metric("messages_dropped_total") == 0
