"""The task in virtual time: when it seals, and when it certifies again."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest
import structlog
import trio
from trio.testing import MockClock

from tests.archive.test_facts import DAY, HOUR, MIDNIGHT, NS_PER_DAY, three_days, trade
from tests.fakes.clock import VirtualClock
from tests.reader.recorded import Recorder
from tick_logger.archive.certificate import newest, numbers_of
from tick_logger.archive.certifying import Place, Told
from tick_logger.archive.sealer import Others, Sealer
from tick_logger.model.tables import ORIGIN_REST, Table
from tick_logger.offload import InlineOffload
from tick_logger.reader.opening import source_at
from tick_logger.storage.disk_files import DiskFiles


@attrs.define
class Seals:
    """Who is asked for seals: notes what, and is done at once."""

    asked: list[tuple[str, int]] = attrs.field(factory=list)
    safe: trio.Event = attrs.field(factory=trio.Event)
    """Whether all that is on disk is safe there."""
    checkpoints: int = 0

    async def seal(self, exchange: str, day: int) -> None:
        self.asked.append((exchange, day))

    async def settled(self) -> None:
        self.checkpoints += 1
        await self.safe.wait()


@attrs.define
class Rig(Others):
    folder: Path
    files: DiskFiles
    seals: Seals = attrs.field(factory=Seals)
    pending: list[str] = attrs.field(factory=list)
    behind_ns: int | None = 0
    withheld_days: list[int] = attrs.field(factory=list)

    def told(self, exchange: str, day: int) -> Told:
        return Told(pending=tuple(self.pending))

    def venue_ns(self, exchange: str, now_ns: int) -> int | None:
        return None if self.behind_ns is None else now_ns - self.behind_ns

    def withheld(self, exchange: str, day: int) -> None:
        self.withheld_days.append(day)

    def sealer(self, start_ns: int) -> Sealer:
        place = Place(
            files=self.files, source=lambda: source_at(self.folder), collector="a1", version="9"
        )
        return Sealer(
            place,
            self.seals,
            clock=VirtualClock(start_ns),
            offload=InlineOffload(),
            seal_after_secs=3_600.0,
            others=self,
        )

    def numbers(self, day: int = DAY) -> list[int]:
        return numbers_of(self.files, "venue", day)

    def condition(self, day: int = DAY) -> str:
        found = newest(self.files, "venue", day)
        assert found is not None
        return str(found.predicate["condition"])


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    three_days(tmp_path)
    files = DiskFiles(tmp_path)
    made = Rig(tmp_path, files)
    made.seals.safe.set()
    yield made
    files.close()


async def hours(sealer: Sealer, count: float, each: Callable[[int], None] = lambda _: None) -> None:
    """Let it run for so many hours; `each` is called at every full one."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sealer.run)
        for hour in range(int(count)):
            await trio.sleep(3_600.0)
            each(hour)
        nursery.cancel_scope.cancel()


async def test_each_day_is_sealed_when_it_is_due(rig: Rig, autojump_clock: MockClock) -> None:
    """Those that were over at the start in order, the others an hour after midnight; each once."""
    await hours(rig.sealer(MIDNIGHT + NS_PER_DAY + 30 * 60 * 10**9), 26)
    assert rig.seals.asked == [("venue", DAY - 1), ("venue", DAY), ("venue", DAY + 1)]
    assert [rig.numbers(day)[:1] for day in (DAY - 1, DAY, DAY + 1, DAY + 2)] == [[1], [1], [1], []]
    again = Rig(rig.folder, rig.files)
    again.seals.safe.set()
    await hours(again.sealer(MIDNIGHT + 3 * NS_PER_DAY), 2)
    assert again.seals.asked == []


async def test_days_that_are_due_together_wait_for_one_checkpoint(
    rig: Rig, autojump_clock: MockClock
) -> None:
    """Each takes seconds; and every certificate still names that of the day before it."""
    sealer = rig.sealer(MIDNIGHT + 2 * NS_PER_DAY + HOUR)
    await sealer.round()
    assert [rig.numbers(day) for day in (DAY - 1, DAY, DAY + 1)] == [[1], [1], [1]]
    assert rig.seals.checkpoints == 1
    found = [newest(rig.files, "venue", day) for day in (DAY - 1, DAY, DAY + 1)]
    names = [f"sha256:{each.sha256}" for each in found if each is not None]
    said = [each.predicate["previous_day"] for each in found if each is not None]
    assert said == [None, *names[:2]]


