"""What was sent to the recorder and when, and when the recorder lived: the truth of one directory.

Rows are kept packed, about 100 bytes each, because a long torture sends a million.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import NamedTuple

import attrs
import numpy as np

from scripts.torture_rig.messages import payloads, row_of
from scripts.torture_rig.rows import NEVER_NS, PACKED, RECORDS, Array

_PACK = {table: struct.Struct(f"<qQ{kind}").pack for table, kind in PACKED.items()}
_KEY_BYTES = 16  # time of sending and sequence, before the record
SENT = {
    table: np.dtype([("sent_ns", "<i8"), ("sequence", "<u8"), ("record", kind)])
    for table, kind in RECORDS.items()
}


class Stream(NamedTuple):
    """One table of one symbol."""

    exchange: str
    symbol: str
    table: str


class Ledger:
    """Everything that was sent to whoever was subscribed, in the order of sending.

    `noted` counts rows that were sent completely, `life` the processes of the recorder.
    """

    def __init__(self) -> None:
        self.noted = 0
        self.life = 0
        self._packed: dict[Stream, bytearray] = {}

    def note(
        self, exchange: str, data: bytes | bytearray | memoryview, sent_ns: int
    ) -> list[tuple[Stream, bytes]]:
        """Note the rows in bytes whose sending ended at `sent_ns` (`NEVER_NS`: did not end).

        Returns them, each as a record of `RECORDS`.
        """
        noted = []
        for payload in payloads(data):
            row = row_of(payload)
            if row is not None:
                packed = _PACK[row.table](sent_ns, row.sequence, *row.values)
                stream = Stream(exchange, row.symbol, row.table)
                self._packed.setdefault(stream, bytearray()).extend(packed)
                self.noted += sent_ns != NEVER_NS
                noted.append((stream, packed[_KEY_BYTES:]))
        return noted

    def sent(self) -> Mapping[Stream, Array]:
        """The rows of every stream, as records of `SENT`."""
        return {
            stream: np.frombuffer(bytes(packed), SENT[stream.table])
            for stream, packed in self._packed.items()
        }


@attrs.frozen
class Life:
    """One process of the recorder, from its start to the moment when it was cut or told to stop.

    What was sent up to `bound_ns` before the end must be on disk.  With `gaps_excuse` a gap record
    is as good as the row, whenever it was sent: a disk that refuses writes may cost rows.
    """

    start_ns: int
    end_ns: int
    bound_ns: int
    gaps_excuse: bool = False


@attrs.frozen(eq=False)
class Judged:
    """Of rows sent: which lie in a life, how long before its end, and which had to survive it."""

    inside: Array  # bool
    age_ns: Array  # int64, meaningful where inside
    due: Array  # bool
    excusable: Array  # bool
    unfinished: Array  # bool: so late in the last life that nobody could tell of it afterwards


def judge(sent_ns: Array, lives: list[Life]) -> Judged:
    """Lay the times of sending over the lives, which are in order and do not overlap."""
    starts = np.array([life.start_ns for life in lives], np.int64)
    ends = np.array([life.end_ns for life in lives], np.int64)
    bounds = np.array([life.bound_ns for life in lives], np.int64)
    excuses = np.array([life.gaps_excuse for life in lives], np.bool_)
    which = np.searchsorted(ends, sent_ns, side="left")
    ended = which < len(lives)  # what was sent after all of them is nobody's
    which = np.minimum(which, len(lives) - 1)
    age = ends[which] - sent_ns
    inside = ended & (sent_ns >= starts[which])
    due = inside & (age >= bounds[which])
    unfinished = inside & ~due & (which == len(lives) - 1)
    return Judged(inside, age, due, ended & excuses[which], unfinished)


def ns(seconds: float) -> int:
    """Seconds as nanoseconds."""
    return math.floor(seconds * 1e9)
