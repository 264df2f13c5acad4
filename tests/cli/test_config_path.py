"""CONFIG_PATH names the configuration where no option does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tick_logger.cli.main import main


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """In an empty working directory."""
    monkeypatch.chdir(tmp_path)
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize("command", ["record", "doctor", "archive", "verify", "symbols"])
def test_the_environment_names_the_file_of_each_command(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As `--config` does, which beats it; so do the mistakes in it."""
    Path("env.toml").write_text("[logger]\nof_env = 1\n")
    Path("said.toml").write_text("[logger]\nof_option = 1\n")
    Path("data/journal").mkdir(parents=True)
    arguments = {"archive": ["data"], "verify": ["data"], "symbols": ["BTC-USD"]}.get(command, [])
    monkeypatch.setenv("CONFIG_PATH", "env.toml")
    assert main([command, *arguments]) == 2
    assert "logger.of_env: unknown key" in capsys.readouterr().err
    assert main([command, *arguments, "--config", "said.toml"]) == 2
    said = capsys.readouterr().err
    assert "logger.of_option: unknown key" in said
    assert "of_env" not in said


def test_check_config_looks_at_the_file_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Or says that there is none; an empty name is none."""
    Path("env.toml").write_text("[http]\nport = 1234\n")
    monkeypatch.setenv("CONFIG_PATH", "env.toml")
    assert main(["check-config"]) == 0
    assert "port = 1234" in capsys.readouterr().out
    monkeypatch.setenv("CONFIG_PATH", "nowhere.toml")
    assert main(["check-config"]) == 2
    assert "nowhere.toml: cannot be read: No such file" in capsys.readouterr().err
    monkeypatch.setenv("CONFIG_PATH", "")
    assert main(["check-config"]) == 2
    assert "give the TOML file, or name it in CONFIG_PATH" in capsys.readouterr().err
