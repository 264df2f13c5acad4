"""The status document: every key of the HTTP contract, and what is wrong in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs
import msgspec
import pytest

from tests.ops.watched import connection, proofs_of
from tick_logger.model.cause import Cause
from tick_logger.model.connections import Absent, Loss, Patience
from tick_logger.ops.status.archived import Archive, SealedNumbers
from tick_logger.ops.status.disk_space import DiskSpace, Space
from tick_logger.ops.status.history import History
from tick_logger.ops.status.loop_watch import Step
from tick_logger.ops.status.snapshot import ExchangeNumbers, Rates
from tick_logger.ops.status.status import (
    Durable,
    ExchangeView,
    View,
    document,
    reasons_degraded,
    reasons_not_ready,
)
from tick_logger.telemetry.open_holes import OpenNow

CONTRACT: dict[str, Any] = {
    "version": "1.2.3",
    "now": 1_750_000_000.5,
    "now_at": "2025-06-15T15:06:40Z",
    "started": 1_749_999_900.5,
    "started_at": "2025-06-15T15:05:00Z",
    "uptime_secs": 100.0,
    "status": "healthy",
    "reasons": [],
    "ready": True,
    "not_ready": [],
    "durable": {
        "lag_secs": 0.41,
        "journal_bytes": 123_456,
        "journal_bytes_per_sec": 4096.0,
        "queue_depth": 1,
        "buffered_bytes": 1234,
        "buffer_limit_bytes": 268_435_456,
        "checkpoint_age_secs": 12.0,
    },
    "disk": {"free_bytes": 1, "size_bytes": 2, "bytes_per_day": None, "days_until_full": None},
    "loop": {"lag_secs": 0.004, "task": "tick_logger.net.intake.intake.Intake.run"},
    "archive": {
        "rows_waiting": 1_000,
        "objects_waiting": 3,
        "bytes_waiting": 4_096,
        "oldest_secs": 61.5,
        "kept_bytes": {"local": 5_000, "s3": 900},
    },
    "messages_dropped": 7,
    "totals": {"messages_per_second": 31.25, "rows_per_second": 40.0},
    "history": {"step_secs": 5.0, "messages_per_second": [20.0], "rows_per_second": []},
    "exchanges": [
        {
            "name": "alpha",
            "connected": True,
            "unreachable": None,
            "connections_up": 2,
            "connections_wanted": 2,
            "symbols": 12,
            "symbols_left_out": 0,
            "left_out": ["ZRXUSDT"],
            "not_listed": [],
            "subscriptions_silent": 0,
            "messages_per_second": 31.25,
            "rows_per_second": 40.0,
            "seconds_since_data": 0.2,
            "last_message": 1_750_000_000.25,
            "last_message_at": "2025-06-15T15:06:40Z",
            "latency_ms": {"p50": 12.0, "p99": 80.0},
            "messages": 123,
            "rows": 456,
            "dropped": 7,
            "parse_errors": 3,
            "duplicates": 4,
            "late_rows_today": 5,
            "aside_rows_today": 8,
            "clock_offset_secs": -0.05,
            "reconnects": 6,
            "gaps_today": {"disconnect": 2, "sequence": 1},
            "holes_open": 3,
            "backfill": {
                "holes_waiting": 2,
                "holes_filled": 11,
                "holes_void": 1,
                "holes_left": 4,
                "trades": 1_234,
            },
            "stopped_symbols": 0,
            "stopped_secs": 0.0,
            "open_holes": [
                {"cause": "silent", "streams": 3, "since": 1_749_999_988.5, "seconds": 12.0}
            ],
            "ids_missing": 9,
            "sealed": {"day": "2025-06-14", "condition": "available", "coverage": 0.9999},
            "proof": {"ticker": "unprovable", "trades": "proven"},
            "history": {"messages_per_second": [10.0], "rows_per_second": []},
            "connections": [
                {
                    "label": "0-public.3",
                    "state": "open",
                    "since": 1_749_999_990.5,
                    "symbols": 2,
                    "subscriptions": 4,
                    "live": 4,
                    "refused": 0,
                    "silent": 0,
                    "seconds_since_data": 0.5,
                    "messages_per_second": 15.0,
                },
                {
                    "label": "1.1",
                    "state": "connecting",
                    "since": None,
                    "symbols": 2,
                    "subscriptions": 4,
                    "live": 0,
                    "refused": 1,
                    "silent": 2,
                    "seconds_since_data": None,
                    "messages_per_second": 0.0,
                },
            ],
            "reconnects_recent": [
                {"at": 1_750_000_000.0, "connection": "0.2", "cause": "eof", "reason": "gone"},
                {"at": 1_749_000_000.0, "connection": "0.1", "cause": "ping", "reason": "no pong"},
            ],
        }
    ],
}

UNCONNECTED = "not connected (0 of 2 connections are open)"
NUMBERS = ExchangeNumbers(
    connections_up=2,
    connections_wanted=2,
    symbols=12,
    messages=123,
    rows=456,
    seconds_since_data=0.2,
    reconnects=6,
    dropped=7,
    parse_errors=3,
    duplicates=4,
    ids_missing=9,
    last_message=1_750_000_000.25,
    clock_offset_secs=-0.05,
    holes_open=3,
    holes_waiting=2,
    holes_filled=11,
    holes_void=1,
    holes_left=4,
    trades_filled=1_234,
    sealed=SealedNumbers(1_749_859_200.0, "available", 0.9999),
)


def exchange(**numbers: Any) -> ExchangeView:  # noqa: ANN401 - those of the value
    """One that is well, but for what is given."""
    return ExchangeView(
        numbers=attrs.evolve(NUMBERS, **numbers),
        rates=Rates(31.25, 40.0),
        latency_ms={"p50": 12.0, "p99": 80.0},
        gaps_today={"disconnect": 2, "sequence": 1},
        open_holes=[OpenNow(Cause.SILENT, 3, 1_749_999_988_500_000_000)],
        late_today=5,
        aside_today=8,
        proofs=proofs_of("alpha"),
        connections=[
            connection("0-public.3"),
            connection(
                "1.1",
                state="connecting",
                open_secs=None,
                live=0,
                refused=1,
                silent=2,
                silent_secs=None,
            ),
        ],
        messages_per_second={"0-public.3": 15.0},
        losses=[
            Loss(1_749_000_000 * 10**9, "0.1", "ping", "no pong"),
            Loss(1_750_000_000 * 10**9, "0.2", "eof", "gone"),
        ],
        patience=Patience(first_secs=80.0, secs=60.0),
        absent=Absent(left_out=("ZRXUSDT",)),
    )


def view(exchanges: Mapping[str, ExchangeView] | None = None, **fields: Any) -> View:  # noqa: ANN401 - those of the value
    """A recorder that is well, but for what is given."""
    disk, history = DiskSpace(), History()
    disk.add(0.0, Space(1, 2))
    history.add(0.0, {("", "messages"): 0, ("alpha", "messages"): 0})
    history.add(5.0, {("", "messages"): 100, ("alpha", "messages"): 50})
    found = View(
        version="1.2.3",
        now_secs=1_750_000_000.5,
        uptime_secs=100.0,
        recovering="",
        troubles=(),
        durable=Durable(
            lag_secs=0.41,
            journal_bytes=123_456,
            journal_bytes_per_sec=4096.0,
            queue_depth=1,
            buffered_bytes=1234,
            buffer_limit_bytes=268_435_456,
            checkpoint_age_secs=12.0,
        ),
        disk=disk,
        loop=Step(0.004, "tick_logger.net.intake.intake.Intake.run"),
        dropped_lately=0,
        archive=Archive(
            rows_waiting=1_000,
            objects_waiting=3,
            bytes_waiting=4_096,
            oldest_secs=61.5,
            kept_bytes={"local": 5_000, "s3": 900},
        ),
        exchanges={"alpha": exchange()} if exchanges is None else exchanges,
        history=history,
    )
    return attrs.evolve(found, **fields)


def test_the_document_is_that_of_the_contract() -> None:
    """Every key, and every number where it belongs; as JSON too."""
    assert document(view()) == CONTRACT
    assert json.loads(msgspec.json.encode(document(view()))) == CONTRACT


def test_what_is_unknown_is_null() -> None:
    """Never a number that was made up; a number that is none is null as well."""
    unknown = attrs.evolve(
        exchange(seconds_since_data=None, last_message=None, sealed=None),
        latency_ms=None,
        losses=(),
    )
    durable = attrs.evolve(view().durable, checkpoint_age_secs=None)
    found = view({"alpha": unknown}, disk=DiskSpace(), loop=Step(), durable=durable, archive=None)
    told = json.loads(msgspec.json.encode(document(found)))
    (alpha,) = told["exchanges"]
    assert [alpha[key] for key in ("seconds_since_data", "last_message", "latency_ms")] == [
        None,
        None,
        None,
    ]
    assert told["disk"] == dict.fromkeys(CONTRACT["disk"])
    assert told["loop"] == {"lag_secs": 0.0, "task": None}
    assert told["durable"]["checkpoint_age_secs"] is None
    assert (told["archive"], alpha["sealed"]) == (None, None)


def test_all_is_well() -> None:
    """No reasons, neither degraded nor unready."""
    assert (reasons_degraded(view()), reasons_not_ready(view())) == ([], [])


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        ({"connections_up": 1}, "only 1 of 2 connections are open"),
        ({"connections_up": 0}, UNCONNECTED),
        (
            {"connections_up": 0, "connections_wanted": 0},
            "not connected (no list of symbols yet, or none of those configured is in it)",
        ),
        ({"seconds_since_data": 95.4}, "no data for 95 s"),
        ({"seconds_since_data": 599.4}, "no data for 599 s"),
        ({"seconds_since_data": 5400.0}, "no data for 90 min"),
        ({"seconds_since_data": None}, "no data since the start"),
        ({"subscriptions_silent": 3}, "3 subscriptions accepted by the exchange, but silent"),
        ({"subscriptions_silent": 1}, "1 subscription accepted by the exchange, but silent"),
        (
            {"connect_wait_secs": 95.4},
            "the exchange said to wait, for another 95 s, before new connections",
        ),
        (
            {"rest_wait_secs": 5400.0},
            "the exchange said to wait, for another 90 min, before requests",
        ),
        (
            {"token_rejected": 1},
            "it rejects the API key that was given, and is recorded without one",
        ),
        (
            {"symbols_left_out": 1234},
            "1,234 symbols are not recorded, because its connections are full",
        ),
        ({"symbols_left_out": 1}, "1 symbol is not recorded, because its connections are full"),
    ],
)
def test_why_an_exchange_is_degraded(numbers: dict[str, Any], reason: str) -> None:
    """In words, behind its name; it may still be ready."""
    found = view({"alpha": exchange(**numbers), "beta": exchange()})
    assert reasons_degraded(found) == [f"alpha: {reason}"]
    assert document(found)["status"] == "degraded"
    assert document(found)["reasons"] == [f"alpha: {reason}"]


def test_what_is_configured_and_not_listed_is_a_reason() -> None:
    """By name; all of them stand beside it."""
    names = tuple(f"N{number}" for number in range(13))
    for absent, reason in (
        (names[:1], "1 configured symbol is not listed as traded: N0"),
        (
            names,
            "13 configured symbols are not listed as traded: "
            "N0, N1, N2, N3, N4, N5, N6, N7, N8, N9, and 3 more",
        ),
    ):
        found = view({"alpha": attrs.evolve(exchange(), absent=Absent(not_listed=absent))})
        assert reasons_degraded(found) == [f"alpha: {reason}"]
        assert document(found)["exchanges"][0]["not_listed"] == list(absent)
        assert reasons_not_ready(found) == []


def test_an_exchange_may_be_silent_for_as_long_as_is_configured() -> None:
    """After the start, and between data; each has its own patience."""
    waiting = {"alpha": exchange(seconds_since_data=None)}
    assert reasons_degraded(view(waiting, uptime_secs=80.0)) == []
    assert reasons_degraded(view(waiting, uptime_secs=81.0)) == ["alpha: no data since the start"]
    assert reasons_degraded(view({"alpha": exchange(seconds_since_data=60.0)})) == []
    quiet = exchange(seconds_since_data=95.0)
    patient = attrs.evolve(quiet, patience=Patience(first_secs=600.0, secs=600.0))
    found = view({"alpha": quiet, "beta": patient})
    assert reasons_degraded(found) == ["alpha: no data for 95 s"]


def test_an_exchange_without_connections_is_not_ready() -> None:
    """One connection is enough to be ready, and too few to be healthy."""
    off, partly = exchange(connections_up=0), exchange(connections_up=1)
    assert reasons_not_ready(view({"alpha": off, "beta": partly})) == [f"alpha: {UNCONNECTED}"]
    waiting = exchange(connections_up=0, connect_wait_secs=30.0)
    assert reasons_not_ready(view({"alpha": waiting})) == [
        f"alpha: {UNCONNECTED}",
        "alpha: the exchange said to wait, for another 30 s, before new connections",
    ]
    told = document(view({"alpha": off, "beta": partly}))
    assert (told["ready"], told["not_ready"]) == (False, [f"alpha: {UNCONNECTED}"])
    assert [each["connected"] for each in told["exchanges"]] == [False, False]


def test_what_keeps_it_from_being_durable() -> None:
    """Is a reason for both."""
    found = view(troubles=("the disk is full",))
    assert reasons_degraded(found) == reasons_not_ready(found) == ["the disk is full"]


def test_a_recovery_is_the_only_reason() -> None:
    """But for trouble with the disk: that no exchange is connected goes without saying."""
    waiting = {"alpha": exchange(connections_up=0, connections_wanted=0, seconds_since_data=None)}
    found = view(waiting, recovering="recovering (41 % done)", uptime_secs=500.0)
    assert reasons_degraded(found) == reasons_not_ready(found) == ["recovering (41 % done)"]
    found = attrs.evolve(found, troubles=("the disk is full",))
    both = ["recovering (41 % done)", "the disk is full"]
    assert reasons_degraded(found) == reasons_not_ready(found) == both


def test_what_was_dropped_lately() -> None:
    """Degraded, until it is long ago; what is dropped in all stays in the numbers."""
    assert reasons_degraded(view(dropped_lately=12_345)) == [
        "12,345 messages were dropped in the last 5 minutes, because the buffer was full"
    ]
    assert reasons_degraded(view(dropped_lately=1)) == [
        "1 message was dropped in the last 5 minutes, because the buffer was full"
    ]


def test_a_disk_that_is_soon_full() -> None:
    """Less than a day is a reason, more is not."""
    disks = []
    for per_hour in (10, 4):
        disk = DiskSpace()
        disk.add(0.0, Space(120 + per_hour, 1000))
        disk.add(3600.0, Space(120, 1000))
        disks.append(disk)
    assert reasons_degraded(view(disk=disks[0])) == [
        "the disk will be full in 12.0 hours, if this goes on"
    ]
    assert reasons_degraded(view(disk=disks[1])) == []
