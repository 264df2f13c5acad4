"""What follows from what a venue says: marks for the pipeline, renewals, reactions, counters."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from structlog.testing import capture_logs

from tests.net.connection.talking import (
    BOOK,
    BTC,
    BTC_BOOK,
    BTC_TRADES,
    ETH,
    ETH_BOOK,
    ETH_TRADES,
    EVERYTHING,
    TRADES,
    Bound,
    Numbered,
    Ranged,
    Talk,
)
from tests.net.small_venue import Sharing
from tick_logger.exchanges.base import (
    Acknowledged,
    BookLink,
    BookSnapshot,
    GoingAway,
    Granted,
    Listed,
    Listing,
    Pong,
    Refused,
    Subscription,
    TradeIdSeen,
)
from tick_logger.model.cause import Cause
from tick_logger.model.instruments import Instrument
from tick_logger.model.marks import (
    AwaitSnapshot,
    Doubt,
    Interrupted,
    Lapse,
    LastTradeId,
    Mark,
    MissingIds,
    Resumed,
)
from tick_logger.model.tables import Table
from tick_logger.net.connection.denials import MAX_ATTEMPTS


async def test_what_is_granted_resumes() -> None:
    """A mark per table, and the connection is told."""
    talk = Talk()
    talk.send()
    assert talk.hear(5, Granted(frozenset({BTC_TRADES, ETH_TRADES, BTC_BOOK}))) == [
        Resumed((BTC,), BOOK, 5),
        Resumed((BTC, ETH), TRADES, 5),
    ]
    assert talk.settled == 1
    assert talk.hear(6, Granted(frozenset({BTC_TRADES}))) == []


async def test_what_is_refused_is_interrupted_and_said() -> None:
    """With the venue's reason in the log, and a count."""
    talk = Talk((BTC_TRADES, ETH_TRADES))
    talk.send()
    with capture_logs() as lines:
        marks = talk.hear(5, Refused(None, "no such symbol", frozenset({BTC_TRADES})))
    assert marks == [Interrupted((BTC,), TRADES, 5, Cause.REFUSED)]
    (line,) = (line for line in lines if line["event"] == "subscription_refused")
    assert (line["symbol"], line["feed"], line["reason"]) == ("BTC", "trades", "no such symbol")
    assert talk.count("subscriptions_refused") == 1
    assert talk.retired == []


async def test_an_acknowledgement_without_name_is_of_the_oldest_request() -> None:
    """The subscriptions of that one resume."""
    talk = Talk((BTC_TRADES,))
    talk.send()
    assert talk.hear(5, Acknowledged(None)) == [Resumed((BTC,), TRADES, 5)]


async def test_other_events_reach_whom_they_concern() -> None:
    """A pong, a farewell, a listing."""
    talk = Talk()
    listing = (Instrument("BTC"),)
    assert talk.hear(1, Pong(), GoingAway("maintenance"), Listing(listing)) == []
    assert (talk.pongs, talk.retired, talk.listed) == (1, ["maintenance"], [Listed(listing)])


async def test_newest_trade_ids_count_where_trades_are_wanted() -> None:
    """What nobody asked for is not missing."""
    talk = Talk((BTC_TRADES, ETH_BOOK))
    assert talk.hear(5, TradeIdSeen(BTC, 7), TradeIdSeen(ETH, 8)) == [LastTradeId(BTC, 7, 5)]


def break_book(talk: Talk, now: float) -> list[Mark]:
    """An update of a book that stands at 100 is missing, and has not come until now."""
    talk.hear(30, BookLink(BTC, 109, 109, 108), now=now - 1.0)
    return talk.dialogue.overdue(now, 31)


async def test_a_broken_book_begins_anew_and_resumes() -> None:
    """Hole, interruption, renewal, and an end when it is granted again."""
    talk = Talk()
    talk.begin()
    assert talk.hear(30, BookLink(BTC, 109, 109, 108), now=6.0) == [
        MissingIds(BTC, Table.BOOK, 101, 108, 2, 30, Cause.SEQUENCE, doubt=Doubt.OPEN)
    ]
    assert talk.dialogue.books_due_at == 7.0, "what is missing may come late"
    assert talk.dialogue.overdue(7.0, 31) == [Interrupted((BTC,), BOOK, 30, Cause.RESYNC)]
    assert talk.dialogue.books_due_at == 7.0
    assert talk.dialogue.renew_books(7.0, 31) == [Interrupted((BTC,), BOOK, 31, Cause.RESYNC)]
    assert talk.dialogue.books_due_at == float("inf")
    assert [request.text for request in talk.send()] == ["unsubscribe BTC/orderbook"]
    assert [request.text for request in talk.send()] == ["subscribe BTC/orderbook"]
    assert talk.hear(40, Granted(frozenset({BTC_BOOK}))) == [Resumed((BTC,), BOOK, 40)]
    assert talk.hear(41, BookSnapshot(BTC, 300), BookLink(BTC, 301, 301, 300)) == []
    assert talk.count("sequence_breaks") == talk.count("book_resyncs") == 1


