"""Ids that begin again: every trade once, and no hole but of ids that there were."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pipeline.renumbered import MS, delivered, in_ticks, market, missing, recorded
from tests.pipeline.streams import (
    DAY,
    SECOND,
    T0,
    Out,
    continued,
    new_pipeline,
    record,
    tail_of,
    ticked,
    trades,
)
from tick_logger.model.cause import Cause
from tick_logger.model.flush import VOID, GapRecord
from tick_logger.model.marks import Interrupted, LastTradeId, Mark, Resumed
from tick_logger.model.proof import Ids
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import Table

many = settings(max_examples=400)

Ticks = list[list[RowBatch | Mark]]


def at(second: float, *ids: int, lag: float = 0.0) -> RowBatch:
    """Trades a hundredth of a second apart, the first one at this second."""
    events = [T0 + round(second * SECOND) + n * 10 * MS for n in range(len(ids))]
    return trades(
        [(0, e + 5 * MS + round(lag * SECOND), e, i) for e, i in zip(events, ids, strict=True)]
    )


def began_again(before: int, first: int, from_ns: int, to_ns: int) -> GapRecord:
    return GapRecord(0, Table.TRADES, before, first, from_ns, to_ns, Cause.RENUMBERED, VOID)


def holes(out: Out) -> list[tuple[int | None, int | None]]:
    """The ids of all records that are about holes."""
    return [(gap.from_id, gap.to_id) for gap in out.gaps if gap.healed != VOID]


@many
@given(st.integers(0, 2**40), st.sampled_from([0.0, 0.1, 0.4]))
def test_every_trade_is_recorded_once_and_the_holes_are_the_ids_that_were_lost(
    seed: int, loss: float
) -> None:
    """Two connections that overlap, lose, repeat and reorder, while ids begin again."""
    rng = Random(seed)
    truth = market(rng)
    came = delivered(rng, truth, loss=loss)
    out = record(in_ticks(rng, came.received))
    assert recorded(out) == Counter((t.event_ns, t.id) for t in came.sent)
    assert missing(out.gaps) == Counter(t.id for t in came.lost)
    # Where ids go back by two while the last of before is still to come, it may be told as strays.
    assert out.begun_again[0] <= truth[-1].numbering
    assert bool(out.begun_again + out.strays) == bool(truth[-1].numbering)
    main = out.keys()
    assert main == sorted(main)


@many
@given(st.integers(0, 2**40), st.sampled_from([0.0, 0.1, 0.4]), st.booleans())
def test_it_is_the_same_if_the_process_ends_at_any_moment(
    seed: int, loss: float, killed: bool
) -> None:
    """Continued from its state, or from nothing but its files, after which trades come again."""
    rng = Random(seed)
    truth = market(rng, most_numberings=3)
    came = delivered(rng, truth, loss=loss)
    ticks = in_ticks(rng, came.received)
    cut = rng.randrange(len(ticks))
    pipeline, out = new_pipeline(), Out()
    ticked(out, pipeline, *ticks[:cut])
    if killed:
        pipeline = continued(pipeline, Cause.CRASH, T0)
    else:
        out.add(pipeline.close(T0 + DAY))
        met = [(0, Table.TRADES)] if out.keys() else []
        pipeline = new_pipeline({stream: tail_of(out, *stream) for stream in met})
    again = [batch for items in ticks[max(cut - 3, 0) : cut] for batch in items]
    ticked(out, pipeline, again, *ticks[cut:])
    out.add(pipeline.close(T0 + DAY))
    assert recorded(out) == Counter((t.event_ns, t.id) for t in came.sent)
    if killed:
        assert missing(out.gaps) == Counter(t.id for t in came.lost)


@many
@given(st.integers(0, 2**40))
def test_a_stray_is_recorded_and_moves_nothing(seed: int) -> None:
    """One trade after another has an id of anywhere below; the others lack some, or none."""
    rng = Random(seed)
    low = rng.choice([1, 500, 2**53])
    ids = [id_ for id_ in range(low, low + 60) if id_ < low + 3 or rng.random() < 0.9]
    ticks: Ticks = [[]]
    sent, strays, now = Counter[tuple[int, int]](), 0, T0
    for place, id_ in enumerate(ids):
        chosen = [id_]
        if place > 2 and ids[place - 1] == id_ - 1 and rng.random() < 0.2:
            # Any but one that is missing: with a newer time, that one is new to nobody.
            chosen.insert(0, rng.choice([rng.randrange(low), *ids[:place]]))
            strays += 1
        for each in chosen:
            now += rng.choice([1, MS, 300 * MS])
            ticks[-1].append(trades([(0, now + MS, now, each)]))
            sent[now, each] += 1
            if rng.random() < 0.4:
                ticks.append([])
    out = record(ticks)
    assert recorded(out) == sent
    assert missing(out.gaps) == Counter(set(range(low, ids[-1])) - set(ids))
    assert (out.strays[0], out.begun_again[0]) == (strays, 0)
    assert [gap.cause for gap in out.gaps if gap.healed].count(Cause.STRAY) == strays


# -- what is recorded ------------------------------------------------------------------------------


@pytest.mark.parametrize("flush", [1, 4, 100], ids=["each", "some", "all at once"])
def test_new_ids_pass_through_the_range_of_the_old_ones(flush: int) -> None:
    """Twenty ids are there twice, and the one that is missing the second time is a hole."""
    old, new = range(31, 51), [*range(1, 40), *range(41, 61)]
    batches = [at(n, id_) for n, id_ in enumerate((*old, *new))]
    ticks: Ticks = [[*batches[n : n + flush]] for n in range(0, len(batches), flush)]
    out = record([*ticks, [], []])
    assert out.ids() == sorted((*old, *new))
    assert holes(out) == [(40, 40)]
    assert out.gaps[0] == began_again(50, 1, T0 + 19 * SECOND + 5 * MS, T0 + 20 * SECOND + 5 * MS)
    assert (out.begun_again, out.strays, out.duplicates) == ({0: 1}, {}, {})


@pytest.mark.parametrize("ids", Ids)
@pytest.mark.parametrize(("low", "begin"), [(31, 1), (5_000, 4_990), (2**63, 7)])
def test_whatever_ids_are_a_trade_is_more_than_its_id(ids: Ids, low: int, begin: int) -> None:
    """It is recorded with an id that was there, and known again when it is sent again."""
    first, second = range(low, low + 20), range(begin, begin + 60)
    before, after = at(0, *first), at(10, *second)
    pipeline, out = new_pipeline(ids=ids), Out()
    ticked(out, pipeline, [before], [before], [], [], [after], [after, before], [], [after])
    out.add(pipeline.close(T0 + DAY))
    assert out.ids() == sorted((*first, *second))
    assert out.duplicates == {0: 2 * (20 + 60)}
    assert holes(out) == []
    assert out.unproven_holes == {}
    assert out.begun_again == ({} if ids is Ids.OPAQUE else {0: 1})


def test_the_content_tells_two_trades_of_one_id_and_moment_apart() -> None:
    """While they are in the reorder window, where all of the first is known."""
    one = trades([(0, T0, T0, 7), (0, T0, T0 + 5, 8)])
    other = one.replace(price=one["price"] + 1)
    out = record([[one], [one, other, other], [], []])
    assert out.ids() == [7, 7, 8, 8]
    assert out.duplicates == {0: 4}


def test_numberings_follow_each_other_over_midnight() -> None:
    """The last trade of a day, and the first one of the next with a lower id."""
    end = DAY / SECOND
    out = record([[at(end - 1, 98, 99)], [at(end + 1, 1, 2)], [at(end + 2, 3, 5)], [], []])
    assert out.ids() == [1, 2, 3, 5, 98, 99]
    assert [run.day - out.runs[0].day for run in out.runs] == [0, 1, 1]
    assert holes(out) == [(4, 4)]


def test_the_slower_of_two_connections_still_has_old_trades_when_ids_have_begun_again() -> None:
    """What the faster one lost is healed or no hole at all; what it had is a repetition."""
    fast = [at(0, 46, 47, 48), at(0.04, 50), at(2, 1, 2, 3, 4)]
    slow = [at(0, 46, 47, 48, lag=2), at(0.03, 49, lag=2), at(0.04, 50, lag=2), at(0.05, 51, lag=2)]
    out = record([[*fast], [], [], [], [*slow], [at(3, 5, 6)], [], []])
    assert out.ids() == [1, 2, 3, 4, 5, 6, 46, 47, 48, 49, 50, 51]
    assert out.duplicates == {0: 4}
    assert [(gap.from_id, gap.to_id, gap.healed) for gap in out.gaps] == [
        (50, 1, VOID),
        (49, 49, False),
        (49, 49, "late"),
    ]


def test_a_hole_of_one_numbering_is_not_filled_by_another() -> None:
    """Each lacks an id of its own, which is the same."""
    out = record([[at(0, 1, 2, 3, 5)], [at(2, 1, 2, 3, 5)], [at(0.03, 4)], [], []])
    assert out.ids() == [1, 1, 2, 2, 3, 3, 4, 5, 5]
    assert missing(out.gaps) == {4: 1}


def test_one_trade_with_a_low_id_says_nothing_until_the_next_one() -> None:
    """Whether ids have begun again, or it was a stray, shows only then."""
    for following, begun_again, strays, lost in (
        (at(2, 6, 7), 1, 0, []),
        (at(2, 8, 9), 0, 0, []),  # two in doubt are not enough where they are not adjacent ...
        (at(2, 1001, 1002), 0, 1, []),
        (at(2, 1003), 0, 1, [(1001, 1002)]),
    ):
        pipeline, out = new_pipeline(), Out()
        ticked(out, pipeline, [at(0, 999, 1000)], [at(1, 5)], [], [])
        assert (out.begun_again, out.strays, out.gaps) == ({}, {}, [])
        ticked(out, pipeline, [following], [], [])
        if following["seq"][0] == 8:  # ... as 8 and 9 are
            assert holes(out) == [(6, 7)]
            continue
        assert (out.begun_again[0], out.strays[0]) == (begun_again, strays)
        assert holes(out) == lost


def test_a_stray_that_is_sent_again_is_a_repetition() -> None:
    """By another connection, at once or long after."""
    stray = at(1, 5)
    out = record([[at(0, 999, 1000)], [stray], [stray], [], [], [at(2, 1001), stray], [stray]])
    assert out.ids() == [5, 999, 1000, 1001]
    assert out.duplicates == {0: 3}
    assert out.gaps == [
        GapRecord(
            *(0, Table.TRADES, 1000, 5, T0 + 15 * MS, T0 + SECOND + 5 * MS),
            *(Cause.STRAY, VOID),
        )
    ]


@pytest.mark.parametrize("apart", [0, 1])
@pytest.mark.parametrize("interrupted", [False, True])
def test_the_last_id_again_is_a_stray_as_soon_as_the_next_one_comes(
    interrupted: bool, apart: int
) -> None:
    """Also of the same moment; what an interruption before it has cost no id tells."""
    moment = T0 + 2 * SECOND
    again = trades([(0, moment + 5 * MS, moment + n * apart, 1000 + n) for n in range(3)])
    streams = (0,), (Table.TRADES,)
    lost = Interrupted(*streams, T0 + SECOND, Cause.CRASH)
    back = Resumed(*streams, moment - MS)
    stray = T0 + 15 * MS, moment + 5 * MS, Cause.STRAY, VOID
    marks: list[Mark] = [lost, back] if interrupted else []
    out = record([[at(0, 999, 1000)], [], [*marks, again], []])
    assert out.ids() == [999, 1000, 1000, 1001, 1002]
    assert out.gaps[0] == GapRecord(0, Table.TRADES, 1000, 1000, *stray)
    times = [(gap.from_ns, gap.to_ns) for gap in out.gaps[1:]]
    assert times == ([(T0 + SECOND, moment - MS)] if interrupted else [])


# -- interruptions, and what the venue announces ---------------------------------------------------


def test_an_interruption_between_two_numberings_is_a_record_of_times() -> None:
    """No id tells what was sent meanwhile; one after it is told of by ids, as ever."""
    streams = (0,), (Table.TRADES,)
    lost = [Interrupted(*streams, T0 + n * SECOND, Cause.DISCONNECT) for n in (1, 5)]
    back = [Resumed(*streams, T0 + n * SECOND) for n in (3, 6)]
    out = record(
        [
            [at(0, 31, 32), lost[0]],
            [back[0]],
            [at(4, 1, 2, 3), lost[1]],
            [back[1], at(7, 4, 5)],
            *([], []),
        ]
    )
    assert out.gaps == [
        began_again(32, 1, T0 + 15 * MS, T0 + 4 * SECOND + 5 * MS),
        GapRecord(0, Table.TRADES, None, None, T0 + SECOND, T0 + 3 * SECOND, Cause.DISCONNECT),
    ]


def test_an_interruption_that_goes_on_while_ids_begin_again_is_recorded_when_it_ends() -> None:
    """On one of two connections trades came nevertheless."""
    streams = (0,), (Table.TRADES,)
    lost = Interrupted(*streams, T0 + SECOND, Cause.MOVED)
    out = record([[at(0, 31), lost], [at(2, 1, 2)], [], [Resumed(*streams, T0 + 9 * SECOND)], []])
    assert out.gaps[1:] == [
        GapRecord(0, Table.TRADES, None, None, T0 + SECOND, T0 + 9 * SECOND, Cause.MOVED)
    ]


def test_the_newest_id_is_announced_of_the_numbering_that_there_is() -> None:
    """That of before may be told a moment longer; later the same number is one of the new ids."""
    echo, late, true = (LastTradeId(0, 50, T0 + n * SECOND) for n in (3, 4, 60))
    pipeline, out = new_pipeline(), Out()
    ticked(out, pipeline, [at(0, 49, 50)], [at(3.5, 1, 2)], [echo], [late], [], [])
    assert holes(out) == []
    ticked(out, pipeline, [true], [], [], [])
    assert holes(out) == [(3, 50)]


# -- state -----------------------------------------------------------------------------------------


def test_a_state_of_before_numberings_is_continued() -> None:
    """It has no more than a range with holes, and the receive time of its end."""
    pipeline, out = new_pipeline(), Out()
    ticked(out, pipeline, [at(0, 40, 41, 43, 44)], [], [], [])
    state = pipeline.dump()
    names = ("instrument", "low", "high", "high_recv_ns", "holes", "hole_first", "hole_last")
    ids = state["tables"]["TRADES"]["ids"]
    state["tables"]["TRADES"]["ids"] = {name: ids[name] for name in names}
    again = new_pipeline()
    again.load(state)
    ticked(out, again, [at(0.01, 41, 42)], [at(1, 45, 46)], [at(2, 1, 2, 4)], [], [])
    assert out.ids() == [1, 2, 4, *range(40, 47)]
    assert missing(out.gaps) == {3: 1}
    assert (out.begun_again, out.duplicates) == ({0: 1}, {0: 1})


def test_what_is_in_doubt_at_a_stop_is_told_after_it() -> None:
    """Whether by the state or by the files: the last rows show which numbering is the present."""
    pipeline, out = new_pipeline(), Out()
    ticked(out, pipeline, [at(0, 49, 50)], [at(1, 1)])
    closed = new_pipeline()
    closed.load(pipeline.dump())
    before = Out()
    before.add(closed.close(T0 + DAY))
    for again in (
        continued(pipeline),
        new_pipeline({(0, Table.TRADES): tail_of(_joined(out, before), 0, Table.TRADES)}),
    ):
        after = Out()
        ticked(after, again, [at(200, 2, 3)], [], [])
        assert after.begun_again == {0: 1}
        assert [gap.to_id for gap in after.gaps if gap.cause is Cause.RENUMBERED] == [1]
        assert [gap for gap in after.gaps if gap.from_id and not gap.healed] == []


def _joined(*parts: Out) -> Out:
    joined = Out()
    for part in parts:
        joined.runs += part.runs
    return joined


FAR = [2**63 - 1, 2**63 - 2**20, 2**53, 2**32, 10**8]


@pytest.mark.parametrize("far", FAR)
@pytest.mark.parametrize("ids_in_a_tick", [1, 2, 50])
def test_an_id_far_above_all_others_is_a_stray(far: int, ids_in_a_tick: int) -> None:
    """It opens no hole; what is lost later has its record, and the trade is recorded."""
    came = [*range(10, 20), far, *range(20, 30), *range(33, 40)]
    batches = [at(n / 10, id_) for n, id_ in enumerate(came)]
    ticks = [batches[n : n + ids_in_a_tick] for n in range(0, len(batches), ids_in_a_tick)]
    out = record([list(tick) for tick in ticks])
    assert recorded(out).total() == len(came)
    assert holes(out) == [(30, 32)]
    assert (out.begun_again[0], out.strays[0]) == (0, 1)


@pytest.mark.parametrize("far", FAR)
def test_ids_that_go_on_far_above_have_begun_again(far: int) -> None:
    """There is no hole between, and one behind that is told."""
    came = [*range(10, 20), *range(far - 40, far - 30), *range(far - 28, far - 20)]
    out = record([[at(n / 10, id_)] for n, id_ in enumerate(came)])
    assert recorded(out).total() == len(came)
    assert holes(out) == [(far - 30, far - 29)]
    assert (out.begun_again[0], out.strays[0]) == (1, 0)


@pytest.mark.parametrize("far", FAR)
def test_a_newest_id_far_above_is_not_believed(far: int) -> None:
    """The exchange says so on subscribing; nothing is missing for that."""
    said = LastTradeId(0, T0 + SECOND, far)
    out = record([[at(0.0, 10, 11)], [said], [at(2.0, 12, 13)], [at(3.0, 15)]])
    assert holes(out) == [(14, 14)]
