"""Ranges of book updates: when a snapshot is needed, and which one will do."""

from __future__ import annotations

from tick_logger.exchanges.base import BookBroken, BookLink, BookSnapshot
from tick_logger.model.cause import Cause
from tick_logger.model.marks import AwaitSnapshot, MissingIds
from tick_logger.model.tables import Table
from tick_logger.net.connection.book_ranges import BookRanges
from tick_logger.net.connection.following import NOTHING, Verdict

FIRST = 2**53


def link(first: int, last: int, instrument: int = 0) -> BookLink:
    return BookLink(instrument, FIRST + first, FIRST + last)


def missing(first: int, last: int, from_ns: int, to_ns: int) -> MissingIds:
    return MissingIds(0, Table.BOOK, FIRST + first, FIRST + last, from_ns, to_ns, Cause.SEQUENCE)


def asks(instrument: int, at_ns: int, *holes: MissingIds) -> Verdict:
    """Holes, and a snapshot that is to be fetched."""
    return Verdict((*holes, AwaitSnapshot(instrument, at_ns)), fetch=frozenset((instrument,)))


def test_the_first_update_of_a_book_asks_for_a_snapshot() -> None:
    """Once, and for each book on its own."""
    ranges = BookRanges()
    assert ranges.link(link(10, 12), 100) == asks(0, 100)
    assert ranges.link(link(13, 13), 110) == NOTHING
    assert ranges.link(link(99, 99, instrument=1), 120) == asks(1, 120)


def test_only_a_snapshot_that_joins_the_updates_is_accepted() -> None:
    """It must reach up to the first update held, and may be newer than all of them."""
    ranges = BookRanges()
    ranges.link(link(10, 12), 100)
    accepted = [ranges.accepts(0, FIRST + number) for number in (8, 9, 11, 50)]
    assert accepted == [False, True, True, True]
    assert not ranges.accepts(5, FIRST + 100)  # a book that is not followed


def test_a_break_is_a_hole_and_asks_again() -> None:
    """The hole is bracketed by the receive times of the updates around it."""
    ranges = BookRanges()
    ranges.link(link(10, 12), 100)
    ranges.accepts(0, FIRST + 12)
    ranges.link(link(13, 15), 110)
    assert ranges.link(link(18, 19), 120) == asks(0, 120, missing(16, 17, 110, 120))
    assert not ranges.accepts(0, FIRST + 16)
    assert ranges.accepts(0, FIRST + 17)


def test_a_break_while_a_snapshot_is_awaited_does_not_ask_twice() -> None:
    """But what was asked for must now be newer."""
    ranges = BookRanges()
    ranges.link(link(10, 12), 100)
    assert ranges.link(link(20, 21), 110) == Verdict((missing(13, 19, 100, 110),))
    assert not ranges.accepts(0, FIRST + 15)
    assert ranges.accepts(0, FIRST + 19)


def test_after_a_snapshot_was_given_up_the_next_break_asks_again() -> None:
    """And so for every break after it."""
    ranges = BookRanges()
    ranges.link(link(10, 12), 100)
    ranges.given_up(0)
    ranges.given_up(7)
    assert ranges.link(link(13, 13), 105) == NOTHING
    assert ranges.link(link(20, 21), 110) == asks(0, 110, missing(14, 19, 105, 110))


def test_repeated_and_overlapping_updates_break_nothing() -> None:
    """A resend is no hole, and the chain goes on from its newest id."""
    ranges = BookRanges()
    ranges.link(link(10, 20), 100)
    assert ranges.link(link(10, 20), 105) == NOTHING
    assert ranges.link(link(12, 14), 110) == NOTHING
    assert ranges.link(link(21, 25), 115) == NOTHING
    assert ranges.link(link(27, 27), 120) == Verdict((missing(26, 26, 115, 120),))


def test_a_book_that_was_dropped_starts_anew() -> None:
    """Updates on their way when it was unsubscribed must not make a hole later."""
    ranges = BookRanges()
    ranges.link(link(10, 12), 100)
    ranges.drop(0)
    ranges.drop(0)
    assert not ranges.accepts(0, FIRST + 12)
    assert ranges.link(link(50, 51), 200) == asks(0, 200)


def test_snapshots_that_arrive_are_no_updates() -> None:
    """Whether one will do is asked before it enters the stream."""
    ranges = BookRanges()
    assert ranges.hear(BookSnapshot(0, FIRST + 9), 100) == NOTHING
    assert ranges.hear(link(10, 12), 110) == asks(0, 110)
    assert ranges.awaits(0)
    assert ranges.hear(BookSnapshot(0, FIRST + 12), 120) == NOTHING
    assert ranges.awaits(0)


def test_after_an_update_that_was_not_understood_the_next_asks_anew() -> None:
    """No older snapshot joins it: the ids of what is lost are not known."""
    ranges = BookRanges()
    assert ranges.hear(BookBroken(0), 90) == NOTHING  # a book that is not followed
    ranges.link(link(10, 12), 100)
    assert ranges.hear(BookBroken(0), 110) == Verdict((AwaitSnapshot(0, 110),))
    assert not ranges.accepts(0, FIRST + 12)
    assert ranges.link(link(20, 21), 120) == asks(0, 120)
    assert [ranges.accepts(0, FIRST + number) for number in (18, 19)] == [False, True]
