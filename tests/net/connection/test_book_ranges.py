"""Ranges of book updates: when a snapshot is needed, and which one will do."""

from __future__ import annotations

import attrs

from tick_logger.exchanges.base import BookBroken, BookLink, BookSnapshot
from tick_logger.model.cause import Cause
from tick_logger.model.marks import AwaitSnapshot, Doubt, Lapse, MissingIds
from tick_logger.model.tables import Table
from tick_logger.net.connection.book_ranges import BookRanges
from tick_logger.net.connection.following import NOTHING, Judgement, Verdict

FIRST = 2**53


def link(first: int, last: int, instrument: int = 0) -> BookLink:
    return BookLink(instrument, FIRST + first, FIRST + last)


def missing(first: int, last: int, from_ns: int, to_ns: int) -> MissingIds:
    return MissingIds(0, Table.BOOK, FIRST + first, FIRST + last, from_ns, to_ns, Cause.SEQUENCE)


def asks(first: int, at_ns: int, *holes: MissingIds, instrument: int = 0) -> Verdict:
    """Holes, and a snapshot that is to join an update; it is to be fetched."""
    asked = AwaitSnapshot(instrument, at_ns, FIRST + first, broken=bool(holes))
    return Verdict((*holes, asked), fetch=frozenset((instrument,)))


def test_the_first_update_of_a_book_asks_for_a_snapshot() -> None:
    """Once, and for each book on its own."""
    ranges = BookRanges()
    assert ranges.link(link(10, 12), 100) == asks(10, 100)
    assert ranges.link(link(13, 13), 110) == NOTHING
    assert ranges.link(link(99, 99, instrument=1), 120) == asks(99, 120, instrument=1)


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
    ranges.taken(0, FIRST + 11, 105)
    ranges.link(link(13, 15), 110)
    assert ranges.link(link(18, 19), 120) == asks(18, 120, missing(16, 17, 110, 120))
    assert not ranges.accepts(0, FIRST + 16)
    assert ranges.accepts(0, FIRST + 17)


def test_a_break_while_a_snapshot_is_awaited_does_not_ask_twice() -> None:
    """But what was asked for must now be newer."""
    ranges = BookRanges()
    ranges.link(link(10, 12), 100)
    asked_again = asks(20, 110, missing(13, 19, 100, 110))
    assert ranges.link(link(20, 21), 110) == attrs.evolve(asked_again, fetch=frozenset())
    assert not ranges.accepts(0, FIRST + 15)
    assert ranges.accepts(0, FIRST + 19)


def test_after_a_snapshot_was_given_up_the_next_break_asks_again() -> None:
    """And so for every break after it."""
    ranges = BookRanges()
    ranges.link(link(10, 12), 100)
    ranges.given_up(0)
    ranges.given_up(7)
    assert ranges.link(link(13, 13), 105) == NOTHING
    assert ranges.link(link(20, 21), 110) == asks(20, 110, missing(14, 19, 105, 110))


def test_repeated_and_overlapping_updates_break_nothing() -> None:
    """A resend is no hole, and the chain goes on from its newest id."""
    ranges = BookRanges()
    ranges.link(link(10, 20), 100)
    assert ranges.link(link(10, 20), 105) == NOTHING
    assert ranges.link(link(12, 14), 110) == NOTHING
    assert ranges.link(link(21, 25), 115) == NOTHING
    assert ranges.link(link(27, 27), 120).marks[0] == missing(26, 26, 115, 120)


def test_a_book_that_was_dropped_starts_anew() -> None:
    """Updates on their way when it was unsubscribed must not make a hole later."""
    ranges = BookRanges()
    ranges.link(link(10, 12), 100)
    ranges.drop(0)
    ranges.drop(0)
    assert not ranges.accepts(0, FIRST + 12)
    assert ranges.link(link(50, 51), 200) == asks(50, 200)


def test_snapshots_that_arrive_are_no_updates() -> None:
    """Whether one will do is asked before it enters the stream."""
    ranges = BookRanges()
    assert ranges.hear(BookSnapshot(0, FIRST + 9), 100) == NOTHING
    assert ranges.hear(link(10, 12), 110) == asks(10, 110)
    assert ranges.awaits(0)
    assert ranges.hear(BookSnapshot(0, FIRST + 12), 120) == NOTHING
    assert ranges.awaits(0)


def test_after_an_update_that_was_not_understood_the_next_asks_anew() -> None:
    """No older snapshot joins it: the ids of what is lost are not known."""
    ranges = BookRanges()
    assert ranges.hear(BookBroken(0), 90) == NOTHING  # a book that is not followed
    ranges.link(link(10, 12), 100)
    assert ranges.hear(BookBroken(0), 110) == Verdict((AwaitSnapshot(0, 110, broken=True),))
    assert not ranges.accepts(0, FIRST + 12)
    assert ranges.link(link(20, 21), 120) == asks(20, 120)
    assert [ranges.accepts(0, FIRST + number) for number in (18, 19)] == [False, True]


