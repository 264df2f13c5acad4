"""The power is cut at every operation from packing to letting go, and the next start goes on.

What is packed was recorded, sealed and certified by the real pipeline, and is packed by the real
code.  A life that was cut ends as an undisturbed one: with the same objects under the same names,
the same column files, the same certificates.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from random import Random

import attrs
import pytest

from tests.archive import test_sealing_crashes as sealing
from tests.archive.kept import sha
from tests.fakes.clock import VirtualClock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.sim_disk import Kind, PowerCut, SimDisk
from tests.service.world import in_virtual_time
from tick_logger.archive import raw, typed
from tick_logger.archive.archiver import Archiver
from tick_logger.archive.jobs import Folders, Job, RawJob, Result, TableJob
from tick_logger.archive.keeping import Places, Rules
from tick_logger.archive.keys import WORDS
from tick_logger.archive.ledger import Ledger, Where
from tick_logger.archive.local_store import LocalStore
from tick_logger.archive.packing import day_jobs, raw_jobs
from tick_logger.model.times import NS_PER_DAY
from tick_logger.offload import InlineOffload
from tick_logger.storage.layout import CertificatePath, ColumnPath, parse
from tick_logger.telemetry.archive_metrics import ArchiveMetrics

FOLDERS = Folders("data", "archive", "here")
EXCHANGE, TABLES = "coinbase", ("TRADES", "BOOK")
"""Of what was recorded; the rest would only take longer."""

STEP = 16
"""Every so many operations are tried in each run, and with the slow tests all others."""

MODES = {"both": (Where.LOCAL, Where.BUCKET), "s3": (Where.BUCKET,)}


@functools.cache
def recorded() -> tuple[dict[str, bytes], int]:
    """A directory with a certified day, and the frame behind the last one of its journal."""
    disk, frames = SimDisk(Random(0)), list[object]()
    in_virtual_time(sealing.live, disk, frames, [])
    kept = {}
    for path, data in disk.contents.items():
        found = parse(path)
        if isinstance(found, CertificatePath | ColumnPath) and (
            found.exchange != EXCHANGE
            or (isinstance(found, ColumnPath) and found.table.value not in TABLES)
        ):
            continue
        kept[path] = bytes(data)
    return kept, len(frames) + 1


@attrs.frozen
class Due:
    """What a real recording has to be packed, on a simulated disk."""

    disk: SimDisk
    until_seq: int

    def of_day(self, ledger: Ledger, exchange: str, day: int) -> Sequence[TableJob]:
        return day_jobs(FOLDERS, sealing.source(self.disk), ledger, exchange, day)

    def raw(self, ledger: Ledger, *, everything: bool) -> Sequence[RawJob]:
        return raw_jobs(FOLDERS, self.disk, ledger, until_seq=self.until_seq)


@attrs.frozen
class Packer:
    """Packs with the real code, and dies with its disks."""

    recorded: SimDisk
    archive: SimDisk

    async def run(self, job: Job) -> Result:
        if isinstance(job, TableJob):
            return typed.pack(job, sealing.source(self.recorded), self.archive)
        return raw.pack(job, self.recorded, self.archive)


class Life:
    """A recording, an archive and a bucket, and those who keep it, one after the other."""

    def __init__(self, mode: str, seed: int) -> None:
        contents, self.until_seq = recorded()
        self.recorded, self.archive = SimDisk(Random(seed)), SimDisk(Random(seed + 1))
        for path, data in contents.items():
            self.recorded.append(path, data)
        for disk in (self.recorded, self.archive):
            disk.sync()
        self.bucket = MemoryStore()
        self.wanted = MODES[mode]

    async def cycle(self) -> Archiver:
        """As of a process that has just begun; raises `PowerCut`."""
        inline = InlineOffload()
        places = Places(
            recorded=self.recorded, columns=self.recorded, archive=self.archive,
            stores={Where.LOCAL: LocalStore(self.archive), Where.BUCKET: self.bucket},
            thread=inline, column_thread=inline, sending=inline,
        )  # fmt: skip
        self.archive.close()
        archiver = Archiver(
            Rules(wanted=self.wanted, keep_days=1, concurrency=1),
            places,
            Due(self.recorded, self.until_seq),
            Packer(self.recorded, self.archive),
            VirtualClock((sealing.DAY + 3) * NS_PER_DAY),
            ArchiveMetrics.unserved(),
            Random(1),
        )
        await archiver.cycle()
        return archiver

    def is_safe(self) -> None:
        """What the ledger says is so, and whatever went lies elsewhere."""
        ledger = Ledger(self.archive)
        for each in ledger.all_packed():
            local = self.archive.contents.get(each.key)
            if ledger.is_verified(each.key, Where.BUCKET):
                assert sha(self.bucket.objects[each.key][0]) == each.sha256
            elif each.table != "certificate":
                assert local is not None
                if each.table != "sums":
                    assert sha(bytes(local)) == each.sha256
            if ledger.is_verified(each.key, Where.LOCAL) and each.table != "sums":
                assert sha(bytes(self.archive.contents[each.key])) == each.sha256
        contents, _ = recorded()
        gone = set(contents) - set(self.recorded.contents)
        for path in gone:
            found = parse(path)
            assert isinstance(found, ColumnPath)
            assert ledger.is_released(found.exchange, found.day)
            objects = ledger.of_day(found.exchange, found.day, WORDS[found.table])
            assert objects
            assert all(ledger.is_verified(e.key, w) for e in objects for w in self.wanted)
        for path in set(contents) - gone:
            assert bytes(self.recorded.contents[path]) == contents[path]

    def end(self) -> tuple[object, ...]:
        """All that there is at last."""
        lines = self.archive.contents["meta/ledger.jsonl"].splitlines()
        steps = {json.dumps({**json.loads(line), "at_ns": 0}, sort_keys=True) for line in lines}
        archive = {p: bytes(d) for p, d in self.archive.contents.items() if p.startswith("data/")}
        bucket = {key: data for key, (data, _) in self.bucket.objects.items()}
        return archive, bucket, set(self.recorded.contents), steps


@functools.cache
def undisturbed(mode: str) -> tuple[tuple[object, ...], dict[str, int]]:
    """How it ends, and how many operations and requests it takes."""
    life = Life(mode, 0)
    begun = {"archive": life.archive.operations, "recorded": life.recorded.operations}
    archiver = in_virtual_time(life.cycle)
    counts = {
        "archive": life.archive.operations - begun["archive"],
        "recorded": life.recorded.operations - begun["recorded"],
        "bucket": life.bucket.requests,
    }
    assert archiver.progress.troubles == {}
    assert Ledger(life.archive).released() == [(EXCHANGE, sealing.DAY)]
    life.is_safe()
    return life.end(), counts


def cut(life: Life, what: str, at: int) -> None:
    """Let this be the last operation on a disk, or request to the bucket."""
    if what == "bucket":
        life.bucket.power_cut_at(life.bucket.requests + at)
    else:
        disk = life.archive if what == "archive" else life.recorded
        disk.power_cut_at(disk.operations + at)


def dies_and_goes_on(mode: str, what: str, at: int, kind: Kind) -> None:
    life = Life(mode, at)
    cut(life, what, at)
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - of a group, perhaps
        in_virtual_time(life.cycle)
    assert is_cut(caught.value)
    for disk in (life.archive, life.recorded):
        disk.crash(Random(at), kind)
    life.bucket.power_cut_at(None)
    life.is_safe()
    archiver = in_virtual_time(life.cycle)
    assert archiver.progress.troubles == {}
    life.is_safe()
    expected, _ = undisturbed(mode)
    assert life.end() == expected
    assert all(n == 1 for key, n in life.bucket.puts.items() if key.startswith("data/"))


def is_cut(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return any(is_cut(each) for each in error.exceptions)
    return isinstance(error, PowerCut)


SHARES = [
    0,
    *(pytest.param(first, marks=pytest.mark.seldom) for first in range(1, STEP)),
]


@pytest.mark.parametrize("first", SHARES)
@pytest.mark.parametrize("mode", MODES)
def test_the_power_fails_at_each_operation(mode: str, first: int) -> None:
    """Of both disks, and at each request; afterwards a process is killed where that is new."""
    _, counts = undisturbed(mode)
    tried = 0
    for what, count in counts.items():
        assert count > STEP
        for at in range(1 + (first + tried) % STEP, count + 1, STEP):
            dies_and_goes_on(mode, what, at, "kill" if at % 3 == 0 else "power")
            tried += 1
    assert tried


@pytest.mark.parametrize("mode", MODES)
def test_the_disk_is_full_while_something_is_packed(mode: str) -> None:
    """Nothing is let go of that is not kept; with more room it is as if there had been enough."""
    expected, _ = undisturbed(mode)
    archive = expected[0]
    assert isinstance(archive, dict)
    for room in (0, 10, 1_000, 4_000, 10_000, 20_000):
        life = Life(mode, room)
        life.archive.capacity_bytes = room
        archiver = in_virtual_time(life.cycle)
        life.is_safe()
        if room < 10_000:
            assert "No space left" in str(archiver.progress.troubles)
        life.archive.capacity_bytes = None
        assert in_virtual_time(life.cycle).progress.troubles == {}
        life.is_safe()
        assert life.end() == expected
