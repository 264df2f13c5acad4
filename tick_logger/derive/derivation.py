"""Everything that is derived from the journal: the one way from entries to column files.

    entry -> decode -> pipeline -> flush -> column files, gaps files, payloads kept aside

Live, entries come with their rows already decoded (`receive`); in a replay they are decoded here
(`apply`).  Both ways lead through the same calls, so that the same entries give the same bytes.
No clock, no randomness; the disk is asked only about files that were met before.

Invariant: a flush is written in full before the next entry is taken; `settle` may be called again
after a `StorageError` until it is.

Threads: one at a time.  While it is recorded, the event loop calls `receive`, which reads no file,
and the columns' thread calls all else; each waits for the other, so there is no lock.  That no two
calls overlap is asserted.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

import attrs
import numpy as np

from tick_logger.derive.decoded import Decoder
from tick_logger.derive.recorded_streams import RecordedStreams
from tick_logger.derive.unheard import said_of
from tick_logger.errors import RefusedError, StorageError
from tick_logger.exchanges import registry
from tick_logger.model.cause import Cause
from tick_logger.model.entries import (
    Closed,
    Entry,
    KeptAside,
    Received,
    Sealed,
    Started,
    Ticked,
)
from tick_logger.model.flush import Flush, Run, StreamTail
from tick_logger.model.marks import Interrupted, Mark
from tick_logger.model.proof import Proof
from tick_logger.model.routes import BACKFILL_LABEL
from tick_logger.model.rows import RowBatch
from tick_logger.model.schemas import Schemas
from tick_logger.model.steps import Step, Steps, Unmeasured
from tick_logger.model.tables import Table
from tick_logger.model.times import Times
from tick_logger.pipeline.pipeline import Pipeline, TickCounts
from tick_logger.storage.columns import Repair
from tick_logger.storage.extents import Extent
from tick_logger.storage.extents_log import ExtentsLog
from tick_logger.storage.files import Files
from tick_logger.storage.store import Store

_ANY = ""
"""Stands for entrances with names of their own, of which nothing had come before a loss."""

MAX_WAITING_ASIDES = 1_000
"""Undecodable payloads between two flushes: as many as are kept of a day; the rest is counted."""


@attrs.frozen(eq=False)
class Outcome:
    """What one tick has put on disk, what it noticed, and what was mended on the way."""

    flush: Flush
    counts: TickCounts
    repairs: tuple[Repair, ...] = ()
    inexact: Mapping[str, int] = attrs.field(factory=dict)
    """By exchange, prices of which f4 and rest cannot hold every digit."""
    clock_offsets_ns: Mapping[str, int] = attrs.field(factory=dict)
    """By exchange, how far its times are ahead of their receipt; those that are known."""
    lost: tuple[Run, ...] = ()
    """What was released and could not be written, nor ever will be; it is not in `flush`."""
    unwritable: Mapping[str, str] = attrs.field(factory=dict)
    """What cannot be written now, each with the reason."""


P = ParamSpec("P")
R = TypeVar("R")


def _alone(
    method: Callable[Concatenate[Derivation, P], R],
) -> Callable[Concatenate[Derivation, P], R]:
    """A method during which no other such method of the same object may run."""

    @functools.wraps(method)
    def call(self: Derivation, /, *args: P.args, **kwargs: P.kwargs) -> R:
        assert not self._at_work, "a derivation is used by two at once"
        self._at_work = True
        try:
            return method(self, *args, **kwargs)
        finally:
            self._at_work = False

    return call


class Derivation:
    """The state after all entries before the journal frame `next_seq`."""

    def __init__(self, files: Files, extents_log: ExtentsLog, schemas: Schemas) -> None:
        self._streams = RecordedStreams()
        self.instruments = self._streams.instruments
        self.store = Store(files, self.instruments, schemas, self._proofs_of)
        self._extents_log = extents_log
        self._next_seq = 1  # that of the journal's first frame
        self.begun_seq = 1  # the frame that this state goes back to; later where one was lost
        self._at_work = False  # a call that changes this object has begun
        self.columns: Mapping[str, str] = schemas.to_plain()  # as the last `Started` named them
        self.version = ""  # of the program that recorded what is taken; empty: not known
        self.closed = True  # nothing was received since the last orderly stop
        self.buffer = ""  # what keeps the reads of a process that has not stopped in order
        self.taken: dict[str, int] = {}  # how much of what it has is here, by exchange
        self._pipeline = Pipeline(
            trade_ids=lambda each: registry.ids_of(self._venue_of(each)),
            venue_of=self._venue_of,
            tail_of=self._tail,
            twins_of=lambda each, table: registry.twins_of(self._venue_of(each), table),
        )
        self._stopped_ns: dict[str, int] = {}  # up to when each exchange was received
        self._asides: list[KeptAside] = []
        self._unwritten: Outcome | None = None
        self._to_write: Flush | None = None  # of that, what is not written
        self._unlogged: list[Extent] = []  # met, but not durably so
        self._lost_since: dict[str, int] = {}  # exchanges with a gap in the journal behind them
        self._lossy = False  # entries are missing, perhaps such that say what an instrument is
        self._started_ns = 0
        self.steps: Steps = Unmeasured()  # who wants to measure puts another here
        self.decoder = Decoder(self._streams)
        """Of what is read from the journal; it knows what adapters failed on."""

    @property
    def price_dtype(self) -> str:
        """The width of prices: "f4+rest", "f4" or "f8"."""
        return self.store.schemas.price_dtype

    @property
    def of_this_version(self) -> bool:
        """Whether the last process that recorded wrote the columns that this one would write."""
        return self.columns == Schemas.written(self.price_dtype).to_plain()

    @property
    def next_seq(self) -> int:
        """The first frame of the journal that is not taken; it never goes back."""
        return self._next_seq

    @next_seq.setter
    def next_seq(self, next_seq: int) -> None:
        assert next_seq >= self._next_seq, "frames would be derived twice"
        self._next_seq = next_seq

    @property
    def stopped_ns(self) -> int | None:
        """Receive time up to which anything is known; None before the first."""
        return max(self._stopped_ns.values(), default=None)

    def recorded(self, exchange: str) -> frozenset[str]:
        """The symbols that are recorded, or were when the last process ended."""
        return self._streams.symbols(exchange)

    # -- entries ----------------------------------------------------------------------------------

    def apply(self, entry: Entry) -> None:
        """Take an entry as it stands in the journal; `settle` must follow."""
        match entry:
            case Received():
                self.receive(entry, *self.decoder.decode(entry))
            case Started():
                self.start(entry)
            case Ticked(at_ns):
                self.tick(at_ns)
            case Closed(at_ns, recovered):
                self.close(at_ns, recovered=recovered)
            case Sealed(exchange, day):
                self.seal(exchange, day)

    @_alone
    def receive(
        self,
        received: Received,
        rows: Sequence[RowBatch],
        asides: Sequence[KeptAside],
        losses: Sequence[Mark] = (),
    ) -> None:
        """Take what was received, and what it was decoded to; the payloads are not looked at."""
        self._streams.define(received)
        self.closed = False
        recv_ns, name = _streamed_ns(received), received.exchange
        if received.taken:
            assert received.taken > self.taken.get(name, 0), "a batch is taken twice"
            self.taken[name] = received.taken
        if len(recv_ns):
            self._close_gap(received)
            heard_ns = recv_ns[-1] if received.heard else self._stopped_ns.get(name, recv_ns[0])
            self._stopped_ns[name] = int(heard_ns)
        marks = said_of(received, self._stopped_ns.get(name))
        self._asides += asides[: MAX_WAITING_ASIDES - len(self._asides)]
        named = self._streams.with_names(marks) if self._lossy else marks
        self._pipeline.push([*named, *losses, *rows])

    @_alone
    def start(self, started: Started) -> None:
        """Another process goes on from here, and writes what its version writes."""
        self.store.schemas = Schemas.from_plain(started.price_dtype, started.columns)
        self.columns, self.version = started.columns, started.version
        stopped = {
            number: self._stopped_ns[exchange]
            for number, (exchange, _) in enumerate(self.instruments)
            if exchange in self._stopped_ns
        }
        self._started_ns, self.buffer, self.taken = started.at_ns, started.buffer, {}
        cause = Cause.RESTART if self.closed else Cause.CRASH
        self._pipeline.restarted(stopped, cause, started.book_wait_ticks)
        self._streams.begin_anew()

    @_alone
    def lost(self) -> None:
        """Entries are missing here: what follows closes a gap of every stream."""
        since = dict.fromkeys((*registry.available(), _ANY), self._started_ns)
        self._lost_since = {**since, **self._stopped_ns, **self._lost_since}
        self._lossy = True

    @_alone
    def tick(self, at_ns: int | None) -> None:
        """A flush interval is over, at this time; None where the journal does not say it."""
        with self.steps.during(Step.PIPELINE):
            released = self._pipeline.tick(at_ns)
        self._hold(*released)

    @_alone
    def close(self, at_ns: int, *, recovered: bool = False) -> None:
        """Nothing more was received until `at_ns`, by a process that recorded or recovered."""
        with self.steps.during(Step.PIPELINE):
            released = self._pipeline.close(at_ns, tell_open=recovered)
        self._hold(*released)
        self.closed, self.buffer = True, ""
        if not recovered:
            self._stopped_ns = dict.fromkeys(self._stopped_ns, at_ns)

    @_alone
    def seal(self, exchange: str, day: int) -> None:
        """Nothing is added any more to the main files of this day, and of those before."""
        assert self._unwritten is None, "rows for the day are not written"
        self.store.sealed.seal(exchange, day)

    @_alone
    def settle(self) -> Outcome | None:
        """Write what the last tick released; None if that is done.

        Raises `StorageError` or `OSError`; call it again when there may be a chance.
        """
        outcome = self._unwritten
        if outcome is None:
            return None
        while self._to_write is not None:
            if not self.store.unfinished:
                self._meet(self._to_write)
            with self.steps.during(Step.WRITING):
                if self.store.unfinished:
                    self.store.resume()
                else:
                    self.store.write(self._to_write, self._asides)
            self._asides = []
            # What turned out to have no place is told at once, and not with the next rows.
            self._to_write = Flush() if self.store.untold else None
        self._unwritten = None
        return _settled(outcome, self.store)

    # -- state ------------------------------------------------------------------------------------

    @_alone
    def dump(self) -> dict[str, Any]:
        """The state as plain data; nothing may be unwritten."""
        assert self._unwritten is None, "a checkpoint in the middle of a flush"
        return {
            "price_dtype": self.price_dtype,
            "columns": dict(self.columns),
            "version": self.version,
            "closed": self.closed,
            "left": [self.buffer, dict(self.taken)],
            "begun_seq": self.begun_seq,
            **self._streams.dump(),
            "stopped_ns": dict(self._stopped_ns),
            "lost_since": dict(self._lost_since),
            "asides": [list(attrs.astuple(aside)) for aside in self._asides],
            "pipeline": self._pipeline.dump(),
            "store": self.store.dump(),
        }

    def load(self, state: dict[str, Any], next_seq: int) -> None:
        """Go on from a dumped state, of this version or an earlier one; this object must be new.

        Raises `NewerVersionError` where it names what is not known here.
        """
        assert self._next_seq == 1, "it has taken entries already"
        self.next_seq = next_seq
        self.columns, self.version = state.get("columns", {}), state.get("version", "")
        self.store.schemas = Schemas.from_plain(state["price_dtype"], self.columns)
        self.closed = state["closed"]
        self.buffer, self.taken = state.get("left", ("", {}))
        self.begun_seq = state.get("begun_seq", 1)
        self._streams.load(state)
        self._stopped_ns = dict(state["stopped_ns"])
        self._lost_since = dict(state["lost_since"])
        self._asides = [KeptAside(*fields) for fields in state["asides"]]
        self._pipeline.load(state["pipeline"])
        self.store.load(state["store"])

    # -- parts ------------------------------------------------------------------------------------

    def _close_gap(self, received: Received) -> None:
        """Note that nothing is known between a loss of entries and this."""
        name = received.exchange
        lost_ns = self._lost_since.pop(name, None)
        if lost_ns is None and name not in self._stopped_ns and name not in registry.available():
            lost_ns = self._lost_since.get(_ANY)
        if lost_ns is not None:
            # Without an end: the entries that are lost may have said that they were interrupted.
            self._pipeline.push(
                [
                    Interrupted(each, (table,), lost_ns, Cause.DAMAGE)
                    for each, table in self._streams.by_table(received.exchange)
                ]
            )

    def _hold(self, flush: Flush, counts: TickCounts) -> None:
        assert self._unwritten is None, "the flush before is not written"
        offsets_ns = self._pipeline.clock_offsets_ns
        flush = self.store.sealed.late(flush)
        self._unwritten = Outcome(flush, counts, clock_offsets_ns=offsets_ns)
        self._to_write = flush

    def _meet(self, flush: Flush) -> None:
        """Make durable how long the files were that this flush is the first to touch."""
        with self.steps.during(Step.OPENING):
            self._unlogged += self.store.meet(flush, self._asides)
        if self._unlogged:
            with self.steps.during(Step.SYNCING):
                self._extents_log.add(self._unlogged)
            self._unlogged = []

    def _tail(self, instrument: int, table: Table) -> StreamTail | None:
        """What is on disk of a stream; raises `RefusedError` if it cannot be read."""
        try:
            return self.store.tail(instrument, table)
        except StorageError as error:
            # The pipeline is in the middle of a tick, which would lose rows if it were repeated.
            raise RefusedError(str(error)) from error

    def _proofs_of(self, instrument: int) -> Mapping[Table, Proof]:
        """How far the completeness of an instrument's tables can be shown."""
        shown = registry.proofs_of(self._venue_of(instrument))
        return {**shown, **dict.fromkeys(self._streams.unproven(instrument), Proof.UNPROVABLE)}

    def _venue_of(self, instrument: int) -> str:
        exchange, _ = self.instruments.name(instrument)
        return exchange


def _settled(outcome: Outcome, store: Store) -> Outcome:
    """What has become of a flush: what is on disk of it, what is not, and what was mended."""
    lost, flush = store.take_lost(), outcome.flush
    if lost:
        left_out = {id(run) for run in lost}
        runs = tuple(run for run in flush.runs if id(run) not in left_out)
        flush = attrs.evolve(flush, runs=runs)
    return attrs.evolve(
        outcome,
        flush=flush,
        repairs=tuple(store.take_repairs()),
        inexact=store.take_inexact(),
        lost=tuple(lost),
        unwritable=dict(store.unwritable),
    )


def _streamed_ns(received: Received) -> Times:
    """When something came on the streams: an answer by REST does not say that they live."""
    if BACKFILL_LABEL not in received.connections:
        return received.recv_ns
    streamed = np.array([label != BACKFILL_LABEL for label in received.connections])
    recv_ns: Times = received.recv_ns[streamed]
    return recv_ns
