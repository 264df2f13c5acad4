"""Keeps what intakes take, in memory that outlives the process, until it is in the journal.

One object for the process; the event loop alone uses it, and it never waits: a record is copied
into the memory, then the count of good bytes is set, so that whatever comes between leaves either
the whole record or none.

Invariant: a half is written over only when all that is in it is in the journal.  What finds no room
goes on without being kept, as everything does where there is no memory; that is counted, and costs
something only if the process is killed before the journal has it.

Not here: the form of the bytes (`read_buffer`), the memory itself, and what becomes of it after a
crash (`derive.left_reads`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import attrs

from tick_logger.journal.entry_codec import encode_entries
from tick_logger.journal.read_buffer import (
    ABOUT,
    BATCH,
    GOOD_OFFSET,
    HALVES,
    READ,
    RECORDS_OFFSET,
    SAID,
    head,
    record,
)
from tick_logger.model.entries import Received
from tick_logger.model.payloads import Payloads

MAX_NAMES = 4096
"""Connections whose names are kept as bytes: as many as there are at a time, many times over."""


class KeptReads:
    """Without memory at first: nothing is kept before `begin`."""

    def __init__(self) -> None:
        self.name = ""
        """Of the buffer in use; empty while nothing is kept."""
        self.refused = ""
        """Why there is no memory, in words."""
        self.on_not_kept: Callable[[bool], None] = lambda _first: None
        """Hears of each record for which there is no room, and whether it is the first in a row."""
        self._bytes = memoryview(b"")
        self._good = memoryview(b"")
        self._half_bytes = 0
        self._half = self._end = 0  # the one in use, and where it ends so far
        self._newest: list[dict[str, int]] = [{} for _ in range(HALVES)]  # of each in a half
        self._journalled: dict[str, int] = {}
        self._is_full = False

    def begin(self, memory: memoryview, name: str, data_path: str) -> None:
        """Keep what comes in this memory, all of which is there and writable, from now on."""
        assert not self.name, "it has begun"
        self._half_bytes = (len(memory) - RECORDS_OFFSET) // HALVES
        self._bytes = memory
        self._good = memory[GOOD_OFFSET : GOOD_OFFSET + 8 * HALVES].cast("Q")
        for half in range(HALVES):
            self._good[half] = 0
        memory[:GOOD_OFFSET] = head(name, data_path, self._half_bytes)
        self.name = name

    def of(self, exchange: str) -> KeptOfExchange:
        """What keeps the reads of one exchange."""
        return KeptOfExchange(self, exchange)

    def journalled(self, exchange: str, taken: int) -> None:
        """What an exchange has taken, up to this number, is in the journal."""
        if not self.name or not taken:
            return
        assert taken >= self._journalled.get(exchange, 0), "the journal has lost a batch"
        self._journalled[exchange] = taken
        if self._end and self._is_free(self._half):
            self._empty(self._half)  # its pages are in the processor's cache

    @property
    def is_refused(self) -> bool:
        """Whether there was to be memory, and there is none."""
        return bool(self.refused)

    @property
    def room_bytes(self) -> int:
        """How much is kept at most."""
        return HALVES * self._half_bytes

    @property
    def is_empty(self) -> bool:
        """Whether all that was taken is in the journal, as far as it is kept."""
        return all(map(self._is_free, range(HALVES)))

    def put(self, exchange: str, number: int, about: bytes, block: bytes) -> None:
        """Keep a record; see `read_buffer.record`."""
        if not self.name:
            return
        before = record(about, block)
        size = len(before) + len(block)
        if self._end + size > self._half_bytes and not self._change_half(size):
            first, self._is_full = not self._is_full, True
            self.on_not_kept(first)
            return
        begin = RECORDS_OFFSET + self._half * self._half_bytes + self._end
        self._bytes[begin : begin + len(before)] = before
        self._bytes[begin + len(before) : begin + size] = block
        newest = self._newest[self._half]
        newest[exchange] = max(number, newest.get(exchange, 0))  # a batch comes after what follows
        self._end += size
        self._good[self._half] = self._end  # one store of a word: whole, or not there

    def _change_half(self, size: int) -> bool:
        """Go on in the next half, if that is free and large enough."""
        following = (self._half + 1) % HALVES
        if size > self._half_bytes or not self._is_free(following):
            return False
        self._empty(following)
        return True

    def _is_free(self, half: int) -> bool:
        known = self._journalled
        return all(known.get(each, 0) >= number for each, number in self._newest[half].items())

    def _empty(self, half: int) -> None:
        assert self._is_free(half), "what the journal lacks would be written over"
        self._good[half] = 0
        self._newest[half].clear()
        self._half, self._end = half, 0
        self._is_full = False


class KeptOfExchange:
    """Numbers what one intake takes, and has it kept."""

    def __init__(self, kept: KeptReads, exchange: str) -> None:
        self._kept = kept
        self._exchange = exchange
        self._put = self._out = 0
        self._name = lru_cache(MAX_NAMES)(self._name_of)

    def read(self, connection: str, recv_ns: int, payloads: Payloads) -> None:
        """A read was taken."""
        self._put += 1
        if self._kept.name:
            name = self._name(connection)
            about = ABOUT.pack(self._put, recv_ns, READ, len(name), len(payloads))
            block = payloads.block
            self._kept.put(self._exchange, self._put, about + name + payloads.packed, block)

    def said(self, entry: Received) -> None:
        """Something was taken that is no read: an entry without arrivals that says it."""
        self._put += 1
        self._put_entry(SAID, self._put, entry)

    def next_taken(self, count: int) -> int:
        """So many more are decoded now; the number of the last, 0 if nothing is kept."""
        self._out += count
        assert self._out <= self._put, "something is decoded that was not taken"
        return self._out if self._kept.name else 0

    def batch(self, received: Received) -> None:
        """They are decoded; kept is what the batch says, as its reads are here already."""
        if self._kept.name:
            none = received.lengths[:0]
            said = attrs.evolve(
                received,
                connections=(),
                recv_ns=received.recv_ns[:0],
                counts=none,
                lengths=none,
                payloads=b"",
            )
            self._put_entry(BATCH, received.taken, said)

    def _put_entry(self, kind: int, number: int, entry: Received) -> None:
        if self._kept.name:
            name = self._name("")
            body = encode_entries([entry])
            about = ABOUT.pack(number, 0, kind, len(name), 0)
            self._kept.put(self._exchange, number, about + name, body)

    def _name_of(self, connection: str) -> bytes:
        return f"{self._exchange}\n{connection}".encode()
