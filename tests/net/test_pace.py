"""Gates that keep under a venue's limits, at exact virtual times, and waits between attempts."""

from __future__ import annotations

from random import Random

import pytest
import trio
from trio.testing import MockClock

from tick_logger.exchanges import registry
from tick_logger.net.pace import (
    CARRIED_SECS,
    STABLE_SECS,
    Backoff,
    ConnectGate,
    MessageGate,
    WeightGate,
)


async def passages(gate: ConnectGate | MessageGate, count: int) -> list[float]:
    """When one caller after the other gets through."""
    times = []
    for _ in range(count):
        await gate.wait()
        times.append(trio.current_time())
    return times


async def test_connects_are_spaced(autojump_clock: MockClock) -> None:
    """The first goes at once, each other a full spacing after the one before."""
    assert await passages(ConnectGate(2.0), 4) == [0.0, 0.5, 1.0, 1.5]


async def test_time_unused_is_not_saved_up(autojump_clock: MockClock) -> None:
    """After a pause there is no burst."""
    gate = ConnectGate(2.0)
    await gate.wait()
    await trio.sleep(10)
    assert await passages(gate, 3) == [10.0, 10.5, 11.0]


async def test_many_callers_share_the_spacing(autojump_clock: MockClock) -> None:
    """Each gets a turn of its own, in the order in which they came."""
    gate, order = ConnectGate(2.0), list[tuple[int, float]]()

    async def caller(number: int) -> None:
        await gate.wait()
        order.append((number, trio.current_time()))

    async with trio.open_nursery() as nursery:
        for number in range(5):
            nursery.start_soon(caller, number)
            await trio.testing.wait_all_tasks_blocked()
    assert order == [(number, number / 2) for number in range(5)]


async def test_a_cancelled_connect_costs_nothing(autojump_clock: MockClock) -> None:
    """The next caller gets through when it would have."""
    gate = ConnectGate(2.0)
    await gate.wait()
    with trio.move_on_after(0.25):
        await gate.wait()
    await gate.wait()
    assert trio.current_time() == 0.5


async def test_a_closed_gate_lets_no_connection_through(autojump_clock: MockClock) -> None:
    """Not even who had a turn already; then each gets another, with the usual spacing."""
    gate, passed = ConnectGate(2.0), list[float]()

    async def caller() -> None:
        await gate.wait()
        passed.append(trio.current_time())

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(caller)
        await trio.sleep(0.25)
        gate.close_until(30.0)
        gate.close_until(10.0)
    assert passed == [0.0, 30.0, 30.5]


async def returns(gate: ConnectGate, count: int) -> list[float]:
    """When so many get through that come back together."""
    times: list[float] = []

    async def caller() -> None:
        await gate.wait(back=True)
        times.append(trio.current_time())

    async with trio.open_nursery() as nursery:
        for _ in range(count):
            nursery.start_soon(caller)
    return times


async def test_those_that_were_cut_come_back_together(autojump_clock: MockClock) -> None:
    """As many as the burst has, then no more until the first of them has left its time."""
    gate = ConnectGate(2.0, 4)
    assert await returns(gate, 10) == [0.0] * 4 + [2.0] * 4 + [4.0] * 2


async def test_new_connections_keep_their_pace_beside_them(autojump_clock: MockClock) -> None:
    """They are not let through faster, and all together stay within the burst in its time."""
    gate, new = ConnectGate(2.0, 4), list[float]()

    async def begin() -> None:
        for _ in range(5):
            await gate.wait()
            new.append(trio.current_time())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(begin)
        await trio.sleep(0.75)
        assert await returns(gate, 2) == [0.75, 0.75]
    assert new == [0.0, 0.5, 2.0, 2.5, 3.0]


async def test_a_closed_gate_lets_nobody_back(autojump_clock: MockClock) -> None:
    """Who asks to wait is obeyed, however well the connection had done; then one is first.

    Else all of them would be there before the first has heard that it is closed again.
    """
    gate = ConnectGate(2.0, 4)
    gate.close_until(30.0)
    assert await returns(gate, 3) == [30.0, 30.5, 31.0]
    await trio.sleep_until(40.0)
    assert await returns(gate, 3) == [40.0] * 3


async def test_the_smallest_burst_counts(autojump_clock: MockClock) -> None:
    """Of those that share a gate, and the slowest pace."""
    gate = ConnectGate(4.0, 10)
    gate.slow_down(2.0, 3)
    gate.slow_down(8.0, 5)
    assert await returns(gate, 4) == [0.0, 0.0, 0.0, 1.5]


LIMITS = {
    "binance": (300, 300.0),
    "bybit": (500, 300.0),
    "bybit_linear": (500, 300.0),
    "coinbase": (20, 2.5),  # a burst, and 8 a second
    "coinbase_advanced": (8, 1.0),
    "kraken": (150, 600.0),
    "okx": (3, 1.0),
    "upbit": (5, 1.0),
}
"""Connections that each venue takes in how many seconds, by its documentation."""


