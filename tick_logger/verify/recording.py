"""Checks a recording as a whole: its files, its journal, its checkpoints, and that they agree.

With `deep`, the journal that is still there is replayed, and every byte that this gives is compared
with the column files, gaps files and payloads kept aside (`replayed`).  Reads only.  Beside a
recorder that runs, what is promised at each moment is checked, and files may grow.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tick_logger.derive.checkpoints import EXTENTS_EPOCH
from tick_logger.derive.directory import FIRST_SEQ
from tick_logger.derive.replay import entries_of
from tick_logger.errors import MADE_BY_NEWER, StorageError
from tick_logger.exchanges import registry
from tick_logger.journal.reader import JournalReader, SegmentsCheck, check_segments
from tick_logger.model.schemas import NewerVersionError, Schemas
from tick_logger.storage.checkpoint import Checkpoint, CheckpointSlots
from tick_logger.storage.cutting import IsReleased, nothing_released
from tick_logger.storage.extents import extents_from_state
from tick_logger.storage.extents_log import ExtentsLog
from tick_logger.storage.files import Files
from tick_logger.storage.journal_layout import CHECKPOINT_PATHS, JOURNAL_FOLDER
from tick_logger.storage.layout import ColumnPath, parse
from tick_logger.verify.looks import what_stands
from tick_logger.verify.replayed import replay, unwritten_folders
from tick_logger.verify.report import Finding, Kind, Report
from tick_logger.verify.tree import verify


def verify_recording(
    files: Files,
    *,
    deep: bool = False,
    on_progress: Callable[[int], None] = lambda _: None,
    wait: Callable[[], None] | None = None,
    is_released: IsReleased = nothing_released,
) -> Report:
    """Check everything under the root of `files`; `on_progress` hears of messages replayed.

    `is_released` tells of which exchange and day the main files may be gone.
    `wait` lets some time pass, and says that somebody records there; None: nobody does.
    Raises `OSError` if nothing can be read, and `StorageError` if it was made by a newer
    version.
    """
    live = wait is not None
    try:
        report = verify(files, dense=registry.has_dense_ids, wait=wait, is_released=is_released)
        report.add(what_stands([partial(_check_journal, files, live=live)], wait))
        if deep:
            _compare(files, report, on_progress, wait)
    except NewerVersionError as error:
        raise StorageError(f"{MADE_BY_NEWER}: {error}") from error
    report.live = live
    _leave_out(report, files, is_released)
    return report


def _leave_out(report: Report, files: Files, is_released: IsReleased) -> None:
    """What is gone because it was let go of disagrees with nothing."""

    def is_gone(each: Finding) -> bool:
        where = parse(each.path) if each.kind in (Kind.CHECKPOINT, Kind.REPLAY) else None
        if not isinstance(where, ColumnPath) or where.late or files.exists(each.path):
            return False
        return is_released(where.exchange, where.day)

    gone = [each for each in report.findings if is_gone(each)]
    if gone:
        report.findings = [each for each in report.findings if each not in gone]
        report.notes.append(f"{len(gone):,} files are not here any more: their days were released")


def _compare(
    files: Files,
    report: Report,
    on_progress: Callable[[int], None],
    wait: Callable[[], None] | None,
) -> None:
    """Replay, and say why nothing was compared if it could not be."""
    reasons: list[str] = []

    def look() -> Report:
        found, reason = replay(files, on_progress, live=wait is not None)
        reasons.append(reason)
        return found

    report.add(what_stands([look], wait))
    report.not_compared = reasons[-1] if reasons else "the journal went while it was read"


def _check_journal(files: Files, *, live: bool) -> Report:
    """Whether the journal is whole, and belongs together with the newest checkpoint and files."""
    report = Report()
    slots = CheckpointSlots(files)
    checkpoints = slots.both()
    segments = check_segments(files)
    report.findings += [
        Finding(JOURNAL_FOLDER, Kind.JOURNAL, 1, detail=p) for p in segments.problems
    ]
    if not live:  # beside a recorder one of the two is written now and then
        report.notes += slots.problems
    if not segments.segments and not checkpoints and not slots.problems:
        return report
    if checkpoints:
        report.findings += _check_length(segments, checkpoints)
        report.findings += _check_checkpoint(files, checkpoints[-1], live=live)
    elif not live or len(slots.problems) == len(CHECKPOINT_PATHS):
        detail = "there is no valid checkpoint"
        report.findings.append(Finding(JOURNAL_FOLDER, Kind.CHECKPOINT, 1, detail=detail))
    report.notes.append(_journal_note(segments, live=live))
    return report


def _check_length(segments: SegmentsCheck, checkpoints: list[Checkpoint]) -> list[Finding]:
    """Whether the journal has what begins at a checkpoint, and what comes up to the newest."""
    oldest, newest = checkpoints[0].next_seq, checkpoints[-1].next_seq
    details = []
    if segments.first_seq > oldest:
        details.append(
            f"it begins with frame {segments.first_seq:,}, "
            f"and a recovery may need it from frame {oldest:,} on"
        )
    following = max(segments.next_seq, FIRST_SEQ)
    if following < newest:
        details.append(
            f"frames {following:,} to {newest - 1:,} are gone, of which the newest checkpoint tells"
        )
    return [Finding(JOURNAL_FOLDER, Kind.JOURNAL, 1, detail=detail) for detail in details]


def _check_checkpoint(files: Files, newest: Checkpoint, *, live: bool) -> list[Finding]:
    """Whether the newest checkpoint, the journal behind it and the files belong together."""
    findings = []
    Schemas.from_plain(newest.state["price_dtype"], newest.state.get("columns", {}))
    try:
        ExtentsLog(files).read(newest.state[EXTENTS_EPOCH])
    except StorageError as error:
        findings.append(Finding(JOURNAL_FOLDER, Kind.JOURNAL, 1, detail=str(error)))
    reader = JournalReader(files, from_seq=newest.next_seq, skip_damage=True)
    behind = 0
    for frame in reader:
        entries_of(frame)  # refused here, where a newer version wrote it
        behind += 1
    if behind and not live:
        detail = "frames; the recorder did not stop in order: start it, or run recover"
        findings.append(Finding(JOURNAL_FOLDER, Kind.NOT_RECOVERED, behind, detail=detail))
    may_be_longer = live or behind > 0
    untold = unwritten_folders(files)
    for extent in extents_from_state(newest.state["store"]["extents"]):
        if extent.path.startswith(untold):
            continue
        for path, size in extent.sizes().items():
            found = files.size(path) if files.exists(path) else 0
            if found < size or (found > size and not may_be_longer):
                detail = f"{found:,} bytes instead of {size:,}"
                findings.append(Finding(path, Kind.CHECKPOINT, abs(found - size), detail=detail))
    return findings


def _journal_note(segments: SegmentsCheck, *, live: bool) -> str:
    end = "being written" if live else "torn"
    return (
        f"{JOURNAL_FOLDER}: {segments.frames:,} frames in {segments.bytes:,} bytes, "
        f"of which {segments.torn_bytes:,} at the end are {end}"
    )
