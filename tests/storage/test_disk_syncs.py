"""What only files on a disk can get wrong about syncing, removing and locking."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tick_logger.storage.disk_files import DiskFiles

LOCKER = """
import sys, time
from tick_logger.storage.disk_files import DiskFiles
files = DiskFiles(sys.argv[1])
files.lock("journal/lock")
print("locked", flush=True)
time.sleep(60)
"""


def noted_syncs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is synced from now on: the call and the path behind the descriptor."""
    noted: list[tuple[str, str]] = []

    def note(name: str) -> None:
        call = getattr(os, name)

        def noting(descriptor: int) -> None:
            noted.append((name, os.readlink(f"/proc/self/fd/{descriptor}")))
            call(descriptor)

        monkeypatch.setattr(os, name, noting)

    note("fdatasync")
    note("fsync")
    return noted


def test_one_file_or_one_folder_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By calls to the system on exactly these, whether the file is open for appending or not."""
    files = DiskFiles(tmp_path, max_open=1)
    files.append("a/x", b"1")
    files.append("a/y", b"1")
    noted = noted_syncs(monkeypatch)
    files.sync_file("a/y")
    files.sync_file("a/x")
    files.sync_folder("a")
    files.sync_folder()
    files.close()
    assert noted == [
        ("fdatasync", f"{tmp_path}/a/y"),
        ("fdatasync", f"{tmp_path}/a/x"),
        ("fsync", f"{tmp_path}/a"),
        ("fsync", f"{tmp_path}"),
    ]


def test_all_is_synced_without_an_append(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was only cut may be lost as well."""
    synced = []
    (tmp_path / "x").write_bytes(b"abc")
    monkeypatch.setattr(ctypes, "CDLL", lambda name, use_errno: object())
    monkeypatch.setattr(os, "sync", lambda: synced.append(True))
    files = DiskFiles(tmp_path, max_open=3)
    files.truncate("x", 1)
    files.sync()
    files.close()
    assert synced == [True]


def test_a_file_is_synced_by_the_descriptor_that_wrote(tmp_path: Path) -> None:
    """Each descriptor hears of errors for itself: here that one was pulled away."""
    files = DiskFiles(tmp_path, max_open=3)
    files.append("x", b"1")
    os.close(files._open["x"])
    with pytest.raises(OSError, match="descriptor") as caught:
        files.sync_file("x")
    assert caught.value.errno == errno.EBADF
    del files._open["x"]
    files.sync_file("x")
    files.close()


def test_preparing_makes_the_root_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The root, and every folder that got a new name on the way to it."""
    noted = noted_syncs(monkeypatch)
    DiskFiles(tmp_path / "a" / "b").prepare()
    DiskFiles(tmp_path / "a" / "b").prepare()
    assert [path[len(str(tmp_path)) :] for _, path in noted] == ["/a/b", "/a", "", "/a/b", "/a"]


def test_preparing_needs_no_rights_above(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the folder above may not be opened, its own user has to care for it."""
    fsync = os.fsync

    def refuse(descriptor: int) -> None:
        if os.readlink(f"/proc/self/fd/{descriptor}") == str(tmp_path):
            raise PermissionError(errno.EACCES, "not yours")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse)
    DiskFiles(tmp_path / "a").prepare()
    with pytest.raises(PermissionError, match="not yours"):
        DiskFiles(tmp_path).prepare()


def test_a_removed_file_is_not_held_open(tmp_path: Path) -> None:
    """Its space is given back, and what is appended next does not go into the void."""
    files = DiskFiles(tmp_path, max_open=3)
    files.append("x", b"1")
    descriptor = files._open["x"]
    files.remove("x")
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(descriptor)
    files.append("x", b"2")
    files.close()
    assert (tmp_path / "x").read_bytes() == b"2"


def test_two_users_of_a_root_exclude_each_other(tmp_path: Path) -> None:
    """The lock is its holder's: nobody else's closing ends it, only its own."""
    first, second = DiskFiles(tmp_path), DiskFiles(tmp_path)
    first.lock("journal/lock")
    with pytest.raises(BlockingIOError):
        second.lock("journal/lock")
    second.append("x", b"1")
    second.close()
    with pytest.raises(BlockingIOError):
        second.lock("journal/lock")
    assert (tmp_path / "journal/lock").read_text() == f"{os.getpid()}\n"
    first.close()
    second.lock("journal/lock")
    second.close()


def test_a_longer_pid_leaves_no_rest(tmp_path: Path) -> None:
    """What an earlier holder wrote into the file is gone."""
    (tmp_path / "lock").write_text("99999999999999\n")
    files = DiskFiles(tmp_path)
    files.lock("lock")
    files.close()
    assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_full_disk_can_be_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text in the file is only for people."""

    def refuse(*_arguments: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "pwrite", refuse)
    first, second = DiskFiles(tmp_path), DiskFiles(tmp_path)
    first.lock("lock")
    with pytest.raises(BlockingIOError):
        second.lock("lock")
    first.close()


def test_a_killed_process_gives_its_lock_back(tmp_path: Path) -> None:
    """While it lives it excludes others; nothing has to be cleaned up after it."""
    files = DiskFiles(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", LOCKER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == "locked\n"
            with pytest.raises(BlockingIOError):
                files.lock("journal/lock")
            assert (tmp_path / "journal/lock").read_text() == f"{other.pid}\n"
        finally:
            other.kill()
        assert other.wait() == -signal.SIGKILL
    files.lock("journal/lock")
    files.close()
