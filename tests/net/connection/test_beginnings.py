"""Books that must begin with the snapshot that greets their subscription, and when one has not."""

from __future__ import annotations

import itertools

import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from tests.fakes.clock import NOON_NS, VirtualClock
from tests.net.bench import Bench
from tests.net.connection.talking import (
    BOOK,
    BTC,
    BTC_BOOK,
    BTC_TRADES,
    ETH,
    ETH_BOOK,
    TRADES,
    Chained,
    Numbered,
    Talk,
)
from tests.net.played import PlayedDial, venue_on
from tick_logger.exchanges.base import BookCheck, BookLink, BookSnapshot, Granted, Refused
from tick_logger.model.cause import Cause
from tick_logger.model.marks import Interrupted, Lapse, Mark, Resumed
from tick_logger.net.connection.beginnings import MAX_SNAPSHOT_SECS, Beginnings
from tick_logger.net.connection.connection import Connection
from tick_logger.net.connection.context import Timeouts
from tick_logger.net.intake.intake import AWAITED_SECS

FOREVER = float("inf")
BOTH = frozenset({BTC_BOOK, ETH_BOOK})


class Greeter(Chained):
    """Greets who subscribes to a book with its snapshot."""

    greets = frozenset({"orderbook"})


class GreetingChecked(Greeter):
    """Its books show a loss by a checksum."""

    book_check = BookCheck.CHECKSUM

    def book_checksum(self, bids: object, asks: object) -> int:
        return 7


class GreetingNumbered(Numbered):
    """Greets, and numbers its messages."""

    greets = frozenset({"orderbook"})


class GreetingRanged(Chained):
    """Snapshots come by REST, whatever it promises."""

    greets = frozenset({"orderbook"})
    book_check = BookCheck.RANGES


# -- one book after the other ----------------------------------------------------------------------


def test_a_book_begins_with_the_snapshot_after_its_request() -> None:
    """Before its grant or after it; what came before the request is of an earlier subscription."""
    books = Beginnings()
    assert not books.begin(BTC)
    assert not books.has_begun(BTC)
    books.ask([BTC, ETH], 10)
    assert books.grant(BTC, 11, 30.0) == 10
    assert books.granted == {BTC: 10}
    assert books.due_at == 30.0
    assert books.begin(BTC), "it was granted before"
    assert not books.begin(ETH), "it is granted only now"
    assert books.grant(ETH, 12, 31.0) is None
    assert books.due_at == FOREVER
    assert books.has_begun(BTC)
    assert books.has_begun(ETH)


def test_one_that_is_overdue_is_told_once() -> None:
    """At its time and not before; then it has to be asked for again."""
    books = Beginnings()
    books.ask([BTC], 10)
    books.grant(BTC, 11, 30.0)
    assert books.take_overdue(29.999) == {}
    assert books.take_overdue(30.0) == {BTC: 10}
    assert books.take_overdue(31.0) == {}
    assert not books.begin(BTC), "too late: it is asked for again, and what follows is lost"
    books.ask([BTC], 40)
    assert books.grant(BTC, 41, 60.0) == 40


def test_one_that_has_begun_may_be_asked_for_again_for_want_of_an_answer() -> None:
    """No other snapshot follows from that."""
    books = Beginnings()
    books.ask([BTC], 10)
    books.begin(BTC)
    books.ask([BTC], 20)
    assert books.grant(BTC, 21, 30.0) is None


def test_a_grant_that_nobody_asked_for_needs_a_snapshot_too() -> None:
    """Of a subscription that was ended, say: its answer was late."""
    books = Beginnings()
    assert books.grant(BTC, 21, 30.0) == 21
    assert books.take_overdue(30.0) == {BTC: 21}


def test_one_that_ends_has_not_begun_any_more() -> None:
    """A snapshot that was on its way begins nothing."""
    books = Beginnings()
    books.ask([BTC, ETH], 10)
    books.begin(BTC)
    for book in (BTC, ETH):
        books.forget(book)
        assert not books.begin(book)
        assert not books.has_begun(book)


# -- in a dialogue ---------------------------------------------------------------------------------


def granted(talk: Talk, at_ns: int = 5, now: float = 0.0) -> list[Mark]:
    """Ask for everything, which is granted."""
    marks: list[Mark] = []
    while requests := talk.send(at_ns - 1, now=now):
        for request in requests:
            marks += talk.hear(at_ns, Granted(request.subscriptions), now=now)
    return marks


