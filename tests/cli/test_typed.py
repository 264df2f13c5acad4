"""Advice repeats the command that was typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tick_logger.cli.typed import as_typed


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """An installed command."""
    command = tmp_path / "bin" / "tick_logger"
    command.parent.mkdir()
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    return command


def test_a_script_that_calls_the_program_names_itself(installed: Path) -> None:
    """As `scripts/run` does, whatever it calls."""
    environ = {"TICK_LOGGER_COMMAND": "./scripts/run", "PATH": str(installed.parent)}
    assert as_typed(environ, "/x/.venv/bin/python", "/x/tick_logger/__main__.py") == "./scripts/run"


def test_a_module_is_called_by_the_same_interpreter() -> None:
    """Another might not have it."""
    main = "/x/tick_logger/__main__.py"
    assert as_typed({}, "python3", main) == "python3 -m tick_logger"
    assert as_typed({}, "/my env/python", main) == "'/my env/python' -m tick_logger"


def test_an_installed_command_is_called_by_its_name_where_that_is_found(installed: Path) -> None:
    """And by its path where the environment is not active, or another one is found."""
    path = {"PATH": str(installed.parent)}
    assert as_typed(path, "/x/python", str(installed)) == "tick_logger"
    assert as_typed({"PATH": "/nowhere"}, "/x/python", str(installed)) == str(installed)
    assert as_typed(path, "/x/python", "/y/bin/tick_logger") == "/y/bin/tick_logger"


def test_a_program_that_uses_the_package_is_not_advised() -> None:
    """It has no such arguments."""
    assert as_typed({}, "/x/python", "/y/bin/pytest") == "tick_logger"
