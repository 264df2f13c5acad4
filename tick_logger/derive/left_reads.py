"""Puts into the journal what a process had read when it died, and what was not in the journal yet.

    journal to its end -> what it has of each exchange -> what the buffer has beyond that -> journal

As ordinary entries, which are derived like all others.  The buffer goes when they are durable, so
that whatever happens in between, the next start takes exactly what is lacking then.

Blocking.  Not here: what the journal lacks (`journal.read_buffer`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tick_logger.derive.derivation import Derivation
from tick_logger.journal.entry_codec import encode_entries
from tick_logger.journal.journal import Journal
from tick_logger.journal.read_buffer import FORMAT, GOOD_OFFSET, head_of, lacking
from tick_logger.storage.files import Files
from tick_logger.storage.shared_memory import Memory, SharedMemory

NOT_KNOWN = "what was read last is not recovered: its form is not known here, as of a newer version"


def take_left_reads(
    files: Files, derivation: Derivation, next_segment: int, memory: Memory, now_ns: int
) -> tuple[int, Sequence[str]]:
    """Bring a derivation, which is at the end of the journal, to the end of what was read.

    The entries go into the new segment of this number, or a later one.  Returns how many messages
    were lacking, and in words what could not be read.  Raises `OSError` and `StorageError`; a
    recovery must come before another attempt.
    """
    name = derivation.buffer
    if not name:
        return 0, ()
    content = memory.left(name)
    if content is not None and head_of(content).get("format") != FORMAT:
        return 0, (NOT_KNOWN,)
    entries = [] if content is None else lacking(content, name, derivation.taken)
    if entries:
        journal = Journal(files, next_seq=derivation.next_seq, segment=next_segment)
        for entry in entries:
            journal.accept(encode_entries([entry]))
        journal.write(now_ns)
        journal.sync()
        for entry in entries:
            derivation.apply(entry)
        derivation.next_seq = journal.next_seq
    memory.remove(name)
    return sum(len(entry.lengths) for entry in entries), ()


def sweep(memory: SharedMemory, data_path: str) -> None:
    """Let go of what is left of recordings that are gone, and of this one, which is recovered.

    Raises `OSError`.
    """

    def is_needed(head: bytes) -> bool:
        path = head_of(head).get("data_path")
        return not isinstance(path, str) or (path != data_path and Path(path).exists())

    memory.sweep(is_needed, GOOD_OFFSET)
