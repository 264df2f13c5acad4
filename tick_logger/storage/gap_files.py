"""Known holes on disk: one JSON object per line, in the gaps file of the day a hole began.

After that day was sealed, they go to a file of its own beside it.

The first line of a file is about no hole: it has the keys of the others, all null, and says how far
the completeness of each table can be shown at all.  Lines are only ever appended; a later one may
close or heal an earlier one, and what they say together is found here, too (`standing`).  A cause
that only a newer version knows is no reason to reject a line: its word is kept as it stands
(`Cause.is_known`).

Not here: torn lines and failed appends (`line_files`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

import attrs
import msgspec

from tick_logger.model.cause import Cause
from tick_logger.model.flush import VOID, GapRecord
from tick_logger.model.instruments import Instruments
from tick_logger.model.proof import Proof
from tick_logger.model.tables import Table
from tick_logger.storage.extents import Extent, Place
from tick_logger.storage.layout import GapsPath, gaps_path
from tick_logger.storage.line_files import LineFiles, append_to_each
from tick_logger.storage.sealed_days import SealedDays


class _Line(msgspec.Struct):
    """The keys of a line, in their order on disk."""

    table: Table
    from_id: int | None
    to_id: int | None
    from_ns: int | None
    to_ns: int | None
    cause: Cause
    healed: bool | str


class _Header(msgspec.Struct):
    """The first line: what the absence of holes means, by table (`model.proof`)."""

    table: None = None
    from_id: None = None
    to_id: None = None
    from_ns: None = None
    to_ns: None = None
    cause: Literal["header"] = "header"
    healed: Literal[False] = False
    proof: dict[Table, str] = {}


ABOUT_NO_HOLE = frozenset({Cause.RENUMBERED, Cause.STRAY})

_PROOFS = {proof.word: proof for proof in Proof}

_decode = msgspec.json.Decoder(_Line).decode
_decode_header = msgspec.json.Decoder(_Header).decode

ProofsOf: TypeAlias = Callable[[int], Mapping[Table, Proof]]
"""By exchange, how far the completeness of each of its tables can be shown."""


@attrs.frozen
class GapLines:
    """What a gaps file says: its records in order, and the numbers (from 0) of unreadable lines."""

    records: tuple[GapRecord, ...]
    unreadable: tuple[int, ...]


class GapFiles:
    """The gaps files under one root."""

    def __init__(
        self, lines: LineFiles, instruments: Instruments, proofs_of: ProofsOf, sealed: SealedDays
    ) -> None:
        self._lines = lines
        self._instruments = instruments
        self._proofs_of = proofs_of
        self._sealed = sealed

    def meet(self, gaps: Iterable[GapRecord]) -> list[Extent]:
        """The lengths of those files of these records that are not known; see `LineFiles`."""
        return self._lines.meet(map(self._place, gaps))

    def append(self, gaps: Iterable[GapRecord]) -> None:
        """Append records to the files of their symbols and days, which were met before.

        Raises `PartlyWritten`: the files before the one it names are complete.
        """
        append_to_each(gaps, self._place, self._append)

    def _append(self, place: Place, gaps: Sequence[GapRecord]) -> None:
        assert all(self._place(gap) == place for gap in gaps), f"{place[0]} is not theirs"
        lines = [gap_line(gap) for gap in gaps]
        proofs = self._proofs_of(gaps[0].instrument)
        if proofs and self._lines.is_empty(place):  # nothing is known of venues of the past
            lines.insert(0, header_line(proofs))
        self._lines.append(place, lines)

    def _place(self, gap: GapRecord) -> Place:
        day = gap.day
        late = self._sealed.has(gap.instrument, day)
        return gaps_path(GapsPath(*self._instruments.name(gap.instrument), day, late)), day


def header_line(proofs: Mapping[Table, Proof]) -> bytes:
    """The first line of a file, newline included."""
    header = _Header(proof={table: proof.word for table, proof in proofs.items()})
    return msgspec.json.encode(header) + b"\n"


def gap_line(gap: GapRecord) -> bytes:
    """A record as it is written, newline included."""
    line = _Line(gap.table, gap.from_id, gap.to_id, gap.from_ns, gap.to_ns, gap.cause, gap.healed)
    return msgspec.json.encode(line) + b"\n"


def parse_gaps(data: bytes, instrument: int) -> GapLines:
    """The content of a gaps file of this instrument."""
    records, unreadable = [], []
    for number, text in enumerate(data.splitlines()):
        if number == 0 and _is_header(text):
            continue
        record = _parse_line(text, instrument)
        if record is None:
            unreadable.append(number)
        else:
            records.append(record)
    return GapLines(tuple(records), tuple(unreadable))


def parse_proofs(data: bytes) -> dict[Table, Proof]:
    """What the first line of a gaps file says that the absence of holes is worth, by table."""
    first = data.splitlines()[:1]
    if not first or not _is_header(first[0]):
        return {}
    said = _decode_header(first[0]).proof
    return {table: _PROOFS[word] for table, word in said.items() if word in _PROOFS}


def standing(records: Iterable[GapRecord]) -> list[GapRecord]:
    """What all lines together say, in order: what is missing, and what healed it.

    A line without an end is dropped once a later one has its table, cause and beginning.  All
    others stand, less the ids of later lines that heal them: those of the table with the hole's
    beginning, or in files of earlier versions without any.  A hole without ids is healed as a
    whole, by a line with its bounds.  What is said of ids that began again is about no hole.
    """
    slots: list[list[GapRecord]] = []  # what is left of each line
    opened: dict[object, list[GapRecord]] = {}  # the slot of a line without an end
    holes: dict[object, list[list[GapRecord]]] = {}  # slots, by where a healing line looks for them
    for record in records:
        slots.append([record])
        stream, begun_ns = (record.instrument, record.table), record.from_ns
        if record.cause in ABOUT_NO_HOLE:
            continue
        opened.pop(_begins(record), []).clear()
        if record.healed:
            for slot in holes.get((stream, begun_ns), ()):
                slot[:] = [part for each in slot for part in _less(each, record)]
            continue
        if record.to_ns is None:
            opened[_begins(record)] = slots[-1]
        for key in {begun_ns, None}:
            holes.setdefault((stream, key), []).append(slots[-1])
    return [record for slot in slots for record in slot]


def _begins(record: GapRecord) -> tuple[int, Table, Cause, int | None]:
    return record.instrument, record.table, record.cause, record.from_ns


def _less(hole: GapRecord, healing: GapRecord) -> list[GapRecord]:
    """What is left of a hole of the same table and beginning."""
    if None in (hole.from_id, hole.to_id, healing.from_id, healing.to_id):
        ids = (hole.from_id, hole.to_id) == (healing.from_id, healing.to_id)
        is_it = ids and (*_begins(hole), hole.to_ns) == (*_begins(healing), healing.to_ns)
        return [] if is_it else [hole]
    assert hole.from_id is not None
    assert hole.to_id is not None
    assert healing.from_id is not None
    assert healing.to_id is not None
    parts = (
        (hole.from_id, min(hole.to_id, healing.from_id - 1)),
        (max(hole.from_id, healing.to_id + 1), hole.to_id),
    )
    left = [(first, last) for first, last in parts if first <= last]
    return [attrs.evolve(hole, from_id=first, to_id=last) for first, last in left]


def _is_header(text: bytes) -> bool:
    try:
        _decode_header(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


def _parse_line(text: bytes, instrument: int) -> GapRecord | None:
    """The record, or None if it is not one that the program could have written."""
    try:
        line = _decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    healed = line.healed
    ids = [each for each in (line.from_id, line.to_id) if each is not None]
    in_range = all(0 <= each < 2**64 for each in ids)
    in_range &= ids == sorted(ids) or healed == VOID  # what is no hole goes back
    if healed is True or not in_range or (line.from_ns is None and line.to_ns is None):
        return None
    return GapRecord(
        instrument,
        line.table,
        line.from_id,
        line.to_id,
        line.from_ns,
        line.to_ns,
        line.cause,
        healed,
    )
