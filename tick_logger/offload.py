"""Port: where blocking work runs, in a worker thread or, under virtual time, inline.

Under a mock clock a thread's work looks like an idle loop and time would jump over it, so
simulations use `InlineOffload`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import trio

T = TypeVar("T")


class Offload(Protocol):
    """Runs blocking work without blocking the event loop."""

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work()`.

        Cancellation: the wait ends at once; work that has begun still runs to its end.
        """
        ...

    @property
    def idle(self) -> bool:
        """Whether no work is being done, not even some that nobody waits for any more."""
        ...


class ThreadOffload:
    """So many worker threads at a time (one: in the order of the calls)."""

    def __init__(self, threads: int = 1) -> None:
        self._limiter = trio.CapacityLimiter(threads)

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work()`, run in a thread.

        Cancellation: the thread is left behind, because a disk that hangs must not keep the
        process from ending at its shutdown deadline; nothing else cancels a writer.
        """
        return await trio.to_thread.run_sync(work, limiter=self._limiter, abandon_on_cancel=True)

    @property
    def idle(self) -> bool:
        """Whether the thread has nothing to do."""
        return self._limiter.borrowed_tokens == 0


class InlineOffload:
    """Runs the work at once in the calling task."""

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work()`, after one checkpoint."""
        await trio.lowlevel.checkpoint()
        return work()

    @property
    def idle(self) -> bool:
        """Always: nothing outlives the call."""
        return True
