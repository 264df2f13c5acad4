"""Telling a service manager: what arrives at a real socket, and that nothing ever goes wrong.

And what it hears of a recording, at exact virtual times.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
import trio
from trio.testing import MockClock

from tick_logger.ops.systemd import STATUS_MAX_CHARS, Supervision, Supervisor

PID = 4711


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """The value of NOTIFY_SOCKET, and the socket that a service manager would read."""
    if request.param == "path":
        name = address = str(tmp_path / "notify")
    else:
        unique = f"tick-logger-test-{os.getpid()}-{tmp_path.name}"
        name, address = f"@{unique}", f"\0{unique}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as reader:
        reader.bind(address)
        reader.settimeout(5)
        yield name, reader


def test_each_word_arrives(manager: tuple[str, socket.socket]) -> None:
    """One datagram each, as sd_notify(3) spells it, by path and in the abstract namespace."""
    name, reader = manager
    supervisor = Supervisor({"NOTIFY_SOCKET": name}, PID)
    told = [
        supervisor.ready(),
        supervisor.alive(),
        supervisor.status("12 symbols, größer"),
        supervisor.stopping(),
    ]
    received = [reader.recv(4096).decode() for _ in range(4)]
    assert told == [True] * 4
    assert received == ["READY=1", "WATCHDOG=1", "STATUS=12 symbols, größer", "STOPPING=1"]


def test_a_status_stays_one_line(manager: tuple[str, socket.socket]) -> None:
    """A text from outside cannot say READY, steer a terminal, break the encoding, or go on."""
    name, reader = manager
    hostile = "okx:\nREADY=1\x1b[2J\udcff" + "x" * 100_000
    assert Supervisor({"NOTIFY_SOCKET": name}, PID).status(hostile)
    said = reader.recv(200_000).decode()
    assert said.startswith("STATUS=okx: READY=1 [2J xxx")
    assert len(said) == len("STATUS=") + STATUS_MAX_CHARS


def test_a_manager_that_comes_back_is_told_again(tmp_path: Path) -> None:
    """While nobody listens nothing is told and nothing raised; afterwards it works."""
    path = tmp_path / "notify"
    supervisor = Supervisor({"NOTIFY_SOCKET": str(path)}, PID)
    assert not supervisor.alive()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as reader:
        reader.bind(str(path))
        assert supervisor.alive()
    assert not supervisor.alive()


def test_a_manager_that_does_not_read_holds_nobody_up(tmp_path: Path) -> None:
    """When its queue is full, messages are given up at once."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as reader:
        reader.bind(str(path))
        supervisor = Supervisor({"NOTIFY_SOCKET": str(path)}, PID)
        told = [supervisor.alive() for _ in range(5_000)]
    assert told[0]
    assert not told[-1]


@pytest.mark.parametrize(
    "name", ["", "relative", "vsock:2:1234", "/nowhere/at/all", "/" + "x" * 500, "@" + "x" * 500,
             "/with\0zero", "/dev/null"],
)  # fmt: skip
def test_without_a_usable_socket_nothing_happens(name: str) -> None:
    """No manager, another kind of socket, a name that cannot be one: all as if there were none."""
    supervisor = Supervisor({"NOTIFY_SOCKET": name}, PID)
    assert not any(
        (supervisor.ready(), supervisor.alive(), supervisor.status("x"), supervisor.stopping())
    )


def test_no_descriptor_stays_open(manager: tuple[str, socket.socket]) -> None:
    """Telling for months does not use up the files that a process may have."""
    name, reader = manager
    supervisor = Supervisor({"NOTIFY_SOCKET": name}, PID)
    before = sorted(os.listdir("/proc/self/fd"))
    for _ in range(20):
        supervisor.alive()
        reader.recv(100)
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_where_sockets_are_forbidden_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a sandbox forbids sockets altogether, recording goes on."""

    def refused(*_: object) -> socket.socket:
        raise OSError(errno.EAFNOSUPPORT, "not here")

    monkeypatch.setattr(socket, "socket", refused)
    assert not Supervisor({"NOTIFY_SOCKET": "/run/notify"}, PID).ready()


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "4711"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "²"}, None),
        ({"WATCHDOG_USEC": "9" * 5000}, None),
    ],
)
def test_the_watchdog_is_that_of_this_process(
    environ: dict[str, str], seconds: float | None
) -> None:
    """In seconds; none for another process, or where the number is none."""
    assert Supervisor({"NOTIFY_SOCKET": "/run/x", **environ}, PID).watchdog_secs == seconds


def test_without_a_socket_there_is_no_watchdog() -> None:
    """Nobody could be told, so nobody need be."""
    assert Supervisor({"WATCHDOG_USEC": "30000000"}, PID).watchdog_secs is None


# -- a recording -----------------------------------------------------------------------------------


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
def listening(tmp_path: Path) -> Iterator[Manager]:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as reader:
        reader.bind(path)
        reader.setblocking(False)
        yield Manager(reader, path)


async def test_the_watchdog_is_fed_only_by_progress(
    listening: Manager, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """A disk that hangs is noticed; one that fails and is tried again is not a hang."""
    attempts = 0
    stopping = trio.Event()
    environ = {"NOTIFY_SOCKET": listening.path, "WATCHDOG_USEC": "30000000"}
    supervisor = Supervisor(environ, 1)
    nursery.start_soon(
        Supervision(supervisor, lambda: attempts, stopping, lambda: "all is well").run
    )
    await trio.sleep(1.0)
    assert listening.heard() == ["READY=1", "WATCHDOG=1"]
    attempts = 5
    await trio.sleep(10.0)
    assert listening.heard() == ["WATCHDOG=1"]
    await trio.sleep(100.0)
    assert listening.heard() == []
    attempts = 6
    await trio.sleep(10.0)
    assert listening.heard() == ["WATCHDOG=1"]
    stopping.set()
    await trio.sleep(1.0)
    assert listening.heard() == ["STOPPING=1"]
    attempts = 7  # the last flush
    await trio.sleep(10.0)
    assert listening.heard() == ["WATCHDOG=1"]


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
