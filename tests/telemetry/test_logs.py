"""Log lines: two shapes, levels, thinning, and texts that cannot steer a terminal."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import time

import pytest
import structlog

from tick_logger.errors import ConfigError
from tick_logger.telemetry.levels import Levels
from tick_logger.telemetry.log_files import LogFile
from tick_logger.telemetry.logs import (
    FLOOD_KEYS,
    FloodGate,
    Logs,
    configure,
    first_few,
    get_logger,
    harmless,
)


class Terminal(io.StringIO):
    """A text stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Broken(io.StringIO):
    """A text stream whose reader has gone."""

    def write(self, _text: str) -> int:
        raise BrokenPipeError


@pytest.fixture(autouse=True)
def _leave_no_trace() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def set_up(stream: io.StringIO, level: str = "info", now: float = 0.0) -> Logs:
    return configure(Levels(level, level), stream=stream, monotonic=lambda: now)


def test_beside_a_symbol_stands_what_it_is_called_everywhere() -> None:
    """Where its exchange is known too, and somebody says what it is."""
    stream = io.StringIO()
    logs = set_up(stream)
    log = get_logger(exchange="alpha")
    log.warning("before", symbol="XBT/USD")
    logs.pair_of = lambda exchange, symbol: {("alpha", "XBT/USD"): "BTC-USD"}.get(
        (exchange, symbol)
    )
    log.warning("named", symbol="XBT/USD")
    log.warning("unknown", symbol="ODD")
    log.warning("no_symbol")
    get_logger().warning("no_exchange", symbol="XBT/USD")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["event"], line.get("pair")) for line in lines] == [
        ("before", None),
        ("named", "BTC-USD"),
        ("unknown", None),
        ("no_symbol", None),
        ("no_exchange", None),
    ]
    assert list(lines[1])[-2:] == ["symbol", "pair"]


def test_a_line_is_a_json_object_where_nobody_watches() -> None:
    """Event, level, UTC time and all context of the bound logger."""
    stream = io.StringIO()
    set_up(stream)
    get_logger(exchange="alpha").bind(connection=3).warning("lost", after_secs=1.5)
    line = json.loads(stream.getvalue())
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "lost",
        "level": "warning",
        "exchange": "alpha",
        "connection": 3,
        "after_secs": 1.5,
    }
    assert stream.getvalue().count("\n") == 1


def test_a_line_is_for_people_on_a_terminal() -> None:
    """No JSON, but the same words."""
    stream = Terminal()
    set_up(stream)
    get_logger(exchange="alpha").info("connected")
    assert "connected" in stream.getvalue()
    assert "alpha" in stream.getvalue()
    assert "{" not in stream.getvalue()


@pytest.mark.parametrize(("level", "count"), [("debug", 4), ("info", 3), ("error", 1)])
def test_level(level: str, count: int) -> None:
    """Lines below the configured level are not written."""
    stream = io.StringIO()
    set_up(stream, level)
    log = get_logger()
    for line in (log.debug, log.info, log.warning, log.error):
        line(f"said by {line.__name__}")
    assert stream.getvalue().count("\n") == count


def test_an_exception_keeps_its_lines_and_nothing_else() -> None:
    """The trace is readable, and what an exchange put into it is escaped."""
    stream = Terminal()
    set_up(stream)
    try:
        raise ValueError("\x1b[2Jgone\u202e")
    except ValueError:
        get_logger().exception("crashed")
    text = stream.getvalue()
    assert "\x1b[2J" not in text
    assert "\u202e" not in text
    assert "ValueError: \\x1b[2Jgone\\u202e\n" in text
    assert "\nTraceback (most recent call last):\n" in text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain ä 币", "plain ä 币"),
        ("a\nb\r\t\x00", "a\\nb\\r\\t\\x00"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x9b2J", "\\x9b2J"),
        ("\u202eabc", "\\u202eabc"),
        ("\ud800", "\\ud800"),
        (b"\x1b", "b'\\x1b'"),
        ({"k\n": ["\x1b", ("x", 1)]}, {"k\\n": ["\\x1b", ["x", 1]]}),
        (1.5, 1.5),
        (None, None),
        ("x" * 2001, "x" * 2000 + "... (1 characters more)"),
    ],
)
def test_harmless(value: object, expected: object) -> None:
    """Only printable characters are left, at any depth, and no text is endless."""
    assert harmless(value) == expected


def test_harmless_for_objects_that_print_themselves() -> None:
    """What an object's `repr` says is not trusted either."""

    class Rude:
        def __repr__(self) -> str:
            return "\x1b[31m"

    assert harmless(Rude()) == "\\x1b[31m"


