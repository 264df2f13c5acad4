"""All checks of one run of the recorder: a flush in, doubts out.

Pure: no clock, no disk; time passes by what it is told.  What is known of each instrument is a few
numbers.  Looked at is what came in order on the streams; rows that came late or by REST are judged
by their times alone.

Not here: what becomes of doubts (`recording.quality_watch`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tick_logger.model.doubts import DoubtRecord
from tick_logger.model.flush import Flush, Run
from tick_logger.model.tables import Table
from tick_logger.quality.apart import Apart, PairOf
from tick_logger.quality.findings import Finding, Spans
from tick_logger.quality.joined import Joined, joined
from tick_logger.quality.quotes import BOOK_FIELDS, QUOTE_FIELDS, Quotes, snapshots
from tick_logger.quality.times import StreamTimes
from tick_logger.quality.trades import PRICE_FIELDS, Moves, outside


class Checks:
    """What is known of all instruments, and the doubts that are not over."""

    def __init__(self, pair_of: PairOf) -> None:
        self._spans = Spans()
        self._quotes = Quotes()
        self._moves = {Table.TRADES: Moves(), Table.MD: Moves()}
        self._apart = Apart(pair_of)
        self._times = StreamTimes()

    def look(self, flush: Flush, now_ns: int) -> tuple[list[Finding], list[DoubtRecord]]:
        """Look at what was written: what looks wrong in it, and the doubts that are over."""
        findings: list[Finding] = []
        if flush.runs:
            newest_ns = max(int(run.rows["recv_ns"][-1]) for run in flush.runs)
            findings += self._look(flush.runs, newest_ns)
        return findings, [*self._spans.add(findings), *self._spans.over(now_ns)]

    def close(self) -> list[DoubtRecord]:
        """The doubts that are left when nothing more is written."""
        return self._spans.close()

    def _look(self, runs: Sequence[Run], now_ns: int) -> Iterator[Finding]:
        count = 1 + max(run.instrument for run in runs)
        main: dict[Table, list[Run]] = {table: [] for table in Table}
        for run in runs:
            if not run.late and (run.table is not Table.BOOK or run.rows["flags"].any()):
                main[run.table].append(run)
        quotes = [joined(each, main[each], QUOTE_FIELDS) for each in (Table.QUOTES, Table.MD)]
        yield from self._quotes.take(count, now_ns, [each for each in quotes if each is not None])
        books = joined(Table.BOOK, main[Table.BOOK], BOOK_FIELDS)
        if books is not None:
            yield from snapshots(books)
        trades = _priced(joined(Table.TRADES, main[Table.TRADES], PRICE_FIELDS))
        if trades is not None:
            yield from outside(trades, self._quotes)
            yield from self._moves[Table.TRADES].take(count, trades, self._quotes)
        tickers = _priced(joined(Table.MD, main[Table.MD], PRICE_FIELDS))
        if tickers is not None:
            yield from self._moves[Table.MD].take(count, tickers, self._quotes)
        yield from self._compare(count, now_ns, trades)
        yield from self._times.take(count, runs)

    def _compare(self, count: int, now_ns: int, trades: Joined | None) -> Iterator[Finding]:
        low, high = self._quotes.low.copy(), self._quotes.high.copy()
        traded: list[int] = []
        if trades is not None:
            whose = trades.instruments
            low[whose] = np.minimum(low[whose], trades.lows(trades["price"]))
            high[whose] = np.maximum(high[whose], trades.highs(trades["price"]))
            traded = whose.tolist()
        yield from self._apart.take(count, now_ns, low, high, traded)


def _priced(rows: Joined | None) -> Joined | None:
    """The rows that have a price, which mostly are all."""
    if rows is None:
        return None
    has = (rows["price"] > 0) & (rows["price"] < np.inf)
    return rows if has.all() else rows.where(has)
