"""Payloads kept aside: their lines, and the bound on them."""

from __future__ import annotations

import json

import pytest

from tests.fakes.memory_files import MemoryFiles
from tests.storage.sample import DAY, MIDNIGHT_NS
from tests.storage.stored import put, store
from tick_logger.model.entries import KeptAside
from tick_logger.model.flush import Flush
from tick_logger.model.times import NS_PER_DAY
from tick_logger.storage import kept_aside

PATH = "venue/undecodable.01.02.24.jsonl"


def aside(payload: bytes = b"{]", *, day: int = DAY, exchange: str = "venue") -> KeptAside:
    return KeptAside(exchange, day * NS_PER_DAY, "no JSON", payload)


def of_kind(kind: str, payload: bytes = b"{}", *, day: int = DAY) -> KeptAside:
    return KeptAside("venue", day * NS_PER_DAY, f"unknown kind {kind!r}", payload, kind)


def payloads(files: MemoryFiles, path: str = PATH) -> list[str]:
    return [json.loads(line)["payload"] for line in files.contents.get(path, b"").splitlines()]


def lines(files: MemoryFiles, path: str = PATH) -> int:
    return files.contents.get(path, b"").count(b"\n")


def test_lines() -> None:
    """Reason, time and text; what is no text is replaced, what is too long is cut."""
    files = MemoryFiles()
    long = b"x" * (64 * 1024 + 1)
    put(store(files), Flush(), [aside(b'\xff"'), aside(long)])
    first, second = (json.loads(line) for line in files.contents[PATH].splitlines())
    assert first == {"recv_ns": MIDNIGHT_NS, "reason": "no JSON", "bytes": 2, "payload": '\ufffd"'}
    assert (second["bytes"], second["payload"]) == (65537, "x" * 65536)


@pytest.mark.parametrize("together", [True, False])
def test_bound(monkeypatch: pytest.MonkeyPatch, together: bool) -> None:
    """So many of each exchange and day, however they come."""
    monkeypatch.setattr(kept_aside, "MAX_PER_DAY", 3)
    files = MemoryFiles()
    made = store(files)
    asides = [aside(), aside(), aside(exchange="other"), aside(), aside(), aside(day=DAY + 1)]
    for part in [asides] if together else [[each] for each in asides]:
        put(made, Flush(), part)
    put(made, Flush(), [aside(), aside()])
    assert {path: lines(files, path) for path in files.contents} == {
        PATH: 3,
        "other/undecodable.01.02.24.jsonl": 1,
        "venue/undecodable.02.02.24.jsonl": 1,
    }


def test_the_numbers_are_part_of_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """A replay keeps the same payloads."""
    monkeypatch.setattr(kept_aside, "MAX_PER_DAY", 3)
    files = MemoryFiles()
    first = store(files)
    put(first, Flush(), [aside(), aside()])
    second = store(files)
    second.load(first.dump())
    put(second, Flush(), [aside(), aside()])
    assert lines(files) == 3


def test_numbers_of_days_long_unused_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory stays bounded, whether there are dumps or not; a wrong clock spoils nothing."""
    monkeypatch.setattr(kept_aside, "MAX_COUNTED", 3)
    made = store(MemoryFiles())
    for day in (DAY, DAY + 3000, DAY + 1, DAY + 2, DAY + 1):
        put(made, Flush(), [aside(day=day)])
    assert [each[1:] for each in made.dump()["asides"]] == [
        [DAY + 3000, 1],
        [DAY + 2, 1],
        [DAY + 1, 2],
    ]


def test_of_an_unknown_kind_the_first_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for all days and processes, beside whatever else is kept; so many kinds and no more."""
    monkeypatch.setattr(kept_aside, "MAX_KINDS", 2)
    files = MemoryFiles()
    first = store(files)
    put(first, Flush(), [of_kind("a", b"1"), aside(b"2"), of_kind("a", b"3"), of_kind("b", b"4")])
    put(first, Flush(), [of_kind("b", b"5"), of_kind("c", b"6")])
    second = store(files)
    second.load(first.dump())
    put(second, Flush(), [of_kind("a", b"7", day=DAY + 1), of_kind("d", b"8"), aside(b"9")])
    assert payloads(files) == ["1", "2", "4", "9"]
    assert payloads(files, "venue/undecodable.02.02.24.jsonl") == []


def test_a_checkpoint_of_an_earlier_version_knows_no_kinds() -> None:
    """It says nothing of them."""
    files = MemoryFiles()
    state = store(files).dump()
    del state["kinds"]
    later = store(files)
    later.load(state)
    put(later, Flush(), [of_kind("a", b"1")])
    assert payloads(files) == ["1"]
