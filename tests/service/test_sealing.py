"""Days are sealed and certified while it is recorded, and every figure is found again by hand."""

from __future__ import annotations

import hashlib
from pathlib import Path

import attrs
import pytest
from trio.testing import MockClock

from tests.archive import by_hand
from tests.archive.found_again import assert_found_again, bytes_of, certificates, newest
from tests.fakes.clock import NOON_NS
from tests.fakes.memory_files import MemoryFiles
from tests.service.oracle import recorded
from tests.service.world import Venue, World, running, venue
from tick_logger.archive import sealer
from tick_logger.archive.signing import new_key
from tick_logger.config.schema import ArchiveConfig
from tick_logger.derive.recovery import Recovery
from tick_logger.derive.replay import entries_of
from tick_logger.journal.reader import JournalReader
from tick_logger.model.entries import Sealed
from tick_logger.verify.recording import verify_recording

DAY_NS = by_hand.DAY_NS
DAY = 20_786  # 2026-11-29
NAMES = ("2026-11-29", "2026-11-30", "2026-12-01")
AFTER_SECS = 120.0
EXCHANGES = ("binance", "coinbase", "kraken")


def quiet(name: str) -> Venue:
    """With so little to say that long runs are cheap."""
    return venue(
        name,
        1,
        simulated={"messages_per_second": 2.0, "step_secs": 1.0},
        feeds=("trades", "ticker"),
    )


async def live(files: MemoryFiles, config: ArchiveConfig, day: int, secs: float) -> World:
    """A life from ten minutes before the end of a day on."""
    start_ns = (day + 1) * DAY_NS - 300 * 10**9
    venues = [quiet(name) for name in EXCHANGES]
    kept = {"journal_keep_hours": 1_000.0}
    async with running(
        *venues, logger=kept, files=files, archive=config, start_ns=start_ns
    ) as world:
        await world.until(secs)
    assert world.code == 0
    return world


async def test_three_days_are_sealed_certified_and_found_again(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    """Signed, in order, each naming the day before; and the recording is as whole as ever."""
    secret, public = new_key()
    (tmp_path / "key.pem").write_bytes(secret)
    config = ArchiveConfig(seal_after_secs=AFTER_SECS, key_file=str(tmp_path / "key.pem"))
    files = MemoryFiles()
    for day in range(DAY, DAY + 3):
        world = await live(files, config, day, 300 + AFTER_SECS + 90)
        lines = world.said("day_certified")
        assert [(x["exchange"], x["day"], x["number"]) for x in lines] == [
            (name, NAMES[day - DAY], 1) for name in EXCHANGES
        ]
        assert world.metric("sealed_day_timestamp_seconds", "kraken") == day * 86_400
        on_disk = bytes_of(files)
        for path, said in certificates(on_disk, public).items():
            if said["predicate"]["day"] == NAMES[day - DAY]:
                assert_found_again(on_disk, path, said)
    found = certificates(bytes_of(files), public)
    assert len(found) == 9
    for exchange in EXCHANGES:
        before = None
        for name in NAMES:
            path = f"{exchange}/certificate.{by_hand.day_text(name)}.1.json"
            assert found[path]["predicate"]["previous_day"] == before
            assert found[path]["predicate"]["supersedes"] is None
            before = f"sha256:{hashlib.sha256(files.read(path)).hexdigest()}"
    sealed = [
        (entry.exchange, entry.day)
        for frame in JournalReader(files, from_seq=1)
        for entry in entries_of(frame)
        if isinstance(entry, Sealed)
    ]
    assert [day for _, day in sealed] == sorted(day for _, day in sealed)
    assert sorted(sealed) == [(name, day) for name in EXCHANGES for day in range(DAY, DAY + 3)]
    report = verify_recording(files, deep=True)
    assert (report.findings, report.not_compared) == ([], "")
    replayed = bytes_of(files)
    Recovery(files, price_dtype=None).run(0)
    assert bytes_of(files) == replayed
    journal = MemoryFiles()
    segments = {p: data for p, data in files.contents.items() if p.endswith(".tlj")}
    journal.contents.update((path, bytearray(data)) for path, data in segments.items())
    Recovery(journal, price_dtype=None).run(0)
    assert recorded(journal) == recorded(files)


async def test_days_that_were_missed_are_sealed_at_the_next_start(
    autojump_clock: MockClock,
) -> None:
    """In order; also those of an exchange that is not recorded any more."""
    files = MemoryFiles()
    never = ArchiveConfig(seal_after_secs=604_800.0)
    for day in (DAY, DAY + 2):
        world = await live(files, never, day, 330)
        assert world.said("day_certified") == []
    start_ns = (DAY + 8) * DAY_NS + DAY_NS // 2
    async with running(
        quiet("kraken"),
        files=files,
        archive=attrs.evolve(never, seal_after_secs=1.0),
        start_ns=start_ns,
    ) as world:
        await world.until(200.0)
        names = ["2026-11-29", "2026-11-30", "2026-12-01", "2026-12-02"]
        lines = [(x["exchange"], x["day"]) for x in world.said("day_certified")]
        assert lines == [(exchange, name) for exchange in EXCHANGES for name in names]
    on_disk = bytes_of(files)
    found = certificates(on_disk)
    for path in newest(found).values():
        assert_found_again(on_disk, path, found[path])
    assert verify_recording(files, deep=True).findings == []


@pytest.mark.parametrize("secs", [59.0, 119.0, 179.0])
async def test_a_day_is_not_sealed_before_its_time(secs: float, autojump_clock: MockClock) -> None:
    """Within a minute after it."""
    files = MemoryFiles()
    config = ArchiveConfig(seal_after_secs=AFTER_SECS)
    world = await live(files, config, DAY, 300 + secs)
    assert bool(world.said("day_certified")) is (secs > AFTER_SECS)


async def test_a_clock_that_jumps_a_day_ahead_seals_no_day(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exchange shows that the day goes on; it is said and counted, and recorded as before."""
    monkeypatch.setattr(sealer, "DOUBT_SECS", 180.0)  # an hour takes a minute
    config = ArchiveConfig(seal_after_secs=1.0)
    async with running(quiet("binance"), archive=config) as world:
        await world.until(59.0)  # a moment before the sealer looks
        world.clock.step(86_400.0)
        await world.until(320.0)
        assert [path for path in world.files.contents if "certificate" in path] == []
        assert world.metric("seals_withheld_total") == 1
        (said,) = world.said("seal_withheld", exchange="binance")
        assert abs(said["behind_secs"] - 86_400) <= 1
        assert world.metric("seal_due_timestamp_seconds") == NOON_DAY_NS // 10**9 + 86_401
    frames = JournalReader(world.files, from_seq=0)
    assert not [x for frame in frames for x in entries_of(frame) if isinstance(x, Sealed)]


NOON_DAY_NS = NOON_NS - NOON_NS % DAY_NS
