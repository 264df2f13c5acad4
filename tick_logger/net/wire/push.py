"""Streams that hand over what arrives by a call, sparing the task that waits its wake-ups."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import TypeAlias

import trio

Take: TypeAlias = Callable[[bytes], bool]
"""Takes what one read brought, or b"" at the end, and says whether that is enough for now; at the
end it must be."""


class PushStream(trio.abc.Stream):
    """A stream that can call instead of returning."""

    @abc.abstractmethod
    async def feed_into(self, take: Take) -> None:
        """Call `take` with every read until it returns True; what it raises is raised here.

        Cancellation: nothing that was read is lost, as `take` has it.
        """


async def feed(stream: trio.abc.Stream, take: Take) -> None:
    """`feed_into` for any stream; others than feeding ones are read in a loop."""
    if isinstance(stream, PushStream):
        await stream.feed_into(take)
        return
    while not take(bytes(await stream.receive_some())):
        pass
