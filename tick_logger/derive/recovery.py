"""The way back to a state that holds: the last checkpoint, and the journal from there on.

    lock -> newest checkpoint -> files cut to what they held then -> journal replayed -> checkpoint

Also the way forward: saving checkpoints, and removing what none of them needs any more.  Nothing
is cut or removed before what replaces it is known to be durable.  A torn end of the journal is
what every crash leaves and is passed over; damage before that is refused, unless its loss is
accepted, and a copy of the damaged segment is kept.  Blocking; used by one thread at a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import attrs

from tick_logger import __version__
from tick_logger.derive.derivation import Derivation, Outcome
from tick_logger.derive.replay import Replay
from tick_logger.errors import ConfigError, StorageError
from tick_logger.journal.entry_codec import decode_entries, encode_entries
from tick_logger.journal.journal import Journal
from tick_logger.journal.pruning import removable
from tick_logger.journal.reader import (
    Damage,
    JournalReader,
    check_segments,
    keep_copy,
    segments,
)
from tick_logger.journal.segment import SegmentInfo
from tick_logger.model.entries import Started, Ticked
from tick_logger.storage.checkpoint import Checkpoint, CheckpointSlots
from tick_logger.storage.extents import RefusedError
from tick_logger.storage.extents_log import ExtentsLog
from tick_logger.storage.files import Files
from tick_logger.storage.journal_layout import (
    CHECKPOINT_PATHS,
    JOURNAL_FOLDER,
    LOCK_PATH,
    segment_path,
)

FIRST_SEQ = 1
"""Number of the first frame of every journal."""

DEFAULT_PRICE_DTYPE = "f4"

EXTENTS_EPOCH = "extents_epoch"
"""In the state of a checkpoint: what was met later is in the log of extents from there on."""

OnProgress: TypeAlias = Callable[[int, float], None]
"""Hears of messages replayed so far, and of their share of the journal (0 to 1)."""

ACCEPT = "start with --accept-damage to go on without what is lost"


@attrs.frozen(kw_only=True)
class Kept:
    """How much of the journal is kept after it has served recovery."""

    secs: float
    bytes: int


@attrs.frozen(kw_only=True)
class Recovered:
    """What a start found: `first` says that nothing was recorded here before.

    `rows` and `messages` were in the journal behind the last checkpoint, `torn_bytes` at its end
    are no whole frame, `findings` are losses in words.
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


