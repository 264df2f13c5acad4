"""Books read in file order are the venue's, whatever comes when, but where a record says otherwise.

Updates and answers of REST are interleaved in every way: REST ahead of the stream and behind it,
connections that lag, overlap and are cut, updates that are lost, requests that fail, a market that
stands still, any flush interval, and crashes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import attrs
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.pipeline.books import Book
from tests.pipeline.interleaved import Plan, Recording
from tests.pipeline.streams import SECOND, T0, Out
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import Table

FLUSH_SECS = (0.05, 0.2, 1.0, 5.0)
NO_SPAN = (0.0, 0.0)
OF_BOOKS = {Cause.RESYNC, Cause.SNAPSHOT}


def spans(most_secs: float) -> st.SearchStrategy[tuple[float, float]]:
    """From nothing up to so many seconds."""
    return st.floats(0.0, most_secs).map(lambda secs: (0.2 * secs, secs))


def moments(most: int) -> st.SearchStrategy[tuple[float, ...]]:
    """Some moments of a plan, in order."""
    return st.lists(st.floats(1.0, 9.0), max_size=most).map(lambda found: tuple(sorted(found)))


PLANS = st.builds(
    Plan,
    flush_secs=st.sampled_from(FLUSH_SECS),
    linger_secs=st.sampled_from((0.02, 0.2)),
    changes_per_second=st.sampled_from((0.3, 3.0, 20.0)),
    quiet=st.sampled_from((NO_SPAN, (2.0, 6.0), (0.5, 9.0))),
    lag_secs=spans(2.0),
    lost=st.sampled_from((0.0, 0.02, 0.2)),
    rest_secs=spans(3.0).map(lambda span: (0.02 + span[0], 0.02 + span[1])),  # else no time passes
    rest_behind_secs=spans(2.0),
    rest_fails=st.sampled_from((0.0, 0.3)),
    rest_pause_secs=st.sampled_from((0.02, 3.0)),
    cuts=moments(3),
    handovers=moments(3),
    overlap_secs=st.sampled_from((0.0, 3.0)),
    crashes=moments(1),
)


def messages(out: Out) -> Iterator[tuple[int, int, bool, Book]]:
    """Of each message in file order: its id, its receipt, what it is, and the book after it."""
    names = ("seq", "recv_ns", "flags", "side", "price", "size")
    rows = zip(*(out.column(name) for name in names), strict=True)
    book: Book = {}
    before = False, (0, 0)
    for (seq, recv, flags), levels in itertools.groupby(rows, lambda row: row[:3]):
        if flags and before != (True, (seq, recv)):
            book = {}
        before = bool(flags), (int(seq), int(recv))
        for *_, side, price, size in levels:
            book[int(side), price] = size
        book = {level: size for level, size in book.items() if size}
        yield int(seq), int(recv), bool(flags), dict(book)


def is_recorded(gaps: list[GapRecord], recv_ns: int) -> bool:
    """Whether a record says that the book is not right then."""
    return any(
        gap.from_ns is not None and gap.to_ns is not None and gap.from_ns <= recv_ns <= gap.to_ns
        for gap in gaps
    )


def judge(recording: Recording) -> None:
    """The oracle is the venue's own book."""
    out, begun, wrong = recording.out, False, []
    for seq, recv, is_snapshot, book in messages(out):
        begun |= is_snapshot
        if not begun or book == recording.market.book(seq):
            continue
        if is_snapshot or not is_recorded(out.gaps, recv):
            wrong.append((seq, (recv - T0) / SECOND, is_snapshot))
    assert wrong == [], wrong
    # A lost connection is one since something was last heard on it, which may be long before.
    broken = [(gap.from_ns or 0, gap.to_ns or 0) for gap in out.gaps if gap.cause in OF_BOOKS]
    for (from_ns, to_ns), (after_ns, _) in itertools.pairwise(sorted(broken)):
        assert from_ns < to_ns <= after_ns, "no moment is in two records"


@settings(max_examples=25, phases=[Phase.generate])
@given(PLANS, st.integers(0, 2**32))
def test_books_in_file_order_are_the_venues(plan: Plan, seed: int) -> None:
    """After each message, but for those within records."""
    recording = Recording(plan, seed)
    recording.run()
    judge(recording)


@settings(max_examples=10, phases=[Phase.generate])
@given(PLANS, st.integers(0, 2**32))
def test_where_nothing_is_missing_nothing_is_recorded(plan: Plan, seed: int) -> None:
    """Connections may take over from each other as often as they like, and REST be slow.

    Only the first snapshot may have failed to come: it is asked for by a connection that has ended.
    """
    calm = attrs.evolve(plan, lost=0.0, rest_fails=0.0, cuts=(), crashes=())
    calm = attrs.evolve(calm, lag_secs=(0.02, 0.02), changes_per_second=20.0)
    recording = Recording(calm, seed)
    recording.run()
    judge(recording)
    begun_ns = [recv for _, recv, is_snapshot, _ in messages(recording.out) if is_snapshot]
    for gap in recording.out.gaps:
        assert gap.cause is Cause.SNAPSHOT
        assert not begun_ns or gap.to_ns == begun_ns[0]
    assert len(recording.out.gaps) <= 1
    assert recording.out.keys(table=Table.BOOK, late=True) == []


@pytest.mark.parametrize("flush_secs", FLUSH_SECS)
def test_a_book_is_missing_from_the_cut_until_its_snapshot_is_placed(flush_secs: float) -> None:
    """As two records: without a connection, and without a snapshot."""
    recording = Recording(Plan(flush_secs=flush_secs, cuts=(6.0,), rest_secs=(2.0, 2.0)), 1)
    cut, resync = recording.run().gaps
    judge(recording)
    _, acked = recording.acked
    assert (cut.cause, resync.cause) == (Cause.DISCONNECT, Cause.RESYNC)
    assert (cut.to_ns, resync.from_ns) == (acked, acked)
    assert resync.to_ns is not None
    assert 2.0 <= (resync.to_ns - acked) / SECOND <= 2.5
