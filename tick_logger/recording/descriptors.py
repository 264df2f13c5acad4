"""How many file descriptors a recorder needs, so that a small limit is said before it hurts.

Without enough of them connections and requests fail now and then, each with another error.  Column
files are the ones that can do with few: those that are not in use are closed.
"""

from __future__ import annotations

from tick_logger.config.schema import Config
from tick_logger.telemetry.logs import get_logger

OF_THE_PROGRAM = 48
"""Journal, lock, log, libraries, event loop, threads, names; and what is open for a moment."""

OF_HTTP = 72
"""As many connections as are let in at once, and what they read."""

OF_A_CONNECTION = 2
"""Itself, and the one that is opened to take over from it."""

OF_COLUMNS = 32
"""Fewer work, and cost an opening for nearly every append."""


def needed_beside_columns(config: Config) -> int:
    """Descriptors of everything but column files, if all connections are used."""
    enabled = [each for each in config.exchanges.values() if each.enabled]
    connections = sum(each.max_connections for each in enabled)
    http = OF_HTTP if config.http.enabled else 0
    return OF_THE_PROGRAM + http + OF_A_CONNECTION * connections


def report_few(config: Config, limit: int) -> None:
    """Say so if there are fewer than may be needed."""
    needed = needed_beside_columns(config) + OF_COLUMNS
    if limit < needed:
        get_logger().warning(
            "few_open_files",
            limit=limit,
            needed=needed,
            explanation="connections and requests may fail; raise it: ulimit -n, or LimitNOFILE",
        )
