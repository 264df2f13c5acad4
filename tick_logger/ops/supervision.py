"""Tells the service manager how the recording goes: begun, moving, ending.

The watchdog is fed only when work on the journal has come to an end since the last time, well or
badly: a thread that hangs in a dead disk is restarted, a full disk is waited for.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
import trio

from tick_logger.ops.systemd import Supervisor

USUAL_SECS = 10.0
"""Between two looks, where the manager asks for none."""

LOOKS = 3
"""Within the time after which the manager loses patience."""


@attrs.frozen
class Supervision:
    """One recording, as the service manager sees it."""

    supervisor: Supervisor
    attempts: Callable[[], int]  # at work on the journal, since the start
    stopping: trio.Event
    describe: Callable[[], str]

    async def run(self) -> None:
        """Tell until cancelled."""
        watchdog_secs = self.supervisor.watchdog_secs
        pause_secs = USUAL_SECS if watchdog_secs is None else watchdog_secs / LOOKS
        self.supervisor.ready()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._tell_of_the_end)
            before = -1
            while True:
                now = self.attempts()
                if now != before:
                    self.supervisor.alive()
                before = now
                self.supervisor.status(self.describe())
                await trio.sleep(pause_secs)

    async def _tell_of_the_end(self) -> None:
        await self.stopping.wait()
        self.supervisor.stopping()
