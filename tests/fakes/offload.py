"""An offload in virtual time that can stall, as a disk does that does not answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import trio

T = TypeVar("T")


class StallingOffload:
    """Runs work inline; while stalled, work waits to begin."""

    def __init__(self) -> None:
        self._free = trio.Event()
        self._free.set()

    def stall(self) -> None:
        """Let nothing begin from now on."""
        self._free = trio.Event()

    def resume(self) -> None:
        """Let everything go on."""
        self._free.set()

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work()`.

        Cancellation: the wait ends at once.
        """
        await trio.lowlevel.checkpoint()
        await self._free.wait()
        return work()

    @property
    def idle(self) -> bool:
        """Always: work that was cancelled while it waited has not begun."""
        return True
