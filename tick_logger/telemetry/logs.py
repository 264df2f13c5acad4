"""Log lines: readable or JSON on standard error, and JSON in a file, each from its own level on.

A line says one thing with its context as keys; whoever owns a context binds it once
(`get_logger().bind(exchange=..., connection=...)`).  Beside the symbol of an exchange stands
what it is called everywhere (`pair`), where somebody has said how to find out (`Logs.pair_of`).

Two promises hold for every line: texts that an exchange sent cannot steer the terminal, and one
fault that repeats cannot fill the disk, because its lines are thinned and the next one that passes
says how many were left out.

Losing a line is never worth losing data: a closed or full standard error is ignored.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TextIO

import attrs
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from tick_logger.model.symbols import PairOf
from tick_logger.telemetry.levels import LEVELS, Levels
from tick_logger.telemetry.log_files import LogFile

BAD_LEVELS = frozenset({"error", "critical"})
WARNINGS_KEPT = 3  # for the last lines of the view
MAX_NAMES = 10  # in one value of a line: more would hide the rest of it
MAX_TEXT_CHARS = 2000  # of one value in a line: an exchange may send 16 MiB
FLOOD_LINES = 5  # of one event of one exchange within the window
FLOOD_WINDOW_SECS = 10.0
ALWAYS_SHOWN = frozenset({"serving", "connecting", "recording", "stopping", "stopped"})
"""These come to standard error beside a file as well, as errors do, whatever the levels are."""
WELL_AGAIN = frozenset({"ready", "reached", "online"})
"""These end a trouble that was said before, and so stand with it below the view."""
IN_SHORT = {"stopped": ("timestamp", "level", "event", "outcome", "exit_code")}  # where readable
PACKAGE = "tick_logger."
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


def _shortened(event: EventDict) -> EventDict:
    """Without the numbers, where a sentence says it all: they are for programs."""
    keys = IN_SHORT.get(event["event"], tuple(event))
    return {key: event[key] for key in keys if key in event}


@attrs.frozen
class _Speaker:
    """What structlog hands to each processor: which part of the program a line comes from."""

    part: str


class Logs:
    """Where the lines go.  `warnings` holds the newest ones in short form.

    `style` is how they look on standard error: "text", "json", or "auto".  The last is text on a
    terminal and JSON elsewhere, and where it is no terminal and there is a file, nothing but start,
    end and errors are shown.
    """

    def __init__(
        self, stream: TextIO, file: LogFile | None, gate: FloodGate, levels: Levels, style: str
    ) -> None:
        self.on_terminal = stream.isatty()
        self._file = file
        self._gate = gate
        self._levels = levels
        self._only_essential = style == "auto" and file is not None and not self.on_terminal
        self._is_text = style == "text" or (style == "auto" and self.on_terminal)
        self._render = _text(self.on_terminal) if self._is_text else _json
        self.warnings: deque[str] = deque(maxlen=WARNINGS_KEPT)
        self.pair_of: PairOf = lambda _exchange, _symbol: None
        self._stream = stream
        self._hushed = False

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

    def set_levels(self, levels: Levels) -> None:
        """From now on these count, for whatever logger."""
        self._levels = levels

    def add_pair(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """What a symbol is called everywhere, beside it (a structlog processor)."""
        exchange, symbol = event.get("exchange"), event.get("symbol")
        if isinstance(exchange, str) and isinstance(symbol, str):
            pair = self.pair_of(exchange, symbol)
            if pair is not None:
                event["pair"] = pair
        return event

    def only_important(self, logger: Any, _method: str, event: EventDict) -> EventDict:  # noqa: ANN401
        """Drop what goes nowhere (a structlog processor)."""
        if not any(self._ways(logger.part, event)):
            raise structlog.DropEvent
        return event

    def _ways(self, part: str, event: EventDict) -> tuple[bool, bool]:
        """Whether a line goes to standard error, and whether to the file."""
        level = LEVELS.index(event["level"])
        shown, filed = self._levels.least(part)
        essential = event["event"] in ALWAYS_SHOWN or event["level"] in BAD_LEVELS
        return (
            essential if self._only_essential else level >= shown,
            self._file is not None and level >= filed,
        )

    @property
    def lines_left_out(self) -> int:
        """Lines that stand nowhere: too many of a kind, or for the file."""
        return self._gate.left_out + (self._file.lines_lost if self._file else 0)

    def deliver(self, logger: Any, _method: str, event: EventDict) -> EventDict:  # noqa: ANN401
        """Write the line wherever it goes (the last structlog processor)."""
        shown, filed = self._ways(logger.part, event)
        if filed and self._file is not None:
            self._file.write(_json(dict(event)))
        if shown and not self._hushed:
            line = self._render(_shortened(event) if self._is_text else event)
            with contextlib.suppress(OSError):
                self._stream.write(line + "\n")
                self._stream.flush()
        raise structlog.DropEvent  # nothing is left to be done

    def close(self) -> None:
        """Write what waits for the file."""
        if self._file is not None:
            self._file.close()


def _json(event: EventDict) -> str:
    line = structlog.processors.JSONRenderer()(None, "", event)
    return line if isinstance(line, str) else line.decode()


def _text(on_terminal: bool) -> Callable[[EventDict], str]:
    """Lines for people; in colours on a terminal, unless its user wants none."""
    renderer = structlog.dev.ConsoleRenderer(
        sort_keys=False,
        exception_formatter=structlog.dev.plain_traceback,
        colors=on_terminal and not os.environ.get("NO_COLOR"),
    )
    return lambda event: renderer(None, "", event)


def configure(
    levels: Levels,
    *,
    style: str = "auto",
    stream: TextIO | None = None,
    file: LogFile | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Logs:
    """Set up all logging of the process: to standard error in this `style` (see `Logs`), and as
    JSON to the `file`, if there is one."""
    gate = FloodGate(monotonic)
    logs = Logs(sys.stderr if stream is None else stream, file, gate, levels, style)
    processors: list[Processor] = [
        structlog.processors.add_log_level,
        logs.only_important,
        gate,
        logs.add_pair,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _make_harmless,
        logs.remember,
        logs.deliver,
    ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger("debug"),
        logger_factory=_Speaker,
        cache_logger_on_first_use=False,  # a test may configure again
    )
    return logs


def get_logger(**context: object) -> FilteringBoundLogger:
    """A logger whose lines all carry `context`, and whose part is the module that asks for it."""
    module = sys._getframe(1).f_globals.get("__name__", "")  # noqa: SLF001 - whoever calls
    part = str(module).removeprefix(PACKAGE)
    logger: FilteringBoundLogger = structlog.get_logger(part, **context)
    return logger
