"""The one writer of the journal: what was received is safe before anything else becomes of it.

Takes batches from the intakes, appends them to the journal in a worker thread, makes it durable
once per persist interval, and hands them on to be derived.  It also puts the ticks into the
sequence, at which rows are released to the column files, and the seals of days that are over.

Invariant: whatever was taken from the channel is in the journal before it is handed on, or is held
here until it can be.  While the disk refuses, nothing more is taken: the intakes then hold frames
up to their budget, and write down what they must give up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import attrs
import trio

from tick_logger.budget import ByteBudget
from tick_logger.journal.entry_codec import encode_entries
from tick_logger.journal.journal import Journal
from tick_logger.model.batch import Batch
from tick_logger.model.entries import Closed, Entry, Started, Ticked
from tick_logger.recording.backlog import Backlog, Chunk, Item
from tick_logger.recording.readiness import JOURNAL, SEGMENTS
from tick_logger.recording.resources import TaskContext

MAX_CHUNK_BYTES = 8 * 1024 * 1024
"""Payloads that are written in one go; a flood is cut into pieces that memory can hold twice."""

MAX_FRAME_BYTES = 2 * 1024 * 1024
"""Payloads in one frame of the journal: enough to compress well."""

MAX_TICK_BYTES = 32 * 1024 * 1024
"""Rows that one tick releases; a flood is released sooner, and gets a shorter reorder window.
Those of two ticks are in the pipeline at once, which sorts copies of them."""

MAX_HELD_BYTES = 16 * 1024 * 1024
"""Compressed frames that the journal keeps in memory until they are durable; then they are synced,
however short the time since the last sync."""


class Writer:
    """Takes batches until its channel ends."""

    def __init__(
        self,
        journal: Journal,
        backlog: Backlog,
        context: TaskContext,
        *,
        budget: ByteBudget,
        flush_interval_secs: float,
        sync_interval_secs: float,
        max_chunk_bytes: int = MAX_CHUNK_BYTES,
    ) -> None:
        self._journal = journal
        self._backlog = backlog
        self._budget = budget
        self._offload = context.offload
        self._clock = context.clock
        self._readiness = context.readiness
        self._metrics = context.metrics
        self._seals = context.seals
        self._flush_interval_secs = flush_interval_secs
        self._sync_interval_secs = sync_interval_secs
        self._max_chunk_bytes = min(max_chunk_bytes, MAX_CHUNK_BYTES)
        self.on_journalled: Callable[[str, int], None] = lambda _exchange, _taken: None
        """Hears up to which number what an exchange took is in the journal."""
        self.at_once = False
        """Write what comes without gathering more: where nothing else outlives the process."""
        self._counted_bytes = 0  # of the journal, in the metrics
        self._rows_bytes = 0  # since the last tick
        self._chunk_bytes = 0  # payloads taken and not yet written
        self._taken_at: float | None = None  # of the oldest batch that is not durable

    @property
    def lag_secs(self) -> float:
        """How long the oldest batch that a power cut would take has been here."""
        return 0.0 if self._taken_at is None else trio.current_time() - self._taken_at

    async def run(self, receive: trio.MemoryReceiveChannel[Batch], started: Started) -> None:
        """Write until the channel ends; raises `StorageError` if that has become impossible.

        Cancellation: only by the shutdown deadline; what is not in the journal then is given up.
        """
        try:
            with receive:
                await self._put_down([started], sync=True)
                await self._write_all(receive)
        finally:
            self._backlog.end()
            self._budget.end()

    async def _write_all(self, receive: trio.MemoryReceiveChannel[Batch]) -> None:
        tick_due = trio.current_time() + self._flush_interval_secs
        sync_due = trio.current_time() + self._sync_interval_secs
        more = True
        while more:
            items: list[Item] = []
            more = await self._gather(receive, min(tick_due, sync_due), items)
            now = trio.current_time()
            if not more:
                items.append(Closed(self._clock.now_ns()))
            elif now >= tick_due or self._rows_bytes > MAX_TICK_BYTES:
                items.append(Ticked(self._clock.now_ns()))
                # Behind the tick: what is released with it came before the wish.
                items += self._seals.take(self._clock.now_ns())
                self._rows_bytes = 0
                # After an early tick the interval begins anew; after a slow write it is cut.
                tick_due = max(min(tick_due, now) + self._flush_interval_secs, now)
            sync = not more or now >= sync_due or self._journal.held_bytes > MAX_HELD_BYTES
            if sync:
                sync_due = now + self._sync_interval_secs
            await self._put_down(items, sync=sync)

    async def _gather(
        self, receive: trio.MemoryReceiveChannel[Batch], due: float, items: list[Item]
    ) -> bool:
        """Take batches until it is time to write; False when there will be no more.

        What has come by then is taken in any case, however late it is: one write for all of it is
        how a slow disk keeps up.  Where nothing more may be decoded before this is written, nothing
        is waited for.
        """
        self._chunk_bytes = 0
        try:
            with trio.CancelScope(deadline=due):
                while self._has_room and (not items or self._may_gather):
                    self._take(await receive.receive(), items)
            while self._has_room:
                self._take(receive.receive_nowait(), items)
        except trio.WouldBlock:
            pass
        except trio.EndOfChannel:
            return False
        return True

    @property
    def _may_gather(self) -> bool:
        return self._budget.may_decode and not self.at_once

    @property
    def _has_room(self) -> bool:
        return self._chunk_bytes < self._max_chunk_bytes and self._rows_bytes <= MAX_TICK_BYTES

    def _take(self, batch: Batch, items: list[Item]) -> None:
        if self._taken_at is None:
            self._taken_at = trio.current_time()
        items.append(batch)
        self._chunk_bytes += len(batch.received.payloads)
        self._rows_bytes += sum(rows.nbytes for rows in batch.rows)

    async def _put_down(self, items: Sequence[Item], *, sync: bool) -> None:
        """Write to the journal, and hand on what is written."""
        journal = self._journal
        if not items and journal.durable_seq == journal.next_seq:
            return
        if self._taken_at is None:
            self._taken_at = trio.current_time()
        first_seq = journal.next_seq
        now_ns = self._clock.now_ns()

        def work() -> None:
            if journal.next_seq == first_seq:  # the first attempt
                for body in _bodies(items):
                    journal.accept(body)
            journal.write(now_ns)
            if sync:
                lost.append(journal.leave_lost_segment())
                if lost[-1]:
                    journal.write(now_ns)
                journal.sync()

        lost: list[str] = []
        began = trio.current_time()
        await self._readiness.persist(JOURNAL, "the journal cannot be written", work, self._offload)
        for path in filter(None, lost):
            reason = (
                f"{path} was removed or cut while it was written; the journal goes on in another"
            )
            self._readiness.trouble(SEGMENTS, reason)
        if sync:
            self._taken_at = None
            self._metrics.journal_fsync_seconds.observe(trio.current_time() - began)
        self._metrics.journal_bytes.inc(journal.bytes_written - self._counted_bytes)
        self._counted_bytes = journal.bytes_written
        self._metrics.journal_durable_seq.set(journal.durable_seq)
        assert journal.durable_seq <= journal.next_seq, "durable before it was written"
        for item in items:
            if isinstance(item, Batch):
                self._budget.journalled(item.frames_bytes, item.rows_bytes)
                self.on_journalled(item.received.exchange, item.received.taken)
        handed = tuple(_without_payloads(item) for item in items)
        self._backlog.put(Chunk(first_seq, journal.next_seq, handed))


def _bodies(items: Sequence[Item]) -> Iterator[bytes]:
    """The items as bodies of frames, of limited size each; only one at a time is in memory."""
    entries: list[Entry] = []
    size = 0
    for item in items:
        entries.append(item.received if isinstance(item, Batch) else item)
        size += len(item.received.payloads) if isinstance(item, Batch) else 0
        if size >= MAX_FRAME_BYTES:
            yield encode_entries(entries)
            entries, size = [], 0
    if entries:
        yield encode_entries(entries)


def _without_payloads(item: Item) -> Item:
    """An item without what the journal has; the rows go on alone."""
    if not isinstance(item, Batch):
        return item
    nothing = item.received.lengths[:0]
    received = attrs.evolve(item.received, payloads=b"", lengths=nothing)
    return attrs.evolve(item, received=received, frames_bytes=0)
