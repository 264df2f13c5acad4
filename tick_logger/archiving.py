"""Puts together what keeps an archive: stores, files, threads and the process that packs.

Everything that can be wrong with it beforehand is said at once, with nothing touched: libraries and
credentials that are missing.  Not here: what it does (`archive`).
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import re
import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import cache
from random import Random

import attrs
import trio

from tick_logger.archive.archiver import Archiver
from tick_logger.archive.bucket import NO_CONSTRAINT, Address, Bucket, Credentials
from tick_logger.archive.jobs import Folders, RawJob, TableJob
from tick_logger.archive.keeping import Places, Rules
from tick_logger.archive.ledger import Ledger, Where
from tick_logger.archive.local_store import LocalStore
from tick_logger.archive.named import NamedObjects
from tick_logger.archive.object_store import ObjectStore
from tick_logger.archive.packing import day_jobs, raw_jobs
from tick_logger.archive.released import Released, released_days
from tick_logger.archive.worker import ProcessWorker
from tick_logger.clock import WallClock
from tick_logger.config.schema import ArchiveConfig, Config
from tick_logger.errors import ConfigError, StorageError, words_of
from tick_logger.offload import Offload, ThreadOffload
from tick_logger.reader.opening import ARCHIVE, source_at
from tick_logger.recording.recording import Recording
from tick_logger.recording.resources import Resources
from tick_logger.storage.cutting import IsReleased
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.storage.files import Files
from tick_logger.telemetry.archive_metrics import ArchiveMetrics
from tick_logger.telemetry.logs import get_logger

MODES: Mapping[str, tuple[Where, ...]] = {
    "off": (),
    "local": (Where.LOCAL,),
    "s3": (Where.BUCKET,),
    "both": (Where.LOCAL, Where.BUCKET),
}
"""In which places everything is to be."""

NEEDED = ("pyarrow", "trio_parallel")
NEEDED_FOR_BUCKETS = ("obstore",)


@attrs.frozen
class Written:
    """The files with which a recording is written, and the thread in which alone that is done."""

    files: Files
    thread: Offload


@attrs.frozen
class DueJobs:
    """What a real recording has to be packed.

    `end` is the frame behind the last one that the journal holds durably, once nothing more comes.
    """

    folders: Folders
    config: ArchiveConfig
    end: Callable[[], int | None]

    def of_day(self, ledger: Ledger, exchange: str, day: int) -> Sequence[TableJob]:
        """Of a certified day."""
        source = source_at(self.folders.data_path).glance()
        return day_jobs(self.folders, source, ledger, exchange, day)

    def raw(self, ledger: Ledger, *, everything: bool) -> Sequence[RawJob]:
        """Of the journal."""
        with contextlib.closing(DiskFiles(self.folders.data_path, max_open=1)) as journal:
            return raw_jobs(
                self.folders,
                journal,
                ledger,
                layout=self.config.layout,
                rotate_secs=self.config.rotate_secs,
                rotate_mib=self.config.rotate_mib,
                until_seq=self.end() if everything else None,
            )


class Keeping:
    """The archive beside a recording.  Raises `ConfigError` as `check`."""

    def __init__(self, config: Config, resources: Resources) -> None:
        check(config.archive, os.environ)
        self._config = config
        self._resources = resources
        self.archiver: Archiver | None = None  # if there is one now
        self.named = NamedObjects()

    @contextlib.asynccontextmanager
    async def beside(self, recording: Recording) -> AsyncIterator[None]:
        """Keep the archive while something is recorded, and then for a limited time."""
        resources, disk = self._resources, self._resources.disk
        async with open_archiver(
            self._config,
            Written(disk.column_files, disk.column_offload),
            resources.clock,
            resources.metrics.archive,
            lambda: recording.next_seq,
            named=self.named,
        ) as archiver:
            if archiver is None:
                yield
                return
            self.archiver = archiver
            if self._config.archive.raw:
                recording.keep_unless(lambda first: archiver.journal(first))
            async with trio.open_nursery() as keeping:
                keeping.start_soon(archiver.run)
                yield
                archiver.end()

    def skip(self) -> bool:
        """Leave the rest to the next start; False if there is none, or that was said already."""
        return self.archiver is not None and self.archiver.skip()


def check(config: ArchiveConfig, environ: Mapping[str, str]) -> None:
    """Raise `ConfigError` with all that is missing for this mode."""
    if config.mode == "off":
        return
    wanted = MODES[config.mode]
    needed = NEEDED + (NEEDED_FOR_BUCKETS if Where.BUCKET in wanted else ())
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    problems = []
    if missing:
        reason = f"needs {', '.join(missing)}: install tick_logger[archive]"
        problems.append(("archive.mode", reason))
    if Where.BUCKET in wanted:
        try:
            Credentials.of(environ)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)


def ledger_root(data_path: str, archive: ArchiveConfig) -> str:
    """The root of the archive that a recording may have: the configured one, or that beside it."""
    if archive.mode != "off":
        return archive.local_path
    return os.path.join(os.path.dirname(os.path.abspath(data_path)), ARCHIVE)


def is_released(data_path: str, archive: ArchiveConfig, files: Files | None = None) -> IsReleased:
    """Whether the archive's ledger says that a day was let go of; it is read when it is asked.

    A ledger that cannot be read says so of no day, and that is logged.  Files that are given are
    used instead of own ones.
    """

    @cache
    def released() -> Released:
        root = DiskFiles(ledger_root(data_path, archive), max_open=1)
        try:
            return released_days(files or DiskFiles(data_path, max_open=1), Ledger(root))
        except (OSError, StorageError) as error:
            get_logger().error("ledger_not_read", reason=words_of(error))
            return {}
        finally:
            root.close()

    return lambda exchange, day: day in released().get(exchange, ())


def warn_of_places(config: Config) -> None:
    """Say so if the archive fills the recording's own disk."""
    if config.archive.mode == "off":
        return
    if _device(config.archive.local_path) == _device(config.logger.data_path):
        get_logger().warning(
            "archive_on_same_disk",
            local_path=config.archive.local_path,
            explanation="what fills it stops the recording, and what breaks it takes both copies",
        )