async def test_a_book_resumes_with_its_snapshot_and_not_before() -> None:
    """What else was granted resumes at once."""
    talk = Talk((BTC_TRADES, BTC_BOOK), Greeter())
    assert granted(talk) == [Resumed((BTC,), TRADES, 5)]
    assert talk.dialogue.live == {BTC_TRADES}
    assert talk.hear(6, BookLink(BTC, 7, 7, 6)) == []
    assert talk.hear(7, BookSnapshot(BTC, 100)) == [Resumed((BTC,), BOOK, 7)]
    assert talk.dialogue.live == {BTC_TRADES, BTC_BOOK}
    assert talk.hear(8, BookSnapshot(BTC, 200)) == [], "another one later is no beginning"


async def test_a_snapshot_before_the_answer_is_a_beginning() -> None:
    """The book resumes with the answer."""
    talk = Talk((BTC_BOOK,), Greeter())
    talk.send(3)
    assert talk.hear(4, BookSnapshot(BTC, 100), BookLink(BTC, 101, 101, 100)) == []
    assert talk.hear(5, Granted(frozenset({BTC_BOOK}))) == [Resumed((BTC,), BOOK, 5)]
    assert talk.dialogue.books_due_at == FOREVER


async def test_a_book_whose_snapshot_does_not_come_is_asked_for_again() -> None:
    """It was none since it was asked for: so says an interruption, until the snapshot has come."""
    talk = Talk((BTC_BOOK,), Greeter())
    granted(talk, at_ns=1_000, now=100.0)
    assert talk.dialogue.books_due_at == 120.0
    assert talk.dialogue.overdue(119.9, 2_000) == []
    with capture_logs() as lines:
        assert talk.dialogue.overdue(120.0, 2_000) == [
            Interrupted((BTC,), BOOK, 999, Cause.SNAPSHOT)
        ]
    assert [(line["event"], line["symbols"]) for line in lines] == [
        ("books_without_snapshot", ["BTC"])
    ]
    assert talk.count("book_snapshots_missing") == 1
    assert talk.dialogue.books_due_at == 120.0
    assert len(talk.dialogue.renew_books(120.0, 2_001)) == 1
    assert [request.text for request in talk.send(2_002, now=120.0)] == [
        "unsubscribe BTC/orderbook"
    ]
    assert talk.hear(2_003, BookSnapshot(BTC, 50), now=120.0) == [], "it is of the old subscription"
    assert granted(talk, at_ns=2_010, now=120.5) == []
    assert talk.dialogue.live == set()
    assert talk.hear(2_020, BookSnapshot(BTC, 100), now=121.0) == [Resumed((BTC,), BOOK, 2_020)]
    assert talk.dialogue.overdue(1e9, 2_030) == []


async def test_one_that_is_never_greeted_is_asked_again_less_and_less_often() -> None:
    """After the patience and the pauses of books that break again, up to five minutes."""
    talk = Talk((BTC_BOOK,), Greeter())
    granted(talk)
    now, asked = 0.0, []
    while now < 3_000.0:
        now = max(talk.dialogue.books_due_at, now)
        talk.dialogue.overdue(now, 1)
        if talk.dialogue.renew_books(now, 2):
            asked.append(now)
            granted(talk, now=now)
    pauses = [after - before for before, after in itertools.pairwise(asked)]
    assert asked[0] == 20.0
    assert pauses == sorted(pauses)
    assert pauses[:5] == [20.0] * 5
    assert pauses[-1] == 300.0


async def test_patience_has_a_bound_and_may_differ_by_symbol() -> None:
    """However long a market may be silent, a snapshot is sent at once, or within a minute."""
    talk = Talk((ETH_BOOK,), Greeter())
    granted(talk, now=5.0)
    assert talk.dialogue.books_due_at == 5.0 + MAX_SNAPSHOT_SECS


async def test_the_books_of_one_request_are_each_on_their_own() -> None:
    """One has begun; the other is interrupted and asked for again, alone."""
    talk = Talk((BTC_BOOK, ETH_BOOK), Greeter())
    granted(talk)
    assert talk.hear(6, BookSnapshot(BTC, 100)) == [Resumed((BTC,), BOOK, 6)]
    assert talk.dialogue.overdue(60.0, 9) == [Interrupted((ETH,), BOOK, 4, Cause.SNAPSHOT)]
    talk.dialogue.renew_books(60.0, 9)
    assert [request.text for request in talk.send()] == ["unsubscribe ETH/orderbook"]


