"""Has what is read kept in memory that outlives the process, as long as there is some.

Where there is none, each batch goes to the journal as soon as it is decoded: the system has it
then, and a process that is killed loses no more than waits to be decoded.  Where the memory is
full, as behind a disk that stalls, the recording goes on without, and says so.
"""

from __future__ import annotations

import contextlib
import os

from tick_logger.derive.left_reads import sweep
from tick_logger.errors import words_of
from tick_logger.recording.resources import Disk
from tick_logger.storage.shared_memory import NoMemory, SharedMemory
from tick_logger.telemetry.logs import get_logger
from tick_logger.telemetry.metrics import Metrics

AT_ONCE = "batches go to the journal one by one; a killed process loses what it has not decoded"
KILLED = "if the process is killed now, what the journal does not have is lost"


def keep_reads(disk: Disk, data_path: str) -> None:
    """Take memory for what is read, if there is some; in a thread, after the recovery."""
    path = os.path.realpath(data_path)
    if isinstance(disk.memory, SharedMemory):
        with contextlib.suppress(OSError):  # what is left over is in nobody's way
            sweep(disk.memory, path)
    try:
        name, memory = disk.memory.reserve()
    except OSError as error:
        if not isinstance(disk.memory, NoMemory):
            disk.kept.refused = words_of(error)
    else:
        disk.kept.begin(memory, name, path)


def tell_of_keeping(disk: Disk, metrics: Metrics) -> None:
    """Say whether reads are kept, now and whenever there is no room for one."""
    kept, log = disk.kept, get_logger()
    metrics.kept_reads_bytes.set(kept.room_bytes)
    if kept.is_refused:
        log.warning("reads_not_kept", reason=kept.refused, explanation=AT_ONCE)

    def on_not_kept(first: bool) -> None:
        metrics.reads_not_kept.inc()
        if first:
            reason = "more waits for the journal than there is room for"
            log.warning("reads_not_kept", reason=reason, explanation=KILLED)

    kept.on_not_kept = on_not_kept
