"""The one writer: takes decoded batches, lets the pipeline order them, and puts rows on disk.

Each flush is one hop into a worker thread, in which the pipeline ticks and the files are written.
The task ends when its channel has ended and everything is on disk; it is never stopped halfway.

Invariant: whatever was received from the channel is on disk, in the pipeline, or named in the
error with which the writer ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import attrs
import trio

from tick_logger.clock import WallClock
from tick_logger.model.flush import Flush, GapRecord
from tick_logger.model.instruments import Instruments
from tick_logger.net.batch import Batch
from tick_logger.net.budget import ByteBudget
from tick_logger.offload import Offload
from tick_logger.ops.logs import get_logger
from tick_logger.ops.metrics import Metrics
from tick_logger.pipeline.pipeline import Pipeline, TickCounts
from tick_logger.storage.columns import AppendError
from tick_logger.storage.store import AsideRecord, Store

MAX_HELD_BYTES = 64 * 1024 * 1024
"""Rows in the reorder window beyond this are flushed early: bursts then get a shorter window."""

MAX_STREAMS_IN_LOG = 5


@attrs.define
class Totals:
    """What one run has put on disk, and what of it failed; the store counts the rows."""

    late_rows: int = 0
    rows_failed: int = 0
    gaps: int = 0


class Writer:
    """Takes batches until its channel ends."""

    def __init__(
        self,
        pipeline: Pipeline,
        store: Store,
        instruments: Instruments,
        *,
        offload: Offload,
        clock: WallClock,
        budget: ByteBudget,
        flush_interval_secs: float,
        metrics: Metrics,
    ) -> None:
        self._pipeline = pipeline
        self._store = store
        self._instruments = instruments
        self._offload = offload
        self._clock = clock
        self._budget = budget
        self._interval_secs = flush_interval_secs
        self._metrics = metrics
        self._log = get_logger()
        self.totals = Totals()

    async def run(self, receive: trio.MemoryReceiveChannel[Batch]) -> None:
        """Write until the channel ends; raises `StorageError` if that becomes impossible.

        Cancellation: only by the shutdown deadline; what is not on disk then is given up.
        """
        with receive:
            due = trio.current_time() + self._interval_secs
            more = True
            while more:
                more = await self._take_until(receive, due)
                if more:
                    await self._flush(self._pipeline.tick)
                    now = trio.current_time()
                    # After an early flush the interval begins anew; after a slow one it is cut.
                    due = max(min(due, now) + self._interval_secs, now)
            await self._flush(lambda: self._pipeline.close(self._clock.now_ns()))
            await self._offload.run(self._store.close)

    async def _take_until(self, receive: trio.MemoryReceiveChannel[Batch], due: float) -> bool:
        """Take batches until it is time to flush; False when there will be no more."""
        with trio.CancelScope(deadline=due):
            while self._pipeline.window_bytes <= MAX_HELD_BYTES:
                try:
                    self._take(await receive.receive())
                except trio.EndOfChannel:
                    return False
        return True

    def _take(self, batch: Batch) -> None:
        self._pipeline.push(batch.items)
        self._budget.give_back(batch.budget_bytes)
        for kept in batch.kept_aside:
            self._store.keep_aside(
                AsideRecord(batch.exchange, kept.recv_ns, kept.reason, kept.payload)
            )

    async def _flush(self, release: Callable[[], tuple[Flush, TickCounts]]) -> None:
        """One hop: let the pipeline release rows and write them."""

        def work() -> tuple[Flush, TickCounts]:
            flush, counts = release()
            self._store.write(flush)
            return flush, counts

        started = trio.current_time()
        try:
            flush, counts = await self._offload.run(work)
        except AppendError as failure:
            self.totals.rows_failed = failure.rows_lost
            raise
        self._metrics.flush_seconds.observe(trio.current_time() - started)
        self._metrics.buffered_bytes.set(self._budget.taken_bytes)
        self._account(flush, counts)

    def _account(self, flush: Flush, counts: TickCounts) -> None:
        """Count what was written, per exchange, and report every gap."""
        rows: Counter[tuple[str, bool]] = Counter()
        for run in flush.runs:
            rows[self._exchange(run.instrument), run.late] += len(run.rows)
        for (exchange, late), count in rows.items():
            numbers = self._metrics.exchange(exchange)
            numbers.rows_written.inc(count)
            if late:
                numbers.late_rows.inc(count)
                self.totals.late_rows += count
        for instrument, count in counts.duplicates.items():
            self._metrics.exchange(self._exchange(instrument)).duplicates.inc(count)
        for instrument, count in counts.bad_times.items():
            self._log.warning(
                "event_time_in_the_future",
                exchange=self._exchange(instrument),
                rows=count,
                explanation="the receive time stands in",
            )
        for repair in self._store.take_repairs():
            self._log.warning("mended", **attrs.asdict(repair))
        self._report_gaps([gap for gap in flush.gaps if not gap.healed])

    def _report_gaps(self, gaps: list[GapRecord]) -> None:
        """Count each hole; one log line for those with the same exchange and cause."""
        self.totals.gaps += len(gaps)
        together: dict[tuple[str, str], list[GapRecord]] = {}
        for gap in gaps:
            together.setdefault((self._exchange(gap.instrument), gap.cause), []).append(gap)
        for (exchange, cause), holes in together.items():
            ids = sum(_ids_missing(hole) for hole in holes)
            numbers = self._metrics.exchange(exchange)
            numbers.sequence_gaps.inc(len(holes))
            numbers.ids_missing.inc(ids)
            streams = [f"{self._instruments.name(g.instrument)[1]} {g.table}" for g in holes]
            shown = streams[:MAX_STREAMS_IN_LOG]
            self._log.warning(
                "gaps", exchange=exchange, cause=cause, holes=len(holes), ids=ids, streams=shown
            )

    def _exchange(self, instrument: int) -> str:
        return self._instruments.name(instrument)[0]


def _ids_missing(gap: GapRecord) -> int:
    if gap.from_id is None or gap.to_id is None:
        return 0
    return gap.to_id - gap.from_id + 1
