"""Why exchanges cannot be reached, in the words and keys of the status document."""

from __future__ import annotations

import attrs

from tests.ops.status.test_status import exchange, view
from tick_logger.model.connections import OFFLINE, Unreachable
from tick_logger.ops.status.snapshot import ExchangeNumbers, Snapshot
from tick_logger.ops.status.status import document, reasons_degraded, reasons_not_ready

UNREACHABLE = Unreachable(
    since_ns=1_749_999_990_700_000_000,
    place="feed.example:443",
    step="DNS",
    reason="DNS: Name or service not known",
    what_to_do="see whether this machine is online",
)
WORDS = "DNS: Name or service not known (feed.example:443; since 2025-06-15 15:06:30 UTC)"


def test_why_an_exchange_cannot_be_reached() -> None:
    """The reason first, then where and since when; the advice stands beside it."""
    off = attrs.evolve(exchange(connections_up=0), unreachable=UNREACHABLE)
    partly = attrs.evolve(exchange(connections_up=1), unreachable=UNREACHABLE)
    found = view({"alpha": off, "beta": partly, "gamma": exchange()})
    assert reasons_not_ready(found) == [f"alpha: not connected: {WORDS}"]
    assert reasons_degraded(found) == [
        f"alpha: not connected: {WORDS}",
        f"beta: only 1 of 2 connections are open: {WORDS}",
    ]
    assert [each["unreachable"] for each in document(found)["exchanges"]] == [
        {
            "since": 1_749_999_990.7,
            "since_at": "2025-06-15T15:06:30Z",
            "place": "feed.example:443",
            "step": "DNS",
            "reason": "DNS: Name or service not known",
            "what_to_do": "see whether this machine is online",
        }
    ] * 2 + [None]


def test_a_way_that_fails_beside_open_connections_is_no_trouble() -> None:
    """The listing is asked again, and nothing is missing meanwhile."""
    found = view({"alpha": attrs.evolve(exchange(), unreachable=UNREACHABLE)})
    assert (reasons_degraded(found), reasons_not_ready(found)) == ([], [])
    assert document(found)["exchanges"][0]["unreachable"] is None


def test_nothing_can_be_looked_up() -> None:
    """Then no exchange is to blame, and the first reason says so; one that fails otherwise is."""
    nowhere = attrs.evolve(
        exchange(connections_up=0, connections_wanted=0), unreachable=UNREACHABLE
    )
    found = view({"alpha": nowhere, "beta": nowhere})
    each = [f"alpha: not connected: {WORDS}", f"beta: not connected: {WORDS}"]
    assert reasons_not_ready(found) == reasons_degraded(found) == [OFFLINE, *each]
    refused = attrs.evolve(nowhere, unreachable=attrs.evolve(UNREACHABLE, step="TCP"))
    assert OFFLINE not in reasons_not_ready(view({"alpha": nowhere, "beta": refused}))
    assert OFFLINE not in reasons_degraded(view({"alpha": nowhere, "beta": exchange()}))


def test_a_snapshot_gives_the_same_reasons_as_the_document() -> None:
    """What the log and the terminal say is what `/ready` says."""
    off = attrs.evolve(exchange(connections_up=0), unreachable=UNREACHABLE)
    for recovering in ("", "recovering (41 % done)"):
        found = view({"alpha": off}, troubles=("the disk is full",), recovering=recovering)
        same = Snapshot(
            0.0,
            {"alpha": off.numbers},
            ("the disk is full",),
            recovering=recovering,
            unreachable={"alpha": UNREACHABLE},
        )
        assert same.not_ready == reasons_not_ready(found) == document(found)["not_ready"]
        assert len(same.not_ready) == 2 + (not recovering)


def test_the_sum_of_all_is_offline_only_if_each_is() -> None:
    """An exchange that was not tried yet may be there."""
    numbers = {"alpha": ExchangeNumbers(), "beta": ExchangeNumbers()}
    assert not Snapshot(0.0, numbers, unreachable={"alpha": UNREACHABLE}).is_offline
    both = dict.fromkeys(numbers, UNREACHABLE)
    assert Snapshot(0.0, numbers, unreachable=both).is_offline
    assert not Snapshot(0.0, {}, unreachable={}).is_offline
