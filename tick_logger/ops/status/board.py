"""Watches a recording from outside: samples once a second, and answers with the newest view.

Nothing here is part of recording: it reads what others count, and a fault in it ends nothing but
itself.  Everyone who asks within a second gets the same bytes, so that ten open pages cost little
more than one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import msgspec
import trio

from tick_logger.model.connections import ConnectionState
from tick_logger.ops.status.archived import Archive
from tick_logger.ops.status.disk_space import DiskSpace
from tick_logger.ops.status.history import History
from tick_logger.ops.status.loop_watch import LoopWatch
from tick_logger.ops.status.scoped import seen
from tick_logger.ops.status.snapshot import ExchangeNumbers, Rates, Snapshot, rates
from tick_logger.ops.status.status import Durable, ExchangeView, View, document, reasons_not_ready
from tick_logger.ops.status.watched import Watched
from tick_logger.telemetry.histograms import Counts, quantile

SAMPLE_SECS = 1.0

RATE_SAMPLES = 6
"""Rates are those of the last five seconds: steady enough to read, quick enough to believe."""

LATENCY_SAMPLES = 61
"""Latencies are those of the last minute."""

DROPPED_SAMPLES = 301
"""What was dropped in the last five minutes is a reason to look."""


@attrs.frozen
class _Sample:
    snapshot: Snapshot
    total: ExchangeNumbers
    connections: Mapping[str, Sequence[ConnectionState]]  # by exchange

    def messages(self, exchange: str) -> dict[str, int]:
        """By connection."""
        return {state.label: state.messages for state in self.connections[exchange]}


@attrs.frozen
class Told:
    """One view as it is served."""

    document: dict[str, Any]
    encoded: bytes


class Board:
    """The newest view of a recording, and the last minutes."""

    def __init__(self, watched: Watched, disk: DiskSpace, loop: LoopWatch) -> None:
        self._watched = watched
        self._disk = disk
        self._loop = loop
        self._began = trio.current_time()
        self._samples: deque[_Sample] = deque(maxlen=RATE_SAMPLES)
        self._latencies: deque[dict[str, Counts]] = deque(maxlen=LATENCY_SAMPLES)
        self._dropped: deque[int] = deque(maxlen=DROPPED_SAMPLES)
        self._history = History()
        self._changed = trio.Event()
        self.view = self._look()
        self._told: dict[frozenset[str] | None, Told] = {}

    async def run(self) -> None:
        """Sample until cancelled."""
        while True:
            await trio.sleep(SAMPLE_SECS)
            self.view, self._told = self._look(), {}
            self._changed.set()
            self._changed = trio.Event()

    async def wait(self) -> None:
        """Until there is something newer."""
        await self._changed.wait()

    def told(self, exchanges: frozenset[str] | None = None) -> Told:
        """What is served of the newest view, of these exchanges (None: of all); made once."""
        if exchanges not in self._told:
            made = document(seen(self.view, exchanges))
            self._told[exchanges] = Told(made, msgspec.json.encode(made))
        return self._told[exchanges]

    @property
    def document(self) -> dict[str, Any]:
        """Everything that is served of the newest view."""
        return self.told().document

    @property
    def encoded(self) -> bytes:
        """The same as JSON."""
        return self.told().encoded

    def not_ready(self, exchanges: frozenset[str] | None = None) -> list[str]:
        """Why what should be recorded of these exchanges is not, in words."""
        return reasons_not_ready(seen(self.view, exchanges))

    def _look(self) -> View:
        watched = self._watched
        sample = self._take_sample()
        totals = {("", "messages"): sample.total.messages, ("", "rows"): sample.total.rows}
        for name, numbers in sample.snapshot.exchanges.items():
            totals[name, "messages"], totals[name, "rows"] = numbers.messages, numbers.rows
        self._history.add(sample.snapshot.monotonic_secs, totals)
        speeds = rates(self._samples[0].snapshot, sample.snapshot)
        return View(
            version=watched.version,
            now_secs=watched.clock.now_ns() / 1e9,
            uptime_secs=trio.current_time() - self._began,
            recovering=sample.snapshot.recovering,
            troubles=sample.snapshot.troubles,
            durable=self._durable(),
            disk=self._disk,
            loop=self._loop.longest,
            dropped_lately=self._dropped[-1] - self._dropped[0],
            archive=Archive.of(sample.snapshot.process, watched.archive_places),
            exchanges={name: self._exchange(name, speeds[name]) for name in speeds},
            history=self._history,
        )

    def _take_sample(self) -> _Sample:
        metrics, venues = self._watched.metrics, self._watched.venues
        snapshot = self._watched.snapshot()
        for name, numbers in snapshot.exchanges.items():
            up, wanted = numbers.connections_up, numbers.connections_wanted
            metrics.exchange(name).websocket_connected.set(wanted > 0 and up >= wanted)
            metrics.exchange(name).feeds.connected(venues[name].feeds)
        connections = {name: venue.connections() for name, venue in venues.items()}
        sample = _Sample(snapshot, snapshot.total, connections)
        self._samples.append(sample)
        self._latencies.append({name: metrics.exchange(name).latency.counts for name in venues})
        self._dropped.append(sample.total.dropped)
        return sample

    @property
    def _span_secs(self) -> float:
        return self._samples[-1].snapshot.monotonic_secs - self._samples[0].snapshot.monotonic_secs

    def _durable(self) -> Durable:
        secs, now = self._span_secs, self._samples[-1].snapshot.process
        written = now["journal_bytes_total"]
        before = self._samples[0].snapshot.process["journal_bytes_total"]
        saved_at = now["checkpoint_timestamp_seconds"]
        return Durable(
            lag_secs=round(now["durable_lag_seconds"], 3),
            journal_bytes=int(written),
            journal_bytes_per_sec=round((written - before) / secs, 1) if secs else 0.0,
            queue_depth=int(now["channel_queue_depth"]),
            buffered_bytes=int(now["buffered_bytes"]),
            buffer_limit_bytes=int(now["buffer_limit_bytes"]),
            checkpoint_age_secs=(
                max(0.0, round(self._watched.clock.now_ns() / 1e9 - saved_at, 1))
                if saved_at
                else None
            ),
        )

    def _exchange(self, name: str, speed: Rates) -> ExchangeView:
        last, secs, today = self._samples[-1], self._span_secs, self._watched.today
        before = self._samples[0].messages(name)
        speeds = {
            label: round(max(0, count - before.get(label, 0)) / secs, 2)
            for label, count in last.messages(name).items()
            if secs
        }
        return ExchangeView(
            numbers=last.snapshot.exchanges[name],
            rates=speed,
            latency_ms=self._latency_ms(name),
            gaps_today=today.gaps(name),
            open_holes=today.open_holes.of(name),
            late_today=today.late(name),
            aside_today=today.aside(name),
            proofs=self._watched.proofs_of(name),
            connections=last.connections[name],
            messages_per_second=speeds,
            losses=self._watched.venues[name].losses,
            patience=self._watched.venues[name].patience,
            absent=self._watched.venues[name].absent,
            unreachable=last.snapshot.unreachable.get(name),
        )

    def _latency_ms(self, name: str) -> dict[str, float] | None:
        counts = self._latencies[-1][name] - self._latencies[0][name]
        bounds = self._watched.metrics.exchange(name).latency.bounds
        values = {word: quantile(bounds, counts, share) for word, share in _QUANTILES.items()}
        return {
            word: round(value * 1000, 2) for word, value in values.items() if value is not None
        } or None


_QUANTILES = {"p50": 0.5, "p99": 0.99}
