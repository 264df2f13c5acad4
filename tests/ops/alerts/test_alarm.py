"""Somebody is told what is wrong, once, and once more when it is over: in virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import attrs
import msgspec
import pytest
import structlog
import trio
from trio.testing import MockClock

from tests.fakes.clock import StillClock
from tests.ops.watched import Rig
from tick_logger.model.cause import Cause
from tick_logger.model.tables import Table
from tick_logger.net.wire.posting import Outcome
from tick_logger.ops.alerts.alarm import Alarm
from tick_logger.ops.alerts.delivery import ATTEMPTS, MOST_WAITING, Delivery
from tick_logger.ops.status.status import View
from tick_logger.telemetry.open_holes import OpenNow

TAKEN = Outcome(200, "HTTP 200 OK")
LATER = Outcome(503, "HTTP 503 Service Unavailable")
REFUSED = Outcome(404, "HTTP 404 Not Found")


class MovingClock(StillClock):
    """One that goes with the virtual time."""

    def now_ns(self) -> int:
        return super().now_ns() + round(trio.current_time() * 1e9)


@attrs.define
class Hook:
    """What was posted, and when; answers what it is told to."""

    posts: list[tuple[float, dict[str, Any]]] = attrs.field(factory=list)
    answer: Outcome = TAKEN

    async def post(self, body: bytes) -> Outcome:
        await trio.lowlevel.checkpoint()
        self.posts.append((trio.current_time(), msgspec.json.decode(body)))
        return self.answer

    def told(self) -> list[tuple[int, str, str]]:
        """(second, status, alert) of each post."""
        return [(round(at), each["status"], each["alert"]) for at, each in self.posts]


class HangingHook(Hook):
    """One that takes what comes, and never answers."""

    async def post(self, body: bytes) -> Outcome:
        await super().post(body)
        await trio.sleep_forever()
        return TAKEN


@asynccontextmanager
async def watched(rig: Rig, hook: Hook) -> AsyncIterator[None]:
    """An alarm that looks at a recorder."""
    alarm = Alarm(
        metrics=rig.metrics, clock=rig.clock, post=hook.post, machine="here", version="1.2.3"
    )
    first, began = rig.board().view, trio.current_time()

    def look() -> View:
        """As a board would see it, which takes longer."""
        exchanges = {
            name: attrs.evolve(each, open_holes=rig.today.open_holes.of(name))
            for name, each in first.exchanges.items()
        }
        return attrs.evolve(
            first,
            now_secs=rig.clock.now_ns() / 1e9,
            uptime_secs=trio.current_time() - began,
            troubles=tuple(rig.troubles),
            exchanges=exchanges,
        )

    async with trio.open_nursery() as nursery:
        nursery.start_soon(alarm.run, look)
        yield
        nursery.cancel_scope.cancel()


async def every(secs: float, times: int, *do: Callable[[], object]) -> None:
    for _ in range(times):
        await trio.sleep(secs)
        for each in do:
            each()


@pytest.fixture
async def rig() -> Rig:
    """Whose clock goes with the virtual time; nothing is wrong with it."""
    rig = Rig()
    rig.clock = MovingClock()
    rig.venues["alpha"].now.clear()
    return rig


async def test_nothing_is_told_while_all_is_well(autojump_clock: MockClock, rig: Rig) -> None:
    """For an hour, with a slow feed."""
    hook = Hook()
    rows = rig.metrics.exchange("alpha").rows_written
    async with watched(rig, hook):
        await every(
            60, 60, partial(rows[Table.TRADES].inc, 600), partial(rows[Table.QUOTES].inc, 0.3)
        )
    assert hook.posts == []


async def test_a_recorder_that_is_not_ready(autojump_clock: MockClock, rig: Rig) -> None:
    """After the first minutes of its life, and a minute of patience; and when it is over."""
    hook = Hook()
    rig.troubles.append("the disk is full")
    async with watched(rig, hook):
        await trio.sleep(1002)
        rig.troubles.clear()
        await trio.sleep(1000)
        rig.troubles.append("for a moment")
        await trio.sleep(30)
        rig.troubles.clear()
        await trio.sleep(1000)
    assert hook.told() == [(365, "firing", "NotReady"), (1060, "resolved", "NotReady")]
    (_, first), (_, second) = hook.posts
    assert first == {
        "text": "tick_logger on here: it is not ready: the disk is full (NotReady, critical)",
        "content": "tick_logger on here: it is not ready: the disk is full (NotReady, critical)",
        "status": "firing",
        "alert": "NotReady",
        "severity": "critical",
        "exchange": None,
        "feed": None,
        "cause": None,
        "summary": "it is not ready: the disk is full",
        "since": "2026-09-22T12:05:05Z",
        "over": None,
        "machine": "here",
        "version": "1.2.3",
        "runbook": "config/prometheus/README.md#notready",
    }
    assert second["text"] == (
        "tick_logger on here: over after 12 min: it is not ready: the disk is full (NotReady)"
    )
    assert (second["since"], second["over"]) == ("2026-09-22T12:05:05Z", "2026-09-22T12:16:40Z")


async def test_what_comes_and_goes_is_told_once(autojump_clock: MockClock, rig: Rig) -> None:
    """Until it has been away for a minute."""
    hook = Hook()
    async with watched(rig, hook):
        await trio.sleep(400)
        for _ in range(10):
            rig.troubles.append("the disk is slow")
            await trio.sleep(100)
            rig.troubles.clear()
            await trio.sleep(40)
        await trio.sleep(300)
    assert [status for _, status, _ in hook.told()] == ["firing", "resolved"]


async def test_a_feed_that_falls_silent(autojump_clock: MockClock, rig: Rig) -> None:
    """That one alone, whether two rows a second were usual or one in six."""
    hook = Hook()
    alpha, beta = (rig.metrics.exchange(name).rows_written for name in ("alpha", "beta"))
    async with watched(rig, hook):
        await every(
            20,
            100,
            partial(alpha[Table.TRADES].inc, 60),
            alpha[Table.MD].inc,
            partial(beta[Table.BOOK].inc, 9),
        )
        stopped = trio.current_time()
        await every(20, 60, partial(beta[Table.BOOK].inc, 9))
        await every(20, 20, partial(beta[Table.BOOK].inc, 9), partial(alpha[Table.TRADES].inc, 60))
    told = [(round(at - stopped), each["status"], each["feed"]) for at, each in hook.posts]
    assert [(status, feed) for _, status, feed in told] == [
        ("firing", "trades"), ("resolved", "trades"),
    ]  # fmt: skip
    assert 90 <= told[0][0] <= 125
    assert hook.posts[0][1]["summary"] == "alpha sends no trades any more"


async def test_holes_that_stay_and_holes_that_last(autojump_clock: MockClock, rig: Rig) -> None:
    """By cause; what is no surprise is not told."""
    hook = Hook()
    holes = rig.metrics.exchange("alpha").holes
    for cause in (Cause.CRASH, Cause.RESTART):
        holes.left_for_good(cause)  # found by the start
    async with watched(rig, hook):
        await trio.sleep(2002)
        for cause in (Cause.SEQUENCE, Cause.DISCONNECT):
            holes.left_for_good(cause)
        now_ns = rig.clock.now_ns()
        open_now = {
            ("beta", cause): OpenNow(cause, 3, now_ns) for cause in (Cause.SILENT, Cause.RETIRED)
        }
        rig.today.open_holes.show(open_now)
        await trio.sleep(400)
        rig.today.open_holes.show({})
        await trio.sleep(1000)
    told = [(round(at), each["alert"], each["cause"], each["status"]) for at, each in hook.posts]
    assert [each[1:] for each in told] == [
        ("GapOpened", "crash", "firing"),
        ("GapOpened", "crash", "resolved"),
        ("GapOpened", "sequence", "firing"),
        ("HoleOpen", "silent", "firing"),
        ("HoleOpen", "silent", "resolved"),
        ("GapOpened", "sequence", "resolved"),
    ]
    assert [at for at, *_ in told][:4] == [60, 660, 2065, 2365]


# -- the way to whoever is told --------------------------------------------------------------------


async def test_a_webhook_that_does_not_answer_is_tried_again(
    autojump_clock: MockClock, rig: Rig
) -> None:
    """At growing distances; what it takes at last is posted once."""
    hook = Hook(answer=LATER)
    rig.troubles.append("the disk is full")
    async with watched(rig, hook):
        with structlog.testing.capture_logs() as logs:
            await trio.sleep(400)
            hook.answer = TAKEN
            await trio.sleep(1000)
    assert [at - 365 for at, *_ in hook.told()] == [0, 1, 3, 7, 15, 31, 63]
    samples = rig.metrics.samples()
    assert samples["collector_alerts_posted_total", ""] == 1
    assert samples["collector_alert_post_failures_total", ""] == 6
    assert samples["collector_alerts_given_up_total", ""] == 0
    assert [each["event"] for each in logs] == ["alert", "alert_not_posted"]
    assert logs[1]["reason"] == "HTTP 503 Service Unavailable"


@pytest.mark.parametrize(("answer", "attempts"), [(LATER, ATTEMPTS), (REFUSED, 1)])
async def test_one_that_never_takes_it_is_given_up(
    autojump_clock: MockClock, rig: Rig, answer: Outcome, attempts: int
) -> None:
    """After some attempts, or at once where it was a refusal; counted, and said."""
    hook = Hook(answer=answer)
    rig.troubles.append("the disk is full")
    async with watched(rig, hook):
        with structlog.testing.capture_logs() as logs:
            await trio.sleep(4000)
    assert len(hook.posts) == attempts
    assert rig.metrics.samples()["collector_alerts_given_up_total", ""] == 1
    assert logs[-1]["event"] == "alert_given_up"
    assert logs[-1]["reason"] == f"{answer.words}, at attempt {attempts}"


async def test_it_is_left_alone_for_as_long_as_it_says(autojump_clock: MockClock, rig: Rig) -> None:
    """Up to five minutes; nonsense is none."""
    hook = Hook(answer=attrs.evolve(LATER, status=429, retry_after="100"))
    rig.troubles.append("the disk is full")
    async with watched(rig, hook):
        await trio.sleep(470)
        hook.answer = attrs.evolve(LATER, retry_after="99999")
        await trio.sleep(500)
        hook.answer = attrs.evolve(LATER, retry_after="tomorrow")
        await trio.sleep(500)
    assert [at - 365 for at, *_ in hook.told()][:5] == [0, 100, 200, 500, 800]


async def test_what_waits_is_bounded(autojump_clock: MockClock, rig: Rig) -> None:
    """The oldest goes, and is counted."""

    async def never(body: bytes) -> Outcome:
        await trio.sleep_forever()
        return TAKEN

    delivery = Delivery(never, rig.metrics)
    with structlog.testing.capture_logs() as logs:
        for number in range(MOST_WAITING + 3):
            delivery.put(f"alert {number}", b"{}")
    samples = rig.metrics.samples()
    assert samples["collector_alerts_waiting", ""] == MOST_WAITING
    assert samples["collector_alerts_given_up_total", ""] == 3
    assert [each["alert"] for each in logs] == ["alert 0", "alert 1", "alert 2"]


async def test_a_webhook_that_hangs_holds_up_nobody_else(
    autojump_clock: MockClock, rig: Rig
) -> None:
    """What else is wrong is noticed and logged in time, and waits behind it."""
    hook = HangingHook()
    rig.troubles.append("the disk is full")
    with structlog.testing.capture_logs() as logs:
        async with watched(rig, hook):
            await trio.sleep(500)
            rig.metrics.exchange("alpha").holes.left_for_good(Cause.DAMAGE)
            await trio.sleep(100)
    assert [each["alert"] for each in logs] == ["NotReady", "GapOpened"]
    assert len(hook.posts) == 1
    assert rig.metrics.samples()["collector_alerts_waiting", ""] == 1


async def test_a_fault_in_it_ends_nothing_else(autojump_clock: MockClock, rig: Rig) -> None:
    """And is said."""

    def fail() -> Any:  # noqa: ANN401 - it never returns
        raise LookupError("a bug")

    alarm = Alarm(
        metrics=rig.metrics, clock=rig.clock, post=Hook().post, machine="here", version="1"
    )
    with structlog.testing.capture_logs() as logs:
        await alarm.run(fail)
    assert [each["event"] for each in logs] == ["alerting_failed"]
