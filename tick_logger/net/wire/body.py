"""The body of one HTTP answer as it comes: decoded in steps, never larger than it may be.

What a server compresses may become a thousand times as large, and a million times if it does so
twice.  So there is one encoding, gzip once; every step makes a bounded number of bytes, and whoever
takes them lets others run in between.  Pure.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

ACCEPTED: Final = "gzip"
"""What is asked for: listings shrink to a tenth."""

STEP_BYTES: Final = 256 * 1024
"""Made by one step: a fraction of a millisecond."""

_GZIP_ONLY: Final = 16 + zlib.MAX_WBITS


class BadBodyError(Exception):
    """It cannot be taken, in words."""


class Body:
    """A body in this content encoding, of `most_bytes` at most, on the way and decoded."""

    def __init__(self, encoding: str, most_bytes: int) -> None:
        word = encoding.strip().lower()
        if word not in ("", "identity", "gzip", "x-gzip"):
            raise BadBodyError(f"its encoding is {word[:40]!r}, and {ACCEPTED} was asked for")
        self._inflater = zlib.decompressobj(_GZIP_ONLY) if "gzip" in word else None
        self._most_bytes = most_bytes
        self._taken_bytes = 0
        self._decoded = bytearray()

    def take(self, chunk: bytes) -> Iterator[None]:
        """Take what came, step by step; raises `BadBodyError`."""
        self._taken_bytes += len(chunk)
        if self._taken_bytes > self._most_bytes:
            raise self._too_large()
        if self._inflater is None:
            self._add(chunk)
            yield
            return
        waiting = chunk
        while waiting:
            if self._inflater.eof:
                raise BadBodyError("something comes behind its compressed end")
            try:
                self._add(self._inflater.decompress(waiting, STEP_BYTES))
            except zlib.error:
                raise BadBodyError("it cannot be decompressed") from None
            waiting = self._inflater.unconsumed_tail or self._inflater.unused_data
            yield

    @property
    def complaint(self) -> str:
        """What is wrong if this was the last chunk; empty if nothing is."""
        cut = self._inflater is not None and self._taken_bytes and not self._inflater.eof
        return "its compressed end is missing" if cut else ""

    @property
    def whole(self) -> bytes:
        """All that was taken, decoded."""
        return bytes(self._decoded)

    def _add(self, piece: bytes) -> None:
        if len(self._decoded) + len(piece) > self._most_bytes:
            raise self._too_large()
        self._decoded += piece
        assert len(self._decoded) <= self._most_bytes, "a body beyond its bound"

    def _too_large(self) -> BadBodyError:
        return BadBodyError(f"over {self._most_bytes} bytes of body")
