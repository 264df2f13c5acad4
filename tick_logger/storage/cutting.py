"""Cuts files to the extents from which a recovery continues, and finds those that cannot be.

Everything is looked at before anything is cut, so that a refusal leaves the disk as it is.  A day
of which an archive's ledger says that it was let go of is no finding of that kind, however much of
its main files is left: nothing is added to it any more, and nothing of it is touched here.  Where
damage is accepted, a column that came with a later version never costs the rows of others: what is
lost of it is filled up with the value that stands for none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import attrs

from tick_logger.errors import RefusedError, StorageError
from tick_logger.model.tables import SPECS
from tick_logger.storage.appending import reason_of
from tick_logger.storage.encoding import absent_records
from tick_logger.storage.extents import Extent
from tick_logger.storage.files import Files
from tick_logger.storage.layout import ColumnPath, parse
from tick_logger.storage.names import day_text

IsReleased: TypeAlias = Callable[[str, int], bool]
"""Whether the main files of an exchange's day (since 1970-01-01) may be gone, or go."""


def nothing_released(_exchange: str, _day: int) -> bool:
    """Where there is no archive."""
    return False


@attrs.frozen
class Released:
    """An archive has the rows of `expected`, whose main files may be gone."""

    expected: Extent
    exchange: str


@attrs.frozen
class Missing:
    """Nothing is left of what `expected` names: somebody has removed it."""

    expected: Extent

    def __str__(self) -> str:
        where = f"{self.expected.path} of {day_text(self.expected.day)}"
        return f"{where}: the files are gone, with {_amount(self.expected, self.expected.length)}"


@attrs.frozen
class Damaged:
    """Files are shorter than `expected` and were cut to a length of `kept`: rows, or bytes.

    `filled` names the columns of which something is lost that does not count as a row.
    """

    expected: Extent
    kept: int
    filled: tuple[str, ...] = ()

    def __str__(self) -> str:
        lost = self.expected.length - self.kept
        where = f"{self.expected.path} of {day_text(self.expected.day)}"
        rows = f"the last {_amount(self.expected, lost)} are lost" if lost else ""
        columns = f"values of column {', '.join(self.filled)} are lost" if self.filled else ""
        return f"{where}: {' and '.join(filter(None, (rows, columns)))}"


Finding: TypeAlias = Missing | Damaged | Released


@attrs.frozen
class Cut:
    """The files that have to be cut, in order, so that `extent` is their length."""

    extent: Extent
    sizes: Mapping[str, int]
    finding: Finding | None = None
    fill: Mapping[str, Iterator[bytes]] = attrs.field(factory=dict)
    """What is appended after that, by path, in pieces; they can be taken once."""


def plan_cut(
    files: Files,
    extent: Extent,
    *,
    accept_damage: bool,
    is_released: IsReleased = nothing_released,
) -> Cut:
    """What has to be cut; a file that is no longer than it should be is left alone.

    Raises `RefusedError` where a file is too short, unless nothing at all is left or damage is
    accepted, and `StorageError` where files cannot be looked at.
    """
    try:
        good, finding = _judge(files, extent, is_released, accept_damage=accept_damage)
        if isinstance(finding, Released):
            return Cut(good, {}, finding)
        sizes = {path: files.size(path) for path in good.sizes()}
    except OSError as error:
        raise StorageError(f"cannot look at {extent.path}: {reason_of(error)}") from error
    longer = {path: size for path, size in good.sizes().items() if sizes[path] > size}
    if not isinstance(finding, Damaged):
        return Cut(good, longer, finding)
    assert 0 <= good.length <= extent.length, "a cut makes nothing longer"
    whole, fill = _filling(good, finding.filled, sizes)
    return Cut(good, longer | whole, finding, fill)


def carry_out(files: Files, cut: Cut) -> None:
    """Cut; raises `StorageError`, after which it may be planned and tried again."""
    for path, size in cut.sizes.items():
        try:
            files.truncate(path, size)
        except OSError as error:
            raise StorageError(f"cannot cut {path}: {reason_of(error)}") from error
    for path, pieces in cut.fill.items():
        try:
            for piece in pieces:
                files.append(path, piece)
        except OSError as error:
            raise StorageError(f"cannot fill up {path}: {reason_of(error)}") from error


def _judge(
    files: Files, extent: Extent, is_released: IsReleased, *, accept_damage: bool
) -> tuple[Extent, Finding | None]:
    """The extent to continue from, and what is wrong with the files, if anything."""
    wanted = extent.sizes()
    found = {path: files.size(path) for path in wanted}
    short = [path for path in wanted if found[path] < wanted[path]]
    if not short:
        return extent, None
    of = parse(short[0])
    if isinstance(of, ColumnPath) and not of.late and is_released(of.exchange, of.day):
        return extent, Released(extent, of.exchange)
    if not any(files.exists(path) for path in extent.widths()):
        return attrs.evolve(extent, length=0), Missing(extent)
    if not accept_damage:
        path = short[0]
        raise RefusedError(
            f"{path} has {found[path]} bytes, but {wanted[path]} were written and made durable: "
            f"the disk has lost them, or the file was changed; restore it, or "
            f"start with --accept-damage to go on with what is left"
        )
    kept = _whole_length(files, extent, found)
    good = attrs.evolve(extent, length=kept)
    too_short = [
        column.name
        for column in (extent.schema.columns if extent.schema is not None else ())
        if found[path := extent.column_path(column.name)] < good.sizes()[path]
    ]
    return good, Damaged(extent, kept, tuple(too_short))


def _whole_length(files: Files, extent: Extent, found: Mapping[str, int]) -> int:
    """Rows that are complete in every column that no day is without, or bytes of whole lines."""
    if extent.schema is None:
        return files.read(extent.path).rfind(b"\n") + 1
    widths = extent.widths()
    paths = [extent.column_path(each.name) for each in extent.schema.columns if each.required]
    return min(extent.length, *(found[path] // widths[path] for path in paths))


def _filling(
    good: Extent, columns: Sequence[str], found: Mapping[str, int]
) -> tuple[dict[str, int], dict[str, Iterator[bytes]]]:
    """Of columns that are too short: the bytes to cut them to, and what to append then, by path."""
    whole: dict[str, int] = {}
    fill: dict[str, Iterator[bytes]] = {}
    for name in columns:
        assert good.schema is not None, "a file of lines has no columns"
        path, size = good.column_path(name), good.schema.item_sizes[name]
        rows, torn = divmod(found[path], size)
        assert rows < good.length, f"{path} is long enough"
        if torn:
            whole[path] = rows * size
        column = SPECS[good.schema.table].column(name)
        fill[path] = absent_records(column, good.schema.width, good.length - rows)
    return whole, fill


def _amount(extent: Extent, length: int) -> str:
    return f"{length:,} {'bytes' if extent.schema is None else 'rows'}"
