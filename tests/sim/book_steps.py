"""The books after every update: in file order each is its market's, or a record says otherwise.

A book begins with its first snapshot; from then on it is right after each message that was received
outside of all records.  What comes before is of no use to anybody, and is recorded as missing;
unless the snapshot had to be fetched, and has come in time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import groupby
from typing import Any

import attrs
import numpy as np

from tests.sim.market_books import State, Ticks
from tests.sim.process import Book
from tests.sim.said import KNOWN
from tests.sim.streams import MOST_SHOWN, SNAPSHOT, Stream
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import BookCheck

UPDATE_IDS = {BookCheck.RANGES}
"""Where the ids in messages are those of the market; of all others the times tell.  There snapshots
are fetched when the first update has come."""

IN_TIME_NS = 50 * 10**9
"""In which a snapshot that is fetched has come, or it is said that there is none."""


@attrs.frozen
class Message:
    """Rows that came together, and when by both clocks."""

    update_id: int
    event_ns: int
    recv_ns: int
    is_snapshot: bool
    levels: tuple[tuple[int, float, float], ...]  # side, price, size


def wrong_books(stream: Stream, lost_unseen: bool) -> Iterator[str]:
    """The moments at which the book in file order is not the market's, and nothing says so.

    `lost_unseen`: messages did not reach a connection, and nobody can know.
    """
    counts, steps = stream.court.counts, Steps(stream)
    timeless = stream.court.had_odd_times and not steps.have_ids
    unprovable = timeless or steps.loses_levels or (lost_unseen and steps.shows_no_loss)
    if stream.court.was_clock_set or unprovable:
        counts["books not followed"] += bool(len(stream))
        return
    wrong = [*steps.wrong()]
    counts["books followed"] += bool(len(stream))
    counts["book updates compared"] += steps.compared
    counts["book updates of no known moment"] += steps.unknown
    if wrong:
        yield f"the book is wrong after {len(wrong)} messages: {wrong[:MOST_SHOWN]}"


class Steps:
    """One book, message by message."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._exchange = registry.get(stream.exchange)
        self._depth = KNOWN[stream.exchange].depth
        self._history = stream.court.world.histories[stream.exchange]
        self._spans = [(gap["from_ns"] or 0, gap["to_ns"] or math.inf) for gap in stream.gaps]
        self._on_disk: tuple[dict[int, float], dict[int, float]] = {}, {}  # prices, sizes
        self.compared = 0
        self.unknown = 0

    @property
    def loses_levels(self) -> bool:
        """Whether several prices are the same number in the columns, as in f4 they may be."""
        ticks = self._history.ticks(self._stream.symbol) if self._stream.court.width == "f4" else ()
        return len({self._price(each) for each in ticks}) < len(ticks)

    @property
    def shows_no_loss(self) -> bool:
        """Whether nothing shows that a message is missing."""
        check = self._exchange.book_check
        return check in (BookCheck.NONE, BookCheck.COUNTED_ONLY) and not (
            self._exchange.counts_messages
        )

    def wrong(self) -> Iterator[tuple[Any, ...]]:
        """Ids and times of messages after which the book is wrong."""
        book: Book = ({}, {})
        waiting: list[Message] | None = []  # for the first snapshot
        before = (0, 0, False)
        for message in self._messages():
            snapshot = message.update_id, message.recv_ns, message.is_snapshot
            if message.is_snapshot and snapshot != before:
                book = {}, {}
                yield from self._late(waiting or (), message.recv_ns)
                waiting = None
            before = snapshot
            for side, price, size in message.levels:
                if size:
                    book[side][price] = size
                else:
                    book[side].pop(price, None)
            self._cut(book)
            if self._is_recorded(message.recv_ns):
                continue
            if waiting is not None:
                waiting.append(message)
                continue
            if message.is_snapshot and not self._snapshots_tell:
                continue  # it may be older than its place
            states = self._states(message)
            self.unknown += not states
            self.compared += bool(states)
            if states and not any(self._equal(book, state) for state in states):
                yield ("snapshot" if message.is_snapshot else "update"), *self._place(message)
        yield from self._late(waiting or (), math.inf)

    def _late(self, waiting: Iterable[Message], until_ns: float) -> Iterator[tuple[Any, ...]]:
        """Updates without a record that waited too long for their snapshot."""
        for message in waiting:
            if not self.have_ids or message.recv_ns < until_ns - IN_TIME_NS:
                yield "no snapshot", *self._place(message)

    @cached_property
    def have_ids(self) -> bool:
        """Whether ids of updates are those of the market."""
        return self._exchange.book_check in UPDATE_IDS

    @cached_property
    def _snapshots_tell(self) -> bool:
        """Whether it is known which book a snapshot is."""
        return self.have_ids or KNOWN[self._stream.exchange].whole_books

    def _states(self, message: Message) -> list[State]:
        symbol = self._stream.symbol
        if self.have_ids:
            return self._history.as_of(symbol, message.update_id)
        return self._history.at(symbol, message.event_ns)

    def _place(self, message: Message) -> tuple[int, float]:
        moments = self._stream.court.moments(message.recv_ns)
        return message.update_id, min(moments, default=0.0)

    def _is_recorded(self, recv_ns: int) -> bool:
        return any(from_ns <= recv_ns <= to_ns for from_ns, to_ns in self._spans)

    def _messages(self) -> Iterator[Message]:
        part = self._stream.parts[0]
        names = ("update_id", "flags", "side", "price", "size")
        columns = [part.event_ns.tolist(), part.recv_ns.tolist()]
        columns += [part[name].tolist() for name in names]
        for head, rows in groupby(zip(*columns, strict=True), key=lambda row: row[:4]):
            event_ns, recv_ns, update_id, flags = head
            levels = tuple((side, price, size) for *_, side, price, size in rows)
            yield Message(update_id, event_ns, recv_ns, bool(flags & SNAPSHOT), levels)

    def _cut(self, book: Book) -> None:
        for side, prices in enumerate(book):
            if self._depth is not None and len(prices) > self._depth:
                for price in sorted(prices, reverse=bool(side))[self._depth :]:
                    del prices[price]

    def _equal(self, book: Book, state: State) -> bool:
        return book == (self._as_stored(state.asks, 0), self._as_stored(state.bids, 1))

    def _as_stored(self, side: Ticks, is_bid: int) -> dict[float, float]:
        """The best levels with the numbers that a column can hold."""
        ticks = [*side]
        if self._depth is not None and len(ticks) > self._depth:
            ticks = sorted(ticks, reverse=bool(is_bid))[: self._depth]
        return {self._price(each): self._size(side[each]) for each in ticks}

    def _price(self, ticks: int) -> float:
        return self._stored(self._on_disk[0], ticks, self._history.spec(self._stream.symbol).price)

    def _size(self, lots: int) -> float:
        return self._stored(self._on_disk[1], lots, self._history.spec(self._stream.symbol).size)

    def _stored(self, known: dict[int, float], number: int, text_of: Any) -> float:  # noqa: ANN401
        if number not in known:
            width = np.float32 if self._stream.court.width == "f4" else np.float64
            known[number] = float(width(float(text_of(number))))
        return known[number]
