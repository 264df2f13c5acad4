"""Has what was written looked at, and sees to it that what looks wrong is counted, said and marked.

    outcome -> checks -> counters and log lines
                      -> doubts that are over -> quality files beside the data

Invariant: it costs no data.  A doubt that cannot be written waits for the next flush, up to
`MOST_WAITING`; beyond that it is counted.  A check that fails is a bug of ours: it is said once,
and nothing is checked any more.

Threads: `follow` and `close` block, and run in the thread that writes column files, after it has
written; `report` runs in the event loop while that thread rests.  The time is given to each: the
clock by which rows are labelled is the event loop's alone.

Not here: what looks wrong (`quality`), and how it stands in files (`storage.quality_files`).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable

import attrs

from tick_logger.derive.derivation import Outcome
from tick_logger.errors import words_of
from tick_logger.model.doubts import DoubtKind, DoubtRecord
from tick_logger.model.instruments import Instruments
from tick_logger.model.times import NS_PER_SECOND
from tick_logger.quality.checks import Checks
from tick_logger.quality.findings import Finding
from tick_logger.recording.pair_names import PairNames
from tick_logger.storage.files import Files
from tick_logger.storage.quality_files import append, line_of
from tick_logger.telemetry.logs import get_logger
from tick_logger.telemetry.metrics import Metrics
from tick_logger.telemetry.today import Today

MOST_WAITING = 5_000
"""Doubts that wait for a disk; some MiB, and about as many as a file takes."""

SAY_EVERY_NS = 60 * NS_PER_SECOND
"""The next line in the log about an exchange: what is wrong for hours must not drown the rest."""

MOST_SHOWN = 5
"""Streams that such a line names."""


@attrs.define
class _Unsaid:
    """What was found at an exchange since its last line in the log."""

    rows: Counter[DoubtKind] = attrs.field(factory=Counter)
    streams: dict[str, None] = attrs.field(factory=dict)


class QualityWatch:
    """The checks of one run; instruments are numbered as in what it is told."""

    def __init__(
        self,
        files: Files,
        instruments: Instruments,
        pairs: PairNames,
        metrics: Metrics,
        today: Today,
    ) -> None:
        self._files = files
        self._instruments = instruments
        self._metrics = metrics
        self._today = today
        self._checks: Checks | None = Checks(lambda each: pairs.pair_of(*instruments.name(each)))
        self._findings: list[Finding] = []
        self._waiting: deque[DoubtRecord] = deque()
        self._unwritten: Counter[str] = Counter()  # doubts by exchange, to be counted
        self._cannot_write = False
        self._unsaid: dict[str, _Unsaid] = {}
        self._say_again_ns: dict[str, int] = {}
        self._log = get_logger()

    def follow(self, outcome: Outcome, now_ns: int) -> None:
        """Look at what was written, and mark what is over.  Blocking; raises nothing."""
        if self._checks is None:
            return
        try:
            found, over = self._checks.look(outcome.flush, now_ns)
        except Exception:  # noqa: BLE001 - whatever it is, the recording goes on
            self._checks = None
            self._log.exception("quality_checks_failed", explanation="nothing is checked any more")
            return
        self._findings += found
        self._write(over, now_ns)

    def close(self, now_ns: int) -> None:
        """Mark what is left, when nothing more is written.  Blocking; raises nothing."""
        if self._checks is not None:
            self._write(self._checks.close(), now_ns)
        for doubt in self._waiting:
            self._unwritten[self._exchange(doubt)] += 1
        self._waiting.clear()

    def report(self, now_ns: int, *, last: bool = False) -> None:
        """Count what was found, and say it; `last`: without waiting for the next line's time."""
        for found in self._findings:
            exchange, symbol = self._instruments.name(found.instrument)
            self._metrics.exchange(exchange).quality_rows[found.kind].inc(found.rows)
            self._today.count_doubtful(exchange, found.kind, found.rows)
            unsaid = self._unsaid.setdefault(exchange, _Unsaid())
            unsaid.rows[found.kind] += found.rows
            if len(unsaid.streams) < MOST_SHOWN:
                unsaid.streams[f"{symbol} {found.table} {found.kind}"] = None
        self._findings.clear()
        for exchange, count in self._unwritten.items():
            self._metrics.exchange(exchange).quality_marks_unwritten.inc(count)
        self._unwritten.clear()
        if self._unsaid:
            self._say(now_ns, last=last)

    def _say(self, now_ns: int, *, last: bool) -> None:
        for exchange in list(self._unsaid):
            if not last and now_ns < self._say_again_ns.get(exchange, 0):
                continue
            unsaid = self._unsaid.pop(exchange)
            self._say_again_ns[exchange] = now_ns + SAY_EVERY_NS
            self._log.warning(
                "rows_look_wrong",
                exchange=exchange,
                rows={kind.value: rows for kind, rows in sorted(unsaid.rows.items())},
                streams=list(unsaid.streams),
                explanation="recorded as they were sent; marked in the quality file of the day",
            )

    def _write(self, doubts: Iterable[DoubtRecord], now_ns: int) -> None:
        self._waiting += doubts
        while len(self._waiting) > MOST_WAITING:
            self._unwritten[self._exchange(self._waiting.popleft())] += 1
        places: dict[tuple[str, int], list[DoubtRecord]] = {}
        for doubt in self._waiting:
            places.setdefault((self._exchange(doubt), doubt.day), []).append(doubt)
        for (exchange, day), those in places.items():
            lines = [line_of(each, self._instruments.name(each.instrument)[1]) for each in those]
            try:
                left = append(self._files, exchange, day, lines, now_ns)
            except (OSError, ValueError) as error:  # ValueError: a day that no path can hold
                self._say_cannot_write(exchange, error)
                return
            self._cannot_write = False
            self._unwritten[exchange] += left
            written = set(map(id, those))
            self._waiting = deque(each for each in self._waiting if id(each) not in written)

    def _say_cannot_write(self, exchange: str, error: Exception) -> None:
        if not self._cannot_write:
            self._cannot_write = True
            self._log.warning(
                "quality_not_saved",
                exchange=exchange,
                reason=words_of(error),
                explanation="tried again with the next rows; the recording goes on",
            )

    def _exchange(self, doubt: DoubtRecord) -> str:
        return self._instruments.name(doubt.instrument)[0]
