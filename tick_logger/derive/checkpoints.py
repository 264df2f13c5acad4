"""The checkpoints of a recording: saved while it runs, read at the start.  And pruning the journal.

A checkpoint belongs with the log of extents that begins with it: together they tell how long every
file was at that time.

Invariant: nothing is removed before what replaces it is known to be durable.

Blocking; used by one thread at a time.  Not here: which frames are still needed besides those that
a recovery would read; whoever prunes has to know all who read the journal.
"""

from __future__ import annotations

import attrs

from tick_logger.derive.derivation import Derivation
from tick_logger.journal.pruning import removable
from tick_logger.journal.reader import segments
from tick_logger.model.times import day_of
from tick_logger.storage.checkpoint import Checkpoint, CheckpointSlots
from tick_logger.storage.extents_log import ExtentsLog
from tick_logger.storage.files import Files
from tick_logger.storage.journal_layout import (
    CHECKPOINT_PATHS,
    JOURNAL_FOLDER,
    LockPath,
    SegmentPath,
    parse_journal,
    segment_path,
)

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

    def note_journal(self) -> None:
        """Remember which files of the journal there are; raises `OSError`."""
        self._journal = frozenset(self._journal_files()) | self._journal_missing()

    def missing(self, derivation: Derivation, now_ns: int) -> list[str]:
        """Files of today that are gone, or shorter than what was written; raises `OSError`.

        Somebody removed, moved or replaced them: what this process holds open then is in no folder.
        Days that are over may be taken away.
        """
        today = day_of(now_ns)
        return [
            path
            for extent in derivation.store.extents()
            for path, size in extent.sizes().items()
            if extent.day >= today and self._files.size(path) < size
        ] + sorted(self._journal_missing())

    def _journal_missing(self) -> frozenset[str]:
        return self._journal.difference(self._journal_files())

    def _journal_files(self) -> list[str]:
        paths = [f"{JOURNAL_FOLDER}/{name}" for name in self._files.list(JOURNAL_FOLDER)]
        kinds = (LockPath, SegmentPath)
        return [path for path in paths if isinstance(parse_journal(path), kinds)]

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


def prune_journal(files: Files, *, needed_seq: int, kept: Kept, now_ns: int) -> None:
    """Remove the segments that are neither needed from `needed_seq` on nor to be kept.

    Raises `OSError`; what is not removed then goes the next time.
    """
    unneeded = removable(
        segments(files),
        needed_seq=needed_seq,
        keep_secs=kept.secs,
        keep_bytes=kept.bytes,
        now_ns=now_ns,
    )
    for number in unneeded:
        files.remove(segment_path(number))
    if unneeded:
        # One that came back after a power cut, without its successors, would look like damage.
        files.sync_folder(JOURNAL_FOLDER)
