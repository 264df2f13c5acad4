"""Known holes on disk: one JSON object per line, in the gaps file of the day a hole began.

A later line about the same ids of the same table supersedes an earlier one.  Lines are only ever
appended; a last line that a crash tore is cut off before the next one follows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs
import msgspec

from tick_logger.errors import StorageError
from tick_logger.model.flush import GapRecord
from tick_logger.model.instruments import Instruments
from tick_logger.model.tables import Table
from tick_logger.storage.files import Files
from tick_logger.storage.layout import GapsPath, gaps_path


class _Line(msgspec.Struct):
    """The keys of a line, in their order on disk."""

    table: Table
    from_id: int | None
    to_id: int | None
    from_ns: int | None
    to_ns: int | None
    cause: str
    healed: bool | str


_decode = msgspec.json.Decoder(_Line).decode


@attrs.frozen
class GapLines:
    """What a gaps file says: its records in order, and the numbers (from 0) of unreadable lines."""

    records: tuple[GapRecord, ...]
    unreadable: tuple[int, ...]


class GapFiles:
    """The gaps files under one root."""

    def __init__(self, files: Files, instruments: Instruments) -> None:
        self._files = files
        self._instruments = instruments

    def append(self, gaps: Sequence[GapRecord]) -> None:
        """Append records to the files of their symbols and days.

        Raises `StorageError`: the files before the one it names are complete, that one is as it
        was before.
        """
        lines_of: dict[str, list[bytes]] = {}
        for gap in gaps:
            where = GapsPath(*self._instruments.name(gap.instrument), gap.day)
            lines_of.setdefault(gaps_path(where), []).append(gap_line(gap))
        saved = 0
        for path, lines in lines_of.items():
            self._append(path, lines, f"of {len(gaps)} gap records {saved} are saved")
            saved += len(lines)

    def _append(self, path: str, lines: Sequence[bytes], saved: str) -> None:
        good_size = None
        try:
            good_size = self._cut_torn_line(path)
            self._files.append(path, b"".join(lines))
        except OSError as error:
            reason = error.strerror or str(error)
            if good_size is not None:
                reason += self._take_back(path, good_size)
            raise StorageError(f"cannot write {path}: {reason}; {saved}") from error

    def _cut_torn_line(self, path: str) -> int:
        """The size of the file, once it ends with a whole line."""
        size = self._files.size(path)
        if size == 0 or self._files.read(path, size - 1) == b"\n":
            return size
        whole = self._files.read(path).rfind(b"\n") + 1
        self._files.truncate(path, whole)
        return whole

    def _take_back(self, path: str, good_size: int) -> str:
        """Cut the file to its good size; what went wrong with that, if anything."""
        try:
            if self._files.size(path) > good_size:
                self._files.truncate(path, good_size)
        except OSError as error:
            return f" (and it could not be cut back: {error.strerror or error})"
        return ""


def gap_line(gap: GapRecord) -> bytes:
    """A record as it is written, newline included."""
    line = _Line(gap.table, gap.from_id, gap.to_id, gap.from_ns, gap.to_ns, gap.cause, gap.healed)
    return msgspec.json.encode(line) + b"\n"


def parse_gaps(data: bytes, instrument: int) -> GapLines:
    """The content of a gaps file of this instrument."""
    records, unreadable = [], []
    for number, text in enumerate(data.splitlines()):
        record = _parse_line(text, instrument)
        if record is None:
            unreadable.append(number)
        else:
            records.append(record)
    return GapLines(tuple(records), tuple(unreadable))


def newest_of_each(records: Iterable[GapRecord]) -> list[GapRecord]:
    """The records that count: the last one about each hole.

    Holes are told apart by their ids, and where these are unknown by the time they began.
    """
    newest: dict[tuple[object, ...], GapRecord] = {}
    for record in records:
        ids = (record.from_id, record.to_id)
        began = record.from_ns if None in ids else None
        newest[record.instrument, record.table, *ids, began] = record
    return list(newest.values())


def _parse_line(text: bytes, instrument: int) -> GapRecord | None:
    """The record, or None if it is not one that the program could have written."""
    try:
        line = _decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    healed = line.healed
    ids = [each for each in (line.from_id, line.to_id) if each is not None]
    in_range = all(0 <= each < 2**64 for each in ids) and ids == sorted(ids)
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