async def test_what_shares_the_channel_of_a_broken_book_is_interrupted_with_it() -> None:
    """It ends and begins with the book."""
    quotes = Subscription("BTC", "quotes")
    talk = Talk((BTC_BOOK, quotes), Bound())
    talk.begin()
    break_book(talk, now=7.0)
    (mark,) = talk.dialogue.renew_books(7.0, 31)
    both = tuple(sorted((*BOOK, Table.QUOTES)))
    assert mark == Interrupted((BTC,), both, 31, Cause.RESYNC)
    assert talk.send()[0].subscriptions == {BTC_BOOK, quotes}


async def test_a_book_that_breaks_again_waits_longer() -> None:
    """Its connection is woken at that time, and it stays interrupted meanwhile."""
    talk = Talk((BTC_BOOK,))
    talk.begin()
    for now in (7.0, 8.0):  # twice, after the first pause
        break_book(talk, now=now)
        assert talk.dialogue.books_due_at == now
        talk.dialogue.renew_books(now, 31)
        talk.send(), talk.send()
        talk.hear(40, Granted(frozenset({BTC_BOOK})), BookSnapshot(BTC, 100), now=now)
    break_book(talk, now=9.0)
    assert talk.dialogue.books_due_at == 10.0
    assert talk.dialogue.renew_books(9.9, 51) == []
    assert talk.dialogue.live == set()
    assert len(talk.dialogue.renew_books(10.0, 52)) == 1


@pytest.mark.parametrize("first", [True, False])
async def test_a_book_that_breaks_before_it_is_granted_begins_anew_after_that(first: bool) -> None:
    """The snapshot may come first.  While it is broken no grant resumes it."""
    talk = Talk((BTC_BOOK,))
    if not first:
        talk.begin()
        talk.dialogue.renew([BTC_BOOK])
        talk.send()
    talk.send()
    talk.hear(10, BookSnapshot(BTC, 100), now=0.0)
    assert break_book(talk, now=1.0) == [Interrupted((BTC,), BOOK, 30, Cause.RESYNC)]
    assert talk.dialogue.renew_books(1.0, 12) == []
    assert talk.dialogue.books_due_at == float("inf")
    assert talk.hear(13, Granted(frozenset({BTC_BOOK})), now=2.0) == []
    assert talk.dialogue.live == set()
    assert talk.dialogue.books_due_at == 1.0
    assert len(talk.dialogue.renew_books(2.0, 14)) == 1
    assert talk.send()[0].text == "unsubscribe BTC/orderbook"
    talk.send()
    assert talk.hear(20, Granted(frozenset({BTC_BOOK}))) == [Resumed((BTC,), BOOK, 20)]


def counted(talk: Talk, *numbers: int, at_ns: int, now: float) -> list[Mark]:
    """Messages with these numbers come, each ten nanoseconds after the one before."""
    times = np.arange(at_ns, at_ns + 10 * len(numbers), 10)
    return talk.dialogue.numbers.hear(np.array(numbers), times, now)


async def test_a_missing_message_begins_every_book_anew() -> None:
    """And tells of a lapse of everything that the connection carries."""
    talk = Talk(exchange=Numbered())
    talk.begin()
    assert counted(talk, 0, at_ns=10, now=0.0) == []
    lapse = Lapse((BTC, ETH), (Table.BOOK, Table.TRADES), 10, 20, Cause.SEQUENCE, doubt=Doubt.OPEN)
    assert counted(talk, 2, at_ns=20, now=3.0) == [lapse]
    assert talk.dialogue.due_at == 4.0, "it may be late"
    assert talk.dialogue.overdue(4.0, 25) == [Interrupted((BTC, ETH), BOOK, 20, Cause.RESYNC)]
    talk.dialogue.renew_books(4.0, 21)
    (end,) = talk.send()
    assert end.subscriptions == {BTC_BOOK, ETH_BOOK}
    assert talk.count("sequence_breaks") == 1


