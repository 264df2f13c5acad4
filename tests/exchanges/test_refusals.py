"""What the words of refusals are taken for: busy and for how long, of a token, or neither."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.exchanges.said import events_of
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import Refused, Wait
from tick_logger.exchanges.refusals import is_of_token, wait_of

MINUTE = 60.0


@pytest.mark.parametrize(
    ("words", "secs"),
    [
        ("Exceeded msg rate", 0.0),
        ("EAPI:Rate limit exceeded", 0.0),
        ("EGeneral:Too many requests", 0.0),
        ("EGeneral:Temporary lockout", 0.0),
        ("EService:Unavailable", 0.0),
        ("EService: Service unavailable", 0.0),
        ("EService:Busy", 0.0),
        ("Requests too frequent (code 60014)", 0.0),
        ("Service temporarily unavailable. Try again later", 0.0),
        ("Too Many Requests", 0.0),
        ("TOO_MANY_REQUEST: too many requests", 0.0),
        ("Too many visits!", 0.0),
        ("rate_limit_exceeded", 0.0),
        ("Server is currently overloaded with other requests", 0.0),
        ("Please try again in a few minutes.", 3 * MINUTE),
        ("slow down, retry after 30s", 30.0),
        ("rate limit: wait 1.5 seconds", 1.5),
        ("too many connections, try again in 2 minutes", 2 * MINUTE),
        ("Too many requests; retry in 250 ms", 0.25),
        ("busy: please retry in one hour", 60 * MINUTE),
        ("Timeout waiting for response from backend server", 0.0),
        ("level2_batch requires authentication", None),
        ("BBB-USD is delisted", None),
        ("Currency pair not supported FASTER/USD", None),
        ("Invalid request: invalid stream (code 2)", None),
        ("args size >10", None),
        ("too many L2 streams requested in a single session", None),
        ("Wrong URL or channel:books,instId:A-B doesn't exist. Please use the correct URL", None),
        ("INVALID_PARAM: 지원하지 않는 페어입니다.", None),
        ("no reason was given", None),
        ("", None),
    ],
)
def test_how_long_a_busy_venue_wants_to_be_left_alone(words: str, secs: float | None) -> None:
    """0 where it does not say; None where waiting does not help."""
    assert wait_of(words) == (None if secs is None else Wait(secs))


def test_a_ban_may_have_an_end() -> None:
    """A moment, in milliseconds: the seconds until then depend on when it is said."""
    wait = wait_of("Way too much request weight used; IP banned until 1767323045123. Please use")
    assert wait == Wait(until_ns=1_767_323_045_123_000_000)
    assert wait.after(1_767_323_000_123_000_000) == 45.0
    assert wait.after(1_767_323_100_000_000_000) == 0.0


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("authentication failure", True),
        ("Unauthorized", True),
        ("invalid jwt", True),
        ("JWT expired", True),
        ("Invalid API key", True),
        ("signature mismatch", True),
        ("BTC-USD is not a valid product", False),
        ("rate limit exceeded", False),
        ("failed to read", False),
    ],
)
def test_who_asks_may_be_refused_and_not_what_is_asked_for(words: str, expected: bool) -> None:
    """By whatever words there are for it."""
    assert is_of_token(words) is expected


BUSY: dict[str, list[Any]] = {
    "binance": [
        {"error": {"code": -1003, "msg": "Too many requests queued."}, "id": 5},
        {"error": {"code": -1001, "msg": "Unable to process."}, "id": 5},
        {"code": -1008, "msg": "Overload", "id": 5},
    ],
    "bybit": [{"success": False, "ret_msg": "Too many visits!", "conn_id": "x", "op": "subscribe"}],
    "coinbase": [
        {"type": "error", "message": "Failed to subscribe", "reason": "rate limit exceeded"},
        {"type": "error", "message": "Too many requests"},
    ],
    "coinbase_advanced": [{"type": "error", "message": "rate limit exceeded"}],
    "kraken": [
        {"error": words, "method": "subscribe", "req_id": 5, "success": False, "symbol": "A/USD"}
        for words in ("Exceeded msg rate", "EAPI:Rate limit exceeded")
    ],
    "okx": [
        {"event": "error", "code": code, "msg": words, "connId": "x", "id": "5"}
        for code, words in (("60014", "?"), ("50011", "?"), ("50013", "?"), (50026, "System error"))
    ],
    "upbit": [{"error": {"name": "TOO_MANY_REQUEST", "message": "?"}}],
}
BUSY["bybit_linear"] = BUSY["bybit"]


@pytest.mark.parametrize("name", registry.available())
def test_each_venue_may_be_too_busy(name: str) -> None:
    """And says so in its own words, or by a code alone."""
    for message in BUSY[name]:
        (event,) = events_of(registry.get(name).decode([json.dumps(message).encode()], {}))
        assert isinstance(event, Refused)
        assert event.wait == Wait(), message
