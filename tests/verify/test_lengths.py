"""The log of lengths that a recovery would begin from is looked at, too."""

from __future__ import annotations

from tests.derive.story import Frames, story
from tests.fakes.memory_files import MemoryFiles
from tests.recording.lives import live
from tick_logger.model.entries import Closed
from tick_logger.storage.extents import Extent
from tick_logger.storage.extents_log import ExtentsLog
from tick_logger.verify.recording import verify_recording
from tick_logger.verify.report import Kind

LOG = "journal/extents.2.0"


def test_a_damaged_line_is_found() -> None:
    """A torn one at the end is not: it was never acted upon."""
    frames: Frames = [*story(0, rounds=2), [Closed(1)]]
    files = MemoryFiles()
    live(files, frames, checkpoints=(len(frames) - 1, len(frames)))
    log = ExtentsLog(files)
    log.resume(2)
    log.add([Extent("one", 1, 2)])
    log.add([Extent("two", 1, 2)])
    whole = bytes(files.contents[LOG])
    for at, found in ((-1, []), (1, [f"{LOG}: line 1 is damaged, and lines follow it"])):
        files.contents[LOG] = bytearray(whole)
        files.contents[LOG][at] ^= 1
        report = verify_recording(files)
        assert [each.detail for each in report.findings if each.kind is Kind.JOURNAL] == found
