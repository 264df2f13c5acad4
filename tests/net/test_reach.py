"""Which ways to a venue fail, since when and why; and that nobody waits long to hear of it."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from tests.fakes.clock import NOON_NS, VirtualClock
from tick_logger.errors import ConnectionLost, Ending, Step
from tick_logger.model.connections import OFFLINE, Unreachable
from tick_logger.net.online import Online
from tick_logger.net.reach import NO_ANSWER_SECS, REST, WHAT_TO_DO, Reach, way_of

URL = "wss://feed.example/ws?token=secret"
PLACE = "wss://feed.example/ws"


def refused(step: Step = Step.TCP, words: str = "TCP: Connection refused") -> ConnectionLost:
    return ConnectionLost(Ending.DIAL, words, place=PLACE, step=step)


def new() -> tuple[Reach, list[str]]:
    """One that has not been used, and what it shows at each change."""
    seen: list[str] = []
    reach = Reach("tiny", VirtualClock(), lambda: seen.append(str(reach.unreachable)))
    return reach, seen


async def test_a_way_fails_from_the_beginning_of_the_first_attempt(
    autojump_clock: MockClock,
) -> None:
    """Until one works; the newest reason counts, and the address is shown without its query."""
    reach, seen = new()
    await trio.sleep(100.0)
    for words in ("TCP: Connection refused", "TCP: No route to host"):
        attempt = reach.attempt("1", URL)
        await trio.sleep(3.0)
        attempt.over(refused(words=words))
    assert reach.unreachable == Unreachable(
        since_ns=NOON_NS + 100 * 10**9,
        place=PLACE,
        step="TCP",
        reason="TCP: No route to host",
        what_to_do=WHAT_TO_DO[Step.TCP],
    )
    with capture_logs() as lines:
        reach.attempt("1", URL).worked()
    assert reach.unreachable is None
    assert [(line["event"], line["after_secs"]) for line in lines] == [("reached", 6.0)]
    assert len(seen) == 3


async def test_a_connection_that_was_lost_fails_since_then(autojump_clock: MockClock) -> None:
    """Not since it was begun; what is replaced has not failed."""
    reach, _ = new()
    attempt = reach.attempt("1", URL)
    attempt.worked()
    await trio.sleep(50.0)
    attempt.over(ConnectionLost(Ending.PING, "no pong within 10 s: half-open"))
    found = reach.unreachable
    assert found is not None
    assert (found.since_ns, found.reason) == (
        NOON_NS + 50 * 10**9,
        "no pong within 10 s: half-open",
    )
    other, _ = new()
    replaced = other.attempt("1", URL)
    replaced.worked()
    replaced.over(ConnectionLost(Ending.REPLACED, "no longer needed"))
    assert other.unreachable is None


async def test_the_way_that_has_failed_for_longest_is_shown(autojump_clock: MockClock) -> None:
    """And the next one, once it is not wanted any more."""
    reach, _ = new()
    for way, words in (("1", "first"), ("2", "second")):
        reach.attempt(way, URL).over(refused(words=words))
        await trio.sleep(1.0)
    assert reach.unreachable is not None
    assert reach.unreachable.reason == "first"
    reach.forget("1")
    assert reach.unreachable.reason == "second"
    with capture_logs() as lines:
        reach.forget("2")
    assert lines == []
    assert reach.unreachable is None


@pytest.mark.parametrize("ends", [True, False])
async def test_an_attempt_without_an_answer_is_told_of_before_it_ends(
    ends: bool, autojump_clock: MockClock
) -> None:
    """Within ten seconds, since its beginning; the reason of its end takes the place of that."""
    reach, _ = new()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reach.run)
        await trio.sleep(1.0)
        with capture_logs() as lines, reach.attempt(REST, URL) as attempt:
            await trio.sleep(NO_ANSWER_SECS - 0.001)
            assert reach.unreachable is None
            await trio.sleep(0.002)
            found = reach.unreachable
            assert found is not None
            assert (found.since_ns, found.reason) == (
                NOON_NS + 10**9,
                "no answer for 6 s so far",
            )
            await trio.sleep(20.0)
            if ends:
                attempt.over(refused())
            else:
                attempt.worked()
        nursery.cancel_scope.cancel()
    assert lines[0]["event"] == "no_answer_yet"
    assert (lines[0]["place"], lines[0]["since"]) == (PLACE, "2026-09-22T12:00:01+00:00")
    assert [line["event"] for line in lines[1:]] == ([] if ends else ["reached"])
    assert (reach.unreachable is not None) is ends


async def test_an_attempt_without_an_answer_is_told_of_only_where_no_reason_is_known(
    autojump_clock: MockClock,
) -> None:
    """During an outage each attempt would say it, and hide what the one before it found."""
    reach, _ = new()
    reach.attempt("1", URL).over(refused())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reach.run)
        reach.attempt("1", URL)
        with capture_logs() as lines:
            await trio.sleep(30.0)
        nursery.cancel_scope.cancel()
    assert lines == []
    assert reach.unreachable is not None
    assert reach.unreachable.reason == "TCP: Connection refused"


async def test_an_attempt_that_ends_in_time_is_not_told_of(autojump_clock: MockClock) -> None:
    """By an answer, by a cancellation, or by a bug."""
    reach, seen = new()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reach.run)
        with reach.attempt(REST, URL) as attempt:
            attempt.worked()
        with trio.move_on_after(1.0), reach.attempt(REST, URL):
            await trio.sleep_forever()
        with pytest.raises(KeyError), reach.attempt(REST, URL):
            raise KeyError
        await trio.sleep(100.0)
        nursery.cancel_scope.cancel()
    assert seen == []


async def test_what_ends_a_request_is_how_it_went(autojump_clock: MockClock) -> None:
    """Without a word of the one who asks."""
    reach, _ = new()
    with pytest.raises(ConnectionLost), reach.attempt(REST, URL):
        raise refused(Step.DNS, "DNS: Name or service not known")
    assert reach.unreachable is not None
    assert reach.unreachable.step == "DNS"
    assert reach.explained(REST) == {
        "since": "2026-09-22T12:00:00+00:00",
        "what_to_do": WHAT_TO_DO[Step.DNS],
    }
    assert reach.explained("1") == {}


def test_connections_that_follow_one_another_go_one_way() -> None:
    """Whatever their generation."""
    assert [way_of(label) for label in ("0-public.3", "1.1", "listing", "again.2")] == [
        *("0-public", "1", "listing", "again")
    ]


@pytest.mark.parametrize("step", Step)
def test_for_each_step_there_is_something_to_do(step: Step) -> None:
    """In a sentence that is short enough for a card."""
    assert 20 < len(WHAT_TO_DO[step]) < 160


async def test_offline_is_said_once_and_so_is_its_end(autojump_clock: MockClock) -> None:
    """When the names of all venues are unknown; while one fails otherwise, it is that venue."""
    ways: list[Reach] = []
    online = Online(lambda: [each.unreachable for each in ways])
    ways += [Reach(name, VirtualClock(), online.look) for name in ("alpha", "beta")]
    unknown = refused(Step.DNS, "DNS: Name or service not known")
    with capture_logs() as lines:
        ways[0].attempt("1", URL).over(unknown)
        ways[1].attempt("1", URL).over(refused())
        assert events(lines) == []
        ways[1].attempt("1", URL).over(unknown)
        ways[0].attempt("1", URL).over(unknown)
        await trio.sleep(60.0)
        ways[1].attempt("1", URL).worked()
        ways[0].attempt("1", URL).over(unknown)
    assert [line for line in lines if line["event"] != "reached"] == [
        {
            "event": "offline",
            "log_level": "error",
            "explanation": OFFLINE,
            "reason": "DNS: Name or service not known",
        },
        {"event": "online", "log_level": "info", "after_secs": 60.0},
    ]


def events(lines: list[MutableMapping[str, Any]]) -> list[str]:
    return [line["event"] for line in lines]