def test_terminal_lines_hold_no_foreign_escapes() -> None:
    """End to end: an exchange's reason with control characters reaches the terminal escaped."""
    stream = Terminal()
    set_up(stream)
    get_logger().warning("refused", reason="no\x1b[2J\nfake line")
    assert "\x1b[2J" not in stream.getvalue()
    assert stream.getvalue().count("\n") == 1
    assert "fake line" in stream.getvalue()


class Gated:
    """A gate with a clock to turn; `say` tells what became of an event."""

    def __init__(self, lines: int) -> None:
        self.now = 0.0
        self.gate = FloodGate(lambda: self.now, lines=lines, window_secs=10.0)

    def say(self, event: str, exchange: str | None = None) -> int | None:
        """None if it was suppressed, else how many the line says were left out (0 if silent)."""
        try:
            line = self.gate(None, "info", {"event": event, "exchange": exchange})
        except structlog.DropEvent:
            return None
        left_out: int = line.get("left_out", 0)
        return left_out


def test_flood_is_thinned_and_counted() -> None:
    """Two lines pass, three do not, and the next window's first line says three."""
    gated = Gated(lines=2)
    assert [gated.say("lost") for _ in range(5)] == [0, 0, None, None, None]
    gated.now = 9.9
    assert gated.say("lost") is None
    gated.now = 10.0
    assert [gated.say("lost") for _ in range(3)] == [4, 0, None]
    gated.now = 30.0
    assert gated.say("lost") == 1


def test_flood_of_one_exchange_hides_no_other() -> None:
    """Another event, or the same of another exchange, is counted for itself."""
    gated = Gated(lines=1)
    said = [gated.say("lost", "alpha"), gated.say("lost", "beta"), gated.say("refused", "alpha")]
    assert said == [0, 0, 0]
    assert gated.say("lost", "alpha") is None


def test_flood_of_names_is_bounded_and_loses_no_count() -> None:
    """With too many names at once lines pass ungated; old names give way when their time is over,
    unless they have something left to say."""
    gated = Gated(lines=1)
    gated.say("noisy")
    assert gated.say("noisy") is None
    for number in range(FLOOD_KEYS):
        gated.say(f"event {number}")
    assert [gated.say("one too many") for _ in range(3)] == [0, 0, 0]
    gated.now = 10.0
    assert [gated.say("one too many") for _ in range(2)] == [0, None]
    assert gated.say("noisy") == 1


def test_the_gate_is_part_of_logging() -> None:
    """More than five equal events of one exchange at once are not written."""
    stream = io.StringIO()
    set_up(stream)
    for number in range(8):
        get_logger(exchange="alpha").info("lost", number=number)
    assert [json.loads(line)["number"] for line in stream.getvalue().splitlines()] == [
        0,
        1,
        2,
        3,
        4,
    ]


def test_the_newest_warnings_are_remembered_in_short_form() -> None:
    """Three of them; what is only information is not."""
    logs = set_up(io.StringIO())
    log = get_logger(exchange="alpha")
    log.info("connected")
    for number in range(4):
        log.warning(f"w{number}", holes=number)
    assert [line.split(" ", 1)[1] for line in logs.warnings] == [
        "w1 exchange=alpha holes=1",
        "w2 exchange=alpha holes=2",
        "w3 exchange=alpha holes=3",
    ]
    assert [len(line.split(" ")[0]) for line in logs.warnings] == [8, 8, 8]


def test_a_view_hushes_the_terminal_only() -> None:
    """While the view lives its terminal gets no lines; a log file gets all of them."""
    for stream, during in ((Terminal(), 0), (io.StringIO(), 1)):
        logs = set_up(stream)
        with logs.hushed():
            get_logger().warning("inside")
            assert stream.getvalue().count("inside") == during
        get_logger().warning("after")
        assert stream.getvalue().count("after") == 1
        assert len(logs.warnings) == 2


def test_a_broken_log_stops_nothing() -> None:
    """Whoever read the lines has gone: that is no reason to stop recording."""
    logs = set_up(Broken())
    get_logger().error("nobody hears this")
    assert len(logs.warnings) == 1


def test_lines_go_to_a_file_as_json(tmp_path: Path) -> None:
    """And to standard error only where somebody watches."""
    for stream, shown in ((io.StringIO(), ""), (Terminal(), "connected")):
        path = tmp_path / f"{shown}.log"
        logs = configure(Levels(), stream=stream, file=LogFile(str(path), 3))
        get_logger(exchange="alpha").info("connected", reason="a\nb")
        logs.close()
        line = json.loads(path.read_text())
        assert (line["event"], line["exchange"], line["level"]) == ("connected", "alpha", "info")
        assert shown in stream.getvalue()
        assert bool(stream.getvalue()) is bool(shown)


