"""Writes the journal: frames, in order, durable after each `sync`, whatever the disk does between.

Every frame stays in memory until it is durable, so after any error it can be written once more:

* After a failed append the segment is cut back to its last whole frame before anything is added.
* A segment that could not be synced, or not be cut, is abandoned: what is left of it is unknown,
  and a second sync would prove nothing.  A new one takes all frames that are not durable yet.
* Frames of a segment are never durable before those of the segments before it: a full one is
  synced before the next is begun.
* Frames that an earlier process left, and of which nothing says that they are durable, are written
  once more into the first segment: they are used, and may be in no more than this system's memory.

Not here: when to write and sync, and how many bytes may wait (see `held_bytes`).
"""

from __future__ import annotations

import contextlib

import attrs

from tick_logger.journal.reader import unproven_bodies
from tick_logger.journal.segment import (
    FRAME_HEAD_BYTES,
    HEADER_BYTES,
    LEVEL,
    SEGMENT_BYTES,
    Header,
    compress,
    frame_head,
)
from tick_logger.storage.files import Files
from tick_logger.storage.journal_layout import JOURNAL_FOLDER, segment_path


@attrs.frozen
class _Held:
    """A frame without its head, which is made when it is written."""

    body_bytes: int
    payload: bytes

    @property
    def frame_bytes(self) -> int:
        return FRAME_HEAD_BYTES + len(self.payload)


@attrs.define
class _Segment:
    """The segment that is being written, and up to where it is good."""

    path: str
    size: int
    has_durable_name: bool = False
    has_torn_end: bool = False