@pytest.mark.parametrize("name", sorted(registry.available()))
async def test_no_venue_gets_more_connections_than_it_takes(
    name: str, autojump_clock: MockClock
) -> None:
    """Though all that may come back do, beside all that may be new, as fast as they can."""
    most, within_secs = LIMITS[name]
    profile = registry.get(name).profile
    gate, times = ConnectGate(profile.connects_per_second, profile.connects_burst), list[float]()

    async def hurry(back: bool) -> None:
        while True:
            await gate.wait(back=back)
            times.append(trio.current_time())

    with trio.move_on_after(2 * within_secs):
        async with trio.open_nursery() as nursery:
            for back in (False, True, True):
                nursery.start_soon(hurry, back)
    assert times.count(0.0) == profile.connects_burst
    held = [sum(start <= time < start + within_secs for time in times) for start in times]
    assert max(held) <= most


async def test_messages_go_in_bursts_up_to_the_limit(autojump_clock: MockClock) -> None:
    """Any second holds at most so many."""
    assert await passages(MessageGate(3.0), 7) == [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0]


async def test_pongs_count(autojump_clock: MockClock) -> None:
    """They are not delayed, but requests then wait for their second to pass."""
    gate = MessageGate(2.0)
    gate.note()
    await gate.wait()
    await trio.sleep(0.5)
    for _ in range(3):
        gate.note()
    await gate.wait()
    assert trio.current_time() == 1.5


async def test_less_than_one_message_per_second_is_possible(autojump_clock: MockClock) -> None:
    """One every four seconds."""
    assert await passages(MessageGate(0.25), 3) == [0.0, 4.0, 8.0]


@pytest.mark.parametrize("per_second", [0.5, 1.0, 2.5, 5.0, 100.0])
async def test_no_second_ever_holds_more(per_second: float, autojump_clock: MockClock) -> None:
    """For fractions and high limits too, with pauses and pongs between."""
    rng, gate, times = Random(1), MessageGate(per_second), list[float]()
    for _ in range(250):
        await trio.sleep(rng.choice([0.0, 0.0, 0.0, 0.25, 0.5]))
        times += await passages(gate, 1)
    for start in times:
        held = sum(start <= time < start + max(1.0, 1 / per_second) for time in times)
        assert held <= max(1.0, per_second)


async def test_waiters_get_through_in_order(autojump_clock: MockClock) -> None:
    """A late caller does not overtake those that wait."""
    gate, order = MessageGate(1.0), list[int]()

    async def caller(number: int) -> None:
        await gate.wait()
        order.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(6):
            nursery.start_soon(caller, number)
            await trio.testing.wait_all_tasks_blocked()
    assert order == list(range(6))
    assert trio.current_time() == 5.0


async def test_a_cancelled_message_is_not_counted(autojump_clock: MockClock) -> None:
    """The next one goes when it would have gone."""
    gate = MessageGate(1.0)
    await gate.wait()
    with trio.move_on_after(0.5):
        await gate.wait()
    await gate.wait()
    assert trio.current_time() == 1.0
    with trio.CancelScope() as scope:
        scope.cancel()
        await gate.wait()
    assert scope.cancelled_caught
    await gate.wait()
    assert trio.current_time() == 2.0


# -- weights --------------------------------------------------------------------------------------


async def test_weights_add_up_to_the_limit(autojump_clock: MockClock) -> None:
    """In any window; what is heavy waits until enough of what passed has left it."""
    gate, times = WeightGate(10, 60.0), list[float]()
    for weight, pause in ((4, 1.0), (4, 1.0), (2, 1.0), (1, 0.0), (8, 0.0), (10, 0.0)):
        await gate.wait(weight)
        times.append(trio.current_time())
        await trio.sleep(pause)
    assert times == [0.0, 1.0, 2.0, 60.0, 62.0, 122.0]


async def test_nothing_light_overtakes_what_is_heavy(autojump_clock: MockClock) -> None:
    """However much came before, everyone gets through in the order of coming."""
    gate, passed = WeightGate(10, 60.0), list[tuple[int, float]]()

    async def caller(weight: int) -> None:
        await gate.wait(weight)
        passed.append((weight, trio.current_time()))

    async with trio.open_nursery() as nursery:
        for weight in (9, 8, 1, 7):
            nursery.start_soon(caller, weight)
            await trio.testing.wait_all_tasks_blocked()
    assert passed == [(9, 0.0), (8, 60.0), (1, 60.0), (7, 120.0)]