async def test_a_connection_that_ends_before_the_snapshot_leaves_a_record() -> None:
    """Of the time since the book was asked for; where another carries it, of none."""
    talk = Talk((BTC_BOOK, ETH_BOOK), Greeter())
    granted(talk)
    talk.hear(6, BookSnapshot(BTC, 100))
    ended = Interrupted((BTC, ETH), BOOK, 70, Cause.DISCONNECT)
    without = Interrupted((ETH,), BOOK, 4, Cause.SNAPSHOT)
    assert talk.dialogue.lost({}, 70) == [without, ended]
    assert talk.dialogue.lost(dict.fromkeys(BOTH, 3), 70) == []
    assert talk.dialogue.lost({ETH_BOOK: 3}, 70) == [
        Interrupted((BTC,), BOOK, 70, Cause.DISCONNECT)
    ]


async def test_a_book_that_is_no_longer_wanted_is_not_missed() -> None:
    """Nor is one that was refused."""
    talk = Talk((BTC_BOOK, ETH_BOOK), Greeter())
    talk.send()
    talk.hear(5, Granted(frozenset({BTC_BOOK})), Refused(None, "no", frozenset({ETH_BOOK})))
    talk.dialogue.retarget(frozenset({ETH_BOOK}), 6)
    assert talk.dialogue.overdue(70.0, 7) == []
    assert talk.dialogue.lost({}, 70)[:1] == [Interrupted((ETH,), BOOK, 70, Cause.DISCONNECT)]


async def test_a_missing_message_begins_books_anew_that_have_not_begun() -> None:
    """It may have been the snapshot; nobody waits for the deadline then."""
    talk = Talk((BTC_BOOK,), GreetingNumbered())
    granted(talk)
    talk.dialogue.begin_books_anew(3.0, 30)
    assert talk.dialogue.overdue(1e9, 40) == []
    assert len(talk.dialogue.renew_books(3.0, 31)) == 1
    granted(talk, at_ns=50)
    assert talk.hear(60, BookSnapshot(BTC, 1)) == [Resumed((BTC,), BOOK, 60)]


@pytest.mark.parametrize("exchange", [Chained(), GreetingRanged()])
async def test_where_no_snapshot_is_promised_on_the_socket_none_is_missed(
    exchange: Chained,
) -> None:
    """The book resumes with its grant, though one by REST may be owed."""
    talk = Talk((BTC_BOOK,), exchange)
    by_rest = exchange.book_check is BookCheck.RANGES
    assert granted(talk) == [Resumed((BTC,), BOOK, 5, books_await=by_rest)]
    assert talk.dialogue.books_due_at == FOREVER
    assert talk.dialogue.overdue(1e9, 7) == []


# -- on a connection -------------------------------------------------------------------------------

PATIENCE_SECS = 10.0


async def test_the_deadline_is_kept_to_the_second(autojump_clock: MockClock) -> None:
    """In virtual time: asked again ten seconds after each grant; a snapshot ends it."""
    bench, clock = Bench(venue=Greeter(), batches=0), VirtualClock(NOON_NS)
    dial = PlayedDial(clock)
    timeouts = Timeouts(first_data_secs=1e6, data_secs=PATIENCE_SECS)
    connection = Connection("1.1", venue_on(bench, dial), [BTC_BOOK], timeouts)
    marks: list[Mark] = []

    async def write() -> None:
        async for batch in bench.receive:
            marks.extend(batch.received.marks)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.intake.run, bench.send)
        nursery.start_soon(write)
        nursery.start_soon(connection.run)
        began = trio.current_time()
        await trio.sleep_until(began + 5.0)
        dial.links[0].say("update BTC 7 6")  # data, but no book
        await trio.sleep_until(began + 15.0)
        dial.links[0].say("snapshot BTC 100", "update BTC 101 100")
        await trio.sleep_until(began + 100.0)
        nursery.cancel_scope.cancel()
    due = PATIENCE_SECS + AWAITED_SECS  # the grant is heard when it is decoded
    sent = [(round(at - began, 3), text) for at, text in dial.links[0].sent]
    assert sent == [
        (0.0, "subscribe BTC/orderbook"),
        (due, "unsubscribe BTC/orderbook"),
        (due, "subscribe BTC/orderbook"),
    ]
    of_books = [mark for mark in marks if isinstance(mark, Interrupted | Resumed | Lapse)]
    assert [(type(mark), mark.tables) for mark in of_books] == [
        (Interrupted, BOOK),
        (Interrupted, BOOK),
        (Resumed, BOOK),
    ]
    assert isinstance(of_books[0], Interrupted)
    assert (of_books[0].cause, of_books[0].at_ns) == (Cause.SNAPSHOT, NOON_NS)