class Journal:
    """The journal from the frame `next_seq` on, which goes into the new segment `segment`.

    All frames before must be there, or be known to be lost.  The last of them are read when it is
    made, which may raise `OSError`; nothing is written before the first `write`.  `segment_bytes`
    is where a segment ends, `SEGMENT_BYTES` at most; a larger frame gets one for itself.

    `write` and `sync` raise `OSError`; after that the same call may be repeated, as often as
    wanted, and completes what is left to do.
    """

    def __init__(
        self,
        files: Files,
        *,
        next_seq: int,
        segment: int,
        segment_bytes: int = SEGMENT_BYTES,
        level: int = LEVEL,
    ) -> None:
        if not HEADER_BYTES < segment_bytes <= SEGMENT_BYTES:
            raise ValueError(f"segments of {segment_bytes} bytes; {SEGMENT_BYTES} are allowed")
        self._files = files
        self._segment_bytes = segment_bytes
        self._level = level
        self._number = segment
        self._current: _Segment | None = None
        # The frames from the durable ones on; first what an earlier process may not have synced.
        self._held = [self._hold(body) for body in unproven_bodies(files, next_seq)]
        self._durable_seq = next_seq - len(self._held)
        self._written_seq = self._durable_seq
        self._reached_seq = next_seq  # no append was tried with this frame or a later one
        self._bytes_written = 0
        self._in_doubt = False
        self._has_durable_folder = False

    @property
    def next_seq(self) -> int:
        """The number of the next frame that is accepted."""
        return self._durable_seq + len(self._held)

    @property
    def written_seq(self) -> int:
        """All frames before this are in segments that are good, as far as is known.

        Begins at `durable_seq`, and goes back to it when a segment is abandoned.
        """
        return self._written_seq

    @property
    def durable_seq(self) -> int:
        """All frames before this would survive a power cut.

        At first this is what earlier processes are known to have made durable.
        """
        return self._durable_seq

    @property
    def held_bytes(self) -> int:
        """Size of the frames in memory: all that are not durable."""
        return sum(held.frame_bytes for held in self._held)

    @property
    def bytes_written(self) -> int:
        """Bytes appended so far, headers and rewritten frames included."""
        return self._bytes_written

    @property
    def segment(self) -> int:
        """The number of the segment in use, or of the next one if there is none."""
        return self._number

    def accept(self, body: bytes) -> int:
        """Take a frame and give it its number; it is in memory only.

        `ValueError` if it has more than `MAX_FRAME_BODY_BYTES`; nothing else can go wrong.
        """
        seq = self.next_seq
        self._held.append(self._hold(body))
        assert self._written_seq <= seq == self.next_seq - 1, "a number is left out, or given twice"
        return seq

    def doubt(self) -> None:
        """Write once more all frames that are not durable: a sync of the whole disk has failed.

        That may have lost bytes of any file, and a later sync of this one would not tell.  Another
        thread may call this; the next `write` does it.
        """
        self._in_doubt = True

    def write(self, now_ns: int) -> None:
        """Append all frames that are not written.

        `now_ns` (since 1970-01-01 UTC) goes into the headers of new segments.
        """
        if self._in_doubt:
            self._in_doubt = False
            if self._written_seq > self._durable_seq:
                self._leave_segment()
                self._written_seq = self._durable_seq
        while self._written_seq < self.next_seq:
            self._append(self._ready_segment(now_ns))
        assert self._durable_seq <= self._written_seq == self.next_seq, "frames were passed over"

    def sync(self) -> None:
        """Make all written frames durable."""
        segment = self._current
        if segment is None or self._durable_seq == self._written_seq:
            return
        try:
            self._files.sync_file(segment.path)
            if not segment.has_durable_name:
                self._sync_names()
        except OSError:
            self._leave_segment()
            self._written_seq = self._durable_seq
            raise
        segment.has_durable_name = True
        count = self._written_seq - self._durable_seq
        assert 0 < count <= len(self._held), "durable without being held"
        del self._held[:count]
        self._durable_seq = self._written_seq

    def leave_lost_segment(self) -> str:
        """Go on in a new segment if somebody removed or cut the one in use; its path, or empty.

        What is durable of it is in no file any more.  Raises `OSError`.
        """
        segment = self._current
        if segment is None or self._files.size(segment.path) >= segment.size:
            return ""
        self._leave_segment()
        self._written_seq = self._durable_seq
        return segment.path

    def _hold(self, body: bytes) -> _Held:
        return _Held(len(body), compress(body, self._level))

    def _sync_names(self) -> None:
        self._files.sync_folder(JOURNAL_FOLDER)
        if not self._has_durable_folder:
            self._files.sync_folder("")
            self._has_durable_folder = True

    def _leave_segment(self) -> None:
        self._current = None
        self._number += 1

    def _ready_segment(self, now_ns: int) -> _Segment:
        """A segment that ends with a whole frame and has room for the next."""
        segment = self._current
        if segment is not None and segment.has_torn_end:
            segment = self._cut_back(segment)
        if segment is not None and self._is_full(segment):
            self.sync()
            self._leave_segment()
            segment = None
        return self._begin(now_ns) if segment is None else segment

    def _cut_back(self, segment: _Segment) -> _Segment | None:
        try:
            self._files.truncate(segment.path, segment.size)
        except OSError:
            # Not raised: the frames go elsewhere, and that is all that is wanted of the disk.
            self._leave_segment()
            self._written_seq = self._durable_seq
            return None
        segment.has_torn_end = False
        return segment

    def _is_full(self, segment: _Segment) -> bool:
        held = self._held[self._written_seq - self._durable_seq]
        return HEADER_BYTES < segment.size > self._segment_bytes - held.frame_bytes

    def _begin(self, now_ns: int) -> _Segment:
        while self._files.exists(segment_path(self._number)):
            self._number += 1  # the header of that one failed, and it could not be removed
        path, first_seq = segment_path(self._number), self._written_seq
        assert self._current is None, "two segments at once"
        assert first_seq == self._durable_seq, "frames of a segment before are not durable"
        header = Header(self._number, first_seq, max(self._reached_seq, first_seq), now_ns)
        try:
            self._files.append(path, header.encode())
        except OSError:
            with contextlib.suppress(OSError):  # readers pass over what is left of it
                self._files.remove(path)
            raise
        self._bytes_written += HEADER_BYTES
        self._current = _Segment(path, HEADER_BYTES)
        return self._current

    def _append(self, segment: _Segment) -> None:
        """Append as many frames as fit: one at least."""
        assert not segment.has_torn_end, "frames behind half a frame cannot be read"
        parts: list[bytes] = []
        size, seq = segment.size, self._written_seq
        for held in self._held[seq - self._durable_seq :]:
            if parts and size + held.frame_bytes > self._segment_bytes:
                break
            parts.append(frame_head(seq, self._durable_seq, held.body_bytes, held.payload))
            parts.append(held.payload)
            size += held.frame_bytes
            seq += 1
        self._reached_seq = max(self._reached_seq, seq)
        data = b"".join(parts)
        assert len(data) == size - segment.size, "frames of another length than was reckoned"
        try:
            self._files.append(segment.path, data)
        except OSError:
            segment.has_torn_end = True
            raise
        self._bytes_written += size - segment.size
        segment.size, self._written_seq = size, seq
