"""Journal entries as the bodies of journal frames, and back.

A body is one msgpack array of entries, each an array that begins with its kind.  Numbers per
payload travel as little-endian arrays and payloads as one piece, so that the cost is one of bytes,
not of messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import numpy as np

from tick_logger.errors import StorageError
from tick_logger.model.entries import (
    Closed,
    Defined,
    Entry,
    Note,
    Received,
    Started,
    Ticked,
)
from tick_logger.model.plain_marks import mark_from_plain, mark_to_plain
from tick_logger.model.tables import Table

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[list[Any]]).decode


def encode_entries(entries: Iterable[Entry]) -> bytes:
    """The body of a frame that holds these entries."""
    return _encode([_to_plain(entry) for entry in entries])


def decode_entries(body: bytes) -> list[Entry]:
    """The entries of a frame; raises `StorageError` if they are none of this version's."""
    try:
        return [_KINDS[kind](*fields) for kind, *fields in _decode(body)]
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
        raise StorageError(f"the journal holds an entry that cannot be read: {error!r}") from error


def _to_plain(entry: Entry) -> list[Any]:
    match entry:
        case Received():
            return _received_to_plain(entry)
        case Started(at_ns, version, price_dtype, book_wait_ticks):
            return ["started", at_ns, version, price_dtype, book_wait_ticks]
        case Ticked():
            return ["ticked"]
        case Closed(at_ns):
            return ["closed", at_ns]


def _received_to_plain(entry: Received) -> list[Any]:
    return [
        "received",
        entry.exchange,
        entry.connections,
        entry.recv_ns.astype("<i8").tobytes(),
        entry.counts.astype("<u4").tobytes(),
        entry.lengths.astype("<u4").tobytes(),
        entry.payloads,
        [[each.instrument, each.symbol, each.tables] for each in entry.defined],
        [mark_to_plain(mark) for mark in entry.marks],
        [[note.at_ns, note.connection, note.what, note.detail] for note in entry.notes],
        entry.decodable,
    ]


def _received(
    exchange: str,
    connections: list[str],
    recv_ns: bytes,
    counts: bytes,
    lengths: bytes,
    payloads: bytes,
    defined: list[Any],
    marks: list[Any],
    notes: list[Any],
    decodable: bool,
) -> Received:
    return Received(
        exchange=exchange,
        connections=tuple(connections),
        recv_ns=np.frombuffer(recv_ns, "<i8"),
        counts=np.frombuffer(counts, "<u4"),
        lengths=np.frombuffer(lengths, "<u4"),
        payloads=payloads,
        defined=tuple(
            Defined(instrument, symbol, tuple(map(Table, tables)))
            for instrument, symbol, tables in defined
        ),
        marks=tuple(map(mark_from_plain, marks)),
        notes=tuple(Note(*fields) for fields in notes),
        decodable=decodable,
    )


_KINDS: dict[str, Callable[..., Entry]] = {
    "received": _received,
    "started": Started,
    "ticked": Ticked,
    "closed": Closed,
}
