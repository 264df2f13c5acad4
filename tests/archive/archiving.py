"""An archive in memory with three certified days, and a worker that packs anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

import attrs
import trio
from prometheus_client import CollectorRegistry

from tests.archive.kept import DAY, EXCHANGE, certify, record, sha
from tests.fakes.clock import VirtualClock
from tests.fakes.memory_files import MemoryFiles
from tests.fakes.memory_store import MemoryStore
from tests.fakes.offload import StallingOffload
from tick_logger.archive.archiver import Archiver
from tick_logger.archive.jobs import Folders, Job, Made, RawJob, Result, Stream, TableJob
from tick_logger.archive.keeping import Places, Rules
from tick_logger.archive.keys import WORDS, RawKey, TypedKey
from tick_logger.archive.ledger import Ledger, Where
from tick_logger.archive.local_store import LocalStore
from tick_logger.archive.object_store import ObjectStore
from tick_logger.model.tables import Table
from tick_logger.model.times import NS_PER_DAY
from tick_logger.offload import InlineOffload, Offload
from tick_logger.storage.files import Files
from tick_logger.telemetry.archive_metrics import ArchiveMetrics

FOLDERS = Folders("data", "archive", "here")
DAYS = 3


class FakeDue:
    """A job for each certified day, and one of the journal; each once."""

    def of_day(self, ledger: Ledger, exchange: str, day: int) -> Sequence[TableJob]:
        if ledger.of_day(exchange, day, WORDS[Table.TRADES]):
            return ()
        return [TableJob(FOLDERS, exchange, day, Table.TRADES, (Stream("A", 3, 0, 0),))]

    def raw(self, ledger: Ledger, *, everything: bool) -> Sequence[RawJob]:
        until = 20 if everything else 10
        begin = ledger.covered()[-1][1] if ledger.covered() else 0
        return [RawJob(FOLDERS, begin, until)] if begin < until else []


@attrs.define
class FakeWorker:
    """Writes objects whose bytes follow from the job, durably, and may take its time."""

    files: Files
    secs: float = 0.0
    runs: Counter[str] = attrs.field(factory=Counter)
    fail: BaseException | None = None

    async def run(self, job: Job) -> Result:
        await trio.sleep(self.secs)
        if self.fail is not None:
            raise self.fail
        data = job.input_hash.encode() * 20
        self.runs[job.input_hash] += 1
        if isinstance(job, TableJob):
            key = str(TypedKey(job.table, job.exchange, job.day, "here", sha(data)[:12]))
            made = Made(job.input_hash, key, sha(data), len(data), 3, job.exchange, job.day,
                        WORDS[job.table])  # fmt: skip
        else:
            key = str(RawKey(EXCHANGE, DAY, "here", job.first_seq, sha(data)[:12]))
            made = Made(job.input_hash, key, sha(data), len(data), 1, EXCHANGE, DAY, "raw",
                        frames=(job.first_seq, job.next_seq))  # fmt: skip
        self.files.replace(key, data)
        self.files.sync()
        return Result((made,))


class Rig:
    """Three certified days, and an archive that is kept in the bucket or in both places."""

    def __init__(
        self, *, wanted: tuple[Where, ...] = (Where.BUCKET,), keep_days: int = 0,
        recorded: Files | None = None, archive: Files | None = None,
        bucket: MemoryStore | None = None, record_days: bool = True,
        store: ObjectStore | None = None, attempts: int = 5,
    ) -> None:  # fmt: skip
        self.recorded, self.archive = recorded or MemoryFiles(), archive or MemoryFiles()
        self.bucket = bucket or MemoryStore()
        self.store: ObjectStore = store or self.bucket
        self.free_share = 1.0
        if record_days:
            for day in range(DAY, DAY + DAYS):
                record(self.recorded, day, 3)
                certify(self.recorded, day)
            self.recorded.sync()
        self.worker = FakeWorker(self.archive)
        self.registry = CollectorRegistry()
        self.sending: Offload = InlineOffload()
        self.thread: Offload = InlineOffload()
        self.stall = StallingOffload()
        self.clock = VirtualClock((DAY + DAYS) * NS_PER_DAY)
        self.wanted, self.keep_days, self.attempts = wanted, keep_days, attempts

    def archiver(self, *, sending: Offload | None = None) -> Archiver:
        inline = InlineOffload()
        places = Places(
            recorded=self.recorded, columns=self.recorded, archive=self.archive,
            stores={Where.LOCAL: LocalStore(self.archive), Where.BUCKET: self.store},
            thread=self.thread, column_thread=inline, sending=sending or inline,
            free_share=lambda: self.free_share,
        )  # fmt: skip
        rules = Rules(wanted=self.wanted, keep_days=self.keep_days, attempts=self.attempts)
        registry = CollectorRegistry()
        self.registry = registry
        metrics = ArchiveMetrics(registry)
        self.archive.close()  # the process before is gone, and its lock
        return Archiver(rules, places, FakeDue(), self.worker, self.clock, metrics, Random(1))

    def ledger(self) -> Ledger:
        return Ledger(self.archive)

    def waiting(self) -> list[str]:
        """Keys that are not verified everywhere."""
        ledger = self.ledger()
        return [
            each.key
            for each in ledger.all_packed()
            if not all(ledger.is_verified(each.key, where) for where in self.wanted)
        ]

    def number(self, name: str) -> float:
        found = self.registry.get_sample_value(name)
        return found or 0.0

    def check(self) -> None:
        """Nothing lost, nothing doubled: each object is in the bucket once, as it was packed."""
        packed = {each.key: each.sha256 for each in self.ledger().all_packed()}
        kept = {key: sha(data) for key, (data, _) in self.bucket.objects.items()}
        assert kept == packed
        days = [key for key in kept if "table=trades" in key]
        assert len(days) == DAYS == len({key.rpartition("/")[0] for key in days})
