"""Log lines: human readable on a terminal, JSON otherwise, always on standard error.

A line says one thing with its context as keys; whoever owns a context binds it once
(`get_logger().bind(exchange=..., connection=...)`).  Two promises hold for every line: texts that
an exchange sent cannot steer the terminal, and one fault that repeats cannot fill the disk, because
its lines are thinned and the next one that passes says how many were left out.

Losing a line is never worth losing data: a closed or full standard error is ignored.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TextIO

import attrs
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from tick_logger.telemetry.log_files import LogFile

BAD_LEVELS = frozenset({"error", "critical"})
LEVELS = ("debug", "info", "warning", "error", "critical")
WARNINGS_KEPT = 3  # for the last lines of the view
MAX_NAMES = 10  # in one value of a line: more would hide the rest of it
MAX_TEXT_CHARS = 2000  # of one value in a line: an exchange may send 16 MiB
FLOOD_LINES = 5  # of one event of one exchange within the window
FLOOD_WINDOW_SECS = 10.0
ALWAYS_SHOWN = frozenset({"serving", "connecting", "recording", "stopping", "stopped"})
"""These come beside a file as well."""
WELL_AGAIN = frozenset({"ready", "reached", "online"})
"""These end a trouble that was said before, and so stand with it below the view."""
IN_SHORT = {"stopped": ("timestamp", "level", "event", "outcome", "exit_code")}  # on a terminal
FLOOD_KEYS = 1000  # events are few; a bug that makes names up must not fill the memory


class FloodGate:
    """Lets the first few lines of one event of one exchange pass in a window, and counts the rest.

    The first line of the next window carries that count as `left_out`.
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        lines: int = FLOOD_LINES,
        window_secs: float = FLOOD_WINDOW_SECS,
    ) -> None:
        self._monotonic = monotonic
        self._lines = lines
        self._window_secs = window_secs
        self._windows: dict[tuple[object, object], _Window] = {}
        self.left_out = 0  # lines in all

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """The event, perhaps with `left_out`; raises `DropEvent` for one too many."""
        key, now = (event["event"], event.get("exchange")), self._monotonic()
        window = self._windows.get(key)
        if window is None or now - window.opened >= self._window_secs:
            if window is not None and window.left_out:
                event["left_out"] = window.left_out
            self._open(key, now)
            return event
        if window.passed < self._lines:
            window.passed += 1
            return event
        window.left_out += 1
        self.left_out += 1
        raise structlog.DropEvent

    def _open(self, key: tuple[object, object], now: float) -> None:
        if key not in self._windows and len(self._windows) >= FLOOD_KEYS:
            self._windows = {
                known: window
                for known, window in self._windows.items()
                if window.left_out or now - window.opened < self._window_secs
            }
            if len(self._windows) >= FLOOD_KEYS:
                return  # passes without a window: rather a line too many than a count lost
        self._windows[key] = _Window(now)


@attrs.define
class _Window:
    opened: float
    passed: int = 1
    left_out: int = 0


def first_few(names: Sequence[str]) -> list[str]:
    """The first `MAX_NAMES` names, and how many more there are, for one value of a line."""
    more = len(names) - MAX_NAMES
    return [*names[:MAX_NAMES], f"and {more} more"] if more > 0 else list(names)


def harmless(value: object) -> object:
    """The value with every unprintable character of its texts escaped, and long texts cut."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {_escaped(str(key)): harmless(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [harmless(each) for each in value]
    return _escaped(value if isinstance(value, str) else repr(value))


def _escaped(text: str) -> str:
    left_out = len(text) - MAX_TEXT_CHARS
    if left_out > 0:
        text = f"{text[:MAX_TEXT_CHARS]}... ({left_out} characters more)"
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def _make_harmless(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """What every line has comes first; then nothing but harmless values."""
    trace = event.pop("exception", None)
    head = {key: event.pop(key) for key in ("timestamp", "level", "event")}
    safe: EventDict = {key: harmless(value) for key, value in (head | dict(event)).items()}
    if trace is not None:  # keeps its own line ends, and only those
        safe["exception"] = "\n".join(_escaped(line) for line in str(trace).split("\n"))
    return safe


def _shorten(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Without the numbers, where a sentence says it all: they are for programs."""
    keys = IN_SHORT.get(event["event"], tuple(event))
    return {key: event[key] for key in keys if key in event}


