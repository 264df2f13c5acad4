"""The books of a connection, whichever way they are followed; when broken ones begin anew."""

from __future__ import annotations

import itertools

import attrs
import pytest

from tests.net.small_venue import TinyVenue
from tick_logger.exchanges.base import BookCheck, BookLink, BookSnapshot
from tick_logger.model.cause import Cause
from tick_logger.model.marks import AwaitSnapshot, Doubt, Interrupted, MissingIds
from tick_logger.model.tables import Table
from tick_logger.net.connection.books import (
    CALM_SECS,
    FIRST_PAUSE_SECS,
    MAX_PAUSE_SECS,
    Books,
    Followers,
    Resyncs,
)

FOREVER = float("inf")
BTC, ETH = 3, 8
BOTH = [BTC, ETH]


def begun(resyncs: Resyncs, now: float) -> float:
    """Ask at `now`; when the book begins anew."""
    resyncs.ask(BTC, now)
    due_at = resyncs.deadline(BOTH)
    assert resyncs.due(BOTH, due_at - 0.001) == frozenset()
    assert resyncs.due(BOTH, due_at) == {BTC}
    assert resyncs.deadline(BOTH) == FOREVER
    assert resyncs.waiting == frozenset()
    return due_at


def test_nothing_waits_at_first() -> None:
    """And nothing is due."""
    assert Resyncs().deadline(BOTH) == FOREVER
    assert Resyncs().due(BOTH, 1e9) == frozenset()


def test_a_book_that_breaks_begins_anew_at_once() -> None:
    """Each on its own, given once."""
    resyncs = Resyncs()
    resyncs.ask(BTC, 100.0)
    resyncs.ask(ETH, 100.5)
    assert resyncs.waiting == {BTC, ETH}
    assert resyncs.deadline(BOTH) == 100.0
    assert resyncs.due(BOTH, 100.0) == {BTC}
    assert resyncs.due(BOTH, 100.5) == {ETH}
    assert resyncs.due(BOTH, 1e9) == frozenset()


def test_one_that_breaks_again_at_once_waits_twice_as_long_each_time() -> None:
    """Up to the longest pause, and then for ever at that."""
    resyncs = Resyncs()
    times = [begun(resyncs, 0.0)]
    for _ in range(15):
        times.append(begun(resyncs, times[-1]))
    pauses = [after - before for before, after in itertools.pairwise(times)]
    assert pauses[:9] == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0]
    assert set(pauses[9:]) == {MAX_PAUSE_SECS}


def test_the_pause_counts_from_the_last_resync() -> None:
    """Who breaks after it does not wait at all, but the next pause is longer."""
    resyncs = Resyncs()
    assert begun(resyncs, 0.0) == 0.0
    assert begun(resyncs, 50.0) == 50.0
    assert begun(resyncs, 50.5) == 50.0 + 2 * FIRST_PAUSE_SECS


def test_one_that_waits_may_break_as_often_as_it_likes() -> None:
    """That makes it wait neither longer nor shorter."""
    resyncs = Resyncs()
    begun(resyncs, 0.0)
    for now in (0.1, 0.2, 0.9):
        resyncs.ask(BTC, now)
        assert resyncs.deadline(BOTH) == 1.0
    assert resyncs.due(BOTH, 1.0) == {BTC}
    assert begun(resyncs, 1.0) == 3.0


@pytest.mark.parametrize(("calm", "again_after"), [(CALM_SECS, 8.0), (CALM_SECS + 1.0, 1.0)])
def test_a_long_calm_is_forgiven(calm: float, again_after: float) -> None:
    """Then it begins with the shortest pause again."""
    resyncs = Resyncs()
    for now in (0.0, 0.0, 0.0):
        last = begun(resyncs, now)
    assert last == 3.0
    assert begun(resyncs, last + calm) == last + calm
    assert begun(resyncs, last + calm) == last + calm + again_after


def test_a_book_that_is_not_live_waits_until_it_is() -> None:
    """It may break before its subscription is acknowledged; there is no deadline meanwhile."""
    resyncs = Resyncs()
    resyncs.ask(BTC, 5.0)
    assert resyncs.deadline([ETH]) == FOREVER
    assert resyncs.due([ETH], 100.0) == frozenset()
    assert resyncs.waiting == {BTC}
    assert resyncs.deadline(BOTH) == 5.0
    assert resyncs.due(BOTH, 100.0) == {BTC}


def test_a_book_that_is_dropped_waits_for_nothing() -> None:
    """And its past is forgotten."""
    resyncs = Resyncs()
    begun(resyncs, 0.0)
    resyncs.ask(BTC, 0.0)
    resyncs.drop(BTC)
    resyncs.drop(ETH)
    assert resyncs.waiting == frozenset()
    assert begun(resyncs, 0.5) == 0.5


class Ranged(TinyVenue):
    """Its snapshots come by REST."""

    book_check = BookCheck.RANGES


class Chained(TinyVenue):
    """Its snapshots come on the socket."""

    book_check = BookCheck.CHAIN


