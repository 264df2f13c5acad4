"""Brings a directory up to date: its files hold then what the whole journal gives.

    newest checkpoint -> files cut to what they held then -> journal replayed

No file is cut before all that will be replayed has been read once, so that nothing is touched that
a newer version made.  A torn end of the journal is
what every crash leaves, and is passed over; damage before that is refused, unless its loss is
accepted, and a copy of the damaged segment is kept.

Blocking; used by one thread at a time.  Not here: who may use the directory (`directory`), and what
goes on while it is recorded (`checkpoints`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import attrs

from tick_logger.derive.checkpoints import EXTENTS_EPOCH, Checkpoints
from tick_logger.derive.derivation import Derivation, Outcome
from tick_logger.derive.directory import (
    FIRST_SEQ,
    describe_directory,
    price_dtype_to_use,
    recorded_price_dtype,
    take_directory,
)
from tick_logger.derive.left_reads import take_left_reads
from tick_logger.derive.replay import Replay, entries_of
from tick_logger.errors import MADE_BY_NEWER, RefusedError, StorageError, words_of
from tick_logger.journal.entry_codec import encode_entries
from tick_logger.journal.journal import Journal
from tick_logger.journal.reader import (
    Damage,
    JournalReader,
    check_segments,
    keep_copy,
    segments,
)
from tick_logger.journal.segment import SegmentInfo
from tick_logger.model.entries import Closed, Started
from tick_logger.model.schemas import NewerVersionError, Schemas
from tick_logger.storage.checkpoint import Checkpoint
from tick_logger.storage.cutting import IsReleased, Released, nothing_released
from tick_logger.storage.files import Files
from tick_logger.storage.format_file import READ
from tick_logger.storage.journal_layout import CHECKPOINT_PATHS, JOURNAL_FOLDER, segment_path
from tick_logger.storage.shared_memory import Memory, NoMemory
from tick_logger.version import __version__

OnProgress: TypeAlias = Callable[[int, float], None]
"""Hears of messages replayed so far, and of their share of the journal (0 to 1)."""

ACCEPT = "start with --accept-damage to go on without what is lost"


MAX_NAMED = 5
"""Of the places that cannot be written, in a finding."""


@attrs.frozen(kw_only=True)
class Recovered:
    """What a start found: `first` says that nothing was recorded here before.

    `rows` and `messages` were in the journal behind the last checkpoint, `torn_bytes` at its end
    are no whole frame, `findings` are losses in words.  `released` are the days, by exchange and
    counted since 1970-01-01, whose main files are gone because an archive has them.
    `left_messages` of the messages were read, and not in the journal, when a process died.
    """

    derivation: Derivation
    next_seq: int
    next_segment: int
    first: bool
    frames: int
    messages: int
    rows: int
    torn_bytes: int
    findings: tuple[str, ...]
    released: tuple[tuple[str, int], ...] = ()
    left_messages: int = 0


class Recovery:
    """The way back to a state that holds, of one recording.

    `price_dtype` is what prices are to be recorded as from now on; None: nothing will be recorded.
    `is_released` is asked of files that are gone; what it raises ends the recovery.
    """

    def __init__(
        self,
        files: Files,
        *,
        price_dtype: str | None,
        accept_damage: bool = False,
        is_released: IsReleased = nothing_released,
    ) -> None:
        self.files = files
        self.checkpoints = Checkpoints(files)
        self._price_dtype = price_dtype
        self._accept_damage = accept_damage
        self._is_released = is_released
        self._released: set[tuple[str, int]] = set()
        self._findings: list[str] = []
        self._recorded: str | None = None  # the width of prices until now

    def base(self, now_ns: int) -> Derivation:
        """The state of the newest checkpoint, with the files cut to what they held then."""
        with _refusing_newer():
            return self._base(self.checkpoints.read(), now_ns)

    def run(
        self, now_ns: int, on_progress: OnProgress = lambda _messages, _share: None
    ) -> Recovered:
        """Bring everything to the end of the journal; `on_progress` hears how far it is.

        Raises `StorageError` and `OSError`; running it again, in whatever process, is always safe.
        Raises `ConfigError` if prices are recorded with another width.
        """
        with _refusing_newer():
            return self._run(now_ns, on_progress)

    def prepare(self, derivation: Derivation, now_ns: int, receive_times: str = READ) -> None:
        """Let the directory say what will be in it, before anything new is in it.

        `receive_times` is what they will be (`storage.format_file`).  Raises `OSError`; it may be
        called again.
        """
        assert self._price_dtype is not None, "nothing will be recorded"
        self._make_journal_durable()
        if not derivation.of_this_version:
            # An earlier version refuses this checkpoint, and so never meets what it cannot read.
            self.checkpoints.save(derivation, now_ns)
        describe_directory(self.files, self._recorded, self._price_dtype, receive_times, now_ns)

    def _make_journal_durable(self) -> None:
        """What was read: the process before may have died before it had, and more follows now."""
        paths = [segment_path(each.number) for each in segments(self.files)]
        for path in paths[-1:]:
            self.files.sync_file(path)
        if paths:
            self.files.sync_folder(JOURNAL_FOLDER)

    def _run(self, now_ns: int, on_progress: OnProgress) -> Recovered:
        self._findings = []
        known, checkpoints = segments(self.files), self.checkpoints.read()
        problems = list(self.checkpoints.problems)
        if not checkpoints and self._has_lost_its_checkpoints(known):
            return self._begin_anew(now_ns)
        frames = self._judge_journal(checkpoints[-1].next_seq if checkpoints else FIRST_SEQ)
        derivation = self._base(checkpoints, now_ns)
        rows = lost = 0

        def count(outcome: Outcome) -> None:
            nonlocal rows, lost
            rows += sum(len(run.rows) for run in outcome.flush.runs)
            lost += sum(len(run.rows) for run in outcome.lost)

        replay = Replay(derivation, self.files, skip_damage=self._accept_damage, on_outcome=count)
        while replay.run():
            on_progress(replay.messages, replay.frames / frames)
        if lost:
            self._findings.append(_unwritten(derivation, lost))
        if replay.frames:
            # The last process may have begun with another width than what was looked at told.
            self._recorded = derivation.price_dtype
            price_dtype_to_use(self._price_dtype, self._recorded)
        return Recovered(
            derivation=derivation,
            next_seq=derivation.next_seq,
            next_segment=replay.reader.last_segment + 1,
            first=not known and not checkpoints,
            frames=replay.frames,
            messages=replay.messages,
            rows=rows,
            torn_bytes=replay.reader.torn_bytes,
            findings=(*problems, *self.take_findings()),
            released=tuple(sorted(self._released)),
        )

    def take_findings(self) -> tuple[str, ...]:
        """What was found on the way back since the last call, in words."""
        findings, self._findings = self._findings, []
        return tuple(findings)

    def _base(self, checkpoints: Sequence[Checkpoint], now_ns: int) -> Derivation:
        checkpoint = checkpoints[-1] if checkpoints else None
        extents_log = self.checkpoints.extents_log
        derivation = Derivation(self.files, extents_log, self._schemas(checkpoint))
        epoch = 0
        if checkpoint is not None:
            epoch = checkpoint.state[EXTENTS_EPOCH]
            derivation.load(checkpoint.state, checkpoint.next_seq)
        met_later = extents_log.read(epoch)
        found = derivation.store.cut(
            [*derivation.store.extents(), *met_later],
            accept_damage=self._accept_damage,
            is_released=self._is_released,
        )
        extents_log.resume(epoch)
        if met_later:
            # Once more: the process before may have died before it had synced what can be read.
            extents_log.add(met_later)
        if found:
            # Durable before anything is written: the next start would take it for new damage.
            gone = [each for each in found if isinstance(each, Released)]
            self._released |= {(each.exchange, each.expected.day) for each in gone}
            self._findings += [str(each) for each in found if not isinstance(each, Released)]
            self.checkpoints.save(derivation, now_ns)
        return derivation

    def _schemas(self, checkpoint: Checkpoint | None) -> Schemas:
        """What holds for entries before which no `Started` is left: as it was recorded so far."""
        self._recorded = recorded_price_dtype(self.files, checkpoint)
        to_use = price_dtype_to_use(self._price_dtype, self._recorded)
        return Schemas.written(self._recorded or to_use)

    def _has_lost_its_checkpoints(self, known: Sequence[SegmentInfo]) -> bool:
        """Whether two were saved, now that there is none: the journal alone is not enough then.

        As long as there was one at most, everything is there to begin from the first frame; a
        single slot that is not valid is what a crash leaves of the very first save.
        """
        problems = len(self.checkpoints.problems)
        first_seqs = [each.first_seq for each in known[:1]]
        begins_later = any(seq is not None and seq > FIRST_SEQ for seq in first_seqs)
        deleted = not problems and self.checkpoints.extents_log.newest_epoch > 1
        return problems == len(CHECKPOINT_PATHS) or begins_later or deleted

    def _begin_anew(self, now_ns: int) -> Recovered:
        """Go on behind a journal that cannot be continued, from what the files hold."""
        reason = "; ".join(self.checkpoints.problems) or "the checkpoints are gone"
        if not self._accept_damage:
            what = "what only the journal has would not get into the column files"
            raise RefusedError(f"no checkpoint to continue from ({reason}); {what}; {ACCEPT}")
        journal = check_segments(self.files)
        self._findings += [reason, *journal.problems]
        # The extents that are on record go with the checkpoints that are lost: nothing is cut.
        derivation = Derivation(self.files, self.checkpoints.extents_log, self._schemas(None))
        derivation.next_seq = derivation.begun_seq = max(journal.next_seq, FIRST_SEQ)
        self.checkpoints.save(derivation, now_ns)
        return Recovered(
            derivation=derivation,
            next_seq=derivation.next_seq,
            next_segment=max((each.number for each in segments(self.files)), default=0) + 1,
            first=False,
            frames=0,
            messages=0,
            rows=0,
            torn_bytes=journal.torn_bytes,
            findings=self.take_findings(),
        )

    def _judge_journal(self, from_seq: int) -> int:
        """Read all frames that will be replayed, before any file is cut.

        If they are damaged, the rows in the files may be all that is left of them.  Returns how
        many frames there are.
        """
        reader = JournalReader(self.files, from_seq=from_seq, skip_damage=self._accept_damage)
        frames = 0
        for frame in reader:
            entries_of(frame)  # refused here, where a newer version wrote it
            frames += 1
        for damage in reader.damages:
            self._judge(damage)
        return frames

    def _judge(self, damage: Damage) -> None:
        """Refuse to pass over frames that were durable once, unless that is accepted."""
        copy = keep_copy(self.files, damage.segment)
        if not self._accept_damage:
            raise RefusedError(f"{damage}; a copy is in {copy}; {ACCEPT}")
        self._findings.append(f"{damage}; passed over, a copy is in {copy}")


@contextlib.contextmanager
def _refusing_newer() -> Iterator[None]:
    """Say in words that a newer version is needed."""
    try:
        yield
    except NewerVersionError as error:
        raise RefusedError(f"{MADE_BY_NEWER}: {error}") from error


def recover_directory(
    files: Files,
    name: str,
    now_ns: int,
    *,
    accept_damage: bool,
    on_progress: OnProgress,
    is_released: IsReleased = nothing_released,
    memory: Memory | None = None,
) -> Recovered:
    """Take the directory of this name, recover it, save that, and let go of it.

    `is_released`: see `Recovery`; `memory` may have what was read last.  Raises `ConfigError` if
    somebody records there, and `StorageError`.
    """
    recovery = Recovery(
        files, price_dtype=None, accept_damage=accept_damage, is_released=is_released
    )
    try:
        take_directory(files, name)
        found = recovery.run(now_ns, on_progress)
        found = with_left_reads(files, found, memory or NoMemory(), now_ns)
        if not found.derivation.closed:
            found = _release(files, found, now_ns)
        recovery.checkpoints.save(found.derivation, now_ns)
    except OSError as error:
        raise StorageError(f"recovery failed, and may be tried again: {words_of(error)}") from error
    finally:
        files.close()
    return found


def with_left_reads(files: Files, found: Recovered, memory: Memory, now_ns: int) -> Recovered:
    """And what the last process had read when it died; see `take_left_reads`."""
    derivation = found.derivation
    messages, troubles = take_left_reads(files, derivation, found.next_segment, memory, now_ns)
    if derivation.next_seq == found.next_seq:
        return attrs.evolve(found, findings=(*found.findings, *troubles))
    return attrs.evolve(
        found,
        next_seq=derivation.next_seq,
        next_segment=max(each.number for each in segments(files)) + 1,
        frames=found.frames + derivation.next_seq - found.next_seq,
        messages=found.messages + messages,
        left_messages=messages,
    )


def _unwritten(derivation: Derivation, rows: int) -> str:
    """That so many rows were left out, and where."""
    places = ", ".join(sorted(derivation.store.unwritable)[:MAX_NAMED])
    return f"{rows:,} rows have no place that can be written: {places}"


def _release(files: Files, found: Recovered, now_ns: int) -> Recovered:
    """Let go of the rows that still waited for others: as a process that starts, and stops.

    The hole that the crash has left is open: the next process that records closes it.
    """
    derivation, rows, lost = found.derivation, found.rows, 0
    started = Started(
        now_ns, __version__, derivation.price_dtype, book_wait_ticks=1, columns=derivation.columns
    )
    entries = (started, Closed(max(now_ns, derivation.stopped_ns or 0), recovered=True))
    journal = Journal(files, next_seq=found.next_seq, segment=found.next_segment)
    journal.accept(encode_entries(entries))
    journal.write(now_ns)
    journal.sync()
    for entry in entries:
        derivation.apply(entry)
        outcome = derivation.settle()
        rows += sum(len(run.rows) for run in outcome.flush.runs) if outcome else 0
        lost += sum(len(run.rows) for run in outcome.lost) if outcome else 0
    derivation.next_seq = journal.next_seq
    more = (_unwritten(derivation, lost),) if lost else ()
    return attrs.evolve(found, rows=rows, findings=(*found.findings, *more))
