"""What no recording may have: rows of days in which nothing was recorded, and holes of nothing.

A row whose time cannot be right is kept beside the others, in the day of its receipt.  A hole that
is told by ids has none that is on the disk, and one without ids is no time in which the stream came
on any line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.service.oracle import folder_of
from tests.sim.court import Given
from tests.sim.streams import MOST_SHOWN, Stream

MOST_AHEAD_SECS = 100.0
"""More than any venue's clock is, and less than any event time that is wrong."""

SLACK = timedelta(hours=2)
"""By which the service's clock may be off, and by how much the oldest trade may be older."""


def out_of_their_days(stream: Stream) -> Iterator[str]:
    """Files of other days, and rows in order that are ahead of their receipt."""
    world = stream.court.world
    first = _moment(world.story.start_ns)
    last = first + timedelta(seconds=world.ended - world.began)
    days = {f"{day:%d.%m.%y}" for day in (first - SLACK, first, last, last + SLACK)}
    strange = sorted({*stream.parts[0].days, *stream.parts[1].days} - days)
    if strange:
        yield f"there are files of {', '.join(strange[:MOST_SHOWN])}"
    if stream.court.was_clock_set:
        return  # until that is noticed, nobody can tell a wrong time from a true one
    in_order = stream.parts[0]
    ahead_secs = (in_order.event_ns - in_order.recv_ns) / 1e9
    if (ahead_secs > MOST_AHEAD_SECS).any():
        yield f"a row is {ahead_secs.max():g} s ahead of its receipt"


def holes_of_what_is_there(stream: Stream) -> Iterator[str]:
    """Records of ids that are on the disk after all."""
    if stream.begun_again:
        return  # the same id is that of several trades
    on_disk = sorted({key[0] for key in stream.keys})
    for first, last in _told_as_missing(_lines(stream)):
        there = [number for number in on_disk if first <= number <= last]
        if there:
            yield f"{there[:MOST_SHOWN]} are told as missing, from {first} to {last}"


def holes_that_came(stream: Stream, given: Given) -> Iterator[str]:
    """Times without a connection in which one brought the stream, before, meanwhile and after.

    Books are left out: one that is connected may yet wait for its snapshot.
    """
    court = stream.court
    if stream.table == "BOOK" or court.was_clock_set or court.world.overflows.get(stream.exchange):
        return
    by_connection: dict[int, list[float]] = {}
    for times in given.values():
        for came in times:
            by_connection.setdefault(came.connection, []).append(came.at)
    for gap in stream.gaps:
        if gap["cause"] != "disconnect" or gap["from_id"] is not None or gap["to_ns"] is None:
            continue
        began, ended = court.moments(gap["from_ns"]), court.moments(gap["to_ns"])
        if not began or not ended:
            continue
        since, until = max(began), min(ended)
        for at in by_connection.values():
            meanwhile = [each for each in at if since < each < until]
            if meanwhile and min(at) < since and until < max(at):
                yield f"{gap} was brought on a connection at {meanwhile[:MOST_SHOWN]}"


def _told_as_missing(lines: list[dict[str, Any]]) -> Iterator[tuple[int, int]]:
    """The ranges of ids of all records, less those of records that heal them."""
    with_ids = [line for line in lines if line["from_id"] is not None]
    healed = [line for line in with_ids if line["healed"]]
    for line in with_ids:
        if line["healed"]:
            continue
        parts = [(line["from_id"], line["to_id"])]
        for other in healed:
            if other["from_ns"] != line["from_ns"]:
                continue  # it is about another hole
            parts = [
                piece
                for first, last in parts
                for piece in ((first, min(last, other["from_id"] - 1)),
                              (max(first, other["to_id"] + 1), last))
                if piece[0] <= piece[1]
            ]  # fmt: skip
        yield from parts


def _lines(stream: Stream) -> list[dict[str, Any]]:
    start = f"{folder_of(stream.exchange, stream.symbol)}/gaps."
    lines = [
        json.loads(line)
        for path, content in stream.court.world.disk.contents.items()
        if path.startswith(start)
        for line in content.splitlines()
    ]
    return [line for line in lines if line["table"] == stream.table]


def _moment(ns: int) -> datetime:
    return datetime.fromtimestamp(ns // 10**9, UTC)
