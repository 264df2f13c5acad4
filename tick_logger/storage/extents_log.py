"""How long files were before they were first appended to after a checkpoint, kept durable.

A checkpoint says how long the files were that it knows.  Those that are met later are written down
here, and synced, before the first byte is appended to them; so recovery can cut them back and
derive again what follows.  `journal/extents.{epoch}.{part}` belongs to an epoch, which begins with
the attempt to save a checkpoint that says its number; a second part is begun when the first could
not be synced.

A line is `{crc32c} {JSON}`, with all that was met at once.  It is the last one until it is synced,
so a power cut tears no other; a torn one was never acted upon, and does not count.
"""

from __future__ import annotations

import json

import google_crc32c

from tick_logger.errors import StorageError
from tick_logger.storage.extents import Extent
from tick_logger.storage.files import Files
from tick_logger.storage.journal_layout import (
    JOURNAL_FOLDER,
    ExtentsPath,
    extents_path,
    parse_journal,
)


class ExtentsLog:
    """The extents met since the checkpoint that an epoch began with (epoch 0: none)."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._epoch = 0
        self._part: int | None = None  # None: nothing is written in this epoch by this object
        self._extents: list[Extent] = []  # in the parts of this object

    def begin(self) -> int:
        """Begin an epoch that was never used before, and return its number; raises `OSError`.

        To be called before the checkpoint that it follows is saved: if that fails, nobody knows
        whether it is there, and what is met from then on has to be found from either.
        """
        self.resume(max(self.newest_epoch, self._epoch) + 1)
        return self._epoch

    def resume(self, epoch: int) -> None:
        """Go on writing for the time after a checkpoint, from which a recovery has begun."""
        self._epoch, self._part, self._extents = epoch, None, []

    def add(self, extents: list[Extent]) -> None:
        """Make extents durable; after an `OSError` call it again with the same."""
        assert extents, "a line about nothing"
        fresh = self._part is None
        if self._part is None:
            self._part = self._next_part()
        path = extents_path(self._epoch, self._part)
        try:
            self._files.append(path, _line([*self._extents, *extents] if fresh else extents))
            self._files.sync_file(path)
            if fresh:
                self._files.sync_folder(JOURNAL_FOLDER)
        except OSError:
            # What this leaves of the file is unknown: everything goes to another one.
            self._part = None
            raise
        self._extents += extents

    def _next_part(self) -> int:
        return (
            max((part for _, epoch, part in self._existing() if epoch == self._epoch), default=-1)
            + 1
        )

    def read(self, since_epoch: int) -> list[Extent]:
        """What was met from this epoch on: of each file its first extent.

        Raises `OSError`, and `StorageError` if a line is damaged that was acted upon.
        """
        first: dict[tuple[object, ...], Extent] = {}
        for path, epoch, _ in sorted(self._existing(), key=lambda each: each[1:]):
            if epoch >= since_epoch:
                for extent in _extents(path, self._files.read(path)):
                    first.setdefault(extent.place, extent)
        return list(first.values())

    @property
    def newest_epoch(self) -> int:
        """The newest one in which anything was met, as far as files tell; or 0."""
        return max((epoch for _, epoch, _ in self._existing()), default=0)

    def forget(self, before_epoch: int) -> None:
        """Remove what no checkpoint needs that recovery may still begin with."""
        assert before_epoch <= self._epoch, "what is being written would be removed"
        for path, epoch, _ in self._existing():
            if epoch < before_epoch:
                self._files.remove(path)

    def _existing(self) -> list[tuple[str, int, int]]:
        """(path, epoch, part) of each file."""
        found = []
        for name in self._files.list(JOURNAL_FOLDER):
            path = f"{JOURNAL_FOLDER}/{name}"
            where = parse_journal(path)
            if isinstance(where, ExtentsPath):
                found.append((path, where.epoch, where.part))
        return found


def _line(extents: list[Extent]) -> bytes:
    plain = [extent.to_plain() for extent in extents]
    text = json.dumps(plain, separators=(",", ":")).encode()
    return b"%08x %b\n" % (google_crc32c.value(text), text)


def _extents(path: str, data: bytes) -> list[Extent]:
    found: list[Extent] = []
    torn_at: int | None = None
    for number, line in enumerate(data.split(b"\n")):
        crc, _, text = line.partition(b" ")
        if not line or crc != b"%08x" % google_crc32c.value(text):
            torn_at = number if torn_at is None else torn_at
        elif torn_at is not None:
            raise StorageError(f"{path}: line {torn_at + 1} is damaged, and lines follow it")
        else:
            found += map(Extent.from_plain, json.loads(text))
    return found
