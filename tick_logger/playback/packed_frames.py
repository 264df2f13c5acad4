"""Frames of the journal as an archive has them: the messages of an exchange, packed as received.

Objects are read one after the other, by row groups.  What one frame holds may lie in several, so a
frame is given when none that follows can have more of it.

Invariant: frames come in order, each once, with the entries of the exchange and those of none.
Memory is bounded by an object and the row groups around its ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, groupby, pairwise

import numpy as np

from tick_logger.archive.keys import DATA, RAW, RawKey, parse
from tick_logger.archive.raw import NO_EXCHANGE, rows_of
from tick_logger.archive.raw_rows import Rows, entries_of_rows
from tick_logger.model.entries import Entry
from tick_logger.playback.entries import NoJournalError, NothingOfItError
from tick_logger.reader.errors import OverlapError
from tick_logger.reader.frames import load
from tick_logger.reader.objects import EXTRA
from tick_logger.reader.tree import Tree

_FOLDER = f"{DATA}/table={RAW}"


class PackedFrames:
    """Those of one exchange below the root of an archive.

    Raises `NoJournalError` if nothing was packed as received, `NothingOfItError` if nothing of the
    exchange was, and `OverlapError` if several recorders packed it: nobody can tell their frames
    apart.
    """

    damages = 0
    """What is not in an archive is not known there."""

    def __init__(self, tree: Tree, exchange: str) -> None:
        found: dict[str, list[RawKey]] = {}
        for key in map(parse, _paths(tree, _FOLDER)):
            if isinstance(key, RawKey) and key.exchange != NO_EXCHANGE:
                found.setdefault(key.exchange, []).append(key)
        if not found:
            raise NoJournalError
        if exchange not in found:
            raise NothingOfItError(tuple(sorted(found)))
        if len(servers := {each.server for each in found[exchange]}) > 1:
            names = " and ".join(sorted(servers))
            raise OverlapError(f"{tree.name} has {exchange} as received by several: {names}")
        self._tree = tree
        self._exchange = exchange
        self._keys = sorted(found[exchange], key=lambda each: (each.first_seq, each.day))

    def __iter__(self) -> Iterator[list[Entry]]:
        """The entries of each frame; raises `OSError`."""
        waiting: list[Rows] = []
        for key, following in pairwise(chain(self._keys, [None])):
            assert key is not None, "only the last has none behind it"
            groups = list(self._groups(str(key)))
            for number, rows in enumerate(groups):
                waiting.append(rows)
                ends = [following.first_seq] if following is not None else []
                if number + 1 < len(groups):
                    ends.append(int(rows.seq[-1]))
                whole, waiting = _divided(waiting, min(ends, default=None))
                yield from self._frames(whole)

    def _groups(self, key: str) -> Iterator[Rows]:
        buffer = load("pyarrow", EXTRA).BufferReader(bytes(self._tree.read(key)))
        file = load("pyarrow.parquet", EXTRA).ParquetFile(
            buffer, pre_buffer=False, page_checksum_verification=True
        )
        for group in range(file.num_row_groups):
            yield rows_of(file.read_row_group(group, use_threads=False))

    def _frames(self, rows: Rows) -> Iterator[list[Entry]]:
        entries = entries_of_rows(rows, self._exchange)
        for _, of_frame in groupby(entries, key=lambda each: each[0]):
            yield [entry for _, _, entry in of_frame]


def _divided(parts: list[Rows], until_seq: int | None) -> tuple[Rows, list[Rows]]:
    """The rows of frames before this one (None: all), and the others."""
    rows = Rows.joined(parts)
    if until_seq is None:
        return rows, []
    before = np.asarray(rows.seq < until_seq)
    return rows.chosen(before), [rows.chosen(~before)]


def _paths(tree: Tree, folder: str) -> Iterator[str]:
    for name in tree.list(folder):
        path = f"{folder}/{name}"
        yield from _paths(tree, path[:-1]) if name.endswith("/") else (path,)
