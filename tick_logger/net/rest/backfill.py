"""Asks a venue by REST for trades that were missed, and puts its answers into the journal.

    hole -> queue -> what is on disk around it -> pages -> journal -> decoded, recorded, healed
               ^------- again later: REST lags, it failed, it has not all of it -----'

Invariant: whatever a venue answers, nothing wrong is recorded: a hole is told as healed when all of
it was in answers, and as void after two tries an hour apart that gave none of it.  A hole that is
given up is said once, and stays as it is.

Not here: one try (`asking`), pauses that a venue asks for (`client`), and which rows are new
(`pipeline`).
"""

from __future__ import annotations

from collections import Counter

import trio

from tick_logger.errors import ConnectionLost
from tick_logger.exchanges.base import Exchange, VenueError
from tick_logger.exchanges.trades_by_rest import Paging
from tick_logger.model.flush import VOID
from tick_logger.net.rest.allowance import Allowance
from tick_logger.net.rest.asking import (
    EDGE_SECS,
    MAX_EDGE_LOOKS,
    Asking,
    Disk,
    Got,
    Journal,
    NoRoomError,
)
from tick_logger.net.rest.hole_queue import HoleQueue
from tick_logger.net.rest.holes import REST, Hole, Task
from tick_logger.telemetry.exchange_metrics import ExchangeMetrics
from tick_logger.telemetry.logs import get_logger

SOON_SECS = 120.0
"""Whoever waits for the end waits for what is due so soon; what counts an hour later is not."""

LAG_SECS = (3.0, 15.0, 60.0)
"""Pauses before an answer without all that is missing counts: REST lags behind the stream, by
seconds as a rule."""

VOID_SECS = 3600.0
"""Two tries so far apart that find nothing show that there is nothing."""

FIRST_PAUSE_SECS, MAX_PAUSE_SECS = 3.0, 300.0
"""The pause after a try that failed doubles each time, from the one to the other."""

MAX_FAILURES = 30
"""Of one hole in a row; they outlast an outage of two hours."""

MAX_DENIED = 20
"""So many suspects of a symbol in a row of which REST has nothing: its ids are not dense."""


