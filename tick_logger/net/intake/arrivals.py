"""What passes between a connection and the intake: arrivals one way, what they said the other.

An arrival is what one read of a connection brought.  Arrivals wait, with marks and notes among them
in their order, and are decoded in portions.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.exchanges.base import Event, Subscription
from tick_logger.model.entries import Defined, Note
from tick_logger.model.marks import Mark
from tick_logger.model.payloads import Payloads
from tick_logger.model.tables import FEEDS, Table
from tick_logger.model.times import Times

Numbers: TypeAlias = npt.NDArray[np.int64]

MAX_FRAMES_PER_DECODE = 5_000
"""One decode call blocks the event loop for about 5 ms at most."""

MAX_BYTES_PER_DECODE = 1024 * 1024
"""As much as so many frames usually have: large ones block the loop no longer than many.  What one
read brought is not divided, so a message of the largest kind may come on top; with that, it still
fits a frame of the journal."""


Streams: TypeAlias = tuple[tuple[tuple[int, ...], tuple[Table, ...]], ...]
"""Pairs of instruments and tables: all of the first in each of the second."""


Came: TypeAlias = Sequence[tuple[float, int]]
"""When arrivals came, in order: by trio's clock, and the receive time."""


def first_of(came: Came, after: float) -> int:
    """The receive time of the first arrival that came after this (trio's clock); there is one."""
    return next(recv_ns for at, recv_ns in came if at > after)


@attrs.frozen(kw_only=True, eq=False)
class Heard:
    """What a batch said of one connection.

    `numbers` (int64, shape `(n,)`) are those of its messages, where its venue numbers all messages
    of a connection, and `numbered_ns` (int64 ns, same shape) when they were received.  `events` are
    pairs of receive time and event, in order.  `rows_at` says when rows of a table and an
    instrument came, if the connection is incomplete: for each arrival with some, by trio's clock
    and in ns.  `data_ns` is when market data was received last, 0 if there was none.
    """

    frames: int
    bad: int  # of them, those of which nothing is understood
    data_ns: int
    numbers: Numbers
    numbered_ns: Times
    events: Sequence[tuple[int, Event]]
    rows_at: Mapping[tuple[Table, int], Came] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        assert 0 <= self.bad <= self.frames
        assert len(self.numbers) == len(self.numbered_ns) <= self.frames


class Source(Protocol):
    """A connection, as seen from the intake."""

    label: str

    @property
    def is_incomplete(self) -> bool:
        """Whether something that it is to carry is not acknowledged."""
        ...

    def heard(self, heard: Heard) -> Sequence[Mark]:
        """Frames of the connection were decoded and said this; returns what follows from it."""
        ...

    def streams(self) -> Streams:
        """What the connection is to carry."""
        ...

    def reopened(self, at_ns: int) -> list[Mark]:
        """What has come is taken again: the marks that resume what its venue has acknowledged.

        The rest begins when it is acknowledged.
        """
        ...

    def given_up(self, until_ns: int) -> list[Mark]:
        """Messages of the connection were given up until now; what follows from it."""
        ...


@attrs.define
class Arrival:
    """The payloads of one read."""

    source: Source
    recv_ns: int
    arrived: float  # trio's clock, which is never set
    payloads: Payloads
    size_bytes: int


Said: TypeAlias = Mark | Note | Defined
"""What is said among the arrivals."""

Item: TypeAlias = Arrival | Said
"""What waits between the sockets and the decoder."""


def streams_of(subscriptions: Iterable[Subscription], index: Mapping[str, int]) -> Streams:
    """Exactly these, in as few pairs of instruments and tables as have the same instruments."""
    by_table: dict[Table, list[int]] = {}
    for sub in subscriptions:
        by_table.setdefault(FEEDS[sub.feed], []).append(index[sub.symbol])
    alike: dict[tuple[int, ...], list[Table]] = {}
    for table, instruments in sorted(by_table.items()):
        alike.setdefault(tuple(sorted(instruments)), []).append(table)
    return tuple((instruments, tuple(tables)) for instruments, tables in alike.items())


def take_portion(waiting: deque[Item]) -> list[Item]:
    """Take one batch from the front: so many frames and bytes at most, no mark after an arrival.

    An arrival that is larger than that is a portion of its own, with the marks before it.
    """
    portion: list[Item] = []
    frames = size_bytes = 0
    while waiting:
        item = waiting[0]
        count, size = (len(item.payloads), item.size_bytes) if isinstance(item, Arrival) else (0, 0)
        full = frames + count > MAX_FRAMES_PER_DECODE or size_bytes + size > MAX_BYTES_PER_DECODE
        if frames and (not count or full):
            break
        portion.append(waiting.popleft())
        frames += count
        size_bytes += size
    return portion
