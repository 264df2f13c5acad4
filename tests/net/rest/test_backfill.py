"""Holes and what becomes of them at simulated venues: exact times, requests, marks."""

from __future__ import annotations

import attrs
import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from tests.net.rest.filling import filling, wrong
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.surroundings import Surroundings, Trade
from tick_logger.model.tables import Table
from tick_logger.net.rest.asking import MAX_KEPT
from tick_logger.net.rest.backfill import LAG_SECS, MAX_DENIED, VOID_SECS
from tick_logger.net.rest.hole_queue import MAX_WAITING
from tick_logger.net.rest.holes import Hole
from tick_logger.simulator.faults import Faults

BY_ID = ["binance", "coinbase", "kraken", "okx", "coinbase_advanced"]


@pytest.mark.parametrize("name", BY_ID)
async def test_a_hole_in_ids_is_filled_to_the_trade(name: str, autojump_clock: MockClock) -> None:
    """No trade more, none less; REST is given a moment first."""
    async with filling(name) as scene:
        hole, began = scene.ids(100, 250), trio.current_time()
        scene.filler.offer(hole)
        assert scene.filler.waiting == 1
        assert scene.filler.is_asking_between(hole.to_ns, hole.to_ns + 1)
        assert not scene.filler.is_asking_between(hole.to_ns + 1, hole.to_ns + 2)
        assert not scene.filler.is_asking_between(0, hole.from_ns)
        assert hole in scene.filler.in_question()
        assert scene.ids(100, 251) not in scene.filler.in_question()
        await trio.sleep(20.0)
        assert sorted(scene.put()) == scene.expected(100, 250)
        assert scene.requests[0] == began + LAG_SECS[0]
        wanted = {"X-MBX-TIME-UNIT": "MICROSECOND"} if name == "binance" else {}
        assert scene.dial.headers == [wanted] * len(scene.requests)
        assert set(scene.healed()) == {"rest"}
        assert scene.count("backfill_trades_total") == 151
        assert scene.filler.waiting == 0
        assert hole not in scene.filler.in_question()


@pytest.mark.parametrize("name", BY_ID)
async def test_a_hole_known_by_times_is_filled_between_its_edges(
    name: str, autojump_clock: MockClock
) -> None:
    """It is told as healed when pages have reached from one side to the other."""
    async with filling(name) as scene:
        hole = scene.times(100, 130)
        scene.filler.offer(hole)
        await trio.sleep(30.0)
        assert sorted(scene.put()) == scene.expected(100, 130)
        ((_, mark),) = scene.journal.marks
        assert (mark.how, mark.from_ns, mark.at_ns) == ("rest", hole.from_ns, hole.to_ns)


async def test_the_newest_hole_comes_first(autojump_clock: MockClock) -> None:
    async with filling("binance") as scene:
        holes = [scene.ids(n, n + 2) for n in (300, 100, 500, 200)]
        for hole in holes:
            scene.filler.offer(hole)
        await trio.sleep(20.0)
        firsts = [mark.from_id or 0 for _, mark in scene.journal.marks]
        trades = scene.trades()
        assert firsts == [trades[n].trade_id for n in (500, 300, 200, 100)]


async def test_one_page_serves_all_holes_on_it(autojump_clock: MockClock) -> None:
    """Newest first backwards: the page about one has the holes before it, too."""
    async with filling("coinbase") as scene:
        for first in (100, 200, 300):
            scene.filler.offer(scene.ids(first, first + 5))
        await trio.sleep(20.0)
        assert len(scene.requests) == 1
        expected = [id_ for n in (100, 200, 300) for id_ in scene.expected(n, n + 5)]
        assert sorted(scene.put()) == expected
        assert scene.filler.waiting == 0


async def test_what_a_venue_lacks_is_void_after_two_tries_an_hour_apart(
    autojump_clock: MockClock,
) -> None:
    """And what it gave is there; the tries before that may have come too early."""
    async with filling("binance") as scene:
        hole = scene.ids(100, 102)
        wrong(scene, empty_probability=1.0)
        scene.filler.offer(hole)
        began = trio.current_time()
        await trio.sleep(VOID_SECS + 200.0)
        asked = [at - began for at in scene.requests]
        first = sum(LAG_SECS)
        assert asked == [3.0, 18.0, first, first + VOID_SECS]
        ((at, mark),) = scene.journal.marks
        assert (mark.from_id, mark.to_id, mark.how) == (hole.from_id, hole.to_id, "void")
        assert at == began + first + VOID_SECS
        assert scene.count("backfill_ids_denied_total") == 3
        assert scene.put() == []


