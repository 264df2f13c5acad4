"""Rows for the pipeline's tests, and what came out of it in plain Python terms."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import attrs
import numpy as np
from hypothesis import settings

from tick_logger.model.cause import Cause
from tick_logger.model.flush import Flush, GapRecord, IdRun, Run, StreamTail
from tick_logger.model.marks import Mark
from tick_logger.model.proof import Ids
from tick_logger.model.routes import REST
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import ORIGIN_LATE, ORIGIN_MAIN, UUID_DTYPE, Table
from tick_logger.model.times import NS_PER_DAY
from tick_logger.pipeline.books import WAIT_TICKS
from tick_logger.pipeline.pipeline import Pipeline, TickCounts

T0 = 1_723_161_600 * 10**9
"""2024-08-09 00:00:00 UTC in nanoseconds."""
SECOND = 10**9
DAY = NS_PER_DAY

examples = settings(max_examples=60)
"""Reproducible, and no files left behind."""


def trades(rows: Sequence[tuple[int, int, int, int]]) -> RowBatch:
    """TRADES of (instrument, recv_ns, event_ns, id)."""
    n = len(rows)
    uuid = np.zeros(n, UUID_DTYPE)
    values = {"price": np.ones(n), "size": np.ones(n), "side": np.zeros(n)}
    return _built(Table.TRADES, rows, {**values, "maker": uuid, "taker": uuid})


def by_rest(rows: Sequence[tuple[int, int, int, int]]) -> RowBatch:
    """The same, of an answer by REST."""
    return attrs.evolve(trades(rows), route=REST)


def quotes(rows: Sequence[tuple[int, int, int, int]]) -> RowBatch:
    """QUOTES of (instrument, recv_ns, event_ns, update id)."""
    names = ("best_bid", "best_bid_size", "best_ask", "best_ask_size")
    return _built(Table.QUOTES, rows, {name: np.ones(len(rows)) for name in names})


def tickers(rows: Sequence[tuple[int, int, int, int]]) -> RowBatch:
    """MD of (instrument, recv_ns, event_ns, sequence)."""
    names = ("price", "volume", "side", "best_bid", "best_ask")
    return _built(Table.MD, rows, {name: np.ones(len(rows)) for name in names})


@attrs.frozen
class Level:
    """One BOOK row; `side` and `price` name the level."""

    recv: int
    event: int
    seq: int
    side: int
    price: float
    size: float
    flags: int = 0
    instrument: int = 0


def book(levels: Iterable[Level]) -> RowBatch:
    """BOOK rows."""
    rows = list(levels)
    heads = [(row.instrument, row.recv, row.event, row.seq) for row in rows]
    names = ("side", "price", "size", "flags")
    return _built(Table.BOOK, heads, {n: [getattr(row, n) for row in rows] for n in names})


def _built(
    table: Table, heads: Sequence[tuple[int, int, int, int]], values: Mapping[str, object]
) -> RowBatch:
    instrument, recv, event, seq = zip(*heads, strict=True) if heads else ((), (), (), ())
    common = {"instrument": instrument, "recv_ns": recv, "event_ns": event}
    return RowBatch.build(table, {**common, "seq": np.array(seq, np.uint64), **values})


def new_pipeline(
    tails: Mapping[tuple[int, Table], StreamTail] | None = None,
    *,
    ids: Ids | Sequence[Ids] = Ids.DENSE,
    venues: Sequence[str] = ("venue",),
) -> Pipeline:
    """A pipeline with such ids of trades (all, or by turns), and nothing on disk but the tails.

    Instruments are of the venues by turns.
    """
    kinds = [ids] if isinstance(ids, Ids) else ids
    known = tails or {}
    return Pipeline(
        trade_ids=lambda instrument: kinds[instrument % len(kinds)],
        venue_of=lambda instrument: venues[instrument % len(venues)],
        tail_of=lambda instrument, table: known.get((instrument, table)),
    )


@attrs.define
class Out:
    """What a pipeline has given so far, in order."""

    runs: list[Run] = attrs.field(factory=list)
    gaps: list[GapRecord] = attrs.field(factory=list)
    duplicates: Counter[int] = attrs.field(factory=Counter)
    unproven_holes: Counter[int] = attrs.field(factory=Counter)
    begun_again: Counter[int] = attrs.field(factory=Counter)
    strays: Counter[int] = attrs.field(factory=Counter)

    def add(self, released: tuple[Flush, TickCounts]) -> Flush:
        """Take what a tick or close gave."""
        flush, counts = released
        self.runs += flush.runs
        self.gaps += flush.gaps
        self.duplicates += counts.duplicates
        self.unproven_holes += counts.unproven_holes
        self.begun_again += counts.begun_again
        self.strays += counts.strays
        return flush

    def keys(
        self, instrument: int = 0, table: Table = Table.TRADES, *, late: bool = False
    ) -> list[tuple[int, int]]:
        """(event_ns, seq) of a stream's main or late rows, in file order."""
        return [key for run in self._of(instrument, table, late) for key in run_keys(run)]

    def aside(self, instrument: int = 0, table: Table = Table.TRADES) -> list[tuple[int, int]]:
        """(event_ns, seq) of the rows of a stream that were set aside, in file order."""
        runs = (run for run in self.runs if (run.instrument, run.table) == (instrument, table))
        return [key for run in runs if run.aside for key in run_keys(run)]

    def column(self, field: str, instrument: int = 0, table: Table = Table.BOOK) -> list[float]:
        """One field of a stream's main rows, in file order."""
        runs = self._of(instrument, table, late=False)
        return [value for run in runs for value in run.rows[field].tolist()]

    def ids(self, instrument: int = 0, table: Table = Table.TRADES) -> list[int]:
        """Every id that came out, late ones included, ascending."""
        apart = (*self.keys(instrument, table, late=True), *self.aside(instrument, table))
        return sorted(seq for _, seq in (*self.keys(instrument, table), *apart))

    def missing(self, instrument: int = 0, table: Table = Table.TRADES) -> set[int]:
        """The ids that the gap records, read in order, say are missing."""
        missing: set[int] = set()
        for gap in self.gaps:
            if (gap.instrument, gap.table) == (instrument, table) and gap.from_id is not None:
                assert gap.to_id is not None
                named = set(range(gap.from_id, gap.to_id + 1))
                missing = missing - named if gap.healed else missing | named
        return missing

    def fingerprint(self) -> str:
        """Every byte of it, runs of one stream joined as files join them."""
        files: dict[tuple[int, Table, int, int], list[RowBatch]] = {}
        for run in self.runs:
            key = (run.instrument, run.table, run.day, run.origin)
            files.setdefault(key, []).append(run.rows)
        digest = hashlib.sha256(repr(self.gaps).encode())
        for key in sorted(files, key=repr):
            rows = RowBatch.concat(files[key][0].table, files[key])
            columns = [(name, column.tobytes()) for name, column in rows.columns.items()]
            digest.update(repr((key, columns)).encode())
        return digest.hexdigest()

    def _of(self, instrument: int, table: Table, late: bool) -> list[Run]:
        origin = ORIGIN_LATE if late else ORIGIN_MAIN
        stream = (instrument, table, origin)
        return [run for run in self.runs if (run.instrument, run.table, run.origin) == stream]


