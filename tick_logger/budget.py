"""The bound on what may be held in memory between the sockets and the writer."""

from __future__ import annotations

FRAME_OVERHEAD_BYTES = 64
"""Charged per payload beside its own bytes: what a small bytes object and its place cost."""


class ByteBudget:
    """A number of bytes shared by all exchanges; taken whole batches at a time, or not at all."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self._taken_bytes = 0
        self.peak_bytes = 0

    @property
    def taken_bytes(self) -> int:
        """Bytes held at present."""
        return self._taken_bytes

    @property
    def half_free(self) -> bool:
        """Whether so much is free again that taking up what was refused makes sense."""
        return self._taken_bytes * 2 <= self.limit_bytes

    def take(self, size_bytes: int) -> bool:
        """Reserve; False, and nothing reserved, if that would exceed the limit."""
        if self._taken_bytes + size_bytes > self.limit_bytes:
            return False
        self._taken_bytes += size_bytes
        self.peak_bytes = max(self.peak_bytes, self._taken_bytes)
        return True

    def give_back(self, size_bytes: int) -> None:
        """Release what was taken."""
        self._taken_bytes -= size_bytes
        assert self._taken_bytes >= 0, "more bytes were given back than taken"