async def test_rest_that_lags_is_asked_again_soon(autojump_clock: MockClock) -> None:
    async with filling("binance") as scene:
        wrong(scene, lag_secs=12.0)
        count = len(scene.trades())
        scene.filler.offer(scene.ids(count - 5, count - 3))
        with trio.move_on_after(30.0):
            await scene.exchange.run_market()
        assert sorted(scene.put()) == scene.expected(count - 5, count - 3)
        assert scene.healed() == ["rest"]
        assert len(scene.requests) == 2


@pytest.mark.parametrize("name", BY_ID)
@pytest.mark.parametrize(
    "fault",
    [
        {"refusal_probability": 0.5},
        {"refusal_probability": 0.3, "refusal_status": 418},
        {"web_page_probability": 0.5},
        {"truncated_probability": 0.5},
        {"overlap_probability": 1.0},
        {"repeat_probability": 0.3},
        {"short_probability": 0.5},
        {"of_another_probability": 0.3},
        {"empty_probability": 0.3},
    ],
    ids=lambda fault: next(iter(fault)),
)
async def test_pages_that_go_wrong_cost_time_and_nothing_else(
    name: str, fault: dict[str, object], autojump_clock: MockClock
) -> None:
    """No trade of another symbol, none twice but where a page repeats, all of them in the end."""
    async with filling(name) as scene:
        wrong(scene, **fault)
        hole = scene.ids(100, 400)
        scene.filler.offer(hole)
        await trio.sleep(VOID_SECS - 60.0)
        put = scene.put()
        expected = set(scene.expected(100, 400))
        assert set(put) <= expected
        assert "void" not in scene.healed()
        if set(put) != expected:
            assert scene.filler.waiting == 1
        else:
            assert scene.filler.waiting == 0


async def test_an_outage_is_waited_for_with_growing_pauses(autojump_clock: MockClock) -> None:
    async with filling("coinbase") as scene:
        wrong(scene, web_page_probability=1.0)
        scene.filler.offer(scene.ids(100, 102))
        began = trio.current_time()
        await trio.sleep(100.0)
        assert [at - began for at in scene.requests] == [3.0, 6.0, 12.0, 24.0, 48.0, 96.0]
        wrong(scene)
        await trio.sleep(100.0)
        assert scene.put() == scene.expected(100, 102)[::-1] or sorted(scene.put()) == (
            scene.expected(100, 102)
        )


async def test_an_answer_without_room_is_asked_for_again(autojump_clock: MockClock) -> None:
    async with filling("binance") as scene:
        scene.journal.room = False
        scene.filler.offer(scene.ids(100, 102))
        await trio.sleep(4.0)
        assert (scene.put(), scene.healed()) == ([], [])
        scene.journal.room = True
        await trio.sleep(10.0)
        assert scene.put() == scene.expected(100, 102)


async def test_a_symbol_that_is_not_recorded_waits_and_is_left(autojump_clock: MockClock) -> None:
    """An answer would be left out; at a start its listing may take a while."""
    async with filling("binance") as scene:
        scene.journal.recorded = False
        hole = scene.ids(100, 102)
        scene.filler.offer(hole)
        await trio.sleep(30.0)
        assert scene.requests == []
        scene.journal.recorded = True
        await trio.sleep(60.0)
        assert scene.put() == scene.expected(100, 102)
        scene.journal.recorded = False
        with capture_logs() as logs:
            scene.filler.offer(scene.ids(200, 202))
            await trio.sleep(10_000.0)
        assert [line["event"] for line in logs] == ["backfill_left"]
        assert scene.filler.waiting == 0


async def test_too_many_holes_cost_the_oldest(autojump_clock: MockClock) -> None:
    async with filling("okx", rate=300.0) as scene:
        with capture_logs() as logs:
            for first in range(100, 100 + 4 * (MAX_WAITING + 3), 4):
                scene.filler.offer(scene.ids(first, first + 1))
        assert scene.filler.waiting == MAX_WAITING
        assert [line["event"] for line in logs] == ["backfill_left"] * 3
        assert scene.count("backfill_holes_total") == 3


