"""Where each line goes: by its level, the part that it comes from, and how it was configured."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from tests.telemetry.test_logs import Terminal
from tick_logger.config.schema import LOG_PARTS
from tick_logger.telemetry.levels import Levels
from tick_logger.telemetry.log_files import LogFile
from tick_logger.telemetry.logs import Logs, configure, get_logger


@pytest.fixture(autouse=True)
def _leave_no_trace() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def file_of(logs: Logs, path: Path) -> list[str]:
    """The events in a log file, once everything is in it."""
    logs.close()
    return [json.loads(line)["event"] for line in path.read_text().splitlines()]


def say(*events: str) -> None:
    """Each event at the level that it is called by, or as information."""
    log = get_logger(exchange="alpha")
    for event in events:
        getattr(log, event if event in ("debug", "warning", "error") else "info")(event)


def test_a_service_has_readable_lines_and_a_file_at_once(tmp_path: Path) -> None:
    """Each with its own level, and no colours where there is no terminal."""
    stream, path = io.StringIO(), tmp_path / "log"
    file = LogFile(str(path), 1)
    logs = configure(Levels("warning", "debug"), style="text", stream=stream, file=file)
    say("debug", "connected", "warning", "error")
    assert file_of(logs, path) == ["debug", "connected", "warning", "error"]
    shown = stream.getvalue()
    assert shown.count("\n") == 2
    assert "[warning  ] warning" in shown
    assert "exchange=alpha" in shown
    assert "\x1b" not in shown


def test_json_can_be_wanted_on_a_terminal_and_beside_a_file(tmp_path: Path) -> None:
    """For whoever collects standard error as well."""
    stream, path = Terminal(), tmp_path / "log"
    logs = configure(Levels(), style="json", stream=stream, file=LogFile(str(path), 1))
    say("connected")
    assert json.loads(stream.getvalue())["event"] == "connected"
    assert file_of(logs, path) == ["connected"]


def test_start_end_and_errors_are_shown_whatever_the_levels_are(tmp_path: Path) -> None:
    """Beside a file alone: it may be that only errors are wanted in both."""
    stream, path = io.StringIO(), tmp_path / "log"
    file = LogFile(str(path), 1)
    logs = configure(Levels("error", "error", {"": "error"}), stream=stream, file=file)
    say(
        "serving", "connecting", "connected", "recording", "warning", "error", "stopping", "stopped"
    )
    events = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert events == ["serving", "connecting", "recording", "error", "stopping", "stopped"]
    assert file_of(logs, path) == ["error"]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("net.venue.share", ["debug", "info"]),  # as net
        ("net.rest.asking", []),  # its own
        ("network", ["info"]),  # only begins alike
        ("net", ["debug", "info"]),
        ("recording.writer", ["info"]),
    ],
)
def test_a_part_of_the_program_may_have_a_level_of_its_own(part: str, expected: list[str]) -> None:
    """Whoever looks for a fault in one hears no more of the others; the longest name counts."""
    stream = io.StringIO()
    by_part = {"net": "debug", "net.rest": "warning"}
    configure(Levels("info", "info", by_part), stream=stream)
    module: dict[str, Any] = {"__name__": f"tick_logger.{part}", "get_logger": get_logger}
    exec("log = get_logger()", module)
    module["log"].debug("debug")
    module["log"].info("info")
    events = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert events == expected


def test_levels_change_while_it_runs() -> None:
    """Also of loggers that are there already."""
    stream = io.StringIO()
    logs = configure(Levels("error", "error"), stream=stream)
    log = get_logger()
    log.info("before")
    logs.set_levels(Levels("info", "info"))
    log.info("after")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["after"]


def test_the_parts_that_can_be_named_are_those_that_write_lines() -> None:
    """A package or a module of the sources whose lines ask for a logger, and none beside."""
    root = Path(__file__).parent.parent.parent / "tick_logger"
    found = set()
    for path in root.rglob("*.py"):
        if (
            re.search(r"(?<!def )get_logger\(", path.read_text())
            and path.parent.name != "telemetry"
        ):
            *packages, module = path.relative_to(root).with_suffix("").parts
            found |= {".".join(packages[: n + 1]) for n in range(len(packages))} or {module}
    assert found == set(LOG_PARTS)
