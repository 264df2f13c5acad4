"""Journals for tests: writing small ones, reading them, and taking their bytes apart by hand."""

from __future__ import annotations

import struct
import sys

import attrs

from tests.fakes.memory_files import MemoryFiles
from tick_logger.journal.journal import Journal
from tick_logger.journal.reader import JournalReader
from tick_logger.storage.files import Files

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

NOW_NS = 1_700_000_000_000_000_000
SMALL_BYTES = 400
"""A segment that ends after some frames of a few bytes."""


class LoggingFiles(MemoryFiles):
    """Remembers every operation as "name path"; `fail` has the next one of that name fail."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[str] = []
        self._failing: list[str] = []

    def fail(self, *operations: str) -> None:
        self._failing += operations

    def _mishap(self, operation: str, path: str) -> BaseException | None:
        self.log.append(f"{operation} {path}".strip())
        if operation in self._failing:
            self._failing.remove(operation)
            self.fail_at = self.operations + 1
        return super()._mishap(operation, path)

    def take_log(self) -> list[str]:
        taken, self.log = self.log, []
        return taken


def body(seq: int) -> bytes:
    """The body of a frame by its number: no two are equal."""
    return b"frame %d " % seq * (seq % 3 + 1)


def journal(files: Files, *, next_seq: int = 1, segment: int = 1, small: bool = True) -> Journal:
    """A writer of small segments."""
    if not small:
        return Journal(files, next_seq=next_seq, segment=segment)
    return Journal(files, next_seq=next_seq, segment=segment, segment_bytes=SMALL_BYTES)


def add(writer: Journal, *bodies: bytes, sync: bool = True) -> None:
    """Accept and write these bodies together, and sync them."""
    for each in bodies:
        writer.accept(each)
    writer.write(NOW_NS)
    if sync:
        writer.sync()


def add_frames(writer: Journal, until_seq: int, *, sync: bool = True) -> None:
    """Write frames with their `body`, each for itself."""
    while writer.next_seq < until_seq:
        add(writer, body(writer.next_seq), sync=sync)


def read(
    files: Files, from_seq: int = 1, until_seq: int | None = None, *, skip_damage: bool = False
) -> tuple[list[tuple[int, bytes]], JournalReader]:
    """What a reader gives, and the reader."""
    reader = JournalReader(files, from_seq=from_seq, until_seq=until_seq, skip_damage=skip_damage)
    return [(frame.seq, frame.body) for frame in reader], reader


def expected(first_seq: int, next_seq: int) -> list[tuple[int, bytes]]:
    """These frames as `add_frames` writes them."""
    return [(seq, body(seq)) for seq in range(first_seq, next_seq)]


@attrs.frozen
class Parsed:
    """A frame as it lies in a segment."""

    offset: int
    end: int
    crc: int
    seq: int
    synced_seq: int
    body: bytes


def parse(data: bytes) -> list[Parsed]:
    """The frames of a segment that is whole."""
    frames: list[Parsed] = []
    offset = 64
    while offset < len(data):
        head = struct.unpack_from("<4sIIQQI", data, offset)
        marker, length, crc, seq, synced_seq, body_bytes = head
        end = offset + 32 + length
        content = zstd.decompress(data[offset + 32 : end])
        assert marker == b"TLJF"
        assert len(content) == body_bytes
        frames.append(Parsed(offset, end, crc, seq, synced_seq, content))
        offset = end
    return frames


def header(data: bytes) -> tuple[int, int, int, int]:
    """(number, first_seq, earlier_seq, created_ns) of a segment."""
    number, first_seq, earlier_seq, created_ns = struct.unpack_from("<IQQQ", data, 8)
    return number, first_seq, earlier_seq, created_ns


def crc32c(data: bytes) -> int:
    """Castagnoli's checksum, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def twenty_frames() -> LoggingFiles:
    """Frames 1 to 20, each synced, in segments that begin with 1, 7, 13 and 19."""
    files = LoggingFiles()
    add_frames(journal(files), 21)
    return files


def path(number: int) -> str:
    """The path of a segment."""
    return f"journal/{number:08d}.tlj"


def frames_of(files: LoggingFiles, number: int) -> list[Parsed]:
    """The frames of a segment that is whole."""
    return parse(bytes(files.contents[path(number)]))


def firsts(files: LoggingFiles) -> list[int]:
    """The first frame of each segment."""
    return [header(bytes(files.contents[each]))[1] for each in sorted(files.contents)]


def spoil(files: LoggingFiles, number: int, offset: int) -> None:
    """Change a byte of a segment; done twice it is as before."""
    files.contents[path(number)][offset] ^= 0x40