class Recovery:
    """The checkpoints and the journal of one recording.

    `price_dtype` is what prices are to be recorded as; None: as they are already.
    """

    def __init__(
        self, files: Files, *, price_dtype: str | None, kept: Kept, accept_damage: bool = False
    ) -> None:
        self.files = files
        self._price_dtype = price_dtype
        self._kept = kept
        self._accept_damage = accept_damage
        self._slots = CheckpointSlots(files)
        self._extents_log = ExtentsLog(files)
        self._epochs: list[int] = []  # of the extents behind the valid checkpoints
        self._findings: list[str] = []

    def base(self, now_ns: int) -> Derivation:
        """The state of the newest checkpoint, with the files cut to what they held then."""
        return self._base(self._slots.both(), now_ns)

    def run(
        self, now_ns: int, on_progress: OnProgress = lambda _messages, _share: None
    ) -> Recovered:
        """Bring everything to the end of the journal; `on_progress` hears how far it is.

        Raises `StorageError` and `OSError`; running it again, in whatever process, is always safe.
        """
        self._findings = []
        known, checkpoints = segments(self.files), self._slots.both()
        problems = list(self._slots.problems)
        if not checkpoints and self._has_lost_its_checkpoints(known):
            return self._begin_anew(now_ns)
        frames = self._judge_journal(checkpoints[-1].next_seq if checkpoints else FIRST_SEQ)
        derivation = self._base(checkpoints, now_ns)
        rows = 0

        def count(outcome: Outcome) -> None:
            nonlocal rows
            rows += sum(len(run.rows) for run in outcome.flush.runs)

        replay = Replay(derivation, self.files, skip_damage=self._accept_damage, on_outcome=count)
        while replay.run():
            on_progress(replay.messages, replay.frames / frames)
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
        )

    def take_findings(self) -> tuple[str, ...]:
        """What was found on the way back since the last call, in words."""
        findings, self._findings = self._findings, []
        return tuple(findings)

    def _base(self, checkpoints: Sequence[Checkpoint], now_ns: int) -> Derivation:
        checkpoint = checkpoints[-1] if checkpoints else None
        self._epochs = [each.state[EXTENTS_EPOCH] for each in checkpoints]
        price_dtype = self._width(recorded_price_dtype(self.files, checkpoint))
        derivation = Derivation(self.files, self._extents_log, price_dtype)
        epoch = self._epochs[-1] if self._epochs else 0
        if checkpoint is not None:
            derivation.load(checkpoint.state, checkpoint.next_seq)
        met_later = self._extents_log.read(epoch)
        found = derivation.store.cut(
            [*derivation.store.extents(), *met_later], accept_damage=self._accept_damage
        )
        self._extents_log.resume(epoch)
        if met_later:
            # Once more: the process before may have died before it had synced what can be read.
            self._extents_log.add(met_later)
        if found:
            # Durable before anything is written: the next start would take it for new damage.
            self._findings += map(str, found)
            self.checkpoint(derivation, now_ns)
        return derivation

    def _has_lost_its_checkpoints(self, known: Sequence[SegmentInfo]) -> bool:
        """Whether two were saved, now that there is none: the journal alone is not enough then.

        As long as there was one at most, everything is there to begin from the first frame; a
        single slot that is not valid is what a crash leaves of the very first save.
        """
        problems = len(self._slots.problems)
        first_seqs = [each.first_seq for each in known[:1]]
        begins_later = any(seq is not None and seq > FIRST_SEQ for seq in first_seqs)
        deleted = not problems and self._extents_log.newest_epoch > 1
        return problems == len(CHECKPOINT_PATHS) or begins_later or deleted

    def _begin_anew(self, now_ns: int) -> Recovered:
        """Go on behind a journal that cannot be continued, from what the files hold."""
        reason = "; ".join(self._slots.problems) or "the checkpoints are gone"
        if not self._accept_damage:
            what = "what only the journal has would not get into the column files"
            raise RefusedError(f"no checkpoint to continue from ({reason}); {what}; {ACCEPT}")
        journal = check_segments(self.files)
        self._findings += [reason, *journal.problems]
        derivation = Derivation(self.files, self._extents_log, self._width(None))
        derivation.next_seq = max(journal.next_seq, FIRST_SEQ)
        self._epochs = []  # what the extents say belongs to what is lost
        self.checkpoint(derivation, now_ns)
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

    def checkpoint(self, derivation: Derivation, now_ns: int) -> None:
        """Save the state, then remove what only older ones needed.

        Raises `SyncLost` if what was written may be lost, other `OSError` if only the checkpoint
        could not be saved.
        """
        state = derivation.dump()
        state[EXTENTS_EPOCH] = epoch = self._extents_log.begin()
        self._slots.save(derivation.next_seq, now_ns, state)
        self._epochs = [*self._epochs[-1:], epoch]
        if len(self._epochs) == len(CHECKPOINT_PATHS):
            self._extents_log.forget(before_epoch=self._epochs[0])
        unneeded = removable(
            segments(self.files),
            needed_seq=self._slots.needed_seq,
            keep_secs=self._kept.secs,
            keep_bytes=self._kept.bytes,
            now_ns=now_ns,
        )
        for number in unneeded:
            self.files.remove(segment_path(number))
        if unneeded:
            # One that came back after a power cut, without its successors, would look like damage.
            self.files.sync_folder(JOURNAL_FOLDER)

    def _width(self, recorded: str | None) -> str:
        """The width of prices to go on with."""
        wanted = self._price_dtype or recorded or DEFAULT_PRICE_DTYPE
        if recorded not in (None, wanted):
            why = f'prices here are recorded as "{recorded}"; keep that, or use another directory'
            raise ConfigError([("logger.price_dtype", why)])
        return wanted

    def _judge_journal(self, from_seq: int) -> int:
        """Read what will be replayed, before any file is cut: what is there may be all there is.

        Returns how many frames that are.
        """
        reader = JournalReader(self.files, from_seq=from_seq, skip_damage=self._accept_damage)
        frames = sum(1 for _ in reader)
        for damage in reader.damages:
            self._judge(damage)
        return frames

    def _judge(self, damage: Damage) -> None:
        """Refuse to pass over frames that were durable once, unless that is accepted."""
        copy = keep_copy(self.files, damage.segment)
        if not self._accept_damage:
            raise RefusedError(f"{damage}; a copy is in {copy}; {ACCEPT}")
        self._findings.append(f"{damage}; passed over, a copy is in {copy}")


