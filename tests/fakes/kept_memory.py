"""Memory that outlives a process, without a system: what a process left is there, byte for byte."""

from __future__ import annotations

import attrs


@attrs.define
class KeptMemory:
    """A test implementation of `Memory`; `refuse` says why there is none any more."""

    size: int = 1 << 20
    refuse: OSError | None = None
    held: dict[str, bytearray] = attrs.field(factory=dict)
    count: int = 0

    def reserve(self) -> tuple[str, memoryview]:
        """New memory under the next number."""
        if self.refuse is not None:
            raise self.refuse
        self.count += 1
        self.held[str(self.count)] = bytearray(self.size)
        return str(self.count), memoryview(self.held[str(self.count)])

    def left(self, name: str) -> bytes | None:
        """A copy of it; whoever had it does not live any more."""
        return bytes(self.held[name]) if name in self.held else None

    def remove(self, name: str) -> None:
        """Forget it."""
        self.held.pop(name, None)
