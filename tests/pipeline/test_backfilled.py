"""Trades that came by REST: each is on disk once, and what they fill is healed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline.streams import (
    DAY,
    SECOND,
    T0,
    Out,
    by_rest,
    continued,
    examples,
    new_pipeline,
    run_keys,
    trades,
)
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord, IdRun, StreamTail
from tick_logger.model.marks import Healed, Interrupted, MissingIds, Resumed
from tick_logger.model.proof import Ids
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import ORIGIN_REST, Table
from tick_logger.pipeline.pipeline import Pipeline

MS = 10**6
REST = "rest"


def streamed(*ids: int, at: int = 0) -> RowBatch:
    """Trades of instrument 0, one a second by their ids, received when they happen, or later."""
    return trades([(0, T0 + max(id_, at) * SECOND, T0 + id_ * SECOND, id_) for id_ in ids])


def asked(*ids: int, at: int = 50) -> RowBatch:
    """The same by REST."""
    return by_rest([(0, T0 + at * SECOND, T0 + id_ * SECOND, id_) for id_ in ids])


def played(pipeline: Pipeline, *ticks: Sequence[object], out: Out | None = None) -> Out:
    """What it gives to these ticks, a second each from the hundredth on."""
    out = out or Out()
    for number, items in enumerate(ticks):
        pipeline.push(items)  # type: ignore[arg-type]
        out.add(pipeline.tick(T0 + (100 + number) * SECOND))
    return out


def rest_ids(out: Out) -> list[int]:
    """The ids of rows with origin 2, in file order."""
    runs = (run for run in out.runs if run.origin == ORIGIN_REST)
    assert all(run.late for run in out.runs if run.origin == ORIGIN_REST)
    return [seq for run in runs if run.late for _, seq in run_keys(run)]


def hole(first: int, last: int, healed: str | bool = False, to: int = 0) -> GapRecord:
    """The record of ids that were skipped between the trades around them."""
    times = T0 + (first - 1) * SECOND, T0 + (to or last + 1) * SECOND
    return GapRecord(0, Table.TRADES, first, last, *times, Cause.SEQUENCE, healed)  # type: ignore[arg-type]


def test_what_fills_a_hole_lies_in_late_and_heals_it() -> None:
    pipeline = new_pipeline()
    out = played(pipeline, [streamed(1, 2, 6, 7)], [], [], [asked(3, 4, 5)], [streamed(8)], [], [])
    assert rest_ids(out) == [3, 4, 5]
    assert [seq for _, seq in out.keys(0)] == [1, 2, 6, 7, 8]
    assert out.gaps == [hole(3, 5), hole(3, 5, REST, to=50)]
    assert not out.duplicates


def test_a_part_heals_a_part() -> None:
    out = played(new_pipeline(), [streamed(1, 2, 6, 7)], [], [], [asked(4)])
    times = T0 + 2 * SECOND, T0 + 50 * SECOND
    assert out.gaps == [
        hole(3, 5),
        GapRecord(0, Table.TRADES, 4, 4, *times, Cause.SEQUENCE, REST),
    ]
    assert out.missing() == {3, 5}


def test_what_came_before_its_hole_was_written_needs_no_record() -> None:
    out = played(new_pipeline(), [streamed(1, 5)], [asked(2, 3, 4)], [], [])
    assert (rest_ids(out), out.gaps) == ([2, 3, 4], [])


@pytest.mark.parametrize("ids", list(Ids))
@pytest.mark.parametrize("delay", range(5))
def test_the_first_one_wins_when_the_stream_brings_the_same_late(ids: Ids, delay: int) -> None:
    """At each number of ticks after the page, and by REST with a time in whole milliseconds."""
    pipeline = new_pipeline(ids=ids)
    trade = (0, T0 + 60 * SECOND, T0 + 4 * SECOND + 999, 4)
    ticks = [[streamed(1, 2)], [streamed(6)], [asked(3, 4, 5)], *([[]] * delay), [trades([trade])]]
    out = played(pipeline, *ticks, [streamed(7)], [], [], [])
    assert sorted([*rest_ids(out), *out.ids()]) == [1, 2, 3, 4, 5, 6, 7]
    assert out.duplicates == {0: 1}
    assert not out.strays
    assert not out.begun_again
    assert not out.missing()


@pytest.mark.parametrize("ids", list(Ids))
def test_the_stream_wins_within_a_tick_and_before(ids: Ids) -> None:
    for before in (0, 1, 2):
        pipeline = new_pipeline(ids=ids)
        late, page = streamed(3, 4, at=20), asked(3, 4)
        ticks = [[streamed(1, 2, 5)], *([[late], *([[]] * (before - 1)), [page]] if before else
                 [[page, late]])]  # fmt: skip
        out = played(pipeline, *ticks, [], [], [])
        assert rest_ids(out) == []
        assert out.ids() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("ids", [Ids.DENSE, Ids.SEEM_DENSE])
def test_what_lies_behind_all_that_is_known_is_left_to_the_stream(ids: Ids) -> None:
    pipeline = new_pipeline(ids=ids)
    pipeline.push([streamed(1, 2), asked(3, 4)])
    _, counts = pipeline.tick(T0)
    assert counts.unneeded == {0: 2}
    out = played(pipeline, [streamed(3, 4, 5)], [], [])
    assert (rest_ids(out), out.ids()) == ([], [1, 2, 3, 4, 5])


def test_what_lies_before_all_that_is_known_is_taken_once_and_heals_the_hole_that_it_was_asked_for(
) -> None:  # fmt: skip
    """The record is of an earlier process; what is here begins behind it."""
    tail = StreamTail(
        *(T0 + 9 * SECOND, 9, T0 + 9 * SECOND),
        id_runs=(IdRun(8, 9, T0 + 8 * SECOND, T0 + 9 * SECOND, T0 + 8 * SECOND, T0 + 9 * SECOND),),
    )
    pipeline = new_pipeline({(0, Table.TRADES): tail})
    answer = Healed(0, Table.TRADES, 3, 5, T0 + 2, T0 + 60 * SECOND, Cause.CRASH, REST)
    void = Healed(0, Table.TRADES, 3, 5, T0 + 2, T0 + 70 * SECOND, Cause.CRASH, "void")
    out = played(
        pipeline, [streamed(10)], [asked(3, 4)], [asked(3, 4), answer], [], [asked(4), void]
    )
    assert rest_ids(out) == [3, 4]
    rest = T0 + 2, T0 + 60 * SECOND, Cause.CRASH, REST
    assert out.gaps == [
        GapRecord(0, Table.TRADES, 3, 4, *rest),
        GapRecord(0, Table.TRADES, 5, 5, T0 + 2, T0 + 70 * SECOND, Cause.CRASH, "void"),
    ]


def test_an_answer_tells_nothing_again_that_rows_have_told() -> None:
    answer = Healed(0, Table.TRADES, 3, 5, T0 + 2 * SECOND, T0 + 60 * SECOND, Cause.SEQUENCE, REST)
    out = played(new_pipeline(), [streamed(1, 2, 6)], [], [], [asked(3, 4, 5), answer], [])
    assert out.gaps == [hole(3, 5), hole(3, 5, REST, to=50)]


def test_what_a_venue_has_none_of_is_void_and_may_come_after_all() -> None:
    pipeline = new_pipeline()
    void = Healed(0, Table.TRADES, 3, 5, T0 + 2 * SECOND, T0 + 60 * SECOND, Cause.SEQUENCE, "void")
    out = played(pipeline, [streamed(1, 2, 6)], [], [], [asked(4)], [void], [])
    assert out.gaps[2:] == [hole(3, 3, "void", to=60), hole_of(5, 5, "void")]
    played(pipeline, [streamed(5, at=7)], [], [], out=out)
    assert 5 in out.ids()
    assert out.missing() == set()


def hole_of(first: int, last: int, healed: str) -> GapRecord:
    """What is left of the hole from 3 to 5."""
    times = T0 + 2 * SECOND, T0 + 60 * SECOND
    return GapRecord(0, Table.TRADES, first, last, *times, Cause.SEQUENCE, healed)


def test_a_suspect_is_told_once_and_is_a_record_only_with_its_healing() -> None:
    pipeline = new_pipeline(ids=Ids.SEEM_DENSE)
    pipeline.push([streamed(1, 2, 6)])
    flushes = [pipeline.tick(T0 + n * SECOND)[0] for n in range(4)]
    assert [flush.suspects for flush in flushes] == [(), (hole(3, 5),), (), ()]
    assert not any(flush.gaps for flush in flushes)
    out = played(pipeline, [asked(4, 5)], [])
    assert out.gaps == [
        since(hole(3, 5), 4), since(hole(3, 5, REST, to=50), 4)
    ]  # fmt: skip


def since(record: GapRecord, first: int) -> GapRecord:
    """The record from an id on."""
    return GapRecord(0, Table.TRADES, first, record.to_id, record.from_ns, record.to_ns,
                     record.cause, record.healed)  # fmt: skip


def test_ids_that_an_interruption_has_cost_are_no_suspects() -> None:
    """The interruption has a record by its times."""
    pipeline = new_pipeline(ids=Ids.SEEM_DENSE)
    marks = [
        Interrupted((0,), (Table.TRADES,), T0 + 3 * SECOND, Cause.DISCONNECT),
        Resumed((0,), (Table.TRADES,), T0 + 5 * SECOND),
    ]
    told: list[GapRecord] = []
    for items in ([streamed(1, 2)], [], marks, [streamed(6)], [], [], []):
        pipeline.push(items)  # type: ignore[arg-type]
        told += pipeline.tick(T0)[0].suspects
    assert told == []


def test_a_trade_that_was_not_understood_comes_by_rest() -> None:
    pipeline = new_pipeline(ids=Ids.OPAQUE)
    lost = MissingIds(0, Table.TRADES, 7, 7, T0, T0, Cause.UNDECODABLE)
    out = played(pipeline, [streamed(6), lost], [], [], [asked(7)], [])
    assert [gap.healed for gap in out.gaps] == [False, REST]
    assert rest_ids(out) == [7]


def test_what_comes_of_a_stream_that_this_process_has_not_met_does_not_meet_it() -> None:
    """So the stop goes on until the stream itself is used, and is no hole if it never is."""
    first = new_pipeline()
    played(first, [streamed(1, 2, 6)], [], [])
    out, again = Out(), continued(first, stop=T0 + 9 * SECOND)
    played(again, [asked(3, 4, 5)], [], out=out)
    assert rest_ids(out) == [3, 4, 5]
    out.add(again.close(T0 + DAY))
    assert [(gap.healed, gap.from_id) for gap in out.gaps] == [(REST, 3)]


def test_times_that_cannot_be_right_are_not_taken() -> None:
    pipeline = new_pipeline()
    played(pipeline, [streamed(1, 5)], [], [])
    pipeline.push([by_rest([(0, T0, 0, 2), (0, T0, -5, 3), (0, T0, T0 + 2 * DAY, 4)])])
    flush, counts = pipeline.tick(T0)
    assert (flush.runs, counts.unneeded) == ((), {0: 3})


def test_pages_do_not_move_the_clock_of_a_venue() -> None:
    """Trades of an hour ago by REST do not make a venue late."""
    with_pages, without = new_pipeline(), new_pipeline()
    for second in range(30):
        for pipeline in (with_pages, without):
            pipeline.push([streamed(second + 1)])
        with_pages.push([asked(second + 1, at=4000)])
        assert with_pages.tick(T0)[0].gaps == without.tick(T0)[0].gaps
    assert with_pages.clock_offsets_ns == without.clock_offsets_ns


@examples
@given(st.data(), st.sampled_from([Ids.DENSE, Ids.SEEM_DENSE]))
def test_whatever_the_order_each_trade_is_there_once_and_what_is_missing_is_told(
    data: st.DataObject, ids: Ids
) -> None:
    """The stream loses some, brings some late and some twice; pages come at any time, repeatedly.

    What is missing at the end is exactly what neither brought, and the stream shows the same order
    as it does without any page but for what it brought second.
    """
    count = data.draw(st.integers(3, 30))
    fate = [data.draw(st.sampled_from(["", "", "", "lost", "late", "twice"])) for _ in range(count)]
    fate[0] = fate[-1] = ""
    ticks: list[list[RowBatch]] = [[] for _ in range(count + 12)]
    for id_, what in enumerate(fate):
        when = {"lost": [], "late": [id_ + data.draw(st.integers(1, 8))], "twice": [id_, id_ + 3]}
        for tick in when.get(what, [id_]):
            ticks[tick].append(streamed(id_, at=tick))
    paged = set[int]()
    for _ in range(data.draw(st.integers(0, 6))):
        first = data.draw(st.integers(0, count - 1))
        last = data.draw(st.integers(first, min(first + 8, count - 1)))
        tick = data.draw(st.integers(0, count + 5))
        ticks[tick].append(asked(*range(first, last + 1), at=tick))
        reach = max((i for i, w in enumerate(fate) if w in ("", "twice") and i <= tick), default=-1)
        paged |= {id_ for id_ in range(first, last + 1) if id_ <= reach}
    pipeline, out = new_pipeline(ids=ids), Out()
    for number, items in enumerate(ticks):
        pipeline.push(items)
        out.add(pipeline.tick(T0 + number * SECOND))
        again = new_pipeline(ids=ids)
        again.load(pipeline.dump())
        pipeline = again
    out.add(pipeline.close(T0 + DAY))
    recorded = sorted([*rest_ids(out), *out.ids()])
    assert recorded == sorted(set(recorded)), "a trade twice"
    lost = {id_ for id_, what in enumerate(fate) if what == "lost"}
    assert set(recorded) >= set(range(count)) - lost
    assert lost - set(recorded) <= lost - paged
    if ids is Ids.DENSE:
        assert out.missing() == set(range(count)) - set(recorded)
    main = [seq for _, seq in out.keys(0)]
    assert main == sorted(main)
    assert not out.strays
    assert not out.begun_again


LOOSE = [Ids.SPARSE, Ids.OPAQUE]


@pytest.mark.parametrize("ids", LOOSE)
@pytest.mark.parametrize("crash", [False, True])
def test_a_trade_by_rest_with_the_id_of_another_is_new(ids: Ids, crash: bool) -> None:
    """Where ids begin again, the time tells; what REST has in milliseconds is the same."""
    pipeline = new_pipeline(ids=ids)
    first = [(0, T0 + 2 * SECOND, T0 + 2 * SECOND + 999, 2)]
    out = played(pipeline, [streamed(1)], [trades(first)], [streamed(3)], [])
    if crash:
        pipeline = continued(pipeline, ids=ids)
    again = by_rest([(0, T0 + 50 * SECOND, T0 + at * SECOND, 2) for at in (2, 20, 30)])
    out = played(pipeline, [again], [again], [], out=out)
    rest = [key for run in out.runs if run.origin == ORIGIN_REST for key in run_keys(run)]
    assert rest == [(T0 + 20 * SECOND, 2), (T0 + 30 * SECOND, 2)]
    assert out.duplicates == {}


@pytest.mark.parametrize("ids", LOOSE)
def test_trades_of_one_id_by_rest_are_known_when_the_stream_brings_them(ids: Ids) -> None:
    """Each of them, also after a crash."""
    pipeline = new_pipeline(ids=ids)
    played(pipeline, [streamed(1)], [by_rest([(0, T0 + 9 * SECOND, T0 + at * SECOND, 2)
                                              for at in (4, 6)])])  # fmt: skip
    pipeline = continued(pipeline, ids=ids)
    late = trades([(0, T0 + 10 * SECOND, T0 + at * SECOND, 2) for at in (4, 5, 6)])
    out = played(pipeline, [late], [], [])
    assert sorted([*out.keys(), *out.keys(late=True)]) == [(T0 + 5 * SECOND, 2)]
    assert out.duplicates == {0: 2}


@pytest.mark.parametrize("ids", LOOSE)
def test_a_repeated_trade_does_not_hide_the_newer_one_of_its_id(ids: Ids) -> None:
    """The stream brings both, and the first once more; REST then has nothing new."""
    pipeline = new_pipeline(ids=ids)
    older, newer = (trades([(0, T0 + at * SECOND, T0 + at * SECOND, 2)]) for at in (2, 20))
    resent = trades([(0, T0 + 21 * SECOND, T0 + 2 * SECOND, 2)])
    pages = by_rest([(0, T0 + 50 * SECOND, T0 + 20 * SECOND, 2)])
    out = played(pipeline, [older], [], [], [newer], [resent], [pages], [], [])
    assert out.keys() == [(T0 + 2 * SECOND, 2), (T0 + 20 * SECOND, 2)]
    assert rest_ids(out) == []
    assert out.duplicates == {0: 1}


def test_the_end_of_one_numbering_and_the_beginning_of_the_next_are_taken() -> None:
    """Ids begin again in a hole that is asked about by times: the stream brings neither."""
    pipeline = new_pipeline(ids=Ids.DENSE)
    cut = Interrupted((0,), (Table.TRADES,), T0 + 105 * SECOND, Cause.DISCONNECT)
    back = Resumed((0,), (Table.TRADES,), T0 + 120 * SECOND)
    before = trades([(0, T0 + id_ * SECOND, T0 + id_ * SECOND, id_) for id_ in range(101, 105)])
    after = trades([(0, T0 + (120 + n) * SECOND, T0 + (120 + n) * SECOND, n) for n in (3, 4, 5)])
    lost = [(105, 105), (106, 106), (121, 1), (122, 2)]
    pages = by_rest([(0, T0 + 150 * SECOND, T0 + at * SECOND, id_) for at, id_ in lost])
    out = played(pipeline, [before], [], [], [cut], [back, after], [], [], [pages], [])
    assert rest_ids(out) == [105, 106, 1, 2]
    assert out.begun_again == {0: 1}
    assert out.strays == {}


@pytest.mark.parametrize("ids", [Ids.DENSE, Ids.SEEM_DENSE])
@pytest.mark.parametrize("backward", [False, True])
def test_trades_of_one_hole_are_taken_of_both_numberings(ids: Ids, backward: bool) -> None:
    """Ids begin again in a hole and go on behind it, so that the stream shows a hole alone."""
    pipeline = new_pipeline(ids=ids)
    out = played(pipeline, [streamed(1, 2)], [streamed(7, at=30)], [], [])
    lost = [[(3, 3), (4, 4), (5, 5), (6, 6)], [(24, 4), (25, 5), (26, 6)]]
    pages = [
        by_rest([(0, T0 + (50 + number) * SECOND, T0 + at * SECOND, id_) for at, id_ in page])
        for number, page in enumerate(reversed(lost) if backward else lost)
    ]
    out = played(pipeline, [pages[0]], [], out=out)
    pipeline = continued(pipeline, ids=ids)
    late = trades([(0, T0 + 60 * SECOND, T0 + 24 * SECOND, 4)])
    out = played(pipeline, [pages[1]], [late], [asked(1, 2), *pages], [], out=out)
    assert sorted(rest_ids(out)) == [3, 4, 4, 5, 5, 6, 6]
    assert out.ids() == [1, 2, 7]
    assert out.duplicates == {0: 1}
    assert not out.missing()
    begun = [gap for gap in out.gaps if gap.cause is Cause.RENUMBERED]
    assert [gap.to_id for gap in begun] == [4]
    assert [gap.to_ns for gap in begun] == [T0 + (50 if backward else 51) * SECOND]
    assert out.begun_again == {0: 1}


def test_what_earlier_versions_took_is_known_by_its_id_where_that_filled_a_hole() -> None:
    """Their checkpoints do not tell it from what the stream has brought."""
    pipeline = new_pipeline(ids=Ids.DENSE)
    played(pipeline, [streamed(1, 4)], [asked(2, 3)], [])
    state = pipeline.dump()
    del state["answers"]["taken"]["numbering"], state["answers"]["taken"]["recv_ns"]
    pipeline = new_pipeline(ids=Ids.DENSE)
    pipeline.load(state)
    pages = by_rest([(0, T0 + 50 * SECOND, T0 + 3 * SECOND + at, 2) for at in (0, SECOND)])
    assert rest_ids(played(pipeline, [pages], [])) == []


def test_what_earlier_versions_remembered_is_known_by_its_id_alone() -> None:
    """Their checkpoints have no times of the newest ids."""
    pipeline = new_pipeline(ids=Ids.OPAQUE)
    played(pipeline, [streamed(1, 2)], [], [])
    state = pipeline.dump()
    del state["recent_ids"]["event_ns"]
    pipeline = new_pipeline(ids=Ids.OPAQUE)
    pipeline.load(state)
    pages = by_rest([(0, T0 + 50 * SECOND, T0 + 20 * SECOND, id_) for id_ in (2, 3)])
    assert rest_ids(played(pipeline, [pages], [])) == [3]