def test_a_snapshot_must_not_be_older_than_rows_that_have_left() -> None:
    """Once rows did not wait any longer, it must reach as far as they did."""
    ranges = BookRanges()
    ranges.link(link(10, 12), 100)
    ranges.link(link(13, 15), 110)
    assert ranges.accepts(0, FIRST + 9)
    ranges.expect(0, in_time=False)
    ranges.expect(7, in_time=False)
    assert not ranges.accepts(0, FIRST + 14)
    assert ranges.accepts(0, FIRST + 15)


def test_a_book_goes_on_by_itself_once_it_has_its_snapshot() -> None:
    """Until the next hole."""
    ranges = BookRanges()
    assert not ranges.goes_on(0)
    ranges.link(link(10, 12), 100)
    assert not ranges.goes_on(0)
    ranges.taken(0, FIRST + 12, 105)
    assert ranges.goes_on(0)
    ranges.link(link(14, 14), 110)
    assert not ranges.goes_on(0)


def test_ids_that_begin_again_break_the_book() -> None:
    """They are no resend of a thousand updates ago; what came between, nobody knows."""
    ranges = BookRanges()
    ranges.link(link(5000, 5000), 100)
    ranges.taken(0, FIRST + 5000, 105)
    assert ranges.link(link(4000, 4000), 110) == NOTHING
    asked = AwaitSnapshot(0, 120, FIRST + 1, broken=True)
    assert ranges.link(link(1, 1), 120) == Verdict((asked,), fetch=frozenset((0,)))
    assert ranges.judged[Judgement.RESET] == 1
    assert ranges.accepts(0, FIRST)
    assert ranges.link(link(2, 2), 130) == NOTHING


# -- one connection takes over from another --------------------------------------------------------


def both() -> tuple[BookRanges, BookRanges]:
    """A connection whose book is whole up to 20, and its successor."""
    venue: list[BookRanges] = []
    old, new = BookRanges(venue), BookRanges(venue)
    old.link(link(10, 20), 100)
    old.taken(0, FIRST + 20, 105)
    return old, new


def test_a_book_that_joins_that_of_another_connection_goes_on() -> None:
    """A snapshot is asked for; it must not take back what the other has brought."""
    _, new = both()
    assert new.link(link(15, 18), 110) == asks(15, 110)
    assert new.goes_on(0)
    assert not new.accepts(0, FIRST + 19)
    assert new.accepts(0, FIRST + 20)


def test_what_another_connection_has_brought_is_not_missing() -> None:
    """Here 16 to 19 were lost; only what has come to neither is a hole."""
    old, new = both()
    new.link(link(14, 15), 110)
    assert new.link(link(20, 21), 120) == NOTHING
    assert new.goes_on(0)
    assert old.link(link(21, 21), 125) == NOTHING
    assert new.link(link(24, 24), 130).marks[0] == missing(22, 23, 120, 130)


def test_a_snapshot_is_for_all_connections_that_it_joins() -> None:
    """For the others rows wait no longer, so that their own must be newer than those."""
    venue: list[BookRanges] = []
    one, two, three = (BookRanges(venue) for _ in range(3))
    one.link(link(10, 12), 100)
    two.link(link(10, 12), 100)
    one.link(link(13, 15), 110)
    three.link(link(10, 15), 120)
    one.taken(0, FIRST + 13, 130)
    assert [each.awaits(0) for each in venue] == [False, False, True]
    assert [each.goes_on(0) for each in venue] == [True, True, False]
    one.link(link(16, 20), 140)
    three.expect(0, in_time=True)
    assert not three.accepts(0, FIRST + 19)
    assert three.accepts(0, FIRST + 20)


def test_a_snapshot_ahead_covers_what_is_missing_before_it() -> None:
    """Another is asked for, but the book may be handed over."""
    ranges = BookRanges()
    ranges.link(link(10, 12), 100)
    ranges.taken(0, FIRST + 20, 105)
    assert ranges.link(link(15, 16), 110).marks[0] == missing(13, 14, 100, 110)
    assert ranges.goes_on(0)
    assert ranges.link(link(23, 24), 120).marks[0] == missing(17, 22, 110, 120)
    assert not ranges.goes_on(0)


def test_what_a_third_connection_has_brought_is_not_missing_between_two() -> None:
    """Whether the last begins before the first has ended, or after."""
    for after in (False, True):
        venue: list[BookRanges] = []
        first, second, third = (BookRanges(venue) for _ in range(3))
        first.link(link(10, 12), 100)
        first.taken(0, FIRST + 12, 105)
        second.link(link(13, 20), 110)
        if not after:
            third.link(link(21, 22), 120)
        first.end()
        assert third.take_over(first, [0]) == []
        if after:
            assert third.link(link(21, 22), 120) == asks(21, 120)
        assert third.goes_on(0)


