"""Entries of the journal as rows of a table, and back, exactly.  Pure; numpy alone.

`raw` says what a row is.  Memory for a message is its bytes and some thirty more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.errors import StorageError
from tick_logger.journal.entry_codec import decode_entries, encode_entries
from tick_logger.model.entries import (
    Closed,
    Entry,
    Received,
    Sealed,
    Started,
    Ticked,
)
from tick_logger.model.entries import joined as joined_payloads

Numbers = npt.NDArray[np.int32]
Long = npt.NDArray[np.int64]

NONE = -1
"""No connection, no arrival."""

MESSAGE, ARRIVAL, TOLD = "message", "arrival", "told"

_SHARED: dict[type[Entry], str] = {
    Started: "started",
    Ticked: "ticked",
    Closed: "closed",
    Sealed: "sealed",
}


@attrs.frozen(eq=False)
class Rows:
    """Rows as columns, shape `(count,)` each; `payloads` are all of them, joined.

    `kind` and `connection` are indices into `KINDS` and `labels`.
    """

    KINDS: ClassVar[tuple[str, ...]] = (MESSAGE, ARRIVAL, TOLD, *_SHARED.values())

    kind: Numbers
    seq: Long
    entry: Numbers
    arrival: Numbers
    recv_ns: Long
    connection: Numbers
    labels: tuple[str, ...]
    lengths: Long
    payloads: bytes

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.seq)

    def chosen(self, which: npt.NDArray[np.bool_]) -> Self:
        """Some of them, in order."""
        ends = np.cumsum(self.lengths)
        cut = zip((ends - self.lengths)[which].tolist(), ends[which].tolist(), strict=True)
        return attrs.evolve(
            self,
            payloads=b"".join(self.payloads[a:b] for a, b in cut),
            **{name: getattr(self, name)[which] for name in _COLUMNS},
        )

    @classmethod
    def joined(cls, parts: Sequence[Rows]) -> Self:
        """All rows of the parts, in the order given."""
        labels: dict[str, int] = {}
        connections = []
        for part in parts:
            codes = np.array([labels.setdefault(e, len(labels)) for e in part.labels], np.int32)
            known = part.connection if not len(codes) else codes[part.connection]
            connections.append(np.where(part.connection == NONE, NONE, known).astype(np.int32))
        columns = {name: np.concatenate([getattr(p, name) for p in parts]) for name in _COLUMNS}
        columns["connection"] = np.concatenate(connections)
        payloads = b"".join(part.payloads for part in parts)
        return cls(**columns, labels=tuple(labels), payloads=payloads)


_COLUMNS = ("kind", "seq", "entry", "arrival", "recv_ns", "connection", "lengths")


def rows_of_shared(seq: int, number: int, entry: Entry, at_ns: int) -> Rows:
    """The row of an entry of no exchange, said to be of this time."""
    return _one(_SHARED[type(entry)], seq, number, at_ns, encode_entries([entry]))


def rows_of_entry(seq: int, number: int, entry: Received, now_ns: int) -> Rows:
    """The rows of an entry; those that are of no arrival are of its first, or else of `now_ns`."""
    at_ns = int(entry.recv_ns[0]) if len(entry.recv_ns) else now_ns
    parts = []
    bare = _without_payloads(entry)
    told = entry.defined or entry.marks or entry.notes
    if told or not entry.decodable or not entry.heard or not len(entry.recv_ns):
        parts.append(_one(TOLD, seq, number, at_ns, encode_entries([bare])))
    labels = tuple(dict.fromkeys(entry.connections))
    code = {label: index for index, label in enumerate(labels)}
    connections = np.array([code[each] for each in entry.connections], np.int32)
    arrivals = np.arange(len(entry.counts), dtype=np.int32)
    for kind, of in (
        (MESSAGE, np.repeat(arrivals, entry.counts)),
        (ARRIVAL, arrivals[entry.counts == 0]),
    ):
        count = len(of)
        if count:
            is_message = kind == MESSAGE
            parts.append(
                Rows(
                    np.full(count, Rows.KINDS.index(kind), np.int32),
                    np.full(count, seq, np.int64),
                    np.full(count, number, np.int32),
                    of,
                    entry.recv_ns[of].astype(np.int64),
                    connections[of],
                    labels,
                    entry.lengths.astype(np.int64) if is_message else np.zeros(count, np.int64),
                    bytes(entry.payloads) if is_message else b"",
                )
            )
    return parts[0] if len(parts) == 1 else Rows.joined(parts)


def entries_of_rows(rows: Rows, exchange: str) -> list[tuple[int, int, Entry]]:
    """The entries that rows of one exchange were made of, with frame and place in it, in order.

    The rows may come from several objects, in any order of those.  Raises `StorageError` if they
    are not whole.
    """
    order = np.lexsort((np.arange(rows.count), rows.entry, rows.seq))
    ends = np.cumsum(rows.lengths)
    begins = ends - rows.lengths
    at = np.flatnonzero((np.diff(rows.seq[order]) != 0) | (np.diff(rows.entry[order]) != 0)) + 1
    found = []
    for group in np.split(order, at) if rows.count else []:
        seq, number = int(rows.seq[group[0]]), int(rows.entry[group[0]])
        payloads = [rows.payloads[a:b] for a, b in zip(begins[group], ends[group], strict=True)]
        found.append((seq, number, _entry(rows, group, payloads, exchange)))
    return found


def _entry(
    rows: Rows, group: npt.NDArray[np.intp], payloads: Sequence[bytes], exchange: str
) -> Entry:
    kinds = [Rows.KINDS[code] for code in rows.kind[group].tolist()]
    if kinds[0] in _SHARED.values():
        return _decoded(payloads[0])
    told = [payload for kind, payload in zip(kinds, payloads, strict=True) if kind == TOLD]
    base = _decoded(told[0]) if told else _nothing(exchange)
    assert isinstance(base, Received), "what is told belongs to what was received"
    arrivals = rows.arrival[group].tolist()
    first: dict[int, int] = {}  # row of each read
    for arrival, row in zip(arrivals, group.tolist(), strict=True):
        if arrival != NONE:
            first.setdefault(arrival, row)
    if sorted(first) != list(range(len(first))):
        raise StorageError(f"frame {rows.seq[group[0]]}: reads are missing")
    at = [first[arrival] for arrival in sorted(first)]
    messages = sorted(
        (arrival, place)
        for place, (kind, arrival) in enumerate(zip(kinds, arrivals, strict=True))
        if kind == MESSAGE
    )
    lengths, joined = joined_payloads([payloads[place] for _, place in messages])
    counts = np.bincount([arrival for arrival, _ in messages] or [0], minlength=len(at))
    return attrs.evolve(
        base,
        connections=tuple(rows.labels[rows.connection[row]] for row in at),
        recv_ns=rows.recv_ns[at] if at else base.recv_ns,
        counts=counts.astype(np.uint32) if at and messages else np.zeros(len(at), np.uint32),
        lengths=lengths,
        payloads=joined,
    )


def _decoded(body: bytes) -> Entry:
    (entry,) = decode_entries(body)
    return entry


def _nothing(exchange: str) -> Received:
    none = np.empty(0, np.uint32)
    return Received(exchange, (), np.empty(0, np.int64), none, none, b"")


def _without_payloads(entry: Received) -> Received:
    none = _nothing(entry.exchange)
    return attrs.evolve(
        none,
        defined=entry.defined,
        marks=entry.marks,
        notes=entry.notes,
        decodable=entry.decodable,
        heard=entry.heard,
    )


def _one(kind: str, seq: int, number: int, at_ns: int, payload: bytes) -> Rows:
    return Rows(
        np.array([Rows.KINDS.index(kind)], np.int32),
        np.array([seq], np.int64),
        np.array([number], np.int32),
        np.array([NONE], np.int32),
        np.array([at_ns], np.int64),
        np.array([NONE], np.int32),
        (),
        np.array([len(payload)], np.int64),
        payload,
    )
