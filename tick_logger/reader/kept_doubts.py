"""What looked wrong in rows, as an archive keeps it: parts of files, each a document of its own.

Put together in order, the parts of one server are the file that they were.  Parts that say the same
twice, as after a crash of who packed them, are one.

Not here: what a doubt is (`doubts`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tick_logger.archive.keys import QualityKey, meta_folder, parse_quality
from tick_logger.reader.source import Symbol
from tick_logger.reader.times import Span
from tick_logger.reader.tree import Tree
from tick_logger.storage.quality_files import ReadDoubt, doubts_in


class KeptDoubts:
    """The parts in one tree."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def of(
        self, exchange: str, wanted: Span, is_read: Callable[[str, int], bool]
    ) -> Iterator[tuple[Symbol, ReadDoubt]]:
        """What is marked of an exchange in a range of receive times, on days that are read."""
        for day in sorted({key.day for key in self._keys(exchange)}):
            if not is_read(exchange, day):
                continue
            # What began on one day may end on the next.
            if wanted.days and not wanted.days[0] - 1 <= day <= wanted.days[-1]:
                continue
            for content in self.files(exchange, day):
                for found in doubts_in(content):
                    if found.from_ns < wanted.end_ns and found.to_ns >= wanted.start_ns:
                        yield Symbol(exchange, found.symbol), found

    def files(self, exchange: str, day: int) -> list[bytes]:
        """The whole file of a day, of each server that recorded one."""
        keys = [key for key in self._keys(exchange) if key.day == day]
        return [
            self._put_together([key for key in keys if key.server == server])
            for server in sorted({key.server for key in keys})
        ]

    def _keys(self, exchange: str) -> list[QualityKey]:
        folder = meta_folder(exchange)
        found = (parse_quality(f"{folder}/{name}") for name in self._tree.list(folder))
        return [key for key in found if key is not None]

    def _put_together(self, keys: list[QualityKey]) -> bytes:
        whole = b""
        for key in sorted(keys, key=lambda each: each.begin):
            part = bytes(self._tree.read(str(key)))
            whole += part[max(len(whole) - key.begin, 0) :]
        return whole
