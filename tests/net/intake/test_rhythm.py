"""What silences are normal: learned from arrivals, at exact times."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tick_logger.model.tables import Table
from tick_logger.net.intake.rhythm import (
    FAR_BEYOND,
    FORGET_EVERY_SECS,
    FORGOTTEN_BY_HALF_SECS,
    KNOWN_AFTER,
    NEVER,
    Rhythm,
)

BTC, ETH = 0, 700  # beyond what there is room for at first
TRADES = Table.TRADES


def deliver(rhythm: Rhythm, *rows: tuple[int, float], table: Table = TRADES) -> None:
    """One batch of rows: instruments with their times of arrival."""
    instruments, arrived = zip(*rows, strict=True)
    rhythm.delivered(table, np.array(instruments, np.int32), np.array(arrived, np.float64))


def regular(rhythm: Rhythm, every_secs: float, until: float, instrument: int = BTC) -> None:
    """One delivery after the other, from time 0."""
    for number in range(round(until / every_secs) + 1):
        deliver(rhythm, (instrument, number * every_secs))


def test_nothing_is_usual_before_it_is_known() -> None:
    """So many silences must have been learned from, of this table and this instrument."""
    rhythm = Rhythm()
    assert rhythm.limit_secs(TRADES, BTC) is None
    regular(rhythm, 1.0, KNOWN_AFTER - 1)
    assert rhythm.limit_secs(TRADES, BTC) is None
    deliver(rhythm, (BTC, KNOWN_AFTER * 1.0))
    assert rhythm.limit_secs(TRADES, BTC) == FAR_BEYOND * 1.0
    assert rhythm.limit_secs(TRADES, ETH) is None
    assert rhythm.limit_secs(Table.MD, BTC) is None


def test_the_longest_silence_counts_and_not_the_mean() -> None:
    """Trades come in bursts."""
    rhythm = Rhythm()
    regular(rhythm, 0.5, 10.0)
    deliver(rhythm, (BTC, 40.0))
    for late in range(1, 20):
        deliver(rhythm, (BTC, 40.0 + late))
    assert rhythm.limit_secs(TRADES, BTC) == FAR_BEYOND * 30.0


def test_when_rows_came_last() -> None:
    """The newest of a batch, per table and instrument."""
    rhythm = Rhythm()
    assert rhythm.last(TRADES, BTC) == NEVER
    deliver(rhythm, (BTC, 1.0), (ETH, 2.0), (BTC, 3.0))
    assert rhythm.last(TRADES, BTC) == 3.0
    assert rhythm.last(TRADES, ETH) == 2.0
    assert rhythm.last(Table.MD, BTC) == NEVER


def test_silence_is_what_was_between_arrivals_however_late_they_are_decoded() -> None:
    """A writer that stalls hands all over at once: that is not the silence of a market."""
    rhythm = Rhythm()
    regular(rhythm, 1.0, 30.0)
    deliver(rhythm, *((BTC, 30.0 + late) for late in range(1, 61)))
    deliver(rhythm, (BTC, 92.0))
    assert rhythm.last(TRADES, BTC) == 92.0
    assert rhythm.limit_secs(TRADES, BTC) == FAR_BEYOND * 2.0


@pytest.mark.parametrize("seed", range(5))
def test_batches_of_many_instruments_are_learned_from_one_by_one(seed: int) -> None:
    """Compared with a plain loop over the first and last arrivals of each batch."""
    rng = random.Random(seed)
    rhythm = Rhythm()
    last: dict[int, float] = {}
    longest: dict[int, float] = {}
    now = 0.0
    for _ in range(60):
        batch = []
        for _ in range(rng.randrange(1, 30)):
            now += rng.choice([0.0, 0.25, 1.5])
            batch.append((rng.randrange(12) * 100, now))
        for instrument in {each for each, _ in batch}:
            times = [at for each, at in batch if each == instrument]
            if instrument in last:
                silence = times[0] - last[instrument]
                longest[instrument] = max(longest.get(instrument, 0.0), silence)
            last[instrument] = times[-1]
        if now >= FORGET_EVERY_SECS:
            break
        deliver(rhythm, *batch)
        for instrument, at in last.items():
            assert rhythm.last(TRADES, instrument) == at
            limit = rhythm.limit_secs(TRADES, instrument)
            assert limit in (None, FAR_BEYOND * longest.get(instrument, 0.0))


def test_a_silence_that_was_a_fault_is_not_learned_from() -> None:
    """Whenever it is said that it was one: before it, as a connection ends, or within it."""
    for at in (20.0, 500.0):
        rhythm = Rhythm()
        regular(rhythm, 1.0, 20.0)
        rhythm.begin_again(TRADES, BTC, at)
        deliver(rhythm, (BTC, 1000.0))
        deliver(rhythm, (BTC, 1001.5))
        assert rhythm.limit_secs(TRADES, BTC) == FAR_BEYOND * 1.5


def test_a_silence_that_nothing_helps_against_is_called_normal() -> None:
    """Unless a longer one is."""
    rhythm = Rhythm()
    regular(rhythm, 1.0, 20.0)
    rhythm.accept(TRADES, BTC, 300.0)
    rhythm.accept(TRADES, BTC, 60.0)
    assert rhythm.limit_secs(TRADES, BTC) == FAR_BEYOND * 300.0


def test_old_silences_are_forgotten_by_half() -> None:
    """After so long; others deliver meanwhile, which is what time passes by."""
    rhythm = Rhythm()
    regular(rhythm, 1.0, 20.0)
    rhythm.accept(TRADES, BTC, 300.0)
    deliver(rhythm, (ETH, 20.0 + FORGOTTEN_BY_HALF_SECS))
    limit = rhythm.limit_secs(TRADES, BTC)
    assert limit is not None
    assert limit == pytest.approx(FAR_BEYOND * 150.0, rel=0.001)
    for step in range(1, 721):  # as much again, in minutes
        deliver(rhythm, (ETH, 20.0 + FORGOTTEN_BY_HALF_SECS + step * 60.0))
    limit = rhythm.limit_secs(TRADES, BTC)
    assert limit == pytest.approx(FAR_BEYOND * 75.0, rel=0.001)


def test_nothing_is_forgotten_before_anything_was_known() -> None:
    """A clock begins anywhere."""
    rhythm = Rhythm()
    for number in range(30):
        deliver(rhythm, (BTC, 1e7 + number))
    assert rhythm.limit_secs(TRADES, BTC) == FAR_BEYOND * 1.0


def test_silences_of_all_streams_may_say_nothing_about_the_market() -> None:
    """As while their sockets are read slowly."""
    rhythm = Rhythm()
    regular(rhythm, 1.0, KNOWN_AFTER + 1)
    rhythm.begin_all_again(30.0)
    deliver(rhythm, (BTC, 90.0))
    forgotten = 0.01  # a little of what was learned, within minutes
    assert rhythm.limit_secs(TRADES, BTC) == pytest.approx(FAR_BEYOND * 1.0, rel=forgotten)
    deliver(rhythm, (BTC, 150.0))
    assert rhythm.limit_secs(TRADES, BTC) == pytest.approx(FAR_BEYOND * 60.0, rel=forgotten)
