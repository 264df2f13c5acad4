"""The same rows, marks and ticks give the same bytes, instrument by instrument."""

from __future__ import annotations

import random

import pytest

from tests.pipeline.market import INSTRUMENTS, Items, delivered, market
from tests.pipeline.streams import (
    DAY,
    T0,
    Level,
    Out,
    book,
    new_pipeline,
    quotes,
    record,
    tickers,
    trades,
)
from tick_logger.model.marks import (
    AwaitSnapshot,
    Interrupted,
    LastTradeId,
    Mark,
    MissingIds,
    Resumed,
    Retired,
)
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import FLAG_SNAPSHOT, NO_TIME, Table


def scene(rng: random.Random) -> list[Items]:
    """Ticks with rows of every table and marks of every kind, for three instruments."""
    arrivals = [trade for trade in delivered(rng, market(rng, 25)) if rng.random() > 0.05]
    ticks: list[Items] = [[]]
    for number, trade in enumerate(arrivals):
        instrument, recv, event, seq = trade
        ticks[-1] += [
            trades([trade]),
            quotes([(instrument, recv, NO_TIME, seq // 2)]),
            tickers([(instrument, recv, event, seq // 3)]),
        ]
        flags = FLAG_SNAPSHOT if number % 9 == 0 else 0
        time = NO_TIME if flags or number % 7 == 0 else event
        seq_or_none = seq if instrument else 0
        ticks[-1].append(
            book(
                Level(recv, time, seq_or_none, n % 2, float(n), float(number), flags, instrument)
                for n in range(3)
            )
        )
        one: tuple[int, ...] = (instrument,)
        marks: dict[int, Mark] = {
            5: Interrupted(one, (Table.TRADES, Table.MD), recv, "disconnect"),
            9: Resumed(one, (Table.TRADES, Table.MD, Table.BOOK), recv),
            14: LastTradeId(instrument, seq + 1, recv),
            21: AwaitSnapshot(instrument, recv),
            30: MissingIds(instrument, Table.BOOK, 3, 4, recv - 5, recv, "sequence"),
            41: Retired(one, recv),
        }
        mark = marks.get(number % 50)
        if mark is not None:
            ticks[-1].append(mark)
        if rng.random() < 0.15:
            ticks.append([])
    return ticks


def recut(rng: random.Random, items: Items) -> Items:
    """The same rows and marks in the same order, in other batches."""
    cut: Items = []
    for item in items:
        if not isinstance(item, RowBatch):
            cut.append(item)
            continue
        position = 0
        while position < len(item):
            size = rng.randrange(1, 4)
            cut.append(item.take(slice(position, position + size)))
            position += size
        if cut and isinstance(cut[-1], RowBatch) and rng.random() < 0.3:
            cut.append(RowBatch.empty(item.table))
    return merged(rng, cut)


def merged(rng: random.Random, items: Items) -> Items:
    """Neighbouring batches of one table joined, here and there."""
    joined: Items = []
    for item in items:
        last = joined[-1] if joined else None
        if isinstance(item, RowBatch) and isinstance(last, RowBatch) and rng.random() < 0.5:
            same = last.table is item.table
            joined[-1:] = [RowBatch.concat(item.table, [last, item])] if same else [last, item]
        else:
            joined.append(item)
    return joined


@pytest.mark.parametrize("seed", range(10))
def test_the_output_is_a_function_of_rows_marks_and_ticks(seed: int) -> None:
    """The same again gives the same bytes, however pushes and batches are cut."""
    ticks = scene(random.Random(seed))
    once = record(ticks)
    assert len(once.gaps) > 3
    assert {run.table for run in once.runs} == set(Table)
    assert record(scene(random.Random(seed))).fingerprint() == once.fingerprint()
    rng = random.Random(seed)
    pipeline, out = new_pipeline(), Out()
    for items in ticks:
        cut = recut(rng, items)
        for item in cut:
            pipeline.push([item])
        out.add(pipeline.tick())
    out.add(pipeline.close(T0 + DAY))
    assert out.fingerprint() == once.fingerprint()


def only(items: Items, instrument: int) -> Items:
    """What of the items concerns the instrument."""
    mine: Items = []
    for item in items:
        if isinstance(item, RowBatch):
            mine.append(item.take(item["instrument"] == instrument))
        elif isinstance(item, Interrupted | Resumed | Retired):
            mine += [item] if instrument in item.instruments else []
        elif item.instrument == instrument:
            mine.append(item)
    return mine


@pytest.mark.parametrize("seed", range(5))
def test_instruments_do_not_influence_each_other(seed: int) -> None:
    """Each one's files are the same whether the others are recorded or not."""
    ticks = scene(random.Random(seed))
    together = record(ticks)
    for instrument in range(INSTRUMENTS):
        alone = record([only(items, instrument) for items in ticks])
        mine = Out(
            [run for run in together.runs if run.instrument == instrument],
            [gap for gap in together.gaps if gap.instrument == instrument],
        )
        assert mine.fingerprint() == alone.fingerprint()
