"""The unit file: judged by systemd itself where it is present, and in step with the program."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from tests.operating.operations import CONFIG
from tick_logger.archive.archiver import PACK_SECS, SEND_SECS
from tick_logger.config.schema import LoggerConfig
from tick_logger.storage.disk_files import MAX_OPEN_FILES

UNIT = CONFIG / "systemd" / "tick_logger.service"
ANALYZE = shutil.which("systemd-analyze")
MOST_EXPOSURE = 2.0  # of 10; a little more than now, because newer versions of systemd ask for more
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")


def _settings() -> dict[str, list[str]]:
    """Every value by its key, in their order."""
    found: dict[str, list[str]] = defaultdict(list)
    for key, value in re.findall(r"(?m)^(\w+)=(.*)$", UNIT.read_text()):
        found[key].append(value)
    return found


def _analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    assert ANALYZE is not None
    return subprocess.run(
        [ANALYZE, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )


@needs_systemd
def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    """No unknown key, no bad value; with a program that exists here as the one that is started."""
    python = "/opt/tick_logger/.venv/bin/python"
    text = UNIT.read_text()
    assert text.count(f"={python} ") == 1
    unit = tmp_path / UNIT.name
    unit.write_text(text.replace(python, sys.executable))
    done = _analyze("verify", "--man=no", unit)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs_systemd
def test_little_is_exposed() -> None:
    """By systemd's own measure."""
    done = _analyze("security", "--offline=true", "--no-pager", UNIT)
    score = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert score is not None, done.stdout + done.stderr
    assert float(score[1]) <= MOST_EXPOSURE


def test_a_stop_has_more_time_than_the_program_takes() -> None:
    """Twice the deadline of the program at least, for what comes before and after it, and the
    archive's own."""
    (stop_secs,) = _settings()["TimeoutStopSec"]
    archive_secs = PACK_SECS + SEND_SECS
    assert int(stop_secs) >= 2 * LoggerConfig().shutdown_timeout_secs + archive_secs


def test_a_recovery_may_take_as_long_as_it_takes() -> None:
    """One that is ended begins anew at the next start, and would be ended there again."""
    assert _settings()["TimeoutStartSec"] == ["infinity"]


def test_as_many_files_as_the_program_can_use() -> None:
    """It takes half of the limit for column files."""
    (limit,) = _settings()["LimitNOFILE"]
    assert int(limit) // 2 == MAX_OPEN_FILES


def test_it_is_watched_and_never_given_up() -> None:
    """Ready when it says so, ended when it makes no progress, started again always."""
    settings = _settings()
    assert settings["Type"] == ["notify"]
    assert settings["WatchdogSec"] == ["30"]
    assert settings["Restart"] == ["always"]
    assert settings["StartLimitIntervalSec"] == ["0"]
    assert "MemoryMax" in settings


def test_it_starts_what_the_command_line_accepts() -> None:
    """Configuration and directory by the options that the program has, in the unit's own places."""
    (command,), (state,) = _settings()["ExecStart"], _settings()["StateDirectory"]
    _, *arguments = command.split()
    assert arguments == [
        "-m", "tick_logger", "--config", "/etc/tick_logger/tick_logger.toml",
        "--data-path", f"/var/lib/{state}",
    ]  # fmt: skip


def test_lines_for_people_go_to_the_journal_and_all_of_them_to_a_file() -> None:
    """In a folder that the service manager makes, and that may be written to."""
    settings = _settings()
    (logs,) = settings["LogsDirectory"]
    prefix = "TICK_LOGGER__LOGGER__"
    expected = f"{prefix}LOG_STDERR=text {prefix}LOG_FILE=/var/log/{logs}/tick_logger.log"
    assert expected in settings["Environment"]


def test_an_archive_may_lie_on_another_disk() -> None:
    """One folder more may be written to, and a start does without it."""
    assert _settings()["ReadWritePaths"] == ["-/srv/tick_logger_archive"]
    assert "`/srv/tick_logger_archive`" in (CONFIG / "README.md").read_text()
