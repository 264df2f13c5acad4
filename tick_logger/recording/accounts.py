"""Counts and reports what was put on disk: metrics, totals, one line for each kind of gap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

import attrs
import numpy as np

from tick_logger.derive.derivation import Derivation, Outcome
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord, OpenHole
from tick_logger.model.instruments import Instruments
from tick_logger.model.stops import is_planned
from tick_logger.model.tables import FEED_OF, ORIGIN_ASIDE, ORIGIN_MAIN, ORIGIN_REST, Table
from tick_logger.model.times import NS_PER_SECOND
from tick_logger.recording.clock_offsets import ClockOffsets
from tick_logger.recording.left_holes import Asked, LeftHoles
from tick_logger.recording.stops import Stops
from tick_logger.recording.venue_times import VenueTimes
from tick_logger.telemetry.logs import get_logger
from tick_logger.telemetry.metrics import Metrics
from tick_logger.telemetry.open_holes import OpenNow
from tick_logger.telemetry.today import Today

HolesListener: TypeAlias = Callable[[Sequence[GapRecord], Sequence[GapRecord]], None]
"""Hears of the gap records of each flush, and of the holes that it only suspects."""

MAX_STREAMS_IN_LOG = 5
MAX_FINDINGS_IN_LOG = 10


@attrs.define
class Totals:
    """What one run has put on disk."""

    stops: Stops
    rows: Counter[Table] = attrs.field(factory=Counter)
    late_rows: int = 0
    aside_rows: int = 0
    gaps: int = 0  # but those that a stop in order left, which are in `stops`


def report_findings(findings: Sequence[str]) -> None:
    """Say what a recovery has found to be lost: how much in all, and some of it."""
    shown = list(findings[:MAX_FINDINGS_IN_LOG])
    get_logger().error("found", findings=len(findings), shown=shown)


def report_failures(derivation: Derivation) -> None:
    """Say once what adapters could not decode that they had decoded before."""
    decoder = derivation.decoder
    if decoder.failures:
        get_logger().error(
            "adapter_failed_on_the_journal",
            batches=decoder.failures,
            first=decoder.first_failure,
            explanation="gap records stand for their rows; the journal keeps what was received",
        )
        decoder.failures, decoder.first_failure = 0, ""


class Accounts:
    """The books of one run; instruments are numbered as in what it is told."""

    def __init__(
        self,
        instruments: Instruments,
        metrics: Metrics,
        today: Today,
        on_holes: HolesListener = lambda _records, _suspects: None,
        asked: Asked = lambda _exchange: (),
        times: VenueTimes | None = None,
    ) -> None:
        self._instruments = instruments
        self._metrics = metrics
        self._today = today
        self._on_holes = on_holes
        self._left = LeftHoles(asked)
        self._clocks = ClockOffsets(metrics)
        self._times = times or VenueTimes(lambda: 0)
        self._open_holes: tuple[OpenHole, ...] = ()
        self._log = get_logger()
        self.stops = Stops(metrics)
        self.totals = Totals(self.stops)

    def flushed(self, outcome: Outcome) -> None:
        """Count what one tick has written, and report every gap."""
        flush = outcome.flush
        rows: Counter[tuple[str, Table, int]] = Counter()
        for run in flush.runs:
            exchange, symbol = self._instruments.name(run.instrument)
            rows[exchange, run.table, run.origin] += len(run.rows)
            if (by_symbol := self._metrics.symbols) is not None:
                in_order = run.origin == ORIGIN_MAIN
                by_symbol.count(exchange, symbol, run.rows, in_order=in_order)
        for (exchange, table, origin), count in rows.items():
            numbers = self._metrics.exchange(exchange)
            numbers.rows_written[table].inc(count)
            self.totals.rows[table] += count
            if origin == ORIGIN_ASIDE:
                numbers.rows_aside[table].inc(count)
                self.totals.aside_rows += count
                self._today.count_aside(exchange, count)
            elif origin != ORIGIN_MAIN:
                numbers.late_rows[table].inc(count)
                self.totals.late_rows += count
                self._today.count_late(exchange, count)
        self._report_aside(outcome)
        self._clocks.showed(outcome.clock_offsets_ns)
        heard = {exchange for exchange, _, origin in rows if origin != ORIGIN_REST}
        self._times.showed(outcome.clock_offsets_ns, heard)
        for instrument, count in outcome.counts.twins.items():
            self._metrics.exchange(self._exchange(instrument)).twin_rows.inc(count)
        for instrument, count in outcome.counts.duplicates.items():
            self._metrics.exchange(self._exchange(instrument)).duplicates.inc(count)
        for instrument, count in outcome.counts.unproven_holes.items():
            self._metrics.exchange(self._exchange(instrument)).unproven_id_holes.inc(count)
        for instrument, count in outcome.counts.unneeded.items():
            self._metrics.exchange(self._exchange(instrument)).backfill_unneeded.inc(count)
        self._report_ids(outcome)
        for repair in outcome.repairs:
            self._log.warning("mended", **attrs.asdict(repair))
        self._report_inexact(outcome.inexact)
        self._show_open(flush.open_holes)
        self._report_open([gap for gap in flush.gaps if gap.to_ns is None])
        self._report_gaps([gap for gap in flush.gaps if not gap.healed and gap.to_ns is not None])
        for gap in flush.gaps:
            self._see_what_is_left(gap)
        if flush.gaps or flush.suspects:
            self._on_holes(flush.gaps, flush.suspects)

    def _report_ids(self, outcome: Outcome) -> None:
        """Count where ids began again, and strays; one log line for each exchange."""
        begun_again: dict[str, list[str]] = {}
        for instrument, count in outcome.counts.begun_again.items():
            exchange, symbol = self._instruments.name(instrument)
            self._metrics.exchange(exchange).ids_begun_again.inc(count)
            begun_again.setdefault(exchange, []).append(symbol)
        for exchange, symbols in begun_again.items():
            self._log.warning(
                "ids_begun_again",
                exchange=exchange,
                symbols=symbols[:MAX_STREAMS_IN_LOG],
                all=len(symbols),
                explanation="no id tells whether something is missing in between",
            )
        for instrument, count in outcome.counts.strays.items():
            exchange, symbol = self._instruments.name(instrument)
            self._metrics.exchange(exchange).stray_ids.inc(count)
            self._log.warning(
                "stray_ids",
                exchange=exchange,
                symbol=symbol,
                trades=count,
                explanation="recorded; their ids fit nowhere among those around them",
            )

    def _report_aside(self, outcome: Outcome) -> None:
        """One log line for each exchange with times too far ahead, and one for those behind."""
        together: dict[tuple[str, str], list[tuple[float, int, str]]] = {}
        for run in outcome.flush.runs:
            if not run.aside:
                continue
            exchange, symbol = self._instruments.name(run.instrument)
            usual_ns = outcome.clock_offsets_ns.get(exchange, 0)
            ahead = (run.rows["event_ns"] - run.rows["recv_ns"] - usual_ns) / 1e9
            for event, secs in (
                ("event_time_ahead", ahead[ahead > 0]),
                ("event_time_behind", -ahead[ahead <= 0]),
            ):
                if len(secs):
                    part = (round(float(secs.max()), 3), len(secs), f"{symbol} {run.table}")
                    together.setdefault((exchange, event), []).append(part)
        for (exchange, event), parts in together.items():
            most, _, stream = max(parts)
            rows = sum(count for _, count, _ in parts)
            what = "these times cannot be right; the rows are in late/ with origin 3"
            self._log.warning(
                event, exchange=exchange, rows=rows, seconds=most, stream=stream, explanation=what
            )

    def _report_inexact(self, inexact: Mapping[str, int]) -> None:
        """Count the prices that have lost digits; one log line for all exchanges."""
        for exchange, count in inexact.items():
            self._metrics.exchange(exchange).prices_inexact.inc(count)
        if inexact:
            self._log.warning(
                "prices_inexact",
                prices=sum(inexact.values()),
                exchanges=dict(inexact),
                explanation="beyond the range of f4; the journal has what was received",
            )

    def _together(self, gaps: list[GapRecord]) -> dict[tuple[str, Cause], list[GapRecord]]:
        """Those with the same exchange and cause."""
        together: dict[tuple[str, Cause], list[GapRecord]] = {}
        for gap in gaps:
            together.setdefault((self._exchange(gap.instrument), gap.cause), []).append(gap)
        return together

    def _shown(self, gaps: list[GapRecord]) -> list[str]:
        """The streams of some of them."""
        some = gaps[:MAX_STREAMS_IN_LOG]
        return [f"{self._instruments.name(gap.instrument)[1]} {gap.table}" for gap in some]

    def _show_open(self, holes: tuple[OpenHole, ...]) -> None:
        """Those of now, by exchange and cause, if they are not the same as before."""
        if holes is self._open_holes:
            return
        self._open_holes, now = holes, self._today.open_holes
        together: dict[tuple[str, Cause], list[int]] = {}
        for hole in holes:
            of = together.setdefault((self._exchange(hole.instrument), hole.cause), [])
            of.append(hole.from_ns)
        now.show({key: OpenNow(key[1], len(began), min(began)) for key, began in together.items()})
        for exchange, cause in together:
            self._metrics.exchange(exchange).holes.watch_open(cause, now)

    def _report_open(self, gaps: list[GapRecord]) -> None:
        """One log line for those that go on, which are counted when they are over."""
        for (exchange, cause), holes in self._together(gaps).items():
            self._log.warning(
                "hole_open",
                exchange=exchange,
                cause=cause.value,
                holes=len(holes),
                streams=self._shown(holes),
                since=_time_text(min(hole.from_ns for hole in holes if hole.from_ns is not None)),
            )

    def _report_gaps(self, gaps: list[GapRecord]) -> None:
        """Count each hole; one log line for those with the same exchange and cause.

        Those of a stop in order are told apart, and are no cause for a warning.
        """
        for (exchange, cause), holes in self._together(gaps).items():
            planned = is_planned(holes[0])
            self.totals.gaps += 0 if planned else len(holes)
            sizes = np.array([ids for hole in holes if (ids := _ids_missing(hole))], np.float64)
            ids = int(sizes.sum())
            numbers = self._metrics.exchange(exchange)
            numbers.holes.written(cause).inc(len(holes))
            for table, count in Counter(hole.table for hole in holes).items():
                numbers.feeds.sequence_gaps[FEED_OF[table]].inc(count)
            if (by_symbol := self._metrics.symbols) is not None:
                for hole in holes:
                    symbol = self._instruments.name(hole.instrument)[1]
                    by_symbol.count_gap(exchange, symbol, hole.table)
            self._today.count_gaps(exchange, cause, len(holes))
            numbers.gap_size.observe(sizes)
            numbers.ids_missing.inc(ids)
            if planned:
                more = self.stops.count(exchange, holes)
                self._log.info("not_recorded_while_stopped", exchange=exchange, ids=ids, **more)
                continue
            self._log.warning(
                "gaps",
                exchange=exchange,
                cause=cause.value,
                holes=len(holes),
                ids=ids,
                streams=self._shown(holes),
                since=_time_text(min(map(_began_ns, holes))),
                until=_time_text(max(hole.to_ns for hole in holes if hole.to_ns is not None)),
            )

    def _see_what_is_left(self, gap: GapRecord) -> None:
        """Remember a hole that was counted, or count what a record heals."""
        exchange = self._exchange(gap.instrument)
        if gap.healed:
            for cause in self._left.healed(gap):
                self._metrics.exchange(exchange).holes.healed(cause).inc()
        elif gap.to_ns is not None:
            self._left.written(exchange, gap)
            self._metrics.exchange(exchange).holes.watch_left(gap.cause, self._left.count)

    def _exchange(self, instrument: int) -> str:
        return self._instruments.name(instrument)[0]


def _began_ns(gap: GapRecord) -> int:
    assert gap.to_ns is not None, "it is not over"
    return gap.to_ns if gap.from_ns is None else gap.from_ns


def _time_text(time_ns: int) -> str:
    """As log lines have it, in UTC."""
    time = datetime.fromtimestamp(time_ns / NS_PER_SECOND, UTC)
    return time.isoformat(timespec="milliseconds")


def _ids_missing(gap: GapRecord) -> int:
    if gap.from_id is None or gap.to_id is None:
        return 0
    return gap.to_id - gap.from_id + 1
