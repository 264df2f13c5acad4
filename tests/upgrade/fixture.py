"""A recording as it lies beside the tests: an archive of its files, and what is known of them.

Neither this nor what it says of a directory uses the program: layout and widths are those that its
README promises.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import attrs

FOLDER = Path(__file__).parent

WIDTHS = {"trade_id": 8, "update_id": 8, "maker_order_id": 16, "taker_order_id": 16}
"""Bytes of a value; of every other column 4."""

_COLUMN = re.compile(r"(?P<table>.+)/(?P<column>[a-z_]+)\.(?P<day>\d\d\.\d\d\.\d\d)\.bin")

Files: TypeAlias = Mapping[str, bytes | bytearray]
"""By relative path."""

Contents: TypeAlias = dict[str, bytes]
"""The same, and nobody changes it."""

Tables: TypeAlias = dict[str, dict[str, Any]]
"""By folder and day: `rows`, and by column the SHA-256 of so many values."""

Line: TypeAlias = dict[str, Any]
"""One line of a file of lines."""


@attrs.frozen
class Fixture:
    """One recording: its files as an older version left them, and what is known of it."""

    files: Contents
    known: dict[str, Any]

    @property
    def ended_ns(self) -> int:
        """When it ended, in nanoseconds since 1970-01-01 UTC."""
        at: int = self.known["ended_ns"]
        return at

    @property
    def day(self) -> str:
        """The day on which it was made, as file names have it."""
        (day,) = {where.split()[1] for where in self.tables}
        return day

    @property
    def seed(self) -> int:
        """Of its simulated exchanges, whose ids go on if they have it again."""
        seed: int = self.known["seed"]
        return seed

    @property
    def venues(self) -> dict[str, list[str]]:
        """The exchanges and their symbols."""
        venues: dict[str, list[str]] = self.known["venues"]
        return venues

    @property
    def tables(self) -> Tables:
        """What is in the column files once all of the journal is derived."""
        known: Tables = self.known["tables"]
        return known

    @property
    def added_lines(self) -> dict[str, list[str]]:
        """By path the lines that gaps files, and messages kept aside, have then beside theirs."""
        lines: dict[str, list[str]] = self.known["added_lines"]
        return lines

    @property
    def verified(self) -> dict[str, Any]:
        """Exit code of `verify` before that, and the kinds of its findings."""
        verified: dict[str, Any] = self.known["verify"]
        return verified

    @property
    def said_by_recover(self) -> str:
        """What `recover` prints."""
        said: str = self.known["recover"]
        return said

    def unpack(self, folder: Path) -> Path:
        """Write all files into a new folder there."""
        return write(self.files, folder / "recorded")


def load(name: str) -> Fixture:
    """The recording of this name."""
    with tarfile.open(archive_path(name)) as archive:
        members = [(member.name, archive.extractfile(member)) for member in archive]
        files = {path: file.read() for path, file in members if file is not None}
    return Fixture(files, json.loads(known_path(name).read_text()))


def archive_path(name: str) -> Path:
    """Where the files of a recording are."""
    return FOLDER / f"{name}.tar.xz"


def known_path(name: str) -> Path:
    """Where it is said what they hold."""
    return FOLDER / f"{name}.json"


def read(folder: Path) -> Contents:
    """All files below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def write(files: Files, folder: Path) -> Path:
    """Write files into a folder, and return it."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def column_files(files: Files) -> dict[str, dict[str, bytes]]:
    """By table and day (`okx/BTC-USDT/late/MD 29.11.26`) and column, what the column files hold."""
    found: dict[str, dict[str, bytes]] = {}
    for path, content in files.items():
        match = _COLUMN.fullmatch(path)
        if match:
            where = f"{match['table']} {match['day']}"
            found.setdefault(where, {})[match["column"]] = bytes(content)
    return found


def row_count(columns: Mapping[str, bytes]) -> int:
    """Rows are complete up to the end of the time column."""
    return len(columns.get("time", columns.get("trade_time", b""))) // 4


def tables(files: Files) -> Tables:
    """What is in the column files: all complete rows of every day that has any."""
    found: Tables = {}
    for where, columns in sorted(column_files(files).items()):
        rows = row_count(columns)
        if rows:
            hashes = {name: digest(name, columns[name], rows) for name in sorted(columns)}
            found[where] = {"rows": rows, "sha256": hashes}
    return found


def lost(recorded: Fixture, files: Files) -> list[str]:
    """What of the recovered recording is missing from files, or changed; they may hold more."""
    found = []
    there = column_files(files)
    for where, known in recorded.tables.items():
        columns, rows = there.get(where, {}), known["rows"]
        if row_count(columns) < rows:
            found.append(f"{where}: {row_count(columns)} rows instead of {rows}")
            continue
        for name, expected in known["sha256"].items():
            if digest(name, columns.get(name, b""), rows) != expected:
                found.append(f"{where}: another {name}")
    for path in line_paths(recorded.files):
        old, new = as_then(recorded.files[path]), as_then(files.get(path, b""))
        if new[: len(old)] != old:
            found.append(f"{path}: other lines")
        elif not set(as_then(added_text(recorded, path))) <= set(new):
            found.append(f"{path}: a line is missing")
    return found


def added_text(recorded: Fixture, path: str) -> bytes:
    """The lines that a recovery by the older version adds to a file."""
    return "\n".join(recorded.added_lines.get(path, ())).encode()


def as_then(content: bytes | bytearray) -> list[str]:
    """Lines as the older version wrote them, as far as both must say the same.

    Why a message was not understood is told in other words, and now there are records of what was
    lost with it, and of what a crash has left open.  What heals has another word.
    """
    lines = []
    for text in content.decode(errors="replace").splitlines():
        line = json.loads(text) if text.startswith("{") and text.endswith("}") else {"text": text}
        line.pop("reason", None)
        if line.get("healed") == "late":
            line["healed"] = "stream"
        if line.get("cause") != "undecodable" and not left_open(line):
            lines.append(json.dumps(line))
    return lines


def left_open(line: Line) -> bool:
    """Whether it is about a hole that a crash has left open."""
    return line.get("cause") == "crash" and line["to_ns"] is None


def digest(column: str, content: bytes, rows: int) -> str:
    """SHA-256 of the first rows of a column file."""
    return hashlib.sha256(content[: rows * WIDTHS.get(column, 4)]).hexdigest()


def added_lines(before: Files, after: Files) -> dict[str, list[str]]:
    """By path the lines that were added to files of lines, of which nothing else has changed."""
    found = {}
    for path in line_paths(after):
        old, new = as_then(before.get(path, b"")), as_then(after[path])
        assert new[: len(old)] == old, f"{path} is not what it was"
        found[path] = new[len(old) :]
    return {path: lines for path, lines in found.items() if lines}


def line_paths(files: Files) -> list[str]:
    """The files of lines, which are gaps and undecodable messages, and only grow."""
    return sorted(path for path in files if path.endswith(".jsonl"))


def lines_of(files: Files, name: str) -> list[Line]:
    """The lines of all files of lines of this name, each with its `folder` and `text`."""
    return [
        {**json.loads(text), "folder": path.rpartition("/")[0], "text": text}
        for path, content in sorted(files.items())
        if path.endswith(".jsonl") and f"/{name}." in path
        for text in bytes(content).decode().splitlines()
    ]


def pack(files: Contents, name: str) -> None:
    """Make the archive of a recording, without anything of this machine."""
    with tarfile.open(archive_path(name), "w:xz", preset=9) as archive:
        for path, content in sorted(files.items()):
            member = tarfile.TarInfo(path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
