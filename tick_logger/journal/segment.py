"""The binary form of the journal: segments, each a header and then frames, one behind the other.

    journal/{number:08d}.tlj

    header   64 bytes: magic, u32 number, u64 first_seq, u64 earlier_seq, u64 created_ns, zeros,
             u32 crc32c of all before it
    frame    marker, u32 length of the payload, u32 crc32c of all that follows it,
             u64 seq, u64 synced_seq, u32 length of the body, payload: the body, zstd-compressed

All little-endian.  Frames are numbered without a hole; none crosses segments.  Two numbers are
there for whoever has to judge damage: when a frame was written, all frames before its
`synced_seq` were durable, and when a segment was begun, all before its `first_seq`.  Earlier
segments may hold frames up to `earlier_seq`, which are in this one once more if it is larger than
`first_seq`: that is so behind a segment that could not be synced.

Pure: bytes in, values out.  Not here: what a body means, and what follows from damage.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator

import attrs
import google_crc32c

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


SEGMENT_BYTES = 64 * 2**20
"""Where a segment ends: few enough to be read at once, enough for minutes of a busy market."""

MAX_FRAME_BODY_BYTES = 80 * 2**20
"""The largest message that can be allowed (64 MiB), and what may come with it; bounds the memory
that a reader needs."""

MAX_PAYLOAD_BYTES = MAX_FRAME_BODY_BYTES + MAX_FRAME_BODY_BYTES // 128
"""What does not compress grows by half of this at most."""

LEVEL = 1
"""The fastest compression: it runs beside the receiving."""

HEADER_BYTES = 64
FRAME_HEAD_BYTES = 32

MAX_SEGMENT_BYTES = HEADER_BYTES + FRAME_HEAD_BYTES + MAX_PAYLOAD_BYTES
"""No writer makes a longer one: beyond `SEGMENT_BYTES` goes only a segment of one frame."""

MAGIC = b"TLJOURN1"
MARKER = b"TLJF"

_HEADER = struct.Struct("<8sIQQQ24x")
_CRC = struct.Struct("<I")
_BEGIN = struct.Struct("<4sII")
_ABOUT = struct.Struct("<QQI")


@attrs.frozen
class SegmentInfo:
    """What is to be known of a segment without reading it.

    `first_seq` is the first frame that no earlier segment holds: to read from there on, none of
    them is needed.  It is None if the header is unreadable, and `created_ns` (nanoseconds since
    1970-01-01 UTC) is 0 then.
    """

    number: int
    first_seq: int | None
    size_bytes: int
    created_ns: int


@attrs.frozen
class Header:
    """The head of a segment; see the module."""

    number: int
    first_seq: int
    earlier_seq: int
    created_ns: int

    def encode(self) -> bytes:
        """Its `HEADER_BYTES` bytes."""
        assert self.first_seq <= self.earlier_seq, "frames that no segment has"
        start = _HEADER.pack(MAGIC, self.number, self.first_seq, self.earlier_seq, self.created_ns)
        return start + _CRC.pack(google_crc32c.value(start))

    @classmethod
    def decode(cls, data: bytes) -> Header | None:
        """The header that a segment's bytes begin with, None if that is not valid."""
        start = data[: _HEADER.size]
        if len(data) < HEADER_BYTES or not start.startswith(MAGIC):
            return None
        if _CRC.unpack_from(data, _HEADER.size) != (google_crc32c.value(start),):
            return None
        _, number, first_seq, earlier_seq, created_ns = _HEADER.unpack(start)
        return cls(number, first_seq, earlier_seq, created_ns)


@attrs.frozen
class FoundFrame:
    """A frame whose checksum is right, at `offset` to before `end_offset` of its segment."""

    seq: int
    synced_seq: int
    body_bytes: int
    offset: int
    end_offset: int


def compress(body: bytes, level: int = LEVEL) -> bytes:
    """The payload of a frame; `ValueError` if the body is larger than `MAX_FRAME_BODY_BYTES`."""
    if len(body) > MAX_FRAME_BODY_BYTES:
        raise ValueError(f"a frame of {len(body)} bytes; {MAX_FRAME_BODY_BYTES} are allowed")
    return zstd.compress(body, level)


def frame_head(seq: int, synced_seq: int, body_bytes: int, payload: bytes) -> bytes:
    """The `FRAME_HEAD_BYTES` bytes that stand before a payload."""
    assert synced_seq <= seq, "it says of itself that it is durable"
    about = _ABOUT.pack(seq, synced_seq, body_bytes)
    crc = google_crc32c.extend(google_crc32c.value(about), payload)
    return _BEGIN.pack(MARKER, len(payload), crc) + about


def frame_at(data: bytes, offset: int) -> FoundFrame | None:
    """The frame that begins there in a segment's bytes, None if none does that is whole."""
    if len(data) - offset < FRAME_HEAD_BYTES:
        return None
    marker, length, crc = _BEGIN.unpack_from(data, offset)
    end = offset + FRAME_HEAD_BYTES + length
    if marker != MARKER or length > MAX_PAYLOAD_BYTES or end > len(data):
        return None
    if google_crc32c.value(data[offset + _BEGIN.size : end]) != crc:
        return None
    seq, synced_seq, body_bytes = _ABOUT.unpack_from(data, offset + _BEGIN.size)
    return FoundFrame(seq, synced_seq, body_bytes, offset, end)


def find_frames(data: bytes, offset: int) -> Iterator[FoundFrame]:
    """All whole frames from there on, whatever lies between them."""
    while (offset := data.find(MARKER, offset)) >= 0:
        found = frame_at(data, offset)
        if found is None:
            offset += 1
        else:
            yield found
            offset = found.end_offset


def body_of(data: bytes, found: FoundFrame) -> bytes | None:
    """The body of a frame in these bytes, None if its payload is not what its head says."""
    if found.body_bytes > MAX_FRAME_BODY_BYTES:
        return None
    expansion = zstd.ZstdDecompressor()
    try:
        # One byte more than there should be, so that more is noticed, but not made in memory.
        body = expansion.decompress(
            data[found.offset + FRAME_HEAD_BYTES : found.end_offset], found.body_bytes + 1
        )
    except zstd.ZstdError:
        return None
    whole = expansion.eof and not expansion.unused_data and len(body) == found.body_bytes
    return body if whole else None
