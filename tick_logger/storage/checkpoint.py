"""Checkpoints: the whole state after some frame of the journal, in two slots that take turns.

A save overwrites only the slot that is not the newest valid one, so at every moment, whatever
fails, the checkpoint before is there to begin from.  Everything that a checkpoint speaks of is
durable before the checkpoint is.

    slot    magic, u32 format, u64 epoch, u64 next_seq, u64 made_ns, u32 length of the body,
            u32 crc32c of everything but itself, body: the state, compressed with zstd

All little-endian.  Whatever the format, a slot begins so; the number changes with the body's form.
Format 1 named the width of prices of each file; 2 names its columns.  Every earlier one is read.

Not here: what the state means, when to save, and what to do about an error.
"""

from __future__ import annotations

import contextlib
import struct
import sys
from typing import Any

import attrs
import google_crc32c

from tick_logger.errors import MADE_BY_NEWER
from tick_logger.storage.extents import RefusedError
from tick_logger.storage.files import Files
from tick_logger.storage.journal_layout import CHECKPOINT_PATHS, JOURNAL_FOLDER
from tick_logger.storage.state_codec import decode_state, encode_state

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

FORMAT = 2

MAX_BODY_BYTES = 2**32 - 1
"""As much as the length in a slot can say, and far more than any state has."""

MAGIC = b"TLCHECKP"
_HEAD = struct.Struct("<8sIQQQI")
_CRC = struct.Struct("<I")
_LEVEL = 1  # the fastest compression: a checkpoint is soon overwritten


@attrs.frozen(eq=False)
class Checkpoint:
    """The state after all frames of the journal before `next_seq`.

    `epoch` is one more than that of the checkpoint before, 1 for the first.  `made_ns` is the wall
    clock (nanoseconds since 1970-01-01 UTC), as a label only.  `version` is the slot's format.
    """

    epoch: int
    next_seq: int
    made_ns: int
    state: dict[str, Any] = attrs.field(repr=False)
    version: int = FORMAT


class SyncLost(OSError):
    """What was written since the last checkpoint may be lost, although it can still be read."""


@attrs.frozen
class _Mark:
    epoch: int
    next_seq: int


