"""Certificates name the archive's objects, and lose nothing when the files of a day are let go of.

A real sealer and a real archiver over one directory, in virtual time; what is named is looked up in
the archive with hashlib and pyarrow alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import attrs
import pyarrow.parquet as pq
import pytest
import trio
from prometheus_client import CollectorRegistry
from trio.testing import MockClock

from tests.archive import by_hand
from tests.archive.test_facts import DAY, HOUR, MIDNIGHT, NS_PER_DAY, three_days, trade
from tests.fakes.clock import VirtualClock
from tests.fakes.memory_store import Fault, MemoryStore
from tests.reader.recorded import Recorder
from tick_logger.archive.archiver import LOOK_AGAIN_SECS, Archiver
from tick_logger.archive.certificate import newest, numbers_of
from tick_logger.archive.certifying import Place, Told
from tick_logger.archive.inspecting import verify
from tick_logger.archive.jobs import Folders, Job, Result
from tick_logger.archive.keeping import Places, Rules
from tick_logger.archive.keys import date_text
from tick_logger.archive.ledger import Ledger, Where
from tick_logger.archive.local_store import LocalStore
from tick_logger.archive.named import NamedObjects
from tick_logger.archive.released import released_days
from tick_logger.archive.running import run_job
from tick_logger.archive.sealer import Others, Sealer
from tick_logger.archive.verifying import check_certificates
from tick_logger.archiving import DueJobs
from tick_logger.config.schema import ArchiveConfig
from tick_logger.model.tables import ORIGIN_REST, Table
from tick_logger.offload import InlineOffload
from tick_logger.reader.opening import source_at
from tick_logger.reader.tree import DiskTree
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.telemetry.archive_metrics import ArchiveMetrics

BEFORE, LAST = DAY - 1, DAY + 1
TABLES = {"trades": "TRADES", "quotes": "QUOTES", "ticker": "MD", "book_updates": "BOOK"}


class Inline:
    """Packs in this process."""

    async def run(self, job: Job) -> Result:
        await trio.lowlevel.checkpoint()
        return run_job(job)


class Seals:
    """Everything is sealed and safe at once."""

    async def seal(self, exchange: str, day: int) -> None:
        await trio.lowlevel.checkpoint()

    async def settled(self) -> None:
        await trio.lowlevel.checkpoint()


@attrs.define
class Kept(Others):
    """A directory with its archive, here and in a bucket."""

    folder: Path
    keep_days: int = 0
    files: Any = None
    bucket: MemoryStore = attrs.field(factory=MemoryStore)
    named: NamedObjects = attrs.field(factory=NamedObjects)
    sealer: Sealer = attrs.field(init=False)
    archiver: Archiver = attrs.field(init=False)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def root(self) -> Path:
        return self.folder / "archive"

    def told(self, exchange: str, day: int) -> Told:
        return Told(named=self.named.of(exchange, day))

    def begin(self, start_ns: int) -> None:
        inline, clock = InlineOffload(), VirtualClock(start_ns)
        self.files, root = DiskFiles(self.data), DiskFiles(self.root)
        place = Place(
            files=self.files, source=lambda: source_at(self.data), collector="a1", version="9"
        )
        self.sealer = Sealer(
            place, Seals(), clock=clock, offload=inline, seal_after_secs=3_600.0, others=self
        )
        places = Places(
            recorded=self.files, columns=self.files, archive=root,
            stores={Where.LOCAL: LocalStore(root), Where.BUCKET: self.bucket},
            thread=inline, column_thread=inline, sending=inline, named=self.named,
        )  # fmt: skip
        rules = Rules(wanted=tuple(Where), keep_days=self.keep_days, raw=False)
        due = DueJobs(
            Folders(str(self.data), str(self.root), "here"), ArchiveConfig(), lambda: None
        )
        metrics = ArchiveMetrics(CollectorRegistry())
        self.archiver = Archiver(rules, places, due, Inline(), clock, metrics, Random(1))

    async def hours(self, count: int) -> None:
        """Let it run: each hour a cycle, a round, and a cycle that brings what that wrote."""
        for _ in range(count):
            await self.archiver.cycle()
            await self.sealer.round()
            await self.archiver.cycle()
            assert set(self.archiver.progress.troubles) <= {"s3"}
            await trio.sleep(3_600.0)

    def newest(self, day: int = DAY) -> dict[str, Any]:
        """What the newest certificate says, opened by hand."""
        number = numbers_of(self.files, "venue", day)[-1]
        date = by_hand.day_text(date_text(day))
        return by_hand.opened((self.data / f"venue/certificate.{date}.{number}.json").read_bytes())

    def numbers(self, *days: int) -> list[list[int]]:
        return [numbers_of(self.files, "venue", day) for day in days or (BEFORE, DAY, LAST)]

    def faults(self) -> list[str]:
        """Of `verify` of the directory, and of `archive verify`."""
        ledger = Ledger(DiskFiles(self.root))
        released = released_days(self.files, ledger)
        told = check_certificates(self.files, source_at(self.data), None, released, ledger)
        mine = [f"{each.path}: {each.text}" for each in told if each.is_fault]
        return [*mine, *verify(DiskTree(self.root)).findings]


@asynccontextmanager
async def kept(folder: Path, keep_days: int = 0, start: int = DAY + 2) -> AsyncIterator[Kept]:
    """Three days that are over, at 01:00 of the day after them."""
    three_days(folder / "data")
    made = Kept(folder, keep_days)
    made.begin(MIDNIGHT + (start - DAY) * NS_PER_DAY + HOUR)
    await trio.lowlevel.checkpoint()
    yield made
    made.files.close()


def objects(said: dict[str, Any]) -> dict[str, str]:
    """What is named of an archive."""
    names = {each["name"]: each["digest"]["sha256"] for each in said["subject"]}
    return {name: sha256 for name, sha256 in names.items() if name.endswith(".parquet")}


def assert_named(root: Path, said: dict[str, Any]) -> None:
    """Each object of the day that lies there is named, and nothing else; with all of its rows."""
    day = said["predicate"]["day"]
    there, rows = {}, Counter[str]()
    for path in root.rglob(f"*/date={day}/*.parquet"):
        there[str(path.relative_to(root))] = hashlib.sha256(path.read_bytes()).hexdigest()
        word = path.parts[-4].partition("=")[2]
        rows[TABLES[word]] += pq.ParquetFile(path).metadata.num_rows
    for path in root.glob(f"meta/venue/aside.*.{day}.*.parquet"):
        there[str(path.relative_to(root))] = hashlib.sha256(path.read_bytes()).hexdigest()
    assert there
    assert objects(said) == there
    assert said["predicate"]["sources"]["packed_rows"] == rows


async def test_objects_are_named_once_they_are_verified_everywhere(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """By the next certificate, an hour after the first; after that nothing new is to be said."""
    async with kept(tmp_path) as rig:
        rig.bucket.always = Fault.FORBIDDEN
        await rig.hours(3)
        assert rig.numbers(BEFORE, DAY) == [[1], [1]]
        assert objects(rig.newest()) == {}
        rig.bucket.always = None
        await rig.hours(3)
        assert rig.numbers(BEFORE, DAY) == [[1, 2], [1, 2]]
        for day in (BEFORE, DAY, LAST):
            assert_named(rig.root, rig.newest(day))
        before = rig.newest()
        assert rig.faults() == []
        await rig.hours(2)
        await trio.sleep(20 * 3_600.0)
        await rig.hours(3)
        assert rig.numbers(BEFORE, DAY) == [[1, 2], [1, 2]]
        assert objects(rig.newest()) == objects(before)
        assert set(rig.bucket.objects) >= {
            *objects(before),
            "meta/venue/certificate.2026-11-29.2.json",
        }


async def test_late_rows_are_certified_before_they_are_packed_and_after(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """Both certificates hold, and the newest one lists all parts."""
    async with kept(tmp_path) as rig:
        await rig.hours(2)
        (one,) = objects(rig.newest())
        row = trade(15, MIDNIGHT + 12 * HOUR)
        Recorder(rig.data).write(Table.TRADES, [row], late=True, origin=ORIGIN_REST)
        await rig.hours(2)
        said = rig.newest()
        assert list(objects(said)) == [one]
        assert said["predicate"]["sources"]["packed_rows"] == {"TRADES": 10}
        assert said["predicate"]["streams"][0]["rows"]["total"] == 11
        assert rig.faults() == []
        await trio.sleep(LOOK_AGAIN_SECS)
        await rig.hours(2)
        said = rig.newest()
        assert len(objects(said)) == 2
        assert_named(rig.root, said)
        assert rig.faults() == []


async def test_a_day_that_is_let_go_of_stays_certified(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """No later certificate says less; what comes for it is one more object that is named, and the
    day behind it still has its neighbour."""
    async with kept(tmp_path, keep_days=1) as rig:
        await rig.sealer.round()
        first = {day: rig.newest(day)["predicate"] for day in (BEFORE, DAY)}
        await rig.hours(2)  # the oldest two go at once: both days are old enough
        assert Ledger(DiskFiles(rig.root)).released() == [("venue", BEFORE), ("venue", DAY)]
        assert not list(rig.data.glob("venue/BTC-USD/TRADES/*.29.11.26.bin"))
        await rig.hours(4)
        for day in (BEFORE, DAY):
            said = rig.newest(day)
            assert said["predicate"]["streams"] == first[day]["streams"]
            assert said["predicate"]["condition"] == "available"
            assert_named(rig.root, said)
        last = newest(rig.files, "venue", LAST)
        assert last is not None
        (stream,) = last.predicate["streams"]
        assert stream["ids"]["neighbours"] == {"before": 20, "after": None}
        assert stream["times"]["covered"][0][0] == MIDNIGHT + NS_PER_DAY
        assert rig.faults() == []
        row = trade(15, MIDNIGHT + 12 * HOUR)
        Recorder(rig.data).write(Table.TRADES, [row], late=True, origin=ORIGIN_REST)
        await trio.sleep(LOOK_AGAIN_SECS)
        await rig.hours(2)
        said = rig.newest()
        assert said["predicate"]["streams"] == first[DAY]["streams"]
        assert_named(rig.root, said)
        assert said["predicate"]["sources"]["packed_rows"] == {"TRADES": 11}
        assert rig.faults() == []
        # Nobody keeps the archive any more, and then the next process does.
        rig.named.__init__()  # type: ignore[misc]
        await rig.sealer.round()
        await trio.sleep(25 * 3_600.0)
        await rig.sealer.round()
        assert objects(rig.newest()) == objects(said)


@pytest.mark.parametrize("harm", ["row", "object", "ledger", "other"])
async def test_what_is_taken_away_of_an_archive_is_noticed(
    harm: str, tmp_path: Path, autojump_clock: MockClock
) -> None:
    """An object, its line in the ledger, or another's in its place; a row too few in an object."""
    async with kept(tmp_path) as rig:
        await rig.hours(2)
        (key,) = objects(rig.newest())
        path, ledger = rig.root / key, rig.root / "meta/ledger.jsonl"
        lines = ledger.read_text().splitlines(keepends=True)
        if harm == "object":
            path.unlink()
            expected = f"{key} is not there, or has another SHA-256"
        elif harm == "ledger":
            ledger.write_text("".join(line for line in lines if key not in line))
            expected = "the archive's ledger does not know it"
        elif harm == "other":
            changed = [x.replace(objects(rig.newest())[key], "0" * 64) for x in lines]
            ledger.write_text("".join(changed))
            expected = "the archive's ledger has another SHA-256"
        else:
            _certify_fewer(rig, key)
            expected = "TRADES: 10 rows in objects, certified 9"
        assert any(expected in each for each in rig.faults()), rig.faults()


def _certify_fewer(rig: Kept, key: str) -> None:
    """A certificate and an archive that agree, but for the rows in an object."""
    path = rig.root / "meta/venue/certificate.2026-11-29.2.json"
    envelope = json.loads(path.read_bytes())
    payload = base64.b64decode(envelope["payload"])
    payload = payload.replace(b'"packed_rows":{"TRADES":10}', b'"packed_rows":{"TRADES":9}')
    envelope["payload"] = base64.b64encode(payload).decode()
    path.write_text(json.dumps(envelope))
