"""The task that keeps what was recorded: packs it, brings it where it belongs, lets go of the rest.

It goes in cycles, and a cycle goes on where the one before it, or the process before, ended: the
ledger knows.  Whatever fails is tried again in the next cycle, for ever; each trouble is told once
an hour.  A bucket that does not answer holds up no cycle: after `PATIENCE_SECS` what is being sent
is sent beside the next ones, which pack, keep and let go as ever.

Nothing of it touches the recording, whether it is ready, or how it stops: when that has ended, what
is being packed gets `PACK_SECS` more, and what is being sent `SEND_SECS`.

Invariant: a step of the ledger is durable before the next one begins.

Not here: what each step does (`packing`, `documents`, `transfer`, `retention`), and sealing.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Protocol

import trio

from tick_logger.archive.delivery import Delivery
from tick_logger.archive.documents import new_documents, recorded_documents
from tick_logger.archive.due import MOST_DAYS_WATCHED
from tick_logger.archive.jobs import Job, RawJob, TableJob
from tick_logger.archive.journal_release import JournalRelease
from tick_logger.archive.keeping import Places, Progress, Rules, Standing
from tick_logger.archive.keys import INCOMING, META
from tick_logger.archive.ledger import Covered, Ledger, Where
from tick_logger.archive.rederived import SCRATCH
from tick_logger.archive.retention import LEAST_DAYS, Outlook, Retention
from tick_logger.archive.troubles import Troubles
from tick_logger.archive.worker import PackingError, Worker
from tick_logger.clock import WallClock
from tick_logger.errors import StorageError, leaves, words_of
from tick_logger.model.times import NS_PER_SECOND, day_of
from tick_logger.storage.files import Files
from tick_logger.telemetry.archive_metrics import ALL, ArchiveMetrics
from tick_logger.telemetry.logs import get_logger

CYCLE_SECS = 60.0
"""Between two cycles: far less than days and rotations last, far more than looking costs."""

LOOK_AGAIN_SECS = 6 * 3600.0
"""Between two looks whether rows came for a day that is packed."""

LETTING_GO_SECS = 600.0
"""Between two looks at what may go, unless a day, a full disk or the end of waiting for copies has
changed it: each lists every file of the recording."""

LOCK = f"{META}/lock"
"""Keeps a second process away from the archive's root."""

PACK_SECS = 30.0
SEND_SECS = 60.0
"""What the end of the recording leaves to a job, and to what is being sent."""

PATIENCE_SECS = 60.0
"""For what is being sent to a bucket, before a cycle goes on without it: as long as one request
may take that is not answered."""

FULL_SHARE = 0.05
"""Of a disk: with less room than this, only what cannot be had elsewhere is kept."""

_TROUBLES = (OSError, StorageError, PackingError)


class Due(Protocol):
    """What is to be packed; called in a thread, raises `OSError` and `StorageError`."""

    def of_day(self, ledger: Ledger, exchange: str, day: int) -> Sequence[TableJob]:
        """Of a certified day (since 1970-01-01)."""
        ...

    def raw(self, ledger: Ledger, *, everything: bool) -> Sequence[RawJob]:
        """Of the journal; with `everything` also what is not old enough."""
        ...