class CheckpointSlots:
    """The two slots of a recording.

    `problems` says of each slot that is there but holds no valid checkpoint why not, as of the
    last reading; a save that was cut short leaves one such slot.

    Every method raises `OSError` where reading or writing fails: a slot that cannot be read is
    never taken for one that is not there.  They raise `RefusedError` where a slot was made by a
    newer version of the program, which this one neither understands nor overwrites.
    """

    def __init__(self, files: Files) -> None:
        self._files = files
        self.problems: list[str] = []
        # What each slot is known to hold durably; None altogether: not read yet.
        self._marks: list[_Mark | None] | None = None

    def load(self) -> Checkpoint | None:
        """The newest valid checkpoint, None if there is none."""
        found = self.both()
        return found[-1] if found else None

    def both(self) -> list[Checkpoint]:
        """All valid checkpoints (none to two), the older one first."""
        problems: list[str] = []
        slots = [self._read(path, problems) for path in CHECKPOINT_PATHS]
        self.problems = problems
        self._marks = [_Mark(slot.epoch, slot.next_seq) if slot else None for slot in slots]
        return sorted(filter(None, slots), key=lambda each: each.epoch)

    @property
    def needed_seq(self) -> int:
        """The first frame that a recovery from either slot would read, as of the last call.

        0 as long as there are not two valid checkpoints: if the only one were damaged, the
        journal would be needed from its beginning.
        """
        known = [mark.next_seq for mark in self._marks or () if mark]
        return min(known) if len(known) == len(CHECKPOINT_PATHS) else 0

    def save(self, next_seq: int, made_ns: int, state: dict[str, Any]) -> Checkpoint:
        """Make a checkpoint durable, after all else that was written to the files.

        On an error the checkpoint before is untouched, and the next call writes the same slot
        anew; it also proves nothing about what else was to be synced (see `Files.sync`).  Raises
        `TypeError` or `ValueError`, before anything is written, if the state cannot be encoded.
        The folder itself must be durable already: the journal sees to that.
        """
        if self._marks is None:
            self.both()
        marks = self._marks or [None, None]
        epochs = [mark.epoch if mark else 0 for mark in marks]
        checkpoint = Checkpoint(max(epochs) + 1, next_seq, made_ns, state)
        data = encode_slot(checkpoint)
        # The slot with the lower epoch, or with none: never the newest valid one.
        target = epochs.index(min(epochs))
        self._sync()
        marks[target] = None
        self._overwrite(CHECKPOINT_PATHS[target], data)
        marks[target] = _Mark(checkpoint.epoch, next_seq)
        return checkpoint

    def _sync(self) -> None:
        try:
            self._files.sync()
        except OSError as error:
            raise SyncLost(error.errno, error.strerror or str(error)) from error

    def _overwrite(self, path: str, data: bytes) -> None:
        # From the first byte on, so that a slot whose last sync failed is written anew as well.
        with contextlib.suppress(FileNotFoundError):
            self._files.truncate(path, 0)
        try:
            self._files.append(path, data)
            self._files.sync_file(path)
            self._files.sync_folder(JOURNAL_FOLDER)
        except OSError:
            # It may be readable and yet not be on the disk: it must not be taken for the newest,
            # for which the other, durable one would be overwritten.
            with contextlib.suppress(OSError):
                self._files.truncate(path, 0)
            raise

    def _read(self, path: str, problems: list[str]) -> Checkpoint | None:
        try:
            data = self._files.read(path)
        except FileNotFoundError:
            return None
        try:
            return decode_slot(data)
        except RefusedError as error:
            raise RefusedError(f"{path}: {error}") from error
        except ValueError as error:
            problems.append(f"{path} holds no valid checkpoint: {error}")
            return None


def encode_slot(checkpoint: Checkpoint) -> bytes:
    """The bytes of a slot; raises `TypeError` or `ValueError` if the state cannot be encoded."""
    body = zstd.compress(encode_state(checkpoint.state), level=_LEVEL)
    if len(body) > MAX_BODY_BYTES:
        raise ValueError(f"the state has {len(body)} bytes, compressed; {MAX_BODY_BYTES} fit")
    head = _HEAD.pack(
        MAGIC,
        checkpoint.version,
        checkpoint.epoch,
        checkpoint.next_seq,
        checkpoint.made_ns,
        len(body),
    )
    return head + _CRC.pack(_crc(head, body)) + body


def decode_slot(data: bytes) -> Checkpoint:
    """What a slot holds; `ValueError` if nothing valid, `RefusedError` if of an unknown format."""
    start = _HEAD.size + _CRC.size
    head, body = data[: _HEAD.size], data[start:]
    if len(data) < start:
        raise ValueError(f"{len(data)} bytes are too few")
    magic, version, epoch, next_seq, made_ns, length = _HEAD.unpack(head)
    if magic != MAGIC:
        raise ValueError(f"it begins with {magic!r}")
    if length != len(body):
        raise ValueError(f"{len(body)} bytes of state instead of {length}")
    if _CRC.unpack_from(data, _HEAD.size) != (_crc(head, body),):
        raise ValueError("its checksum is wrong")
    if not 1 <= version <= FORMAT:
        raise RefusedError(
            f"{MADE_BY_NEWER}: its format is {version}, this version knows up to {FORMAT}"
        )
    try:
        state = decode_state(zstd.decompress(body))
    except (zstd.ZstdError, ValueError) as error:
        raise ValueError(f"its state cannot be read: {error}") from error
    return Checkpoint(epoch, next_seq, made_ns, state, version)


def _crc(head: bytes, body: bytes) -> int:
    crc: int = google_crc32c.extend(google_crc32c.value(head), body)
    return crc
