"""Days that were over when nothing recorded are sealed and certified as by a recorder."""

from __future__ import annotations

from pathlib import Path

import pytest
from trio.testing import MockClock

from tests.archive.found_again import assert_found_again, bytes_of, certificates, newest
from tests.fakes.clock import VirtualClock
from tests.fakes.memory_files import MemoryFiles
from tests.fakes.signals import FakeSignals
from tests.upgrade.fixture import load, lost
from tick_logger.app import Ports
from tick_logger.archive.ledger import Covered, Ledger
from tick_logger.cli.sealing_at_rest import is_due, seal
from tick_logger.config.schema import ArchiveConfig, Config, LoggerConfig
from tick_logger.derive.replay import entries_of
from tick_logger.errors import ConfigError
from tick_logger.journal.reader import JournalReader
from tick_logger.model.entries import Closed, Entry, Sealed, Started
from tick_logger.offload import InlineOffload
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.verify.recording import verify_recording

TWO_DAYS_NS = 2 * 86_400 * 10**9
DAY = 20_786  # 2026-11-29


def recorded(name: str) -> MemoryFiles:
    """What an earlier version left."""
    files = MemoryFiles()
    for path, content in load(name).files.items():
        files.contents[path] = bytearray(content)
    return files


def config(root: Path, **archive: object) -> Config:
    """Nothing is kept of the journal but what is needed, and what the archive is to have."""
    kept = LoggerConfig(data_path="data", journal_keep_hours=0.0, journal_keep_mib=0)
    return Config(
        logger=kept,
        archive=ArchiveConfig(mode="local", local_path=str(root), **archive),  # type: ignore[arg-type]
    )


def ports(files: MemoryFiles, now_ns: int) -> Ports:
    return Ports(
        files=files, clock=VirtualClock(now_ns), offload=InlineOffload(), signals=FakeSignals()
    )


def entries(files: MemoryFiles) -> list[Entry]:
    return [entry for frame in JournalReader(files, from_seq=1) for entry in entries_of(frame)]


@pytest.mark.parametrize("name", ["small", "stopped"])
async def test_what_an_earlier_version_left_is_sealed(
    name: str, tmp_path: Path, autojump_clock: MockClock
) -> None:
    """Nothing recorded changes, each figure is found again by hand, and once is enough."""
    known, files = load(name), recorded(name)
    chosen, now_ns = config(tmp_path), known.ended_ns + TWO_DAYS_NS
    assert is_due(chosen, files, now_ns)
    before = len(entries(files))
    done = await seal(chosen, ports(files, now_ns), once=True)
    assert done.exit_code == 0
    assert lost(known, files.contents) == []
    on_disk = bytes_of(files)
    found = certificates(on_disk)
    assert {path.split("/")[0] for path in newest(found).values()} == set(known.venues)
    for path in newest(found).values():
        assert_found_again(on_disk, path, found[path])
    added = entries(files)[before:]
    assert {(e.exchange, e.day) for e in added if isinstance(e, Sealed)} == {
        (venue, DAY) for venue in known.venues
    }
    assert isinstance(added[0], Started)
    assert added[0].price_dtype == "f4"  # as it was recorded
    assert isinstance(added[-1], Closed)
    report = verify_recording(files, deep=True)
    assert report.findings == []
    assert not is_due(chosen, files, now_ns + TWO_DAYS_NS)


async def test_what_is_not_archived_stays_in_the_journal(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """Whatever is kept of it otherwise; what the archive has may go, as beside a recorder."""
    now_ns = load("small").ended_ns + TWO_DAYS_NS
    files = recorded("small")
    await seal(config(tmp_path), ports(files, now_ns), once=True)
    assert files.exists("journal/00000001.tlj")
    root = DiskFiles(tmp_path)
    root.prepare()
    last = max(frame.seq for frame in JournalReader(files, from_seq=1))
    Ledger(root).add(Covered(at_ns=1, first_seq=1, next_seq=last + 1, layout="hive"))
    root.close()
    files = recorded("small")
    await seal(config(tmp_path), ports(files, now_ns), once=True)
    assert not files.exists("journal/00000001.tlj")
    files = recorded("small")
    await seal(config(tmp_path / "other", raw=False), ports(files, now_ns), once=True)
    assert not files.exists("journal/00000001.tlj")


async def test_rows_that_only_the_journal_has_are_due(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """However short the time since their day, or whatever lies in the files."""
    files = recorded("small")
    for path in [each for each in files.contents if each.endswith(".bin")]:
        del files.contents[path]
    for path in ("journal/checkpoint.0", "journal/checkpoint.1"):
        files.contents.pop(path, None)
    assert is_due(config(tmp_path), files, load("small").ended_ns)
    assert not is_due(config(tmp_path), MemoryFiles(), load("small").ended_ns)


async def test_a_live_recorder_is_left_alone(tmp_path: Path, autojump_clock: MockClock) -> None:
    """Somebody has the directory: nothing in it is touched."""
    files = recorded("stopped")
    files.lock("journal/lock")
    before = bytes_of(files)
    with pytest.raises(ConfigError, match="another process records into data"):
        await seal(config(tmp_path), ports(files, load("stopped").ended_ns), once=True)
    assert bytes_of(files) == before
