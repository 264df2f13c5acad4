"""Port: where jobs are run; in a process of its own, or, in tests and virtual time, inline.

pyarrow is imported where a job runs, and nowhere else: it is large, and may abort.

Invariant: a job that did not return a result has left nothing under `data/`, or whole objects that
the next run makes again with the same bytes.
"""

from __future__ import annotations

import atexit
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any, Protocol, Self

import trio

from tick_logger.archive.jobs import Job, Result
from tick_logger.archive.running import run_job
from tick_logger.errors import StorageError, TickLoggerError

ATTEMPTS = 3
"""For a job whose process dies: a third death is the job's fault, and no accident."""

NICENESS = 10
"""Whatever records goes first."""

IDLE_SECS = 60.0
"""After which a process without jobs ends: it holds some hundred MiB."""

GRACE_SECS = 5.0
"""For a process without a job to end by itself."""

Run = Callable[[Job], Result]


class PackingError(TickLoggerError):
    """A job cannot be done, and was left: its worker died each time, or it failed in its code."""


class Worker(Protocol):
    """Runs one job at a time."""

    async def run(self, job: Job) -> Result:
        """What the job made.

        Raises `OSError` and `StorageError` as the job did: it may be run again later.  Raises
        `PackingError` if it was tried as often as is sensible.  Cancellation: the job is killed.
        """
        ...


class InlineWorker:
    """Runs a job at once, in the calling task."""

    def __init__(self, run: Run = run_job) -> None:
        self._run = run

    async def run(self, job: Job) -> Result:
        """What the job made; see `Worker`."""
        await trio.lowlevel.checkpoint()
        return _result(_told(self._run, job))


class ProcessWorker:
    """Runs jobs in a process of its own, which begins with the first; an async context manager.

    `deaths` counts the processes that died with a job.  `uncleanly` says in words how the last
    process ended, if it did not end well; no job was lost with it.
    """

    def __init__(self, run: Run = run_job) -> None:
        self._run = run
        self._context: Any = None
        self._exit = contextlib.AsyncExitStack()
        self.deaths = 0
        self.uncleanly = ""

    async def __aenter__(self) -> Self:
        import trio_parallel

        self._context = await self._exit.enter_async_context(self._opened(trio_parallel))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._exit.__aexit__(kind, error, trace)

    async def run(self, job: Job) -> Result:
        """What the job made; see `Worker`."""
        from trio_parallel import BrokenWorkerError

        for attempt in range(1, ATTEMPTS + 1):
            try:
                told = await self._context.run_sync(_in_worker, self._run, job, kill_on_cancel=True)
            except BrokenWorkerError as error:
                self.deaths += 1
                if attempt == ATTEMPTS:
                    raise PackingError(
                        f"the process that packs died {ATTEMPTS} times with this job ({error})"
                    ) from error
                continue
            return _result(told)
        raise AssertionError("no attempt was made")

    @contextlib.asynccontextmanager
    async def _opened(self, library: Any) -> AsyncIterator[Any]:  # noqa: ANN401 - imported late
        """A context whose process may end as it likes: its jobs are over."""
        try:
            async with library.open_worker_context(
                idle_timeout=IDLE_SECS, init=_begin, grace_period=GRACE_SECS
            ) as context:
                yield context
        except library.BrokenWorkerError as error:
            self.uncleanly = str(error)


def _begin() -> None:
    """In the worker: be nice, and end without destructors, in which pyarrow may abort."""
    os.nice(NICENESS)
    atexit.register(os._exit, 0)


def _in_worker(run: Run, job: Job) -> tuple[Result | None, Exception | None]:
    """In the worker: what came of a job; nothing else may cross, as it would end the recorder."""
    return _told(run, job)


def _told(run: Run, job: Job) -> tuple[Result | None, Exception | None]:
    try:
        return run(job), None
    except OSError as error:
        return None, OSError(error.errno, f"{error.strerror or error}", error.filename)
    except StorageError as error:
        return None, StorageError(str(error))
    except BaseException as error:  # noqa: BLE001 - also SystemExit, as which it would be raised there
        return None, PackingError(f"{type(error).__name__}: {error}")


def _result(told: tuple[Result | None, Exception | None]) -> Result:
    result, error = told
    if error is not None:
        raise error
    assert result is not None, "neither a result nor an error"
    return result
