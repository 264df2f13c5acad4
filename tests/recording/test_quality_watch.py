"""What becomes of rows that look wrong: numbers, log lines, marks; and what it may not cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import pytest
import structlog
from prometheus_client import CollectorRegistry

from tests.fakes.memory_files import MemoryFiles
from tests.quality.flushes import at, quotes
from tests.service.world import Collector, Line
from tick_logger.derive.derivation import Outcome
from tick_logger.model.doubts import DoubtKind
from tick_logger.model.flush import Flush, Run
from tick_logger.model.instruments import Instruments
from tick_logger.pipeline.pipeline import TickCounts
from tick_logger.quality.checks import Checks
from tick_logger.recording import quality_watch
from tick_logger.recording.pair_names import PairNames
from tick_logger.recording.quality_watch import QualityWatch
from tick_logger.storage.layout import QualityPath, quality_path
from tick_logger.storage.quality_files import ReadDoubt, doubts_in
from tick_logger.telemetry.metrics import Metrics
from tick_logger.telemetry.today import Today

DAY_PATH = quality_path(QualityPath("alpha", at(0) // (86_400 * 10**9)))


@attrs.define
class HandClock:
    """A clock that shows what it was set to."""

    ns: int = at(0)

    def now_ns(self) -> int:
        """The time."""
        return self.ns


class FullDisk(MemoryFiles):
    """Takes nothing while it is full."""

    full = False

    def append(self, path: str, data: bytes | memoryview) -> None:
        """Raises `OSError` then."""
        if self.full:
            raise OSError(28, "No space left on device")
        super().append(path, data)


@attrs.define(eq=False)
class Rig:
    """Two instruments of one exchange, watched."""

    files: FullDisk = attrs.field(factory=FullDisk)
    clock: HandClock = attrs.field(factory=HandClock)
    metrics: Metrics = attrs.field(factory=lambda: Metrics(CollectorRegistry()))
    lines: list[Line] = attrs.field(factory=list)
    today: Today = attrs.field(init=False)
    watch: QualityWatch = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        structlog.configure(processors=[Collector(self.lines)])
        names = Instruments()
        names.add("alpha", "BTC-USD")
        names.add("alpha", "ETH-USD")
        self.today = Today(self.clock)
        self.watch = QualityWatch(self.files, names, PairNames(), self.metrics, self.today)

    def flush(self, secs: float, *runs: Run) -> None:
        """Something is on disk, at this second."""
        self.clock.ns = at(secs)
        self.watch.follow(Outcome(Flush(runs), TickCounts()), self.clock.ns)
        self.watch.report(self.clock.ns)

    def crossed(self, secs: float, instrument: int = 0) -> None:
        """A quote is, at this second."""
        self.flush(secs, quotes(instrument, [secs], [101.0], [100.0]))

    def marks(self) -> list[ReadDoubt]:
        """What stands beside the data."""
        return list(doubts_in(self.files.read(DAY_PATH))) if self.files.exists(DAY_PATH) else []

    def said(self, event: str) -> list[dict[str, Any]]:
        """The log lines of an event."""
        return [dict(line) for line in self.lines if line["event"] == event]


@pytest.fixture
async def rig() -> Rig:
    return Rig()


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    yield
    structlog.reset_defaults()


async def test_it_is_counted_and_said_at_once_and_marked_when_it_is_over(rig: Rig) -> None:
    """By exchange and kind; the mark has the time, the figures and the symbol."""
    rig.crossed(1)
    rig.crossed(2)
    assert rig.metrics.exchange("alpha").quality_rows[DoubtKind.CROSSED]._value.get() == 2
    assert rig.metrics.exchange("alpha").quality_rows[DoubtKind.JUMP]._value.get() == 0
    assert rig.today.doubtful("alpha") == {"crossed": 2}
    (line,) = rig.said("rows_look_wrong")
    assert (line["exchange"], line["rows"]) == ("alpha", {"crossed": 1})
    assert line["streams"] == ["BTC-USD QUOTES crossed"]
    assert rig.marks() == []
    rig.flush(13)
    (mark,) = rig.marks()
    assert (mark.symbol, mark.kind, mark.from_ns, mark.to_ns, mark.rows) == (
        *("BTC-USD", "crossed", at(1), at(2), 2),
    )


async def test_the_log_says_it_once_a_minute(rig: Rig) -> None:
    """With all that came meanwhile; the end says what is left."""
    for second in range(70):
        rig.crossed(second, second % 2)
    rig.watch.close(rig.clock.ns)
    rig.watch.report(rig.clock.ns, last=True)
    said = [line["rows"]["crossed"] for line in rig.said("rows_look_wrong")]
    assert said == [1, 60, 9]
    assert sorted(each.rows for each in rig.marks()) == [35, 35]


async def test_a_full_disk_costs_nothing_but_time(rig: Rig) -> None:
    """It is said once, and what waited is written when there is room."""
    rig.files.full = True
    rig.crossed(1)
    rig.flush(20)
    rig.crossed(21)
    rig.flush(40)
    assert len(rig.said("quality_not_saved")) == 1
    rig.files.full = False
    rig.flush(41)
    assert [each.from_ns for each in rig.marks()] == [at(1), at(21)]
    assert rig.metrics.read("collector_quality_marks_unwritten_total", "alpha") == 0


async def test_what_waits_for_a_disk_is_bounded(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest is given up, and counted; so is what waits at the end."""
    monkeypatch.setattr(quality_watch, "MOST_WAITING", 3)
    rig.files.full = True
    for number in range(5):
        rig.crossed(20 * number)
    rig.watch.close(rig.clock.ns)
    rig.watch.report(rig.clock.ns, last=True)
    assert rig.metrics.read("collector_quality_marks_unwritten_total", "alpha") == 5


async def test_a_bug_in_a_check_ends_the_checks_and_nothing_else(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said once."""

    def fail(*_: object) -> None:
        raise IndexError("out of bounds")

    monkeypatch.setattr(Checks, "look", fail)
    rig.crossed(1)
    rig.crossed(2)
    rig.watch.close(rig.clock.ns)
    assert len(rig.said("quality_checks_failed")) == 1
    assert rig.marks() == []
