"""A writer and a deriver by themselves, in virtual time, over files that fail on request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import attrs
import numpy as np
import trio
from prometheus_client import CollectorRegistry

from tests.derive.derived import decoded
from tests.derive.story import INSTRUMENTS, received
from tests.fakes.clock import VirtualClock
from tests.fakes.memory_files import MemoryFiles
from tick_logger.budget import ByteBudget
from tick_logger.derive.checkpoints import Kept
from tick_logger.derive.recovery import Recovery
from tick_logger.journal.entry_codec import decode_entries, encode_entries
from tick_logger.journal.journal import Journal
from tick_logger.journal.reader import JournalReader
from tick_logger.model.batch import Batch
from tick_logger.model.entries import Entry, Received, Started
from tick_logger.model.instruments import Instruments
from tick_logger.model.rows import RowBatch
from tick_logger.model.schemas import Schemas
from tick_logger.model.tables import EXACT, SPECS, Table
from tick_logger.model.wanted import WantedTables
from tick_logger.offload import InlineOffload, Offload
from tick_logger.recording.accounts import Accounts
from tick_logger.recording.backlog import Backlog, Chunk, Item
from tick_logger.recording.deriver import Deriver
from tick_logger.recording.readiness import Readiness
from tick_logger.recording.resources import TaskContext
from tick_logger.recording.seals import Seals
from tick_logger.recording.writer import Writer
from tick_logger.telemetry.metrics import Metrics
from tick_logger.telemetry.today import Today

T = TypeVar("T")

AMPLE_BYTES = 10**9
STARTED = Started(7, "1.0", EXACT, 2, Schemas.written(EXACT).to_plain())


class TimedFiles(MemoryFiles):
    """Remembers when files were written and synced, in virtual seconds since its making."""

    def __init__(self) -> None:
        super().__init__()
        self._began = trio.current_time()
        self.log: list[tuple[float, str, str]] = []

    def _mishap(self, operation: str, path: str) -> BaseException | None:
        self.log.append((round(trio.current_time() - self._began, 6), operation, path))
        return super()._mishap(operation, path)

    def times(self, operation: str, ending: str) -> list[float]:
        """When this was done to files whose path ends so."""
        return [at for at, name, path in self.log if name == operation and path.endswith(ending)]


class SlowOffload:
    """Runs work inline after so many virtual seconds, like a disk that is always busy."""

    def __init__(self, secs: float) -> None:
        self.secs = secs

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work()`."""
        await trio.sleep(self.secs)
        return work()

    @property
    def idle(self) -> bool:
        """Always: work that was cancelled has not begun."""
        return True


def batch(
    number: int,
    *,
    payload_bytes: int = 10,
    rows_bytes: int = 0,
    cost: int = 0,
    frames_cost: int = 0,
) -> Batch:
    """One payload that tells its number, and rows of about so many bytes.

    They cost so much of the budget: the rows `cost`, and the payload `frames_cost`.
    """
    payload = (b"%d " % number).ljust(payload_bytes, b".")
    width = sum(np.dtype(dtype).itemsize for dtype in SPECS[Table.MD].all_fields.values())
    count = rows_bytes // width
    columns = {name: np.zeros(count, dtype) for name, dtype in SPECS[Table.MD].all_fields.items()}
    rows = (RowBatch(Table.MD, columns),) if count else ()
    entry = received("venue", [(number, [payload])])
    return Batch(entry, rows, (), frames_cost, rows_bytes=cost)


