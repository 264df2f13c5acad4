"""What jobs may come to in a process of its own; a small module, as that process imports it."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from tick_logger.archive.jobs import Job, Result
from tick_logger.archive.running import run_job
from tick_logger.errors import StorageError


def full_disk(_job: Job) -> Result:
    raise OSError(28, "No space left on device", "incoming/x.part")


def too_short(_job: Job) -> Result:
    raise StorageError("has 3 rows, but 5 were to be packed")


def leaving(_job: Job) -> Result:
    sys.exit(3)


def mistaken(_job: Job) -> Result:
    raise KeyError("nothing of this name")


def killed(_job: Job) -> Result:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("it lives")


def aborting(_job: Job) -> Result:
    os.abort()


def killed_once(mark: Path, job: Job) -> Result:
    if not mark.exists():
        mark.touch()
        return killed(job)
    return Result((), {"attempts": 2})


def sleeping(mark: Path, _job: Job) -> Result:
    mark.write_text(str(os.getpid()))
    time.sleep(600)  # until it is killed
    raise AssertionError("it was not killed")


def looking(_job: Job) -> Result:
    return Result((), {"niceness": os.nice(0), "pid": os.getpid()})


def peak_of(job: Job) -> Result:
    """Do it, and say how much memory that is no file's the process held at most, in bytes."""
    peak, is_over = [0], threading.Event()

    def look() -> None:
        while not is_over.wait(0.002):
            text = Path("/proc/self/status").read_text()
            (line,) = (each for each in text.splitlines() if each.startswith("RssAnon:"))
            peak[0] = max(peak[0], int(line.split()[1]) * 1024)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        made = run_job(job).made
    finally:
        is_over.set()
        thread.join()
    return Result(made, {"peak": peak[0]})
