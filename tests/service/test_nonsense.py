"""Frames that make no sense: counted, kept aside, and stopped by a breaker when there are many."""

from __future__ import annotations

import re

import pytest
from trio.testing import MockClock

from tests.service.oracle import check, undecodable
from tests.service.world import VenueMaker, binance, coinbase, running
from tick_logger.simulator.faults import Faults


@pytest.mark.parametrize("venue", [binance, coinbase])
async def test_garbage_is_counted_and_kept_aside(
    venue: VenueMaker, autojump_clock: MockClock
) -> None:
    """Every kind of it, beside which not one real message is lost.

    Where it looks like a message of a stream, nobody can know that: a record says so.
    """
    async with running(venue(simulated={"faults": Faults(garbage_probability=0.2)})) as world:
        await world.until(60.123)
    kept = [each["payload"] for each in undecodable(world.files, world.exchange.name)]
    unknown = world.metric("unknown_messages_total")
    assert unknown > 1
    assert world.metric("parse_errors_total") == len(kept) - 1  # of the unknown kind there is one
    assert len(world.said("unknown_kind_of_message", kind="tomorrow")) == 1
    # The only kind that may be understood is the one whose oddity lies in a field that is not read.
    assert 0.7 < (len(kept) - 1 + unknown) / world.exchange.counts.garbage <= 1.0
    for mark in ("<html>", "tomorrow", "[[[[[[", '"x"' if venue is binance else '"seven"'):
        assert any(mark in payload for payload in kept)
    assert any(re.search(r"\b[0-9]{26}\b", payload) for payload in kept)
    assert world.metric("reconnects_total") == 0
    assert world.metric("parse_circuit_breaks_total") == 0
    assert check(world) > 100


@pytest.mark.parametrize(("garbage", "breaks"), [(30, 0), (400, 1)], ids=["few", "mostly"])
async def test_mostly_garbage_breaks_the_connection(
    garbage: int, breaks: int, autojump_clock: MockClock
) -> None:
    """Above half of at least a hundred frames within a minute it is replaced."""
    async with running(binance()) as world:
        await world.until(5.0)
        for client in list(world.exchange._hub.clients):
            for _ in range(garbage):
                client.reply(b"nonsense")
        await world.until(30.123)
    assert world.metric("parse_circuit_breaks_total") == breaks
    assert len(world.said("connection_lost", cause="nonsense")) == breaks
    assert world.metric("reconnects_total") == breaks
    assert check(world) > 50


async def test_what_is_kept_aside_is_bounded(autojump_clock: MockClock) -> None:
    """All of a flood is counted, some of it is kept."""
    async with running(binance()) as world:
        await world.until(5.0)
        for client in list(world.exchange._hub.clients):
            for _ in range(3000):
                client.reply(b"x" * 100)
        await world.until(10.123)
    assert world.metric("parse_errors_total") == 3000
    assert 1 <= len(undecodable(world.files, "binance")) <= 100
    check(world)
