"""Exchanges that cannot be reached: who knows it when, and what it is not called."""

from __future__ import annotations

import re
from typing import Any

from trio.testing import MockClock

from tests.fakes.clock import NOON_NS
from tests.fakes.dial import MemoryDial
from tests.service.lives import lives
from tests.service.world import binance, coinbase, running
from tick_logger.errors import ConnectionLost, Ending, Step
from tick_logger.model.connections import OFFLINE
from tick_logger.net.reach import WHAT_TO_DO
from tick_logger.net.wire.dial import NO_HEADERS, Headers, HttpAnswer
from tick_logger.net.wire.link import Link

UNKNOWN = "DNS: Name or service not known"


class Offline(MemoryDial):
    """Knows no name, until it `is_online`."""

    is_online = False

    async def open(self, *arguments: Any, **named: Any) -> Link:  # noqa: ANN401 - those of a dial
        """Connect, if it is."""
        if not self.is_online:
            raise ConnectionLost(Ending.DIAL, UNKNOWN, place="venue.test:80", step=Step.DNS)
        return await super().open(*arguments, **named)

    async def get(self, url: str, headers: Headers = NO_HEADERS) -> HttpAnswer:
        """Ask, if it is."""
        if not self.is_online:
            raise ConnectionLost(Ending.HTTP, UNKNOWN, place=url, step=Step.DNS)
        return await super().get(url, headers)


async def test_offline_from_the_start_until_it_is_online(autojump_clock: MockClock) -> None:
    """Said at once, once for all, with what to do; it is not recording, and nothing was lost."""
    async with running(binance(), coinbase(), dial=Offline) as world:
        await world.until(5.0)
        (line,) = world.said("offline")
        assert (line["explanation"], line["reason"]) == (OFFLINE, UNKNOWN)
        first, *reasons = world.service.snapshot().not_ready
        assert first == OFFLINE
        assert [reason.partition(" (")[0] for reason in reasons] == [
            f"binance: not connected: {UNKNOWN}",
            f"coinbase: not connected: {UNKNOWN}",
        ]
        for event, exchange in (("listing_failed", "binance"), ("connect_failed", "coinbase")):
            said = world.said(event, exchange=exchange)[0]
            assert said["what_to_do"] == WHAT_TO_DO[Step.DNS]
            assert said["since"] == "2026-09-22T12:00:00+00:00"
        failures = world.service.metrics.read_by("collector_connect_failures_total", "cause")
        assert {key: count for key, count in failures.items() if count} == {
            ("coinbase", "dns"): len(world.said("connect_failed", exchange="coinbase"))
        }
        assert world.said("recording") == world.said("connection_lost") == []
        assert world.said("connecting")[0]["exchanges"] == ["binance", "coinbase"]
        for dial in world.dials.values():
            assert isinstance(dial, Offline)
            dial.is_online = True
        await world.until(60.0)
        assert world.service.snapshot().not_ready == []
        assert len(world.said("online")) == 1
        assert {line["exchange"] for line in world.said("reached")} == {"binance", "coinbase"}
        assert [line["exchange"] for line in world.said("recording")].count("binance") == 1
        assert await world.stop() == 0
    assert world.said("stopped")[0]["outcome"].endswith("rows are on disk; nothing was lost")


async def test_nothing_was_ever_received(autojump_clock: MockClock) -> None:
    """The last words say that, and why, and not that nothing was lost; the end is in order."""
    async with running(binance(), coinbase(), dial=Offline) as world:
        await world.until(30.0)
        assert await world.stop() == 0
    assert world.said("stopped")[0]["outcome"] == (
        "0 rows are on disk; nothing was ever received: no exchange can be reached: is this machine"
        f" online? (binance, coinbase: {UNKNOWN})"
    )


async def test_nothing_was_received_of_the_only_exchange(autojump_clock: MockClock) -> None:
    """Its reason is given, and the holes that this has made."""
    async with running(binance()) as world:
        world.dial.refusals = 1_000
        await world.until(60.0)
        assert await world.stop() == 0
    (last,) = world.said("stopped")
    assert re.fullmatch(
        r"0 rows are on disk; nothing was ever received: binance: ws://venue\.test\S*: refused;"
        r" 4 gaps are recorded",
        last["outcome"],
    )


async def test_an_exchange_that_says_nothing_is_known_within_ten_seconds(
    autojump_clock: MockClock,
) -> None:
    """Before the attempt is given up."""
    async with running(binance()) as world:
        world.dial.hangs = True
        await world.until(6.5)
        assert world.times("no_answer_yet") == [6.0]
        (reason,) = world.service.snapshot().not_ready
        assert reason.startswith(
            "binance: not connected: no answer for 6 s so far (ws://venue.test"
        )
        unreachable = world.service.venues["binance"].unreachable
        assert unreachable is not None
        assert unreachable.since_ns == NOON_NS
        await world.until(11.0)
        world.dial.hangs = False
        await world.until(60.0)
        assert world.service.snapshot().not_ready == []
    assert world.times("connect_failed")[0] == 10.0
    assert world.said("connection_lost") == []


async def test_a_connection_that_was_lost_is_called_so(autojump_clock: MockClock) -> None:
    """What then fails to take its place is not; until it is there, the loss is the beginning."""
    async with running(binance()) as world:
        await world.until(10.0)
        world.dial.refusals = 3
        await world.dial.connections[-1].cut()
        await world.until(10.001)
        unreachable = world.service.venues["binance"].unreachable
        assert unreachable is not None
        assert unreachable.since_ns == NOON_NS + 10 * 10**9
        await world.until(120.0)
        assert world.service.venues["binance"].unreachable is None
    assert world.times("connection_lost") == [10.0]
    assert len(world.said("connect_failed")) == 3
    assert len(world.said("reached")) == 1
    assert len(world.service.venues["binance"].losses) == 1


async def test_a_stop_and_a_start_are_no_gaps_to_worry_about(autojump_clock: MockClock) -> None:
    """They are summed up apart, in the log, the numbers and the last words; the files have all."""
    async with lives(binance()) as story:
        first = await story.begin()
        await first.until(20.0)
        assert await first.stop() == 0
        await story.pause(7.0)
        second = await story.begin()
        await second.until(30.0)
        numbers = second.service.snapshot().exchanges["binance"]
        assert await second.stop() == 0
    assert (numbers.gaps, numbers.stopped_symbols) == (0, 2)
    assert numbers.stopped_secs == 7.0  # some trades came later, and their holes are longer
    assert second.metric("sequence_gaps_total") > 0
    assert second.said("gaps") == []
    assert second.said("not_recorded_while_stopped")[-1]["symbols"] == 2
    (last,) = second.said("stopped")
    assert last["gaps"] == 0
    assert "; nothing was lost; 2 symbols were not recorded for 7.0 s while" in last["outcome"]
    assert last["outcome"].endswith(" the program was stopped")