def of_day(path: Path, days_ago: int) -> Path:
    """Where the lines of an earlier day are, UTC."""
    day = datetime.fromtimestamp(time() - days_ago * 86_400, UTC).strftime("%Y-%m-%d")
    return path.with_name(f"{path.name}.{day}")


def test_the_file_of_each_day_is_kept_for_so_many_days(tmp_path: Path) -> None:
    """Midnight is that of UTC; what is older than that goes when another day begins."""
    path = tmp_path / "recorder.log"
    path.write_text("yesterday\n")
    os.utime(path, (time() - 86_400, time() - 86_400))
    file = LogFile(str(path), 2)
    for days in (2, 3, 40):
        of_day(path, days).write_text("old\n")
    file.write("today")
    file.close()
    assert path.read_text() == "today\n"
    assert of_day(path, 1).read_text() == "yesterday\n"
    assert set(tmp_path.iterdir()) == {path, of_day(path, 1), of_day(path, 2)}


def test_a_start_removes_the_files_of_days_that_are_old_enough(tmp_path: Path) -> None:
    """By their age, however few they are; what is called otherwise is not ours."""
    path = tmp_path / "recorder.log"
    kept = [of_day(path, 1), of_day(path, 3), tmp_path / "recorder.log.2001-01-01.gz"]
    kept += [tmp_path / "other.log.2001-01-01", tmp_path / "recorder.log.20010101"]
    gone = [of_day(path, 4), of_day(path, 30), tmp_path / "recorder.log.2001-01-01"]
    for each in kept + gone:
        each.write_text("old\n")
    stuck = tmp_path / "recorder.log.2001-01-02"  # no file, so it cannot be removed as one
    stuck.mkdir()
    LogFile(str(path), 3).close()
    assert set(tmp_path.iterdir()) == {path, stuck, *kept}


def test_a_file_that_cannot_be_written_is_a_mistake_in_the_configuration(tmp_path: Path) -> None:
    """With its key and the system's reason."""
    with pytest.raises(ConfigError) as caught:
        LogFile(str(tmp_path / "nowhere" / "recorder.log"), 3)
    assert caught.value.problems == [
        ("logger.log_file", "cannot be written: No such file or directory")
    ]


def test_lines_that_a_full_disk_does_not_take_are_counted() -> None:
    """/dev/full has no room for anything; nobody is disturbed by that."""
    logs = configure(Levels(), stream=io.StringIO(), file=LogFile("/dev/full", 3))
    get_logger().info("connected")
    get_logger().info("lost")
    logs.close()
    assert logs.lines_left_out == 2


def test_lines_left_out_are_counted() -> None:
    """All that the flood gate held back."""
    logs = set_up(io.StringIO())
    for _ in range(12):
        get_logger().info("again")
    assert logs.lines_left_out == 7


def test_a_line_names_ten_at_most_and_says_how_many_more_there_are() -> None:
    """Nothing is said of more where there is none."""
    names = [f"S{number}" for number in range(13)]
    assert first_few(names) == [*names[:10], "and 3 more"]
    assert first_few(names[:10]) == names[:10]
    assert first_few([]) == []


@pytest.mark.parametrize("value", ["", "1", "yes"])
def test_no_color_is_obeyed(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any value that is not empty takes the colours away."""
    monkeypatch.setenv("NO_COLOR", value)
    stream = Terminal()
    set_up(stream)
    get_logger(exchange="alpha").warning("lost")
    assert ("\x1b" in stream.getvalue()) is (value == "")


def test_start_end_and_errors_are_shown_beside_a_file(tmp_path: Path) -> None:
    """Whoever looks where it was started sees them; the rest is in the file alone."""
    stream = io.StringIO()
    logs = configure(Levels(), stream=stream, file=LogFile(str(tmp_path / "log"), 1))
    get_logger().info("recording")
    get_logger(exchange="alpha").warning("connection_lost")
    get_logger().info("summary")
    get_logger().error("storage_failed")
    get_logger().info("stopped", outcome="1 rows are on disk", rows=1)
    logs.close()
    shown = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert shown == ["recording", "storage_failed", "stopped"]
    assert len((tmp_path / "log").read_text().splitlines()) == 5


def test_the_last_line_on_a_terminal_is_a_sentence() -> None:
    """Its numbers are for programs."""
    stream = Terminal()
    set_up(stream)
    get_logger().info("stopped", outcome="7 rows are on disk", frames_not_derived=0, exit_code=0)
    assert "7 rows are on disk" in stream.getvalue()
    assert "exit_code" in stream.getvalue()
    assert "frames_not_derived" not in stream.getvalue()
