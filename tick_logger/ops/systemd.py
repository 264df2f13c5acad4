"""Tells the service manager how the recording goes, in the notification protocol of systemd.

The watchdog is fed only when work on the journal has come to an end since the last time, well or
badly: a thread that hangs in a dead disk is restarted, a full disk is waited for.

Invariant: telling never harms.  Without a `NOTIFY_SOCKET`, or with one that nobody reads, nothing
is sent, nothing is raised and nothing waits.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Mapping

import attrs
import trio

STATUS_MAX_CHARS = 500
"""Of a status line: one line of `systemctl status`, and a datagram far below every limit."""

USUAL_SECS = 10.0
"""Between two looks, where the manager asks for none."""

LOOKS = 3
"""Within the time after which the manager loses patience."""


class Supervisor:
    """The service manager that started this process, as named by its environment, or nobody.

    The socket is opened anew for each message: a few in a minute, and a manager that was restarted
    meanwhile is found again.
    """

    def __init__(self, environ: Mapping[str, str], pid: int) -> None:
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self._watchdog_secs = _watchdog_secs(environ, pid)

    @property
    def watchdog_secs(self) -> float | None:
        """After so many seconds without `alive` the process is killed; None if it is not watched.

        Tell it at least twice as often.
        """
        return None if self._address is None else self._watchdog_secs

    def ready(self) -> bool:
        """The start is over, and recording has begun; like all of these, returns if it was told."""
        return self._tell("READY=1")

    def stopping(self) -> bool:
        """The stop has begun, which may take a while."""
        return self._tell("STOPPING=1")

    def alive(self) -> bool:
        """There was progress: the watchdog counts from here again."""
        return self._tell("WATCHDOG=1")

    def status(self, text: str) -> bool:
        """A line for people.  What cannot be printed becomes a space, so that it stays a line."""
        line = "".join(each if each.isprintable() else " " for each in text[:STATUS_MAX_CHARS])
        return self._tell(f"STATUS={line}")

    def _tell(self, message: str) -> bool:
        if self._address is None:
            return False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)  # a manager that does not read must not stop the loop
                sender.sendto(message.encode(), self._address)
        except OSError:  # gone, full, not permitted, too long a path: recording goes on without
            return False
        return True


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


def _address(name: str) -> str | None:
    """A path, or `@` and a name in the abstract namespace; other kinds are left alone."""
    if "\0" in name or not name.startswith(("/", "@")):
        return None
    return "\0" + name[1:] if name.startswith("@") else name


def _watchdog_secs(environ: Mapping[str, str], pid: int) -> float | None:
    """What the manager asks for, unless it asks another process."""
    meant_for, micros = environ.get("WATCHDOG_PID", ""), environ.get("WATCHDOG_USEC", "")
    if meant_for not in ("", str(pid)) or not re.fullmatch("[0-9]{1,18}", micros):
        return None
    return int(micros) / 1e6 or None  # 0 is no watchdog