async def test_what_is_switched_off_asks_nothing(autojump_clock: MockClock) -> None:
    async with filling("binance") as scene:
        scene.filler.offer(scene.ids(100, 102))
        scene.filler.switch(on=False)
        scene.filler.offer(scene.ids(200, 202))
        await trio.sleep(100.0)
        assert (scene.requests, scene.filler.waiting) == ([], 0)
        scene.filler.switch(on=True)
        scene.filler.offer(scene.ids(300, 302))
        await trio.sleep(10.0)
        assert scene.put() == scene.expected(300, 302)


async def test_suspects_that_prove_wrong_are_not_asked_about_for_ever(
    autojump_clock: MockClock,
) -> None:
    async with filling("okx") as scene:
        wrong(scene, empty_probability=1.0)
        with capture_logs() as logs:
            for first in range(100, 100 + 4 * (MAX_DENIED + 9), 4):
                scene.filler.offer(scene.ids(first, first + 1, suspected=True))
                await trio.sleep(100.0)
        assert [line["event"] for line in logs] == ["ids_not_dense"]
        assert scene.journal.marks == []
        assert len(scene.requests) == MAX_DENIED * len(LAG_SECS)


async def test_edges_that_are_not_there_yet_are_looked_for_again(
    autojump_clock: MockClock,
) -> None:
    async with filling("binance") as scene:
        hole = scene.times(100, 103)
        around = scene.disk.known.pop(hole)
        scene.filler.offer(hole)
        await trio.sleep(10.0)
        assert scene.requests == []
        scene.disk.known[hole] = around
        await trio.sleep(20.0)
        assert scene.put() == scene.expected(100, 103)


@pytest.mark.parametrize("name", ["bybit", "bybit_linear"])
async def test_nobody_waits_for_the_edges_of_another_hole(
    name: str, autojump_clock: MockClock
) -> None:
    """The newest trades are asked for at once, and kept until what is around is on disk."""
    async with filling(name) as scene:
        end = len(scene.trades())
        of_newer, of_older = (end - 20, end - 17), (end - 40, end - 37)
        newer, older = scene.times(*of_newer), scene.times(*of_older)
        around = scene.disk.known.pop(newer)
        scene.filler.offer(newer)
        scene.filler.offer(older)
        await trio.sleep(1.5)
        assert (sorted(scene.put()), len(scene.requests)) == (sorted(scene.expected(*of_older)), 2)
        scene.disk.known[newer] = around
        await trio.sleep(3.0)
        both = {*scene.expected(*of_older), *scene.expected(*of_newer)}
        assert sorted(scene.put()) == sorted(both)
        assert (scene.healed(), len(scene.requests)) == (["rest", "rest"], 2)


async def test_an_answer_before_the_first_trade_after_a_hole_is_joined_by_a_later_one(
    autojump_clock: MockClock,
) -> None:
    """Where trades are rare, the first answer comes before that trade."""
    async with filling("bybit_linear") as scene:
        wrong(scene, lag_secs=2.0)
        end = len(scene.trades())
        newest_ns = scene.trades()[-1].made_ns
        told = sum(each.made_ns < newest_ns - 3 * 10**9 for each in scene.trades())
        hole = scene.times(told - 20, end - 4)
        around = scene.disk.known.pop(hole)
        scene.filler.offer(hole)
        await trio.sleep(1.0)
        wrong(scene)
        scene.disk.known[hole] = around
        await trio.sleep(3.0)
        assert sorted(scene.put()) == sorted(scene.expected(told - 20, end - 4))
        assert (scene.healed(), len(scene.requests)) == (["rest"], 2)


async def test_answers_that_wait_for_edges_are_few(autojump_clock: MockClock) -> None:
    """Beyond that the oldest goes, and its hole is asked about once more."""
    async with filling("bybit") as scene:
        asking = scene.filler._asking
        assert asking is not None
        for number in range(MAX_KEPT + 6):
            scene.filler.offer(scene.ids(10, 12, from_id=None, to_id=None, from_ns=number))
        await trio.sleep(MAX_KEPT + 60.0)
        assert len(asking._kept) == MAX_KEPT


