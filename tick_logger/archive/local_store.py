"""Objects as files under the archive's root: durable, and whole under their names.

Invariant: a file that has its name is complete on the disk; what is being written lies apart, in
`incoming`, so that nothing under `data` confuses whoever lists it.

Not here: what packs objects, which writes them into their places itself.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

from tick_logger.archive.keys import incoming
from tick_logger.archive.ledger import Where
from tick_logger.archive.object_store import (
    AlreadyThereError,
    Content,
    Found,
    InFile,
    StoreError,
    Trouble,
)
from tick_logger.errors import words_of
from tick_logger.storage.files import Files

_TROUBLES = {
    errno.ENOSPC: Trouble.FULL,
    errno.EDQUOT: Trouble.FULL,
    errno.EACCES: Trouble.REFUSED,
    errno.EPERM: Trouble.REFUSED,
    errno.EROFS: Trouble.REFUSED,
    errno.ENOENT: Trouble.ABSENT,
}


class LocalStore:
    """Objects in the files of an archive's root."""

    def __init__(self, files: Files) -> None:
        self._files = files

    @property
    def where(self) -> Where:
        """On this machine."""
        return Where.LOCAL

    def prepare(self) -> None:
        """Make the root if there is none; see `ObjectStore`."""
        with _as_trouble("the archive's root"):
            self._files.prepare()

    def put(self, key: str, content: Content, sha256: str, *, replace: bool = False) -> None:
        """Keep an object durably; see `ObjectStore`."""
        with _as_trouble(key):
            if self._files.exists(key) and not replace:
                raise AlreadyThereError(key)
            beside = incoming(f"{sha256}-{key.rpartition('/')[2]}")
            self._files.remove(beside)
            self._files.append(beside, b"")
            for piece in content.pieces():
                self._files.append(beside, piece)
            self._files.sync_file(beside)
            self._files.rename(beside, key)
            for folder in folders_around(key):
                self._files.sync_folder(folder)

    def read(self, key: str) -> Iterator[bytes]:
        """The bytes of an object; see `ObjectStore`."""
        with _as_trouble(key):
            if not self._files.exists(key):
                raise StoreError(Trouble.ABSENT, f"{key}: there is no such file")
            yield from InFile(self._files, key).pieces()

    def head(self, key: str) -> Found | None:
        """The size of an object; see `ObjectStore`."""
        with _as_trouble(key):
            return Found(key, self._files.size(key)) if self._files.exists(key) else None

    def list(self, prefix: str) -> Iterator[Found]:
        """The objects of this beginning; see `ObjectStore`."""
        with _as_trouble(prefix):
            folder = prefix.rpartition("/")[0]
            for path in self._files.list(folder, recursive=True):
                if path.startswith(prefix):
                    yield Found(path, self._files.size(path))


@contextlib.contextmanager
def _as_trouble(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        trouble = _TROUBLES.get(error.errno or 0, Trouble.UNREACHABLE)
        raise StoreError(trouble, f"{what}: {words_of(error)}") from error


def folders_around(key: str) -> list[str]:
    """Those around a file, the innermost first, and the root: each holds the next one's name."""
    parts = key.split("/")[:-1]
    return ["/".join(parts[:count]) for count in range(len(parts), -1, -1)]