def test_a_hole_that_is_filled_in_time_breaks_nothing() -> None:
    """It is void; nor does anything begin anew that is no longer subscribed."""
    books = Books(Chained(), lambda _: None, Followers())
    books.hear(BookSnapshot(BTC, 100), 10, 1.0)
    books.hear(BookLink(BTC, 109, 109, 108), 20, 2.0)
    assert books.hear(BookLink(BTC, 101, 108, 100), 21, 2.5) == (
        attrs.evolve(CHAINED, doubt=Doubt.VOID),
    )
    assert books.settle_overdue(3.0) == []
    books.hear(BookLink(BTC, 119, 119, 118), 30, 4.0)
    books.drop(BTC)
    assert not books.are_waiting
    assert books.settle_overdue(9.0) == []


HOLE = MissingIds(BTC, Table.BOOK, 101, 108, 10, 20, Cause.SEQUENCE)
CHAINED = attrs.evolve(HOLE, doubt=Doubt.OPEN)


def test_by_ranges_a_hole_asks_for_a_snapshot_and_breaks_nothing() -> None:
    """The next update mends what messages were missed of."""
    asked: list[int] = []
    books = Books(Ranged(), asked.append, Followers())
    assert books.hear(BookLink(BTC, 99, 100), 10, 1.0) == (AwaitSnapshot(BTC, 10, 99),)
    assert books.awaits(BTC)
    assert books.accepts(BTC, 100)
    books.taken(BTC, 100, 15)
    assert not books.awaits(BTC)
    asked_again = AwaitSnapshot(BTC, 20, 109, broken=True)
    assert books.hear(BookLink(BTC, 109, 109), 20, 2.0) == (HOLE, asked_again)
    assert asked == [BTC, BTC]
    assert books.broken == frozenset()
    assert books.lacking(BOTH) == ()


def test_on_the_socket_a_hole_breaks_the_book_and_asks_for_nothing_by_rest() -> None:
    """It begins anew in its turn; so does every book that messages were missed of."""
    asked: list[int] = []
    books = Books(Chained(), asked.append, Followers())
    assert books.hear(BookSnapshot(BTC, 100), 10, 1.0) == ()
    resync = Interrupted((BTC,), (Table.BOOK,), 20, Cause.RESYNC)
    assert books.hear(BookLink(BTC, 109, 109, 108), 20, 2.0) == (CHAINED,)
    assert books.are_waiting
    assert books.due_at(BOTH) == 3.0, "it may come late"
    assert books.settle_overdue(2.9) == []
    assert books.settle_overdue(3.0) == [resync]
    assert books.broken == {BTC}
    assert books.due_at(BOTH) == 3.0
    assert books.due(BOTH, 3.0) == {BTC}
    assert not books.are_waiting
    assert asked == []
    assert not books.awaits(BTC)
    assert not books.accepts(BTC, 200)
    assert books.lacking(BOTH) == (BTC, ETH)


def test_books_that_messages_were_missed_of_are_interrupted_together() -> None:
    """One mark for all, and none for none: an interruption would have nobody to end it."""
    books = Books(Chained(), lambda _: None, Followers())
    resync = Interrupted((BTC, ETH), (Table.BOOK,), 30, Cause.RESYNC)
    assert books.interrupt(BOTH, 30, 3.0) == [resync]
    assert books.broken == {BTC, ETH}
    assert books.interrupt([], 31, 3.0) == []


@pytest.mark.parametrize("venue", [Ranged(), Chained()])
def test_a_book_that_is_dropped_is_forgotten_either_way(venue: TinyVenue) -> None:
    """Neither is a hole found, nor does it begin anew."""
    books = Books(venue, lambda _: None, Followers())
    books.hear(BookSnapshot(BTC, 100), 10, 1.0)
    books.hear(BookLink(BTC, 101, 101, 100), 11, 1.0)
    books.interrupt([BTC], 12, 1.0)
    books.drop(BTC)
    assert books.broken == frozenset()
    assert not any(
        isinstance(mark, MissingIds) for mark in books.hear(BookLink(BTC, 200, 200, 199), 13, 1.0)
    )


def test_a_snapshot_must_be_as_new_as_rows_that_did_not_wait_for_it() -> None:
    """They wait from when it is asked for, for so long, unless it fails."""
    for failed, asked_at, oldest in ((False, 41.0, 98), (False, 42.0, 110), (True, 2.0, 110)):
        books = Books(Ranged(), lambda _: None, Followers())
        books.hear(BookLink(BTC, 99, 100), 10, 1.0)
        books.hear(BookLink(BTC, 101, 110), 20, 1.5)
        if failed:
            books.lets_go(BTC)
        books.expect(BTC, asked_at)
        books.hear(BookLink(BTC, 111, 112), 30, asked_at)
        assert not books.accepts(BTC, oldest - 1)
        assert books.accepts(BTC, oldest)
        books.expect(BTC, asked_at + 40.0)  # once more: rows have waited since
        assert books.accepts(BTC, oldest)
