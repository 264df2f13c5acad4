"""Objects in memory, in a store that misbehaves on request."""

from __future__ import annotations

import enum
from collections import Counter, deque
from collections.abc import Iterator

import attrs

from tests.fakes.sim_disk import PowerCut
from tick_logger.archive.ledger import Where
from tick_logger.archive.object_store import (
    PIECE_BYTES,
    AlreadyThereError,
    Content,
    Found,
    StoreError,
    Trouble,
)


class Fault(enum.Enum):
    """What may go wrong with a request; each stands for one answer of a server."""

    UNANSWERED = "stored but unanswered"
    FLIPPED = "a bit of what is stored is flipped"
    TRUNCATED = "what is stored ends early"
    FLIPPED_ONCE = "a bit is flipped on the way back"
    FORBIDDEN = 403
    TIMEOUT = 408
    TOO_MANY = 429
    BROKEN = 500
    BUSY = 503
    STALL = "no answer in time, and nothing stored"
    GONE = "the bucket is gone"
    FULL = "the disk is full"


TROUBLES = {
    Fault.FORBIDDEN: Trouble.REFUSED,
    Fault.GONE: Trouble.NO_BUCKET,
    Fault.FULL: Trouble.FULL,
}
"""All others are `UNREACHABLE`."""

SPOILING = (Fault.FLIPPED, Fault.TRUNCATED)


@attrs.frozen
class InMemory:
    """Bytes that are at hand."""

    data: bytes

    @property
    def size(self) -> int:
        """How many."""
        return len(self.data)

    def pieces(self) -> Iterator[bytes]:
        """All of them."""
        for begin in range(0, len(self.data), PIECE_BYTES):
            yield self.data[begin : begin + PIECE_BYTES]


class MemoryStore:
    """A test implementation of `ObjectStore`.

    `faults` are those of the next puts, one each (None: all is well); `read_faults` those of the
    next readings.  `always` is that of every request until it is None again.  `gone` has the bucket
    missing until `prepare` makes it, which fails while `cannot_make` holds.
    """

    def __init__(self, where: Where = Where.BUCKET) -> None:
        self._where = where
        self.requests = 0
        self._cut_at: int | None = None
        self.objects: dict[str, tuple[bytes, str]] = {}
        self.faults: deque[Fault | None] = deque()
        self.read_faults: deque[Fault | None] = deque()
        self.always: Fault | None = None
        self.gone = False
        self.cannot_make = False
        self.puts: Counter[str] = Counter()
        """How often the bytes of a key were sent."""
        self.versions: dict[str, list[bytes]] = {}
        """Everything that a key ever meant."""

    def power_cut_at(self, request: int | None) -> None:
        """Let the power go before the request of this number is carried out; None: it stays."""
        self._cut_at = request

    def _ask(self) -> None:
        self.requests += 1
        if self.requests == self._cut_at:
            raise PowerCut

    @property
    def where(self) -> Where:
        return self._where

    def prepare(self) -> None:
        self._ask()
        self._fail(self.always)
        if self.gone and self.cannot_make:
            raise StoreError(Trouble.NO_BUCKET, "the bucket is gone")
        self.gone = False

    def put(self, key: str, content: Content, sha256: str, *, replace: bool = False) -> None:
        self._ask()
        fault = self.always or (self.faults.popleft() if self.faults else None)
        if self.gone:
            raise StoreError(Trouble.NO_BUCKET, "the bucket is gone")
        if fault not in (None, Fault.UNANSWERED, *SPOILING):
            self._fail(fault)
        if key in self.objects and not replace:
            raise AlreadyThereError(key)
        data = b"".join(content.pieces())
        assert len(data) == content.size
        self.puts[key] += 1
        data = _spoilt(data, fault)
        self.objects[key] = data, sha256
        self.versions.setdefault(key, []).append(data)
        if fault is Fault.UNANSWERED:
            raise StoreError(Trouble.UNREACHABLE, "the answer was lost")

    def read(self, key: str) -> Iterator[bytes]:
        self._ask()
        fault = self.always or (self.read_faults.popleft() if self.read_faults else None)
        if fault not in (None, Fault.FLIPPED_ONCE, *SPOILING):
            self._fail(fault)
        if self.gone:
            raise StoreError(Trouble.NO_BUCKET, "the bucket is gone")
        if key not in self.objects:
            raise StoreError(Trouble.ABSENT, f"{key}: there is no such object")
        data = _spoilt(self.objects[key][0], fault)
        for begin in range(0, len(data), PIECE_BYTES):
            yield data[begin : begin + PIECE_BYTES]

    def head(self, key: str) -> Found | None:
        self._ask()
        self._fail(self.always)
        if key not in self.objects:
            return None
        data, sha256 = self.objects[key]
        return Found(key, len(data), sha256)

    def list(self, prefix: str) -> Iterator[Found]:
        self._ask()
        self._fail(self.always)
        for key, (data, _) in sorted(self.objects.items()):
            if key.startswith(prefix):
                yield Found(key, len(data))

    def _fail(self, fault: Fault | None) -> None:
        if fault is not None and fault not in SPOILING:
            raise StoreError(TROUBLES.get(fault, Trouble.UNREACHABLE), f"fault: {fault.value}")


def _spoilt(data: bytes, fault: Fault | None) -> bytes:
    if fault in (Fault.FLIPPED, Fault.FLIPPED_ONCE) and data:
        return bytes([data[0] ^ 1]) + data[1:]
    return data[: len(data) // 2] if fault is Fault.TRUNCATED else data
