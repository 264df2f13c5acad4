"""The bound on what may be held in memory between the sockets and the column files.

    frames -> decoded, on their way to the journal -> rows that wait to be derived

Each byte is charged from when it was received until nobody holds it: payloads until they are in the
journal, rows until they are derived or let go of.  Frames are refused beyond the limit.  Rows are
several times as large as the text that they were, and nobody knows how large before it is decoded;
so decoding stops while a share of the limit is decoded and not yet in the journal, or while all of
the limit is taken.  Invariant: it is exceeded by the rows of one portion at most.

Before frames must be refused, the sockets of who fills the buffer are read slowly: from half of the
limit on, until no more than a quarter is taken.

One exchange cannot cost another its data: a part of the limit is shared out, and what an exchange
holds of that, in frames that are not decoded, nobody else can take.  The rest is common.

Not here: how large a portion is (`net.intake.arrivals`), and what rows cost once the pipeline has
them, which is bounded there and by what one tick may release (`recording.writer`).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import trio

from tick_logger.brake import Brake

FRAME_OVERHEAD_BYTES = 64
"""Charged per payload beside its own bytes: what a small bytes object and its place cost."""

AHEAD_SHARE = 4
"""One part in so many may be decoded ahead of the journal: a second of any stream, and the other
parts are left to frames, which are the smaller form of the same."""

GUARANTEED_SHARE = 4
"""One part in so many is shared out evenly: 8 MiB for each of eight exchanges by default, which is
some 40,000 messages.  More would be missing where one alone needs it, for a disk that stalls."""

BRAKE_SHARE, EASE_SHARE = 2, 4
"""The brake is put on where more than one part in two is taken, and let go where one in four is."""

BEHIND_PATIENCE_SECS = 1.0
"""So long decoding waits for column files that are behind and go on: else their rows are let go of,
and decoded twice.  For a disk that stalls it does not: what waits here is not in the journal."""


class ByteBudget:
    """A number of bytes for all exchanges; frames are taken whole reads at a time, or not."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self._taken_bytes = 0
        self._ahead_bytes = 0  # of these, of batches that are decoded and not in the journal
        self._ahead_rows_bytes = 0  # and of these, of rows
        self._room = trio.Event()
        self._waiting = False  # somebody is, for room
        self._ended = False
        self._shares: list[Share] = []
        self._files_are_behind: Callable[[], bool] = lambda: False
        self._out_of_patience = False
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
        return self._is_common(0) and self._ahead_bytes <= self.limit_bytes // AHEAD_SHARE

    @property
    def waits_for_files(self) -> bool:
        """Whether decoding is to wait for column files, which are behind."""
        return not self._out_of_patience and not self._ended and self._files_are_behind()

    def wait_for_files_while(self, behind: Callable[[], bool]) -> None:
        """Let decoding wait while column files are behind, as long as `files_went_on` is told."""
        self._files_are_behind = behind

    def files_went_on(self) -> None:
        """Something has come into column files."""
        self._out_of_patience = False
        if self._waiting and self.may_decode:
            self._tell_of_room()

    def share(self) -> Share:
        """The part of one exchange more, by which it takes what it receives."""
        share = Share(self)
        self._shares.append(share)
        return share

    @property
    def guaranteed_bytes(self) -> int:
        """What each exchange may hold in frames, whatever others do; one alone has all."""
        sharers = len(self._shares)
        return self.limit_bytes // GUARANTEED_SHARE // sharers if sharers > 1 else 0

    def take(self, size_bytes: int) -> bool:
        """Reserve of the common part; False, and nothing reserved, if that has no room for it."""
        if not self._is_common(size_bytes):
            return False
        self._charge(size_bytes)
        return True

    async def room_to_decode(self) -> None:
        """Return when more may be decoded.

        Cancellation: nothing has changed.
        """
        while not self.may_decode or self.waits_for_files:
            patience_secs = BEHIND_PATIENCE_SECS if self.may_decode else math.inf
            with trio.move_on_after(patience_secs) as patience:
                self._waiting = True
                await self._room.wait()
            self._out_of_patience |= patience.cancelled_caught

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
        for share in self._shares:
            share.ease()

    def give_back(self, size_bytes: int) -> None:
        """Release what was taken."""
        self._taken_bytes -= size_bytes
        assert self._taken_bytes >= 0, "more bytes were given back than taken"
        if self._waiting and self.may_decode:
            self._tell_of_room()
        for share in self._shares:
            share.ease()

    @property
    def ended(self) -> bool:
        """Whether nothing more will be journalled."""
        return self._ended

    def take_by(self, share: Share, size_bytes: int) -> bool:
        """Reserve, first of what the share is guaranteed; False as `take`."""
        beyond = size_bytes - max(self.guaranteed_bytes - share.frames_bytes, 0)
        if beyond > 0 and not self._is_common(beyond):
            return False
        self._charge(size_bytes)
        return True

    def _is_common(self, size_bytes: int) -> bool:
        """Whether so much is free beside what is guaranteed to somebody."""
        guaranteed, unused = self.guaranteed_bytes, 0
        if guaranteed:
            unused = sum(max(guaranteed - each.frames_bytes, 0) for each in self._shares)
        return self._taken_bytes + unused + size_bytes <= self.limit_bytes

    def _tell_of_room(self) -> None:
        self._room.set()
        self._room, self._waiting = trio.Event(), False

    def _charge(self, size_bytes: int) -> None:
        self._taken_bytes += size_bytes
        self.peak_bytes = max(self.peak_bytes, self._taken_bytes)


class Share:
    """What one exchange takes of a budget: its guaranteed part first, then of the common one."""

    def __init__(self, budget: ByteBudget) -> None:
        self._budget = budget
        self.brake = Brake()
        self.frames_bytes = 0  # taken, and not decoded

    @property
    def half_free(self) -> bool:
        """Whether so much is free that taking up what was refused makes sense."""
        guaranteed = self._budget.guaranteed_bytes
        return self._budget.half_free or 0 < 2 * (guaranteed - self.frames_bytes) >= guaranteed

    def take(self, size_bytes: int) -> bool:
        """Reserve for frames; False, and nothing reserved, if there is no room for them."""
        if not self._budget.take_by(self, size_bytes):
            return False
        self.frames_bytes += size_bytes
        budget, guaranteed = self._budget, self._budget.guaranteed_bytes
        is_full = budget.taken_bytes * BRAKE_SHARE > budget.limit_bytes
        if is_full and self.frames_bytes * BRAKE_SHARE > guaranteed and not self.brake.is_on:
            self.brake.put_on()
        return True

    def ease(self) -> None:
        """Let go of the brake, if there is room again."""
        budget, guaranteed = self._budget, self._budget.guaranteed_bytes
        has_room = budget.taken_bytes * EASE_SHARE <= budget.limit_bytes
        has_own = self.frames_bytes * EASE_SHARE <= guaranteed and guaranteed > 0
        if self.brake.is_on and (has_room or has_own or budget.ended):
            self.brake.let_go()

    def decoded(self, frames_bytes: int, rows_bytes: int) -> None:
        """Frames of this exchange are decoded, and their rows are held beside them."""
        self.frames_bytes -= frames_bytes
        assert self.frames_bytes >= 0, "decoded before it was taken"
        self._budget.decoded(frames_bytes, rows_bytes)
        self.ease()
