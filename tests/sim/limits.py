"""What the recorder has promised to have room and patience for, as long as its disk is well.

A message is given up only when the buffer is full, a row is late only when those that it had to
precede waited a flush interval for it, and a connection is not left silent for longer than the
configured timeout.  Shares no code with the recorder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs
import numpy as np

from tests.service.world import Venue
from tests.sim.world import World

RETRY_SECS = 1.0
"""How long after a failure the disk is tried again."""

MESSAGE_BYTES = 64
"""What a message counts in the buffer beside its own bytes."""

GOODBYE_SECS = 2.0
"""How long a connection may take to end after its time is up."""

LISTING_SECS = 300.0
"""How long after a halt the listing may be read next that says so."""

ROUNDING_SECS = 1e-6


@attrs.frozen
class Row:
    """A row on disk: its event time, and when it came out of a socket, first and last.

    `process_began` is when the process began that it came to last.
    """

    event_ns: int
    first_at: float
    last_at: float
    process_began: float


def waited(world: World, since: float, until: float, failures: Iterable[float]) -> bool:
    """Whether anything between these times may have waited, for a slow disk or after a failure."""
    slack_secs = RETRY_SECS + float(world.story.logger["persist_interval_secs"])
    return any(since - slack_secs <= at <= until for at in failures) or any(
        began <= until and since - slack_secs <= ended for began, ended in world.offload.waits
    )


def needless_overflows(world: World) -> Iterator[str]:
    """Messages that were given up although there was room for them.

    What is older than the persist interval is safe, and holds no room any more.
    """
    logger = world.story.logger
    came = [
        (at, sum(map(len, payloads)) + MESSAGE_BYTES * len(payloads))
        for log in world.logs.values()
        for at, payloads in (
            *((each.at, each.payloads) for each in log.arrivals),
            *((each.at, (each.body,)) for each in log.answers),
        )
    ]
    for name, spans in world.overflows.items():
        for began, _ in spans:
            since = began - logger["persist_interval_secs"]
            held = sum(size for at, size in came if since <= at <= began)
            # What was refused for a while is taken again when half of the buffer is free.
            has_room = held <= logger["buffer_limit_mib"] * 2**20 / 2
            if has_room and not waited(world, began, began, world.offload.failures):
                yield f"{name}: messages were given up at {began}, for {held} bytes were held"


def needlessly_late(world: World, in_order: Iterable[Row], late: Iterable[Row]) -> Iterator[Row]:
    """Late rows of a stream that came before any row that they had to precede was released."""
    late = [*late]
    logger = world.story.logger
    wait_secs = logger["flush_interval_secs"] - logger["linger_ms"] / 1000 - ROUNDING_SECS
    rows = [*in_order, *late]
    event_ns = np.array([row.event_ns for row in rows])
    first_at = np.array([row.first_at for row in rows])
    for row in late:
        since = row.last_at - wait_secs
        released = (event_ns >= row.event_ns) & (first_at <= max(since, row.process_began))
        if not released.any() and not waited(world, since, row.last_at, world.offload.failures):
            yield row


def _halted(world: World, since: float, until: float) -> bool:
    """Whether a market may count as halted at some time between: until the next listing."""
    return any(
        each.kind == "halts" and each.at <= until and since <= each.at + each.secs + LISTING_SECS
        for each in world.story.troubles
    )


def unnoticed_silences(
    world: World, venue: Venue, silences: Iterable[tuple[float, float]]
) -> Iterator[str]:
    """Connections that were kept though nothing at all had come for longer than the timeout.

    `silences` are from and until when nothing came on a connection for market data.
    """
    asked = [settings[venue.name] for _, settings in world.wishes]
    longest_secs = max(max(each.data_timeout_secs, each.first_data_timeout_secs) for each in asked)
    limit_secs = longest_secs + GOODBYE_SECS
    for since, until in silences:
        # What is behind is not held against a venue, so the disk has to be well meanwhile.
        is_slow = waited(world, since, until, world.offload.failures)
        if (
            until - since > limit_secs
            and not is_slow
            and not _halted(world, since, since + limit_secs)
        ):
            yield f"{venue.name}: a connection was kept, silent from {since} to {until}"
