"""The bound on memory between sockets and writer."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tick_logger.budget import AHEAD_SHARE, ByteBudget


def test_a_take_fits_or_changes_nothing() -> None:
    """Up to the last byte."""
    budget = ByteBudget(100)
    assert budget.take(60)
    assert not budget.take(41)
    assert budget.taken_bytes == 60
    assert budget.take(40)
    assert not budget.take(1)
    assert budget.take(0)


def test_half_free_is_when_refused_work_is_taken_up() -> None:
    """At half exactly; the peak stays."""
    budget = ByteBudget(100)
    budget.take(80)
    assert not budget.half_free
    budget.give_back(29)
    assert not budget.half_free
    budget.give_back(1)
    assert budget.half_free
    assert (budget.taken_bytes, budget.peak_bytes) == (50, 80)


def test_giving_back_too_much_is_a_bug_that_shows() -> None:
    """The bound would be gone without anyone noticing."""
    budget = ByteBudget(100)
    budget.take(5)
    with pytest.raises(AssertionError, match="more bytes"):
        budget.give_back(6)


def test_rows_count_until_they_are_given_back() -> None:
    """Frames are given back when they are in the journal, and rows when nobody holds them."""
    budget = ByteBudget(100)
    budget.take(10)
    budget.decoded(10, 25)
    assert (budget.taken_bytes, budget.ahead_rows_bytes) == (35, 25)
    budget.journalled(10, 25)
    assert (budget.taken_bytes, budget.ahead_rows_bytes) == (25, 0)
    budget.give_back(25)
    assert budget.taken_bytes == 0


def test_what_may_be_decoded() -> None:
    """One portion always; more while a share is not exceeded, and while anything is free."""
    budget = ByteBudget(100 * AHEAD_SHARE)
    budget.take(99 * AHEAD_SHARE)
    assert budget.may_decode
    budget.decoded(30, 70)
    assert not budget.may_decode  # more than all is taken
    budget.give_back(200)
    assert budget.may_decode
    budget.decoded(1, 0)
    assert not budget.may_decode
    budget.journalled(31, 70)
    assert budget.may_decode


async def test_all_who_wait_for_room_are_woken(autojump_clock: MockClock) -> None:
    """By the journal, by whoever gives back, and at the end."""
    for tell in ("journalled", "given back", "ended"):
        budget = ByteBudget(100)
        budget.take(90)
        budget.decoded(20, 30)
        through: list[int] = []

        async def wait(
            number: int, budget: ByteBudget = budget, through: list[int] = through
        ) -> None:
            await budget.room_to_decode()
            through.append(number)

        with trio.fail_after(1.0):
            async with trio.open_nursery() as nursery:
                for number in range(3):
                    nursery.start_soon(wait, number)
                await wait_all_tasks_blocked()
                assert through == []
                match tell:
                    case "journalled":
                        budget.journalled(20, 30)
                    case "given back":
                        budget.journalled(15, 15)
                        budget.give_back(60)
                    case "ended":
                        budget.end()
        assert sorted(through) == [0, 1, 2], tell


def test_what_is_guaranteed_to_one_exchange_no_other_can_take() -> None:
    """A quarter is shared out; a flood of one has its own part of that, and all the rest."""
    budget = ByteBudget(160)
    flood, quiet = budget.share(), budget.share()
    assert budget.guaranteed_bytes == 20
    assert flood.take(140)
    assert not flood.take(1)
    assert not budget.take(1)
    assert quiet.half_free
    assert not flood.half_free
    assert quiet.take(11)
    assert not quiet.half_free
    assert quiet.take(9)
    assert not quiet.take(1)
    assert budget.taken_bytes == 160
    flood.decoded(100, 0)
    budget.journalled(100, 0)
    assert quiet.take(80)  # of the common part, once that is free
    assert not flood.half_free
    quiet.decoded(100, 0)
    budget.journalled(100, 0)
    assert quiet.half_free


def test_rows_of_one_exchange_leave_the_others_what_is_guaranteed() -> None:
    """They may exceed the common part, by those of one portion; then decoding stops."""
    budget = ByteBudget(160)
    flood, quiet = budget.share(), budget.share()
    flood.take(100)
    flood.decoded(90, 300)
    assert not budget.may_decode
    assert quiet.take(20)
    assert not quiet.take(1)
    assert not flood.take(11)
    assert flood.take(10)
    budget.journalled(90, 300)
    budget.give_back(300)
    assert budget.may_decode


def test_one_exchange_alone_has_all_of_it() -> None:
    """There is nobody to keep anything for."""
    budget = ByteBudget(100)
    share = budget.share()
    assert share.take(100)
    assert not share.take(1)
    assert not share.half_free


def test_frames_that_nobody_took_cannot_be_decoded() -> None:
    """The part of its exchange would grow."""
    share = ByteBudget(100).share()
    share.take(5)
    with pytest.raises(AssertionError, match="before it was taken"):
        share.decoded(6, 0)


# -- the brake, and waiting for column files -------------------------------------------------------


def test_the_brake_is_on_from_half_to_a_quarter() -> None:
    """Between, it stays what it was."""
    budget = ByteBudget(100)
    share = budget.share()
    seen = []
    for size in (50, 1, 20):
        share.take(size)
        seen.append(share.brake.is_on)
    share.decoded(71, 0)
    for size in (45, 1):
        budget.journalled(size, 0)
        seen.append(share.brake.is_on)
    share.take(20)
    assert [*seen, share.brake.is_on] == [False, True, True, True, False, False]
    assert share.brake.times == 1


def test_only_who_fills_the_budget_is_braked() -> None:
    """And is let go when its own part is free again, whatever others hold."""
    budget = ByteBudget(160)
    flood, quiet = budget.share(), budget.share()
    flood.take(100)
    quiet.take(10)
    assert (flood.brake.is_on, quiet.brake.is_on) == (True, False)
    flood.decoded(90, 0)
    assert flood.brake.is_on  # ten of its twenty wait
    flood.decoded(5, 0)
    assert not flood.brake.is_on
    quiet.take(1)
    assert quiet.brake.is_on


def test_at_the_end_nothing_is_braked() -> None:
    """Nobody would let go of it."""
    budget = ByteBudget(100)
    share = budget.share()
    share.take(60)
    budget.end()
    assert not share.brake.is_on


async def test_decoding_waits_for_column_files_that_go_on(autojump_clock: MockClock) -> None:
    """However long, as long as something comes into them each second."""
    budget = ByteBudget(100)
    behind = True
    budget.wait_for_files_while(lambda: behind)

    async def derive() -> None:
        nonlocal behind
        for _ in range(10):
            await trio.sleep(0.9)
            budget.files_went_on()
        behind = False
        budget.files_went_on()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(derive)
        began = trio.current_time()
        await budget.room_to_decode()
        assert trio.current_time() - began == pytest.approx(9.0)


async def test_decoding_does_not_wait_for_column_files_that_stall(
    autojump_clock: MockClock,
) -> None:
    """It waits once; from then on what comes goes to the journal, until they go on."""
    budget = ByteBudget(100)
    budget.wait_for_files_while(lambda: True)
    began = trio.current_time()
    waited = []
    for number in range(4):
        if number == 3:
            budget.files_went_on()
        await budget.room_to_decode()
        waited.append(trio.current_time() - began)
    assert waited == pytest.approx([1.0, 1.0, 1.0, 2.0])
