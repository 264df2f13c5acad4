"""One Parquet file of the archive: written beside the folders that readers list, then moved there.

    incoming/NAME.part -> close -> sync -> SHA-256 while reading back -> rename -> sync the folders

Invariant: what lies under an object's name is whole and durable; its name tells the hash of what
is really on the disk.  Equal tables give equal bytes.  Not here: what is in the tables.
"""

from __future__ import annotations

import io
import itertools
import json
import os
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from tick_logger.archive.facts import hash_of
from tick_logger.archive.keys import INCOMING, incoming
from tick_logger.reader.frames import load
from tick_logger.reader.writing import METADATA_KEY
from tick_logger.storage.files import Files

EXTRA = "archive"
"""Of the package: brings what is imported here."""

PIECE_BYTES = 1024 * 1024
"""What is written at once."""

PART = ".part"

SAFE = {"write_page_index": True, "write_page_checksum": True, "store_schema": False}
"""Pages that can be found and checked; types as Parquet has them, the same to each reader."""


_NUMBERS = itertools.count()


class AbandonedError(Exception):
    """Whoever wanted the object is gone."""


@attrs.frozen
class Written:
    """An object in its place."""

    key: str
    sha256: str
    size: int
    rows: int


class ObjectWriter:
    """An object that is being written, under a name that no other process uses.

    `about` goes to the footer.
    `is_wanted` is asked before each piece and before the object gets its name; if it says no,
    `AbandonedError` is raised.  All methods raise `OSError`.
    """

    def __init__(
        self,
        files: Files,
        name: str,
        schema: Any,
        options: Mapping[str, Any],
        about: Mapping[str, object],
        is_wanted: Callable[[], bool] = lambda: True,
        piece_bytes: int = PIECE_BYTES,
    ) -> None:
        self._files = files
        # Of each attempt: what is left of one that failed must not write into the next one's.
        self._path = incoming(f"{name}-{os.getpid()}-{next(_NUMBERS)}")
        self._is_wanted = is_wanted
        self.rows = 0
        files.remove(self._path)
        files.append(self._path, b"")
        self._file = _Appending(files, self._path)
        self._sink = io.BufferedWriter(self._file, piece_bytes)
        parquet = load("pyarrow.parquet", EXTRA)
        self._writer = parquet.ParquetWriter(self._sink, schema, **SAFE, **options)
        self._writer.add_key_value_metadata({METADATA_KEY: json.dumps(about)})

    @property
    def size(self) -> int:
        """Bytes so far."""
        return int(self._sink.tell())

    def add(self, table: Any) -> None:
        """A row group of these rows."""
        if not self._is_wanted():
            raise AbandonedError(self._path)
        self._writer.write_table(table, row_group_size=max(1, table.num_rows))
        self.rows += table.num_rows

    def finish(self, key_of: Callable[[str], str], before: Callable[[str], None]) -> Written:
        """Make it whole, durable and known by the name that `key_of` gives for its SHA-256.

        `before` is called with that name when all but the renaming is done.
        """
        self._writer.close()
        self._sink.flush()
        self._files.sync_file(self._path)
        size = self._files.size(self._path)
        assert size == self._file.size, "somebody else has written to it"
        sha256 = hash_of(self._files, self._path, size)
        key = key_of(sha256)
        if not self._is_wanted():
            raise AbandonedError(self._path)
        before(key)
        self._files.rename(self._path, key)
        sync_folders(self._files, key)
        self._files.sync_folder(INCOMING)
        return Written(key, sha256, size, self.rows)


def sync_folders(files: Files, path: str) -> None:
    """Make a name durable, and those of all folders around it."""
    folder = path
    while folder:
        folder = folder.rpartition("/")[0]
        files.sync_folder(folder)


def remove_parts(files: Files) -> list[str]:
    """Remove what processes that died were writing; returns the names.  Raises `OSError`."""
    found = [name for name in files.list(INCOMING) if name.endswith(PART)]
    for name in found:
        files.remove(f"{INCOMING}/{name}")
    return found


class _Appending(io.RawIOBase):
    """A file of the port as Python knows files."""

    def __init__(self, files: Files, path: str) -> None:
        super().__init__()
        self._files = files
        self._path = path
        self.size = 0
        self._has_failed = False

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        if self._has_failed:  # what is flushed when the object is forgotten has no reader
            return len(view)
        self._has_failed = True
        self._files.append(self._path, view)
        self._has_failed = False
        self.size += len(view)
        return len(view)

    def tell(self) -> int:
        return self.size
