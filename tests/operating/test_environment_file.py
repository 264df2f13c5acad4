"""The example of an environment: it names what is read, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.operating.operations import CONFIG, ROOT
from tick_logger import api_keys
from tick_logger.archive.bucket import Credentials
from tick_logger.config.environ import override
from tick_logger.errors import ConfigError
from tick_logger.exchanges import registry
from tick_logger.reader.bucket_tree import bucket_tree

NAME = r"[A-Z][A-Z0-9_]*[A-Z0-9]"
OF_OTHERS = {"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "PATH", "TICK_LOGGER_COMMAND"}
"""What the service manager, the shell and our own scripts set; no user does."""

SHOWN = {"TICK_LOGGER__HTTP__TOKEN"}
"""Of the keys of the configuration, only the secret one."""


class Asked(dict[str, str]):
    """An environment that remembers what it was asked for."""

    def __init__(self, **given: str) -> None:
        super().__init__(given)
        self.names: set[str] = set()

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]
        """As ever."""
        self.names.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return super().__getitem__(name)


def of_readers() -> set[str]:
    """What those ask for who are handed the environment."""
    environ = Asked()
    for name in registry.available():
        api_keys.signer_of(registry.get(name), environ)
    with pytest.raises(ConfigError):
        Credentials.of(environ)
    override({}, environ, ())
    with_keys = Asked(AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b")
    bucket_tree("bucket", with_keys)
    return environ.names | with_keys.names


def spelled() -> Iterator[tuple[Path, str]]:
    """Names that stand in the sources right where the environment is read."""
    for path in (ROOT / "tick_logger").rglob("*.py"):
        for name in re.findall(
            rf'(?:env_var=|environ(?:\.get\(|\[)\s*)"({NAME})"', path.read_text()
        ):
            yield path, name
    for path in CONFIG.glob("docker-compose*.yml"):
        for name in re.findall(rf"\$\{{({NAME})", path.read_text()):
            yield path, name


def test_the_example_names_what_is_read() -> None:
    """Each once, whether or not its line is a comment; what is new has to be written down."""
    lines = (CONFIG / ".env.example").read_text().splitlines()
    named = [found[1] for line in lines if (found := re.match(rf"(?:# )?({NAME})=", line))]
    read = of_readers() | {name for _, name in spelled()}
    assert len(named) == len(set(named))
    assert set(named) == (read - OF_OTHERS) | SHOWN


def test_the_example_changes_nothing_by_itself() -> None:
    """Copied as it is, it gives no key, and no password."""
    lines = (CONFIG / ".env.example").read_text().splitlines()
    given = [line for line in lines if line and not line.startswith("#")]
    assert given == ["GRAFANA_PASSWORD="]


def test_containers_read_the_file_that_the_example_becomes() -> None:
    """If it is there; and it is never part of the repository or of the image."""
    assert (
        "env_file: [{path: .env, required: false}]" in (CONFIG / "docker-compose.yml").read_text()
    )
    assert "/config/.env" in (ROOT / ".gitignore").read_text().splitlines()
