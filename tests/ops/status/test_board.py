"""The board: samples each second of virtual time, rates of the last five, one answer for all."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.ops.watched import NOON, Rig, connection
from tick_logger.model.cause import Cause
from tick_logger.model.connections import Loss
from tick_logger.model.tables import Table
from tick_logger.ops.status.board import DROPPED_SAMPLES, LATENCY_SAMPLES, Board


def told(board: Board) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(board.encoded)
    return found


def alpha(board: Board) -> dict[str, Any]:
    found: dict[str, Any] = told(board)["exchanges"][0]
    assert found["name"] == "alpha"
    return found


async def ticks(clock: MockClock, count: int) -> None:
    """So many samples are taken."""
    for _ in range(count):
        clock.jump(1.0)
        await wait_all_tasks_blocked()


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.fixture
async def board(mock_clock: MockClock, rig: Rig, nursery: trio.Nursery) -> Board:
    """One that samples."""
    board = rig.board()
    nursery.start_soon(board.run)
    await wait_all_tasks_blocked()
    return board


async def test_there_is_an_answer_before_the_first_second(board: Board) -> None:
    """Rates are zero, latencies unknown."""
    assert told(board)["status"] == "healthy"
    assert told(board)["totals"] == {"messages_per_second": 0.0, "rows_per_second": 0.0}
    assert alpha(board)["latency_ms"] is None
    assert told(board)["durable"]["journal_bytes_per_sec"] == 0.0


async def test_rates_are_those_of_the_last_five_seconds(
    board: Board, rig: Rig, mock_clock: MockClock
) -> None:
    """Messages, rows and bytes; what came earlier does not count any more."""
    numbers = rig.metrics.exchange("alpha")
    numbers.messages_received.inc(1000)
    await ticks(mock_clock, 5)
    assert alpha(board)["messages_per_second"] == 200.0
    await ticks(mock_clock, 1)
    assert alpha(board)["messages_per_second"] == 0.0
    numbers.messages_received.inc(10)
    numbers.rows_written[Table.TRADES].inc(25)
    rig.metrics.journal_bytes.inc(5000)
    await ticks(mock_clock, 1)
    assert alpha(board)["messages_per_second"] == 2.0
    assert told(board)["totals"] == {"messages_per_second": 2.0, "rows_per_second": 5.0}
    assert told(board)["durable"]["journal_bytes_per_sec"] == 1000.0


async def test_rates_of_connections(board: Board, rig: Rig, mock_clock: MockClock) -> None:
    """One that is new began at zero; one that is gone is not shown."""
    await ticks(mock_clock, 5)
    rig.venues["alpha"].now = [connection("0.1", 50), connection("0.2", 10)]
    await ticks(mock_clock, 1)
    shown = {each["label"]: each["messages_per_second"] for each in alpha(board)["connections"]}
    assert shown == {"0.1": 10.0, "0.2": 2.0}
    rig.venues["alpha"].now = [connection("0.2", 20)]
    await ticks(mock_clock, 1)
    shown = {each["label"]: each["messages_per_second"] for each in alpha(board)["connections"]}
    assert shown == {"0.2": 4.0}


async def test_latencies_are_those_of_the_last_minute(
    board: Board, rig: Rig, mock_clock: MockClock
) -> None:
    """By exchange, in milliseconds."""
    rig.metrics.exchange("alpha").feeds.latency["trades"].observe(np.full(100, 0.0015))
    await ticks(mock_clock, 1)
    assert alpha(board)["latency_ms"] == {"p50": 1.5, "p99": 1.99}
    assert told(board)["exchanges"][1]["latency_ms"] is None
    await ticks(mock_clock, LATENCY_SAMPLES - 2)
    assert alpha(board)["latency_ms"] == {"p50": 1.5, "p99": 1.99}
    await ticks(mock_clock, 1)
    assert alpha(board)["latency_ms"] is None


async def test_what_is_dropped_is_a_reason_for_five_minutes(
    board: Board, rig: Rig, mock_clock: MockClock
) -> None:
    """The number in all stays."""
    rig.metrics.exchange("alpha").messages_dropped.inc(3)
    await ticks(mock_clock, 1)
    (reason,) = told(board)["reasons"]
    assert reason.startswith("3 messages were dropped in the last 5 minutes")
    await ticks(mock_clock, DROPPED_SAMPLES - 1)
    assert (told(board)["reasons"], told(board)["messages_dropped"]) == ([], 3)


async def test_everyone_gets_the_same_bytes_within_a_second(
    board: Board, rig: Rig, mock_clock: MockClock
) -> None:
    """Encoded once, however many ask, and from one sample."""
    await ticks(mock_clock, 1)
    first, sampled = board.encoded, rig.snapshots
    rig.metrics.exchange("alpha").messages_received.inc(1000)
    assert board.encoded is first
    assert rig.snapshots == sampled
    await ticks(mock_clock, 1)
    assert board.encoded != first
    assert rig.snapshots == sampled + 1


async def test_whoever_waits_is_woken_by_each_sample(
    board: Board, mock_clock: MockClock, nursery: trio.Nursery
) -> None:
    """All of them, once."""
    woken: list[float] = []

    async def wait() -> None:
        while True:
            await board.wait()
            woken.append(trio.current_time())

    began = trio.current_time()
    for _ in range(3):
        nursery.start_soon(wait)
    await wait_all_tasks_blocked()
    await ticks(mock_clock, 2)
    assert [at - began for at in woken] == [1.0] * 3 + [2.0] * 3


async def test_connected_means_all_that_should_be(
    board: Board, rig: Rig, mock_clock: MockClock
) -> None:
    """As a metric for alerts; nothing wanted is not connected."""
    for up, wanted, connected in ((1, 2, 0.0), (2, 2, 1.0), (3, 2, 1.0), (0, 0, 0.0)):
        numbers = rig.metrics.exchange("alpha")
        numbers.connections_up.set(up)
        numbers.connections_wanted.set(wanted)
        await ticks(mock_clock, 1)
        assert rig.metrics.read("collector_websocket_connected", "alpha") == connected
        assert alpha(board)["connected"] is bool(connected)


async def test_where_the_rest_comes_from(board: Board, rig: Rig, mock_clock: MockClock) -> None:
    """Today's holes, losses, proofs, times, the state of the disk."""
    rig.today.count_gaps("alpha", Cause.CRASH, 2)
    rig.today.count_late("alpha", 3)
    rig.today.count_aside("alpha", 4)
    rig.metrics.exchange("alpha").clock_offset_seconds.set(600.0)
    rig.venues["alpha"].losses = [Loss(5 * 10**9, "0.7", "eof", "gone")]
    rig.metrics.durable_lag_seconds.set(0.25)
    rig.metrics.checkpoint_timestamp_seconds.set(NOON - 12)
    rig.metrics.channel_queue_depth.set(4)
    rig.metrics.buffered_bytes.set(5)
    rig.metrics.buffer_limit_bytes.set(6)
    rig.troubles.append("the disk is full")
    await ticks(mock_clock, 3)
    shown, durable = alpha(board), told(board)["durable"]
    assert (shown["gaps_today"], shown["late_rows_today"]) == ({"crash": 2}, 3)
    assert (shown["aside_rows_today"], shown["clock_offset_secs"]) == (4, 600.0)
    assert [each["connection"] for each in shown["reconnects_recent"]] == ["0.7"]
    assert shown["proof"] == {"ticker": "unprovable", "trades": "proven"}
    assert shown["connections"][0]["since"] == NOON - 10
    assert (durable["lag_secs"], durable["checkpoint_age_secs"]) == (0.25, 12.0)
    assert [durable[key] for key in ("queue_depth", "buffered_bytes", "buffer_limit_bytes")] == [
        4,
        5,
        6,
    ]
    assert (told(board)["uptime_secs"], told(board)["now"]) == (3.0, NOON)
    assert board.not_ready() == ["the disk is full"]


