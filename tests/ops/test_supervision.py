"""What a service manager hears of a recording, at exact virtual times."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
import trio
from trio.testing import MockClock

from tick_logger.ops.supervision import Supervision
from tick_logger.ops.systemd import Supervisor


@attrs.define
class Manager:
    """A socket as systemd's, and what came on it."""

    socket: socket.socket
    path: str

    def heard(self) -> list[str]:
        """Everything since the last time, status lines left out."""
        found: list[str] = []
        while True:
            try:
                text = self.socket.recv(4096).decode()
            except BlockingIOError:
                return [each for each in found if not each.startswith("STATUS=")]
            found.append(text)


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(path)
        listening.setblocking(False)
        yield Manager(listening, path)


async def test_the_watchdog_is_fed_only_by_progress(
    manager: Manager, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """A disk that hangs is noticed; one that fails and is tried again is not a hang."""
    attempts = 0
    stopping = trio.Event()
    environ = {"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "30000000"}
    supervisor = Supervisor(environ, 1)
    nursery.start_soon(
        Supervision(supervisor, lambda: attempts, stopping, lambda: "all is well").run
    )
    await trio.sleep(1.0)
    assert manager.heard() == ["READY=1", "WATCHDOG=1"]
    attempts = 5
    await trio.sleep(10.0)
    assert manager.heard() == ["WATCHDOG=1"]
    await trio.sleep(100.0)
    assert manager.heard() == []
    attempts = 6
    await trio.sleep(10.0)
    assert manager.heard() == ["WATCHDOG=1"]
    stopping.set()
    await trio.sleep(1.0)
    assert manager.heard() == ["STOPPING=1"]
    attempts = 7  # the last flush
    await trio.sleep(10.0)
    assert manager.heard() == ["WATCHDOG=1"]


async def test_nothing_is_told_where_nobody_listens(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """A recording that was started by hand."""
    described: list[float] = []

    def describe() -> str:
        described.append(trio.current_time())
        return "fine"

    began = trio.current_time()
    nursery.start_soon(Supervision(Supervisor({}, 1), lambda: 0, trio.Event(), describe).run)
    await trio.sleep(25.0)
    assert [round(at - began, 6) for at in described] == [0.0, 10.0, 20.0]
