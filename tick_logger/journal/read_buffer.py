"""What was read and is not in the journal yet, as bytes in memory that outlives the process.

    0      what it is, as JSON, for programs and people; zeros up to 4096
    4096   for each half, the bytes of it that are good: native u64, written last
    8192   the halves, which take turns; each holds records, one behind another

    record  u32 bytes, u32 crc32c of all that follows it, u64 number, i64 time of receipt, u8 kind,
            u16 bytes of the name, u32 payloads, name (exchange, newline, connection), the length
            of each payload as u32, and the payloads

What an intake takes is numbered from 1 on, for each exchange: reads of sockets, and what is said
among them (marks, notes, wishes).  A batch that was decoded from it has a record too: the number of
the last that is in it, and what it says beside payloads.  Entries of the journal have that number,
so that what the journal lacks is known exactly.

Invariant: only what is whole is read, in the order of its numbers and up to the first that is
missing; nothing is returned that an entry of the journal has.

Numbers are as the machine has them: nothing of this goes to another one.  Pure: bytes in, values
out.  Not here: how it is written (`kept_reads`), and where it lies (`storage.shared_memory`).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from typing import TypeAlias

import attrs
import google_crc32c
import numpy as np

from tick_logger.journal.entry_codec import decode_entries
from tick_logger.model.entries import Received
from tick_logger.model.payloads import Payloads

Bytes: TypeAlias = bytes | bytearray | memoryview

FORMAT = "tick_logger.reads.1"
"""Another one is of another version, whose reads are not understood here."""

HALVES = 2
GOOD_OFFSET = 4096
RECORDS_OFFSET = 8192

READ, SAID, BATCH = 0, 1, 2
"""Kinds of records: payloads of one read; one thing said among them; what a batch says."""

BEGIN = struct.Struct("=II")
ABOUT = struct.Struct("=QqBxHI")


@attrs.frozen
class Record:
    """One record; `payloads` of a read, else one: the body of an entry without arrivals."""

    exchange: str
    connection: str
    number: int
    recv_ns: int
    kind: int
    payloads: Payloads

    def said(self) -> Received:
        """What a record that is no read says; raises `StorageError` if it is not understood."""
        (entry,) = decode_entries(self.payloads.block)
        assert isinstance(entry, Received), "an entry of another kind"
        return entry


def head(name: str, data_path: str, half_bytes: int) -> bytes:
    """The first bytes of a buffer of this name, for what is recorded into this path."""
    fields = {"format": FORMAT, "name": name, "half_bytes": half_bytes, "data_path": data_path}
    text = json.dumps(fields).encode()
    if len(text) > GOOD_OFFSET:
        text = json.dumps({**fields, "data_path": ""}).encode()  # it is only for cleaning up
    return text.ljust(GOOD_OFFSET, b"\0")


def head_of(content: Bytes) -> dict[str, object]:
    """What a buffer says of itself; empty if it is none."""
    try:
        fields = json.loads(bytes(content[:GOOD_OFFSET]).rstrip(b"\0"))
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def record(about: bytes, block: bytes) -> bytes:
    """What stands before the payloads of a record: `about` is `ABOUT`, the name, the lengths."""
    crc = google_crc32c.extend(google_crc32c.value(about), block)
    return BEGIN.pack(BEGIN.size + len(about) + len(block), crc) + about


def records(content: Bytes, name: str) -> Iterator[Record]:
    """All whole records of the buffer of this name, half by half; none if it is another's."""
    fields = head_of(content)
    half_bytes = fields.get("half_bytes")
    if (fields.get("format"), fields.get("name")) != (FORMAT, name):
        return
    if not isinstance(half_bytes, int) or len(content) < RECORDS_OFFSET + HALVES * half_bytes:
        return
    good = np.frombuffer(content, np.uint64, HALVES, GOOD_OFFSET).tolist()
    for half, size in enumerate(good):
        begin = RECORDS_OFFSET + half * half_bytes
        yield from _of_half(bytes(content[begin : begin + min(size, half_bytes)]))