@attrs.define(eq=False)
class WritingRig:
    """A writer over a new journal; what it hands on piles up in the backlog."""

    files: MemoryFiles
    offload: Offload = attrs.field(factory=InlineOffload)
    seals: Seals = attrs.field(factory=Seals)
    flush_interval_secs: float = 1.0
    sync_interval_secs: float = 0.6
    backlog_bytes: int = AMPLE_BYTES
    metrics: Metrics = attrs.field(factory=lambda: Metrics(CollectorRegistry()))
    budget: ByteBudget = attrs.field(factory=lambda: ByteBudget(AMPLE_BYTES))
    backlog: Backlog = attrs.field(init=False)
    readiness: Readiness = attrs.field(init=False)
    journal: Journal = attrs.field(init=False)
    writer: Writer = attrs.field(init=False)
    send: trio.MemorySendChannel[Batch] = attrs.field(init=False)
    receive: trio.MemoryReceiveChannel[Batch] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.send, self.receive = trio.open_memory_channel[Batch](64)
        self.backlog = Backlog(self.budget, self.backlog_bytes, 1)
        self.readiness = Readiness(self.metrics)
        self.journal = Journal(self.files, next_seq=1, segment=1)
        self.writer = Writer(
            self.journal,
            self.backlog,
            _context(self),
            budget=self.budget,
            flush_interval_secs=self.flush_interval_secs,
            sync_interval_secs=self.sync_interval_secs,
        )

    async def run(self) -> None:
        """Write until the channel ends."""
        await self.writer.run(self.receive, STARTED)

    async def feed(self, batches: Sequence[Batch], *, every_secs: float = 0.0) -> None:
        """Send, as the intakes do, and end."""
        with self.send:
            for each in batches:
                assert self.budget.take(each.frames_bytes)
                self.budget.decoded(each.frames_bytes, each.rows_bytes)
                await self.send.send(each)
                await trio.sleep(every_secs)

    async def write(self, batches: Sequence[Batch], *, every_secs: float = 0.0) -> None:
        """Feed and write to the end."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.run)
            await self.feed(batches, every_secs=every_secs)

    def frames(self) -> list[list[Entry]]:
        """What the journal holds."""
        return [decode_entries(frame.body) for frame in JournalReader(self.files, from_seq=1)]

    def entries(self) -> list[Entry]:
        """All entries of the journal."""
        return [entry for frame in self.frames() for entry in frame]

    async def chunks(self) -> list[Chunk]:
        """Everything that was handed on; the writer has ended."""
        found = []
        while (chunk := await self.backlog.take()) is not None:
            found.append(chunk)
        return found


def _context(rig: WritingRig | DerivingRig) -> TaskContext:
    return TaskContext(
        offload=rig.offload,
        clock=VirtualClock(),
        readiness=rig.readiness,
        metrics=rig.metrics,
        seals=rig.seals,
    )


def numbers(entries: Sequence[Entry]) -> list[int]:
    """The numbers of the payloads received, in order."""
    return [
        int(payload.split()[0])
        for entry in entries
        if isinstance(entry, Received)
        for payload in entry.split()
    ]


@attrs.define(eq=False)
class DerivingRig:
    """A deriver over what earlier runs left; `put` does what a writer does."""

    files: MemoryFiles
    backlog_bytes: int = AMPLE_BYTES
    checkpoint_interval_secs: float = 30.0
    offload: Offload = attrs.field(factory=InlineOffload)
    seals: Seals = attrs.field(factory=Seals)
    metrics: Metrics = attrs.field(factory=lambda: Metrics(CollectorRegistry()))
    budget: ByteBudget = attrs.field(factory=lambda: ByteBudget(AMPLE_BYTES))
    backlog: Backlog = attrs.field(init=False)
    readiness: Readiness = attrs.field(init=False)
    accounts: Accounts = attrs.field(init=False)
    journal: Journal = attrs.field(init=False)
    deriver: Deriver = attrs.field(init=False)
    wanted: dict[str, WantedTables] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        recovery = Recovery(self.files, price_dtype=EXACT)
        found = recovery.run(0)
        instruments = Instruments()
        for exchange, symbols in INSTRUMENTS.items():
            for symbol, number in symbols.items():
                instruments.define(number, exchange, symbol)
        self.accounts = Accounts(instruments, self.metrics, Today(VirtualClock()))
        self.readiness = Readiness(self.metrics)
        self.backlog = Backlog(self.budget, self.backlog_bytes, found.next_seq)
        self.journal = Journal(self.files, next_seq=found.next_seq, segment=found.next_segment)
        self.deriver = Deriver(
            recovery,
            found.derivation,
            self.backlog,
            self.accounts,
            _context(self),
            kept=Kept(secs=1e9, bytes=2**40),
            checkpoint_interval_secs=self.checkpoint_interval_secs,
            on_sync_lost=self.journal.doubt,
        )

    def put(self, frame: Sequence[Entry]) -> None:
        """Write a frame to the journal, and hand it on decoded."""
        first_seq = self.journal.next_seq
        self.journal.accept(encode_entries(frame))
        self.journal.write(1)
        self.journal.sync()
        items = tuple(self._item(entry) for entry in frame)
        self.backlog.put(Chunk(first_seq, self.journal.next_seq, items))

    def _item(self, entry: Entry) -> Item:
        if isinstance(entry, Started):
            self.wanted.clear()
        if not isinstance(entry, Received):
            return entry
        found = decoded(entry, INSTRUMENTS, self.wanted)
        cost = len(entry.payloads)
        assert self.budget.take(cost)
        nothing = attrs.evolve(entry, payloads=b"", lengths=entry.lengths[:0])
        return Batch(nothing, found.rows, found.aside, 0, found.losses, cost)
