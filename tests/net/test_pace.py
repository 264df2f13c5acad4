"""Gates that keep under a venue's limits, at exact virtual times, and waits between attempts."""

from __future__ import annotations

from random import Random

import pytest
import trio
from trio.testing import MockClock

from tick_logger.net.pace import STABLE_SECS, Backoff, MessageGate, SpacingGate, WeightGate


async def passages(gate: SpacingGate | MessageGate, count: int) -> list[float]:
    """When one caller after the other gets through."""
    times = []
    for _ in range(count):
        await gate.wait()
        times.append(trio.current_time())
    return times


async def test_connects_are_spaced(autojump_clock: MockClock) -> None:
    """The first goes at once, each other a full spacing after the one before."""
    assert await passages(SpacingGate(2.0), 4) == [0.0, 0.5, 1.0, 1.5]


async def test_time_unused_is_not_saved_up(autojump_clock: MockClock) -> None:
    """After a pause there is no burst."""
    gate = SpacingGate(2.0)
    await gate.wait()
    await trio.sleep(10)
    assert await passages(gate, 3) == [10.0, 10.5, 11.0]


async def test_many_callers_share_the_spacing(autojump_clock: MockClock) -> None:
    """Each gets a turn of its own, in the order in which they came."""
    gate, order = SpacingGate(2.0), list[tuple[int, float]]()

    async def caller(number: int) -> None:
        await gate.wait()
        order.append((number, trio.current_time()))

    async with trio.open_nursery() as nursery:
        for number in range(5):
            nursery.start_soon(caller, number)
            await trio.testing.wait_all_tasks_blocked()
    assert order == [(number, number / 2) for number in range(5)]


async def test_a_cancelled_connect_costs_its_turn_and_nothing_else(
    autojump_clock: MockClock,
) -> None:
    """The next caller waits, but gets through."""
    gate = SpacingGate(2.0)
    await gate.wait()
    with trio.move_on_after(0.25):
        await gate.wait()
    await gate.wait()
    assert trio.current_time() == 1.0


async def test_a_closed_gate_lets_no_connection_through(autojump_clock: MockClock) -> None:
    """Not even who had a turn already; then each gets another, with the usual spacing."""
    gate, passed = SpacingGate(2.0), list[float]()

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
