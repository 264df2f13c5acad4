"""The file of the environment: all that the program reads, ready to be used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.operating.operations import CONFIG, ROOT
from tick_logger.archive.bucket import _KEY_NAMES
from tick_logger.cli.arguments import load_config
from tick_logger.config.environ import SHORT_NAMES, _variables

EXAMPLE = CONFIG / ".env.example"
LINES = re.findall(r"(?m)^#(\w+)=(.*)$", EXAMPLE.read_text())
GIVEN = dict(LINES)


def test_each_variable_that_is_read_has_its_place() -> None:
    """Once; and none has that nothing reads."""
    names = [name for name, _ in LINES]
    assert len(names) == len(set(names))
    long = {name for name in names if name.startswith("TICK_LOGGER__")}
    assert long <= set(_variables(()))
    credentials = {name for pair in _KEY_NAMES for name in pair}
    told = {name for name in {*SHORT_NAMES, *credentials} if name in EXAMPLE.read_text()}
    assert told == {*SHORT_NAMES, *credentials}
    source = "".join(path.read_text() for path in (ROOT / "tick_logger").rglob("*.py"))
    source += (CONFIG / "docker-compose.yml").read_text()
    for name in set(names) - long - set(SHORT_NAMES):
        assert name.removeprefix("COINBASE") in source, name


def test_each_key_is_named_beside_its_short_name() -> None:
    """The long one stands in the lines before."""
    known = _variables(())
    for short, path in SHORT_NAMES.items():
        (long,) = (
            name for name, (at, _) in known.items() if at == path and name not in SHORT_NAMES
        )
        before = EXAMPLE.read_text().partition(f"#{short}=")[0] if short in GIVEN else long
        assert long in before


def test_without_its_comment_signs_it_gives_a_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every value in it is a good one."""
    for name, value in LINES:
        monkeypatch.setenv(name, value)
    config = load_config(None, str(tmp_path))
    assert config.logger.log_retention_days == int(GIVEN["LOG_RETENTION_DAYS"])
    assert config.http.port == int(GIVEN["METRICS_PORT"])
    assert config.archive.server_name == GIVEN["HOME_SERVER_NAME"]
    assert config.archive.s3.bucket == GIVEN["BUCKET_NAME"]
    assert config.archive.rotate_secs == int(GIVEN["ARCHIVE_INTERVAL_SECS"])


def test_a_copy_of_it_serves_the_containers_and_the_unit() -> None:
    """Where there is one."""
    compose = (CONFIG / "docker-compose.yml").read_text()
    assert "env_file: [{path: .env, required: false}]" in compose
    unit = (CONFIG / "systemd" / "tick_logger.service").read_text()
    assert "EnvironmentFile=-/etc/tick_logger/environment" in unit
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()
