"""Recorded traffic of real exchanges, as flushes of about a second each, given to the checks."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs
import numpy as np

from tests.recordings import RECORDINGS, frames
from tick_logger.exchanges import registry
from tick_logger.exchanges.decoding import decode
from tick_logger.model.flush import Flush, Run
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import Table
from tick_logger.model.times import NS_PER_SECOND
from tick_logger.model.wanted import WantedTables
from tick_logger.pipeline.pipeline import Pipeline
from tick_logger.quality.checks import Checks
from tick_logger.quality.findings import Finding

MOST_FRAMES = 2_000
"""In one flush: what a second of the busiest capture has."""


class Everything(dict[str, int]):
    """Numbers every symbol that it is asked for."""

    def get(self, symbol: str, default: object = None) -> int:
        """The number of a symbol, given on first use."""
        return self.setdefault(symbol, len(self))

    def __missing__(self, symbol: str) -> int:
        return self.get(symbol)

    def __contains__(self, symbol: object) -> bool:
        return True


class AllTables(WantedTables):
    """Wants the rows of every symbol and table."""

    def only(self, rows: RowBatch) -> RowBatch:
        """All of them."""
        return rows


@attrs.define
class Replayed:
    """How many rows there were by table, and what was found in them."""

    rows: Counter[Table] = attrs.field(factory=Counter)
    found: list[Finding] = attrs.field(factory=list)


def replay(exchange: str, capture: str, *, crossed: bool = False) -> Replayed:
    """All of a capture; `crossed`: with bids for asks in quotes."""
    done, checks = Replayed(), Checks(lambda _: None)
    for flush, now_ns in flushes(exchange, capture):
        if crossed:
            flush = Flush(tuple(map(_crossed, flush.runs)))
        for run in flush.runs:
            done.rows[run.table] += len(run.rows)
        done.found += checks.look(flush, now_ns)[0]
    return done


def _crossed(run: Run) -> Run:
    rows = run.rows
    if run.table is not Table.QUOTES:
        return run
    wrong = rows.replace(best_bid=rows["best_ask"], best_ask=rows["best_bid"])
    return attrs.evolve(run, rows=wrong)


def flushes(exchange: str, capture: str) -> Iterator[tuple[Flush, int]]:
    """What the pipeline releases, and until when that was received."""
    pipeline = Pipeline(
        trade_ids=lambda _: registry.ids_of(exchange),
        venue_of=lambda _: exchange,
        tail_of=lambda _, __: None,
        twins_of=lambda _, table: registry.twins_of(exchange, table),
    )
    symbols, wanted, payloads = Everything(), AllTables(), list(frames(capture))
    recv_ns = _receipts(exchange, capture, payloads, symbols)
    begin, now_ns = 0, 0
    while begin < len(payloads):
        until_ns = recv_ns[begin] + NS_PER_SECOND
        end = int(np.searchsorted(recv_ns, until_ns))
        end = min(max(end, begin + 1), begin + MOST_FRAMES)
        part = slice(begin, end)
        got = decode(registry.get(exchange), payloads[part], recv_ns[part], symbols, wanted)
        pipeline.push([*got.rows])
        begin, now_ns = end, int(recv_ns[end - 1])
        yield pipeline.tick(now_ns)[0], now_ns
    yield pipeline.close(now_ns)[0], now_ns


def _receipts(
    exchange: str, capture: str, payloads: list[bytes], symbols: Mapping[str, int]
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """As the capture tells, or else 10 ms apart, from its first event time on."""
    said = _told(RECORDINGS / capture)
    if len(said) == len(payloads):
        return np.maximum.accumulate(said)
    apart = np.arange(len(payloads)) * 10**7
    rows = decode(registry.get(exchange), payloads, apart, symbols, AllTables()).rows
    times = np.concatenate([each["event_ns"] for each in rows] or [apart])
    return int(times.max()) + apart


def _told(path: Path) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    name = path.name.removesuffix(".gz").removesuffix(".jsonl")
    for other in (path.with_name(f"{name}.meta.jsonl"), path.with_name(f"{name}.meta.jsonl.gz")):
        if other.exists():
            data = other.read_bytes()
            lines = (gzip.decompress(data) if other.suffix == ".gz" else data).splitlines()
            return np.array([_receipt(json.loads(line)) for line in lines], np.int64)
    return np.empty(0, np.int64)


def _receipt(line: Mapping[str, str]) -> int:
    if "recv_ns" in line:
        return int(line["recv_ns"])
    return round(float(line.get("recv_ts", 0)) * 1e6) * 1000
