"""What an archive has as received is played as the journal is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.playback.recorded import record_simulated
from tests.playback.sockets import to_disk
from tests.service.world import in_virtual_time
from tick_logger.archive.jobs import Folders, RawJob
from tick_logger.archive.ledger import Ledger
from tick_logger.archive.packing import day_jobs
from tick_logger.archive.running import run_job
from tick_logger.cli.main import main
from tick_logger.journal.entry_codec import encode_entries
from tick_logger.journal.reader import JournalReader
from tick_logger.model.entries import Entry, Received
from tick_logger.playback.entries import JournalFrames, NoJournalError, NothingOfItError
from tick_logger.playback.packed_frames import PackedFrames
from tick_logger.reader.errors import OverlapError
from tick_logger.reader.opening import source_at
from tick_logger.reader.tree import DiskTree
from tick_logger.storage.disk_files import DiskFiles

NAME = "okx"
DAY = 20_718  # 2026-09-22


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five seconds of an exchange."""
    found = tmp_path_factory.mktemp("recorded")
    to_disk(in_virtual_time(record_simulated, NAME, 5.123), found)
    return found


def packed(data: Path, root: Path, *ends: int, server: str = "here") -> Path:
    """The archive of a recording, with frames up to each of these, and all others, in objects."""
    last = max(frame.seq for frame in JournalReader(DiskFiles(data), from_seq=1))
    files, folders = DiskFiles(root), Folders(str(data), str(root), server)
    files.prepare()
    first = 1
    for end in (*ends, last + 1):
        run_job(RawJob(folders, first, end))
        first = end
    for job in day_jobs(folders, source_at(data), Ledger(files), NAME, DAY):
        run_job(job)
    return root


def said(frames: list[list[Entry]]) -> list[bytes]:
    """Every entry of the exchange, or of none, as bytes; those of others are not its frames'."""
    mine = (e for frame in frames for e in frame)
    return [encode_entries([e]) for e in mine if not isinstance(e, Received) or e.exchange == NAME]


@pytest.mark.parametrize("ends", [(), (3, 4, 9)])
def test_frames_are_those_of_the_journal(
    recorded: Path, tmp_path: Path, ends: tuple[int, ...]
) -> None:
    """Each once and in order, however they lie in objects."""
    root = packed(recorded, tmp_path, *ends)
    wanted = said(list(JournalFrames(DiskFiles(recorded))))
    assert len(wanted) > 20
    assert said(list(PackedFrames(DiskTree(root), NAME))) == wanted


def test_what_is_not_there(recorded: Path, tmp_path: Path) -> None:
    with pytest.raises(NoJournalError):
        PackedFrames(DiskTree(tmp_path), NAME)
    root = packed(recorded, tmp_path)
    with pytest.raises(NothingOfItError) as nothing:
        PackedFrames(DiskTree(root), "kraken")
    assert nothing.value.others == (NAME,)
    packed(recorded, tmp_path, server="there")
    with pytest.raises(OverlapError, match="by several: here and there"):
        PackedFrames(DiskTree(root), NAME)


def test_the_command(recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It reads the archive to its end, where it is asked for more than that."""
    root = packed(recorded, tmp_path)
    assert main(["replay", str(root), NAME, "--from", "2030-01-01"]) == 2
    assert f"the journal has {NAME} until 2026-09-22T12:00:0" in capsys.readouterr().err
    assert main(["replay", str(root), "kraken"]) == 2
    assert f"the journal has nothing of kraken; it has {NAME}" in capsys.readouterr().err
