"""The queue that may forget: its memory is bounded, and given back once."""

from __future__ import annotations

from random import Random

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.recording.rig import STARTED, batch
from tick_logger.budget import ByteBudget
from tick_logger.model.entries import Ticked
from tick_logger.recording.backlog import Backlog, Chunk

LIMIT = 1_000


def chunk(budget: ByteBudget, first_seq: int, *costs: int, frames: int = 1) -> Chunk:
    """A chunk whose batches have taken their share of the budget."""
    assert budget.take(sum(costs))
    batches = [batch(first_seq, cost=cost) for cost in costs]
    return Chunk(first_seq, first_seq + frames, (*batches, Ticked()))


def new() -> tuple[ByteBudget, Backlog]:
    budget = ByteBudget(10 * LIMIT)
    return budget, Backlog(budget, LIMIT, next_seq=1)


async def test_chunks_come_out_as_they_went_in() -> None:
    """In order; the end comes behind all of them, and again if asked again."""
    budget, backlog = new()
    chunks = [chunk(budget, seq, 10, 20) for seq in range(1, 5)]
    for each in chunks:
        backlog.put(each)
    backlog.end()
    assert [await backlog.take() for _ in range(6)] == [*chunks, None, None]
    assert backlog.next_seq == 5
    assert backlog.forgotten == 0


async def test_its_share_of_the_budget_is_held_until_it_is_released() -> None:
    """While it waits, and while it is derived."""
    budget, backlog = new()
    backlog.put(chunk(budget, 1, 300, 100))
    assert (backlog.held_bytes, budget.taken_bytes) == (400, 400)
    taken = await backlog.take()
    assert taken is not None
    assert (backlog.held_bytes, budget.taken_bytes) == (400, 400)
    backlog.release(taken)
    assert (backlog.held_bytes, budget.taken_bytes) == (0, 0)


async def test_a_chunk_without_batches_costs_nothing() -> None:
    """Starts, ticks and ends are in the journal too."""
    budget, backlog = new()
    backlog.put(Chunk(1, 2, (STARTED, Ticked())))
    assert (backlog.held_bytes, budget.taken_bytes) == (0, 0)


async def test_beyond_its_limit_it_forgets_everything_that_waits() -> None:
    """What was taken stays with whoever took it; numbers tell what is missing then."""
    budget, backlog = new()
    backlog.put(chunk(budget, 1, 400))
    taken = await backlog.take()
    assert taken is not None
    backlog.put(chunk(budget, 2, 600))
    assert backlog.held_bytes == LIMIT  # the limit itself is allowed
    backlog.put(chunk(budget, 3, 1, frames=4))
    assert backlog.forgotten == 2
    assert (backlog.held_bytes, budget.taken_bytes) == (400, 400)
    backlog.release(taken)
    assert (backlog.held_bytes, budget.taken_bytes) == (0, 0)
    assert backlog.next_seq == 7
    backlog.put(chunk(budget, 7, 5))
    following = await backlog.take()
    assert following is not None
    assert following.first_seq == 7


@pytest.mark.parametrize("seed", range(20))
async def test_the_budget_is_given_back_exactly_once(seed: int) -> None:
    """Whatever the order of puts, takes and releases."""
    rng = Random(seed)
    budget, backlog = new()
    taken: list[Chunk] = []
    waiting = seq = 0
    for _ in range(300):
        match rng.randrange(3):
            case 0:
                seq += 1
                forgotten = backlog.forgotten
                backlog.put(chunk(budget, seq, rng.randrange(400)))
                waiting = waiting + 1 if backlog.forgotten == forgotten else 0
            case 1 if waiting:
                each = await backlog.take()
                assert each is not None
                taken.append(each)
                waiting -= 1
            case 2 if taken:
                backlog.release(taken.pop(rng.randrange(len(taken))))
        assert budget.taken_bytes == backlog.held_bytes
        assert backlog.held_bytes <= LIMIT + sum(each.budget_bytes for each in taken)
    backlog.end()
    while (each := await backlog.take()) is not None:
        taken.append(each)
    for each in taken:
        backlog.release(each)
    assert (budget.taken_bytes, backlog.held_bytes) == (0, 0)


async def test_taking_waits_for_a_chunk_or_the_end(autojump_clock: MockClock) -> None:
    """Also where all that came was forgotten at once."""
    budget, backlog = new()
    seen: list[int | None] = []

    async def take() -> None:
        while (each := await backlog.take()) is not None:
            seen.append(each.first_seq)
        seen.append(None)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(take)
        await wait_all_tasks_blocked()
        backlog.put(chunk(budget, 1, 2 * LIMIT))
        await wait_all_tasks_blocked()
        assert seen == []
        backlog.put(chunk(budget, 2, 5))
        await wait_all_tasks_blocked()
        assert seen == [2]
        backlog.end()
    assert seen == [2, None]


async def test_a_cancelled_take_takes_nothing(autojump_clock: MockClock) -> None:
    """What comes later is still there."""
    budget, backlog = new()
    with trio.move_on_after(1.0):
        await backlog.take()
    backlog.put(chunk(budget, 1, 5))
    assert await backlog.take() is not None


async def test_chunks_that_do_not_join_are_a_bug() -> None:
    """Frames between them would be left out of the column files without a word."""
    budget, backlog = new()
    backlog.put(chunk(budget, 1, 10))
    with pytest.raises(AssertionError, match="must join"):
        backlog.put(chunk(budget, 3, 10))
