"""Derives once more what the journal still gives, and compares every byte of it with the files.

Beside a recorder each file holds the first part of what the journal gives, or more than it gave
when it was read.  What cannot be compared is said, and is never taken for agreement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from tick_logger.derive.checkpoints import EXTENTS_EPOCH
from tick_logger.derive.derivation import Derivation
from tick_logger.derive.directory import FIRST_SEQ, recorded_price_dtype
from tick_logger.derive.replay import Replay
from tick_logger.errors import StorageError
from tick_logger.journal.reader import first_seq_of
from tick_logger.model.schemas import Schemas
from tick_logger.model.tables import EXACT
from tick_logger.storage.checkpoint import Checkpoint, CheckpointSlots
from tick_logger.storage.extents import Extent, extents_from_state
from tick_logger.storage.extents_log import ExtentsLog
from tick_logger.storage.files import Files
from tick_logger.storage.journal_layout import JOURNAL_FOLDER
from tick_logger.storage.layout import ColumnPath, GapsPath, UnwrittenPath, parse, symbol_folder
from tick_logger.storage.unwritten_files import streams_told
from tick_logger.verify.comparing_files import ComparingFiles
from tick_logger.verify.report import Finding, Kind, Report
from tick_logger.version import __version__

T = TypeVar("T")


def replay(files: Files, on_progress: Callable[[int], None], *, live: bool) -> tuple[Report, str]:
    """Derive everything once more that can be derived, and compare.

    Returns what was found, and why nothing could be compared, if nothing could.
    """
    report = Report()
    checkpoints = CheckpointSlots(files).both()
    first_seq = first_seq_of(files)
    begun_seq = max((each.state.get("begun_seq", FIRST_SEQ) for each in checkpoints), default=1)
    complete = first_seq == FIRST_SEQ == begun_seq
    begin = None if complete else _first_usable(checkpoints, first_seq)
    if not complete and begin is None:
        return report, _hindrance(first_seq, checkpoints)
    derivation, compared = _beginning(files, begin, live=live)
    if live and begin is not None and begin.epoch not in _epochs(files):
        # Saved twice since: the lengths that were just read may lack what was removed then.
        raise FileNotFoundError(JOURNAL_FOLDER)
    replayed = Replay(derivation, files)
    try:
        while replayed.run():
            on_progress(replayed.messages)
    except StorageError as error:
        report.findings.append(Finding(JOURNAL_FOLDER, Kind.REPLAY, 1, detail=str(error)))
        return report, ""
    untold = unwritten_folders(files)
    report.notes += [f"{each[:-1]}: not compared; unwritten files tell of holes" for each in untold]
    for finding, versions in _disagreements(files, compared, complete=complete, live=live):
        if finding.path.startswith(untold):
            continue
        if versions <= {__version__}:
            report.findings.append(finding)
        else:
            others = ", ".join(sorted(versions - {__version__})) or "an earlier version"
            report.notes.append(f"{finding}; recorded by {others}, which may have read it so")
    since = "the beginning" if begin is None else f"frame {begin.next_seq:,}"
    report.notes.append(
        f"replayed {replayed.messages:,} messages since {since}: "
        f"{compared.compared_bytes:,} bytes compared"
    )
    nothing = f"the journal gives no bytes since {since}" if not compared.compared_bytes else ""
    return report, nothing


def unwritten_folders(files: Files) -> tuple[str, ...]:
    """The folders of symbols that could not be written at some time, a "/" behind each."""
    return tuple(sorted(f"{symbol_folder(*each)}/" for each in streams_told(files)))


def _first_usable(checkpoints: list[Checkpoint], first_seq: int) -> Checkpoint | None:
    """The oldest checkpoint behind which the journal has everything."""
    usable = (each for each in checkpoints if 0 < first_seq <= each.next_seq)
    return next(usable, None)


def _hindrance(first_seq: int, checkpoints: list[Checkpoint]) -> str:
    """Why nothing can be replayed."""
    if not first_seq:
        return "there is no journal"
    if not checkpoints:
        return "the journal does not reach back to the beginning, and there is no checkpoint"
    return (
        f"the journal begins with frame {first_seq:,}, "
        f"and the newest checkpoint needs it from frame {checkpoints[-1].next_seq:,} on"
    )


def _epochs(files: Files) -> set[int]:
    return {each.epoch for each in CheckpointSlots(files).both()}


def _disagreements(
    files: Files, compared: ComparingFiles, *, complete: bool, live: bool
) -> Iterator[tuple[Finding, set[str]]]:
    """Where journal and files disagree, and the versions of the program that recorded it.

    What another version recorded proves nothing: it may have understood a message otherwise.
    """
    for path, found in _ours(compared.differences):
        detail = f"the journal gives other bytes from byte {found.at:,} on"
        yield Finding(path, Kind.REPLAY, 1, detail=detail), {found.version}
    if live:
        return  # what is longer here came since
    for path, excess in _ours(compared.shorter_than_real()):
        detail = "bytes not in the journal"
        yield Finding(path, Kind.REPLAY, excess, detail=detail), compared.versions.get(path, set())
    if complete:
        everybody = set().union(*compared.versions.values())
        for path in _recorded(files):
            if path not in compared.paths:
                yield Finding(path, Kind.REPLAY, 1, detail="not in the journal"), everybody


def _ours(by_path: Mapping[str, T]) -> list[tuple[str, T]]:
    """Those of the recording proper: no notes of the journal's own, nor of what had no place."""
    ours = {
        path: each
        for path, each in by_path.items()
        if not path.startswith(JOURNAL_FOLDER) and not isinstance(parse(path), UnwrittenPath)
    }
    return sorted(ours.items(), key=lambda each: each[0])


def _beginning(
    files: Files, checkpoint: Checkpoint | None, *, live: bool
) -> tuple[Derivation, ComparingFiles]:
    """The state to replay from, over files as long as they were then."""
    compared = ComparingFiles(files, growing=live)
    schemas = Schemas.written(recorded_price_dtype(files, checkpoint) or EXACT)
    if checkpoint is not None:
        # What was not met since is as it was then: a stream that goes on looks at its last rows.
        for path in filter(files.exists, files.list(recursive=True)):
            compared.begin(path, files.size(path))
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
