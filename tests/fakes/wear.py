"""What a power cut leaves of one file: the part of the simulated disk that draws lots."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Literal, TypeAlias

import attrs

SECTOR_BYTES = 512
"""What a disk writes wholly or not at all."""

PAGE_BYTES = 4096
"""Where file systems like to end a file whose last pages were not written."""

Fate: TypeAlias = Literal["kept", "dropped", "zeros", "torn"]
FATES: tuple[Fate, ...] = ("kept", "dropped", "zeros", "torn")


@attrs.define
class Unsynced:
    """How a file differs from what is on the disk: there it is `content[:clean] + cut`."""

    clean: int
    cut: bytes = b""


@attrs.define
class File:
    """A file without its name."""

    content: bytearray
    unsynced: Unsynced | None
    lost: list[tuple[int, int]]


def wear(rng: Random, weights: list[float], file: File) -> None:
    """Leave of a file what a power cut leaves."""
    zero(file.content, file.lost, from_offset=0)
    if file.unsynced is not None:
        (fate,) = rng.choices(FATES, weights)
        clean = file.unsynced.clean
        new = bytes(file.content[clean:])
        file.content[clean:] = _rest(rng, fate, clean, new, file.unsynced.cut)


def _rest(rng: Random, fate: Fate, start: int, new: bytes, old: bytes) -> bytes:
    """What follows a file's clean bytes, which end at `start`: `old` was there, then `new`."""
    match fate:
        case "kept":
            return new
        case "dropped":
            return old
        case "zeros":
            return bytes(len(new))
        case "torn":
            return _torn(rng, start, new, old)


def _torn(rng: Random, start: int, new: bytes, old: bytes) -> bytes:
    """Any length, and any of the sectors written; the others hold old bytes or zeros."""
    longest = max(len(new), len(old))
    page_end = min(longest, -start % PAGE_BYTES)
    length = rng.choice((0, page_end, len(old), len(new), rng.randint(0, longest)))
    left = bytearray((old if rng.random() < 0.5 else b"")[:length].ljust(length, b"\0"))
    written = min(length, len(new))
    share = rng.random()
    begin = 0
    while begin < written:
        end = min(written, begin + SECTOR_BYTES - (start + begin) % SECTOR_BYTES)
        if rng.random() < share:
            left[begin:end] = new[begin:end]
        begin = end
    return bytes(left)


def zero(content: bytearray, spans: Iterable[tuple[int, int]], *, from_offset: int) -> None:
    """Fill the parts of these spans that are there, and not before `from_offset`, with zeros."""
    for begin, end in spans:
        first = max(begin, from_offset)
        last = min(end, len(content))
        if first < last:
            content[first:last] = bytes(last - first)
