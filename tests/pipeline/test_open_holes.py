"""Holes are written while they are open, and what all lines say together is what is missing."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline.lasting import BOTH, MD, TRADES, Life, joined, read
from tests.pipeline.streams import DAY, SECOND, T0, continued, new_pipeline, tickers, trades
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.marks import AwaitSnapshot, Interrupted, Resumed, Retired
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import Table
from tick_logger.pipeline.past_outages import MAX_PAST_OUTAGES
from tick_logger.pipeline.pipeline import Pipeline

BOOK = Table.BOOK
NIGHT = T0 + DAY


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(1, 9), st.booleans()),
        st.tuples(st.just("sleep"), st.integers(1, 30), st.booleans()),
        st.tuples(st.just("cut"), st.sampled_from([Cause.DISCONNECT, Cause.REFUSED])),
        st.tuples(st.sampled_from(["resume", "heal", "crash", "stop"])),
    ),
    max_size=25,
)


@given(STEPS, st.sampled_from([T0, NIGHT - 10 * SECOND]))
def test_what_a_reader_gets_is_what_is_missing(steps: list[tuple[object, ...]], now: int) -> None:
    """At each tick and in the end, whatever happens in whatever order, at midnight too."""
    life = Life(now)
    life.trade(0)
    life.second()
    for name, *rest in steps:
        match name, rest:
            case "wait", [int(secs), bool(trades_come)]:
                for _ in range(secs):
                    life.market(trades_come=trades_come)
                    life.second()
            case "sleep", [int(hours), bool(trades_come)]:
                for _ in range(hours):
                    life.market(trades_come=trades_come)
                    life.second(3600)
            case "cut", [Cause() as cause]:
                life.cut(cause)
            case "resume", _:
                life.resume()
            case "heal", _:
                life.heal()
            case (("crash" | "stop"), _):
                life.restart(in_order=name == "stop")
    life.end()
    ticker, dense = read(life.lines, MD), read(life.lines, TRADES)
    assert joined(ticker.spans) == joined(life.spans), "a span is missing, or is said to be"
    assert not ticker.open
    assert not dense.open
    assert dense.ids == set(range(max(life.came))) - life.came
    outages = joined(life.spans)
    for begin, end in dense.spans:
        within = (first <= begin <= end <= last for first, last in outages)
        assert begin == end or any(within), "nothing was interrupted then"
        joins = (first <= begin < end <= last for first, last in life.harmless)
        assert not any(joins), "nothing was lost then"


# -- single cases ----------------------------------------------------------------------------------


def cut_for(
    secs: int, *, begin: int = T0 + 100 * SECOND, tables: tuple[Table, ...] = BOTH
) -> tuple[Pipeline, list[GapRecord]]:
    """A pipeline after so many ticks since a connection was lost, and what it has written."""
    pipeline = new_pipeline()
    rows = [trades([(0, begin, begin, 7)]), tickers([(0, begin, begin, 7)])]
    pipeline.push([*rows, Interrupted((0,), tables, begin, Cause.DISCONNECT)])
    lines: list[GapRecord] = []
    for second in range(secs):
        lines += pipeline.tick(begin + second * SECOND)[0].gaps
    return pipeline, lines


def hole(table: Table, from_ns: int, to_ns: int | None, *, healed: str = "") -> GapRecord:
    return GapRecord(0, table, None, None, from_ns, to_ns, Cause.DISCONNECT, healed or False)


BEGIN = T0 + 100 * SECOND


def test_a_hole_is_written_once_after_five_seconds() -> None:
    """And the flush tells it for as long as it lasts, as the same object."""
    assert cut_for(5)[1] == []
    pipeline, lines = cut_for(60)
    assert lines == [hole(table, BEGIN, None) for table in BOTH]
    first, second = (pipeline.tick(BEGIN + n * SECOND)[0].open_holes for n in (60, 61))
    assert first is second
    assert [(each.table, each.cause, each.from_ns) for each in first] == [
        (table, Cause.DISCONNECT, BEGIN) for table in BOTH
    ]


def test_ticks_of_earlier_versions_open_nothing() -> None:
    """Their journals do not say when it was, and their files have no such lines."""
    pipeline, _ = cut_for(0)
    assert [pipeline.tick()[0] for _ in range(100)][-1].gaps == ()


def resumed(pipeline: Pipeline, *items: RowBatch, secs: int = 3) -> list[GapRecord]:
    """What is written after it is subscribed again, a minute after the cut."""
    lines: list[GapRecord] = []
    pipeline.push([Resumed((0,), BOTH, BEGIN + 60 * SECOND), *items])
    for second in range(secs):
        lines += pipeline.tick(BEGIN + (60 + second) * SECOND)[0].gaps
    return lines


def test_ids_that_join_close_it_as_healed() -> None:
    """Nothing was lost of the trades; what was lost of the ticker, nobody knows."""
    back = BEGIN + 60 * SECOND
    lines = resumed(cut_for(60)[0], trades([(0, back + 1, back + 1, 8)]))
    assert lines == [hole(MD, BEGIN, back), hole(TRADES, BEGIN, back, healed="stream")]


def test_ids_that_are_missing_close_it() -> None:
    """The hole begins where the open line said, and heals with the same beginning."""
    back = BEGIN + 60 * SECOND
    pipeline, _ = cut_for(60)
    ids = GapRecord(0, TRADES, 8, 10, BEGIN, back + 1, Cause.DISCONNECT)
    assert resumed(pipeline, trades([(0, back + 1, back + 1, 11)])) == [
        hole(MD, BEGIN, back),
        ids,
    ]
    pipeline.push([trades([(0, back + 5, back - SECOND, 9)])])
    assert pipeline.tick(back + 9 * SECOND)[0].gaps == (
        attrs.evolve(ids, from_id=9, to_id=9, to_ns=back + 5, healed="stream"),
    )


def test_until_an_id_tells_the_line_of_dense_ids_stays_open() -> None:
    """Through a checkpoint, and until the recording ends at the latest."""
    pipeline, _ = cut_for(60)
    assert resumed(pipeline, secs=100) == [hole(MD, BEGIN, BEGIN + 60 * SECOND)]
    again = new_pipeline()
    again.load(pipeline.dump())
    flush, _ = again.close(BEGIN + 500 * SECOND)
    assert flush.gaps == (hole(TRADES, BEGIN, BEGIN + 60 * SECOND),)


@pytest.mark.parametrize("gap", [8, 9])
def test_at_midnight_it_is_closed_and_opened_anew(gap: int) -> None:
    """Of dense ids the part of the old day is taken back if nothing was lost."""
    begin, back = NIGHT - 7 * SECOND, NIGHT + 5 * SECOND
    pipeline, lines = cut_for(9, begin=begin)
    assert lines == [
        *(hole(table, begin, None) for table in BOTH),
        *(hole(table, *ends) for table in BOTH for ends in ((begin, NIGHT), (NIGHT, None))),
    ]
    pipeline.push([Resumed((0,), BOTH, back), trades([(0, back + 1, back + 1, gap)])])
    lines = [each for n in range(4) for each in pipeline.tick(back + n * SECOND)[0].gaps]
    assert lines[0] == hole(MD, NIGHT, back)
    if gap == 8:
        assert lines[1:] == [
            hole(TRADES, NIGHT, back, healed="stream"),
            hole(TRADES, begin, NIGHT, healed="stream"),
        ]
    else:
        assert lines[1:] == [GapRecord(0, TRADES, 8, 8, NIGHT, back + 1, Cause.DISCONNECT)]


def test_a_stop_and_a_start_soon_after_are_one_line() -> None:
    """Though the machine was off for an hour."""
    pipeline, _ = cut_for(0)
    pipeline.push([Resumed((0,), BOTH, BEGIN)])
    pipeline.tick(BEGIN)
    pipeline.close(BEGIN)
    again = continued(pipeline, Cause.RESTART, BEGIN)
    back = BEGIN + 3600 * SECOND
    lines: list[GapRecord] = []
    for second in range(10):
        if second == 0:
            again.push([Interrupted((0,), (MD,), back, Cause.DISCONNECT)])
        if second == 4:
            again.push([Resumed((0,), (MD,), back + 4 * SECOND)])
        lines += again.tick(back + second * SECOND)[0].gaps
    assert lines == [GapRecord(0, MD, None, None, BEGIN, back + 4 * SECOND, Cause.RESTART)]


def test_what_a_crash_left_open_of_a_stream_that_nobody_uses_again() -> None:
    """Is no hole in progress any more, and is closed when that is known."""
    pipeline, _ = cut_for(60)
    again = continued(pipeline, Cause.CRASH, BEGIN + 60 * SECOND)
    flushes = [again.tick(BEGIN + n * DAY)[0] for n in range(1, 5)]
    assert [(flush.gaps, flush.open_holes) for flush in flushes] == [((), ())] * 4
    assert hole(MD, BEGIN, BEGIN + 60 * SECOND) in again.close(BEGIN + 5 * DAY)[0].gaps


def test_what_a_crash_left_open_over_midnight_of_a_stream_that_had_ended_before_it() -> None:
    """The last that was received is older than the line of the new day, which is closed as well."""
    begin, heard = NIGHT - 60 * SECOND, NIGHT - 30 * SECOND
    pipeline, lines = cut_for(70, begin=begin, tables=(MD,))
    assert lines[-1] == hole(MD, NIGHT, None)
    again = continued(pipeline, Cause.CRASH, heard)
    lines += again.tick(NIGHT + 100 * SECOND)[0].gaps
    lines += again.close(NIGHT + 200 * SECOND)[0].gaps
    assert not read(lines, MD).open


def test_of_many_interruptions_without_an_id_none_stays_open() -> None:
    """Only so many are remembered: the line of one that is forgotten is closed."""
    pipeline = new_pipeline()
    pipeline.push([trades([(0, BEGIN, BEGIN, 7)])])
    lines: list[GapRecord] = []
    for number in range(MAX_PAST_OUTAGES + 1):
        cut_ns = BEGIN + number * 60 * SECOND
        pipeline.push([Interrupted((0,), (TRADES,), cut_ns, Cause.DISCONNECT)])
        for second in range(7):
            lines += pipeline.tick(cut_ns + second * SECOND)[0].gaps
        pipeline.push([Resumed((0,), (TRADES,), cut_ns + 7 * SECOND)])
        lines += pipeline.tick(cut_ns + 8 * SECOND)[0].gaps
    assert lines[-1] == hole(TRADES, BEGIN, BEGIN + 7 * SECOND)
    assert len(read(lines, TRADES).open) == MAX_PAST_OUTAGES
    back = BEGIN + DAY // 2
    pipeline.push([trades([(0, back, back, 8)])])
    for second in range(5):
        lines += pipeline.tick(back + second * SECOND)[0].gaps
    assert not read(lines, TRADES).open


def test_a_stream_that_is_retired_has_no_open_hole() -> None:
    """It ends there."""
    pipeline, _ = cut_for(60, tables=(MD,))
    pipeline.push([Retired((0,), BEGIN + 60 * SECOND)])
    flush, _ = pipeline.tick(BEGIN + 61 * SECOND)
    assert flush.gaps == (hole(MD, BEGIN, BEGIN + 60 * SECOND),)
    assert pipeline.tick(BEGIN + DAY)[0].open_holes == ()


def test_a_book_that_waits_for_its_snapshot_is_an_open_hole() -> None:
    """From the break on, behind that of the lost connection."""
    pipeline, _ = cut_for(60, tables=(BOOK,))
    back = BEGIN + 60 * SECOND
    pipeline.push([Resumed((0,), (BOOK,), back, books_await=True), AwaitSnapshot(0, back)])
    lines = [each for n in range(20) for each in pipeline.tick(back + n * SECOND)[0].gaps]
    resync = GapRecord(0, BOOK, None, None, back, None, Cause.RESYNC)
    assert lines == [hole(BOOK, BEGIN, back), resync]
    closed = attrs.evolve(resync, to_ns=back + 30 * SECOND)
    assert pipeline.close(back + 30 * SECOND)[0].gaps == (closed,)


def test_a_clock_that_is_set_back_leaves_no_line_open() -> None:
    """The hole has its times in order; its open line is closed as such."""
    pipeline, _ = cut_for(60, tables=(MD,))
    pipeline.push([Resumed((0,), (MD,), BEGIN - 50 * SECOND)])
    lines = pipeline.tick(BEGIN - 50 * SECOND)[0].gaps
    assert lines == (
        hole(MD, BEGIN - 50 * SECOND, BEGIN),
        hole(MD, BEGIN, BEGIN, healed="stream"),
    )
