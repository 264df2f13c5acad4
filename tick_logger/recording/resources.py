"""What a recording uses: the disk, and what it shares with the rest of the process.

Values only; nothing here runs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import attrs

from tick_logger.budget import ByteBudget
from tick_logger.clock import SteadyClock, WallClock
from tick_logger.journal.kept_reads import KeptReads
from tick_logger.model.instruments import Instruments
from tick_logger.offload import Offload, ThreadOffload
from tick_logger.recording.accounts import HolesListener
from tick_logger.recording.left_holes import Asked
from tick_logger.recording.legacy_links import LinkKeeper
from tick_logger.recording.pair_names import PairNames
from tick_logger.recording.readiness import Readiness
from tick_logger.recording.seals import Seals
from tick_logger.recording.venue_times import VenueTimes
from tick_logger.storage.cutting import IsReleased, nothing_released
from tick_logger.storage.disk_files import DiskFiles, most_open
from tick_logger.storage.files import Files
from tick_logger.storage.format_file import READ
from tick_logger.storage.shared_memory import Memory, NoMemory, SharedMemory
from tick_logger.telemetry.metrics import Metrics
from tick_logger.telemetry.today import Today

MAX_OPEN_JOURNAL_FILES = 4
"""Little more than the segment in use: one that is removed must not be kept by being open."""


@attrs.frozen(kw_only=True)
class Disk:
    """What a recording writes through: files and a thread for each of its two tasks.

    And for what is remembered of rates, which nobody waits for.
    """

    journal_files: Files
    column_files: Files
    quality_files: Files
    """Written to in the columns' thread; apart from these, so that no trouble there is theirs."""
    rates_files: Files
    journal_offload: Offload
    column_offload: Offload
    rates_offload: Offload
    memory: Memory = attrs.field(factory=NoMemory)
    kept: KeptReads = attrs.field(factory=KeptReads)
    """What was read and is not in the journal, in that memory once the recording is open."""

    @classmethod
    def at(
        cls,
        data_path: str,
        files: Files | None,
        offload: Offload | None,
        others: int = 0,
        *,
        memory: Memory | None = None,
    ) -> Disk:
        """The directory of this path; files or threads that are given serve both tasks.

        So many descriptors are left to `others`.  Beside files that are given there is no memory
        that outlives the process, unless it is given as well.
        """
        return cls(
            journal_files=files or DiskFiles(data_path, max_open=MAX_OPEN_JOURNAL_FILES),
            column_files=files or DiskFiles(data_path, max_open=most_open(others)),
            quality_files=files or DiskFiles(data_path, max_open=1),
            rates_files=files or DiskFiles(data_path, max_open=1),
            journal_offload=offload or ThreadOffload(),
            column_offload=offload or ThreadOffload(),
            rates_offload=offload or ThreadOffload(),
            memory=memory or (NoMemory() if files else SharedMemory()),
        )

    def close(self) -> None:
        """Give back the files and the directory; everything has ended, or was given up.

        Files that a thread still writes to are left to the end of the process: their descriptors
        must not become those of something else.
        """
        if self.column_offload.idle:
            self.column_files.close()
            self.quality_files.close()
        if self.rates_offload.idle:
            self.rates_files.close()
        # With these goes the lock, under which the columns' thread may still be at work.
        if self.column_offload.idle and self.journal_offload.idle:
            self.journal_files.close()
        if self.kept.name and self.kept.is_empty:
            with contextlib.suppress(OSError):  # the next start lets go of it
                self.memory.remove(self.kept.name)


@attrs.define
class Found:
    """What the start has found out: about the directory, known once it is recovered, and before."""

    recorded: dict[str, frozenset[str]] = attrs.field(factory=dict)
    """By exchange the symbols that the process before recorded to its end."""
    folds_case: bool = False
    """Whether the disk tells no large letters from small."""
    receive_times: str = READ
    """What they will be, in a word of `format.json`."""


@attrs.frozen(kw_only=True)
class Resources:
    """What a recording is given, and shares with the rest of the process."""

    disk: Disk
    clock: SteadyClock
    instruments: Instruments
    budget: ByteBudget
    metrics: Metrics
    readiness: Readiness
    today: Today
    links: LinkKeeper | None = None
    grant: Callable[[], None] | None = None
    """Gives files to those who may read them, where that is wanted; in a thread."""
    pairs: PairNames = attrs.field(factory=PairNames)
    seals: Seals = attrs.field(factory=Seals)
    found: Found = attrs.field(factory=Found)
    times: VenueTimes = attrs.field(
        default=attrs.Factory(lambda self: VenueTimes(self.clock.machine.monotonic_ns), True)
    )
    on_holes: HolesListener = attrs.field(default=lambda _records, _suspects: None)
    """Who asks for what is missing."""
    asked: Asked = attrs.field(default=lambda _exchange: ())
    """The holes that they ask about."""
    is_released: IsReleased = nothing_released
    """Whether an archive has a day whose files are gone."""


@attrs.frozen(kw_only=True)
class TaskContext:
    """What each of the two tasks uses: a thread of its own, and whom to tell how it goes."""

    offload: Offload
    clock: WallClock
    readiness: Readiness
    metrics: Metrics
    seals: Seals = attrs.field(factory=Seals)