class Logs:
    """Where the lines go.  `warnings` holds the newest ones in short form."""

    def __init__(self, stream: TextIO, file: LogFile | None, gate: FloodGate) -> None:
        self.on_terminal = stream.isatty()
        self._file = file
        self._gate = gate
        self._least = 0
        self.warnings: deque[str] = deque(maxlen=WARNINGS_KEPT)
        self._stream = stream
        self._hushed = False
        self._is_essential = False  # the line that is being made

    @contextlib.contextmanager
    def hushed(self) -> Iterator[None]:
        """While a view owns the terminal, keep lines from it; lines that go elsewhere still go."""
        self._hushed = self.on_terminal
        try:
            yield
        finally:
            self._hushed = False

    def remember(self, _logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        """Keep warnings and worse, and their ends, for the view (a structlog processor)."""
        bad = method in ("warning", "error", "critical", "exception")
        if bad or event["event"] in WELL_AGAIN:
            details = " ".join(
                f"{key}={value}"
                for key, value in event.items()
                if key not in ("event", "level", "timestamp", "exception")
            )
            clock = str(event["timestamp"])[11:19]
            self.warnings.append(f"{clock} {event['event']} {details}".rstrip())
        return event

    def set_level(self, level: str) -> None:
        """From now on lines of this level and above are written, by whatever logger."""
        self._least = LEVELS.index(level)

    def only_important(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """Drop what is below the level (a structlog processor)."""
        if LEVELS.index(event["level"]) < self._least:
            raise structlog.DropEvent
        return event

    @property
    def lines_left_out(self) -> int:
        """Lines that stand nowhere: too many of a kind, or for the file."""
        return self._gate.left_out + (self._file.lines_lost if self._file else 0)

    def to_file(self, logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        """Write the line to the file, if there is one (a structlog processor)."""
        self._is_essential = event["event"] in ALWAYS_SHOWN or event["level"] in BAD_LEVELS
        if self._file is not None:
            line = structlog.processors.JSONRenderer()(logger, method, dict(event))
            self._file.write(line if isinstance(line, str) else line.decode())
        return event

    def close(self) -> None:
        """Write what waits for the file."""
        if self._file is not None:
            self._file.close()

    def _line(self, line: str) -> None:
        if self._hushed or not (self._file is None or self.on_terminal or self._is_essential):
            return
        with contextlib.suppress(OSError):
            self._stream.write(line + "\n")
            self._stream.flush()

    debug = info = warning = error = critical = _line


def configure(
    level: str,
    *,
    stream: TextIO | None = None,
    file: LogFile | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Logs:
    """Set up all logging of the process: lines of `level` and above go to standard error.

    `level` is one of debug, info, warning, error.  With a `file` they go there as JSON, and to
    standard error only if that is a terminal; start, end and errors in any case.
    """
    gate = FloodGate(monotonic)
    logs = Logs(sys.stderr if stream is None else stream, file, gate)
    logs.set_level(level)
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(
            sort_keys=False,
            exception_formatter=structlog.dev.plain_traceback,
            colors=not os.environ.get("NO_COLOR"),
        )
        if logs.on_terminal
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            logs.only_important,
            gate,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _make_harmless,
            logs.remember,
            logs.to_file,
            *([_shorten] if logs.on_terminal else []),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger("debug"),
        logger_factory=lambda *_: logs,
        cache_logger_on_first_use=False,  # a test may configure again
    )
    return logs


def get_logger(**context: object) -> FilteringBoundLogger:
    """A logger whose lines all carry `context`."""
    logger: FilteringBoundLogger = structlog.get_logger(**context)
    return logger
