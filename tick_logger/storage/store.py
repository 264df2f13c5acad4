"""The recording on disk as one object: column files, gaps files, payloads kept aside, tails.

Whatever is written has to be met first, so that its length before is on record: a recovery can
then cut the files to where it continues from.  What could not be written may be written later.

Blocking; used by one thread at a time.  Not here: when to write, and what to do about an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from tick_logger.errors import StorageError, words_of
from tick_logger.model.entries import KeptAside
from tick_logger.model.flush import Flush, StreamTail
from tick_logger.model.instruments import Instruments
from tick_logger.model.schemas import Schemas
from tick_logger.model.tables import Table
from tick_logger.storage.appending import AppendError, PartlyWritten, Rest
from tick_logger.storage.columns import ColumnStore, Repair
from tick_logger.storage.cutting import Finding, carry_out, plan_cut
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
from tick_logger.storage.tails import load_tail


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
        self._gaps = GapFiles(lines, instruments, proofs_of)
        self._asides = KeptAsideFiles(lines)
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
            what = f"cannot read {exchange}/{symbol}/{table}"
            raise StorageError(f"{what}: {words_of(error)}") from error

    def meet(self, flush: Flush, asides: Sequence[KeptAside] = ()) -> list[Extent]:
        """The present lengths of everything that a flush will touch and that is not known yet.

        Called before `write`, which must wait until these lengths are durable: without them a
        recovery would not know where to cut.  Uneven columns and torn lines are mended.

        Raises `RefusedError` if what is on disk cannot be continued, or `StorageError`; nothing is
        remembered then, and the same call may be made again.
        """
        new = [
            *self._columns.meet(flush.runs),
            *self._gaps.meet(flush.gaps),
            *self._asides.meet(asides),
        ]
        assert not any(extent.place in self._known for extent in new), "known lengths would change"
        for extent in new:
            self._known.learn(extent)
        return new

    def write(self, flush: Flush, asides: Sequence[KeptAside] = ()) -> None:
        """Append rows, then gap records, then payloads kept aside, all of which were met.

        Raises `AppendError`: the store is then unfinished, and `resume` has to succeed before
        anything else is written or dumped.
        """
        assert self._rest is None, "the rest of another flush has to be written first"
        kept = tuple(asides)
        rows = sum(len(run.rows) for run in flush.runs)
        try:
            self._columns.append(flush.runs)
        except PartlyWritten as error:
            rest = Rest(Flush(error.rest, flush.gaps), kept)
            raise self._failed(error, rows, rest) from error.__cause__
        try:
            self._gaps.append(flush.gaps)
        except PartlyWritten as error:
            rest = Rest(Flush((), error.rest), kept)
            raise self._failed(error, rows, rest) from error.__cause__
        try:
            self._asides.append(kept)
        except PartlyWritten as error:
            rest = Rest(Flush(), error.rest)
            raise self._failed(error, rows, rest) from error.__cause__

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
        }

    def load(self, state: dict[str, Any]) -> None:
        """Know what `dump` gave; the files have yet to be cut, with `cut` or as they are used."""
        for extent in extents_from_state(state["extents"]):
            self._known.learn(extent, longer=True)
        self._asides.load(state["asides"], state.get("kinds", {}))

    def extents(self) -> list[Extent]:
        """The lengths of everything that is known."""
        return self._known.extents()

    def cut(self, extents: Iterable[Extent], *, accept_damage: bool = False) -> list[Finding]:
        """Cut files to these lengths, and know them from then on.

        In a recovery these are the loaded `extents`, then those met since, in order.  Of several
        of the same files the first counts: what lies between will be written again.  Files of
        which nothing is left begin anew.  Findings have to be followed by a dump that is made
        durable before anything is written: the next recovery would take them for new damage.

        Raises `RefusedError` if a file is shorter than its extent, with no file changed; with
        `accept_damage` its day is cut to whole rows instead.  Raises `StorageError` if the disk
        fails; the same call may be made again.
        """
        assert self._rest is None, "cut in the middle of a flush"
        first: dict[Place, Extent] = {}
        for extent in extents:
            first.setdefault(extent.place, extent)
        cuts = [plan_cut(self._files, each, accept_damage=accept_damage) for each in first.values()]
        for cut in cuts:
            carry_out(self._files, cut)
        for cut in cuts:
            assert cut.extent.length <= first[cut.extent.place].length, "a cut makes nothing longer"
            self._known.learn(cut.extent)
        return [cut.finding for cut in cuts if cut.finding is not None]

    def _failed(self, error: PartlyWritten, rows: int, rest: Rest) -> AppendError:
        """Remember what is left, and say so."""
        self._rest = rest
        return AppendError(error.path, error.reason, rows, rest)

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
