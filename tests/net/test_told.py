"""What venues say when they want to be left alone, and how long: each spelling, and no other."""

from __future__ import annotations

import pytest

from tick_logger.errors import Told
from tick_logger.net.told import MARGIN_SECS, Asked, asked_to_wait

NOW_SECS = 1_699_999_000.0  # 2023-11-14 21:56:40 UTC
DATE = "Tue, 14 Nov 2023 21:56:40 GMT"


def secs(told: Told) -> float | None:
    """The seconds that are named; the test fails if it is not understood as a wait."""
    asked = asked_to_wait(told, NOW_SECS)
    assert asked is not None, told
    return asked.secs


@pytest.mark.parametrize(
    ("retry_after", "date", "expected"),
    [
        ("120", "", 120.0),
        (" 7 ", "", 7.0),
        ("1.5", "", 1.5),
        ("Tue, 14 Nov 2023 21:58:40 GMT", "", 120.0 + MARGIN_SECS),
        ("Tuesday, 14-Nov-23 21:58:40 GMT", "", 120.0 + MARGIN_SECS),
        ("Tue Nov 14 21:58:40 2023", "", 120.0 + MARGIN_SECS),
        # By the venue's clock, which is an hour behind ours: ours would find the moment long past.
        ("Tue, 14 Nov 2023 20:58:40 GMT", "Tue, 14 Nov 2023 20:56:40 GMT", 120.0 + MARGIN_SECS),
    ],
)
@pytest.mark.parametrize("status", [403, 418, 429, 500, 503])
def test_a_header_is_obeyed_whatever_the_status(
    status: int, retry_after: str, date: str, expected: float
) -> None:
    """In seconds, and as a date in each of its forms."""
    assert secs(Told(status, "", retry_after, date)) == expected


@pytest.mark.parametrize(
    "retry_after",
    [
        "soon",
        "-5",
        "0",
        "²",
        "1e3",
        "Wed, 99 Oct 2026 99:99:99 GMT",
        "Tue, 14 Nov 2023 21:56:39 GMT",
    ],
)
def test_a_header_that_names_no_time_ahead(retry_after: str) -> None:
    """It is told, and where the status says nothing by itself there is no wait."""
    assert asked_to_wait(Told(429, "", retry_after), NOW_SECS) == Asked(None, retry_after)
    assert asked_to_wait(Told(503, "", retry_after), NOW_SECS) is None


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        # As venues, and the firewalls before them, have said it.
        ("Way too much request weight used; IP banned until 1700000000000. Please use", 1000.0),
        ('{"code":-1003,"data":{"serverTime":1699998999999,"retryAfter":1700000000000}}', 1000.0),
        ("EService: Throttled: 1700000000", 1000.0),
        ("Too many requests, blocked till 2023-11-14T22:13:20Z", 1000.0),
        ("rate limited until 2023-11-14 22:13:20 UTC", 1000.0),
        ("rate limited until 2023-11-14T23:13:20.000+01:00", 1000.0),
    ],
)
def test_words_that_name_a_moment(words: str, expected: float) -> None:
    """In seconds or parts of them since 1970, or as a date."""
    assert secs(Told(429, words)) == expected + MARGIN_SECS


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("retry after 30", 30.0),
        ("Rate limit exceeded, retry after 2.5s", 2.5),
        ("Too Many Requests. Try again in 5 minutes", 300.0),
        ("You are banned for 2 hours", 7200.0),
        ('{"reason":"subscription-limit-abuse","retryAfterSeconds": 30}', 30.0),
        ('{"error":"rate_limit","retry_after_ms": 1500}', 1.5),
        ("throttled, wait 250 ms", 0.25),
        ("banned for 1 day, later retry after 60", 86400.0),  # the longest counts
    ],
)
def test_words_that_name_a_time_span(words: str, expected: float) -> None:
    """With its unit; without one where the words leave no doubt."""
    for code in (0, 400, 403, 429, 1008, 1013, 4008):
        assert secs(Told(code, words)) == expected


@pytest.mark.parametrize(
    "words",
    [
        "Too many requests",
        "Too Many Requests (code 50011)",
        "too_many_requests",
        "Too many visits!",
        "access too frequent",
        "EAPI:Rate limit exceeded",
        "EGeneral:Too many requests",
        "EGeneral:Temporary lockout",
        "Exceeded msg rate",
        "connection limit reached",
        "Too much request weight used; current limit is 6000 request weight per 1 MINUTE.",
        "banned until 1699998999000",  # which is over
    ],
)
def test_words_that_name_no_time(words: str) -> None:
    """They are a wish to be left alone all the same."""
    for code in (0, 403, 1008, 1001):
        assert asked_to_wait(Told(code, words), NOW_SECS) == Asked(None)


@pytest.mark.parametrize("code", [418, 429, 1013])
def test_codes_that_need_no_words(code: int) -> None:
    """Two statuses, and one code of a close frame."""
    assert asked_to_wait(Told(code), NOW_SECS) == Asked(None)


@pytest.mark.parametrize(
    "told",
    [
        Told(200, "Too many requests", "120"),
        Told(301, "", "120"),
        Told(403, "Forbidden"),
        Told(451, "Service unavailable from a restricted location"),
        Told(502, "<html>Bad Gateway</html>"),
        Told(503, '{"message":"service unavailable"}'),
        Told(1000, ""),
        Told(1001, "lifetime"),
        Told(1006, ""),
        Told(1008, "disconnected"),
        Told(1008, ""),
        Told(1008, "Pong timeout"),
        Told(1009, "message size exceeded limit"),
        Told(1011, "slow consumer"),
        Told(1012, "Service restart"),
        Told(0, "products: Object missing required field `id`"),
    ],
)
def test_what_is_no_wish_to_be_left_alone(told: Told) -> None:
    """The usual back-off follows from it, and nothing else."""
    assert asked_to_wait(told, NOW_SECS) is None
