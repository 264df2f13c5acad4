"""The journal's bytes: what they are exactly, and that no damaged one passes."""

from __future__ import annotations

import struct
import sys
from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.journal.journals import crc32c
from tick_logger.config.schema import ExchangeConfig
from tick_logger.journal.segment import (
    MAX_FRAME_BODY_BYTES,
    FoundFrame,
    Header,
    body_of,
    compress,
    find_frames,
    frame_at,
    frame_head,
)
from tick_logger.net.connection.context import MAX_MESSAGE_BYTES
from tick_logger.net.intake.arrivals import MAX_BYTES_PER_DECODE
from tick_logger.recording.writer import MAX_FRAME_BYTES

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def frame(seq: int, synced_seq: int, body: bytes) -> bytes:
    payload = compress(body)
    return frame_head(seq, synced_seq, len(body), payload) + payload


def test_a_header_is_these_bytes() -> None:
    """Magic, number, first_seq, earlier_seq, created_ns, zeros, checksum: 64 bytes."""
    start = b"TLJOURN1" + struct.pack("<IQQQ", 7, 100, 120, 5) + bytes(24)
    data = Header(7, 100, 120, 5).encode()
    assert data == start + struct.pack("<I", crc32c(start))
    assert len(data) == 64


def test_a_header_is_read_from_the_beginning_of_a_segment() -> None:
    """What stands behind it does not matter."""
    header = Header(2**32 - 1, 2**64 - 2, 2**64 - 1, 2**63)
    assert Header.decode(header.encode() + b"more") == header


def test_a_header_with_any_wrong_byte_is_none() -> None:
    """Also one that is cut at any length."""
    data = Header(7, 100, 120, 5).encode()
    for at in range(64):
        assert Header.decode(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]) is None
        assert Header.decode(data[:at]) is None


def test_a_header_of_other_magic_is_none() -> None:
    """Even if its checksum is right."""
    start = b"TLJOURN2" + struct.pack("<IQQQ", 7, 100, 120, 5) + bytes(24)
    assert Header.decode(start + struct.pack("<I", crc32c(start))) is None


def test_a_frame_is_these_bytes() -> None:
    """Marker, length, checksum of the rest, seq, synced_seq, length of the body, payload."""
    payload = zstd.compress(b"hello", level=1)
    rest = struct.pack("<QQI", 9, 8, 5) + payload
    expected = b"TLJF" + struct.pack("<II", len(payload), crc32c(rest)) + rest
    assert frame(9, 8, b"hello") == expected


def test_a_frame_is_found_where_it_begins() -> None:
    """With its numbers and where it ends; its body comes back."""
    data = b"head" + frame(9, 8, b"hello") + b"tail"
    found = frame_at(data, 4)
    assert found == FoundFrame(9, 8, 5, 4, len(data) - 4)
    assert body_of(data, found) == b"hello"
    assert frame_at(data, 3) is None


def test_a_frame_with_any_wrong_byte_is_none() -> None:
    """Also one that is cut at any length."""
    data = frame(9, 8, b"hello")
    for at in range(len(data)):
        for bit in range(8):
            wrong = data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
            assert frame_at(wrong, 0) is None
        assert frame_at(data[:at], 0) is None


def test_zeros_are_no_frame() -> None:
    """The tail that a file system leaves whose size was written before its data."""
    assert frame_at(bytes(4096), 0) is None
    assert list(find_frames(bytes(4096), 0)) == []


def test_frames_are_found_between_junk() -> None:
    """Markers without a frame behind them and torn frames are passed over."""
    one, two = frame(1, 0, b"one"), frame(2, 1, b"two")
    data = b"TLJFTLJF" + one + two[:-1] + b"TLJ" + two + b"TLJF"
    seqs = [(each.seq, each.offset) for each in find_frames(data, 0)]
    assert seqs == [(1, 8), (2, len(data) - 4 - len(two))]
    assert [each.seq for each in find_frames(data, 9)] == [2]


@pytest.mark.parametrize(
    ("body_bytes", "payload"),
    [
        (4, zstd.compress(b"hello")),
        (6, zstd.compress(b"hello")),
        (5, b"hello"),
        (5, zstd.compress(b"hello")[:-1]),
        (5, zstd.compress(b"hello") + zstd.compress(b"")),
        (0, zstd.compress(bytes(10**6))),
        (MAX_FRAME_BODY_BYTES + 1, zstd.compress(b"")),
    ],
)
def test_a_body_that_is_not_what_its_head_says_is_none(body_bytes: int, payload: bytes) -> None:
    """A right checksum over wrong content is no reason to believe it."""
    data = frame_head(1, 0, body_bytes, payload) + payload
    found = frame_at(data, 0)
    assert found is not None
    assert body_of(data, found) is None


@given(st.binary(max_size=2000), st.integers(1, 22))
def test_any_body_comes_back(body: bytes, level: int) -> None:
    """At any level of compression, empty ones included."""
    payload = compress(body, level)
    data = frame_head(1, 1, len(body), payload) + payload
    found = frame_at(data, 0)
    assert found is not None
    assert body_of(data, found) == body


def test_a_body_that_is_too_large_is_refused() -> None:
    """Nobody could read it within the memory that readers count on."""
    with pytest.raises(ValueError, match="83886081 bytes; 83886080 are allowed"):
        compress(bytes(MAX_FRAME_BODY_BYTES + 1))


def test_the_largest_message_fits_a_frame() -> None:
    """With what the writer may have put there before, and what came in the same read."""
    largest = max_of(ExchangeConfig, "max_message_mib") * 2**20
    assert largest + MAX_FRAME_BYTES + 2 * MAX_BYTES_PER_DECODE < MAX_FRAME_BODY_BYTES
    usual = ExchangeConfig(ws_endpoint="", rest_endpoint="").max_message_mib
    assert usual * 2**20 == MAX_MESSAGE_BYTES


def max_of(section: type, key: str) -> int:
    """The largest whole number that a key may be."""
    rule = get_type_hints(section, include_extras=True)[key].__metadata__[0]
    return next(mib for mib in range(4096, 0, -1) if rule(mib) is None)
