"""Workers: the same contract inline and in a real process, and what a process may die of."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import trio

from scripts.benchmark.reading import MIDNIGHT_SECS, write_day
from tests.archive.test_typed import Archive
from tests.archive.worker_jobs import (
    aborting,
    full_disk,
    killed,
    killed_once,
    leaving,
    looking,
    mistaken,
    peak_of,
    sleeping,
    too_short,
)
from tests.reader.recorded import Recorder
from tests.storage.sample import numbered
from tick_logger.archive.jobs import Folders, Result, TableJob
from tick_logger.archive.ledger import Ledger
from tick_logger.archive.packing import day_jobs
from tick_logger.archive.parquet import remove_parts
from tick_logger.archive.running import run_job
from tick_logger.archive.worker import (
    ATTEMPTS,
    NICENESS,
    InlineWorker,
    PackingError,
    ProcessWorker,
    Run,
    Worker,
)
from tick_logger.errors import StorageError
from tick_logger.model.tables import Table
from tick_logger.reader.opening import source_at
from tick_logger.storage.disk_files import DiskFiles

JOB = TableJob(Folders("", "", "here"), "venue", 5, Table.TRADES, ())


class Workers:
    """Makes workers that end with the test."""

    def __init__(self, kind: str, stack: AsyncExitStack) -> None:
        self._kind = kind
        self._stack = stack

    async def that(self, run: Run) -> Worker:
        if self._kind == "inline":
            return InlineWorker(run)
        return await self._stack.enter_async_context(ProcessWorker(run))


@pytest.fixture(params=["inline", "process"])
async def workers(request: pytest.FixtureRequest) -> AsyncIterator[Workers]:
    async with AsyncExitStack() as stack:
        yield Workers(request.param, stack)


async def test_a_job_is_done_and_its_result_comes_back(workers: Workers, tmp_path: Path) -> None:
    """The same in both, and what lies on the disk is what it says."""
    there = Recorder(tmp_path / "data")
    there.write(Table.TRADES, numbered(1, 9))
    archive = Archive(there.folder, tmp_path / "archive")
    (job,) = archive.jobs()
    worker = await workers.that(run_job)
    (made,) = (await worker.run(job)).made
    assert (made.rows, made.exchange, made.table, made.job) == (
        9,
        "venue",
        "trades",
        job.input_hash,
    )
    assert len(archive.rows(Table.TRADES, made)) == 9
    assert await worker.run(job) == Result((made,))


async def test_errors_of_a_job_are_its_own(workers: Workers) -> None:
    """Those of a disk and of storage as they are, all others as one that is not tried again."""
    with pytest.raises(OSError, match="No space left on device") as found:
        await (await workers.that(full_disk)).run(JOB)
    assert (found.value.errno, found.value.filename) == (28, "incoming/x.part")
    with pytest.raises(StorageError, match="has 3 rows"):
        await (await workers.that(too_short)).run(JOB)
    with pytest.raises(PackingError, match="SystemExit: 3"):
        await (await workers.that(leaving)).run(JOB)
    with pytest.raises(PackingError, match="KeyError: 'nothing of this name'"):
        await (await workers.that(mistaken)).run(JOB)


async def test_a_process_that_dies_is_tried_again(tmp_path: Path) -> None:
    """An accident costs a process, and no job."""
    async with ProcessWorker(functools.partial(killed_once, tmp_path / "mark")) as worker:
        assert (await worker.run(JOB)).left_out == {"attempts": 2}
    assert (worker.deaths, worker.uncleanly) == (1, "")


@pytest.mark.parametrize("run", [killed, aborting])
async def test_a_job_that_kills_each_process_is_left(run: Run) -> None:
    """Loudly; and the next job gets a process."""
    async with ProcessWorker(run) as worker:
        with pytest.raises(PackingError, match=f"died {ATTEMPTS} times"):
            await worker.run(JOB)
        assert worker.deaths == ATTEMPTS
        worker._run = looking
        assert (await worker.run(JOB)).left_out["niceness"] >= NICENESS


async def test_cancelling_kills_the_job(tmp_path: Path) -> None:
    """At once, however long it would have taken; the worker goes on with the next."""
    mark = tmp_path / "mark"
    async with ProcessWorker(functools.partial(sleeping, mark)) as worker:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(worker.run, JOB)
            with trio.fail_after(60):
                while not (mark.exists() and mark.read_text()):  # noqa: ASYNC110 - another process
                    await trio.sleep(0.01)
            pid = int(mark.read_text())
            nursery.cancel_scope.cancel()
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        worker._run = looking
        assert (await worker.run(JOB)).left_out["pid"] != pid


async def test_a_worker_that_is_killed_while_it_writes_leaves_nothing_half(tmp_path: Path) -> None:
    """Nothing is under `data/`, and the next run makes the object that would have been."""
    there = Recorder(tmp_path / "data")
    there.write(Table.TRADES, numbered(1, 60_000))
    calm, archive = (Archive(there.folder, tmp_path / name) for name in ("calm", "archive"))
    (wanted,) = calm.pack()
    (job,) = archive.jobs()
    incoming = archive.root / "incoming"
    async with ProcessWorker() as worker:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(worker.run, job)
            with trio.fail_after(60):
                while not list(incoming.glob("*.part")):  # noqa: ASYNC110 - of another process
                    await trio.sleep(0.001)
            nursery.cancel_scope.cancel()
        assert not list(archive.root.rglob("*.parquet"))
        assert remove_parts(DiskFiles(archive.root)) != []
        (made,) = (await worker.run(job)).made
    assert made == wanted
    assert (archive.root / made.key).read_bytes() == (calm.root / made.key).read_bytes()


async def test_a_process_ends_well_after_pyarrow_was_used(tmp_path: Path) -> None:
    """It ends without destructors, so that none aborts."""
    there = Recorder(tmp_path / "data")
    there.write(Table.TRADES, numbered(1, 9))
    (job,) = Archive(there.folder, tmp_path / "archive").jobs()
    async with ProcessWorker() as worker:
        await worker.run(job)
    assert worker.uncleanly == ""


def test_the_recorder_does_not_import_what_a_worker_needs() -> None:
    """Neither pyarrow nor the process library, before a job."""
    code = "import sys, tick_logger.archive.worker, tick_logger.archive.packing\n"
    code += "sys.exit(bool({'pyarrow', 'trio_parallel'} & set(sys.modules)))"
    assert os.spawnl(os.P_WAIT, sys.executable, sys.executable, "-c", code) == 0


@pytest.mark.slow
async def test_memory_does_not_grow_with_the_day(tmp_path: Path) -> None:
    """A process that packs ten times the rows holds no more at its peak, but for a row group."""
    peaks = []
    for count in (60_000, 600_000):
        write_day(tmp_path / f"{count}" / "data", count, "f4+rest")
        archive = Archive(tmp_path / f"{count}" / "data", tmp_path / f"{count}" / "archive")
        (job,) = day_jobs(
            Folders(str(archive.data), str(archive.root), "here"),
            source_at(archive.data),
            Ledger(DiskFiles(archive.root)),
            "venue",
            MIDNIGHT_SECS // 86_400,
        )
        async with ProcessWorker(peak_of) as worker:
            peaks.append((await worker.run(job)).left_out["peak"])
    assert peaks[1] < peaks[0] + 64 * 2**20
    assert peaks[1] < 400 * 2**20
