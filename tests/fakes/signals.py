"""Signals of a simulated process: they come from tests, and never from the machine."""

from __future__ import annotations

import math
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import trio


class FakeSignals:
    """Those of one process; what is sent while nobody listens is lost."""

    def __init__(self) -> None:
        self._listeners: list[trio.MemorySendChannel[int]] = []

    def send(self, number: signal.Signals) -> None:
        """Send one to the process."""
        for listener in self._listeners:
            listener.send_nowait(number)

    @contextmanager
    def listen(self) -> Iterator[AsyncIterator[int]]:
        """As the port says."""
        send, receive = trio.open_memory_channel[int](math.inf)
        with send, receive:
            self._listeners.append(send)
            try:
                yield receive
            finally:
                self._listeners.remove(send)
