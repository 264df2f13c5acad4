"""Files of what looked wrong in rows: a line for each doubt, of an exchange and UTC day.

    {"symbol": "BTC-USD", "table": "QUOTES", "kind": "crossed", "from_ns": ..., "to_ns": ...,
     "rows": 12, "figures": {"bid": 101.0, "ask": 100.5}}

Invariant: a file ends with the doubt that makes it longer than `MOST_BYTES`, and one line more, of
the kind `FULL`, that says so.  Lines are only ever appended; one that was torn is passed over, and
is no damage to anything that was recorded.

Blocking; raises `OSError`.  These files follow from no journal: what is judged, and how, changes
with versions.  Not here: what looks wrong (`quality`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import attrs
import msgspec

from tick_logger.model.doubts import DoubtRecord
from tick_logger.model.tables import Table
from tick_logger.storage.files import Files
from tick_logger.storage.layout import QualityPath, quality_path

MOST_BYTES = 2**20
"""Of an exchange and day: about 5,000 doubts, more than anybody looks at one by one."""

FULL = "full"
"""The kind of a last line: what looked wrong later is only counted."""


class _Line(msgspec.Struct):
    symbol: str
    table: Table
    kind: str
    from_ns: int
    to_ns: int
    rows: int
    figures: dict[str, float]


class _LastLine(msgspec.Struct):
    from_ns: int
    symbol: None = None
    table: None = None
    kind: str = FULL
    to_ns: None = None
    rows: int = 0
    figures: dict[str, float] = {}


_decode = msgspec.json.Decoder(_Line).decode


@attrs.frozen
class ReadDoubt:
    """A doubt as a file says it; `kind` may be a word that only a newer version knows."""

    symbol: str
    table: Table
    kind: str
    from_ns: int
    to_ns: int
    rows: int
    figures: Mapping[str, float]


def line_of(doubt: DoubtRecord, symbol: str) -> bytes:
    """A doubt as a line, newline included."""
    line = _Line(
        symbol,
        doubt.table,
        doubt.kind.value,
        doubt.from_ns,
        doubt.to_ns,
        doubt.rows,
        dict(doubt.figures),
    )
    return msgspec.json.encode(line) + b"\n"


def append(files: Files, exchange: str, day: int, lines: Sequence[bytes], at_ns: int) -> int:
    """Add lines to a file, unless it is full by now; returns how many found no place.

    `at_ns` is the time that the last line of a full file tells.  Whoever adds is the only one.
    """
    path = quality_path(QualityPath(exchange, day))
    size = files.size(path)
    if size >= MOST_BYTES:
        return len(lines)
    torn = size > 0 and bytes(files.read(path, size - 1)) != b"\n"
    data, written = b"\n" * torn, 0
    for line in lines:
        data += line
        written += 1
        if size + len(data) >= MOST_BYTES:
            data += msgspec.json.encode(_LastLine(at_ns)) + b"\n"
            break
    files.append(path, data)
    return len(lines) - written


def doubts_in(data: bytes) -> Iterator[ReadDoubt]:
    """What the lines of a file say; those that cannot be read are left out."""
    for line in data.splitlines():
        try:
            found = _decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        yield ReadDoubt(*msgspec.structs.astuple(found))
