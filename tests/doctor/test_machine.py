"""What a look at this machine says, on a real disk and real ports."""

from __future__ import annotations

import os
from pathlib import Path

import attrs
import pytest
import trio

from tests.doctor.looked import said, states
from tick_logger.config.schema import Config, ExchangeConfig, HttpConfig, LoggerConfig
from tick_logger.doctor import machine
from tick_logger.doctor.machine import is_recorded, machine_lines, port_line
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.storage.journal_layout import LOCK_PATH

PLACE = ExchangeConfig(ws_endpoint="ws://venue.test", rest_endpoint="http://venue.test")


def config(path: Path) -> Config:
    return Config(logger=LoggerConfig(data_path=str(path)), exchanges={"venue": PLACE})


def test_a_directory_that_is_fine(tmp_path: Path) -> None:
    """Each thing has a line, and nothing is left behind."""
    lines = machine_lines(config(tmp_path))
    names = ["data path", "disk space", "disk speed", "open files", "memory"]
    assert [line.name for line in lines] == names
    assert states(lines)["data path"] == states(lines)["open files"] == "ok"
    assert "10 small writes made durable" in said(lines, "disk speed")
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_still_to_be_made(tmp_path: Path) -> None:
    """It is not made; the disk that it will be on is looked at."""
    lines = machine_lines(config(tmp_path / "a" / "b"))
    assert "does not exist yet, and can be made" in said(lines, "data path")
    assert states(lines)["disk speed"] in ("ok", "warning")
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_its_place(tmp_path: Path) -> None:
    """No directory can be made there, and nothing be written."""
    (tmp_path / "file").write_text("words")
    lines = machine_lines(config(tmp_path / "file" / "data"))
    assert states(lines)["data path"] == states(lines)["disk speed"] == "wrong"
    assert f"{tmp_path / 'file'} is a file" in said(lines, "data path")
    assert (tmp_path / "file").read_text() == "words"


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_no_permission(tmp_path: Path) -> None:
    """It is said where."""
    tmp_path.chmod(0o500)
    assert "no permission to write" in said(machine_lines(config(tmp_path)), "data path")


def test_a_recorder_that_works_there(tmp_path: Path) -> None:
    """Is no fault, and explains why the port is taken."""
    files = DiskFiles(tmp_path)
    files.lock(LOCK_PATH)
    try:
        assert is_recorded(str(tmp_path))
        assert "a recorder works there now" in said(machine_lines(config(tmp_path)), "data path")
    finally:
        files.close()
    assert not is_recorded(str(tmp_path))


@pytest.mark.parametrize(
    ("change", "name", "state"),
    [
        ({"TOO_LITTLE_BYTES": 2**62}, "disk space", "wrong"),
        ({"LITTLE_BYTES": 2**62}, "disk space", "warning"),
        ({"SLOW_SYNC_SECS": 0.0}, "disk speed", "warning"),
        ({"OWN_BYTES": 2**60}, "memory", "warning"),
        ({"OF_COLUMNS": 2**40}, "open files", "warning"),
    ],
)
def test_what_is_scarce(
    change: dict[str, float], name: str, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if this machine had too little; each has an advice."""
    for constant, value in change.items():
        monkeypatch.setattr(machine, constant, value)
    lines = machine_lines(config(tmp_path))
    assert states(lines)[name] == state
    assert not said(lines, name).endswith(": ")


def test_a_disk_slower_than_the_persist_interval(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was received could not be made durable in time."""
    monkeypatch.setattr(os, "fdatasync", lambda _descriptor: None)
    times = iter(range(1000))
    monkeypatch.setattr("time.perf_counter", lambda: next(times) * 2.0)
    assert states(machine_lines(config(tmp_path)))["disk speed"] == "wrong"


async def test_the_port_of_the_status_page() -> None:
    """Free, taken, taken by the recorder, or not wanted; it is free again afterwards."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    http = HttpConfig(port=listener.socket.getsockname()[1])
    line = await port_line(http, recording=False)
    assert (line.state, "ddress already in use" in line.said) == ("wrong", True)
    assert (await port_line(http, recording=True)).state == "ok"
    assert (await port_line(attrs.evolve(http, enabled=False), recording=False)).state == "ok"
    await listener.aclose()
    for _ in range(2):
        assert (await port_line(http, recording=False)).state == "ok"
