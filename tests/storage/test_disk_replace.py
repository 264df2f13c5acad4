"""What only files on a disk can get wrong about replacing one."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tick_logger.storage.disk_files import DiskFiles


def test_the_bytes_are_safe_before_the_name_means_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a power cut could leave an empty file where a good one was."""
    noted: list[str] = []
    fsync, rename = os.fsync, os.rename

    def noting_fsync(descriptor: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        noted.append(f"synced {path.name}: {path.read_text()}")
        fsync(descriptor)

    def noting_rename(old: str, new: str) -> None:
        noted.append(f"{Path(old).name} is {Path(new).name}, was {Path(new).read_text()}")
        rename(old, new)

    files = DiskFiles(tmp_path)
    files.replace("a/x", b"old")
    monkeypatch.setattr(os, "fsync", noting_fsync)
    monkeypatch.setattr(os, "rename", noting_rename)
    files.replace("a/x", b"new")
    assert noted == ["synced x.new: new", "x.new is x, was old"]


@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_a_replacement_that_fails_leaves_the_old_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """And takes away what it began; the next one works."""

    def refuse(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    files = DiskFiles(tmp_path)
    files.replace("x", b"old")
    with monkeypatch.context() as patched:
        patched.setattr(os, call, refuse)
        with pytest.raises(OSError, match="full"):
            files.replace("x", b"new")
    assert files.list() == ["x"]
    assert files.read("x") == b"old"
    files.replace("x", b"new")
    assert files.read("x") == b"new"


def test_what_a_dead_process_left_over_is_overwritten(tmp_path: Path) -> None:
    """However long it was."""
    (tmp_path / "x.new").write_bytes(b"much longer than what comes next")
    files = DiskFiles(tmp_path)
    files.replace("x", b"new")
    assert (files.list(), files.read("x")) == (["x"], b"new")
