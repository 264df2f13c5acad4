"""Compares messages that were kept aside with those on disk, whatever words say what is wrong.

`reason` is a sentence for people, and each version of the program finds its own.  All else of a
line is what was received, and must be the same.  Lines may so differ in length.
"""

from __future__ import annotations

import json
from typing import Any

from tick_logger.storage.files import Files
from tick_logger.storage.layout import UndecodablePath, parse

WORDS = "reason"
"""The field of a line that only people read."""

_PIECE_BYTES = 64 * 1024


def has_words(path: str) -> bool:
    """Whether the lines of a file have such a field."""
    return isinstance(parse(path), UndecodablePath)


def compare_lines(files: Files, path: str, at: int, lines: bytes) -> tuple[int, int | None]:
    """Compare whole lines with those of a file from byte `at` on.

    Returns where the last of as many lines ends in the file, and where the first one begins there
    that says something else, if any does.  Raises `OSError`.
    """
    differs: int | None = None
    for line in lines.splitlines(keepends=True):
        found = _line_at(files, path, at)
        if differs is None and _said(found) != _said(line):
            differs = at
        at += len(found)
    return at, differs


def _line_at(files: Files, path: str, at: int) -> bytes:
    """The line that begins there, with its end; less if the file ends before."""
    found = b""
    while not found.endswith(b"\n"):
        piece = files.read(path, at + len(found), _PIECE_BYTES)
        if not piece:
            break
        found += piece[: piece.find(b"\n") + 1 or None]
    return found


def _said(line: bytes) -> Any:  # noqa: ANN401 - whatever JSON gives
    """What a line says, but for the words; the line itself if it is none."""
    try:
        said = json.loads(line)
    except ValueError:
        return line
    return {name: said[name] for name in said if name != WORDS} if isinstance(said, dict) else line
