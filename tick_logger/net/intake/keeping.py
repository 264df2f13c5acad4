"""Port: who keeps what an intake takes until it is in the journal, should the process be killed.

Whatever is taken is numbered from 1 on, in the order in which it is decoded.
"""

from __future__ import annotations

from typing import Protocol

from tick_logger.model.entries import Received
from tick_logger.model.payloads import Payloads


class Keeper(Protocol):
    """What an intake tells, as it happens; nothing here waits, or raises."""

    def read(self, connection: str, recv_ns: int, payloads: Payloads) -> None:
        """A read was taken."""
        ...

    def said(self, entry: Received) -> None:
        """Something was taken that is no read: an entry without arrivals that says it."""
        ...

    def next_taken(self, count: int) -> int:
        """So many more are decoded now; the number of the last, 0 if nothing is kept."""
        ...

    def batch(self, received: Received) -> None:
        """They are decoded, and this is what the journal will have of them."""
        ...


class NothingKept:
    """Nobody does: what the journal does not have is lost with the process."""

    def read(self, connection: str, recv_ns: int, payloads: Payloads) -> None:
        """Nothing."""

    def said(self, entry: Received) -> None:
        """Nothing."""

    def next_taken(self, count: int) -> int:
        """Nothing is kept."""
        return 0

    def batch(self, received: Received) -> None:
        """Nothing."""
