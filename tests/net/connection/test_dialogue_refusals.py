"""What a connection makes of refusals, of a venue that is busy, and of answers that never come."""

from __future__ import annotations

from structlog.testing import capture_logs

from tests.net.connection.talking import (
    BOOK,
    BTC,
    BTC_BOOK,
    BTC_TRADES,
    ETH,
    ETH_TRADES,
    TRADES,
    Talk,
)
from tick_logger.exchanges.base import (
    Acknowledged,
    Refused,
    Subscription,
    Wait,
)
from tick_logger.model.cause import Cause
from tick_logger.model.marks import (
    Interrupted,
    Resumed,
)
from tick_logger.model.tables import Table
from tick_logger.net.connection.reporting import MOST_REFUSED_IN_LOG
from tick_logger.net.connection.states import Settled


async def test_a_busy_venue_interrupts_until_it_grants() -> None:
    """In one line for all, with the seconds; and what is asked for is the same once more."""
    talk = Talk((BTC_TRADES, ETH_TRADES))
    (request,) = talk.send()
    with capture_logs() as lines:
        marks = talk.hear(5, Refused(request.request_id, "too many requests", wait=Wait(3.0)))
    assert marks == [Interrupted((BTC, ETH), TRADES, 5, Cause.REFUSED)]
    (line,) = (line for line in lines if line["event"] == "subscriptions_postponed")
    assert (line["after_secs"], line["reason"]) == (3.0, "too many requests")
    assert line["subscriptions"] == ["BTC trades", "ETH trades"]
    assert (talk.count("subscriptions_postponed"), talk.count("subscriptions_refused")) == (2, 0)
    assert talk.send() == []
    assert talk.dialogue.subscriptions.overdue(3.0) == Settled()
    (again,) = talk.send()
    assert again.subscriptions == request.subscriptions
    assert talk.hear(9, Acknowledged(again.request_id)) == [Resumed((BTC, ETH), TRADES, 9)]


async def test_a_venue_may_say_until_when_it_is_busy() -> None:
    """By its clock, which is taken for that of the message's receipt."""
    talk = Talk((BTC_TRADES,))
    (request,) = talk.send()
    talk.hear(5 * 10**9, Refused(request.request_id, "banned", wait=Wait(until_ns=47 * 10**9)))
    assert talk.dialogue.subscriptions.deadline == 42.0


async def test_many_that_are_refused_at_once_do_not_fill_the_log() -> None:
    """A channel may be refused for thousands: some have a line each, the others one together."""
    symbols = [f"S{number:03}" for number in range(100)]
    talk = Talk()
    for symbol in symbols:
        talk.bench.instruments.add("tiny", symbol)
    refused = tuple((Subscription(symbol, "trades"), "no") for symbol in symbols)
    with capture_logs() as lines:
        talk.dialogue.apply(Settled(refused=refused), 5, 0.0)
    events = [line["event"] for line in lines]
    assert events == ["subscription_refused"] * MOST_REFUSED_IN_LOG + ["subscriptions_refused"]
    assert talk.count("subscriptions_refused") == 100


async def test_data_without_an_acknowledgement_resumes() -> None:
    """And is said; that of streams that nobody asked for here is not."""
    talk = Talk((BTC_TRADES, BTC_BOOK))
    talk.send()
    with capture_logs() as lines:
        marks = talk.dialogue.delivered(
            {(Table.TRADES, BTC): [(1.0, 7), (1.2, 8)], (Table.TRADES, ETH): [(1.0, 7)]}, 0.0
        )
    assert marks == [Resumed((BTC,), TRADES, 7)]  # since the first of them
    assert [line["event"] for line in lines] == ["data_without_acknowledgement"]
    assert talk.dialogue.delivered({(Table.TRADES, BTC): [(2.0, 8)]}, 0.0) == []
    assert talk.hear(9, Acknowledged(1)) == [Resumed((BTC,), BOOK, 9)]


async def test_a_refusal_is_remembered_for_a_moment() -> None:
    """Whoever loses the connection then knows why; a venue that is busy gives no such reason."""
    talk = Talk((BTC_TRADES,))
    (request,) = talk.send()
    talk.hear(5, Refused(request.request_id, "slow down", wait=Wait()), now=3.0)
    assert talk.dialogue.refused_at == float("-inf")
    talk.hear(6, Refused(request.request_id, "no such symbol"), now=4.0)
    assert talk.dialogue.refused_at == 4.0
