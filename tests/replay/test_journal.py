"""The journal of what real exchanges sent: all of it is there, and gives the same files again."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np

from tests.recordings import needs_recordings
from tests.replay.running import Recorded
from tick_logger.journal.entry_codec import decode_entries
from tick_logger.journal.reader import JournalReader
from tick_logger.model.entries import Received
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.verify.recording import verify_recording

pytestmark = needs_recordings


def test_every_frame_is_in_the_journal_as_it_came(recorded: Recorded) -> None:
    """Byte for byte, on one connection each, in the order in which it came there."""
    sent = recorded.play.frames()
    of_the_capture = set(sent)
    kept = defaultdict[str, list[bytes]](list)
    for connection, payload in payloads(recorded.folder):
        if payload in of_the_capture:
            kept[connection].append(payload)
    assert sum(map(len, kept.values())) == len(sent)
    for of_connection in kept.values():
        there = set(of_connection)
        assert of_connection == [payload for payload in sent if payload in there]


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


def payloads(folder: Path) -> list[tuple[str, bytes]]:
    """Everything in the journal that was received, in order, each with its connection."""
    files = DiskFiles(str(folder))
    try:
        frames = [decode_entries(frame.body) for frame in JournalReader(files, from_seq=1)]
    finally:
        files.close()
    entries = [entry for frame in frames for entry in frame if isinstance(entry, Received)]
    return [
        (connection, payload)
        for entry in entries
        for connection, payload in zip(
            np.repeat(entry.connections, entry.counts).tolist(), entry.split(), strict=True
        )
    ]
