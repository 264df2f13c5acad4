"""The hashes of a day's gaps files: so that nobody takes a hole out of them unnoticed.

The main one does not grow after the day is sealed.  What is told later goes to the one in `late/`,
of which the beginning stays what it is.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from tick_logger.archive.facts import hash_of
from tick_logger.storage.files import Files
from tick_logger.storage.layout import GapsPath, gaps_path


@attrs.frozen
class GapHashes:
    """Of one symbol and day: bytes and SHA-256 of both files; of an empty one, that of nothing."""

    symbol: str
    size: int
    sha256: str
    late_size: int
    late_sha256: str


def gap_hashes(
    files: Files, exchange: str, symbol: str, day: int, as_of: GapHashes | None = None
) -> GapHashes:
    """Those of one symbol; `as_of`: of the beginnings that had these sizes."""
    found = list(_sized(files, exchange, symbol, day))
    if as_of is not None:
        limits = (as_of.size, as_of.late_size)
        found = [(path, min(size, most)) for (path, size), most in zip(found, limits, strict=True)]
    (main, size), (late, late_size) = found
    return GapHashes(
        symbol, size, hash_of(files, main, size), late_size, hash_of(files, late, late_size)
    )


def _sized(files: Files, exchange: str, symbol: str, day: int) -> Iterator[tuple[str, int]]:
    for late in (False, True):
        path = gaps_path(GapsPath(exchange, symbol, day, late))
        yield path, files.size(path)
