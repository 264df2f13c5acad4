"""What is in the journal and waits to be derived: a queue that is allowed to forget.

Its rows can be decoded again from the journal at any time.  So a disk that is slow with column
files never costs data: beyond a bound the queue lets go of everything, and the task that takes
from it sees by the numbers of the frames which of them to read from the journal instead.
"""

from __future__ import annotations

from collections import deque
from typing import TypeAlias

import attrs
import trio

from tick_logger.budget import ByteBudget
from tick_logger.model.batch import Batch
from tick_logger.model.entries import Closed, Sealed, Started, Ticked

Item: TypeAlias = Batch | Started | Ticked | Closed | Sealed


@attrs.frozen(eq=False)
class Chunk:
    """The content of the journal's frames `first_seq` to before `next_seq`, decoded."""

    first_seq: int
    next_seq: int
    items: tuple[Item, ...]

    @property
    def budget_bytes(self) -> int:
        """The share of the buffer budget that it occupies: its rows, as the payloads are gone."""
        return sum(item.rows_bytes for item in self.items if isinstance(item, Batch))


class Backlog:
    """Chunks between the journal and the column files, of `limit_bytes` of the budget at most."""

    def __init__(self, budget: ByteBudget, limit_bytes: int, next_seq: int) -> None:
        self._budget = budget
        self._limit_bytes = limit_bytes
        budget.wait_for_files_while(lambda: 2 * self.held_bytes > limit_bytes)
        self._chunks: deque[Chunk] = deque()
        self.held_bytes = 0
        self._changed = trio.Event()
        self._ended = False
        self.next_seq = next_seq  # of the frame that the next chunk begins with
        self.forgotten = 0  # chunks, since the start

    def put(self, chunk: Chunk) -> None:
        """Add a chunk, which follows the one before; never waits."""
        assert chunk.first_seq == self.next_seq, "chunks must join: frames would be left out"
        assert chunk.next_seq >= chunk.first_seq, "frames are numbered upwards"
        self._chunks.append(chunk)
        self.held_bytes += chunk.budget_bytes
        self.next_seq = chunk.next_seq
        if self.held_bytes > self._limit_bytes:
            self.forgotten += len(self._chunks)
            while self._chunks:
                self._give_back(self._chunks.popleft())
        self._changed.set()

    async def take(self) -> Chunk | None:
        """The next chunk, when there is one, to be given back by `release`; None at the end.

        Cancellation: nothing is taken.
        """
        while not self._chunks and not self._ended:
            self._changed = trio.Event()
            await self._changed.wait()
        return self._chunks.popleft() if self._chunks else None

    def release(self, chunk: Chunk) -> None:
        """A chunk that was taken is derived, or not needed any more."""
        self._give_back(chunk)
        self._budget.files_went_on()

    def _give_back(self, chunk: Chunk) -> None:
        self.held_bytes -= chunk.budget_bytes
        assert self.held_bytes >= 0, "a chunk was given back twice"
        self._budget.give_back(chunk.budget_bytes)

    def end(self) -> None:
        """Nothing more will come."""
        self._ended = True
        self._changed.set()
