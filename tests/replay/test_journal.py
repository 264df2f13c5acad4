"""The journal of what real exchanges sent: all of it is there, and gives the same files again."""

from __future__ import annotations

from pathlib import Path

from tests.recordings import needs_recordings
from tests.replay.running import Recorded
from tick_logger.model.entries import Received
from tick_logger.storage.entry_codec import decode_entries
from tick_logger.storage.files import DiskFiles
from tick_logger.storage.journal_reader import JournalReader
from tick_logger.verification import verify_recording

pytestmark = needs_recordings


def test_every_frame_is_in_the_journal_as_it_came(recorded: Recorded) -> None:
    """In the order in which it came, byte for byte."""
    sent = recorded.play.frames()
    of_the_capture = set(sent)
    kept = [payload for payload in payloads(recorded.folder) if payload in of_the_capture]
    assert kept == sent


def test_the_journal_gives_the_same_files_again(recorded: Recorded) -> None:
    """Column files, gaps files and what was undecodable, to the byte."""
    check_again(recorded)


def test_the_journal_of_two_runs_gives_the_same_files_again(
    restarts: list[tuple[Recorded, Recorded]],
) -> None:
    """The restart between them, and what it left out as known, included."""
    for _, after in restarts:
        check_again(after)


def check_again(recorded: Recorded) -> None:
    files = DiskFiles(str(recorded.folder))
    try:
        report = verify_recording(files, deep=True)
    finally:
        files.close()
    assert [str(finding) for finding in report.findings] == []
    assert report.rows > 0


def payloads(folder: Path) -> list[bytes]:
    """Everything in the journal that was received, in order."""
    files = DiskFiles(str(folder))
    try:
        frames = [decode_entries(frame.body) for frame in JournalReader(files, from_seq=1)]
    finally:
        files.close()
    entries = [entry for frame in frames for entry in frame if isinstance(entry, Received)]
    return [payload for entry in entries for payload in entry.split()]