def run_keys(run: Run) -> list[tuple[int, int]]:
    """(event_ns, seq) of a run's rows."""
    return list(zip(run.rows["event_ns"].tolist(), run.rows["seq"].tolist(), strict=True))


def record(
    ticks: Sequence[Sequence[RowBatch | Mark]],
    pipeline: Pipeline | None = None,
    *,
    close_at: int = T0 + DAY,
) -> Out:
    """Push the items of each tick, tick, and close."""
    pipeline = pipeline or new_pipeline()
    out = Out()
    for items in ticks:
        pipeline.push(items)
        out.add(pipeline.tick())
    out.add(pipeline.close(close_at))
    return out


def continued(
    pipeline: Pipeline,
    cause: Cause = Cause.CRASH,
    stop: int = T0 + 100 * SECOND,
    count: int = 1,
    *,
    ids: Ids = Ids.DENSE,
) -> Pipeline:
    """The state in a fresh pipeline, told that instruments 0 to `count` - 1 stopped."""
    again = new_pipeline(ids=ids)
    again.load(pipeline.dump())
    again.restarted(dict.fromkeys(range(count), stop), cause, WAIT_TICKS)
    return again


def ticked(out: Out, pipeline: Pipeline, *ticks: Sequence[RowBatch | Mark]) -> None:
    """Push the items of each tick, and tick."""
    for items in ticks:
        pipeline.push(items)
        out.add(pipeline.tick())


def run_of(event: int, seq: int, recv: int) -> IdRun:
    """A run of one trade."""
    return IdRun(seq, seq, event, event, recv, recv)


def tail_of(out: Out, instrument: int, table: Table) -> StreamTail:
    """What a store would know of a stream after this output."""
    runs = [run for run in out.runs if (run.instrument, run.table) == (instrument, table)]
    names = ("event_ns", "seq", "recv_ns")
    rows = sorted(
        row for run in runs for row in zip(*(run.rows[n].tolist() for n in names), strict=True)
    )
    last_event, last_seq = out.keys(instrument, table)[-1]
    last_recv = next(recv for *key, recv in reversed(rows) if key == [last_event, last_seq])
    return StreamTail(
        last_event_ns=last_event,
        last_seq=0 if table is Table.MD else last_seq,  # MD has no column for it
        last_recv_ns=last_recv,
        id_runs=tuple(run_of(*row) for row in rows) if table is Table.TRADES else (),
    )
