"""Port: where jobs are run; in a process of its own, or, in tests and virtual time, inline.

pyarrow is imported where a job runs, and nowhere else: it is large, and may abort.

Invariant: a job that did not return a result has left nothing under `data/`, or whole objects that
the next run makes again with the same bytes.
"""

from __future__ import annotations

from typing import Protocol

import trio

from tick_logger.archive.jobs import Job, Result
from tick_logger.errors import TickLoggerError


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

    async def run(self, job: Job) -> Result:
        """What the job made; see `Worker`."""
        await trio.lowlevel.checkpoint()
        raise NotImplementedError(job)
