"""Checks a recording as a whole: its files, its journal, its checkpoints, and that they agree.

With `deep`, the journal that is still there is replayed, and every byte that this gives is compared
with the column files, gaps files and payloads kept aside.  Reads only; for a recorder that has
stopped: beside one that writes, things do not agree because they cannot yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from tick_logger import __version__
from tick_logger.derive.checkpoints import EXTENTS_EPOCH
from tick_logger.derive.derivation import Derivation
from tick_logger.derive.directory import FIRST_SEQ, recorded_price_dtype
from tick_logger.derive.replay import Replay, entries_of
from tick_logger.errors import MADE_BY_NEWER, StorageError
from tick_logger.exchanges import registry
from tick_logger.journal.reader import JournalReader, SegmentsCheck, check_segments
from tick_logger.model.schemas import NewerVersionError, Schemas
from tick_logger.model.tables import EXACT
from tick_logger.storage.checkpoint import Checkpoint, CheckpointSlots
from tick_logger.storage.extents import Extent, extents_from_state
from tick_logger.storage.extents_log import ExtentsLog
from tick_logger.storage.files import Files
from tick_logger.storage.journal_layout import JOURNAL_FOLDER
from tick_logger.storage.layout import ColumnPath, GapsPath, parse
from tick_logger.verify.comparing_files import ComparingFiles
from tick_logger.verify.report import Finding, Kind, Report
from tick_logger.verify.tree import verify

T = TypeVar("T")


def verify_recording(
    files: Files, *, deep: bool = False, on_progress: Callable[[int], None] = lambda _: None
) -> Report:
    """Check everything under the root of `files`; `on_progress` hears of messages replayed.

    Raises `OSError` if something cannot be read, and `StorageError` if it was made by a newer
    version.
    """
    try:
        return _verified(files, deep=deep, on_progress=on_progress)
    except NewerVersionError as error:
        raise StorageError(f"{MADE_BY_NEWER}: {error}") from error


def _verified(files: Files, *, deep: bool, on_progress: Callable[[int], None]) -> Report:
    report = verify(files, dense=registry.has_dense_ids)
    segments = check_segments(files)
    slots = CheckpointSlots(files)
    checkpoints = slots.both()
    report.findings += [
        Finding(JOURNAL_FOLDER, Kind.JOURNAL, 1, detail=p) for p in segments.problems
    ]
    report.notes += slots.problems
    if segments.segments or checkpoints or slots.problems:
        _check_journal(files, report, segments, checkpoints)
        report.notes += [_journal_note(segments)]
    if deep:
        _replay(files, report, segments, checkpoints, on_progress)
    return report


def _check_journal(
    files: Files, report: Report, segments: SegmentsCheck, checkpoints: list[Checkpoint]
) -> None:
    """Whether the newest checkpoint, the journal behind it and the files belong together."""
    if not checkpoints:
        report.findings.append(
            Finding(JOURNAL_FOLDER, Kind.CHECKPOINT, 1, detail="there is no valid checkpoint")
        )
        return
    newest = checkpoints[-1]
    Schemas.from_plain(newest.state["price_dtype"], newest.state.get("columns", {}))
    try:
        ExtentsLog(files).read(newest.state[EXTENTS_EPOCH])
    except StorageError as error:
        report.findings.append(Finding(JOURNAL_FOLDER, Kind.JOURNAL, 1, detail=str(error)))
    reader = JournalReader(files, from_seq=newest.next_seq, skip_damage=True)
    behind = 0
    for frame in reader:
        entries_of(frame)  # refused here, where a newer version wrote it
        behind += 1
    if behind:
        detail = "frames; the recorder did not stop in order: start it, or run recover"
        report.findings.append(Finding(JOURNAL_FOLDER, Kind.NOT_RECOVERED, behind, detail=detail))
    for extent in _extents(newest):
        for path, size in extent.sizes().items():
            found = files.size(path)
            if found < size or (found > size and not behind):
                detail = f"{found:,} bytes instead of {size:,}"
                report.findings.append(
                    Finding(path, Kind.CHECKPOINT, abs(found - size), detail=detail)
                )


def _journal_note(segments: SegmentsCheck) -> str:
    return (
        f"{JOURNAL_FOLDER}: {segments.frames:,} frames in {segments.bytes:,} bytes, "
        f"of which {segments.torn_bytes:,} at the end are torn"
    )


def _replay(
    files: Files,
    report: Report,
    segments: SegmentsCheck,
    checkpoints: list[Checkpoint],
    on_progress: Callable[[int], None],
) -> None:
    """Derive everything once more that can be derived, and compare."""
    complete = segments.first_seq == FIRST_SEQ
    if not complete and not checkpoints:
        report.notes.append("nothing to replay: no journal from the beginning, no checkpoint")
        return
    derivation, compared = _beginning(files, None if complete else checkpoints[0])
    replay = Replay(derivation, files)
    try:
        while replay.run():
            on_progress(replay.messages)
    except StorageError as error:
        report.findings.append(Finding(JOURNAL_FOLDER, Kind.REPLAY, 1, detail=str(error)))
        return
    for finding, versions in _disagreements(files, compared, complete=complete):
        if versions <= {__version__}:
            report.findings.append(finding)
        else:
            others = ", ".join(sorted(versions - {__version__})) or "an earlier version"
            report.notes.append(f"{finding}; recorded by {others}, which may have read it so")
    since = "the beginning" if complete else f"frame {checkpoints[0].next_seq:,}"
    report.notes.append(
        f"replayed {replay.messages:,} messages since {since}: "
        f"{compared.compared_bytes:,} bytes compared"
    )


def _disagreements(
    files: Files, compared: ComparingFiles, *, complete: bool
) -> Iterator[tuple[Finding, set[str]]]:
    """Where journal and files disagree, and the versions of the program that recorded it.

    What another version recorded proves nothing: it may have understood a message otherwise.
    """
    for path, found in _ours(compared.differences):
        detail = f"the journal gives other bytes from byte {found.at:,} on"
        yield Finding(path, Kind.REPLAY, 1, detail=detail), {found.version}
    for path, excess in _ours(compared.shorter_than_real()):
        detail = "bytes not in the journal"
        yield Finding(path, Kind.REPLAY, excess, detail=detail), compared.versions.get(path, set())
    if complete:
        everybody = set().union(*compared.versions.values())
        for path in _recorded(files):
            if path not in compared.paths:
                yield Finding(path, Kind.REPLAY, 1, detail="not in the journal"), everybody


def _ours(by_path: Mapping[str, T]) -> list[tuple[str, T]]:
    """Those of the recording proper, not of the journal's own notes."""
    ours = (each for each in by_path.items() if not each[0].startswith(JOURNAL_FOLDER))
    return sorted(ours, key=lambda each: each[0])


def _beginning(files: Files, checkpoint: Checkpoint | None) -> tuple[Derivation, ComparingFiles]:
    """The state to replay from, over files as long as they were then."""
    compared = ComparingFiles(files)
    schemas = Schemas.written(recorded_price_dtype(files, checkpoint) or EXACT)
    if checkpoint is not None:
        met_later = ExtentsLog(files).read(checkpoint.state[EXTENTS_EPOCH])
        for extent in [*reversed(met_later), *_extents(checkpoint)]:
            for path, size in extent.sizes().items():
                compared.begin(path, size)
    derivation = Derivation(compared, ExtentsLog(compared), schemas)
    compared.version = lambda: derivation.version
    if checkpoint is not None:
        derivation.load(checkpoint.state, checkpoint.next_seq)
        derivation.store.cut(derivation.store.extents())
    return derivation, compared


def _extents(checkpoint: Checkpoint) -> list[Extent]:
    return extents_from_state(checkpoint.state["store"]["extents"])


def _recorded(files: Files) -> list[str]:
    """Column and gaps files that there are."""
    paths = files.list(recursive=True)
    return [path for path in paths if isinstance(parse(path), ColumnPath | GapsPath)]