class Archiver:
    """One archive, kept by one process."""

    def __init__(
        self,
        rules: Rules,
        places: Places,
        due_jobs: Due,
        worker: Worker,
        clock: WallClock,
        metrics: ArchiveMetrics,
        rng: Random,
    ) -> None:
        self.progress = Progress()
        self._troubles = Troubles()
        self.journal = JournalRelease()
        """How far the journal may go."""
        self._rules = rules
        self._places = places
        self._due = due_jobs
        self._worker = worker
        self._clock = clock
        self._metrics = metrics
        self._ledger: Ledger | None = None
        self._looked: dict[tuple[str, int], float] = {}
        self._ending = trio.Event()
        self._everything = trio.CancelScope()
        self._packing = trio.CancelScope()
        self._sending = trio.CancelScope()
        self._log = get_logger()
        self._remote_troubles = Troubles()  # they may outlast a cycle
        self._delivery = Delivery(rules, places, clock, metrics, self._troubles, rng)
        self._remote = Delivery(rules, places, clock, metrics, self._remote_troubles, rng)
        self._sent = trio.Event()  # whether nothing is being sent to a bucket
        self._sent.set()
        self._patience = trio.CancelScope()

    async def run(self) -> None:
        """Go in cycles until `end`, then once more within its time.

        Cancellation: at once; the next start goes on.
        """
        with self._everything:
            async with trio.open_nursery() as beside:
                while not self._ending.is_set():
                    await self.cycle(beside)
                    with trio.move_on_after(CYCLE_SECS):
                        await self._ending.wait()
                self._packing = trio.CancelScope(deadline=self._end_by)
                await self.cycle(last=True)

    def end(self) -> None:
        """The recording has ended: finish what was begun, and send it, in so much time."""
        self._end_by = trio.current_time() + PACK_SECS
        self._packing.deadline = min(self._packing.deadline, self._end_by)
        self._sending.deadline = min(self._sending.deadline, trio.current_time() + SEND_SECS)
        self._patience.cancel("the recording has ended")
        self._ending.set()

    def skip(self) -> bool:
        """End now, and leave the rest to the next start; False if that was said already."""
        first = not self._everything.cancel_called
        self._everything.cancel("what is not sent is sent by the next start")
        return first

    _end_by = math.inf
    _locked = False
    _looked_for_release: tuple[float, tuple[int, int, bool]] = (-math.inf, (0, 0, False))

    async def cycle(self, beside: trio.Nursery | None = None, *, last: bool = False) -> None:
        """Do all that is due; troubles are told and left to the next cycle.

        With a nursery what is not sent in time is sent `beside` the next cycles.
        """
        self._troubles.begin()
        await self._guarded("archive", self._cycle, beside, last)
        await self._show()

    async def _cycle(self, beside: trio.Nursery | None, last: bool) -> None:
        if self._ledger is None:
            self._ledger = await self._places.thread.run(self._open)
        ledger = self._ledger
        with self._packing as scope:
            await self._guarded("packing", self._pack, ledger, last)
        if not last:
            self._packing = trio.CancelScope(deadline=scope.deadline)
        await self._guarded("documents", self._add_documents, ledger)
        if Where.LOCAL in self._rules.wanted:
            await self._guarded("keeping", self._delivery.send, ledger, Where.LOCAL)
        if Where.BUCKET in self._rules.wanted:
            await self._send(ledger, beside, last)
        self.journal = await self._places.thread.run(lambda: self._know(ledger))
        if not last:
            await self._guarded("retention", self._release, ledger)

    async def _send(self, ledger: Ledger, beside: trio.Nursery | None, last: bool) -> None:
        """Send to the bucket; what takes long goes on beside the next cycles, if it may."""
        if last:
            await self._sent.wait()  # its time ends with the recording's
            self._sending.deadline = min(trio.current_time(), self._end_by) + SEND_SECS
        if beside is None:
            await self._send_on(ledger)
            return
        if self._sent.is_set():
            self._sent = trio.Event()
            beside.start_soon(self._send_on, ledger)
        secs = 0.0 if self._ending.is_set() else PATIENCE_SECS
        with trio.move_on_after(secs) as self._patience:
            await self._sent.wait()
        if self._patience.cancelled_caught and not self._ending.is_set():
            words = "it does not answer, or takes long; everything else goes on meanwhile"
            self._troubles.explain("archive_bucket_slow", Where.BUCKET, words)

    async def _send_on(self, ledger: Ledger) -> None:
        self._remote_troubles.begin()
        with self._sending as scope:
            await self._guarded("sending", self._remote.send, ledger, Where.BUCKET)
        self._sending = trio.CancelScope(deadline=scope.deadline)
        self._sent.set()

    def _know(self, ledger: Ledger) -> JournalRelease:
        """Let others know what is verified now."""
        since = day_of(self._clock.now_ns()) - MOST_DAYS_WATCHED
        self._places.named.learn(ledger, self._rules.wanted, since)
        return JournalRelease.of(ledger, self._rules.wanted, self._rules.layout)

    def _open(self) -> Ledger:
        """Begin, in the thread: what was being written when the last process died is no object."""
        files = self._places.archive
        files.prepare()
        if not self._locked:
            files.lock(LOCK)
        self._locked = True
        ledger = Ledger(files)
        _clear(files, INCOMING)
        return ledger

    # -- packing ----------------------------------------------------------------------------------

    async def _pack(self, ledger: Ledger, last: bool) -> None:
        run, rules = self._places.thread.run, self._rules
        there = await run(lambda: recorded_documents(self._places.recorded).certificates)
        days = {(each.day, each.exchange) for each in there}
        for day, exchange in sorted(days):
            self.progress.sealed[exchange] = day
        now, buffered = trio.current_time(), self._metrics.rows_buffered
        buffered.set(0)  # what could not be packed is found again
        for day, exchange in sorted(days) if rules.tables else ():
            if self._looked.get((exchange, day), -math.inf) + LOOK_AGAIN_SECS > now:
                continue
            jobs = await run(lambda e=exchange, d=day: self._due.of_day(ledger, e, d))  # type: ignore[misc]
            buffered.inc(sum(job.rows for job in jobs))
            for job in jobs:
                await self._make(ledger, job)
                buffered.dec(job.rows)
            self._looked[exchange, day] = now
        await run(lambda: _clear(self._places.archive, SCRATCH))
        if rules.raw:
            for raw in await run(lambda: self._due.raw(ledger, everything=last)):
                await self._make(ledger, raw)

    async def _make(self, ledger: Ledger, job: Job) -> None:
        try:
            result = await self._worker.run(job)
        except (PackingError, OSError, StorageError):
            self._metrics.write_errors.inc()
            raise

        def note() -> None:
            for made in result.made:
                if ledger.packed(made.job) is None:
                    ledger.add(made.packed(self._clock.now_ns()))
            if isinstance(job, RawJob):
                at_ns = self._clock.now_ns()
                ledger.add(
                    Covered(
                        at_ns=at_ns,
                        first_seq=job.first_seq,
                        next_seq=job.next_seq,
                        layout=job.layout,
                    )
                )

        await self._places.thread.run(note)
        for made in result.made:
            self._metrics.rows.inc(made.rows)
            self._metrics.files.labels(made.exchange, ALL).inc()
            self._log.info("archive_packed", key=made.key, rows=made.rows, bytes=made.size)

    async def _add_documents(self, ledger: Ledger) -> None:
        places, server = self._places, self._rules.server

        def work() -> None:
            now_ns = self._clock.now_ns()
            for line in new_documents(places.recorded, places.archive, ledger, server, now_ns):
                ledger.add(line)

        await places.thread.run(work)

    # -- letting go -------------------------------------------------------------------------------

    async def _release(self, ledger: Ledger) -> None:
        rules, places = self._rules, self._places
        if not rules.keep_days or not rules.tables:
            return
        keep_days = rules.keep_days
        if places.free_share() < FULL_SHARE and keep_days > LEAST_DAYS:
            keep_days = LEAST_DAYS
            words = f"the disk is nearly full: {LEAST_DAYS} day is kept, and what is not verified"
            self._troubles.explain("archive_retention_shortened", "retention", words)
        waits = await places.thread.run(lambda: any(map(ledger.waiting, rules.wanted)))
        looked = trio.current_time(), (day_of(self._clock.now_ns()), keep_days, waits)
        before = self._looked_for_release
        if before[1] == looked[1] and looked[0] - before[0] < LETTING_GO_SECS:
            return
        outlook = await places.thread.run(lambda: self.outlook(ledger, keep_days))
        self._looked_for_release = looked
        for stays in outlook.stays:
            self._troubles.explain("archive_day_stays", stays.exchange, str(stays))
        retention = Retention(places.recorded, ledger, rules.wanted)
        for day in outlook.goes:
            steps = retention.steps(day, self._clock.now_ns(), places.columns)
            while await places.column_thread.run(lambda: next(steps, True) is None):  # noqa: B023
                pass
            self._metrics.released_days.inc()
            self._log.info("archive_released", what=str(day))

    def outlook(self, ledger: Ledger, keep_days: int) -> Outlook:
        """What may go now."""
        retention = Retention(self._places.recorded, ledger, self._rules.wanted)
        return retention.outlook(day_of(self._clock.now_ns()), keep_days)

    # -- how it goes ------------------------------------------------------------------------------

    async def _guarded(self, about: str, work: Callable[..., Awaitable[None]], *of: object) -> None:
        """Do something; whatever goes wrong is told, and stops nothing else."""
        try:
            await work(*of)
        except* _TROUBLES as group:
            for error in leaves(group):
                self._troubles.tell("archive_failed", about, words_of(error))
        except* Exception:  # noqa: BLE001 - a defect here must not end a recording
            self._troubles.crashed(about)

    async def _show(self) -> None:
        self.progress.troubles = self._troubles.now | self._remote_troubles.now
        ledger, metrics, wanted = self._ledger, self._metrics, self._rules.wanted
        if ledger is None:
            return
        standing = await self._places.thread.run(lambda: Standing.of(ledger, wanted))
        now_ns = self._clock.now_ns()
        age_ns = 0 if standing.oldest_ns is None else now_ns - standing.oldest_ns
        self.progress.waiting = standing.waiting
        self.progress.waiting_bytes = standing.waiting_bytes
        metrics.queue.set(standing.waiting)
        metrics.queue_bytes.set(standing.waiting_bytes)
        metrics.oldest_seconds.set(max(age_ns, 0) / NS_PER_SECOND)
        for where, size in standing.kept_bytes.items():
            self.progress.kept_bytes[where] = size
            metrics.kept_bytes.labels(where).set(size)


def _clear(files: Files, folder: str) -> None:
    """Remove all files in a folder."""
    for path in files.list(folder, recursive=True):
        files.remove(path)
