"""Logging, the view, and reloading: what stands between a running recorder and its user."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Awaitable, Callable, Iterator

import trio
from rich.console import Console

from tick_logger.app import Service
from tick_logger.config.schema import Config, LoggerConfig
from tick_logger.ops.systemd import Supervision, Supervisor
from tick_logger.ops.terminal.display import present
from tick_logger.reload import Reloader
from tick_logger.telemetry.log_files import LogFile
from tick_logger.telemetry.logs import configure


@contextlib.contextmanager
def presenter(
    config: LoggerConfig, load: Callable[[], Config] | None = None
) -> Iterator[Callable[[Service], Awaitable[None]]]:
    """Set up logging, and say how a running service shows itself; `load` reads its configuration.

    Without `load` there is nothing to reload.
    """
    file = LogFile(config.log_file, config.log_retention_days) if config.log_file else None
    logs, console = configure(config.log_level, file=file), Console()

    async def show(service: Service) -> None:
        service.watch.lines_left_out = lambda: logs.lines_left_out
        places = {"data path": service.config.logger.data_path}
        if service.watch.address:
            places["status page"] = service.watch.address
        async with trio.open_nursery() as nursery:
            if load is not None:
                reloader = Reloader(service.config, load, service.venues, logs.set_level)
                nursery.start_soon(reloader.run)
                nursery.start_soon(_supervision(service).run)
            await present(service.snapshot, console=console, logs=logs, places=places)

    try:
        yield show
    finally:
        logs.close()


def _supervision(service: Service) -> Supervision:
    def describe() -> str:
        total = service.snapshot().total
        up = f"{total.connections_up} of {total.connections_wanted} connections"
        return f"{total.rows:,} rows of {total.symbols:,} symbols; {up}; {total.gaps:,} gaps"

    supervisor = Supervisor(os.environ, os.getpid())
    return Supervision(supervisor, lambda: service.journal_attempts, service.stopping, describe)
