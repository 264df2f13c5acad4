"""Records of holes that the gaps files of their streams do not take: one JSON object per line.

`unwritten.{DD}.{MM}.{YY}.jsonl`, beside the exchanges' folders, in the file of the day on which the
hole began.  The keys are those of a gaps file, before them `exchange` and `symbol`, after them the
`reason` in words.  A hole that is open has a `to_ns` of null, and a later line with the same
exchange, symbol, table and `from_ns` once it is over.  Lines are only ever appended.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from tick_logger.storage.extents import Extent, Place
from tick_logger.storage.files import Files
from tick_logger.storage.layout import UnwrittenPath, parse, unwritten_path
from tick_logger.storage.line_files import LineFiles, append_to_each
from tick_logger.storage.unwritable import Untold


class UnwrittenFiles:
    """These files of one recording."""

    def __init__(self, lines: LineFiles) -> None:
        self._lines = lines

    def meet(self, records: Iterable[Untold]) -> list[Extent]:
        """The lengths of those files of these records that are not known; see `LineFiles`."""
        return self._lines.meet(map(_place, records))

    def append(self, records: Iterable[Untold]) -> None:
        """Append records to their files, which were met before.

        Raises `PartlyWritten`: the files before the one it names are complete.
        """
        append_to_each(records, _place, self._append)

    def _append(self, place: Place, records: Sequence[Untold]) -> None:
        self._lines.append(place, [_line(each) for each in records])


def streams_told(files: Files) -> set[tuple[str, str]]:
    """(exchange, symbol) of each record in the files of a recording; raises `OSError`."""
    found = set[tuple[str, str]]()
    for path in files.list():
        if isinstance(parse(path), UnwrittenPath):
            found |= _streams_in(files.read(path))
    return found


def _streams_in(data: bytes) -> set[tuple[str, str]]:
    """(exchange, symbol) of each record in such a file; lines that cannot be read are passed by."""
    found = set()
    for line in data.splitlines():
        try:
            record = json.loads(line)
            found.add((record["exchange"], record["symbol"]))
        except (ValueError, KeyError, TypeError):
            continue
    return found


def _place(record: Untold) -> Place:
    day = record.gap.day
    return unwritten_path(UnwrittenPath(day)), day


def _line(record: Untold) -> bytes:
    gap = record.gap
    plain = {
        "exchange": record.exchange,
        "symbol": record.symbol,
        "table": gap.table,
        "from_id": gap.from_id,
        "to_id": gap.to_id,
        "from_ns": gap.from_ns,
        "to_ns": gap.to_ns,
        "cause": gap.cause,
        "healed": gap.healed,
        "reason": record.reason,
    }
    return json.dumps(plain).encode() + b"\n"
