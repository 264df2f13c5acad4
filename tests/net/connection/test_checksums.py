"""Checksums of books: what is right, what is wrong and since when, and what comes without one.

The marks are written out; their times are the receive times that bracket a loss.
"""

from __future__ import annotations

from tests.net.connection.test_sequence import BOOK, BTC, Summed, link, summed
from tick_logger.exchanges.base import BookCheck, BookSnapshot, BookTexts, TextLevel
from tick_logger.model.cause import Cause
from tick_logger.model.marks import Interrupted, Lapse
from tick_logger.net.connection.following import NOTHING, Judgement, Verdict
from tick_logger.net.connection.sequence import BookSequences

BIDS: tuple[TextLevel, ...] = (("10.0", "1"), ("9.5", "2"))
ASKS: tuple[TextLevel, ...] = (("10.5", "1.50"), ("11.0", "2"))


def test_a_book_that_agrees_with_its_checksum_is_whole() -> None:
    """After the snapshot and after each update."""
    books = BookSequences(Summed())
    first = BookTexts(BTC, True, BIDS, ASKS, summed(BIDS, ASKS))
    assert books.texts(first, 10) == NOTHING
    after = summed([("10.1", "7"), ("10.0", "1")], ASKS)
    assert books.texts(BookTexts(BTC, False, (("10.1", "7"),), (), after), 20) == NOTHING
    assert books.judged == {Judgement.OK: 2}


def test_a_checksum_that_differs_breaks_the_book() -> None:
    """Since it was last right; what follows is not looked at before the next snapshot."""
    books = BookSequences(Summed())
    right = summed(BIDS, ASKS)
    assert books.texts(BookTexts(BTC, False, BIDS, (), 1), 5) == NOTHING  # before a snapshot
    books.texts(BookTexts(BTC, True, BIDS, ASKS, right), 10)
    assert books.texts(BookTexts(BTC, False, (), (("10.6", "1"),), right), 30) == Verdict(
        (Lapse((BTC,), BOOK, 10, 30, Cause.CHECKSUM), Interrupted((BTC,), BOOK, 30, Cause.RESYNC)),
        frozenset((BTC,)),
    )
    assert books.texts(BookTexts(BTC, False, (), (("10.7", "1"),), 1), 40) == NOTHING
    assert books.texts(BookTexts(BTC, True, BIDS, ASKS, right), 50) == NOTHING
    assert books.judged == {Judgement.OK: 2, Judgement.GAP: 1}


def test_the_next_checksum_judges_what_came_without_one() -> None:
    """A snapshot, an update, or both of them: right, it was whole since the last; or else wrong."""
    bid, rest = (("10.1", "7"),), summed([("10.1", "7"), ("10.0", "1")], ASKS)
    for first in (summed(BIDS, ASKS), None):
        books = BookSequences(Summed())
        assert books.texts(BookTexts(BTC, True, BIDS, ASKS, first), 10) == NOTHING
        assert books.texts(BookTexts(BTC, False, bid, (), None), 20) == NOTHING
        assert books.texts(BookTexts(BTC, False, (), (), rest), 30) == NOTHING
        assert books.texts(BookTexts(BTC, False, (), (), None), 40) == NOTHING
        found = books.texts(BookTexts(BTC, False, (), (), 1), 50)
        assert found.marks[0] == Lapse((BTC,), BOOK, 30, 50, Cause.CHECKSUM)
        assert found.broken == {BTC}
        assert books.judged[Judgement.GAP] == 1


def test_a_book_that_is_granted_without_a_snapshot_is_judged_from_its_first_checksum() -> None:
    """Nothing of it was ever right; a snapshot that came before the grant stays."""
    books = BookSequences(Summed())
    books.granted(BTC, 5)
    assert books.texts(BookTexts(BTC, False, BIDS, (), None), 10) == NOTHING
    update = BookTexts(BTC, False, (("9.0", "1"),), (), summed(BIDS, ASKS))
    assert books.texts(update, 20) == Verdict(
        (Lapse((BTC,), BOOK, 5, 20, Cause.CHECKSUM), Interrupted((BTC,), BOOK, 20, Cause.RESYNC)),
        frozenset((BTC,)),
    )
    books.granted(BTC, 30)
    books.snapshot(BookSnapshot(BTC, 0), 40)
    assert books.texts(BookTexts(BTC, True, BIDS, ASKS, summed(BIDS, ASKS)), 40) == NOTHING


def test_a_snapshot_may_be_wrong_itself() -> None:
    """Then nothing was ever right, and the lapse is as short as its message."""
    books = BookSequences(Summed())
    found = books.texts(BookTexts(BTC, True, BIDS, ASKS, 1), 10)
    assert found.marks[0] == Lapse((BTC,), BOOK, 10, 10, Cause.CHECKSUM)


class Both(Summed):
    """Sends a checksum, and names the update before."""

    book_check = BookCheck.CHAIN


def test_a_loss_that_chain_and_checksum_show_is_told_once() -> None:
    """The checksum of the same update differs too, for the same reason."""
    books = BookSequences(Both())
    bids = [("10", "1")]
    books.snapshot(BookSnapshot(BTC, 100), 20)
    books.texts(BookTexts(BTC, True, tuple(bids), (), summed(bids, ())), 20)
    assert len(books.link(link(120, 112, first_id=113), 30).marks) == 1
    assert books.texts(BookTexts(BTC, False, (("9", "1"),), (), 1), 30) == NOTHING
    assert len(books.settle(BTC).marks) == 1
    assert books.judged[Judgement.GAP] == 1


def test_a_chain_that_lacks_checksums_now_and_then_is_not_wrong() -> None:
    """What says nothing for its checksum is taken out of the reckoning, until a snapshot."""
    books = BookSequences(Both())
    right = summed(BIDS, ASKS)

    def update(last_id: int, previous: int, *texts: BookTexts) -> list[Verdict]:
        return [
            books.link(link(last_id, previous), last_id),
            *(books.texts(t, last_id) for t in texts),
        ]

    for begin in (100, 200):
        books.snapshot(BookSnapshot(BTC, begin), begin)
        assert books.texts(BookTexts(BTC, True, BIDS, ASKS, right), begin) == NOTHING
        checked = BookTexts(BTC, False, (), (), right)
        assert update(begin + 1, begin, checked) == [NOTHING, NOTHING]
        assert update(begin + 2, begin + 1) == [NOTHING]
        wrong = BookTexts(BTC, False, (), (), 1)  # of levels that were not told
        assert update(begin + 3, begin + 2, wrong) == [NOTHING, NOTHING]
    books.snapshot(BookSnapshot(BTC, 300), 300)  # without texts
    assert update(301, 300, wrong) == [NOTHING, NOTHING]
    assert books.judged[Judgement.GAP] == 0
    assert books.link(link(310, 308), 310).doubtful == {BTC}, "the chain proves all the same"
