"""While the time of a trade is in doubt, nothing is concluded from its id that its time may deny.

The clock of a venue is set forward by two minutes; until that is learned from another instrument,
the trades of the one that is looked at wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest

from tests.pipeline.streams import DAY, SECOND, Out, by_rest, continued, new_pipeline, trades
from tests.pipeline.timed import MAKERS, MINUTE, NOON, Row, live
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.marks import LastTradeId, Mark, MissingIds
from tick_logger.model.proof import Ids
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import ORIGIN_REST, Table
from tick_logger.pipeline.pipeline import Pipeline

SET = 20
"""In this second the clock is set, and some seconds later that is known."""

Extra = dict[int, Sequence[RowBatch | Mark]]


def after_set(*ids: int, at: int = SET + 1) -> list[Row]:
    """Trades by the new clock, received in one second."""
    recv, event, _ = live(at, 0, 2 * MINUTE)[1:]
    return [(0, recv, event + n, id_) for n, id_ in enumerate(ids)]


def before_set(*ids: int) -> list[Row]:
    """Trades by the old clock, a second apart."""
    return [live(n + 1, id_) for n, id_ in enumerate(ids)]


def played(
    rows: Iterable[Row],
    extra: Extra | None = None,
    *,
    ids: Ids = Ids.DENSE,
    reload: int = 0,
    crash: int = 0,
    quiet: bool = False,
) -> Out:
    """What a pipeline gives to them in their seconds, while the other instrument trades on.

    In one second it goes on from its state, or another process does.  `quiet`: the other one has no
    trades by the new clock.
    """
    pipeline, out, every = new_pipeline(ids=ids), Out(), list(rows)
    for second in range(60):
        if second == reload != 0:
            state, pipeline = pipeline.dump(), new_pipeline(ids=ids)
            pipeline.load(state)
        if second == crash != 0:
            pipeline = continued(pipeline, stop=NOON + second * SECOND, count=3, ids=ids)
        other = live(second, 900 + second, 2 * MINUTE if second >= SET else 0, instrument=2)
        others = [other] if second < SET or not quiet else []
        mine = [row for row in every if row[1] == NOON + second * SECOND]
        pipeline.push([trades([*mine, *others]), *(extra or {}).get(second, ())])
        out.add(pipeline.tick(NOON + second * SECOND))
    out.add(pipeline.close(NOON + 60 * SECOND))
    return out


def missing(out: Out) -> list[GapRecord]:
    """All records about ids that are missing, or not any more."""
    odd = (Cause.RENUMBERED, Cause.STRAY)
    return [gap for gap in out.gaps if gap.from_id is not None and gap.cause not in odd]


@pytest.mark.parametrize("ids", [Ids.DENSE, Ids.SEEM_DENSE])
@pytest.mark.parametrize("reload", [0, SET + 2])
@pytest.mark.parametrize("first", [71, 96, 98])
def test_ids_that_begin_again_with_trades_in_doubt_lack_none(
    ids: Ids, reload: int, first: int
) -> None:
    """Nothing follows them, in whose times it could show that the ids between never were."""
    again = [*range(first, first + 4)], [first + 4]
    rows = [*before_set(*range(101, 109)), *after_set(*again[0]), *after_set(*again[1], at=SET + 3)]
    out = played(rows, ids=ids, reload=reload)
    assert missing(out) == []
    assert out.begun_again == {0: 1}
    assert out.keys() == [row[2:] for row in rows]


def test_a_hole_stays_open_in_which_ids_begin_again() -> None:
    """What was lost of the ids before is not there because others have the same ids."""
    rows = [*before_set(101, 102, 107, 108), *after_set(103, 104, 105, 106)]
    out = played(rows)
    assert out.missing() == {103, 104, 105, 106}
    assert not any(gap.healed for gap in missing(out))
    assert out.begun_again == {0: 1}


@pytest.mark.parametrize("ids", [Ids.DENSE, Ids.SEEM_DENSE])
def test_ids_that_others_had_begin_again_and_are_no_strays(ids: Ids) -> None:
    rows = [*before_set(*range(101, 109)), *after_set(*range(104, 112))]
    out = played(rows, ids=ids)
    assert (out.begun_again, out.strays) == ({0: 1}, {})
    assert out.ids() == sorted(row[3] for row in rows)


@pytest.mark.parametrize("second", [SET + 2, SET + 3])
def test_what_rest_brings_of_those_in_doubt_is_there_once(second: int) -> None:
    """In the first of these seconds they wait, in the second they have been taken."""
    rows = [*before_set(101, 102), *after_set(103, 105)]
    page = by_rest([(0, NOON + second * SECOND, after_set(0, 103)[0][2], 103)])
    out = played(rows, {second: [page]}, ids=Ids.OPAQUE)
    assert sorted([*out.ids(), *(seq for _, seq in rest_keys(out))]) == [101, 102, 103, 105]
    assert len(rest_keys(out)) == out.duplicates[0] == (second == SET + 2)


def rest_keys(out: Out) -> list[tuple[int, int]]:
    """Event time and id of each trade that came by REST."""
    runs = [run for run in out.runs if run.origin == ORIGIN_REST]
    return [
        (run.rows["event_ns"][n], run.rows["seq"][n]) for run in runs for n in range(len(run.rows))
    ]


@pytest.mark.parametrize("ids", [Ids.SPARSE, Ids.OPAQUE])
def test_a_trade_that_was_in_doubt_is_known_by_its_time(ids: Ids) -> None:
    """Another one of its id comes by REST."""
    (row,) = after_set(103)
    other = by_rest(
        [(0, NOON + 50 * SECOND, row[2] - MINUTE, 103), (0, NOON + 50 * SECOND, row[2], 103)]
    )
    out = played([*before_set(101, 102), row], {50: [other]}, ids=ids)
    assert rest_keys(out) == [(row[2] - MINUTE, 103)]


def test_a_trade_that_waits_was_understood() -> None:
    """That the other connection did not is no loss."""
    mark = MissingIds(0, Table.TRADES, 103, 103, NOON, NOON, Cause.UNDECODABLE)
    out = played([*before_set(101), *after_set(103)], {SET + 2: [mark]}, ids=Ids.OPAQUE)
    assert out.gaps == []


def test_trades_that_wait_are_not_missing_though_newer_ones_are_announced() -> None:
    told = LastTradeId(0, 105, NOON + (SET + 2) * SECOND)
    rows = [*before_set(101, 102), *after_set(103, 104)]
    out = played(rows, {SET + 2: [told]}, quiet=True)
    assert [(gap.from_id, gap.to_id, gap.healed) for gap in missing(out)] == [(105, 105, False)]


def test_trades_that_an_earlier_version_left_in_doubt_are_recorded() -> None:
    """It had taken their ids: they are no duplicates, and no others begin with them."""
    pipeline, out = new_pipeline(), Out()
    rows = [*before_set(101, 102), *after_set(103, 104)]
    for second in range(SET + 3):
        pipeline.push([of_second(second, rows)])
        out.add(pipeline.tick())
    pipeline = as_after_an_earlier_version(pipeline)
    out.add(pipeline.close(NOON + 60 * SECOND))
    assert out.ids() == [101, 102, 103, 104]
    assert out.ids(2) == [900 + second for second in range(SET + 3)]
    assert (out.duplicates, out.strays, out.begun_again, out.gaps) == ({}, {}, {}, [])


def test_trades_that_an_earlier_version_left_are_judged_with_those_that_follow() -> None:
    """So that these go on in the seconds in which they would have, too."""
    pipeline, released = new_pipeline(), list[list[tuple[int, int]]]()
    rows = [*before_set(101, 102), *after_set(103, 104), *after_set(105, at=SET + 3)]
    for second in range(SET + 3):
        pipeline.push([of_second(second, rows)])
        pipeline.tick()
    for each in (as_after_an_earlier_version(pipeline), pipeline):
        ids = []
        for second in range(SET + 3, SET + 12):
            each.push([of_second(second, rows)])
            out = Out()
            out.add(each.tick())
            ids += [(second, id_) for id_ in out.ids()]
            assert out.gaps == []
        assert [id_ for _, id_ in ids] == [103, 104, 105]
        released.append(ids)
    assert released[0] == released[1]


def of_second(second: int, rows: Iterable[Row]) -> RowBatch:
    """Those of this second, and one of the other instrument, whose clock was set."""
    other = live(second, 900 + second, 2 * MINUTE if second >= SET else 0, instrument=2)
    return trades([*(row for row in rows if row[1] == other[1]), other])


def as_after_an_earlier_version(pipeline: Pipeline) -> Pipeline:
    """One that goes on from the state as a version left it that took ids at once."""
    state = pipeline.dump()
    doubtful = state["times"]["doubtful"][Table.TRADES.value]
    assert sum(count for *_, count, _ in doubtful["parts"]) == 5  # with those of the other
    doubtful["parts"] = [part[:-1] for part in doubtful["parts"]]
    ledger = state["tables"][Table.TRADES.value]["ids"]
    for instrument, newest in ((0, 104), (2, 900 + SET + 2)):
        ledger["high"][ledger["instrument"] == instrument] = newest
    del ledger["timed_last"]
    left = new_pipeline()
    left.load(state)
    return left


@pytest.mark.parametrize("table", MAKERS)
@pytest.mark.parametrize("age", [MINUTE, 6 * DAY])
def test_a_version_that_knew_no_clocks_took_old_trades_as_they_were(age: int, table: Table) -> None:
    """What is missing before them is told at once, as where a journal is read from its beginning.

    Its venue is known by any row.
    """
    pipeline = new_pipeline(venues=("one", "two"))
    pipeline.push([MAKERS[table]([live(0, 102)])])
    pipeline.tick()
    state = pipeline.dump()
    del state["times"]
    pipeline, out = new_pipeline(venues=("one", "two")), Out()
    pipeline.load(state)
    recv = NOON + MINUTE + age
    for of in (0, 1):
        pipeline.push([trades([(of, recv, recv - age, 103), (of, recv, recv - age, 105)])])
    for _ in range(4):
        out.add(pipeline.tick())
    assert (out.ids(0)[-2:], out.missing(0)) == ([103, 105], {104})
    assert (out.ids(1), out.missing(1)) == ([], set())


@pytest.mark.parametrize("crash", range(SET + 1, SET + 12))
def test_ids_that_begin_again_before_a_crash_lack_none(crash: int) -> None:
    """What waits then is judged by what is known: what follows has to tell if that was wrong."""
    late = [row for n in range(8) for row in after_set(74 + n, at=SET + 12 + n)]
    rows = [*before_set(*range(101, 109)), *after_set(71, 72, 73), *late]
    out = played(rows, crash=crash)
    assert out.missing() == set()
    assert out.ids() == sorted(row[3] for row in rows)