async def test_missing_messages_are_told_of_what_is_carried_and_nothing_else() -> None:
    """Where some symbols have other feeds, no table that nobody records has a hole."""
    talk = Talk((BTC_TRADES, ETH_BOOK), Numbered())
    talk.begin()
    assert counted(talk, 0, 2, at_ns=10, now=3.0) == [
        Lapse((ETH,), BOOK, 10, 20, Cause.SEQUENCE, doubt=Doubt.OPEN),
        Lapse((BTC,), TRADES, 10, 20, Cause.SEQUENCE, doubt=Doubt.OPEN),
    ]
    assert talk.dialogue.overdue(4.0, 25) == [Interrupted((ETH,), BOOK, 20, Cause.RESYNC)]


async def test_a_missing_message_without_books_interrupts_nothing() -> None:
    """An interruption would have nobody to end it."""
    talk = Talk((BTC_TRADES,), Numbered())
    lapse = Lapse((BTC,), TRADES, 10, 20, Cause.SEQUENCE, doubt=Doubt.OPEN)
    assert counted(talk, 0, 2, at_ns=10, now=3.0) == [lapse]
    assert talk.dialogue.overdue(4.0, 25) == []


async def test_a_message_that_comes_late_was_not_missing() -> None:
    """What was told is void, and no book begins anew."""
    talk = Talk((BTC_TRADES, BTC_BOOK), Numbered())
    talk.begin()
    assert counted(talk, 1, 0, at_ns=10, now=3.0) == [], "in one read"
    lapse = Lapse((BTC,), (Table.BOOK, Table.TRADES), 10, 30, Cause.SEQUENCE, doubt=Doubt.OPEN)
    assert counted(talk, 3, at_ns=30, now=3.0) == [lapse]
    assert counted(talk, 2, at_ns=40, now=3.9) == [attrs.evolve(lapse, doubt=Doubt.VOID)]
    assert talk.dialogue.due_at == float("inf")
    assert talk.dialogue.overdue(9.0, 35) == []
    assert talk.count("out_of_order") == 2
    assert talk.count("sequence_breaks") == 0


async def test_messages_before_the_first_that_came_are_missing() -> None:
    """Since the connection was made."""
    talk = Talk((BTC_TRADES,), Numbered())
    talk.dialogue.numbers.begin(3)
    assert counted(talk, 2, at_ns=10, now=3.0) == [
        Lapse((BTC,), TRADES, 3, 10, Cause.SEQUENCE, doubt=Doubt.OPEN)
    ]


async def test_a_counter_that_begins_again_breaks_the_books_at_once() -> None:
    """Nobody knows how many messages came before its first."""
    talk = Talk((BTC_BOOK,), Numbered())
    talk.begin()
    counted(talk, 0, 1, at_ns=10, now=3.0)
    assert counted(talk, 0, at_ns=30, now=3.0) == [
        Lapse((BTC,), BOOK, 20, 30, Cause.SEQUENCE, doubt=Doubt.OPEN),
        Interrupted((BTC,), BOOK, 30, Cause.RESYNC),
    ]


async def test_what_was_given_up_begins_every_book_anew() -> None:
    """Nothing else mends one of which a part, or the snapshot itself, was not decoded."""
    talk = Talk()
    talk.begin()
    interrupted = Interrupted((BTC, ETH), BOOK, 20, Cause.RESYNC)
    assert talk.dialogue.begin_books_anew(4.0, 20) == [interrupted]
    assert talk.hear(21, BookLink(BTC, 109, 109, 108)) == [], "until it begins anew"
    assert talk.dialogue.renew_books(4.0, 22) == [attrs.evolve(interrupted, at_ns=22)]
    (end,) = talk.send()
    assert end.subscriptions == {BTC_BOOK, ETH_BOOK}


async def test_a_book_whose_grant_was_given_up_does_not_resume_without_a_snapshot() -> None:
    """A late grant alone says nothing about the book."""
    talk = Talk(wanted=(BTC_BOOK,))
    talk.send()
    talk.dialogue.begin_books_anew(4.0, 20)
    assert talk.hear(30, Granted(frozenset({BTC_BOOK}))) == []
    talk.dialogue.renew_books(4.0, 31)
    talk.send()
    talk.send()
    assert talk.hear(40, Granted(frozenset({BTC_BOOK}))) == [Resumed((BTC,), BOOK, 40)]


