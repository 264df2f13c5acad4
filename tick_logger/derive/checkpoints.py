"""The checkpoints of a recording: saved while it runs, read at the start.  And pruning the journal.

A checkpoint belongs with the log of extents that begins with it: together they tell how long every
file was at that time.

Invariant: nothing is removed before what replaces it is known to be durable.

Blocking; used by one thread at a time.  Not here: which frames are still needed besides those that
a recovery would read; whoever prunes has to know all who read the journal.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator

import attrs

from tick_logger.derive.derivation import Derivation
from tick_logger.journal.pruning import removable
from tick_logger.journal.reader import segments
from tick_logger.journal.segment import HEADER_BYTES
from tick_logger.model.times import day_of
from tick_logger.storage.checkpoint import Checkpoint, CheckpointSlots
from tick_logger.storage.extents_log import ExtentsLog
from tick_logger.storage.files import Files
from tick_logger.storage.journal_layout import (
    CHECKPOINT_PATHS,
    JOURNAL_FOLDER,
    LOCK_PATH,
    LockPath,
    SegmentPath,
    parse_journal,
    segment_path,
)
from tick_logger.storage.places import place_at
from tick_logger.storage.unwritable import own_reason

EXTENTS_EPOCH = "extents_epoch"
"""In the state of a checkpoint: what was met later is in the log of extents from there on."""


@attrs.frozen(kw_only=True)
class Kept:
    """How much of the journal is kept after everybody who needs it has read it."""

    secs: float
    bytes: int


class Checkpoints:
    """The two newest checkpoints, and the log of extents behind them."""

    def __init__(self, files: Files) -> None:
        self.extents_log = ExtentsLog(files)
        self._slots = CheckpointSlots(files)
        self._epochs: list[int] = []  # of the extents behind the valid checkpoints
        self._files = files
        self._journal: frozenset[str] = frozenset()  # lock and segments, as of the last `note`

    def note_journal(self, pruned: Collection[str]) -> None:
        """Remember which files of the journal there are; raises `OSError`.

        Those that were `pruned` since the last call are not missed; what is missing stays so.
        """
        missing = self._journal_missing().difference(pruned)
        # One without a frame may be taken back by whoever writes the journal.
        files = (path for path in self._journal_files() if self._has_content(path))
        self._journal = missing.union(files)

    @contextlib.contextmanager
    def pruning(self) -> Iterator[list[str]]:
        """Take note of the journal after it was pruned; what was pruned goes into the list."""
        known, self._journal = self._journal, frozenset()
        pruned: list[str] = []
        yield pruned  # if that fails, some may be gone, and none is missed until the next time
        self._journal = known
        self.note_journal(pruned)

    def missing(self, derivation: Derivation, now_ns: int) -> list[str]:
        """Files of today that are gone, or shorter than what was written; raises `OSError`.

        Somebody removed, moved or replaced them: what this process holds open then is in no folder.
        Days that are over may be taken away, and of what cannot be written is told elsewhere.
        """
        today, barred = day_of(now_ns), derivation.store.unwritable
        return [
            path
            for extent in derivation.store.extents()
            if place_at(extent.path) not in barred
            for path, size in extent.sizes().items()
            if extent.day >= today and self._size(path) < size
        ] + sorted(self._journal_missing())

    def _size(self, path: str) -> int:
        """Length in bytes; 0 if something else is there, or in the way."""
        try:
            return self._files.size(path)
        except OSError as error:
            if not own_reason(error):
                raise
            return 0

    def _journal_missing(self) -> frozenset[str]:
        return self._journal.difference(self._journal_files())

    def _journal_files(self) -> list[str]:
        paths = [f"{JOURNAL_FOLDER}/{name}" for name in self._files.list(JOURNAL_FOLDER)]
        kinds = (LockPath, SegmentPath)
        return [path for path in paths if isinstance(parse_journal(path), kinds)]

    def _has_content(self, path: str) -> bool:
        return path == LOCK_PATH or self._files.size(path) > HEADER_BYTES

    def read(self) -> list[Checkpoint]:
        """All valid checkpoints (none to two), the older one first.

        Raises `OSError`, and `RefusedError` if a newer version of the program made one.
        """
        found = self._slots.both()
        self._epochs = [each.state[EXTENTS_EPOCH] for each in found]
        return found

    @property
    def problems(self) -> list[str]:
        """Why a slot that is there holds no valid checkpoint, as of the last reading."""
        return self._slots.problems

    @property
    def needed_seq(self) -> int:
        """The first frame that a recovery may read; 0 as long as there are not two checkpoints."""
        return self._slots.needed_seq

    def save(self, derivation: Derivation, now_ns: int) -> None:
        """Save the state, then remove the extents that only older checkpoints needed.

        Raises `SyncLost` if what was written may be lost, other `OSError` if only the checkpoint
        could not be saved.
        """
        state = derivation.dump()
        state[EXTENTS_EPOCH] = epoch = self.extents_log.begin()
        self._slots.save(derivation.next_seq, now_ns, state)
        assert not self._epochs or epoch > self._epochs[-1], "an epoch that was used before"
        self._epochs = [*self._epochs[-1:], epoch]
        if len(self._epochs) == len(CHECKPOINT_PATHS):
            self.extents_log.forget(before_epoch=self._epochs[0])


def prune_journal(
    files: Files,
    *,
    needed_seq: int,
    kept: Kept,
    now_ns: int,
    archived: Callable[[int], int] | None = None,
) -> list[str]:
    """Remove the segments that are neither needed from `needed_seq` on nor to be kept.

    `archived` gives, for the first frame that there is, the first one that is not kept elsewhere:
    that one is needed too.  Returns the paths of what was removed.  Raises `OSError`; what is not
    removed then goes the next time.
    """
    there = segments(files)
    first = next((each.first_seq for each in there if each.first_seq is not None), None)
    if archived is not None and first is not None:
        needed_seq = min(needed_seq, archived(first))
    unneeded = removable(
        there,
        needed_seq=needed_seq,
        keep_secs=kept.secs,
        keep_bytes=kept.bytes,
        now_ns=now_ns,
    )
    paths = [segment_path(number) for number in unneeded]
    for path in paths:
        files.remove(path)
    if unneeded:
        # One that came back after a power cut, without its successors, would look like damage.
        files.sync_folder(JOURNAL_FOLDER)
    return paths
