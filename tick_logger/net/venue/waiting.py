"""Waiting for the first of several things."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio


async def any_of(*waits: Callable[[], Awaitable[None]]) -> None:
    """Return when one of the waits does."""
    async with trio.open_nursery() as nursery:

        async def one(wait: Callable[[], Awaitable[None]]) -> None:
            await wait()
            nursery.cancel_scope.cancel()

        for wait in waits:
            nursery.start_soon(one, wait)
