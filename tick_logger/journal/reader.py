"""Reads the journal: every frame once, in order, up to the first one that cannot be read.

A segment's frames end at its first bad one.  Where they end, reading goes on in the next segment
that begins at or before the frame that is due; frames that were read already are passed over.  If
no segment continues, what still follows decides what the end means:

* Nothing there says that the frame that is due was ever durable: a torn tail.  Every crash leaves
  one, and it costs nothing that was promised.
* A later frame or segment was written when the frame that is due was durable: damage.

A segment never says something about the frames of a process that ran after it, so what a crash
left torn is not taken for damage when another process has continued since.

Not here: what to do about damage, and removing segments.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

import attrs

from tick_logger.journal.segment import (
    HEADER_BYTES,
    MAX_SEGMENT_BYTES,
    Header,
    SegmentInfo,
    body_of,
    find_frames,
    frame_at,
)
from tick_logger.storage.files import Files
from tick_logger.storage.journal_layout import (
    DAMAGED_FOLDER,
    JOURNAL_FOLDER,
    damaged_path,
    segment_number,
    segment_path,
)


@attrs.frozen
class Frame:
    """A frame of the journal, and where it ends: byte `end_offset` of segment `segment`."""

    seq: int
    body: bytes
    segment: int
    end_offset: int


@attrs.frozen
class Damage:
    """Frames that were durable and cannot be read: from `expected_seq` on, first at `offset`.

    `next_seq` is the next frame that can be read.  If it is the expected one, only frames were
    hit that nobody asked for, or the head of a segment.
    """

    segment: int
    offset: int
    expected_seq: int
    next_seq: int

    def __str__(self) -> str:
        return (
            f"{segment_path(self.segment)} is damaged or missing at byte {self.offset}: "
            f"frame {self.expected_seq} should be there, "
            f"the next that can be read is {self.next_seq}"
        )


@attrs.frozen
class _Found:
    """A segment, with its header if that is valid."""

    number: int
    size: int
    header: Header | None


@attrs.frozen
class _Place:
    """Where a frame begins, or would begin: index of its segment, offset, its number."""

    index: int
    offset: int
    seq: int


@attrs.frozen
class _Stop:
    """Where reading broke off: good up to `offset`, to be searched again from `search_offset`."""

    index: int
    offset: int
    search_offset: int


class JournalReader:
    """Iterates, once, over the frames from `from_seq` to before `until_seq` (None: to the end).

    Looks at the segments when it is made; one of them is in memory at a time.  May be used while
    the journal is written, if the frames before `until_seq` were written when it was made.
    With `skip_damage` reading goes on behind damage, otherwise it ends there.  Raises `OSError`
    where reading fails, which is never taken for an end.

    After the iteration: `next_seq` is the first frame that was not there, `damages` is what was
    found, `skipped` holds (first missing, next) for each hole that was passed over, and
    `torn_bytes` is what was left unused at the end.
    """

    def __init__(
        self,
        files: Files,
        *,
        from_seq: int,
        until_seq: int | None = None,
        skip_damage: bool = False,
    ) -> None:
        self.next_seq = from_seq
        self.torn_bytes = 0
        self.damages: list[Damage] = []
        self.skipped: list[tuple[int, int]] = []
        self._files = files
        self._until_seq = until_seq
        self._skip_damage = skip_damage
        self._segments = _look(files)

    @property
    def damage(self) -> Damage | None:
        """The first damage that was found."""
        return self.damages[0] if self.damages else None

    @property
    def last_segment(self) -> int:
        """The highest number that a segment has, valid or not; 0 if there is none."""
        return self._segments[-1].number if self._segments else 0

    def __iter__(self) -> Iterator[Frame]:
        stop = self._before_first()
        while not self._is_done():
            place = self._continuation(stop.index) or self._judge(stop)
            if place is None:
                return
            stop = yield from self._read(place)

    def _is_done(self) -> bool:
        return self._until_seq is not None and self.next_seq >= self._until_seq

    def _before_first(self) -> _Stop:
        """Before the last segment that, with those behind it, holds all that is asked for."""
        first = 0
        for index, segment in enumerate(self._segments):
            if segment.header is not None and segment.header.earlier_seq <= self.next_seq:
                first = index
        size = self._segments[first - 1].size if first else 0
        return _Stop(first - 1, size, size)

    def _continuation(self, index: int) -> _Place | None:
        """The head of the next segment, if it begins early enough."""
        for later in range(index + 1, len(self._segments)):
            header = self._segments[later].header
            if header is not None:
                here = header.first_seq <= self.next_seq
                return _Place(later, HEADER_BYTES, header.first_seq) if here else None
        return None

    def _read(self, place: _Place) -> Generator[Frame, None, _Stop]:
        """The frames of a segment that are due, from there to its first bad one."""
        segment = self._segments[place.index]
        data = self._data(segment)
        offset, search_offset, seq = place.offset, place.offset, place.seq
        while not self._is_done():
            found = frame_at(data, offset)
            if found is None or found.seq != seq:
                break
            if seq >= self.next_seq:
                body = body_of(data, found)
                if body is None:
                    search_offset = found.end_offset  # lest it is found again
                    break
                assert seq == self.next_seq, "a frame is passed over in silence"
                self.next_seq = seq + 1
                yield Frame(seq, body, segment.number, found.end_offset)
            offset = search_offset = found.end_offset
            seq += 1
        return _Stop(place.index, offset, search_offset)

    def _judge(self, stop: _Stop) -> _Place | None:
        """What it means that no segment continues; where to go on, if that is wanted."""
        place, was_durable = self._behind(stop)
        if place is None or not was_durable:
            left = [segment.size for segment in self._segments[stop.index + 1 :]]
            self.torn_bytes = sum(left) + self._size(stop.index) - stop.offset
            return None
        assert place.seq >= self.next_seq, "reading would go back"
        self.damages.append(Damage(*self._missing_at(stop), self.next_seq, place.seq))
        if not self._skip_damage:
            return None
        if place.seq > self.next_seq:
            self.skipped.append((self.next_seq, place.seq))
            self.next_seq = place.seq
        return place

    def _behind(self, stop: _Stop) -> tuple[_Place | None, bool]:
        """The next frame due that can be read, and whether the one due now was durable."""
        best: _Place | None = None
        was_durable = False
        for index in range(max(stop.index, 0), len(self._segments)):
            first: _Place | None = None
            for place, synced_seq in self._readable(index, stop):
                if place.seq >= self.next_seq:
                    first = first or place
                    was_durable = was_durable or synced_seq > self.next_seq
            # The later segment if both have it: what a crash left in the other is not to be used.
            if first is not None and (best is None or first.seq <= best.seq):
                best = first
            if index > stop.index and self._segments[index].header is not None:
                break  # everything behind begins later
        return best, was_durable

    def _readable(self, index: int, stop: _Stop) -> Iterator[tuple[_Place, int]]:
        """Each place behind the stop in a segment, with what is known to be durable by it."""
        segment = self._segments[index]
        if index > stop.index and segment.header is not None:
            first_seq = segment.header.first_seq
            yield _Place(index, HEADER_BYTES, first_seq), first_seq
            return
        offset = stop.search_offset if index == stop.index else 0
        if offset < segment.size:
            for found in find_frames(self._data(segment), offset):
                yield _Place(index, found.offset, found.seq), found.synced_seq

    def _missing_at(self, stop: _Stop) -> tuple[int, int]:
        """Number of the segment and offset in it where the frame that is due should be."""
        following = self._segments[stop.index + 1 : stop.index + 2]
        if stop.index < 0:
            return following[0].number, 0
        number = self._segments[stop.index].number
        at_its_end = stop.offset >= self._size(stop.index)
        continued = any(each.number == number + 1 and each.header for each in following)
        return (number + 1, 0) if at_its_end and not continued else (number, stop.offset)

    def _size(self, index: int) -> int:
        return self._segments[index].size if index >= 0 else 0

    def _data(self, segment: _Found) -> bytes:
        return self._files.read(segment_path(segment.number), 0, MAX_SEGMENT_BYTES)


def segments(files: Files) -> list[SegmentInfo]:
    """All segments that there are, by number; raises `OSError`."""
    return [
        SegmentInfo(
            found.number,
            None if found.header is None else found.header.earlier_seq,
            found.size,
            0 if found.header is None else found.header.created_ns,
        )
        for found in _look(files)
    ]


def unproven_bodies(files: Files, next_seq: int) -> list[bytes]:
    """The bodies of the last frames before `next_seq` that may not be durable.

    These are the ones that no later frame or segment says to be durable: they can be read as long
    as the system runs, which says little if it could not write them.  Raises `OSError`.
    """
    proven_seq = 0
    for found in reversed(_look(files)):
        data = files.read(segment_path(found.number), 0, MAX_SEGMENT_BYTES)
        claims = [frame.synced_seq for frame in find_frames(data, 0)]
        claims += [found.header.first_seq] if found.header else []
        proven_seq = max([proven_seq, *claims])
        if found.header is not None:
            break  # whatever segments before it say was known when it was begun
    reader = JournalReader(files, from_seq=min(proven_seq, next_seq), until_seq=next_seq)
    bodies = [frame.body for frame in reader]
    # Otherwise they are not the last: what lies between is lost, and they are of no use.
    return bodies if reader.next_seq == next_seq else []


def _look(files: Files) -> list[_Found]:
    names = files.list(JOURNAL_FOLDER)
    numbers = sorted(number for name in names if (number := segment_number(name)) is not None)
    return [_found(files, number) for number in numbers]


def _found(files: Files, number: int) -> _Found:
    path = segment_path(number)
    header = Header.decode(files.read(path, 0, HEADER_BYTES))
    # A segment under another name is none: its frames would be taken at the wrong place.
    valid = header if header is not None and header.number == number else None
    return _Found(number, files.size(path), valid)


@attrs.frozen
class SegmentsCheck:
    """What `check_segments` found: frames `first_seq` to before `next_seq`, without the missing.

    `bytes` is the size of all segments; `torn_bytes` of these are no part of the journal, as
    every crash may leave them.
    """

    problems: Sequence[str]
    segments: int
    frames: int
    bytes: int
    first_seq: int
    next_seq: int
    torn_bytes: int


def check_segments(files: Files) -> SegmentsCheck:
    """Read every frame that is there; `problems` says in words where durable ones are missing.

    Beside a writer its unfinished end may be taken for a torn one.  Raises `OSError`.
    """
    found = _look(files)
    first_seq = first_seq_of(files)
    reader = JournalReader(files, from_seq=first_seq, skip_damage=True)
    frames = sum(1 for _ in reader)
    return SegmentsCheck(
        [str(damage) for damage in reader.damages],
        len(found),
        frames,
        sum(each.size for each in found),
        first_seq,
        reader.next_seq,
        reader.torn_bytes,
    )


def first_seq_of(files: Files) -> int:
    """The first frame of all; from its own head where that of its segment is bad; 0 if none."""
    for each in _look(files):
        if each.header is not None:
            return each.header.first_seq
        data = files.read(segment_path(each.number), 0, MAX_SEGMENT_BYTES)
        for frame in find_frames(data, 0):
            return frame.seq
    return 0


def keep_copy(files: Files, segment: int) -> str | None:
    """Copy a segment durably to `journal/damaged/`; the path of the copy, None if there is none.

    An equal copy that is there already is enough, and any other is left as it is: the new one
    gets a number behind its name.  Raises `OSError`.
    """
    try:
        data = files.read(segment_path(segment))
    except FileNotFoundError:
        return None
    copy = 0
    path = damaged_path(segment, copy)
    while (exists := files.exists(path)) and files.read(path) != data:
        copy += 1
        path = damaged_path(segment, copy)
    if not exists:
        files.append(path, data)
    files.sync_file(path)
    files.sync_folder(DAMAGED_FOLDER)
    files.sync_folder(JOURNAL_FOLDER)
    return path