class BackFiller:
    """The holes of one venue, and the task that closes them."""

    def __init__(
        self,
        exchange: Exchange,
        allowance: Allowance,
        journal: Journal,
        disk: Disk,
        metrics: ExchangeMetrics,
        *,
        enabled: bool = True,
    ) -> None:
        self._trades = exchange.trades_by_rest
        self._journal = journal
        self._metrics = metrics
        self._enabled = enabled
        self._queue = HoleQueue()
        self._asked: Task | None = None  # which is not in the queue meanwhile
        self.ended = Counter[str]()
        """How many holes ended how, as the metrics say."""
        self._denied = Counter[str]()  # suspects in a row, by symbol
        self._log = get_logger().bind(exchange=exchange.name)
        self._asking = (
            Asking(exchange, allowance, journal, disk, metrics)
            if self._trades is not None
            else None
        )

    @property
    def waiting(self) -> int:
        """How many holes wait, or are asked about."""
        return len(self.in_question())

    def in_question(self) -> set[Hole]:
        """Those that wait, and the one that is asked about."""
        asked = set() if self._asked is None else {self._asked.hole}
        return asked.union(task.hole for task in self._queue.tasks)

    def is_asking_between(self, start_ns: int, end_ns: int) -> bool:
        """Whether a hole waits that may lie between these times of receipt (the end exclusive)."""
        holes = self.in_question()
        return any(each.from_ns < end_ns and each.to_ns >= start_ns for each in holes)

    def offer(self, hole: Hole) -> None:
        """Have the venue asked about a hole, when its turn comes."""
        if self._trades is None or not self._enabled or hole in self._queue:
            return
        if hole.suspected and self._denied[hole.symbol] >= MAX_DENIED:
            return
        wait = 0.0 if self._trades.paging is Paging.NEWEST_ONLY else LAG_SECS[0]
        self._enqueue(Task(hole, trio.current_time() + wait))

    def switch(self, *, on: bool) -> None:
        """Go on, or stop asking; what waits then is left as it is."""
        self._enabled = on
        if not on:
            for task in self._queue.clear():
                self._leave(task, "it was switched off")
        self._show()

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            task = await self._queue.take()
            self._asked = task
            try:
                await self._ask(task)
            except (ConnectionLost, VenueError, OSError, NoRoomError) as error:
                self._failed(task, str(error))
            self._asked = None
            self._show()

    async def settled(self) -> None:
        """Return when nothing is asked, and nothing will be soon."""
        while self._asked is not None or self._is_soon():  # noqa: ASYNC110 - it changes with time
            await trio.sleep(1.0)

    def _is_soon(self) -> bool:
        soon = trio.current_time() + SOON_SECS
        return any(task.due <= soon for task in self._queue.tasks)

    # -- one try -----------------------------------------------------------------------------------

    async def _ask(self, task: Task) -> None:
        trades, asking, hole = self._trades, self._asking, task.hole
        assert trades is not None, "nothing is offered"
        assert asking is not None, "it can be asked"
        age_secs = (self._journal.now_ns() - hole.to_ns) / 1e9
        if trades.reach_secs is not None and age_secs > trades.reach_secs:
            self._leave(task, "it is older than what the exchange gives")
        elif not self._journal.is_recorded(hole.instrument):
            self._look_again(task, "its trades are not recorded")
        elif hole.ids is not None:
            others = [each for each in self._queue.tasks if each.hole.symbol == hole.symbol]
            try:
                self._got(task, await asking.by_ids(task, others))
            finally:
                for other in others:
                    if other.hole.ids and not other.missing:
                        self._queue.remove(other)
                        self._healed(other)
        else:
            self._got(task, await asking.by_times(task))

    def _got(self, task: Task, got: Got) -> None:
        match got:
            case Got.ALL:
                self._healed(task)
            case Got.SOME:
                self._count_try(task)
            case Got.NO_EDGES:
                self._look_again(task, got.value)
            case Got.GONE | Got.RENUMBERED | Got.BEGUN_AGAIN:
                self._leave(task, got.value)

    # -- what follows from it ----------------------------------------------------------------------

    def _healed(self, task: Task, how: str = REST) -> None:
        """All of it was answered, or nobody has it; of ids, what came was told page by page."""
        hole, now_ns = task.hole, self._journal.now_ns()
        self._denied[hole.symbol] = 0
        if hole.ids is None:
            self._journal.mark(hole.healed(how, now_ns, None))
        for part in task.missing:
            self._journal.mark(hole.healed(how, now_ns, part))
        self._end(how)
        self._log.info(
            "backfilled",
            symbol=hole.symbol,
            how=how,
            trades=task.trades,
            cause=hole.cause.value,
        )

    def _count_try(self, task: Task) -> None:
        """An answer came, and not all of it was there: ask again, or know that there is none."""
        hole, now = task.hole, trio.current_time()
        task.failures = 0
        if task.looks + 1 < len(LAG_SECS):
            task.looks += 1
            self._again(task, LAG_SECS[task.looks])
            return
        if hole.suspected:
            self._deny(task)
            return
        task.asked_at.append(now)
        if now - task.asked_at[0] < VOID_SECS:
            self._again(task, task.asked_at[0] + VOID_SECS - now)
        elif hole.ids is None:
            self._leave(task, "the answers do not reach from one side of it to the other")
        else:
            missing = sum(last - first + 1 for first, last in task.missing)
            self._metrics.backfill_ids_denied.inc(missing)
            self._healed(task, VOID)

    def _deny(self, task: Task) -> None:
        """The ids of a suspect are not there: they do not rise by one."""
        symbol = task.hole.symbol
        self._end("denied")
        self._denied[symbol] += 1
        if self._denied[symbol] == MAX_DENIED:
            self._log.warning(
                "ids_not_dense",
                symbol=symbol,
                holes=MAX_DENIED,
                explanation="holes in its ids are not asked about any more; REST had nothing",
            )

    def _look_again(self, task: Task, reason: str) -> None:
        """What is recorded does not allow to ask yet."""
        task.looks += 1
        if task.looks > MAX_EDGE_LOOKS:
            self._leave(task, reason)
        else:
            self._again(task, EDGE_SECS * task.looks)

    def _failed(self, task: Task, reason: str) -> None:
        task.failures += 1
        self._log.warning(
            "backfill_failed", symbol=task.hole.symbol, reason=reason, tries=task.failures
        )
        if task.failures >= MAX_FAILURES:
            self._leave(task, reason)
            return
        pause_secs = min(FIRST_PAUSE_SECS * 2 ** (task.failures - 1), MAX_PAUSE_SECS)
        self._again(task, pause_secs)

    def _again(self, task: Task, pause_secs: float) -> None:
        task.due = trio.current_time() + pause_secs
        self._enqueue(task)

    def _enqueue(self, task: Task) -> None:
        if not self._enabled:
            self._leave(task, "it was switched off")
            return
        oldest = self._queue.add(task)
        if oldest is not None:
            self._leave(oldest, "too many holes are waiting")
        self._show()

    def _leave(self, task: Task, reason: str) -> None:
        """Ask no more about it; the next start will, if it is not too old then."""
        if self._asking is not None:
            self._asking.forget(task.hole)
        self._end("left")
        self._log.warning(
            "backfill_left",
            symbol=task.hole.symbol,
            reason=reason,
            trades=task.trades,
            cause=task.hole.cause.value,
        )

    def _end(self, how: str) -> None:
        self.ended[how] += 1
        self._metrics.backfill_holes(how).inc()

    def _show(self) -> None:
        self._metrics.backfill_waiting.set(self.waiting)
