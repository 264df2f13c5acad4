"""A venue that knows its book after every update, and the book that recorded rows rebuild."""

from __future__ import annotations

import random

import attrs

from tests.pipeline.streams import T0, Level, Out
from tick_logger.model.tables import FLAG_SNAPSHOT, NO_TIME

Book = dict[tuple[int, float], float]

MS = 10**6


@attrs.define
class Venue:
    """A book whose every level has a size that never occurs again."""

    rng: random.Random
    state: Book = attrs.field(factory=dict)
    after: dict[int, Book] = attrs.field(factory=dict)  # by update id
    now: int = T0
    last_id: int = 2**53
    sizes: int = 0

    def update(self) -> list[Level]:
        """Some levels change; the rows, received 20 to 60 ms later."""
        self.now += self.rng.randrange(1, 30) * MS
        self.last_id += self.rng.randrange(1, 4)
        recv = self.now + self.rng.randrange(20, 60) * MS
        changed = {
            (self.rng.randrange(2), float(self.rng.randrange(6)))
            for _ in range(self.rng.randrange(1, 4))
        }
        rows = []
        for side, price in sorted(changed):
            self.sizes += 1
            size = 0.0 if self.rng.random() < 0.3 else float(self.sizes)
            self.state[side, price] = size
            rows.append(Level(recv, self.now, self.last_id, side, price, size))
        self.state = {level: size for level, size in self.state.items() if size}
        self.after[self.last_id] = dict(self.state)
        return rows

    def snapshot(self, recv: int) -> list[Level]:
        """The book as it is now."""
        return [
            Level(recv, NO_TIME, self.last_id, side, price, size, FLAG_SNAPSHOT)
            for (side, price), size in sorted(self.state.items())
        ]


def rebuilt(out: Out, start_id: int) -> dict[int, Book]:
    """The book after each update later than `start_id`, from the rows in file order."""
    fields = ("seq", "side", "price", "size", "flags", "recv_ns")
    rows = list(zip(*(out.column(field) for field in fields), strict=True))
    state: Book = {}
    after: dict[int, Book] = {}
    snapshot: tuple[float, float] | None = None
    for seq, side, price, size, flags, recv in rows:
        if flags and snapshot != (seq, recv):
            state, snapshot = {}, (seq, recv)
        if not flags:
            snapshot = None
        state[int(side), price] = size
        state = {level: size for level, size in state.items() if size}
        if int(seq) > start_id and not flags:
            after[int(seq)] = dict(state)
    return after


def rest(last_id: int, recv: int = T0 + 500) -> Level:
    """The one level of a snapshot as of an id."""
    return Level(recv, NO_TIME, last_id, 1, 7.0, 1.0, FLAG_SNAPSHOT)


def diff(number: int) -> Level:
    """An update of one id."""
    return Level(T0 + 10 * number + 5, T0 + 10 * number, number, 1, 7.0, 1.0)
