"""Messages kept aside are compared without the words that say what is wrong with them."""

from __future__ import annotations

import json

import pytest

from tests.fakes.memory_files import MemoryFiles
from tick_logger.verify.comparing_files import ComparingFiles, Difference

PATH = "okx/undecodable.29.11.26.jsonl"


def line(number: int, reason: str, payload: str = "x") -> bytes:
    record = {"recv_ns": number, "reason": reason, "bytes": len(payload), "payload": payload}
    return json.dumps(record).encode() + b"\n"


def over(*lines: bytes, path: str = PATH) -> ComparingFiles:
    """What compares with these lines, from the second one on."""
    files = MemoryFiles()
    files.append(path, b"".join(lines))
    compared = ComparingFiles(files)
    compared.begin(path, len(lines[0]))
    return compared


LONG = "{" * 200_000


def test_other_words_are_no_difference() -> None:
    """However much longer or shorter they are; lines may be long, and come one by one."""
    compared = over(line(1, "a"), line(2, "b b b", LONG), line(3, ""), line(4, "d"))
    compared.append(PATH, line(2, "none", LONG) + line(3, "some words"))
    compared.append(PATH, memoryview(line(4, "d d")))
    assert compared.differences == {}
    assert compared.shorter_than_real() == {}


@pytest.mark.parametrize(
    "given", [line(3, "b"), line(2, "b", "y"), line(2, "b", LONG), b"no line\n", b'"text"\n']
)
def test_anything_else_is(given: bytes) -> None:
    """At the beginning of the line on disk; lines behind it count no more."""
    first = line(1, "a")
    compared = over(first, line(2, "other"), line(4, "d"))
    compared.append(PATH, given + line(5, "d"))
    assert compared.differences == {PATH: Difference(len(first), "")}


def test_missing_lines_and_more_lines_are_told() -> None:
    """On either side."""
    first, second = line(1, "a"), line(2, "long words")
    compared = over(first, second, line(3, "c"))
    compared.append(PATH, line(2, "b"))
    assert compared.shorter_than_real() == {PATH: len(line(3, "c"))}
    compared.append(PATH, line(3, "x") + line(4, "d"))
    assert compared.differences == {PATH: Difference(len(first + second + line(3, "c")), "")}
    assert over(first).differences == {}
    unknown = ComparingFiles(MemoryFiles())
    unknown.append(PATH, first)
    assert unknown.differences == {PATH: Difference(0, "")}


def test_words_count_in_any_other_file() -> None:
    """Only these lines are for people alone."""
    path = "okx/BTC/gaps.29.11.26.jsonl"
    compared = over(line(1, "a"), line(2, "b"), path=path)
    compared.append(path, line(2, "c"))
    assert path in compared.differences
