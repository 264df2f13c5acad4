"""What only files on a disk can get wrong: descriptors, limits, short writes."""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.memory_files import MemoryFiles
from tick_logger.storage.disk_files import (
    MAX_OPEN_FILES,
    DiskFiles,
    is_locked,
    most_open,
    raise_open_file_limit,
)


def open_under(root: Path) -> list[str]:
    """The files below `root` that this process holds open, sorted."""
    targets = [os.readlink(f"/proc/self/fd/{number}") for number in _descriptors()]
    return sorted(target[len(f"{root}/") :] for target in targets if target.startswith(f"{root}/"))


def _descriptors() -> list[str]:
    with os.scandir("/proc/self/fd") as entries:
        names = [entry.name for entry in entries]
    return [name for name in names if os.path.exists(f"/proc/self/fd/{name}")]


@pytest.fixture
def open_file_limits() -> Iterator[None]:
    """Restores the limits that a test has changed."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_open_descriptors_are_bounded(tmp_path: Path) -> None:
    """However many files grow, at most `max_open` are open: those used last."""
    files = DiskFiles(tmp_path, max_open=3)
    for name in "abcde":
        files.append(name, b"1")
    files.append("c", b"2")
    files.append("f", b"1")
    assert open_under(tmp_path) == ["c", "e", "f"]
    files.append("a", b"2")
    assert open_under(tmp_path) == ["a", "c", "f"]
    assert files.read("a") == b"12"
    files.close()


def test_close_leaves_nothing_open(tmp_path: Path) -> None:
    """No descriptor outlives `close`, that of the root included."""
    before = len(_descriptors())
    files = DiskFiles(tmp_path / "root", max_open=3)
    files.append("a/b", b"1")
    files.sync()
    assert len(_descriptors()) == before + 2
    files.close()
    assert len(_descriptors()) == before


def test_reading_makes_no_root(tmp_path: Path) -> None:
    """Looking at a path that is not there leaves no trace."""
    files = DiskFiles(tmp_path / "root")
    assert files.list() == []
    assert files.size("a/b") == 0
    files.sync()
    files.close()
    assert not (tmp_path / "root").exists()


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that takes three bytes at a time gets them all."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, bytes(data[:3])))
    files = DiskFiles(tmp_path, max_open=3)
    files.append("x", memoryview(b"0123456789"))
    files.close()
    assert (tmp_path / "x").read_bytes() == b"0123456789"


def test_error_after_a_short_write_leaves_a_first_part(tmp_path: Path) -> None:
    """A file that may not grow further holds what fitted, and the error says why."""
    old_handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    files = DiskFiles(tmp_path, max_open=3)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4, limits[1]))
        with pytest.raises(OSError) as caught:  # noqa: PT011 (its number is checked)
            files.append("x", b"0123456789")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, old_handler)
        files.close()
    assert caught.value.errno == errno.EFBIG
    assert (tmp_path / "x").read_bytes() == b"0123"


@pytest.mark.usefixtures("open_file_limits")
def test_open_file_limit_is_raised() -> None:
    """The soft limit becomes the hard one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard - 1, hard))
    assert raise_open_file_limit() == hard
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)


@pytest.mark.parametrize(
    ("limits", "others", "bound"),
    [
        ((1000, 4000), 0, 500),  # the higher limit is refused: the lower one holds
        ((1000, 4000), 100, 500),
        ((1000, 4000), 900, 100),
        ((50, 4000), 200, 1),
        ((1, 4000), 0, 1),
        ((10**9, 10**9), 0, MAX_OPEN_FILES),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), 1000, MAX_OPEN_FILES),
    ],
)
def test_bound_of_open_files(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], others: int, bound: int
) -> None:
    """Whatever the system allows or refuses, the bound stays below it and below our own."""

    def refuse(what: int, wanted: tuple[int, int]) -> None:
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda what: limits)
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert most_open(others) == bound


def test_sync_without_syncfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that cannot sync one file system syncs all."""
    synced = []
    monkeypatch.setattr(ctypes, "CDLL", lambda name, use_errno: object())
    monkeypatch.setattr(os, "sync", lambda: synced.append(True))
    files = DiskFiles(tmp_path, max_open=3)
    files.append("x", b"1")
    files.sync()
    files.close()
    assert synced == [True]


def test_sync_error_is_raised(tmp_path: Path) -> None:
    """A sync that fails is not silent: here the descriptor of the root was pulled away."""
    files = DiskFiles(tmp_path, max_open=3)
    files.append("x", b"1")
    assert files._root_descriptor is not None
    os.close(files._root_descriptor)
    with pytest.raises(OSError) as caught:  # noqa: PT011 (its number is checked)
        files.sync()
    assert caught.value.errno == errno.EBADF
    files._root_descriptor = None
    files.close()


def test_memory_files_fail_as_told() -> None:
    """The fake that other tests rely on tears appends, fails others, and can be full."""
    files = MemoryFiles(capacity_bytes=10)
    files.append("a", b"1234")
    files.fail_at = files.operations + 1
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        files.append("a", b"5678")
    assert files.read("a") == b"123456"
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        files.append("b", b"12345")
    assert files.read("b") == b"1234"
    files.fail_from = files.operations + 1
    for _ in range(2):
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            files.truncate("a", 1)
    files.heal()
    files.append("b", b"5")
    assert files.read("b") == b"12345"


def test_a_lock_can_be_looked_at(tmp_path: Path) -> None:
    """By whoever may read it, without taking it from its holder, and without making a file."""
    assert not is_locked(tmp_path / "lock")
    assert list(tmp_path.iterdir()) == []
    holder, other = DiskFiles(tmp_path, max_open=1), DiskFiles(tmp_path, max_open=1)
    holder.lock("lock")
    assert is_locked(tmp_path / "lock")
    with pytest.raises(BlockingIOError):
        other.lock("lock")
    holder.close()
    assert not is_locked(tmp_path / "lock")
    other.lock("lock")
    other.close()
