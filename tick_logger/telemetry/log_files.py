"""Log lines in a file that begins anew at midnight UTC; old ones go by their age.

That of a day goes when it is older than so many days: at a start, since a recorder that was away
for long, or that is started anew each day, finds many; and whenever another day begins.

Writing is done by a thread of its own, because a disk that stalls must not keep the recorder from
its sockets.  Lines that it cannot write, or that wait behind too many others, are counted.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import time
from datetime import UTC, date, datetime, timedelta
from logging.handlers import QueueListener, TimedRotatingFileHandler
from pathlib import Path

from tick_logger.errors import ConfigError

MAX_WAITING_LINES = 10_000
"""Between the recorder and the thread; a disk that is that far behind is in trouble itself."""


class _Handler(TimedRotatingFileHandler):
    """The standard library's, which would print a stack trace for each line of a full disk."""

    failed_lines = 0

    def __init__(self, path: str, retention_days: int) -> None:
        super().__init__(path, when="midnight", utc=True, encoding="utf-8")
        self._retention = timedelta(days=retention_days)
        self.remove_old()

    def doRollover(self) -> None:  # noqa: N802 - the library's name
        """Begin the file of another day."""
        super().doRollover()
        self.remove_old()

    def remove_old(self) -> None:
        """Remove the files of days that are over for longer than they are kept.

        What cannot be removed stays until the next time: no line is lost by it.
        """
        path = Path(self.baseFilename)
        oldest = datetime.fromtimestamp(time.time(), UTC).date() - self._retention
        with contextlib.suppress(OSError):
            for each in path.parent.iterdir():
                with contextlib.suppress(ValueError, OSError):  # of another name, or stuck
                    name, _, day = each.name.rpartition(".")
                    if name == path.name and date.fromisoformat(day) < oldest and len(day) == 10:
                        each.unlink()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Count what could not be written."""
        self.failed_lines += 1


class LogFile:
    """A file of lines; raises `ConfigError` if it cannot be written."""

    def __init__(self, path: str, retention_days: int) -> None:
        try:
            self._handler = _Handler(path, retention_days)
        except OSError as error:
            why = f"cannot be written: {error.strerror}"
            raise ConfigError([("logger.log_file", why)]) from None
        self._queue: queue.Queue[logging.LogRecord] = queue.Queue(MAX_WAITING_LINES)
        self._listener = QueueListener(self._queue, self._handler)
        self._listener.start()
        self._passed_over = 0

    @property
    def lines_lost(self) -> int:
        """Lines that did not get into the file."""
        return self._passed_over + self._handler.failed_lines

    def write(self, line: str) -> None:
        """Hand a line over; never waits."""
        try:
            self._queue.put_nowait(logging.makeLogRecord({"msg": line}))
        except queue.Full:
            self._passed_over += 1

    def close(self) -> None:
        """Write what is waiting, and end."""
        self._listener.stop()
        with contextlib.suppress(OSError):  # of the last lines, which are counted already
            self._handler.close()
