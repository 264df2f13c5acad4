"""Streams that hand over what arrives by calling a function.

A task that awaits each read is woken for each read, and the waking costs more than the reading.
Here the task waits once, and the stream calls back with every read until the callback has enough.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import TypeAlias

import trio

Take: TypeAlias = Callable[[bytes, int | None], bool]
"""Receives the bytes of one read, or b"" at the end of the stream, and when they were received (ns
since 1970; None: now).

Returns True when it needs no more for now, which ends the pushing; at the end it must return True.
"""


class PushStream(trio.abc.Stream):
    """A stream that can push what it reads into a function, besides returning it."""

    @abc.abstractmethod
    async def push_into(self, take: Take) -> None:
        """Call `take` with every read until it returns True; what `take` raises is raised here.

        Cancellation: `take` has been given all that was read, so nothing is lost.
        """


async def push(stream: trio.abc.Stream, take: Take) -> None:
    """Do what `push_into` does, for any stream; one that cannot push is read in a loop."""
    if isinstance(stream, PushStream):
        await stream.push_into(take)
        return
    while not take(bytes(await stream.receive_some()), None):
        pass
