"""Memory that outlives a process: reserved whole, left for one successor, and not left for ever."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tick_logger.storage.shared_memory import PREFIX, NoMemory, SharedMemory

SIZE = 1 << 16

DIES = """
import os, signal, sys
from tick_logger.storage.shared_memory import SharedMemory
memory = SharedMemory(sys.argv[1], 1 << 16)
name, view = memory.reserve()
view[5:9] = b"left"
sys.stdout.write(name)
sys.stdout.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""


def left_by_a_process(folder: Path) -> str:
    """The name of what a process has left that was killed."""
    died = subprocess.run([sys.executable, "-c", DIES, str(folder)], capture_output=True, text=True)
    assert died.returncode == -9, died.stderr
    return died.stdout


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_a_killed_process_stored_is_there(tmp_path: Path) -> None:
    """All of it, until it is let go of."""
    name, memory = left_by_a_process(tmp_path), SharedMemory(str(tmp_path), SIZE)
    assert memory.left(name) == bytes(5) + b"left" + bytes(SIZE - 9)
    memory.remove(name)
    assert memory.left(name) is None
    assert names(tmp_path) == []


def test_it_is_reserved_whole_and_for_this_user_alone(tmp_path: Path) -> None:
    """A file with holes could kill the process that stores into them."""
    memory = SharedMemory(str(tmp_path), SIZE)
    name, view = memory.reserve()
    about = (tmp_path / f"{PREFIX}{name}").stat()
    assert (about.st_size, about.st_mode & 0o777) == (SIZE, 0o600)
    assert about.st_blocks * 512 >= SIZE
    assert bytes(view) == bytes(SIZE)
    memory.remove(name)
    view[0:1] = b"x"  # what is mapped stays
    assert names(tmp_path) == []


def test_where_there_is_no_room_nothing_stays(tmp_path: Path) -> None:
    """It is said before anything relies on it; so where there is no such folder."""
    with pytest.raises(OSError, match=r"large|space"):
        SharedMemory(str(tmp_path), 1 << 62).reserve()
    assert names(tmp_path) == []
    with pytest.raises(FileNotFoundError):
        SharedMemory(str(tmp_path / "none"), SIZE).reserve()
    assert SharedMemory(str(tmp_path / "none"), SIZE).left("name") is None


def test_what_a_living_process_has_is_not_touched(tmp_path: Path) -> None:
    """Whoever has a copy of its directory may know its name."""
    name, _ = SharedMemory(str(tmp_path), SIZE).reserve()
    other = SharedMemory(str(tmp_path), SIZE)
    assert other.left(name) is None
    other.remove(name)
    other.sweep(lambda _: False, 16)
    assert names(tmp_path) == [f"{PREFIX}{name}"]


def test_what_nobody_needs_goes_at_the_next_start(tmp_path: Path) -> None:
    """By its first bytes; what is of other programs stays."""
    left_by_a_process(tmp_path)
    kept = left_by_a_process(tmp_path)
    (tmp_path / f"{PREFIX}{kept}").write_bytes(b"needed")
    (tmp_path / "other").write_bytes(b"")
    SharedMemory(str(tmp_path), SIZE).sweep(lambda head: head == b"needed", 16)
    assert names(tmp_path) == ["other", f"{PREFIX}{kept}"]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """Others may write into this folder."""
    (tmp_path / "target").write_bytes(b"theirs")
    (tmp_path / f"{PREFIX}name").symlink_to(tmp_path / "target")
    with pytest.raises(OSError, match="symbolic"):
        SharedMemory(str(tmp_path), SIZE).left("name")


def test_where_there_is_none_all_goes_on() -> None:
    """Nothing is left, and nothing is let go of."""
    with pytest.raises(FileNotFoundError):
        NoMemory().reserve()
    assert NoMemory().left("name") is None
    NoMemory().remove("name")
