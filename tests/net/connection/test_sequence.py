"""What the numbers of messages say: what follows, what came twice, what is missing and since when.

The marks are written out; their times are the receive times that bracket a loss.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Sequence

import attrs
import pytest

from tests.net.small_venue import TinyVenue
from tick_logger.exchanges.base import (
    BookBroken,
    BookCheck,
    BookLink,
    BookSnapshot,
    TextLevel,
)
from tick_logger.model.cause import Cause
from tick_logger.model.marks import Doubt, Interrupted, Lapse, Mark, MissingIds
from tick_logger.model.tables import Table
from tick_logger.net.connection.chain import judge
from tick_logger.net.connection.following import NOTHING, Judgement, Verdict
from tick_logger.net.connection.sequence import BookSequences

BTC, ETH = 0, 1
BOOK = (Table.BOOK,)


class Chained(TinyVenue):
    """Every update names the one before it."""

    book_check = BookCheck.CHAIN


class OnlyCounted(TinyVenue):
    """Its ids seem to join."""

    book_check = BookCheck.COUNTED_ONLY


class Summed(TinyVenue):
    """Sends a checksum over two levels a side."""

    book_check = BookCheck.CHECKSUM
    book_depth = 2

    def book_checksum(self, bids: Sequence[TextLevel], asks: Sequence[TextLevel]) -> int:
        return summed(bids, asks)


def summed(bids: Sequence[TextLevel], asks: Sequence[TextLevel]) -> int:
    return zlib.crc32(repr((list(bids), list(asks))).encode())


def link(last_id: int, previous_id: int | None, first_id: int | None = None) -> BookLink:
    return BookLink(BTC, last_id if first_id is None else first_id, last_id, previous_id)


@pytest.mark.parametrize(
    ("update", "judgement"),
    [
        # (first_id, last_id, previous_id) after the update 100
        ((101, 105, None), Judgement.OK),
        ((101, 101, None), Judgement.OK),
        ((90, 105, None), Judgement.OK),
        ((102, 105, None), Judgement.GAP),
        ((100, 100, None), Judgement.DUPLICATE),
        ((95, 100, None), Judgement.DUPLICATE),
        ((90, 99, None), Judgement.OUT_OF_ORDER),
        ((130, 130, 100), Judgement.OK),
        ((100, 100, 100), Judgement.OK),  # a sign of life that changes nothing
        ((3, 3, 100), Judgement.RESET),
        ((130, 130, 110), Judgement.GAP),
        ((130, 130, 90), Judgement.GAP),
        ((100, 100, 90), Judgement.DUPLICATE),
        ((99, 99, 90), Judgement.OUT_OF_ORDER),
    ],
)
def test_what_an_update_is(update: tuple[int, int, int | None], judgement: Judgement) -> None:
    """By the name of its predecessor where it has one, else by its range of ids."""
    assert judge(100, BookLink(BTC, *update)) is judgement


def test_a_chain_begins_with_its_snapshot() -> None:
    """Updates before it belong to nothing; those after it join it."""
    books = BookSequences(Chained())
    assert books.link(link(7, 3), 10) == NOTHING
    books.snapshot(BookSnapshot(BTC, 100), 20)
    assert books.link(link(105, 100), 30) == NOTHING
    assert books.link(link(109, 105), 40) == NOTHING
    assert books.judged == {Judgement.OK: 3}


HOLE = MissingIds(BTC, Table.BOOK, 106, 112, 30, 40, Cause.SEQUENCE, doubt=Doubt.OPEN)


def broken_at_40() -> BookSequences:
    """The book of a chain in which the updates 106 to 112 are missing."""
    books = BookSequences(Chained())
    books.snapshot(BookSnapshot(BTC, 100), 20)
    books.link(link(105, 100), 30)
    assert books.link(link(120, 112, first_id=113), 40) == doubtful(HOLE)
    return books


def doubtful(*holes: Mark) -> Verdict:
    """These are told, and waited for."""
    return Verdict(holes, doubtful=frozenset((BTC,)))


def void(hole: MissingIds | Lapse) -> Verdict:
    """This was told, and has come."""
    return Verdict((attrs.evolve(hole, doubt=Doubt.VOID),))


def two_that_follow() -> tuple[BookSequences, BookSequences]:
    """Two connections with the same book, both as of 105."""
    here: list[BookSequences] = []
    both = BookSequences(Chained(), here), BookSequences(Chained(), here)
    for books in both:
        books.snapshot(BookSnapshot(BTC, 100), 20)
        assert books.link(link(105, 100), 30) == NOTHING
    return both


def test_what_another_connection_has_brought_is_no_hole() -> None:
    """As while one takes over from another: together they have the whole book."""
    old, new = two_that_follow()
    assert old.link(link(112, 105, first_id=106), 35) == NOTHING
    assert new.link(link(120, 112, first_id=113), 40) == NOTHING
    assert new.link(link(125, 120), 50) == NOTHING, "it goes on here"
    assert new.judged[Judgement.GAP] == 0


def test_what_another_connection_brings_a_moment_later_is_no_hole() -> None:
    """Though it has ended by then, or its messages were decoded later."""
    old, new = two_that_follow()
    assert new.link(link(120, 112, first_id=113), 40) == doubtful(HOLE)
    assert old.link(link(112, 105, first_id=106), 35) == NOTHING
    old.end()
    assert new.settle(BTC) == void(HOLE)
    assert new.link(link(125, 120), 50) == NOTHING
    assert new.judged[Judgement.GAP] == 0


def test_what_both_connections_lack_is_a_hole() -> None:
    """Also if the other lacks only a part of it."""
    old, new = two_that_follow()
    assert old.link(link(112, 110, first_id=111), 35).marks
    assert new.link(link(120, 112, first_id=113), 40) == doubtful(HOLE)
    assert new.settle(BTC).broken == {BTC}


def test_a_broken_chain_is_told_once_and_waits_for_a_snapshot() -> None:
    """The hole at once; when it was not filled in time, an interruption until the book is anew."""
    books = broken_at_40()
    assert books.settle(BTC) == Verdict(
        (Interrupted((BTC,), BOOK, 40, Cause.RESYNC),), frozenset((BTC,))
    )
    assert books.settle(BTC) == NOTHING
    assert books.link(link(130, 127), 50) == NOTHING
    books.snapshot(BookSnapshot(BTC, 140), 60)
    assert books.link(link(141, 140), 70) == NOTHING
    assert books.judged[Judgement.GAP] == 1


def test_an_update_that_comes_late_mends_its_chain() -> None:
    """In one piece or in several, in any order: what was told is void, and nothing begins anew."""
    books = broken_at_40()
    assert books.link(link(112, 105), 41) == void(HOLE)
    assert books.settle(BTC) == NOTHING
    books = broken_at_40()
    assert books.link(link(112, 109), 41) == NOTHING
    assert books.link(link(125, 120), 42) == NOTHING
    assert books.link(link(109, 105), 43) == void(HOLE)
    assert books.settle(BTC) == NOTHING
    assert books.link(link(126, 125), 44) == NOTHING
    assert books.judged[Judgement.GAP] == 0


def test_an_update_that_comes_late_mends_nothing_else() -> None:
    """One that is older, or a part of what is missing, is not all that is missing."""
    for late in (link(105, 100), link(109, 105), link(112, 109), link(111, 107)):
        books = broken_at_40()
        assert books.link(late, 41) == NOTHING
        assert books.settle(BTC).broken == {BTC}


def test_each_of_two_breaks_is_mended_on_its_own() -> None:
    """The book begins anew, since the first that was not."""
    books = broken_at_40()
    second = MissingIds(BTC, Table.BOOK, 121, 125, 40, 50, Cause.SEQUENCE, doubt=Doubt.OPEN)
    assert books.link(link(126, 125, first_id=126), 50) == doubtful(second)
    assert books.link(link(112, 105), 60) == void(HOLE)
    assert books.settle(BTC).marks == (Interrupted((BTC,), BOOK, 50, Cause.RESYNC),)
    assert books.judged[Judgement.GAP] == 1


def test_a_snapshot_ends_the_waiting_for_what_was_missing() -> None:
    """What was told stands; the book is whole again."""
    books = broken_at_40()
    books.snapshot(BookSnapshot(BTC, 130), 50)
    assert books.settle(BTC) == NOTHING
    assert books.link(link(112, 105), 60) == NOTHING
    assert books.link(link(131, 130), 70) == NOTHING


def test_a_break_whose_ids_leave_no_hole_is_a_lapse() -> None:
    """The predecessor is missing all the same; it may come late as well."""
    books = BookSequences(Chained())
    books.snapshot(BookSnapshot(BTC, 100), 20)
    lapse = Lapse((BTC,), BOOK, 20, 40, Cause.SEQUENCE, doubt=Doubt.OPEN)
    assert books.link(link(101, 99), 40) == doubtful(lapse)
    assert books.link(link(99, 100), 50) == void(lapse)


def test_a_break_is_of_its_own_book_only() -> None:
    """The other goes on."""
    books = BookSequences(Chained())
    for instrument in (BTC, ETH):
        books.snapshot(BookSnapshot(instrument, 100), 20)
    assert books.link(link(120, 112), 30).doubtful == {BTC}
    assert books.link(BookLink(ETH, 101, 101, 100), 40) == NOTHING
    assert books.settle(ETH) == NOTHING
    assert books.settle(BTC).broken == {BTC}


def test_old_and_repeated_updates_do_not_move_the_chain() -> None:
    """Nor the time since which something may be missing."""
    books = BookSequences(Chained())
    books.snapshot(BookSnapshot(BTC, 100), 20)
    books.link(link(105, 100), 30)
    assert books.link(link(105, 100), 40) == NOTHING
    assert books.link(link(103, 98), 50) == NOTHING
    (hole,) = books.link(link(120, 110, first_id=111), 60).marks
    assert hole == MissingIds(BTC, Table.BOOK, 106, 110, 30, 60, Cause.SEQUENCE, doubt=Doubt.OPEN)


def test_a_sequence_that_begins_again_is_followed() -> None:
    """Its update names the last of the old ids."""
    books = BookSequences(Chained())
    books.snapshot(BookSnapshot(BTC, 100), 20)
    assert books.link(link(3, 100), 30) == NOTHING
    assert books.link(link(4, 3), 40) == NOTHING
    assert books.judged == {Judgement.OK: 2, Judgement.RESET: 1}


def test_a_snapshot_begins_a_book_anew_wherever_it_was() -> None:
    """With lower ids, which counts as a reset, or with higher ones."""
    books = BookSequences(Chained())
    for last_id in (100, 5, 300):
        books.snapshot(BookSnapshot(BTC, last_id), 20)
        assert books.link(link(last_id + 1, last_id), 30) == NOTHING
    assert books.judged == {Judgement.OK: 5, Judgement.RESET: 1}


def test_a_book_that_is_dropped_is_followed_no_longer() -> None:
    """Its old ids break nothing."""
    books = BookSequences(Chained())
    books.snapshot(BookSnapshot(BTC, 100), 20)
    books.drop(BTC)
    assert books.link(link(120, 112), 30) == NOTHING


def test_where_nobody_promises_dense_ids_a_break_breaks_nothing() -> None:
    """The hole is told, and the chain goes on behind it."""
    books = BookSequences(OnlyCounted())
    books.snapshot(BookSnapshot(BTC, 100), 20)
    hole = MissingIds(BTC, Table.BOOK, 101, 104, 20, 30, Cause.SEQUENCE, doubt=Doubt.OPEN)
    assert books.link(link(105, None), 30) == doubtful(hole)
    assert books.link(link(106, None), 40) == NOTHING
    assert books.settle(BTC) == NOTHING
    assert +books.judged == {Judgement.OK: 2, Judgement.GAP: 1}


def test_where_ids_only_seem_to_join_late_ones_fill_a_hole_too() -> None:
    """One by one, in any order."""
    books = BookSequences(OnlyCounted())
    books.snapshot(BookSnapshot(BTC, 100), 20)
    (hole,) = books.link(link(104, None), 30).marks
    assert isinstance(hole, MissingIds)
    assert books.link(link(103, None), 31) == NOTHING
    assert books.link(link(101, None), 32) == NOTHING
    assert books.link(link(102, None), 33) == void(hole)
    assert books.settle(BTC) == NOTHING
    assert books.judged[Judgement.GAP] == 0


@pytest.mark.parametrize("seed", range(20))
def test_every_loss_of_a_chain_is_found_at_the_next_update(seed: int) -> None:
    """Whatever is lost, repeated or late: a break where the predecessor is missing."""
    rng = random.Random(seed)
    books = BookSequences(Chained())
    books.snapshot(BookSnapshot(BTC, 0), 0)
    newest, lost = 0, False  # of what the client got
    sent: list[tuple[int, int]] = []
    previous = 0
    for now in range(1, 300):
        last_id = previous + rng.randrange(1, 9)
        update, previous = (last_id, previous), last_id
        sent.append(update)
        if rng.random() < 0.1:
            lost = True
            continue
        found = books.link(link(*update), now)
        assert found.doubtful == ({BTC} if lost else set())
        assert len(found.marks) == lost
        if lost:
            assert books.settle(BTC).broken == {BTC}
            books.snapshot(BookSnapshot(BTC, last_id), now)
        newest, lost = last_id, False
        if rng.random() < 0.2:
            again = rng.choice([each for each in sent if each[0] <= newest])
            assert books.link(link(*again), now) == NOTHING


class Whole(TinyVenue):
    """Each message is a whole book."""

    whole_books = True


@pytest.mark.parametrize("venue", [TinyVenue, Chained, OnlyCounted, Summed])
def test_a_book_that_lost_something_begins_anew(venue: type[TinyVenue]) -> None:
    """However a loss shows elsewhere; what comes before the next snapshot is not judged."""
    books = BookSequences(venue())
    books.hear(BookSnapshot(BTC, 5), 10)
    resync = Interrupted((BTC,), BOOK, 20, Cause.RESYNC)
    broken = Verdict((resync,), broken=frozenset((BTC,)))
    assert books.hear(BookBroken(BTC), 20) == broken
    assert books.hear(link(99, 98), 30) == NOTHING


def test_a_book_of_which_each_message_is_whole_is_mended_by_the_next() -> None:
    """There is nothing to subscribe to again."""
    assert BookSequences(Whole()).hear(BookBroken(BTC), 20) == NOTHING
