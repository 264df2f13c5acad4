"""Log lines in a file that begins anew at midnight UTC; old ones are kept for so many days.

Writing is done by a thread of its own, because a disk that stalls must not keep the recorder from
its sockets.  Lines that it cannot write, or that wait behind too many others, are counted.
"""

from __future__ import annotations

import contextlib
import logging
import queue
from logging.handlers import QueueListener, TimedRotatingFileHandler

from tick_logger.errors import ConfigError

MAX_WAITING_LINES = 10_000
"""Between the recorder and the thread; a disk that is that far behind is in trouble itself."""


class _Handler(TimedRotatingFileHandler):
    """The standard library's, which would print a stack trace for each line of a full disk."""

    failed_lines = 0

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Count what could not be written."""
        self.failed_lines += 1


class LogFile:
    """A file of lines; raises `ConfigError` if it cannot be written."""

    def __init__(self, path: str, retention_days: int) -> None:
        try:
            self._handler = _Handler(
                path, when="midnight", utc=True, backupCount=retention_days, encoding="utf-8"
            )
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