def recorded_price_dtype(files: Files, checkpoint: Checkpoint | None) -> str | None:
    """What prices are recorded as according to the checkpoint, or else the journal's beginning."""
    if checkpoint is not None:
        return str(checkpoint.state["price_dtype"])
    for frame in JournalReader(files, from_seq=FIRST_SEQ, until_seq=FIRST_SEQ + 1):
        for entry in decode_entries(frame.body):
            if isinstance(entry, Started):
                return entry.price_dtype
    return None


def recover_directory(
    files: Files,
    name: str,
    now_ns: int,
    *,
    accept_damage: bool,
    on_progress: OnProgress,
) -> Recovered:
    """Take the directory of this name, recover it, save that, and let go of it.

    Raises `ConfigError` if somebody records there, and `StorageError`.
    """
    nothing_goes = Kept(secs=math.inf, bytes=2**63)
    recovery = Recovery(files, price_dtype=None, kept=nothing_goes, accept_damage=accept_damage)
    try:
        take_directory(files, name)
        found = recovery.run(now_ns, on_progress)
        if not found.derivation.closed:
            found = _release(files, found, now_ns)
        recovery.checkpoint(found.derivation, now_ns)
    except OSError as error:
        raise StorageError(f"recovery failed, and may be tried again: {error}") from error
    finally:
        files.close()
    return found


def _release(files: Files, found: Recovered, now_ns: int) -> Recovered:
    """Let go of the rows that still waited for others: as a process that starts, and stops."""
    derivation, rows = found.derivation, found.rows
    started = Started(now_ns, __version__, derivation.price_dtype, book_wait_ticks=1)
    entries = (started, Ticked())
    journal = Journal(files, next_seq=found.next_seq, segment=found.next_segment)
    journal.accept(encode_entries(entries))
    journal.write(now_ns)
    journal.sync()
    for entry in entries:
        derivation.apply(entry)
        outcome = derivation.settle()
        rows += sum(len(run.rows) for run in outcome.flush.runs) if outcome else 0
    derivation.next_seq = journal.next_seq
    return attrs.evolve(found, rows=rows)


def take_directory(files: Files, name: str) -> None:
    """Lock the directory of this name until the files are closed.

    Raises `ConfigError` if another process has it, `OSError` if nothing can be written there.
    """
    files.prepare()
    try:
        files.lock(LOCK_PATH)
    except BlockingIOError as error:
        why = f"another process records into {name}: its number is {_holder(files)}"
        raise ConfigError([("logger.data_path", why)]) from error


def _holder(files: Files) -> str:
    """The process that holds the lock, as far as it has said so."""
    try:
        return files.read(LOCK_PATH).decode("ascii", "replace").strip() or "unknown"
    except OSError:
        return "unknown"
