"""A clock that never runs backwards, over one that is set."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tick_logger.clock import CATCH_UP, MOST_HELD_NS, SteadyClock

SECOND = 10**9
START = 1_790_078_400 * SECOND


@attrs.define
class Machine:
    """A clock that is set by hand, and time, which passes when told."""

    wall_ns: int = START
    passed_ns: int = 0

    def now_ns(self) -> int:
        return self.wall_ns

    def monotonic_ns(self) -> int:
        return self.passed_ns

    def wait(self, secs: float) -> None:
        self.wall_ns += round(secs * SECOND)
        self.passed_ns += round(secs * SECOND)


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def clock(machine: Machine) -> SteadyClock:
    return SteadyClock(machine)


def test_it_shows_what_the_machine_shows(machine: Machine, clock: SteadyClock) -> None:
    """Steps forward included."""
    machine.wait(5)
    assert clock.now_ns() == START + 5 * SECOND
    machine.wall_ns += 3600 * SECOND
    assert clock.now_ns() == START + 3605 * SECOND


def test_set_back_it_runs_slower_until_the_machine_has_caught_up(
    machine: Machine, clock: SteadyClock
) -> None:
    """An hour is made good in two, and nothing stands still meanwhile."""
    machine.wall_ns -= 3600 * SECOND
    shown = [clock.now_ns()]
    for _ in range(4):
        machine.wait(1800 * CATCH_UP / 2)
        shown.append(clock.now_ns())
    assert shown == [START + n * 900 * SECOND for n in range(5)]
    machine.wait(3600)
    assert clock.held_ns == 0
    machine.wait(1)
    assert clock.now_ns() == machine.wall_ns


@pytest.mark.parametrize("ahead_ns", [-SECOND, SECOND, MOST_HELD_NS])
def test_it_goes_on_behind_what_was_recorded(
    ahead_ns: int, machine: Machine, clock: SteadyClock
) -> None:
    """The machine was set back while nothing ran."""
    clock.continue_from(START + ahead_ns)
    assert clock.now_ns() == START + max(ahead_ns, 0)


def test_what_was_recorded_days_ahead_is_not_believed(clock: SteadyClock) -> None:
    """Else a clock that was wrong once would be so for ever."""
    clock.continue_from(START + MOST_HELD_NS + 1)
    assert clock.now_ns() == START


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 10**12), st.integers(-(10**15), 10**14))))
def test_it_never_runs_backwards_or_behind(steps: list[tuple[int, int]]) -> None:
    """Whatever happens; and it runs at half the speed of time at least."""
    machine = Machine()
    clock = SteadyClock(machine)
    before = clock.now_ns()
    for passed_ns, step_ns in steps:
        machine.wait(passed_ns / SECOND)
        machine.wall_ns += step_ns
        now = clock.now_ns()
        assert now >= machine.wall_ns
        assert now - before >= passed_ns // CATCH_UP - 1
        before = now
