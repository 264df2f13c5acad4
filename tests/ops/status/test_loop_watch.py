"""Who keeps the event loop: measured by an instrument, told by name."""

from __future__ import annotations

import time
from typing import Any, cast

import attrs
import pytest
import structlog
import trio

from tick_logger.ops.status.loop_watch import ALARM_SECS, SPANS, LoopWatch, Step


@attrs.define
class Hand:
    """A clock that is moved by hand."""

    secs: float = 100.0

    def __call__(self) -> float:
        return self.secs


@attrs.frozen
class Named:
    name: str


def step(watch: LoopWatch, hand: Hand, name: str, secs: float) -> None:
    task = cast(trio.lowlevel.Task, Named(name))
    watch.before_task_step(task)
    hand.secs += secs
    watch.after_task_step(task)


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def watch(hand: Hand) -> LoopWatch:
    return LoopWatch(hand)


def test_the_longest_step_is_named(watch: LoopWatch, hand: Hand) -> None:
    """Time between steps, when the loop waits, is nobody's."""
    for name, secs in (("a", 0.5), ("b", 2.0), ("c", 1.0)):
        step(watch, hand, name, secs)
        hand.secs += 1000
    assert watch.longest == Step(2.0, "b")


def test_a_step_that_began_before_the_watch_is_not_measured(watch: LoopWatch, hand: Hand) -> None:
    """The first that is seen is the one that put the instrument in."""
    watch.after_task_step(cast(trio.lowlevel.Task, Named("early")))
    assert watch.longest == Step()


def test_a_peak_is_remembered_for_some_spans(watch: LoopWatch, hand: Hand) -> None:
    """So that no scrape misses it; then it is forgotten."""
    step(watch, hand, "peak", 3.0)
    for _ in range(SPANS):
        watch.end_span()
        step(watch, hand, "usual", 0.001)
        assert watch.longest == Step(3.0, "peak")
    watch.end_span()
    assert watch.longest.task == "usual"
    assert watch.longest.secs == pytest.approx(0.001)


def test_a_long_step_is_told_once(watch: LoopWatch, hand: Hand) -> None:
    """At the end of its span, with the name of the task; ordinary ones are not."""
    with structlog.testing.capture_logs() as logs:
        step(watch, hand, "usual", ALARM_SECS / 2)
        watch.end_span()
        step(watch, hand, "greedy", 1.2345)
        watch.end_span()
        watch.end_span()
    assert [(line["event"], line["task"], line["secs"]) for line in logs] == [
        ("loop_blocked", "greedy", 1.234)
    ]


async def greedy() -> None:
    """Keep the loop for as long as a hundredth of a second takes."""
    await trio.lowlevel.checkpoint()
    until = time.perf_counter() + 0.01
    while time.perf_counter() < until:
        pass


async def test_in_a_real_run() -> None:
    """The task that blocks is found by its name."""
    watch = LoopWatch()
    trio.lowlevel.add_instrument(watch)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.lowlevel.checkpoint)
            nursery.start_soon(greedy)
    finally:
        trio.lowlevel.remove_instrument(watch)
    assert watch.longest.task.endswith("greedy")
    assert watch.longest.secs >= 0.01


async def test_one_that_fails_harms_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Trio takes it away, and everything goes on."""

    def broken() -> Any:  # noqa: ANN401 - it never returns
        raise OSError("no clock")

    watch = LoopWatch(broken)
    trio.lowlevel.add_instrument(watch)
    await greedy()
    with pytest.raises(KeyError):
        trio.lowlevel.remove_instrument(watch)
    assert watch.longest == Step()
    assert "no clock" in caplog.text