def test_a_book_whose_updates_join_goes_on_after_the_other_connection() -> None:
    """Whether they came before its end or come after."""
    for first, after in ((21, False), (19, False), (21, True)):
        old, new = both()
        if not after:
            new.link(link(first, 22), 110)
        old.end()
        assert new.take_over(old, [0, 7]) == []
        if after:
            assert new.link(link(first, 22), 110) == asks(first, 110)
        assert new.goes_on(0)


def test_updates_that_came_to_neither_connection_break_the_book() -> None:
    """The other was behind when it ended: from the first update here on the book is wrong."""
    hole, asked = missing(21, 24, 100, 110), AwaitSnapshot(0, 110, FIRST + 25, broken=True)
    old, new = both()
    assert new.link(link(25, 26), 110) == asks(25, 110)  # it may still come
    old.end()
    assert new.take_over(old, [0]) == [hole, asked]
    old, new = both()
    old.end()
    assert new.take_over(old, [0]) == []
    assert new.link(link(25, 26), 110) == Verdict((hole, asked), fetch=frozenset((0,)))
    old, new = both()
    new.link(link(25, 26), 110)
    new.taken(0, FIRST + 26, 130)
    old.end()
    lapse = Lapse((0,), (Table.BOOK,), 110, 130, Cause.RESYNC)
    assert new.take_over(old, [0]) == [hole, lapse]
    assert new.goes_on(0)


def test_a_book_that_was_not_whole_before_is_not_missed() -> None:
    """It was broken there, or had not begun, and has a record or needs none."""
    venue: list[BookRanges] = []
    old, new = BookRanges(venue), BookRanges(venue)
    old.link(link(10, 20), 100)
    old.end()
    assert new.take_over(old, [0]) == []
    assert new.link(link(25, 26), 110) == asks(25, 110)
    assert not new.goes_on(0)


def on_two_lines() -> tuple[BookRanges, BookRanges]:
    """A whole book on both, the second of which needed no snapshot of its own."""
    here: list[BookRanges] = []
    first, second = BookRanges(here, 0), BookRanges(here, 1)
    first.link(link(10, 12), 100)
    first.taken(0, FIRST + 11, 105)
    assert second.link(link(12, 12), 106) == NOTHING
    assert second.goes_on(0)
    return first, second


def test_what_one_line_lacks_may_come_on_the_other_in_a_moment() -> None:
    """It is told at once, in doubt, and is taken back; nothing is fetched."""
    first, second = on_two_lines()
    hole = attrs.evolve(missing(13, 14, 100, 120), doubt=Doubt.OPEN)
    assert first.link(link(15, 16), 120) == Verdict((hole,), doubtful=frozenset((0,)))
    assert second.link(link(13, 14), 121) == NOTHING
    assert first.settle(0) == Verdict((attrs.evolve(hole, doubt=Doubt.VOID),))
    assert first.goes_on(0)


def test_what_both_lines_lack_is_fetched_when_it_has_not_come() -> None:
    """The hole was told before; the book is broken since the update that showed it."""
    first, second = on_two_lines()
    first.link(link(15, 16), 120)
    assert second.link(link(15, 16), 121).doubtful == {0}
    assert first.settle(0) == Verdict(
        (AwaitSnapshot(0, 120, FIRST + 15, broken=True),), fetch=frozenset((0,))
    )
    assert not first.goes_on(0)
    assert not first.accepts(0, FIRST + 13)
    assert first.accepts(0, FIRST + 16), "none that is older than what has come on the other"


def test_a_second_line_that_joins_no_whole_book_asks_for_its_own() -> None:
    """As when the first has begun again, or is behind."""
    here: list[BookRanges] = []
    first, second = BookRanges(here, 0), BookRanges(here, 1)
    first.link(link(10, 12), 100)
    assert second.link(link(12, 12), 106) == asks(12, 106)


def test_a_connection_that_begins_ahead_of_the_other_line_waits_for_it() -> None:
    """In a moment it has come there, and no snapshot is needed."""
    first, second = on_two_lines()
    second.drop(0)
    assert second.link(link(15, 16), 120) == Verdict(doubtful=frozenset((0,)))
    assert not second.goes_on(0)
    first.link(link(13, 14), 121)
    assert second.settle(0) == NOTHING
    assert second.goes_on(0)


def test_a_connection_that_begins_while_the_other_line_is_frozen_asks_for_a_snapshot() -> None:
    """Until it has its place the book is wrong, whoever finds out later that there was a hole."""
    _, second = on_two_lines()
    second.drop(0)
    second.link(link(15, 16), 120)
    assert second.settle(0) == Verdict(
        (AwaitSnapshot(0, 120, FIRST + 15, broken=True),), fetch=frozenset((0,))
    )