async def test_books_with_snapshots_by_rest_need_no_renewal() -> None:
    """The next update shows what is missing."""
    assert Talk(exchange=Ranged()).dialogue.begin_books_anew(4.0, 20) == []


async def test_other_wishes_end_the_care_for_a_book() -> None:
    """One that is broken and no longer wanted is not begun anew, nor later on its own account."""
    talk = Talk()
    talk.begin()
    talk.hear(30, BookLink(BTC, 109, 109, 108), now=7.0)
    talk.dialogue.retarget(frozenset({BTC_TRADES, ETH_BOOK}), 31)
    assert talk.dialogue.renew_books(7.0, 31) == []
    assert talk.dialogue.books.broken == frozenset()
    assert talk.hear(40, BookLink(BTC, 119, 119, 118)) == []
    assert talk.dialogue.streams(talk.dialogue.wanted) == (((ETH,), BOOK), ((BTC,), TRADES))


async def test_a_renewal_takes_what_shares_its_channel_along() -> None:
    """What is returned is what will be interrupted."""
    quotes = Subscription("BTC", "quotes")
    talk = Talk((BTC_TRADES, quotes, ETH_TRADES), Sharing())
    talk.begin()
    assert talk.dialogue.renew([quotes]) == (quotes, BTC_TRADES)


async def test_a_renewal_that_is_refused_leads_to_another_connection() -> None:
    """It was live, so another may have it again; until then it is interrupted."""
    talk = Talk((BTC_TRADES, ETH_TRADES))
    talk.begin()
    talk.dialogue.renew([BTC_TRADES])
    talk.send(), talk.send()
    marks = talk.hear(9, Refused(None, "too many requests", frozenset({BTC_TRADES})))
    assert marks == [Interrupted((BTC,), TRADES, 9, Cause.REFUSED)]
    assert talk.retired == ["what was live is refused when it is subscribed again"]


async def test_a_renewal_without_an_answer_does_so_too() -> None:
    """After the last attempt."""
    talk = Talk((BTC_TRADES,))
    talk.begin()
    talk.dialogue.renew([BTC_TRADES])
    talk.send()
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert talk.retired == []
        talk.send()
        overdue = talk.dialogue.subscriptions.overdue(1000.0 * attempt)
        marks = talk.dialogue.apply(overdue, attempt, 1000.0 * attempt)
    assert marks == [Interrupted((BTC,), TRADES, MAX_ATTEMPTS, Cause.REFUSED)]
    assert len(talk.retired) == 1
    assert talk.count("ack_retries") == MAX_ATTEMPTS - 1


async def test_what_never_ended_goes_on() -> None:
    """Wanted again at once, it is resumed; a book lacks what came meanwhile, and begins anew."""
    talk = Talk()
    talk.begin()
    assert talk.dialogue.retarget(frozenset({ETH_TRADES}), 30) == []
    assert talk.dialogue.retarget(frozenset(EVERYTHING), 31) == [Resumed((BTC,), TRADES, 31)]
    (end,) = talk.send()
    assert end.subscriptions == {BTC_BOOK, ETH_BOOK}
    (begin,) = talk.send()
    assert talk.hear(40, Granted(begin.subscriptions)) == [Resumed((BTC, ETH), BOOK, 40)]


async def test_a_book_that_is_wanted_again_asks_for_its_snapshot_again() -> None:
    """Where snapshots come by REST it never ended, and the next update asks for one."""
    talk = Talk((BTC_BOOK, ETH_TRADES), Ranged())
    talk.begin()
    talk.hear(20, BookLink(BTC, 101, 101, None))
    talk.dialogue.retarget(frozenset({ETH_TRADES}), 30)
    assert talk.hear(31, BookLink(BTC, 102, 102, None)) == [], "it is not wanted"
    assert talk.asked == [BTC]
    again = talk.dialogue.retarget(frozenset({BTC_BOOK, ETH_TRADES}), 32)
    assert again == [Resumed((BTC,), BOOK, 32, books_await=True)]
    assert talk.hear(33, BookLink(BTC, 103, 103, None)) == [AwaitSnapshot(BTC, 33, 103)]
    assert talk.asked == [BTC, BTC]
