"""Known holes on disk: one JSON object per line, in the gaps file of the day a hole began.

The first line of a file is about no hole: it has the keys of the others, all null, and says how far
the completeness of each table can be shown at all.  A later line about the same ids of the same
table supersedes an earlier one.  Lines are only ever appended.  A cause that only a newer version
knows is no reason to reject a line: its word is kept as it stands (`Cause.is_known`).

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
from tick_logger.storage.line_files import LineFiles, append_groups


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


_decode = msgspec.json.Decoder(_Line).decode
_decode_header = msgspec.json.Decoder(_Header).decode

ProofsOf: TypeAlias = Callable[[str], Mapping[Table, Proof]]
"""By exchange, how far the completeness of each of its tables can be shown."""


@attrs.frozen
class GapLines:
    """What a gaps file says: its records in order, and the numbers (from 0) of unreadable lines."""

    records: tuple[GapRecord, ...]
    unreadable: tuple[int, ...]


class GapFiles:
    """The gaps files under one root."""

    def __init__(self, lines: LineFiles, instruments: Instruments, proofs_of: ProofsOf) -> None:
        self._lines = lines
        self._instruments = instruments
        self._proofs_of = proofs_of

    def meet(self, gaps: Iterable[GapRecord]) -> list[Extent]:
        """The lengths of those files of these records that are not known; see `LineFiles`."""
        return self._lines.meet(map(self._place, gaps))

    def append(self, gaps: Iterable[GapRecord]) -> None:
        """Append records to the files of their symbols and days, which were met before.

        Raises `PartlyWritten`: the files before the one it names are complete.
        """
        gaps_of: dict[Place, list[GapRecord]] = {}
        for gap in gaps:
            gaps_of.setdefault(self._place(gap), []).append(gap)
        append_groups(gaps_of, self._append)

    def _append(self, place: Place, gaps: Sequence[GapRecord]) -> None:
        assert all(self._place(gap) == place for gap in gaps), f"{place[0]} is not theirs"
        lines = [gap_line(gap) for gap in gaps]
        exchange, _ = self._instruments.name(gaps[0].instrument)
        proofs = self._proofs_of(exchange)
        if proofs and self._lines.is_empty(place):  # nothing is known of venues of the past
            lines.insert(0, header_line(proofs))
        self._lines.append(place, lines)

    def _place(self, gap: GapRecord) -> Place:
        day = gap.day
        return gaps_path(GapsPath(*self._instruments.name(gap.instrument), day)), day


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


def newest_of_each(records: Iterable[GapRecord]) -> list[GapRecord]:
    """The records that count: the last one about each hole.

    Holes are told apart by their ids, and where these are unknown by the time they began.  What is
    said of ids that began again is no hole, and supersedes none.
    """
    newest: dict[tuple[object, ...], GapRecord] = {}
    for record in records:
        ids = (record.from_id, record.to_id)
        began = record.from_ns if None in ids else None
        # Ids may begin again more than once in the same way.
        what = (record.cause, record.to_ns) if record.healed == VOID else None
        newest[record.instrument, record.table, *ids, began, what] = record
    return list(newest.values())


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
