"""What every implementation of the files port must do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.memory_files import MemoryFiles
from tests.fakes.sim_disk import SimDisk
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.storage.files import Files


@pytest.fixture(params=["disk", "disk, one open file", "memory", "simulated"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Files]:
    made: Files
    match request.param:
        case "disk":
            made = DiskFiles(tmp_path / "root", max_open=100)
        case "disk, one open file":
            made = DiskFiles(tmp_path / "root", max_open=1)
        case "memory":
            made = MemoryFiles()
        case _:
            made = SimDisk()
    yield made
    made.close()


def test_append_makes_folders_and_file(files: Files) -> None:
    """The first append makes whatever is missing; the next ones add at the end."""
    files.append("a/b/c.bin", b"one")
    files.append("a/b/d.bin", b"!")
    files.append("a/b/c.bin", memoryview(b"-two-")[1:4])
    assert files.read("a/b/c.bin") == b"onetwo"
    assert files.read("a/b/d.bin") == b"!"


def test_append_after_truncate_continues_there(files: Files) -> None:
    """A cut file grows from its new end, without a hole."""
    files.append("x", b"0123456789")
    files.truncate("x", 4)
    files.append("x", b"AB")
    assert files.read("x") == b"0123AB"


def test_append_after_close_is_allowed(files: Files) -> None:
    """Closing gives back resources and nothing else."""
    files.append("x", b"1")
    files.close()
    files.append("x", b"2")
    assert files.read("x") == b"12"


@pytest.mark.parametrize("path", ["x" * 256, "a/" + "é" * 128, "a/" + "x" * 256 + "/b"])
def test_a_name_can_be_too_long(files: Files, path: str) -> None:
    """It has 255 bytes at most, also as a folder; nothing is left behind that is listed."""
    with pytest.raises(OSError, match="File name too long"):
        files.append(path, b"1")
    with pytest.raises(OSError, match="File name too long"):
        files.replace(path, b"1")
    files.append("a/" + "é" * 127, b"1")
    assert files.list(recursive=True) == ["a/" + "é" * 127]


def test_append_of_nothing_makes_the_file(files: Files) -> None:
    """No bytes are as good as any."""
    files.append("x", b"")
    assert files.exists("x")
    assert files.size("x") == 0


def test_size_and_exists(files: Files) -> None:
    """A file that is not there has no bytes."""
    files.append("a/x", b"abc")
    assert (files.size("a/x"), files.exists("a/x")) == (3, True)
    assert (files.size("a/y"), files.exists("a/y")) == (0, False)
    assert not files.exists("a")


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [(0, None, b"abcdef"), (2, None, b"cdef"), (2, 3, b"cde"), (4, 10, b"ef"), (9, 1, b"")],
)
def test_read_of_a_part(files: Files, offset: int, length: int | None, expected: bytes) -> None:
    """A part ends with the file at the latest."""
    files.append("x", b"abcdef")
    assert files.read("x", offset, length) == expected


def test_reading_or_cutting_what_is_not_there(files: Files) -> None:
    """There is nothing to read or cut."""
    with pytest.raises(FileNotFoundError):
        files.read("nothing")
    with pytest.raises(FileNotFoundError):
        files.truncate("nothing", 0)


def test_list(files: Files) -> None:
    """Names of one folder, folders marked; or all files below it."""
    for path in ("top", "a/z", "a/b/c", "a/b/d", "ab/e"):
        files.append(path, b"")
    assert files.list() == ["a/", "ab/", "top"]
    assert files.list("a") == ["b/", "z"]
    assert files.list("a", recursive=True) == ["a/b/c", "a/b/d", "a/z"]
    assert files.list(recursive=True) == ["a/b/c", "a/b/d", "a/z", "ab/e", "top"]


@pytest.mark.parametrize("recursive", [False, True])
def test_list_of_no_folder_is_empty(files: Files, recursive: bool) -> None:
    """What is not there holds nothing, and looking does not make it."""
    assert files.list("nowhere", recursive=recursive) == []
    assert files.list(recursive=recursive) == []


def test_sync_keeps_what_was_written(files: Files) -> None:
    """Syncing is possible at any time, also before the first append."""
    files.sync()
    files.append("x", b"abc")
    files.sync()
    assert files.read("x") == b"abc"


def test_sync_of_one_file_keeps_what_was_written(files: Files) -> None:
    """Before and after more was appended or cut, and not of what is not there."""
    files.append("a/x", b"abc")
    files.sync_file("a/x")
    files.append("b", b"another file, so that one open file is not enough")
    files.sync_file("a/x")
    files.truncate("a/x", 1)
    files.append("a/x", b"d")
    files.sync_file("a/x")
    assert files.read("a/x") == b"ad"
    with pytest.raises(FileNotFoundError):
        files.sync_file("a/nothing")
    assert not files.exists("a/nothing")


def test_sync_of_a_folder(files: Files) -> None:
    """Of the root and of any folder that is there, also when its files are gone."""
    files.append("a/b/x", b"abc")
    for folder in ("", "a", "a/b"):
        files.sync_folder(folder)
    files.remove("a/b/x")
    files.sync_folder("a/b")
    with pytest.raises(FileNotFoundError):
        files.sync_folder("a/c")


def test_sync_without_an_append(files: Files) -> None:
    """What was only cut or removed can be synced as well."""
    files.append("x", b"abc")
    files.close()
    files.truncate("x", 1)
    files.sync()
    assert files.read("x") == b"a"


def test_remove(files: Files) -> None:
    """The file goes, its folder stays, and the next append begins anew."""
    files.append("a/x", b"abc")
    files.remove("a/x")
    assert (files.exists("a/x"), files.size("a/x")) == (False, 0)
    assert files.list() == ["a/"]
    assert files.list("a") == []
    assert files.list(recursive=True) == []
    files.append("a/x", b"d")
    assert files.read("a/x") == b"d"


def test_replace_makes_or_exchanges_the_whole_file(files: Files) -> None:
    """Folders come with it, longer or shorter does not matter, and nothing else is left."""
    files.replace("a/b/x", b"first")
    assert files.read("a/b/x") == b"first"
    files.replace("a/b/x", b"2nd")
    files.replace("a/b/y", b"")
    assert files.read("a/b/x") == b"2nd"
    assert (files.exists("a/b/y"), files.size("a/b/y")) == (True, 0)
    assert files.list(recursive=True) == ["a/b/x", "a/b/y"]


def test_a_replaced_file_grows_from_its_new_end(files: Files) -> None:
    """Whoever appended before must not go on writing to the file that is gone."""
    files.append("x", b"0123456789")
    files.replace("x", b"new")
    files.append("x", b"er")
    files.sync_file("x")
    assert files.read("x") == b"newer"
    files.remove("x")
    files.replace("x", b"again")
    assert files.read("x") == b"again"


def test_rename_moves_a_file_into_another_folder(files: Files) -> None:
    """The folder comes with it; what had the name is gone, and both names can be used again."""
    files.append("in/x.part", b"whole")
    files.sync_file("in/x.part")
    files.rename("in/x.part", "out/of/x")
    files.sync_folder("in")
    files.sync_folder("out/of")
    assert files.list(recursive=True) == ["out/of/x"]
    files.append("in/x.part", b"another")
    files.rename("in/x.part", "out/of/x")
    files.append("out/of/x", b"!")
    assert files.read("out/of/x") == b"another!"
    assert files.list("in") == []


def test_rename_of_nothing_is_an_error(files: Files) -> None:
    """And leaves what has the other name."""
    files.append("x", b"1")
    with pytest.raises(FileNotFoundError):
        files.rename("nothing", "x")
    assert files.read("x") == b"1"


@pytest.mark.parametrize("path", ["nothing", "no/folder/nothing"])
def test_remove_of_nothing(files: Files, path: str) -> None:
    """Whoever wants a file to be gone does not mind that it is."""
    files.remove(path)
    assert files.list(recursive=True) == []


def test_a_lock_is_held_until_close(files: Files) -> None:
    """Once, with a pid in its file; syncing, writing and other locks do not touch it."""
    files.lock("a/lock")
    files.lock("a/another")
    text = files.read("a/lock")
    assert int(text) > 0
    files.append("x", b"1")
    files.sync()
    with pytest.raises(BlockingIOError):
        files.lock("a/lock")
    files.close()
    files.lock("a/lock")
    assert files.read("a/lock") == text
    assert files.list("a") == ["another", "lock"]


def test_preparing_makes_the_root(tmp_path: Path) -> None:
    """A data path need not exist."""
    DiskFiles(tmp_path / "a" / "b").prepare()
    assert (tmp_path / "a" / "b").is_dir()


def test_preparing_refuses_a_root_that_cannot_be(tmp_path: Path) -> None:
    """Said at the start, not at the first flush."""
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Not a directory"):
        DiskFiles(tmp_path / "file" / "data").prepare()
