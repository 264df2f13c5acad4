"""What packing takes: bytes per row and message, the worker's memory, and what the recorder feels.

Sizes are of real traffic: the captures of one symbol, as rows and as journal.  Memory and the delay
of the event loop are of one synthetic day of order book, packed by a real worker beside a loop that
does nothing else.
"""

from __future__ import annotations

import gzip
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import attrs
import numpy as np
import trio

import tick_logger
from scripts.benchmark.reading import write_day
from tests.recordings import RECORDINGS, frames
from tick_logger.archive.jobs import Folders, RawJob
from tick_logger.archive.ledger import Ledger
from tick_logger.archive.packing import day_jobs
from tick_logger.archive.running import run_job
from tick_logger.archive.worker import ProcessWorker
from tick_logger.exchanges import registry
from tick_logger.journal.entry_codec import encode_entries
from tick_logger.journal.journal import Journal
from tick_logger.model.entries import Received, joined
from tick_logger.model.flush import Flush, Run
from tick_logger.model.instruments import Instruments
from tick_logger.model.schemas import Schemas
from tick_logger.model.tables import Table
from tick_logger.model.times import NS_PER_DAY, Times
from tick_logger.reader.columns import COLUMNS
from tick_logger.reader.opening import source_at
from tick_logger.reader.source import Symbol
from tick_logger.reader.writing import write_csv
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.storage.store import Store

EXCHANGE, SYMBOL = "binance", "BTCUSDT"
CAPTURES = (
    "binance/ws_2024-08-08_btcusdt_trade-bookTicker-depth",
    "binance/ws_2024-08-09_btcusdt_trade-bookTicker-depth",
)
PER_ENTRY = 50
"""Messages of an entry: what comes within some 20 ms of a busy market."""

LOOK_SECS = 0.002
ALONE_SECS = 20.0
MIB = 2**20


def report(rows: int) -> None:
    """Measure, and print tables."""
    with tempfile.TemporaryDirectory(prefix="tick_logger_bench_") as folder:
        if RECORDINGS.is_dir():
            _sizes(Path(folder) / "sizes")
        write_day(Path(folder) / "day" / "data", rows, "f4+rest")
        trio.run(_beside, Path(folder) / "day", rows)
    print(f"load of the machine: {os.getloadavg()[0]:.1f}")  # noqa: T201


def _sizes(folder: Path) -> None:
    """Bytes of rows and messages of the captures."""
    there = DiskFiles(folder / "data")
    journal = Journal(there, next_seq=1, segment=1)
    instruments = Instruments()
    instruments.add(EXCHANGE, SYMBOL)
    store = Store(
        there, instruments, Schemas.written("f4+rest"), lambda _: registry.proofs_of(EXCHANGE)
    )
    messages, bytes_ = 0, 0
    for name in CAPTURES:
        payloads, received = list(frames(f"{name}.jsonl.gz")), _received(name)
        messages, bytes_ = messages + len(payloads), bytes_ + sum(map(len, payloads))
        flush = _flush(payloads, received)
        store.meet(flush, ())
        store.write(flush, ())
        for start in range(0, len(payloads), PER_ENTRY):
            some, at = payloads[start : start + PER_ENTRY], received[start : start + PER_ENTRY]
            ones = np.ones(len(some), np.uint32)
            lengths, body = joined(some)
            entry = Received(EXCHANGE, ("1.1",) * len(some), at, ones, lengths, body)
            journal.accept(encode_entries([entry]))
    journal.write(0)
    journal.sync()
    folders = Folders(str(there.root), str(folder / "archive"), "bench")
    print("| bytes a row | rows | columns | CSV.gz | Parquet |\n|---|---|---|---|---|")  # noqa: T201
    for table in Table:
        _print_table(folders, table)
    raw = run_job(RawJob(folders, 1, journal.next_seq, rotate_secs=86_400))
    size = sum(made.size for made in raw.made)
    segments = sum(p.stat().st_size for p in (Path(there.root) / "journal").glob("*.tlj"))
    print(  # noqa: T201
        f"\n{messages:,} messages: {bytes_ / messages:.1f} bytes each as sent, "
        f"{segments / messages:.1f} in the journal, {size / messages:.1f} as Parquet"
    )


def _print_table(folders: Folders, table: Table) -> None:
    source, ledger = source_at(folders.data_path), Ledger(DiskFiles(folders.local_path))
    days = source.days(Symbol(EXCHANGE, SYMBOL), table)
    jobs = [j for d in days for j in day_jobs(folders, source, ledger, EXCHANGE, d)]
    made = [each for job in jobs if job.table is table for each in run_job(job).made]
    rows = sum(each.rows for each in made)
    if not rows:
        return
    columns = sum(path.stat().st_size for path in _files(folders, table))
    csv = _csv_gz(folders, table)
    values = (columns / rows, csv / rows, sum(each.size for each in made) / rows)
    print(f"| {table.value} | {rows:,} | " + " | ".join(f"{v:.2f}" for v in values) + " |")  # noqa: T201