async def test_a_closed_gate_lets_nobody_through(autojump_clock: MockClock) -> None:
    """Nor does it open earlier because a later word names an earlier end."""
    gate = WeightGate(10, 60.0)
    gate.close_until(100.0)
    gate.close_until(50.0)
    await gate.wait(1)
    assert trio.current_time() == 100.0


async def test_a_gate_may_close_on_those_that_wait(autojump_clock: MockClock) -> None:
    """It is the later of two reasons that holds."""
    gate = WeightGate(1, 60.0)
    await gate.wait(1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(gate.wait, 1)
        await trio.sleep(30.0)
        gate.close_until(90.0)
    assert trio.current_time() == 90.0


async def test_what_begins_later_than_it_passed_counts_from_then(autojump_clock: MockClock) -> None:
    """Whatever it waited for in between, no window has more than may go through."""
    gate, times = WeightGate(2, 60.0), list[float]()
    for delay in (50.0, 0.0, 0.0, 0.0):
        await gate.wait(1)
        await trio.sleep(delay)
        gate.begins()
        times.append(trio.current_time())
    assert times == [50.0, 50.0, 110.0, 110.0]


async def test_a_cancelled_weight_is_not_counted(autojump_clock: MockClock) -> None:
    """The next one goes when it would have gone."""
    gate = WeightGate(2, 60.0)
    await gate.wait(1)
    with trio.move_on_after(30.0):
        await gate.wait(2)
    await gate.wait(1)
    assert trio.current_time() == 30.0


# -- waits between attempts ------------------------------------------------------------------------


class Longest(Random):
    """Always the upper end, so that the bounds can be seen."""

    def uniform(self, a: float, b: float) -> float:
        assert a == 0
        return b


def test_the_bound_doubles_up_to_the_maximum() -> None:
    """From the first wait on."""
    backoff = Backoff(1.0, 60.0, Longest())
    waits = [backoff.next_wait_secs(0.0) for _ in range(9)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_only_a_stable_minute_starts_anew() -> None:
    """A connection that is cut every few seconds keeps its long waits."""
    backoff = Backoff(1.0, 60.0, Longest())
    lived = [0.0, 0.0, STABLE_SECS - 0.1, STABLE_SECS, 0.0]
    assert [backoff.next_wait_secs(secs) for secs in lived] == [1, 2, 4, 1, 2]


def test_what_carried_something_comes_back_at_once() -> None:
    """Then the first wait is the first again, if it was stable."""
    backoff = Backoff(1.0, 60.0, Longest())
    assert [backoff.next_wait_secs(0.0) for _ in range(3)] == [1, 2, 4]
    assert backoff.at_once(STABLE_SECS)
    assert [backoff.next_wait_secs(0.0) for _ in range(3)] == [1, 2, 4]


@pytest.mark.parametrize("lived_secs", [0.0, 1.0, CARRIED_SECS - 0.01])
def test_what_hardly_lived_does_not(lived_secs: float) -> None:
    """A venue that cuts each new connection is not hammered."""
    backoff = Backoff(1.0, 60.0, Longest())
    assert not any(backoff.at_once(lived_secs) for _ in range(3))


def test_only_one_comes_back_at_once_in_a_minute() -> None:
    """The bound goes on growing for a venue that cuts each connection after ten seconds."""
    backoff = Backoff(1.0, 60.0, Longest())
    story = []
    for _ in range(8):
        story.append(0.0 if backoff.at_once(10.0) else backoff.next_wait_secs(10.0))
    assert story == [0, 1, 2, 4, 8, 0, 16, 32]


def test_waits_are_spread_over_the_whole_range() -> None:
    """Full jitter: many connections that fell together do not return together."""
    waits = []
    for seed in range(200):
        backoff = Backoff(8.0, 60.0, Random(seed))
        waits.append(backoff.next_wait_secs(0.0))
    assert all(0 <= wait <= 8 for wait in waits)
    assert [sum(low <= wait < low + 2 for wait in waits) > 25 for low in (0, 2, 4, 6)] == [True] * 4


def test_the_same_seed_gives_the_same_waits() -> None:
    """Simulations can be repeated."""
    one, two = (Backoff(1.0, 60.0, Random(7)) for _ in range(2))
    assert [one.next_wait_secs(0) for _ in range(5)] == [two.next_wait_secs(0) for _ in range(5)]


def test_other_limits_hold_from_the_next_wait_on() -> None:
    """How far it has come is kept, within them."""
    backoff = Backoff(1.0, 60.0, Longest())
    assert [backoff.next_wait_secs(0.0) for _ in range(5)] == [1, 2, 4, 8, 16]
    backoff.limit(0.5, 20.0)
    assert [backoff.next_wait_secs(0.0) for _ in range(2)] == [20, 20]
    assert backoff.next_wait_secs(STABLE_SECS) == 0.5
    backoff.limit(30.0, 40.0)
    assert backoff.next_wait_secs(0.0) == 30
