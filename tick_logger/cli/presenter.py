"""Logging, the view, and reloading: what stands between a running recorder and its user."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator

import attrs
import trio
from rich.console import Console

from tick_logger.app import Service
from tick_logger.config.schema import Config, LoggerConfig
from tick_logger.ops.systemd import Supervision, Supervisor
from tick_logger.ops.terminal.display import present
from tick_logger.reload import Reloader
from tick_logger.telemetry.levels import Levels
from tick_logger.telemetry.log_files import LogFile
from tick_logger.telemetry.logs import Logs, configure


@attrs.frozen
class View:
    """How a run shows itself; `load` reads its configuration again, None: nothing is reloaded."""

    logs: Logs
    console: Console
    load: Callable[[], Config] | None

    def lines_left_out(self) -> int:
        """How many log lines were written nowhere, because there were too many of a kind."""
        return self.logs.lines_left_out

    def set_levels(self, config: LoggerConfig) -> None:
        """From now on lines are as important as this configuration says."""
        self.logs.set_levels(_levels(config))

    async def show(self, service: Service) -> None:
        """Show a service, reload it, and tell the service manager of it, until cancelled."""
        started_with, self.logs.pair_of = service.started_with, service.pairs.name
        places = {"data path": started_with.logger.data_path}
        if service.watch.address:
            places["status page"] = service.watch.address
        async with trio.open_nursery() as nursery:
            if self.load is not None:
                reloader = Reloader(started_with, self.load, service.venues, self.set_levels)
                nursery.start_soon(reloader.run)
                nursery.start_soon(_supervision(service).run)
            await present(service.snapshot, console=self.console, logs=self.logs, places=places)


@contextlib.contextmanager
def presenter(config: LoggerConfig, load: Callable[[], Config] | None = None) -> Iterator[View]:
    """Set up logging for one run, and its view; `load` reads the run's configuration."""
    file = LogFile(config.log_file, config.log_retention_days) if config.log_file else None
    logs = configure(_levels(config), style=config.log_stderr, file=file)
    try:
        yield View(logs, Console(), load)
    finally:
        logs.close()


def _levels(config: LoggerConfig) -> Levels:
    filed = config.log_file_level
    return Levels(
        config.log_level, config.log_level if filed == "same" else filed, config.log_levels
    )


def _supervision(service: Service) -> Supervision:
    def describe() -> str:
        total = service.snapshot().total
        up = f"{total.connections_up} of {total.connections_wanted} connections"
        return f"{total.rows:,} rows of {total.symbols:,} symbols; {up}; {total.gaps:,} gaps"

    supervisor = Supervisor(os.environ, os.getpid())
    return Supervision(supervisor, lambda: service.journal_attempts, service.stopping, describe)