def _files(folders: Folders, table: Table) -> Iterator[Path]:
    yield from (Path(folders.data_path) / EXCHANGE / SYMBOL / table.value).glob("*.bin")


def _csv_gz(folders: Folders, table: Table) -> int:
    """Bytes of the usual columns as CSV, by `gzip -6`."""
    rec = tick_logger.open(folders.data_path)
    of = {
        Table.TRADES: rec.trades,
        Table.QUOTES: rec.quotes,
        Table.MD: rec.ticker,
        Table.BOOK: rec.book_updates,
    }
    names = [column.name for column in COLUMNS[table] if column.usual]
    path = Path(folders.local_path) / "rows.csv"
    rows = of[table](f"{EXCHANGE}:{SYMBOL}", "2024-08-01", "2024-09-01", columns=names)
    write_csv(rows.content, path)
    return len(gzip.compress(path.read_bytes(), 6))


def _received(name: str) -> Times:
    """When each message was received, as it is told beside the capture."""
    lines = gzip.decompress((RECORDINGS / f"{name}.meta.jsonl.gz").read_bytes()).splitlines()
    return np.array([json.loads(line)["recv_ns"] for line in lines], np.int64)


def _flush(payloads: list[bytes], received: Times) -> Flush:
    decoded = registry.get(EXCHANGE).decode(payloads, {SYMBOL: 0})
    runs: list[Run] = []
    for part in decoded.rows:
        batch = part.received(received)
        times = np.where(batch["event_ns"] < 0, batch["recv_ns"], batch["event_ns"])
        batch = batch.replace(event_ns=times)
        batch = batch.take(np.argsort(times, kind="stable"))
        days = batch["event_ns"] // NS_PER_DAY
        runs += [
            Run(0, part.table, day, batch.take(days == day)) for day in np.unique(days).tolist()
        ]
    return Flush(tuple(runs), ())


@attrs.define
class _Felt:
    """What was the worst while the worker ran."""

    lags: list[float] = attrs.field(factory=list)
    grown: int = 0
    worker: int = 0

    @property
    def lag_secs(self) -> float:
        """The longest."""
        return max(self.lags)

    @property
    def usual_ms(self) -> float:
        """What 999 of 1,000 are below."""
        return float(np.quantile(self.lags, 0.999)) * 1e3


async def _beside(folder: Path, rows: int) -> None:
    """Pack the synthetic day, and look at memory and delays meanwhile."""
    folders = Folders(str(folder / "data"), str(folder / "archive"), "bench")
    source, ledger = source_at(folders.data_path), Ledger(DiskFiles(folders.local_path))
    (day,) = source.days(Symbol("venue", "BTC-USD"), Table.BOOK)
    alone, felt = _Felt(), _Felt()
    with trio.move_on_after(ALONE_SECS):
        await _look(alone, _anonymous(os.getpid()))
    async with ProcessWorker() as worker:
        before = _anonymous(os.getpid())
        (job,) = day_jobs(folders, source, ledger, "venue", day)
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_look, felt, before)
            (made,) = (await worker.run(job)).made
            nursery.cancel_scope.cancel()
        took = trio.current_time() - began
    print(  # noqa: T201
        f"\n{rows:,} book rows in {took:.1f} s, {made.size / rows:.2f} bytes each; worker's "
        f"anonymous memory {felt.worker / MIB:.0f} MiB at most; here {felt.grown / MIB:.1f} MiB "
        f"more, loop late by {felt.lag_secs * 1e3:.1f} ms at most, 99.9 % of times by less than "
        f"{felt.usual_ms:.1f} ms; without a worker {alone.lag_secs * 1e3:.1f} and "
        f"{alone.usual_ms:.1f} ms"
    )


async def _look(felt: _Felt, before: int) -> None:
    while True:
        due = trio.current_time() + LOOK_SECS
        await trio.sleep_until(due)
        felt.lags.append(trio.current_time() - due)
        felt.grown = max(felt.grown, _anonymous(os.getpid()) - before)
        felt.worker = max([felt.worker, *map(_anonymous, _children())])


def _children() -> list[int]:
    tasks = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return [int(pid) for task in tasks for pid in task.read_text().split()]


def _anonymous(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    lines = [line for line in text.splitlines() if line.startswith("RssAnon:")]
    return int(lines[0].split()[1]) * 1024 if lines else 0
