"""Who reads the environment is asked what for: the example names all of it."""

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


def test_the_example_names_whatever_is_read() -> None:
    """In a line of its own, or beside the name that means the same."""
    text = (CONFIG / ".env.example").read_text()
    read = of_readers() | {name for _, name in spelled()}
    assert {name for name in read - OF_OTHERS if not re.search(rf"\b{name}\b", text)} == set()