async def test_charts_grow_every_five_seconds(
    board: Board, rig: Rig, mock_clock: MockClock
) -> None:
    """Of each exchange, and of all."""
    for _ in range(11):
        rig.metrics.exchange("alpha").messages_received.inc(3)
        rig.metrics.exchange("beta").messages_received.inc(4)
        await ticks(mock_clock, 1)
    assert alpha(board)["history"]["messages_per_second"] == [3.0, 3.0]
    assert told(board)["history"]["messages_per_second"] == [7.0, 7.0]


async def test_what_waits_for_the_archive_and_what_it_has(rig: Rig, mock_clock: MockClock) -> None:
    """In the places where it is to be kept; nothing where there is none."""
    archive = rig.metrics.archive
    for gauge, value in (
        (archive.rows_buffered, 7), (archive.queue, 3), (archive.queue_bytes, 4_096),
        (archive.oldest_seconds, 61.52), (archive.kept_bytes.labels("s3"), 900),
        (archive.kept_bytes.labels("local"), 50),
    ):  # fmt: skip
        gauge.set(value)
    rig.metrics.exchange("alpha").sealed.certified(20_786, 0.9999, "degraded", 2)

    def seen(*places: str) -> Any:  # noqa: ANN401 - any value of JSON
        return told(Board(rig.watched(archive_places=places), rig.disk, rig.loop))

    waiting = {
        "rows_waiting": 7, "objects_waiting": 3, "bytes_waiting": 4_096, "oldest_secs": 61.5
    }  # fmt: skip
    assert seen()["archive"] is None
    assert seen("s3")["archive"] == {**waiting, "kept_bytes": {"s3": 900}}
    assert seen("local", "s3")["archive"] == {**waiting, "kept_bytes": {"local": 50, "s3": 900}}
    sealed = {"day": "2026-11-29", "condition": "degraded", "coverage": 0.9999}
    assert [each["sealed"] for each in seen()["exchanges"]] == [sealed, None]
