"""A recording's lives, one after the other on one disk: recovered, going on, and dying.

A life does what the service does with each frame: it makes it durable in the journal, derives it,
and saves a checkpoint now and then.  It goes on with the frame of the story that the journal lacks,
so whatever happens to the lives before, the last one leaves what the story says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import TypeVar

from tests.derive.derived import NOW_NS
from tests.derive.story import Frames
from tests.fakes.memory_files import MemoryFiles
from tests.fakes.sim_disk import Kind, PowerCut, SimDisk
from tests.journal.journals import path
from tick_logger.derive.checkpoints import Kept, prune_journal
from tick_logger.derive.derivation import Derivation
from tick_logger.derive.recovery import Recovered, Recovery
from tick_logger.derive.replay import Replay
from tick_logger.errors import RefusedError, StorageError
from tick_logger.journal.entry_codec import encode_entries
from tick_logger.journal.journal import Journal
from tick_logger.model.tables import EXACT
from tick_logger.storage.checkpoint import SyncLost
from tick_logger.storage.files import Files

MAX_ATTEMPTS = 5

T = TypeVar("T")

NOTHING = Kept(secs=0.0, bytes=0)
"""Segments go as soon as no recovery needs them."""

EVERYTHING = Kept(secs=1e9, bytes=2**40)


def recovery(
    files: Files,
    *,
    accept_damage: bool = False,
    price_dtype: str | None = EXACT,
) -> Recovery:
    return Recovery(files, price_dtype=price_dtype, accept_damage=accept_damage)


def recover(files: Files, *, accept_damage: bool = False) -> Recovered:
    """As a start does."""
    return recovery(files, accept_damage=accept_damage).run(NOW_NS)


def live(
    files: Files,
    frames: Frames,
    *,
    checkpoints: Iterable[int] = (),
    kept: Kept = EVERYTHING,
    accept_damage: bool = False,
) -> Recovered:
    """One life, to the end of these frames; a checkpoint follows the frames of these numbers.

    What fails is repeated, but for a checkpoint: that is left to the next one, unless what was
    written may be lost; then it is written anew.
    """
    process = recovery(files, accept_damage=accept_damage)
    found = persist(lambda: process.run(NOW_NS))
    derived, chosen = found.derivation, set(checkpoints)
    journal = persist(lambda: Journal(files, next_seq=found.next_seq, segment=found.next_segment))
    for seq in range(found.next_seq, len(frames) + 1):
        journal.accept(encode_entries(frames[seq - 1]))
        persist(lambda: journal.write(NOW_NS))
        persist(journal.sync)
        for entry in frames[seq - 1]:
            derived.apply(entry)
            persist(derived.settle)
        derived.next_seq = seq + 1
        if seq in chosen:
            derived = _checkpoint(process, derived, kept)
    return found


def _checkpoint(process: Recovery, derived: Derivation, kept: Kept) -> Derivation:
    """What goes on from here, whether or not it could be saved."""
    try:
        process.checkpoints.save(derived, NOW_NS)
        needed_seq = process.checkpoints.needed_seq
        prune_journal(process.files, needed_seq=needed_seq, kept=kept, now_ns=NOW_NS)
    except SyncLost:
        again = persist(lambda: process.base(NOW_NS))
        replay = Replay(again, process.files, until_seq=derived.next_seq)
        while persist(replay.run):
            pass
        assert again.next_seq == derived.next_seq
        return again
    except OSError:
        pass
    return derived


def persist(work: Callable[[], T]) -> T:
    """The result of some work, repeated as the service does."""
    for _ in range(MAX_ATTEMPTS):
        try:
            return work()
        except RefusedError:
            raise
        except (OSError, StorageError):
            continue
    raise AssertionError("it never succeeds again")


def die(
    disk: SimDisk, frames: Frames, at: int, *, kind: Kind = "power", **settings: object
) -> bool:
    """A life that ends in its operation number `at`; False if it came to its own end before."""
    disk.power_cut_at(disk.operations + at)
    try:
        live(disk, frames, **settings)  # type: ignore[arg-type]
    except PowerCut:
        disk.crash(Random(at), kind)
        return True
    disk.crash(Random(at), "kill")
    return False


def damage(files: MemoryFiles, segment: int, seq_from_its_end: int = 2) -> None:
    """Change a byte of a segment, well before its end."""
    content = files.contents[path(segment)]
    content[len(content) // seq_from_its_end] ^= 0x40
