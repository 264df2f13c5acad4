"""What one line lacks of one stream: times without it, and what is suspected to be missing.

A lack is something that the line did not deliver, or may not have.  What two lines both lack is
missing; what that is, is told as a mark without its stream (`meet`).

Kept are the newest, for a while: a line that froze is noticed late, and may turn out not to have
delivered what another lacked.  Of too many the oldest two become one that spans both, so that
rather too much than too little is told.

Not here: which lines a stream has, and what is told to the pipeline (`coverage`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs

from tick_logger.model.cause import Cause
from tick_logger.model.marks import Doubt, Lapse, MissingIds
from tick_logger.model.plain_marks import mark_from_plain, mark_to_plain
from tick_logger.model.tables import Table

NEVER: Final = -(2**63)
"""Since when a line lacks a stream that it has not carried yet."""

KEPT_NS: Final = 900 * 10**9
"""So long before the newest mark a lack counts: longer than a frozen connection goes unnoticed,
unless it may be silent for longer by the configuration."""

MOST_KEPT: Final = 64
"""Of one stream on one line: a connection that is cut every few seconds, for some minutes."""

Told = Lapse | MissingIds
"""A mark without instruments, or of one stream and ids."""


@attrs.define
class Lack:
    """Receive times in nanoseconds, and ids where they are known.

    `ids_tell`: ids that are dense show themselves what is missing.  `told` is what was told of it.
    `books_await`: the line has resumed books then that await a snapshot.
    """

    from_ns: int
    to_ns: int | None  # None: it goes on
    cause: Cause
    ids_tell: bool = True
    doubt: Doubt = Doubt.NONE
    ids: tuple[int, int] | None = None
    told: list[Told] = attrs.field(factory=list)
    books_await: bool = False

    @property
    def words(self) -> tuple[object, ...]:
        """By which it is known again when it turns out to be void."""
        return self.from_ns, self.to_ns, self.cause, self.ids

    def meet(self, other: Lack, stream: tuple[int, Table]) -> Told | None:
        """What is missing because two lines lack it; None if that is nothing, or is told."""
        found = self._common_ids(other, stream) if self.ids or other.ids else self._common(other)
        if found is None or any(_covers(told, found) for told in (*self.told, *other.told)):
            return None
        self.told.append(found)
        other.told.append(found)
        return found

    def _common(self, other: Lack) -> Lapse | None:
        """The time that is in both."""
        ends = [each.to_ns for each in (self, other) if each.to_ns is not None]
        assert ends, "of two that go on an interruption tells"
        last, to_ns = max(self, other, key=_beginning), min(ends)
        if last.from_ns > to_ns:
            return None
        if last.from_ns == to_ns and all(each.from_ns != each.to_ns for each in (self, other)):
            return None  # they follow each other
        tells = self.ids_tell and other.ids_tell
        times = last.from_ns, to_ns, last.cause
        return Lapse((), (), *times, tells, _doubt_of(self, other))

    def _common_ids(self, other: Lack, stream: tuple[int, Table]) -> MissingIds | None:
        """The ids that are in both, or all of one if the other knows nothing but times."""
        first, second = (self, other) if self.ids else (other, self)
        assert first.ids is not None
        assert first.to_ns is not None, "ids are missing between two rows"
        ids, times = first.ids, (first.from_ns, first.to_ns)
        if second.ids is not None:
            assert second.to_ns is not None
            ids = max(ids[0], second.ids[0]), min(ids[1], second.ids[1])
            if ids[0] > ids[1]:
                return None
            times = min(times[0], second.from_ns), max(times[1], second.to_ns)
        elif second.from_ns > times[1] or (second.to_ns is not None and second.to_ns < times[0]):
            return None
        return MissingIds(*stream, *ids, *times, first.cause, _doubt_of(self, other))

    def dump(self) -> list[Any]:
        """Its fields."""
        ids = None if self.ids is None else list(self.ids)
        told = [mark_to_plain(each) for each in self.told]
        words = self.cause.value, self.ids_tell, self.doubt.value
        return [self.from_ns, self.to_ns, *words, ids, told, self.books_await]

    @classmethod
    def load(cls, fields: Sequence[Any]) -> Lack:
        """The one that `dump` was given."""
        from_ns, to_ns, cause, ids_tell, doubt, ids, plain, *later = fields
        told = [mark_from_plain(each) for each in plain]
        assert all(isinstance(each, Told) for each in told)
        ids = None if ids is None else (ids[0], ids[1])
        return cls(from_ns, to_ns, Cause(cause), ids_tell, Doubt(doubt), ids, told, *later)  # type: ignore[arg-type]


class LineLacks:
    """What one line lacks of one stream, which it carries if `is_carried`."""

    def __init__(self, *, is_carried: bool) -> None:
        self.open = None if is_carried else Lack(NEVER, None, Cause.DISCONNECT)
        self.closed: list[Lack] = []

    @property
    def has_begun(self) -> bool:
        """Whether the line has ever carried the stream."""
        return self.open is None or self.open.from_ns != NEVER

    def keep(self, lack: Lack, newest_ns: int) -> None:
        """Remember it, and forget what is too old by now."""
        self.closed = [each for each in self.closed if (each.to_ns or 0) >= newest_ns - KEPT_NS]
        self.closed.append(lack)
        if len(self.closed) > MOST_KEPT:
            first, second, *others = self.closed
            from_ns = min(first.from_ns, second.from_ns)
            to_ns = max(first.to_ns or 0, second.to_ns or 0)
            both = Lack(from_ns, to_ns, second.cause, books_await=second.books_await)
            self.closed = [both, *others]

    def take_void(self, words: tuple[object, ...]) -> Lack | None:
        """Forget the one with these words that was in doubt; returns it."""
        for place, each in enumerate(self.closed):
            if each.doubt is Doubt.OPEN and each.words == words:
                return self.closed.pop(place)
        return None

    def dump(self) -> list[Any]:
        """The open one or None, and those that are over."""
        return [self.open and self.open.dump(), [each.dump() for each in self.closed]]

    @classmethod
    def load(cls, fields: Sequence[Any]) -> LineLacks:
        """What `dump` was given."""
        found = cls(is_carried=True)
        found.open = fields[0] and Lack.load(fields[0])
        found.closed = [Lack.load(each) for each in fields[1]]
        return found


def _beginning(lack: Lack) -> int:
    return lack.from_ns


def _doubt_of(first: Lack, second: Lack) -> Doubt:
    return Doubt.OPEN if Doubt.OPEN in (first.doubt, second.doubt) else Doubt.NONE


def _covers(told: Told, found: Told) -> bool:
    """Whether what was told is, or has in it, what would be told now."""
    if isinstance(told, MissingIds) and isinstance(found, MissingIds):
        return told.from_id <= found.from_id and found.to_id <= told.to_id
    if isinstance(told, Lapse) and isinstance(found, Lapse):
        return told.from_ns <= found.from_ns and found.to_ns <= told.to_ns
    return False
