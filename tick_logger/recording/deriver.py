"""The task that brings column files up to the journal, and saves the state that this leads to.

Takes what the writer has put into the journal, lets the pipeline order it, and writes what is
released, in a worker thread of its own: a checkpoint that takes long, or a disk that has trouble
with thousands of files, delays the column files and never the journal.  What the backlog has let
go of is read from the journal again.

Invariant: at every checkpoint, the files hold what the entries up to it give, no more and no less.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import trio

from tick_logger.derive.checkpoints import Kept, prune_journal
from tick_logger.derive.derivation import Derivation, Outcome
from tick_logger.derive.recovery import Recovery
from tick_logger.derive.replay import Replay
from tick_logger.errors import RefusedError, StorageError
from tick_logger.journal.reader import Damage
from tick_logger.model.entries import Closed, Sealed, Started, Ticked
from tick_logger.recording.accounts import Accounts, report_failures, report_findings
from tick_logger.recording.backlog import Backlog, Chunk
from tick_logger.recording.legacy_links import LinkKeeper
from tick_logger.recording.quality_watch import QualityWatch
from tick_logger.recording.readiness import CHECKPOINT, COLUMNS, FILES, RETRY_SECS, reason_of
from tick_logger.recording.resources import TaskContext
from tick_logger.recording.step_times import StepTimes
from tick_logger.recording.unwritable_streams import UnwritableStreams
from tick_logger.storage.checkpoint import SyncLost
from tick_logger.telemetry.logs import get_logger

SOONEST_SECS = 5.0
"""After a checkpoint the next may be saved, if somebody waits for it: it costs a sync of files."""

MAX_LAST_ATTEMPTS = 3
"""To save the last checkpoint; without it, the next start has more to do, and nothing is lost."""

T = TypeVar("T")


class Deriver:
    """Derives what comes through the backlog until that ends."""

    def __init__(
        self,
        recovery: Recovery,
        derivation: Derivation,
        backlog: Backlog,
        accounts: Accounts,
        context: TaskContext,
        *,
        kept: Kept,
        checkpoint_interval_secs: float,
        on_sync_lost: Callable[[], None],
    ) -> None:
        self._recovery = recovery
        self._steps = StepTimes(time.perf_counter)
        self._derivation = derivation
        derivation.steps = self._steps
        self._backlog = backlog
        self._accounts = accounts
        self._unwritable = UnwritableStreams(
            derivation.instruments, context.metrics, context.readiness
        )
        self._offload = context.offload
        self._clock = context.clock
        self._readiness = context.readiness
        self._metrics = context.metrics
        self._seals = context.seals
        self._kept = kept
        self._interval_secs = checkpoint_interval_secs
        self._on_sync_lost = on_sync_lost
        self.links: LinkKeeper | None = None
        """Who is to hear of what was written, to make links to it."""
        self.quality: QualityWatch | None = None
        """Who looks at what was written, if that is wanted."""
        self.archived: Callable[[int], int] | None = None
        """For the first frame of the journal, the first that is not kept elsewhere; None: no
        frame has to be.  It is called in the thread."""
        self._accounted_seq = 0  # frames before it are in the accounts
        self._log = get_logger()

    @property
    def next_seq(self) -> int:
        """The first frame of the journal that is not derived."""
        return self._derivation.next_seq

    async def run(self) -> None:
        """Derive until the backlog has ended; raises `StorageError` if that becomes impossible.

        Cancellation: by the shutdown deadline or a second signal.  What is not derived then is in
        the journal, and the next start derives it.
        """
        due = soonest = trio.current_time()
        while (chunk := await self._backlog.take()) is not None:
            try:
                await self._catch_up(chunk.first_seq)
                await self._derive(chunk)
            finally:
                self._backlog.release(chunk)
            if trio.current_time() >= (soonest if self._seals.wait else due):
                await self._checkpoint()
                due = trio.current_time() + self._interval_secs
                soonest = min(due, trio.current_time() + SOONEST_SECS)
        await self._end()
        if self.quality is not None:
            now_ns = self._clock.now_ns()
            await self._offload.run(partial(self.quality.close, now_ns))
            self.quality.report(now_ns, last=True)

    async def _end(self) -> None:
        """Derive what is left, and save the last checkpoint."""
        for _ in range(MAX_LAST_ATTEMPTS):
            await self._catch_up(self._backlog.next_seq)
            if await self._checkpoint():
                return
            await trio.sleep(RETRY_SECS)
        # Without a checkpoint, but complete for readers.
        await self._catch_up(self._backlog.next_seq)

    async def _derive(self, chunk: Chunk) -> None:
        """Take a chunk that follows directly on what is derived."""
        derivation = self._derivation
        assert derivation.next_seq == chunk.first_seq, "entries would be left out, or come twice"
        for item in chunk.items:
            match item:
                case Started():
                    await self._offload.run(partial(derivation.start, item))
                case Ticked(at_ns):
                    await self._flush(partial(derivation.tick, at_ns))
                case Closed(at_ns):
                    await self._flush(partial(derivation.close, at_ns))
                case Sealed(exchange, day):
                    derivation.seal(exchange, day)
                case batch:
                    found = batch.rows, batch.kept_aside, batch.losses
                    derivation.receive(batch.received, *found)
        derivation.next_seq = chunk.next_seq
        self._accounted_seq = max(self._accounted_seq, chunk.next_seq)

    async def _flush(self, release: Callable[[], None]) -> None:
        """One hop: let the pipeline release rows and write them."""
        started, now_ns, derivation = trio.current_time(), self._clock.now_ns(), self._derivation
        self._steps.take()  # those of what was read from the journal meanwhile
        released = False

        def work() -> Outcome | None:
            nonlocal released
            if not released:
                release()
                released = True
            return self._followed(derivation.settle(), now_ns)

        outcome = await self._persist(work)
        self._metrics.flush_seconds.observe(trio.current_time() - started)
        for step, secs in self._steps.take().items():
            self._metrics.flush_step_seconds[step].observe(secs)
        if outcome is not None and derivation.next_seq >= self._accounted_seq:
            self._account(outcome)

    def _followed(self, outcome: Outcome | None, now_ns: int) -> Outcome | None:
        """In the thread that writes: let links be made, and what is new be looked at.

        Returns the outcome.  The time comes with it: the clock is the event loop's.
        """
        if self.links is not None and outcome is not None:
            self.links.follow(outcome, self._derivation.instruments)
        is_new = self._derivation.next_seq >= self._accounted_seq
        if self.quality is not None and outcome is not None and is_new:
            self.quality.follow(outcome, now_ns)
        return outcome

    def _account(self, outcome: Outcome) -> None:
        self._accounts.flushed(outcome)
        self._unwritable.flushed(outcome)
        if self.quality is not None:
            self.quality.report(self._clock.now_ns())

    async def _catch_up(self, until_seq: int) -> None:
        """Read from the journal what the backlog has let go of."""
        if self._derivation.next_seq >= until_seq:
            return
        self._log.warning(
            "behind",
            frames=until_seq - self._derivation.next_seq,
            explanation="column files fell behind; what they lack is read from the journal",
        )
        outcomes: list[Outcome] = []
        now_ns = self._clock.now_ns()

        def note(outcome: Outcome) -> None:
            self._followed(outcome, now_ns)
            if self._derivation.next_seq >= self._accounted_seq:
                outcomes.append(outcome)

        replay: Replay | None = None
        seen: list[Damage | None] = []

        def work() -> bool:
            nonlocal replay
            if replay is None:
                files = self._recovery.files
                replay = Replay(self._derivation, files, until_seq=until_seq, on_outcome=note)
            if replay.run():
                return True
            if self._derivation.next_seq < until_seq:
                damage, replay = replay.reader.damage, None
                if damage is not None and damage in seen:
                    raise RefusedError(f"column files cannot follow: {damage}")
                seen.append(damage)
                raise StorageError("the journal waits to be written anew itself")
            return False

        more = True
        while more:
            more = await self._persist(work)
            for outcome in outcomes:
                self._account(outcome)
            outcomes.clear()
        self._accounted_seq = max(self._accounted_seq, until_seq)
        report_failures(self._derivation)

    async def _checkpoint(self) -> bool:
        """Save the state; False if the way from the last one has to be taken once more."""
        derivation, now_ns, began = self._derivation, self._clock.now_ns(), trio.current_time()
        files, checkpoints = self._recovery.files, self._recovery.checkpoints

        missing: list[str] = []
        number = self._seals.begin()

        def work() -> None:
            missing.extend(checkpoints.missing(derivation, now_ns))
            checkpoints.save(derivation, now_ns)
            needed_seq = checkpoints.needed_seq
            with checkpoints.pruning() as pruned:
                pruned += prune_journal(
                    files,
                    needed_seq=needed_seq,
                    kept=self._kept,
                    now_ns=now_ns,
                    archived=self.archived,
                )

        try:
            try:
                await self._offload.run(work)
            finally:
                self._tell_missing(missing)
        except OSError as error:
            self._readiness.trouble(CHECKPOINT, reason_of("no checkpoint can be saved", error))
            if isinstance(error, SyncLost):
                self._on_sync_lost()
                await self._derive_again()
                return False
        else:
            self._readiness.works(CHECKPOINT)
            self._metrics.checkpoint_seconds.observe(trio.current_time() - began)
            self._metrics.checkpoint_timestamp_seconds.set(now_ns / 1e9)
            self._seals.saved(number, derivation.store.sealed.dump())
        return True

    def _tell_missing(self, paths: Sequence[str]) -> None:
        """Say that somebody took away what was written, for as long as it is not there."""
        if not paths:
            self._readiness.works(FILES)
            return
        what = "1 file is" if len(paths) == 1 else f"{len(paths):,} files are"
        reason = (
            f"{what} gone, or shorter than what was written, first {paths[0]}; "
            "what is written there now is lost, unless they come back as they were"
        )
        self._readiness.trouble(FILES, reason)

    async def _derive_again(self) -> None:
        """Go back to the last checkpoint: what was written since may be lost, in memory too."""
        self._log.error(
            "deriving_again", explanation="column files are written anew from the journal"
        )
        now_ns = self._clock.now_ns()
        self._derivation = await self._persist(lambda: self._recovery.base(now_ns))
        self._derivation.steps = self._steps
        if findings := self._recovery.take_findings():
            report_findings(findings)

    async def _persist(self, work: Callable[[], T]) -> T:
        # Without end: what was received is in the journal, and goes on being safe there.
        return await self._readiness.persist(
            COLUMNS,
            "column files cannot be written",
            work,
            self._offload,
            patience_secs=math.inf,
        )
