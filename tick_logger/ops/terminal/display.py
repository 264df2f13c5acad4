"""How a recording shows itself while it runs: the live view on a terminal, a summary elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rich.console import Console

from tick_logger.ops.status.snapshot import Snapshot
from tick_logger.ops.terminal.summary import run_summary
from tick_logger.ops.terminal.view import run_view
from tick_logger.telemetry.logs import Logs


async def present(
    snapshot_source: Callable[[], Snapshot],
    *,
    console: Console,
    logs: Logs,
    places: Mapping[str, str],
) -> None:
    """Run the view if the console is a terminal, else the summary, until cancelled.

    A terminal that cannot move its cursor shows nothing of a view until that ends: it gets lines.

    While the view has the terminal, log lines meant for the same terminal stay away from it; the
    newest warnings stand below its table.
    """
    if not console.is_terminal or console.is_dumb_terminal:
        await run_summary(snapshot_source)
        return
    with logs.hushed():
        await run_view(snapshot_source, console=console, places=places, warnings=logs.warnings)
