"""How many file descriptors a recorder needs, so that a small limit is said before it hurts.

Without enough of them connections and requests fail now and then, each with another error.  Column
files are the ones that can do with few: those that are not in use are closed.
"""

from __future__ import annotations

from tick_logger.config.schema import Config
from tick_logger.errors import ConfigError
from tick_logger.telemetry.logs import get_logger

OF_THE_PROGRAM = 48
"""Journal, lock, log, libraries, event loop, threads, names; and what is open for a moment."""

OF_HTTP = 72
"""As many connections as are let in at once, and what they read."""

OF_A_CONNECTION = 2
"""Itself, and the one that is opened to take over from it."""

OF_COLUMNS = 32
"""Fewer work, and cost an opening for nearly every append."""


LEAST_OF_COLUMNS = 8
"""With fewer, a flush could not even look at what it has to write."""


def least_needed(config: Config) -> int:
    """Descriptors without which nothing could be recorded: one connection of each exchange."""
    enabled = [each for each in config.exchanges.values() if each.enabled]
    return OF_THE_PROGRAM + OF_A_CONNECTION * len(enabled) + LEAST_OF_COLUMNS


def needed_beside_columns(config: Config) -> int:
    """Descriptors of everything but column files, if all connections are used."""
    enabled = [each for each in config.exchanges.values() if each.enabled]
    connections = sum(each.max_connections for each in enabled)
    http = OF_HTTP if config.http.enabled else 0
    return OF_THE_PROGRAM + http + OF_A_CONNECTION * connections


def report_few(config: Config, limit: int) -> None:
    """Say so if there are fewer than may be needed.

    Raises `ConfigError` if nothing can be recorded with so few, which would end with an error of
    whatever comes first.
    """
    needed, least = needed_beside_columns(config) + OF_COLUMNS, least_needed(config)
    if limit < least:
        reason = (
            f"{limit} are too few to record anything: {least} are needed at least, and {needed} "
            "for everything that is configured; raise it: ulimit -n, or LimitNOFILE"
        )
        raise ConfigError([("limit of open files", reason)])
    if limit < needed:
        get_logger().warning(
            "few_open_files",
            limit=limit,
            needed=needed,
            explanation="connections and requests may fail; raise it: ulimit -n, or LimitNOFILE",
        )
