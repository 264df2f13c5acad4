"""Journal entries as the bodies of journal frames, and back.

A body is one msgpack array of entries, each an array that begins with its kind.  Numbers per
payload travel as little-endian arrays and payloads as one piece, so that the cost is one of bytes,
not of messages.

How entries grow: fields are only ever added, at the end.  Where one is missing, an earlier version
wrote the entry, and the field has its default.  Fields beyond those that are known here were added
by a later version, and are passed over; what must not be passed over is an entry of a new kind, a
new column or table, or a new kind of mark, and each of these is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import numpy as np

from tick_logger.errors import MADE_BY_NEWER, StorageError
from tick_logger.model.entries import (
    Closed,
    Defined,
    Entry,
    Note,
    Received,
    Sealed,
    Started,
    Ticked,
)
from tick_logger.model.plain_marks import mark_from_plain, mark_to_plain
from tick_logger.model.schemas import NewerVersionError, Schemas
from tick_logger.model.tables import SPECS, Table

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[list[Any]]).decode


def encode_entries(entries: Iterable[Entry]) -> bytes:
    """The body of a frame that holds these entries."""
    return _encode([_to_plain(entry) for entry in entries])


def decode_entries(body: bytes) -> list[Entry]:
    """The entries of a frame; raises `StorageError` if they are none of this version's."""
    try:
        return [_entry(kind, fields) for kind, *fields in _decode(body)]
    except NewerVersionError as error:
        raise StorageError(f"{MADE_BY_NEWER}: {error}") from error
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
        raise StorageError(f"the journal holds an entry that cannot be read: {error!r}") from error


def _to_plain(entry: Entry) -> list[Any]:
    match entry:
        case Received():
            return _received_to_plain(entry)
        case Started(at_ns, version, price_dtype, book_wait_ticks, columns, buffer):
            known = [at_ns, version, price_dtype, book_wait_ticks, dict(columns)]
            return ["started", *known, buffer] if buffer else ["started", *known]
        case Ticked(at_ns):
            return ["ticked", at_ns]
        case Closed(at_ns, recovered):
            return ["closed", at_ns, recovered]
        case Sealed(exchange, day, at_ns):
            return ["sealed", exchange, day, at_ns]


def _received_to_plain(entry: Received) -> list[Any]:
    assert len(entry.connections) == len(entry.recv_ns) == len(entry.counts), "whose and when"
    assert int(entry.counts.sum()) == len(entry.lengths), "payloads of no arrival"
    assert int(entry.lengths.sum()) == len(entry.payloads), "bytes of no payload"
    return [
        "received",
        entry.exchange,
        entry.connections,
        entry.recv_ns.astype("<i8").tobytes(),
        entry.counts.astype("<u4").tobytes(),
        entry.lengths.astype("<u4").tobytes(),
        entry.payloads,
        [_defined_to_plain(each) for each in entry.defined],
        [mark_to_plain(mark) for mark in entry.marks],
        [[note.at_ns, note.connection, note.what, note.detail] for note in entry.notes],
        entry.decodable,
        *((entry.taken, entry.heard) if entry.taken or not entry.heard else ()),
    ]


def _defined_to_plain(each: Defined) -> list[Any]:
    known = [each.instrument, each.symbol, each.tables]
    return [*known, each.unproven] if each.unproven else known


def _received(fields: list[Any]) -> Received:
    # In the order of `_received_to_plain`; of another number they are no entry of this version.
    exchange, connections, recv_ns, counts, lengths, payloads, *rest = fields
    defined, marks, notes, decodable, *of_buffer = rest
    taken, heard = of_buffer if len(of_buffer) > 1 else (0, True)
    return Received(
        exchange=exchange,
        connections=tuple(connections),
        recv_ns=np.frombuffer(recv_ns, "<i8"),
        counts=np.frombuffer(counts, "<u4"),
        lengths=np.frombuffer(lengths, "<u4"),
        payloads=payloads,
        defined=tuple(
            Defined(instrument, symbol, *(tuple(map(_table, each)) for each in lists[:2]))
            for instrument, symbol, *lists in defined
        ),
        marks=tuple(map(mark_from_plain, marks)),
        notes=tuple(Note(*fields[:4]) for fields in notes),
        decodable=decodable,
        taken=taken,
        heard=heard,
    )


def _table(name: str) -> Table:
    if name not in SPECS:
        raise NewerVersionError(f"the table {name} is not known")
    return Table(name)


def _started(fields: list[Any]) -> Started:
    at_ns, version, price_dtype, book_wait_ticks, *more = fields
    columns = more[0] if more else {}
    Schemas.from_plain(price_dtype, columns)  # refuses what is not known here
    return Started(at_ns, version, price_dtype, book_wait_ticks, columns, *more[1:])


_KINDS: dict[str, tuple[Callable[[list[Any]], Entry], int]] = {
    "received": (_received, 12),
    "started": (_started, 6),
    "ticked": (lambda fields: Ticked(*fields), 1),
    "closed": (lambda fields: Closed(*fields), 2),
    "sealed": (lambda fields: Sealed(*fields), 3),
}
"""By kind: what makes the entry, and of how many fields that are known here."""


def _entry(kind: str, fields: list[Any]) -> Entry:
    if kind not in _KINDS:
        raise StorageError(f'{MADE_BY_NEWER}: the kind of entry "{kind}" is not known')
    make, known = _KINDS[kind]
    return make(fields[:known])
