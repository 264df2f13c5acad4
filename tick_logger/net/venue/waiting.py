"""Waiting for the first of several things, and for one's turn."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import trio


async def any_of(*waits: Callable[[], Awaitable[None]]) -> None:
    """Return when one of the waits does."""
    async with trio.open_nursery() as nursery:

        async def one(wait: Callable[[], Awaitable[None]]) -> None:
            await wait()
            nursery.cancel_scope.cancel()

        for wait in waits:
            nursery.start_soon(one, wait)


MOST_TURN_SECS = 60.0
"""How long a turn is waited for: what waits may be about to end."""


class Turns:
    """One at a time, as far as that can be waited for."""

    def __init__(self) -> None:
        self._lock = trio.Lock()

    @asynccontextmanager
    async def one(self, ended: trio.Event) -> AsyncIterator[None]:
        """Within this it is one's turn, or `ended` is set, or it has been waited for too long."""
        mine = False
        if self._lock.locked():
            with trio.move_on_after(MOST_TURN_SECS):
                await any_of(self._lock_free, ended.wait)
        with contextlib.suppress(trio.WouldBlock):
            self._lock.acquire_nowait()
            mine = True
        try:
            yield
        finally:
            if mine:
                self._lock.release()

    async def _lock_free(self) -> None:
        async with self._lock:
            return
