"""What `format.json` says of receive times, as recorders follow each other in one directory."""

from __future__ import annotations

import json

from tests.fakes.memory_files import MemoryFiles
from tick_logger.derive.directory import describe_directory
from tick_logger.storage.format_file import KERNEL, READ, Width, write_format

SOON, LATER = 10**9, 2 * 10**9
BEGUN = {"by": "kernel", "since_ns": None}


def _told(files: MemoryFiles) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(files.read("format.json"))["receive_times"]
    return found


def _describe(files: MemoryFiles, by: str, at_ns: int, before: str | None = "f4+rest") -> None:
    describe_directory(files, before, "f4+rest", by, at_ns)


def test_a_new_directory_has_one_kind_from_its_beginning() -> None:
    """And says nothing more at the next start, if that is of the same kind."""
    files = MemoryFiles()
    _describe(files, KERNEL, SOON, None)
    assert _told(files) == [BEGUN]
    _describe(files, KERNEL, LATER)
    assert _told(files) == [BEGUN]


def test_another_kernel_goes_on() -> None:
    """Since when is said, as of the width of prices."""
    files = MemoryFiles()
    _describe(files, KERNEL, SOON, None)
    _describe(files, READ, LATER)
    assert _told(files) == [BEGUN, {"by": "read", "since_ns": LATER}]


def test_before_it_was_told_times_were_those_of_the_read() -> None:
    """A directory of an earlier version, with its description or without one."""
    for described in (True, False):
        files = MemoryFiles()
        if described:
            write_format(files, [Width("f4+rest")])
            told = json.loads(files.read("format.json"))
            del told["receive_times"]
            files.replace("format.json", json.dumps(told).encode())
        _describe(files, KERNEL, LATER)
        assert _told(files) == [
            {"by": "read", "since_ns": None},
            {"by": "kernel", "since_ns": LATER},
        ]


def test_who_only_writes_widths_keeps_what_is_told() -> None:
    """Such as what brings a day back from the archive."""
    files = MemoryFiles()
    _describe(files, KERNEL, SOON, None)
    write_format(files, [Width("f4+rest"), Width("f8", LATER)])
    assert _told(files) == [BEGUN]
