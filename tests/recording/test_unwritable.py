"""Whole lives on a directory where one name is in the way: all else is recorded, and starts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from tests.derive.derived import NOW_NS, bytes_of
from tests.derive.story import Frames, entries_of, story
from tests.recording.lives import live
from tick_logger.derive.recovery import recover_directory
from tick_logger.model.entries import Entry, Received, joined
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.storage.layout import UnwrittenPath, parse
from tick_logger.verify.recording import verify_recording

STORY = story(2, rounds=4)
EXPECTED = bytes_of(entries_of(STORY))
BTC = "coinbase/BTC-USD"


def renamed(frames: Frames, old: str, new: str) -> Frames:
    """The same story of a symbol of another name."""

    def entry(each: Entry) -> Entry:
        if not isinstance(each, Received):
            return each
        said, name = json.dumps(old).encode(), json.dumps(new).encode()
        lengths, payloads = joined([payload.replace(said, name) for payload in each.split()])
        defined = tuple(attrs.evolve(d, symbol=new) if d.symbol == old else d for d in each.defined)
        return attrs.evolve(each, lengths=lengths, payloads=payloads, defined=defined)

    return [[entry(each) for each in frame] for frame in frames]


def on_disk(root: Path) -> dict[str, bytes]:
    """What is recorded beside the journal, as `bytes_of` has it."""
    found = {}
    for path in DiskFiles(root).list(recursive=True):
        content = (root / path).read_bytes() if (root / path).is_file() else b""
        if content and not path.startswith("journal/") and path != "format.json":
            found[path] = content
    return found


def told(root: Path) -> set[str]:
    """The folders of symbols of which holes are told beside the exchanges' folders."""
    lines = [
        json.loads(line)
        for path, content in on_disk(root).items()
        if isinstance(parse(path), UnwrittenPath)
        for line in content.splitlines()
    ]
    return {f"{line['exchange']}/{line['symbol']}" for line in lines}


def lived(root: Path, frames: Frames, counts: tuple[int, ...] = (5, 11)) -> None:
    """Lives that end like a kill, the last of them at the end of the story."""
    for count in (*counts, len(frames)):
        files = DiskFiles(root)
        live(files, frames[:count], checkpoints=(3, 9))
        files.close()


def beside(path: str) -> dict[str, bytes]:
    """What should be there of everything that is not under a path."""
    return {each: data for each, data in EXPECTED.items() if not each.startswith(f"{path}/")}


@pytest.mark.parametrize("path", [BTC, "binance/ETHUSDT", "coinbase", "binance"])
def test_a_file_where_a_folder_should_be(tmp_path: Path, path: str) -> None:
    """Every other file has the bytes that it would have had, through crashes and starts."""
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_bytes(b"here first")
    lived(tmp_path, STORY)
    found = on_disk(tmp_path)
    assert found.pop(path) == b"here first"
    ours = {each: data for each, data in found.items() if "/" in each}
    assert ours == beside(path)
    assert {each for each in told(tmp_path) if each.startswith(path)} == told(tmp_path) != set()


@pytest.mark.parametrize("symbol", ["X" * 300, "/" * 100, "instruments.08.08.24.json"])
def test_a_journal_with_a_name_that_no_disk_takes(tmp_path: Path, symbol: str) -> None:
    """A directory that an earlier version has left so starts again, and so does `recover`."""
    lived(tmp_path, renamed(STORY, "BTC-USD", symbol))
    found = on_disk(tmp_path)
    assert {each: data for each, data in found.items() if "/" in each} == beside(BTC)
    assert told(tmp_path) == {f"coinbase/{symbol}"}
    for accept_damage in (False, True):
        recover_directory(
            DiskFiles(tmp_path),
            "data",
            NOW_NS,
            accept_damage=accept_damage,
            on_progress=lambda _messages, _share: None,
        )
    assert verify_recording(DiskFiles(tmp_path), deep=True).findings == []


def a_file_instead(folder: Path) -> None:
    folder.rename(folder.with_name("moved"))
    folder.write_bytes(b"in the way")


def a_link_instead(folder: Path) -> None:
    folder.rename(folder.with_name("moved"))
    folder.symlink_to(folder.name)


@pytest.mark.parametrize("spoil", [a_file_instead, a_link_instead])
@pytest.mark.parametrize("checkpoints", [(3,), (3, 7)])
def test_what_gets_in_the_way_between_two_runs(
    tmp_path: Path, spoil: Callable[[Path], None], checkpoints: tuple[int, ...]
) -> None:
    """A checkpoint knows how long the files were that nobody finds now."""
    files = DiskFiles(tmp_path)
    live(files, STORY[:9], checkpoints=checkpoints)
    files.close()
    spoil(tmp_path / BTC)
    files = DiskFiles(tmp_path)
    live(files, STORY, checkpoints=(12,))
    files.close()
    found = on_disk(tmp_path)
    ours = {
        each: data
        for each, data in found.items()
        if "/" in each and not each.startswith("coinbase/moved/") and each != BTC
    }
    assert ours == beside(BTC)
    assert told(tmp_path) == {BTC}


def test_verify_says_what_cannot_be_compared(tmp_path: Path) -> None:
    """It reads all the rest, and is no failure: the holes are told."""
    (tmp_path / "coinbase").mkdir(parents=True)
    (tmp_path / BTC).write_bytes(b"here first")
    files = DiskFiles(tmp_path)
    live(files, STORY, checkpoints=(3,))
    files.close()
    recover_directory(
        DiskFiles(tmp_path),
        "data",
        NOW_NS,
        accept_damage=False,
        on_progress=lambda _messages, _share: None,
    )
    report = verify_recording(DiskFiles(tmp_path), deep=True)
    assert report.findings == []
    assert f"{BTC}: not compared; unwritten files tell of holes" in report.notes
