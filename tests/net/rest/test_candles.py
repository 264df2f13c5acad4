"""Rounds of questions about minute candles at simulated venues: when, what, and how fast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import attrs
import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from tests.fakes.clock import NOON_NS
from tests.net.rest.filling import Filling, filling
from tick_logger.exchanges import registry
from tick_logger.exchanges.candles_by_rest import unwrap_candles
from tick_logger.model.candles import MINUTES_PER_DAY, NS_PER_MINUTE, Candles
from tick_logger.model.times import day_of
from tick_logger.net.rest.candles import (
    AFTER_MINUTES,
    EVERY_MINUTES,
    MOST_BACK_MINUTES,
    PENDING_MINUTES,
    RETRY_MINUTES,
    SETTLED_MINUTES,
    CandleRounds,
)
from tick_logger.simulator.faults import Faults, PageFaults

NOON = NOON_NS // NS_PER_MINUTE
FIRST_ROUND = NOON + AFTER_MINUTES  # noon is one of the hours at which rounds begin
TODAY = day_of(NOON_NS)
VENUES = sorted(registry.available())


@attrs.define
class Kept:
    """The files of candles."""

    answers: list[Candles] = attrs.field(factory=list)
    told: dict[str, int] = attrs.field(factory=dict)
    fails: bool = False

    async def until(self, now_ns: int) -> Mapping[str, int]:
        await trio.lowlevel.checkpoint()
        if self.fails:
            raise OSError("no disk")
        return self.told

    async def add(self, answers: Sequence[Candles]) -> None:
        await trio.lowlevel.checkpoint()
        if self.fails:
            raise OSError("no disk")
        self.answers += answers


def rounds(scene: Filling, kept: Kept, symbols: int = 1) -> CandleRounds:
    """Of one venue, whose symbols are recorded."""
    known = list(scene.exchange.truth.symbols())[:symbols]
    return CandleRounds(
        registry.get(scene.name),
        scene.allowance,
        scene.journal,
        kept,
        lambda: {symbol: number for number, symbol in enumerate(known)},
        scene.metrics.exchange(scene.name),
    )


def asked(scene: Filling) -> list[tuple[int, int]]:
    """The spans of minutes about which there are answers in the journal."""
    wanted = (unwrap_candles(payload)[0] for _, payload in scene.journal.payloads)
    return [(each.from_minute, each.to_minute) for each in wanted]


@pytest.mark.parametrize("name", VENUES)
async def test_each_minute_is_asked_for_once_and_before_it_is_forgotten(
    name: str, autojump_clock: MockClock
) -> None:
    """Ten minutes after every fourth hour; answers are in the journal as they came."""
    async with filling(name, secs=100.0) as scene, trio.open_nursery() as nursery:
        kept = Kept()
        work = rounds(scene, kept)
        nursery.start_soon(work.run)
        await trio.sleep((FIRST_ROUND + 1 - NOON) * 60.0 - 100.0 + 60.0)
        spans = asked(scene)
        reach = registry.get(name).candles_by_rest.reach_minutes  # type: ignore[union-attr]
        back = MOST_BACK_MINUTES if reach is None else min(reach - 1, MOST_BACK_MINUTES)
        assert spans[0][0] == spans[-1][1] - back
        assert all(a[1] == b[0] for a, b in pairwise(spans))
        assert abs(spans[-1][1] - (FIRST_ROUND - SETTLED_MINUTES)) <= 1
        until, first = spans[-1][1], len(spans)
        await trio.sleep(EVERY_MINUTES * 60.0)
        later = asked(scene)[first:]
        assert later[0][0] == until
        assert later[-1][1] == until + EVERY_MINUTES
        assert len(kept.answers) == len(scene.journal.payloads)
        assert scene.count("candle_requests_total") == len(scene.journal.payloads)
        assert not scene.exchange.violations
        nursery.cancel_scope.cancel()


async def test_a_new_process_goes_on_where_the_last_one_was(autojump_clock: MockClock) -> None:
    async with filling("binance", secs=100.0) as scene:
        kept = Kept()
        assert await rounds(scene, kept).round()
        before = len(asked(scene))
        kept.told = {scene.symbol: asked(scene)[-1][1]}
        await trio.sleep(3_600.0)
        work = rounds(scene, kept)
        await work._begin()
        assert await work.round()
        ((first, last),) = asked(scene)[before:]
        assert (first, last - first) == (asked(scene)[before - 1][1], 60)


async def test_a_day_waits_for_answers_about_its_last_minute(autojump_clock: MockClock) -> None:
    """Not before the round after midnight; and not for ever, where there is no answer."""
    async with filling("binance", secs=100.0) as scene:
        work = rounds(scene, Kept())
        assert work.is_asking(TODAY)
        midnight = (TODAY + 1) * MINUTES_PER_DAY
        await trio.sleep((midnight - NOON) * 60.0)
        assert await work.round()
        assert work.is_asking(TODAY)
        await trio.sleep(AFTER_MINUTES * 60.0)
        wrong = Faults(pages=PageFaults(refusal_probability=1.0, retry_after="1"))
        scene.exchange.set_faults(wrong)
        with capture_logs() as logs:
            assert not await work.round()
        assert "candles_missing" in [each["event"] for each in logs]
        assert work.is_asking(TODAY)
        scene.exchange.set_faults(Faults())
        assert await work.round()
        assert not work.is_asking(TODAY)
        other = rounds(scene, Kept())
        assert other.is_asking(TODAY)
        other.switch(on=False)
        assert not other.is_asking(TODAY)
        other.switch(on=True)
        await trio.sleep(PENDING_MINUTES * 60.0)
        assert not other.is_asking(TODAY)


@pytest.mark.parametrize(
    "faults",
    [
        PageFaults(truncated_probability=1.0),
        PageFaults(web_page_probability=1.0),
        PageFaults(refusal_probability=1.0, refusal_status=418, retry_after="30"),
    ],
)
async def test_nothing_that_is_no_answer_gets_into_the_journal(
    faults: PageFaults, autojump_clock: MockClock
) -> None:
    """It is tried again soon, and the time that a venue names is kept."""
    async with filling("kraken", secs=100.0) as scene, trio.open_nursery() as nursery:
        work = rounds(scene, Kept())
        nursery.start_soon(work.run)
        scene.exchange.set_faults(Faults(pages=faults))
        await trio.sleep((FIRST_ROUND + 3 - NOON) * 60.0)
        assert asked(scene) == []
        assert scene.count("candle_failures_total") >= 1
        scene.exchange.set_faults(Faults())
        await trio.sleep((RETRY_MINUTES + 2) * 60.0)
        assert asked(scene)
        assert not scene.exchange.violations
        nursery.cancel_scope.cancel()


async def test_a_disk_in_trouble_costs_no_answer(autojump_clock: MockClock) -> None:
    """What could not be kept is asked for again."""
    async with filling("binance", secs=100.0) as scene:
        kept = Kept(fails=True)
        work = rounds(scene, kept)
        with capture_logs() as logs:
            await work._begin()
            assert not await work.round()
        assert {each["event"] for each in logs} == {"candles_not_read", "candles_not_kept"}
        kept.fails = False
        assert await work.round()
        assert len(kept.answers) == len(asked(scene)) == 2
        scene.journal.room = False
        await trio.sleep(3_600.0)
        assert not await work.round()


async def test_candles_and_missing_trades_share_half_of_the_pace(
    autojump_clock: MockClock,
) -> None:
    """Coinbase allows so much a minute; half of it goes to both together."""
    async with filling("coinbase", secs=100.0) as scene:
        half = registry.get("coinbase").profile.rest_weight_per_minute // 2
        began, times = trio.current_time(), list[float]()

        async def ask(count: int) -> None:
            for _ in range(count):
                await scene.allowance.turn(1, "BTC-USD")
                times.append(trio.current_time() - began)

        scene.address.requests.close_until(began + 30.0)  # all of them wait for it
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, half)
            nursery.start_soon(ask, 1)
        assert times == [30.0] * half + [90.0]