@contextlib.asynccontextmanager
async def open_archiver(
    config: Config,
    written: Written,
    clock: WallClock,
    metrics: ArchiveMetrics,
    end: Callable[[], int | None] = lambda: None,
    named: NamedObjects | None = None,
) -> AsyncIterator[Archiver | None]:
    """The archiver of a configuration, with its process for packing; None if there is to be none.

    `named` learns which objects certificates are to name.  Raises `ConfigError` as `check`.
    """
    archive, data_path = config.archive, config.logger.data_path
    check(archive, os.environ)
    if archive.mode == "off":
        yield None
        return
    warn_of_places(config)
    root = DiskFiles(archive.local_path, max_open=8)
    places = Places(
        recorded=DiskFiles(data_path, max_open=1),
        columns=written.files,
        archive=root,
        stores=_stores(archive, root, os.environ),
        thread=ThreadOffload(),
        column_thread=written.thread,
        sending=ThreadOffload(archive.s3.concurrency),
        free_share=lambda: _free_share(data_path),
        named=named or NamedObjects(),
    )
    folders = Folders(data_path, archive.local_path, server_name(archive))
    due = DueJobs(folders, archive, end)
    try:
        async with ProcessWorker() as worker:
            yield Archiver(_rules(archive), places, due, worker, clock, metrics, Random())
    finally:
        root.close()


def server_name(archive: ArchiveConfig) -> str:
    """What names of objects begin with."""
    name = archive.server_name or platform.node() or "recorder"
    return re.sub(r"[^A-Za-z0-9_.-]", "-", name)[:64]


def _rules(archive: ArchiveConfig) -> Rules:
    bucket = archive.s3
    return Rules(
        wanted=MODES[archive.mode],
        raw=archive.raw,
        tables=archive.tables,
        layout=archive.layout,
        server=server_name(archive),
        keep_days=archive.keep_days,
        attempts=bucket.attempts,
        retry_initial_secs=bucket.retry_initial_secs,
        retry_max_secs=bucket.retry_max_secs,
        concurrency=bucket.concurrency,
    )


def _stores(
    archive: ArchiveConfig, root: Files, environ: Mapping[str, str]
) -> dict[Where, ObjectStore]:
    stores: dict[Where, ObjectStore] = {Where.LOCAL: LocalStore(root)}
    if Where.BUCKET in MODES[archive.mode]:
        bucket = archive.s3
        address = Address(
            bucket=bucket.bucket,
            region=bucket.region or environ.get("AWS_REGION", "") or NO_CONSTRAINT,
            endpoint=bucket.endpoint,
            prefix=bucket.prefix,
        )
        stores[Where.BUCKET] = Bucket(address, Credentials.of(environ))
    return stores


def _device(path: str) -> int:
    """Of the disk that a path is on, or will be."""
    where = os.path.abspath(path)
    while not os.path.exists(where):
        where = os.path.dirname(where)
    return os.stat(where).st_dev


def _free_share(path: str) -> float:
    try:
        found = shutil.disk_usage(path)
    except OSError:
        return 1.0  # whoever records there says what is wrong
    return found.free / found.total if found.total else 1.0