async def test_nothing_is_vouched_for_before_it_is_safe(
    rig: Rig, autojump_clock: MockClock
) -> None:
    """A power cut may take it; what comes while that is waited for is not certified."""
    rig.seals.safe = trio.Event()
    sealer = rig.sealer(MIDNIGHT + NS_PER_DAY + HOUR)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sealer.round)
        await trio.sleep(100.0)
        assert rig.seals.asked == [("venue", DAY)]
        assert rig.numbers(DAY - 1) == []
        row = trade(5, MIDNIGHT - 12 * HOUR)
        Recorder(rig.folder).write(Table.TRADES, [row], late=True)
        rig.seals.safe.set()
    first = newest(rig.files, "venue", DAY - 1)
    assert first is not None
    (stream,) = first.predicate["streams"]
    assert stream["rows"]["late"] == 0


async def test_a_better_state_follows_hourly_and_then_daily(
    rig: Rig, autojump_clock: MockClock
) -> None:
    """However often something comes; and none follows if nothing does."""
    recorder, counts = Recorder(rig.folder), []

    def come(hour: int) -> None:
        row = trade(15, MIDNIGHT + 12 * HOUR)
        recorder.write(Table.TRADES, [row], late=True, origin=ORIGIN_REST)
        counts.append(len(rig.numbers()))

    sealer = rig.sealer(MIDNIGHT + NS_PER_DAY + HOUR)
    await hours(sealer, 72, come)
    steps = [number - 1 for number in range(1, len(counts)) if counts[number] > counts[number - 1]]
    assert 20 <= counts[23] <= 25
    assert 1 <= counts[-1] - counts[25] <= 3
    assert steps
    await hours(sealer, 30)
    before = len(rig.numbers())
    await hours(sealer, 60)
    assert len(rig.numbers()) == before


async def test_a_day_waits_for_its_neighbour_and_for_others(
    rig: Rig, autojump_clock: MockClock
) -> None:
    """The newest day has none after it; a day later that is no reason any more."""
    rig.pending.append("the back-fill still asks")
    sealer = rig.sealer(MIDNIGHT + 2 * NS_PER_DAY + HOUR)
    await hours(sealer, 2)
    assert (rig.condition(), rig.condition(DAY + 1)) == ("pending", "pending")
    rig.pending.clear()
    await hours(sealer, 3)
    assert (rig.condition(), rig.condition(DAY + 1)) == ("available", "pending")
    Recorder(rig.folder).write(Table.TRADES, [trade(31, MIDNIGHT + 2 * NS_PER_DAY + HOUR)])
    await hours(sealer, 3)
    assert rig.condition(DAY + 1) == "available"


async def test_a_symbol_that_is_traded_no_more_is_not_waited_for(
    rig: Rig, autojump_clock: MockClock
) -> None:
    """For a day only."""
    sealer = rig.sealer(MIDNIGHT + 2 * NS_PER_DAY + HOUR)
    await hours(sealer, 20)
    assert rig.condition(DAY + 1) == "pending"
    await hours(sealer, 50)
    assert rig.condition(DAY + 1) == "available"


async def test_a_day_that_is_not_over_by_its_exchange_is_not_sealed(
    rig: Rig, autojump_clock: MockClock
) -> None:
    """Nor one of which nobody knows, for an hour; it is said and counted once."""
    rig.behind_ns = NS_PER_DAY
    sealer = rig.sealer(MIDNIGHT + NS_PER_DAY + HOUR)  # by its own clock it is the day before
    with structlog.testing.capture_logs() as logs:
        await hours(sealer, 6)
    assert (rig.numbers(DAY - 1)[:1], rig.numbers(DAY)) == ([1], [])
    assert rig.seals.asked == [("venue", DAY - 1)]
    assert rig.withheld_days == [DAY]
    (said,) = [each for each in logs if each["event"] == "seal_withheld"]
    assert said["behind_secs"] == 86_400
    rig.behind_ns = 0
    await hours(sealer, 1)
    assert rig.numbers(DAY) == [1]
    rig.behind_ns = None
    later = rig.sealer(MIDNIGHT + 2 * NS_PER_DAY + HOUR)
    await hours(later, 1)
    assert rig.numbers(DAY + 1) == []
    await hours(later, 1)
    assert rig.numbers(DAY + 1) == []
    await hours(later, 2)
    assert rig.numbers(DAY + 1) == [1]


async def test_a_disk_in_trouble_delays_only(
    rig: Rig, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said, and tried again within the hour."""

    class Full(DiskFiles):
        full = True

        def replace(self, path: str, data: bytes) -> None:
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device")
            super().replace(path, data)

    rig.files = full = Full(rig.folder)
    sealer = rig.sealer(MIDNIGHT + 2 * NS_PER_DAY)
    with structlog.testing.capture_logs() as logs:
        await hours(sealer, 2)
        assert rig.numbers() == []
        full.full = False
        await hours(sealer, 2)
    assert rig.numbers() == [1]
    events = [(each["event"], each.get("reason")) for each in logs]
    assert ("day_not_certified", "No space left on device") in events
    full.close()
