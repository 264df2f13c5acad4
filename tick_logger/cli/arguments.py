"""What commands share: checks of their arguments, and the configuration that they name.

Whatever is wrong is raised as one `ConfigError`, before anything is touched.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import cyclopts

from tick_logger.errors import ConfigError

if TYPE_CHECKING:
    from tick_logger.config.chosen import Chosen
    from tick_logger.config.schema import Config


def _path(_kind: object, tokens: Sequence[cyclopts.Token]) -> Path | None:
    """That of a file; an empty variable of the environment names none."""
    (token,) = tokens
    return Path(token.value) if token.value or token.source != "env" else None


ConfigFile: TypeAlias = Annotated[
    Path | None, cyclopts.Parameter(env_var="CONFIG_PATH", converter=_path)
]
"""The file that an argument names, or else a variable of the environment; or none."""


def load_config(path: Path | None, data_path: str | None, chosen: Chosen | None = None) -> Config:
    """The configuration of a file, or the built-in one, with the environment applied."""
    from tick_logger.config.load import load
    from tick_logger.config.places import with_lines
    from tick_logger.config.schema import VenueDefaults
    from tick_logger.exchanges import registry

    venues = {}
    for name in registry.available():
        exchange = registry.get(name)
        venues[name] = VenueDefaults(
            exchange.ws_endpoint,
            exchange.rest_endpoint,
            exchange.feeds,
            exchange.profile.connects_per_second,
            exchange.profile.subscriptions_per_connection,
            exchange.recorded_by_default,
        )
    try:
        return load(path, os.environ, venues, data_path, chosen)
    except ConfigError as error:
        text = ""
        if path is not None:
            with contextlib.suppress(OSError, UnicodeDecodeError):
                text = path.read_text(encoding="utf-8-sig")
        raise ConfigError(with_lines(error.problems, text)) from None


def positive(name: str, value: float | None) -> tuple[str, str] | None:
    """What is wrong with a number that must be above zero; it may be left out."""
    if value is None or (math.isfinite(value) and value > 0):
        return None
    return name, f"must be a number above zero, not {value:g}"


def problem(name: str, reason: str | None) -> tuple[str, str] | None:
    """A problem of this argument, if there is a reason."""
    return None if reason is None else (name, reason)


def require(*problems: tuple[str, str] | None) -> None:
    """Refuse the arguments if anything is wrong with them, all of it at once."""
    found = [each for each in problems if each is not None]
    if found:
        raise ConfigError(found)