def _of_half(data: bytes) -> Iterator[Record]:
    offset = 0
    while offset + BEGIN.size + ABOUT.size <= len(data):
        size, crc = BEGIN.unpack_from(data, offset)
        end = offset + size
        if size < BEGIN.size + ABOUT.size or end > len(data):
            return
        if google_crc32c.value(data[offset + BEGIN.size : end]) != crc:
            return
        number, recv_ns, kind, name_bytes, count = ABOUT.unpack_from(data, offset + BEGIN.size)
        at = offset + BEGIN.size + ABOUT.size
        exchange, _, connection = data[at : at + name_bytes].decode().partition("\n")
        at += name_bytes
        packed = data[at : at + 4 * count]
        payloads = Payloads(data[at + 4 * count : end], packed)
        yield Record(exchange, connection, number, recv_ns, kind, payloads)
        offset = end


def lacking(content: Bytes, name: str, taken: Mapping[str, int]) -> list[Received]:
    """The entries that a journal lacks which has this much of each exchange, in their order.

    What was decoded is as the process would have written it, and payloads that came on both lines
    besides; they are told apart by row, as behind a line that is far behind.  Of the rest
    connections have not heard.
    """
    items: dict[str, dict[int, Record]] = {}
    batches: dict[str, dict[int, Record]] = {}
    for each in records(content, name):
        if each.number > taken.get(each.exchange, 0):
            of_kind = batches if each.kind == BATCH else items
            of_kind.setdefault(each.exchange, {})[each.number] = each
    found = []
    for exchange, mine in items.items():
        found += _entries(exchange, taken.get(exchange, 0), mine, batches.get(exchange, {}))
    return found


def _entries(
    exchange: str, taken: int, items: Mapping[int, Record], batches: Mapping[int, Record]
) -> list[Received]:
    """Those of one exchange, from the number behind `taken` to before the first that is missing."""
    found: list[Received] = []
    waiting: list[Record] = []
    number = taken
    while (item := items.get(number + 1)) is not None:
        number += 1
        waiting.append(item)
        if number in batches:
            found.append(_decoded(exchange, waiting, batches[number].said()))
            waiting = []
    # Of a batch that was decoded, but of which something is missing, nothing was heard either.
    while waiting:
        found.append(_not_heard(exchange, waiting))
    assert sum(len(each.recv_ns) for each in found) == sum(
        items[each].kind == READ for each in range(taken + 1, number + 1)
    ), "a read is left out, or taken twice"
    return found


def _decoded(exchange: str, waiting: list[Record], said: Received) -> Received:
    reads = [each for each in waiting if each.kind == READ]
    about = attrs.evolve(_of_reads(exchange, reads), defined=said.defined, marks=said.marks)
    return attrs.evolve(about, notes=said.notes, decodable=said.decodable, taken=waiting[-1].number)


def _not_heard(exchange: str, waiting: list[Record]) -> Received:
    """An entry of the first ones, which are taken out: what is said comes before all reads."""
    told = next((n for n, each in enumerate(waiting) if each.kind == READ), len(waiting))
    read = next((n for n, each in enumerate(waiting) if n > told and each.kind != READ), None)
    mine = waiting[:read]
    del waiting[:read]
    said = [each.said() for each in mine[:told]]
    return attrs.evolve(
        _of_reads(exchange, mine[told:]),
        defined=tuple(each for one in said for each in one.defined),
        marks=tuple(each for one in said for each in one.marks),
        notes=tuple(each for one in said for each in one.notes),
        taken=mine[-1].number,
        heard=False,
    )


def _of_reads(exchange: str, reads: list[Record]) -> Received:
    payloads = Payloads.joined([each.payloads for each in reads]) if reads else Payloads(b"", b"")
    return Received(
        exchange=exchange,
        connections=tuple(each.connection for each in reads),
        recv_ns=np.array([each.recv_ns for each in reads], np.int64),
        counts=np.array([len(each.payloads) for each in reads], np.uint32),
        lengths=payloads.lengths,
        payloads=payloads.block,
    )
