"""One try to get the trades of a hole: what is on disk around it, pages, and what they fill.

What an answer means is read here before it is put anywhere, so nothing that is no page gets into
the journal.  The rows themselves are decoded from there, live and in a replay, by the same code.

Invariant: requests keep to the budget of what can wait (`allowance`); nothing is put that was not
wanted.

Not here: how pages follow each other (`exchanges.walk`), and what follows from a try (`backfill`).
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Protocol

import msgspec
import numpy as np

from tick_logger.exchanges.base import Exchange, VenueError
from tick_logger.exchanges.trades_by_rest import Paging, TradesPage, TradesWanted, wrap
from tick_logger.exchanges.walk import Walk
from tick_logger.model.marks import Healed
from tick_logger.model.proof import Ids
from tick_logger.model.surroundings import SAME_NS, KnownTrades, Surroundings
from tick_logger.net.rest.allowance import Allowance
from tick_logger.net.rest.holes import REST, Hole, Task
from tick_logger.telemetry.exchange_metrics import ExchangeMetrics

EARLIER_NS = 10 * 10**9
"""By how much a trade before a hole may be earlier than its receipt, where its time is needed."""

SPAN_NS = 10**9
"""Times by REST and in the stream may be of different units, or differ in their digits."""

MIN_ON_PAGE = 3
"""So many recorded trades that a page lacks, all of them, are no accident."""

EDGE_SECS = 3.0
"""After so long the rows around a hole are looked for again: on disk within two flush intervals."""

MAX_EDGE_LOOKS = 40
"""More than that and the stream brings nothing: the next start looks again."""

MAX_KEPT = 64
"""Answers that wait for the rows around their holes, 20 MB: as many as a minute's budget gives.  A
hole whose answer had to go is asked about again."""


class Journal(Protocol):
    """Where answers go, among everything else that is received."""

    def is_recorded(self, instrument: int) -> bool:
        """Whether trades of it are recorded now; if not, an answer would be left out."""
        ...

    def put(self, payload: bytes) -> bool:
        """Take an answer as received now; False if there is no room."""
        ...

    def mark(self, mark: Healed) -> None:
        """Say what was answered, behind the answers that were put before."""
        ...

    def now_ns(self) -> int:
        """The wall clock."""
        ...


class Disk(Protocol):
    """What is recorded already."""

    async def around(self, hole: Hole) -> Surroundings:
        """The trades around a hole, as far as they are on disk.  Raises `OSError`."""
        ...


class Got(enum.Enum):
    """What has come of a try."""

    ALL = "all that was missing"
    SOME = "some of it at most, and more may be there later"
    NO_EDGES = "no trades are recorded around it"
    GONE = "the newest trades do not reach back to it"
    RENUMBERED = "the ids began again meanwhile, and the venue is asked by ids"
    BEGUN_AGAIN = "the ids began again meanwhile, so that they do not tell what is missing"


class Asking:
    """How one venue is asked about a hole; `exchange` can be asked."""

    def __init__(
        self,
        exchange: Exchange,
        allowance: Allowance,
        journal: Journal,
        disk: Disk,
        metrics: ExchangeMetrics,
    ) -> None:
        assert exchange.trades_by_rest is not None, "nobody can be asked"
        self._exchange = exchange
        self._trades = exchange.trades_by_rest
        self._journal = journal
        self._disk = disk
        self._metrics = metrics
        self._allowance = allowance
        self._kept: dict[Hole, tuple[TradesPage, bytes]] = {}  # newest trades, the oldest first

    async def by_ids(self, task: Task, others: Sequence[Task]) -> Got:
        """Ask for the ids that are missing; what pages tell of `others` is taken, too.

        Raises as `_page` and `_put`; what was put until then counts.
        """
        trades = self._trades
        hole = task.hole
        from_ns = hole.from_ns - EARLIER_NS if not trades.by_id else None
        first, last = task.missing[0][0], task.missing[-1][1]
        wanted = TradesWanted(
            symbol=hole.symbol,
            from_id=first,
            to_id=last,
            from_ns=from_ns,
            asked_ns=self._journal.now_ns(),
        )
        walk = Walk(trades, self._place(hole), wanted)
        while walk.url is not None and task.missing:
            page, body = await self._page(walk.url, hole.symbol)
            self._take(task, page, body)
            for other in others:
                self._take(other, page, body)
            walk.answered(page)
        return Got.SOME if task.missing else Got.ALL

    def _take(self, task: Task, page: TradesPage, body: bytes) -> None:
        """Put what an answer has of the ids that are missing into the journal."""
        if task.hole.ids is None:
            return
        low, high = page.ids.min(initial=2**64 - 1), page.ids.max(initial=0)
        for first, last in list(task.missing):
            if first <= high and low <= last:
                wanted = TradesWanted(symbol=task.hole.symbol, from_id=first, to_id=last)
                ids = page.ids[wanted.of(page)].tolist()
                if ids:
                    self._put(task, wanted, body, len(ids))
                    task.found(ids)
                    found = (min(ids), max(ids))
                    self._journal.mark(task.hole.healed(REST, self._journal.now_ns(), found))

    async def by_times(self, task: Task) -> Got:
        """Ask for what may be missing between the trades around a hole; raises as `by_ids`."""
        trades = self._trades
        hole = task.hole
        newest: tuple[TradesPage, bytes] | None = None
        if trades.paging is Paging.NEWEST_ONLY:  # each moment counts: what it lacks is gone
            newest = await self._newest(hole)
        around = await self._disk.around(hole)
        if not around.before or not around.after:
            return Got.NO_EDGES
        wanted = self._between(hole, around)
        if isinstance(wanted, Got):
            return wanted
        edges, known = _Edges(around), around.known
        if newest is not None:
            self._take_times(task, wanted, known, newest, edges)
            if edges.lack_the_end:
                # It was too early for the first trade after the hole: a later page that joins it.
                later = await self._page(self._newest_url(hole), hole.symbol)
                seen = newest[0].trades
                if seen.has(later[0].ids, later[0].event_ns).any():
                    self._take_times(task, wanted, known.union(seen), later, edges)
                    if edges.lack_the_end:
                        return Got.SOME  # REST lags
            self._kept.pop(hole, None)
        else:
            walk = Walk(trades, self._place(hole), wanted)
            while walk.url is not None:
                page, body = await self._page(walk.url, hole.symbol)
                self._take_times(task, wanted, known, (page, body), edges)
                walk.answered(page)
        if edges.show_ids_again and self._exchange.trade_ids in {Ids.DENSE, Ids.SEEM_DENSE}:
            return Got.BEGUN_AGAIN
        if edges.are_reached:
            return Got.ALL
        return Got.SOME if newest is None else Got.GONE

    async def _newest(self, hole: Hole) -> tuple[TradesPage, bytes]:
        """The newest trades as of the first time that a hole was asked about; raises `_page`'s.

        They are kept until the rows around it are on disk, so that no other hole waits for those.
        """
        if hole not in self._kept:
            self._kept[hole] = await self._page(self._newest_url(hole), hole.symbol)
            if len(self._kept) > MAX_KEPT:
                del self._kept[next(iter(self._kept))]
        return self._kept[hole]

    def _newest_url(self, hole: Hole) -> str:
        return self._trades.first_url(self._place(hole), TradesWanted(symbol=hole.symbol))

    def _place(self, hole: Hole) -> str:
        return self._trades.endpoint(self._allowance.rest_of(hole.symbol).endpoint)

    def forget(self, hole: Hole) -> None:
        """It will not be asked about again."""
        self._kept.pop(hole, None)

    def _between(self, hole: Hole, around: Surroundings) -> TradesWanted | Got:
        """What may be missing between the trades around a hole; or what is known without asking."""
        before, after = around.before[-1], around.after[0]
        wanted = TradesWanted(
            symbol=hole.symbol,
            from_ns=before.event_ns,
            to_ns=after.event_ns,
            asked_ns=self._journal.now_ns(),
        )
        if self._exchange.trade_ids is Ids.OPAQUE:
            return wanted
        if before.id >= after.id:
            return Got.RENUMBERED if self._trades.by_id else wanted
        if before.id + 1 == after.id:
            return Got.ALL
        # With both of them: an answer that has them reaches from one side to the other.
        return msgspec.structs.replace(wanted, from_id=before.id, to_id=after.id)

    def _take_times(
        self,
        task: Task,
        wanted: TradesWanted,
        known: KnownTrades,
        answer: tuple[TradesPage, bytes],
        edges: _Edges,
    ) -> None:
        """Put what an answer has between the trades around a hole into the journal."""
        page, body = answer
        if edges.are_of_other_ids(page):
            self._metrics.backfill_ids_differ.inc()
            raise VenueError("trades that are recorded have no such ids in its answer")
        edges.saw(page)
        taken = wanted.but(known, page)
        count = int(taken.of(page).sum())
        if count:
            self._put(task, taken, body, count)

    async def _page(self, url: str, symbol: str) -> tuple[TradesPage, bytes]:
        """One answer; raises `ConnectionLost`, or `VenueError` if it is none."""
        trades = self._trades
        turn = await self._allowance.turn(trades.weight, symbol)
        self._metrics.backfill_requests.inc()
        body = await turn.get(url, trades.headers)
        most_bytes = self._exchange.profile.max_answer_bytes // 2  # room for what is wanted of it
        if len(body) > most_bytes:
            raise VenueError(f"{len(body):,} bytes in an answer, {most_bytes:,} are allowed")
        try:
            return trades.read(body, symbol), body
        except VenueError as error:
            self._allowance.rest_of(symbol).objected(str(error))
            raise

    def _put(self, task: Task, wanted: TradesWanted, body: bytes, trades: int) -> None:
        if not self._journal.put(wrap(wanted, body)):
            raise NoRoomError("there is no room for it: the disk is too slow")
        task.trades += trades
        self._metrics.backfill_trades.inc(trades)


class _Edges:
    """Whether answers reach from the trades before a hole to those behind it."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._before = KnownTrades.of_all(around.before)
        self._after = KnownTrades.of_all(around.after)
        self._sides = (False, False)
        self.show_ids_again = False
        """Whether a trade within the hole has an id that lies outside it, so that it was not taken;
        this tells of ids that rise with the times."""

    def saw(self, page: TradesPage) -> None:
        """A page, which is a part of all trades without a hole."""
        if not len(page):
            return
        first_ns, last_ns = int(page.event_ns.min()), int(page.event_ns.max())
        begins, ends = self._around.before[-1], self._around.after[0]
        within = page.event_ns > begins.event_ns + SAME_NS
        within &= page.event_ns < ends.event_ns - SAME_NS
        outside = (page.ids <= np.uint64(begins.id)) | (page.ids >= np.uint64(ends.id))
        self.show_ids_again |= begins.id < ends.id and bool((within & outside).any())
        before = bool(self._before.has(page.ids, page.event_ns).any())
        after = bool(self._after.has(page.ids, page.event_ns).any())
        self._sides = (
            self._sides[0] or before or first_ns < self._around.before[-1].event_ns,
            self._sides[1] or after or last_ns > self._around.after[0].event_ns,
        )

    def are_of_other_ids(self, page: TradesPage) -> bool:
        """Whether a page reaches beyond recorded trades on both sides, and has none of their ids.

        Then the ids by REST are not those of the stream, as is supposed of some venues, or the
        trades are another symbol's: nothing of it may be taken.
        """
        if not len(page):
            return False
        first_ns, last_ns = int(page.event_ns.min()), int(page.event_ns.max())
        both = (*self._around.before, *self._around.after)
        on_it = [each.id for each in both if first_ns + SPAN_NS < each.event_ns < last_ns - SPAN_NS]
        return len(on_it) >= MIN_ON_PAGE and not set(on_it).intersection(page.ids.tolist())

    @property
    def are_reached(self) -> bool:
        """Whether a page had something from each side."""
        return all(self._sides)

    @property
    def lack_the_end(self) -> bool:
        """Whether they reach back to the trades before a hole, but not on to those behind it."""
        return self._sides == (True, False)


class NoRoomError(Exception):
    """An answer was given up because the buffer is full."""
