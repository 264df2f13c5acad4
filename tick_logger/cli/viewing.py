"""The command `view`: the status page over a recording at rest, or beside one that grows.

It only reads, needs no configuration, and listens on this machine alone.
"""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

from tick_logger import exit_codes
from tick_logger.cli.arguments import require
from tick_logger.errors import ConfigError
from tick_logger.version import __version__

HOST = "127.0.0.1"


def view_command(directory: Path, /, *, port: int = 0) -> int:
    """Show a recording in the browser: its days, symbols, prices and holes; until Ctrl-C.

    Parameters
    ----------
    directory
        What was recorded into; a recorder may be at work in it.
    port
        Port of 127.0.0.1 to listen on; any free one if it is 0.
    """
    in_range = 0 <= port <= 65_535
    require(None if in_range else ("--port", f"must be between 0 and 65535, not {port}"))
    import trio

    from tick_logger.cli.reading import opened, reading

    with reading(directory):
        opened(directory)
    return trio.run(show, directory, port)


async def show(directory: Path, port: int) -> int:
    """Serve until SIGINT or SIGTERM; raises `ConfigError` if the port is taken."""
    import trio

    from tick_logger.ops.web.guard import Door
    from tick_logger.ops.web.host_names import HostNames
    from tick_logger.ops.web.serving import address_of, listen, serve
    from tick_logger.ops.web.viewing import Shown, viewing
    from tick_logger.reader.looking_back import LookingBack

    try:
        listeners = await listen(HOST, port)
    except ConfigError as error:
        reasons = (reason.partition(";")[0] for _, reason in error.problems)
        hint = "--port 0 takes any free one"
        raise ConfigError([("--port", f"{reason}; {hint}") for reason in reasons]) from None
    door = Door(names=HostNames([HOST]))
    past = LookingBack(directory, time.time_ns)
    surface = viewing(past, Shown(str(directory), __version__), door)
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve, surface, listeners)
            sys.stdout.write(f"Showing {directory}: {address_of(listeners[0])}/ until Ctrl-C.\n")
            sys.stdout.flush()
            await anext(aiter(signals))
            nursery.cancel_scope.cancel("told to end")
    return exit_codes.CLEAN
