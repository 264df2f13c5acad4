"""Files that compare what is appended with what is there, and write nothing."""

from __future__ import annotations

import pytest

from tests.fakes.memory_files import MemoryFiles
from tick_logger.verify.comparing_files import ComparingFiles, Difference


def over(**contents: bytes) -> tuple[MemoryFiles, ComparingFiles]:
    """Files with these contents, and what compares with them."""
    real = MemoryFiles()
    for path, content in contents.items():
        real.append(path, content)
    return real, ComparingFiles(real)


def test_the_same_bytes_give_no_difference() -> None:
    """However they are cut into pieces."""
    _, compared = over(x=b"abcdef", y=b"")
    compared.append("x", b"ab")
    compared.append("x", memoryview(b"cde"))
    compared.append("x", b"f")
    compared.append("y", b"")
    assert compared.differences == {}
    assert compared.shorter_than_real() == {}
    assert compared.compared_bytes == 6
    assert compared.paths == {"x", "y"}


@pytest.mark.parametrize(
    ("pieces", "at"),
    [
        ((b"Xbcdef",), 0),
        ((b"abc", b"dXf"), 4),
        ((b"abcdef", b"g"), 6),
        ((b"abcdefgh",), 6),
        ((b"aXc", b"dXf"), 1),
    ],
)
def test_a_difference_is_the_first_byte_that_differs(pieces: tuple[bytes, ...], at: int) -> None:
    """Bytes beyond the end of the file differ too; only the first of all is told."""
    _, compared = over(x=b"abcdef")
    for piece in pieces:
        compared.append("x", piece)
    assert compared.differences == {"x": Difference(at, "")}


def test_a_file_that_is_not_there_differs_from_its_beginning() -> None:
    """Whatever is appended to it."""
    _, compared = over()
    compared.append("x", b"a")
    assert compared.differences == {"x": Difference(0, "")}


def test_what_the_real_file_has_more_is_told() -> None:
    """Of those files only that exist here."""
    _, compared = over(x=b"abcdef", y=b"abc", z=b"abc")
    compared.append("x", b"abcd")
    compared.append("y", b"abc")
    assert compared.shorter_than_real() == {"x": 2}


def test_files_begin_empty_or_where_they_are_told_to() -> None:
    """Then they are as long as that, and what comes is compared behind it."""
    _, compared = over(x=b"abcdef")
    assert (compared.size("x"), compared.exists("x")) == (0, False)
    with pytest.raises(FileNotFoundError):
        compared.read("x")
    compared.begin("x", 3)
    assert (compared.size("x"), compared.exists("x")) == (3, True)
    compared.append("x", b"dXf")
    assert compared.differences == {"x": Difference(4, "")}
    assert compared.compared_bytes == 3


def test_reading_ends_where_the_file_ends_here() -> None:
    """Whatever the real one holds behind it."""
    _, compared = over(x=b"abcdef")
    compared.begin("x", 4)
    assert compared.read("x") == b"abcd"
    assert compared.read("x", 1) == b"bcd"
    assert compared.read("x", 1, 2) == b"bc"
    assert compared.read("x", 3, 9) == b"d"
    assert compared.read("x", 9) == b""


def test_cutting_lets_the_same_bytes_come_again() -> None:
    """As a recovery does."""
    _, compared = over(x=b"abcdef")
    compared.append("x", b"abcd")
    compared.truncate("x", 2)
    assert compared.read("x") == b"ab"
    compared.append("x", b"cdef")
    assert compared.differences == {}


def test_names_are_those_that_exist_here() -> None:
    """Files and folders, as a disk lists them."""
    _, compared = over(**{"a/x": b"1", "a/b/y": b"2", "c/z": b"3"})
    for path in ("a/x", "a/b/y"):
        compared.begin(path, 0)
    assert compared.list() == ["a/"]
    assert compared.list("a") == ["b/", "x"]
    assert compared.list("c") == []
    assert compared.list(recursive=True) == ["a/b/y", "a/x"]
    compared.remove("a/x")
    compared.remove("never")
    assert compared.list("a") == ["b/"]


def test_nothing_on_the_disk_is_changed() -> None:
    """Whatever is done: not a byte, not a name, not a lock."""
    real, compared = over(x=b"abcdef")
    compared.prepare()
    compared.append("x", b"other")
    compared.append("new", b"other")
    compared.truncate("x", 1)
    compared.remove("x")
    compared.lock("lock")
    compared.lock("lock")
    compared.sync()
    compared.sync_file("x")
    compared.sync_folder()
    compared.close()
    assert real.contents == {"x": b"abcdef"}
    real.lock("lock")


def test_a_difference_is_told_with_the_version_that_wrote_it() -> None:
    """And each file with all those that had a part in it."""
    _, compared = over(x=b"abcdef", y=b"abc")
    for version, piece in (("1.0", b"abc"), ("2.0", b"dXf")):
        compared.version = lambda version=version: version  # type: ignore[misc]
        compared.append("x", piece)
    compared.append("y", b"abc")
    assert compared.differences == {"x": Difference(4, "2.0")}
    assert compared.versions == {"x": {"1.0", "2.0"}, "y": {"2.0"}}


def test_files_that_grow_are_compared_as_far_as_they_have_come() -> None:
    """What is not on disk yet is no difference; another byte before that is one."""
    real = MemoryFiles()
    real.append("a", b"0123")
    growing = ComparingFiles(real, growing=True)
    growing.append("a", b"012345")
    growing.append("b", b"12")
    assert (growing.differences, growing.compared_bytes) == ({}, 4)
    other = ComparingFiles(real, growing=True)
    other.append("a", b"01x345")
    assert other.differences == {"a": Difference(2, "")}
