"""Port: the signals by which a process is asked to stop.

A simulated process has its own.  Those of the machine are for the process that simulates it: one
that the simulated process heard would change what happens to it, and stop nothing.
"""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from typing import Protocol

import trio


class Signals(Protocol):
    """Where wishes to stop come from."""

    def listen(self) -> AbstractContextManager[AsyncIterator[int]]:
        """The numbers of the signals SIGINT and SIGTERM that come until the end of the block."""
        ...


class ProcessSignals:
    """Those of this process; for its main thread."""

    def listen(self) -> AbstractContextManager[AsyncIterator[int]]:
        """As the port says; within the block they do nothing else."""
        return trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM)
