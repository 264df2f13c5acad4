"""The brake on the sockets of one exchange: on while what was read takes too much memory.

    budget: put on, let go -> brake -> who reads the sockets: slowly, while it is on

Reading goes on slowly, so that pings are answered and a connection that ended is seen; the rest
waits in the kernel, and then at the exchange.  Not here: when it is put on (`budget`), and what
slowly means (`net.wire.poller`).
"""

from __future__ import annotations

from collections.abc import Callable

import trio


class Brake:
    """Of one exchange; who reads hears each change."""

    def __init__(self) -> None:
        self._is_off = trio.Event()
        self._is_off.set()
        self._listeners: list[Callable[[], None]] = []
        self.times = 0
        """How often it was put on."""

    @property
    def is_on(self) -> bool:
        """Whether sockets are to be read slowly."""
        return not self._is_off.is_set()

    def put_on(self) -> None:
        """Have the sockets read slowly from now on."""
        assert not self.is_on, "it is on"
        self._is_off = trio.Event()
        self.times += 1
        self._tell()

    def let_go(self) -> None:
        """Have them read as they fill again."""
        assert self.is_on, "it is off"
        self._is_off.set()
        self._tell()

    async def released(self) -> None:
        """Return when it is off.

        Cancellation: at once.
        """
        await self._is_off.wait()

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call this after each change, for as long as the process lives."""
        self._listeners.append(listener)

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()
