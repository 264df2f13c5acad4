"""The same rows, marks and ticks give the same bytes, instrument by instrument."""

from __future__ import annotations

import random

import attrs
import pytest

from tests.pipeline.market import INSTRUMENTS, Items, scene
from tests.pipeline.streams import DAY, T0, Out, new_pipeline, record
from tick_logger.model.marks import Interrupted, Lapse, Resumed, Retired
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import Table


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
            if (last.table, last.route) == (item.table, item.route):
                both = RowBatch.concat(item.table, [last, item])
                joined[-1:] = [attrs.evolve(both, route=item.route)]
            else:
                joined.append(item)
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
        elif isinstance(item, Interrupted | Resumed | Lapse | Retired):
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
