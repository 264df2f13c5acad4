"""The bound on what may be held in memory between the sockets and the column files.

    frames -> decoded, on their way to the journal -> rows that wait to be derived

Each byte is charged from when it was received until nobody holds it: payloads until they are in the
journal, rows until they are derived or let go of.  Frames are refused beyond the limit.  Rows are
several times as large as the text that they were, and nobody knows how large before it is decoded;
so decoding stops while a share of the limit is decoded and not yet in the journal, or while all of
the limit is taken.  Invariant: it is exceeded by the rows of one portion at most.

Not here: how large a portion is (`net.intake.arrivals`), and what rows cost once the pipeline has
them, which is bounded there and by what one tick may release (`recording.writer`).
"""

from __future__ import annotations

import trio

FRAME_OVERHEAD_BYTES = 64
"""Charged per payload beside its own bytes: what a small bytes object and its place cost."""

AHEAD_SHARE = 4
"""One part in so many may be decoded ahead of the journal: a second of any stream, and the other
parts are left to frames, which are the smaller form of the same."""


class ByteBudget:
    """A number of bytes shared by all exchanges; frames are taken whole reads at a time, or not."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self._taken_bytes = 0
        self._ahead_bytes = 0  # of these, of batches that are decoded and not in the journal
        self._ahead_rows_bytes = 0  # and of these, of rows
        self._room = trio.Event()
        self._waiting = False  # somebody is, for room
        self._ended = False
        self.peak_bytes = 0

    @property
    def taken_bytes(self) -> int:
        """Bytes held at present."""
        return self._taken_bytes

    @property
    def ahead_rows_bytes(self) -> int:
        """Of these, what rows cost whose payloads are not in the journal."""
        return self._ahead_rows_bytes

    @property
    def half_free(self) -> bool:
        """Whether so much is free again that taking up what was refused makes sense."""
        return self._taken_bytes * 2 <= self.limit_bytes

    @property
    def may_decode(self) -> bool:
        """Whether more may be decoded ahead of the journal; one portion always may."""
        if self._ended or not self._ahead_bytes:
            return True
        is_free = self._taken_bytes <= self.limit_bytes
        return is_free and self._ahead_bytes <= self.limit_bytes // AHEAD_SHARE

    def take(self, size_bytes: int) -> bool:
        """Reserve for frames; False, and nothing reserved, if that would exceed the limit."""
        if self._taken_bytes + size_bytes > self.limit_bytes:
            return False
        self._charge(size_bytes)
        return True

    async def room_to_decode(self) -> None:
        """Return when more may be decoded.

        Cancellation: nothing has changed.
        """
        while not self.may_decode:
            self._waiting = True
            await self._room.wait()

    def decoded(self, frames_bytes: int, rows_bytes: int) -> None:
        """Frames that were taken are decoded, and their rows are held beside them."""
        self._charge(rows_bytes)
        self._ahead_bytes += frames_bytes + rows_bytes
        self._ahead_rows_bytes += rows_bytes
        assert self._ahead_bytes <= self._taken_bytes, "decoded before it was taken"

    def journalled(self, frames_bytes: int, rows_bytes: int) -> None:
        """What `decoded` was told of is in the journal; the frames are let go of, not the rows."""
        self._ahead_bytes -= frames_bytes + rows_bytes
        self._ahead_rows_bytes -= rows_bytes
        assert self._ahead_bytes >= self._ahead_rows_bytes >= 0, "journalled before it was decoded"
        self.give_back(frames_bytes)

    def end(self) -> None:
        """Nothing more will be journalled: nobody waits for it any longer."""
        self._ended = True
        self._tell_of_room()

    def give_back(self, size_bytes: int) -> None:
        """Release what was taken."""
        self._taken_bytes -= size_bytes
        assert self._taken_bytes >= 0, "more bytes were given back than taken"
        if self._waiting and self.may_decode:
            self._tell_of_room()

    def _tell_of_room(self) -> None:
        self._room.set()
        self._room, self._waiting = trio.Event(), False

    def _charge(self, size_bytes: int) -> None:
        self._taken_bytes += size_bytes
        self.peak_bytes = max(self.peak_bytes, self._taken_bytes)
