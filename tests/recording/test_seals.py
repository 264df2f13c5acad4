"""Days are sealed while it is recorded: in order with what comes, once, also after a restart."""

from __future__ import annotations

import trio
from trio.testing import MockClock

from tests.derive.story import MIDNIGHT_NS, SECOND, story
from tests.fakes.memory_files import MemoryFiles
from tests.recording.rig import DerivingRig, TimedFiles, WritingRig, batch, numbers
from tick_logger.model.entries import Received, Sealed, Ticked
from tick_logger.recording.deriver import SOONEST_SECS
from tick_logger.recording.seals import Seals

DAY = MIDNIGHT_NS // (86_400 * SECOND) - 1
FAR_SECS = 10_000.0


async def test_a_seal_lies_behind_the_tick_that_follows_the_wish(autojump_clock: MockClock) -> None:
    """Two wishes for one exchange are one entry, of the later day."""
    rig = WritingRig(TimedFiles())
    with trio.move_on_after(FAR_SECS):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(rig.run)
            await rig.send.send(batch(1))
            await trio.sleep(0.1)
            for exchange, day in (("venue", DAY - 1), ("venue", DAY), ("other", DAY)):
                rig.seals._wishes[exchange] = day
            await trio.sleep(1.0)
            await rig.send.send(batch(2))
            await trio.sleep(0.1)
            rig.send.close()
    entries = rig.entries()
    kinds = [type(each) for each in entries]
    at = kinds.index(Sealed)
    assert kinds[at - 1 : at + 2] == [Ticked, Sealed, Sealed]
    assert [(e.exchange, e.day) for e in entries if isinstance(e, Sealed)] == [
        ("venue", DAY),
        ("other", DAY),
    ]
    before = [each for each in entries[:at] if isinstance(each, Received)]
    assert (numbers(before), numbers(entries)) == ([1], [1, 2])


async def sealed_at(rig: DerivingRig, *, days: int = 1) -> list[float]:
    """Derive a story in which days are asked for; returns when each was done."""
    done: list[float] = []
    seals, began = rig.seals, trio.current_time()

    async def ask() -> None:
        for day in range(DAY - days + 1, DAY + 1):
            await seals.seal("alpha", day)
            done.append(trio.current_time() - began)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(rig.deriver.run)
        nursery.start_soon(ask)
        for frame in story(2):
            rig.put([*frame, *seals.take(5)])
            await trio.sleep(0.5)
        rig.backlog.end()
    return done


async def test_who_asks_hears_when_a_checkpoint_knows_it(autojump_clock: MockClock) -> None:
    """It is saved sooner for that; and the next process does not ask again."""
    files = MemoryFiles()
    rig = DerivingRig(files, checkpoint_interval_secs=FAR_SECS)
    assert await sealed_at(rig) == [SOONEST_SECS]
    assert rig.seals.until("alpha") == DAY
    assert rig.seals.until("beta") is None
    again = DerivingRig(files)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(again.deriver.run)
        nursery.start_soon(again.seals.seal, "alpha", DAY)
        await trio.sleep(0.1)
        again.put([Ticked(1)])
        await trio.sleep(0.1)
        assert again.seals.take(5) == []
        again.backlog.end()
    assert again.seals.until("alpha") == DAY


async def test_what_is_settled_lies_in_a_checkpoint_begun_later(autojump_clock: MockClock) -> None:
    """One that has begun already may lack what has just been seen."""
    seals, done = Seals(), trio.Event()

    async def wait() -> None:
        await seals.settled()
        done.set()

    async with trio.open_nursery() as nursery:
        number = seals.begin()
        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        seals.saved(number, {})
        await trio.testing.wait_all_tasks_blocked()
        assert not done.is_set()
        failed = seals.begin()
        number = seals.begin()
        assert number == failed + 1
        seals.saved(number, {"alpha": DAY})
        await done.wait()
    assert seals.until("alpha") == DAY
