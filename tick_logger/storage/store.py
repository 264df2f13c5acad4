"""The recording on disk as one object: column files, gaps files, payloads kept aside, tails.

Whatever is written has to be met first, so that its length before is on record: a recovery can
then cut the files to where it continues from.  What could not be written may be written later.
What has no place on a disk that works is left out, and told elsewhere (`unwritable`).

Blocking; used by one thread at a time.  Not here: when to write, and what to do about an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tick_logger.errors import StorageError, words_of
from tick_logger.model.entries import KeptAside
from tick_logger.model.flush import Flush, Run, StreamTail
from tick_logger.model.instruments import Instruments
from tick_logger.model.schemas import Schemas
from tick_logger.model.tables import Table
from tick_logger.storage.appending import AppendError, PartlyWritten, Rest
from tick_logger.storage.columns import ColumnStore, Repair
from tick_logger.storage.cutting import (
    Finding,
    IsReleased,
    Released,
    carry_out,
    nothing_released,
    plan_cut,
)
from tick_logger.storage.extents import (
    Extent,
    KnownLengths,
    Place,
    extents_from_state,
    extents_to_state,
)
from tick_logger.storage.files import Files
from tick_logger.storage.gap_files import GapFiles, ProofsOf
from tick_logger.storage.kept_aside import KeptAsideFiles
from tick_logger.storage.line_files import LineFiles
from tick_logger.storage.places import Places, place_at
from tick_logger.storage.sealed_days import SealedDays
from tick_logger.storage.tails import load_tail
from tick_logger.storage.unwritable import Untold, Unwritable, own_reason
from tick_logger.storage.unwritten_files import UnwrittenFiles


class _Unfinished(Exception):
    """`path` could not be written, and `rest` is left."""

    def __init__(self, error: PartlyWritten, flush: Flush, asides: tuple[KeptAside, ...]) -> None:
        super().__init__(error.path, error.reason)
        self.path, self.reason = error.path, error.reason
        self.rest = Rest(flush, asides)


class Store:
    """Everything that a recording writes beside its journal."""

    def __init__(
        self,
        files: Files,
        instruments: Instruments,
        schemas: Schemas,
        proofs_of: ProofsOf = lambda _: {},
    ) -> None:
        self._files = files
        self._instruments = instruments
        self._known = KnownLengths()
        lines = LineFiles(files, self._known)
        self._columns = ColumnStore(files, instruments, schemas, self._known)
        self.sealed = SealedDays(instruments)
        self._gaps = GapFiles(lines, instruments, proofs_of, self.sealed)
        self._asides = KeptAsideFiles(lines)
        self._untold = UnwrittenFiles(lines)
        self._unwritable = Unwritable(instruments)
        self._places = Places(files, self._known, self._unwritable)
        self._to_tell = 0  # records among the untold whose files were met
        self._rest: Rest | None = None

    @property
    def schemas(self) -> Schemas:
        """The columns that are written from now on; days keep those that they have beside these."""
        return self._columns.schemas

    @schemas.setter
    def schemas(self, schemas: Schemas) -> None:
        self._columns.schemas = schemas

    def tail(self, instrument: int, table: Table) -> StreamTail | None:
        """What is on disk of a stream; raises `StorageError` if it cannot be read."""
        exchange, symbol = self._instruments.name(instrument)
        try:
            return load_tail(self._files, exchange, symbol, table)
        except OSError as error:
            if own_reason(error):
                return None  # nothing is there to be continued; the first write finds out
            what = f"cannot read {exchange}/{symbol}/{table}"
            raise StorageError(f"{what}: {words_of(error)}") from error

    def meet(self, flush: Flush, asides: Sequence[KeptAside] = ()) -> list[Extent]:
        """The present lengths of everything that a flush will touch and that is not known yet.

        Called before `write`, which must wait until these lengths are durable: without them a
        recovery would not know where to cut.  Uneven columns and torn lines are mended.

        Raises `RefusedError` if what is on disk cannot be continued, or `StorageError`; nothing is
        remembered then, and the same call may be made again.
        """
        barred = self._unwritable
        barred.judge(flush)
        for place, run in barred.due(flush, asides).items():
            if self._places.takes(place, run, self.schemas, self._columns.meet):
                barred.free(place, run)
        gaps = (*barred.returned, *flush.gaps)
        flush, kept = barred.writable(Flush(flush.runs, gaps), asides)
        new = [
            *self._places.met(self._columns.meet, flush.runs, barred.of_run),
            *self._places.met(self._gaps.meet, flush.gaps, barred.of_gap),
            *self._places.met(self._asides.meet, kept, barred.of_aside),
            *self._untold.meet(barred.untold),
        ]
        assert not any(extent.place in self._known for extent in new), "known lengths would change"
        for extent in new:
            self._known.learn(extent)
        self._to_tell = len(barred.untold)
        return new

    def write(self, flush: Flush, asides: Sequence[KeptAside] = ()) -> None:
        """Append rows, then gap records, then payloads kept aside, all of which were met.

        Raises `AppendError`: the store is then unfinished, and `resume` has to succeed before
        anything else is written or dumped.
        """
        assert self._rest is None, "the rest of another flush has to be written first"
        rows = sum(len(run.rows) for run in flush.runs)
        barred = self._unwritable
        gaps, barred.returned = (*barred.returned, *flush.gaps), []
        flush, kept = barred.leave_out(Flush(flush.runs, gaps), asides)
        while True:
            try:
                self._append(flush, kept)
            except _Unfinished as error:
                flush, kept = error.rest.flush, error.rest.asides
                if not self._places.bar(place_at(error.path), error):
                    self._rest = error.rest
                    said = AppendError(error.path, error.reason, rows, error.rest)
                    raise said from error.__cause__
                flush, kept = barred.leave_out(flush, kept)
            else:
                return

    def _append(self, flush: Flush, kept: tuple[KeptAside, ...]) -> None:
        """Append everything; raises `_Unfinished` with what is left."""
        told = self._unwritable.untold[: self._to_tell]
        try:
            self._columns.append(flush.runs)
        except PartlyWritten as error:
            raise _Unfinished(error, Flush(error.rest, flush.gaps), kept) from error.__cause__
        try:
            self._gaps.append(flush.gaps)
        except PartlyWritten as error:
            raise _Unfinished(error, Flush((), error.rest), kept) from error.__cause__
        try:
            self._asides.append(kept)
        except PartlyWritten as error:
            raise _Unfinished(error, Flush(), error.rest) from error.__cause__
        try:
            self._untold.append(told)
        except PartlyWritten as error:
            self._tell_only(error.rest)
            raise _Unfinished(error, Flush(), ()) from error.__cause__
        self._tell_only(())

    def _tell_only(self, rest: Sequence[Untold]) -> None:
        """Of the records that were met, these are left to be told."""
        self._unwritable.untold[: self._to_tell] = rest
        self._to_tell = len(rest)

    # -- what cannot be written -------------------------------------------------------------------

    @property
    def unwritable(self) -> Mapping[str, str]:
        """Why each place that cannot be written cannot."""
        return self._unwritable.reasons

    @property
    def untold(self) -> bool:
        """Whether there are records that the next `meet` and `write` will tell."""
        return bool(self._unwritable.untold or self._unwritable.returned)

    def take_lost(self) -> list[Run]:
        """The runs since the last call that were not written, and never will be."""
        lost, self._unwritable.lost = self._unwritable.lost, []
        return lost

    def resume(self) -> None:
        """Write what is left of a flush, if anything; raises `AppendError` as `write` does."""
        rest, self._rest = self._rest, None
        if rest is not None:
            self.write(rest.flush, rest.asides)

    @property
    def unfinished(self) -> bool:
        """Whether something of a flush is left to be written."""
        return self._rest is not None

    def dump(self) -> dict[str, Any]:
        """The lengths of all files, and what else `load` needs, as plain data.

        Lengths of days long past are forgotten with this; they are met again if need be.
        """
        assert self._rest is None, "lengths in the middle of a flush"
        self._known.forget_old()
        return {
            "extents": extents_to_state(self._known.extents()),
            "asides": self._asides.dump(),
            "kinds": self._asides.dump_kinds(),
            "barred": self._unwritable.dump(),
            "sealed": self.sealed.dump(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Know what `dump` gave; the files have yet to be cut, with `cut` or as they are used."""
        for extent in extents_from_state(state["extents"]):
            self._known.learn(extent, longer=True)
        self._asides.load(state["asides"], state.get("kinds", {}))
        self._unwritable.load(state.get("barred", {}))
        self.sealed.load(state.get("sealed", {}))

    def extents(self) -> list[Extent]:
        """The lengths of everything that is known."""
        return self._known.extents()

    def cut(
        self,
        extents: Iterable[Extent],
        *,
        accept_damage: bool = False,
        is_released: IsReleased = nothing_released,
    ) -> list[Finding]:
        """Cut files to these lengths, and know them from then on.

        In a recovery these are the loaded `extents`, then those met since, in order.  Of several
        of the same files the first counts: what lies between will be written again.  Files of
        which nothing is left begin anew.  Findings have to be followed by a dump that is made
        durable before anything is written: the next recovery would take them for new damage.

        Days that are `is_released` are not cut, and not known from then on.

        Raises `RefusedError` if a file is shorter than its extent, with no file changed; with
        `accept_damage` its day is cut to whole rows instead.  Raises `StorageError` if the disk
        fails; the same call may be made again.
        """
        assert self._rest is None, "cut in the middle of a flush"
        first: dict[Place, Extent] = {}
        for extent in extents:
            first.setdefault(extent.place, extent)
        cuts = []
        for each in first.values():
            try:
                cut = plan_cut(
                    self._files, each, accept_damage=accept_damage, is_released=is_released
                )
                cuts.append(cut)
            except StorageError as error:
                self._leave_for_later(each, error)
        for cut in list(cuts):
            try:
                carry_out(self._files, cut)
            except StorageError as error:
                self._leave_for_later(first[cut.extent.place], error)
                cuts.remove(cut)
        for cut in cuts:
            assert cut.extent.length <= first[cut.extent.place].length, "a cut makes nothing longer"
            if isinstance(cut.finding, Released):
                self._known.drop(cut.extent.place)
            else:
                self._known.learn(cut.extent)
        return [cut.finding for cut in cuts if cut.finding is not None]

    def _leave_for_later(self, extent: Extent, error: StorageError) -> None:
        """What cannot be cut because it cannot be written is cut before it is written again."""
        if not own_reason(error):
            raise error
        self._known.learn(extent, longer=True)

    def take_repairs(self) -> list[Repair]:
        """What was left uneven by others and was mended since the last call."""
        repairs = list(self._columns.repairs)
        self._columns.repairs.clear()
        return repairs

    def take_inexact(self) -> Counter[str]:
        """By exchange, the prices since the last call that f4 and rest cannot hold."""
        inexact = Counter(self._columns.inexact)
        self._columns.inexact.clear()
        return inexact

    def close(self) -> None:
        """Close all files; everything written before is in the system's hands."""
        self._files.close()
