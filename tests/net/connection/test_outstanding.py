"""Requests without an answer: which one an answer is of, and until when."""

from __future__ import annotations

from tests.net.connection.subscribing import A, B, C, just
from tick_logger.exchanges.base import Request, Subscription
from tick_logger.net.connection.outstanding import MAX_OVERDUE, Awaited, Outstanding


def awaited(
    number: int | None, *subs: Subscription, deadline: float = 10.0, ends: bool = False
) -> Awaited:
    """A request, sent."""
    return Awaited(Request("?", just(*subs), number), deadline, ends)


def outstanding(*items: Awaited) -> Outstanding:
    """These, in this order."""
    found = Outstanding()
    for item in items:
        found.add(item)
    return found


def test_an_answer_is_of_the_request_that_it_names() -> None:
    """Once."""
    first, second = awaited(1, A), awaited(2, B)
    requests = outstanding(first, second)
    assert requests.take(2) == second
    assert requests.take(2) is None
    assert requests.asked == {A}


def test_an_answer_without_name_is_of_the_oldest() -> None:
    """Until none is left."""
    first, second = awaited(None, A), awaited(None, B)
    requests = outstanding(first, second)
    assert [requests.take(None) for _ in range(3)] == [first, second, None]
    assert not requests


def test_an_end_grants_nothing() -> None:
    """What is asked for is told from what is ended."""
    requests = outstanding(awaited(1, A), awaited(2, B, ends=True))
    assert [requests.asks_for(sub) for sub in (A, B, C)] == [True, False, False]
    assert requests.asked == {A, B}


def test_an_overdue_answer_is_understood_once() -> None:
    """An end that is overdue is forgotten: it asked for nothing."""
    early, late = awaited(1, A, deadline=5.0), awaited(2, B, deadline=6.0)
    end = awaited(3, C, deadline=5.0, ends=True)
    requests = outstanding(early, late, end)
    assert requests.deadlines == [5.0, 6.0, 5.0]
    assert requests.expire(4.9) == []
    assert requests.expire(5.0) == [{A}]
    assert requests.deadlines == [6.0]
    assert requests.take_overdue(1) == {A}
    assert requests.take_overdue(1) == just()
    assert requests.take_overdue(3) == just()


def test_overdue_requests_are_remembered_up_to_a_number() -> None:
    """The oldest are forgotten."""
    requests = outstanding(*(awaited(number, A) for number in range(MAX_OVERDUE + 2)))
    assert len(requests.expire(10.0)) == MAX_OVERDUE + 2
    assert [bool(requests.take_overdue(number)) for number in (0, 1, 2)] == [False, False, True]


def test_a_list_answers_what_it_contains() -> None:
    """What is wanted no longer is not missed; a request of which something is missing waits on."""
    requests = outstanding(awaited(None, A), awaited(None, A, B))
    assert requests.listed(just(A), {A, B}) == {A}
    assert requests.asked == {A, B}
    assert len(requests.deadlines) == 1
    assert requests.listed(just(A), {A}) == {A}
    assert not requests


def test_a_list_from_before_an_end_does_not_bring_it_back() -> None:
    """The end is answered by the first list without it."""
    requests = outstanding(awaited(None, B, ends=True))
    assert requests.listed(just(A, B), {A}) == {A}
    assert requests
    assert requests.listed(just(A), {A}) == {A}
    assert not requests


def test_a_request_all_of_which_is_answered_otherwise_awaits_nothing() -> None:
    """But an end does, and so does what else is wanted of a request."""
    requests = outstanding(awaited(1, A), awaited(2, B, C), awaited(3, A, ends=True))
    requests.settle({A, B}, {A, B, C})
    assert requests.asked == {A, C}
    assert [requests.asks_for(sub) for sub in (A, B, C)] == [False, False, True]
    requests.settle({A, B}, {A, B})
    assert requests.asked == {A}


def test_what_a_request_was_about_is_known_until_its_answer_is_forgotten() -> None:
    """Awaited or overdue, answered in part or not."""
    requests = outstanding(awaited(1, A, B), awaited(2, C, deadline=20.0))
    requests.settle({A}, {A, B, C})
    assert requests.asked_by(1) == {A, B}
    requests.expire(10.0)
    assert [requests.asked_by(number) for number in (1, 2, 3)] == [{A, B}, {C}, just()]
