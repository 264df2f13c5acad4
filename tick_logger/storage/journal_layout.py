"""Where everything lies in the journal's folder, and what lies at a path there.

    journal/lock                           keeps a second process away
    journal/{number:08d}.tlj               segments
    journal/checkpoint.0, checkpoint.1     two slots that take turns
    journal/extents.{epoch}.{part}         lengths of files, between checkpoints
    journal/damaged/{number:08d}.tlj       copies of damaged segments, the further ones with .{copy}

`parse_journal` accepts exactly the paths that the others make.  Pure: no file access.
"""

from __future__ import annotations

import re
from typing import TypeAlias

import attrs

JOURNAL_FOLDER = "journal"
DAMAGED_FOLDER = f"{JOURNAL_FOLDER}/damaged"
LOCK_PATH = f"{JOURNAL_FOLDER}/lock"
CHECKPOINT_PATHS = (f"{JOURNAL_FOLDER}/checkpoint.0", f"{JOURNAL_FOLDER}/checkpoint.1")

_SEGMENT = re.compile(r"(\d{8,10})\.tlj", re.ASCII)
_COPY = re.compile(r"(\d{8,10}\.tlj)(?:\.(\d+))?", re.ASCII)
_EXTENTS = re.compile(r"extents\.(\d+)\.(\d+)", re.ASCII)


@attrs.frozen
class LockPath:
    """What the process that records holds locked."""


@attrs.frozen
class CheckpointPath:
    """One of the slots, counted from 0."""

    slot: int


@attrs.frozen
class SegmentPath:
    """A segment, by its number."""

    number: int


@attrs.frozen
class ExtentsPath:
    """The extents met in an epoch; the parts count from 0."""

    epoch: int
    part: int


@attrs.frozen
class DamagedPath:
    """A copy of a damaged segment; `copy` is 0 for the first."""

    number: int
    copy: int


JournalPath: TypeAlias = LockPath | CheckpointPath | SegmentPath | ExtentsPath | DamagedPath


def segment_path(number: int) -> str:
    """The path of a segment."""
    return f"{JOURNAL_FOLDER}/{_segment_name(number)}"


def segment_number(name: str) -> int | None:
    """The number of the segment of this name, None if no segment is named so."""
    match = _SEGMENT.fullmatch(name)
    if match is None or _segment_name(int(match[1])) != name:
        return None
    return int(match[1])


def extents_path(epoch: int, part: int) -> str:
    """The path of an extents file."""
    return f"{JOURNAL_FOLDER}/extents.{epoch}.{part}"


def damaged_path(number: int, copy: int) -> str:
    """The path of a copy of a damaged segment."""
    return f"{DAMAGED_FOLDER}/{_segment_name(number)}" + (f".{copy}" if copy else "")


def parse_journal(path: str) -> JournalPath | None:
    """What lies at a path; None for everything that is not named by this module."""
    found = _parse(path)
    return found if found is not None and path_of(found) == path else None


def path_of(where: JournalPath) -> str:
    """The path of any file in the journal's folder."""
    match where:
        case LockPath():
            return LOCK_PATH
        case CheckpointPath(slot):
            return CHECKPOINT_PATHS[slot]
        case SegmentPath(number):
            return segment_path(number)
        case ExtentsPath(epoch, part):
            return extents_path(epoch, part)
        case DamagedPath(number, copy):
            return damaged_path(number, copy)


def _parse(path: str) -> JournalPath | None:
    folder, _, name = path.rpartition("/")
    if folder == DAMAGED_FOLDER and (copy := _COPY.fullmatch(name)):
        number = segment_number(copy[1])
        return None if number is None else DamagedPath(number, int(copy[2] or 0))
    if folder != JOURNAL_FOLDER:
        return None
    if path == LOCK_PATH:
        return LockPath()
    if path in CHECKPOINT_PATHS:
        return CheckpointPath(CHECKPOINT_PATHS.index(path))
    if extents := _EXTENTS.fullmatch(name):
        return ExtentsPath(int(extents[1]), int(extents[2]))
    number = segment_number(name)
    return None if number is None else SegmentPath(number)


def _segment_name(number: int) -> str:
    return f"{number:08d}.tlj"
