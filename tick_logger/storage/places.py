"""Finds out which places of a store can be written, and bars those that cannot (`unwritable`).

Not here: what is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from tick_logger.errors import StorageError
from tick_logger.model.flush import Run
from tick_logger.model.schemas import Schemas
from tick_logger.model.tables import SPECS
from tick_logger.storage.cutting import carry_out, plan_cut
from tick_logger.storage.extents import Extent, KnownLengths
from tick_logger.storage.files import Files
from tick_logger.storage.layout import (
    ColumnPath,
    GapsPath,
    UndecodablePath,
    column_name,
    parse,
    symbol_folder,
)
from tick_logger.storage.names import folder_of
from tick_logger.storage.unwritable import Unwritable, own_reason

T = TypeVar("T")


class Places:
    """The places of one store."""

    def __init__(self, files: Files, known: KnownLengths, unwritable: Unwritable) -> None:
        self._files = files
        self._known = known
        self._unwritable = unwritable

    def met(
        self,
        meet: Callable[[Iterable[T]], list[Extent]],
        items: Iterable[T],
        of: Callable[[T], str],
    ) -> list[Extent]:
        """What `meet` gives of these items; the places that alone cannot be written are barred.

        `of` names the place of an item.  Raises what `meet` raises of a disk in trouble.
        """
        try:
            return meet(items)
        except StorageError as error:
            if not own_reason(error):
                raise
        found: list[Extent] = []
        by_place: dict[str, list[T]] = {}
        for item in items:
            by_place.setdefault(of(item), []).append(item)
        for place, those in by_place.items():
            try:
                found += meet(those)
            except StorageError as error:
                if not self.bar(place, error):
                    raise
        return found

    def bar(self, place: str, error: Exception) -> bool:
        """Bar a place if the error tells of it alone; False if the disk is in trouble."""
        reason = own_reason(error)
        if not reason or not place:
            return False
        try:
            self._files.prepare()
        except OSError:
            return False  # nothing can be written at all
        self._unwritable.bar(place, reason)
        return True

    def takes(
        self,
        place: str,
        run: Run | None,
        schemas: Schemas,
        look: Callable[[Iterable[Run]], object],
    ) -> bool:
        """Whether a place can be written again; that of a run is cut then to where it was good.

        `look` is what finds out how much is there of a run, and changes nothing that is known.
        """
        if run is None:
            return True
        try:
            for each in self._known.extents():
                if each.path == place and self._known.use(*each.place).longer:
                    cut = plan_cut(self._files, each, accept_damage=True)
                    carry_out(self._files, cut)
                    self._known.learn(cut.extent)
            for name in schemas.of[run.table, run.late].names:
                self._files.append(f"{place}/{column_name(name, run.day)}", b"")
            look([run])
        except (OSError, StorageError) as error:
            if not self.bar(place, error):
                raise
            return False
        return True


def place_at(path: str) -> str:
    """The place that a path belongs to, as `Unwritable` names it; empty for all else."""
    if path.rpartition("/")[2] in SPECS:
        return path
    match parse(path):
        case ColumnPath():  # of a day that lacks it
            return path.rpartition("/")[0]
        case GapsPath(exchange, symbol):
            return f"{symbol_folder(exchange, symbol)}/gaps"
        case UndecodablePath(exchange):
            return f"{folder_of(exchange)}/undecodable"
    return ""
