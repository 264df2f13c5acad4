"""Cuts files to the extents from which a recovery continues, and finds those that cannot be.

Everything is looked at before anything is cut, so that a refusal leaves the disk as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import attrs

from tick_logger.errors import StorageError
from tick_logger.storage.appending import reason_of
from tick_logger.storage.extents import Extent, RefusedError
from tick_logger.storage.files import Files
from tick_logger.storage.names import day_text


@attrs.frozen
class Missing:
    """Nothing is left of what `expected` names: somebody has removed it."""

    expected: Extent

    def __str__(self) -> str:
        where = f"{self.expected.path} of {day_text(self.expected.day)}"
        return f"{where}: the files are gone, with {_amount(self.expected, self.expected.length)}"


@attrs.frozen
class Damaged:
    """Files are shorter than `expected` and were cut to a length of `kept`: rows, or bytes."""

    expected: Extent
    kept: int

    def __str__(self) -> str:
        lost = self.expected.length - self.kept
        where = f"{self.expected.path} of {day_text(self.expected.day)}"
        return f"{where}: the last {_amount(self.expected, lost)} are lost"


Finding: TypeAlias = Missing | Damaged


@attrs.frozen
class Cut:
    """The files that have to be cut, in order, so that `extent` is their length."""

    extent: Extent
    sizes: Mapping[str, int]
    finding: Finding | None = None


def plan_cut(files: Files, extent: Extent, *, accept_damage: bool) -> Cut:
    """What has to be cut; a file that is no longer than it should be is left alone.

    Raises `RefusedError` where a file is too short, unless nothing at all is left or damage is
    accepted, and `StorageError` where files cannot be looked at.
    """
    try:
        good, finding = _judge(files, extent, accept_damage=accept_damage)
        longer = {path: size for path, size in good.sizes().items() if files.size(path) > size}
    except OSError as error:
        raise StorageError(f"cannot look at {extent.path}: {reason_of(error)}") from error
    return Cut(good, longer, finding)


def carry_out(files: Files, cut: Cut) -> None:
    """Cut; raises `StorageError`, after which it may be planned and tried again."""
    for path, size in cut.sizes.items():
        try:
            files.truncate(path, size)
        except OSError as error:
            raise StorageError(f"cannot cut {path}: {reason_of(error)}") from error


def _judge(files: Files, extent: Extent, *, accept_damage: bool) -> tuple[Extent, Finding | None]:
    """The extent to continue from, and what is wrong with the files, if anything."""
    wanted = extent.sizes()
    found = {path: files.size(path) for path in wanted}
    short = [path for path in wanted if found[path] < wanted[path]]
    if not short:
        return extent, None
    if not any(files.exists(path) for path in wanted):
        return attrs.evolve(extent, length=0), Missing(extent)
    if not accept_damage:
        path = short[0]
        raise RefusedError(
            f"{path} has {found[path]} bytes, but {wanted[path]} were written and made durable: "
            f"the disk has lost them, or the file was changed; restore it, or "
            f"start with --accept-damage to go on with what is left"
        )
    kept = _whole_length(files, extent, found)
    return attrs.evolve(extent, length=kept), Damaged(extent, kept)


def _whole_length(files: Files, extent: Extent, found: Mapping[str, int]) -> int:
    """Rows that are complete in every column, or bytes up to the end of the last whole line."""
    if extent.price_dtype:
        return min(found[path] // width for path, width in extent.widths().items())
    return files.read(extent.path).rfind(b"\n") + 1


def _amount(extent: Extent, length: int) -> str:
    return f"{length:,} {'rows' if extent.price_dtype else 'bytes'}"
