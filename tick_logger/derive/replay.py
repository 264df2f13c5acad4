"""Feeds frames of the journal into a derivation: at the start, behind a slow disk, and to verify.

The same code as live from the entries on.  May be continued after a `StorageError`: nothing is
taken twice.  Blocking; used by one thread at a time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from tick_logger.derive.derivation import Derivation, Outcome
from tick_logger.errors import RefusedError, StorageError
from tick_logger.journal.entry_codec import decode_entries
from tick_logger.journal.reader import Frame, JournalReader
from tick_logger.model.entries import Entry, Received
from tick_logger.storage.files import Files

FRAMES_PER_RUN = 16
"""Some tens of megabytes at most: after each run the caller can say how far it is."""


class Replay:
    """Brings a derivation to the end of the journal, or to before the frame `until_seq`."""

    def __init__(
        self,
        derivation: Derivation,
        journal: Files,
        *,
        until_seq: int | None = None,
        skip_damage: bool = False,
        on_outcome: Callable[[Outcome], None] = lambda _: None,
    ) -> None:
        self._derivation = derivation
        self.reader = JournalReader(
            journal, from_seq=derivation.next_seq, until_seq=until_seq, skip_damage=skip_damage
        )
        self._frames: Iterator[Frame] = iter(self.reader)
        self._entries: deque[Entry] = deque()
        self._after: int | None = None  # the frame after the one whose entries are being taken
        self._on_outcome = on_outcome
        self.frames = 0
        self.messages = 0

    def run(self, frames: int = FRAMES_PER_RUN) -> bool:
        """Take so many frames; False when there are no more.

        Raises `StorageError` and `OSError` for what cannot be written: `run` may be called again.
        """
        for _ in range(frames):
            self._take_entries()
            frame = next(self._frames, None)
            if frame is None:
                return False
            assert frame.seq >= self._derivation.next_seq, "a frame would be derived twice"
            if frame.seq > self._derivation.next_seq:
                self._derivation.lost()
            self._entries.extend(entries_of(frame))
            self._after = frame.seq + 1
            self.frames += 1
        self._take_entries()
        return True

    def _take_entries(self) -> None:
        self._settle()
        while self._entries:
            entry = self._entries.popleft()
            self.messages += len(entry.lengths) if isinstance(entry, Received) else 0
            self._derivation.apply(entry)
            self._settle()
        if self._after is not None:
            self._derivation.next_seq, self._after = self._after, None

    def _settle(self) -> None:
        outcome = self._derivation.settle()
        if outcome is not None:
            self._on_outcome(outcome)


def entries_of(frame: Frame) -> list[Entry]:
    """What a frame holds; raises `RefusedError` if this version cannot read it."""
    try:
        return decode_entries(frame.body)
    except StorageError as error:  # its checksum was right: reading it again changes nothing
        raise RefusedError(f"frame {frame.seq} of the journal: {error}") from error