async def test_a_hole_that_ids_close_is_healed_without_asking(autojump_clock: MockClock) -> None:
    async with filling("okx") as scene:
        hole = scene.times(100, 99)
        scene.filler.offer(hole)
        await trio.sleep(10.0)
        assert (scene.requests, scene.healed()) == ([], ["rest"])


async def test_a_hole_in_which_ids_began_again_is_left_where_ids_are_asked_for(
    autojump_clock: MockClock,
) -> None:
    """Nobody can say which trades are between; whoever is asked by times needs no ids."""
    async with filling("binance") as scene:
        hole = scene.times(100, 103)
        around = scene.disk.known[hole]
        after = tuple(attrs.evolve(each, id=each.id - 10**6) for each in around.after)
        scene.disk.known[hole] = attrs.evolve(around, after=after)
        with capture_logs() as logs:
            scene.filler.offer(hole)
            await trio.sleep(10.0)
        assert [line["event"] for line in logs] == ["backfill_left"]
        assert (scene.requests, scene.healed()) == ([], [])


@pytest.mark.parametrize("cause", [Cause.UNWRITABLE, Cause.RENUMBERED, Cause.STRAY, Cause.RETIRED])
def test_what_no_answer_could_fill_is_no_hole_to_ask_about(cause: Cause) -> None:
    """Rows that were received and not written are known, so that REST would add none.

    And what nobody wanted for a while nobody misses.
    """
    record = GapRecord(0, Table.TRADES, None, None, 1, 2, cause)
    assert Hole.of(record, "X") is None
    assert Hole.of(attrs.evolve(record, cause=Cause.DISCONNECT), "X") is not None


async def test_what_is_older_than_the_venue_gives_is_left_at_once(
    autojump_clock: MockClock,
) -> None:
    async with filling("okx") as scene:
        hole = scene.ids(100, 102)
        old_ns = hole.to_ns - 91 * 86_400 * 10**9
        with capture_logs() as logs:
            scene.filler.offer(scene.ids(100, 102, from_ns=old_ns - 1, to_ns=old_ns))
            await trio.sleep(10.0)
        (line,) = logs
        assert (line["event"], scene.requests) == ("backfill_left", [])


async def test_a_hole_is_in_question_while_the_exchange_is_asked(autojump_clock: MockClock) -> None:
    """It is in no queue then, and the day must not be sealed, nor the hole be told as left."""
    async with filling("binance") as scene:
        hole = scene.ids(100, 120)
        scene.exchange.set_faults(Faults(rest_lag_secs=5.0))
        scene.filler.offer(hole)
        await trio.sleep(LAG_SECS[0] + 2.0)
        assert scene.requests
        assert scene.healed() == []
        assert scene.filler.waiting == 1
        assert scene.count("backfill_waiting") == 1
        assert hole in scene.filler.in_question()
        assert scene.filler.is_asking_between(hole.from_ns, hole.to_ns)


@pytest.mark.parametrize("name", ["kraken", "coinbase_advanced", "upbit"])
async def test_of_trades_with_other_ids_nothing_is_taken(
    name: str, autojump_clock: MockClock
) -> None:
    """That REST has the stream's ids is supposed; where it proves wrong it is counted, and said."""
    async with filling(name) as scene:
        hole = scene.times(300, 305)
        around = scene.disk.known[hole]

        def renamed(trades: tuple[Trade, ...]) -> tuple[Trade, ...]:
            # As ids that rise, too, and lie between those of REST.
            return tuple(attrs.evolve(each, id=each.id * 2 + 10**9) for each in trades)

        scene.disk.known[hole] = Surroundings(renamed(around.before), renamed(around.after))
        with capture_logs() as logs:
            scene.filler.offer(hole)
            await trio.sleep(5.0)
        assert scene.requests
        assert scene.put() == []
        assert scene.healed() == []
        assert scene.count("backfill_ids_differ_total") > 0
        (reason, *_) = [line["reason"] for line in logs if line["event"] == "backfill_failed"]
        assert "no such ids" in reason
        assert hole in scene.filler.in_question()
