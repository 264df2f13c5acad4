"""Files that write nothing: what is appended is compared with what is on disk at that place.

A replay of the journal onto these shows whether it gives the same bytes as the recording did.
Each file begins at length zero, or where `begin` puts it, and grows by what is appended; reads see
the real bytes up to there.  Nothing on the disk is changed.

Of messages kept aside all is compared but the words that say what is wrong with them.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from tick_logger.storage.files import Files
from tick_logger.verify.comparing_lines import compare_lines, has_words


@attrs.frozen
class Difference:
    """The first byte of a file that differs, and the version of the program that wrote it."""

    at: int
    version: str


class ComparingFiles:
    """A `Files` over another one; `differences` names what differs first in each file.

    `compared_bytes` counts what was compared.  `version` is that of the program whose entries are
    being replayed, and `versions` are by file all those that had a part in it.  With `growing`
    somebody writes the same meanwhile: what is not on disk yet is not compared.
    """

    def __init__(self, real: Files, *, growing: bool = False) -> None:
        self._real = real
        self._growing = growing
        self._lengths: dict[str, int] = {}
        self._compared: dict[str, int] = {}  # bytes on disk that were compared, if not the length
        self.version: Callable[[], str] = lambda: ""
        self.versions: dict[str, set[str]] = {}
        self.differences: dict[str, Difference] = {}
        self.compared_bytes = 0

    def begin(self, path: str, size: int) -> None:
        """Let a file have its first `size` bytes already."""
        self.truncate(path, size)

    def shorter_than_real(self) -> dict[str, int]:
        """Of each file that grew here: how many more bytes it has on disk."""
        compared = self._lengths | self._compared
        there = {path: size for path, size in compared.items() if self._real.exists(path)}
        more = {path: self._real.size(path) - size for path, size in there.items()}
        return {path: excess for path, excess in more.items() if excess > 0}

    @property
    def paths(self) -> set[str]:
        """The files that exist here."""
        return set(self._lengths)

    # -- the port ---------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Nothing is made."""

    def append(self, path: str, data: bytes | memoryview) -> None:
        """Compare, and grow."""
        at = self._lengths.get(path, 0)
        self._lengths[path] = at + len(data)
        version = self.version()
        self.versions.setdefault(path, set()).add(version)
        if has_words(path) and self._real.exists(path):
            self._compare_lines(path, self._compared.get(path, at), bytes(data), version)
            return
        found = self._real.read(path, at, len(data)) if self._real.exists(path) else b""
        if self._growing:
            data = data[: len(found)]
        self.compared_bytes += len(data)
        if found != data and path not in self.differences:
            same = next(
                (i for i, (a, b) in enumerate(zip(found, data, strict=False)) if a != b), len(found)
            )
            self.differences[path] = Difference(at + same, version)

    def _compare_lines(self, path: str, at: int, lines: bytes, version: str) -> None:
        self.compared_bytes += len(lines)
        self._compared[path], differs = compare_lines(self._real, path, at, lines)
        if self._growing and self._compared[path] >= self._real.size(path):
            return  # the last line may not be whole, or not be there
        if differs is not None:
            self.differences.setdefault(path, Difference(differs, version))

    def size(self, path: str) -> int:
        """Length here."""
        return self._lengths.get(path, 0)

    def exists(self, path: str) -> bool:
        """Whether it exists here."""
        return path in self._lengths

    def truncate(self, path: str, size: int) -> None:
        """Cut here; the file on disk stays as it is."""
        self._lengths[path] = size
        self._compared.pop(path, None)

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        """The real bytes, as far as the file reaches here."""
        if path not in self._lengths:
            raise FileNotFoundError(path)
        end = self._lengths[path] if length is None else min(offset + length, self._lengths[path])
        return self._real.read(path, offset, max(end - offset, 0))

    def list(self, folder: str = "", *, recursive: bool = False) -> list[str]:
        """The names that exist here."""
        prefix = f"{folder}/" if folder else ""
        inside = [path for path in self._lengths if path.startswith(prefix)]
        if recursive:
            return sorted(inside)
        heads = (path[len(prefix) :].partition("/") for path in inside)
        return sorted({name + slash for name, slash, _ in heads})

    def sync(self) -> None:
        """Nothing is written."""

    def sync_file(self, path: str) -> None:
        """Nothing is written."""

    def sync_folder(self, folder: str = "") -> None:
        """Nothing is written."""

    def replace(self, path: str, data: bytes) -> None:
        """Compare from the beginning."""
        self.truncate(path, 0)
        self.append(path, data)

    def rename(self, path: str, to: str) -> None:
        """Nothing that derives from a journal does this."""
        raise NotImplementedError(f"{path} to {to}")

    def remove(self, path: str) -> None:
        """Forget it here."""
        self._lengths.pop(path, None)
        self._compared.pop(path, None)

    def lock(self, path: str) -> None:
        """Nothing is written, so nobody is kept away."""

    def close(self) -> None:
        """Nothing is held."""
