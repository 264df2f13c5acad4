"""The demo: the unchanged service, recording from simulated exchanges on loopback.

Each simulated exchange has its own port of 127.0.0.1, chosen by the system; nothing leaves the
machine.  Also here: running one simulated exchange for somebody else's program.
"""

from __future__ import annotations

import itertools
import os
import shlex
import signal
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import trio

from tick_logger import exit_codes
from tick_logger.app import record
from tick_logger.cli.presenter import View
from tick_logger.cli.typed import as_typed
from tick_logger.clock import SystemClock
from tick_logger.config.rules import hint, listed
from tick_logger.config.schema import Config, ExchangeConfig, HttpConfig, LoggerConfig
from tick_logger.errors import ConfigError, words_of
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import Exchange
from tick_logger.simulator.exchange import Settings, SimulatedExchange
from tick_logger.simulator.registry import DIALECTS

DIRECTORY = "data-demo"
TRUTH_KEPT = 1000  # trades per symbol that a simulated exchange remembers: nobody asks for them
MOST_DIRECTORIES = 1000  # of earlier demos in one place, before a temporary one is taken


async def run_demo(
    *,
    data_path: str | None,
    duration_secs: float | None,
    rate: float,
    view: View,
) -> int:
    """Record every simulated exchange until a signal or for so long; returns the exit code.

    `rate` is in messages per second over all exchanges.  Without `data_path` a fresh directory is
    made, here or, where that is not possible, in the temporary directory.
    """
    root = Path(data_path) if data_path is not None else fresh_directory(Path.cwd())
    names = [name for name in registry.available() if name in DIALECTS]
    until = "until Ctrl-C" if duration_secs is None else f"for {duration_secs:g} s"
    _say(f"Simulating {listed(names)} on this machine; recording into {root} {until}.")
    async with trio.open_nursery() as nursery:
        exchanges = {}
        for seed, name in enumerate(names):
            simulated = SimulatedExchange(
                name,
                messages_per_second=rate / len(names),
                clock=SystemClock(),
                seed=seed,
                settings=Settings(truth_trades_per_symbol=TRUTH_KEPT),
            )
            port = await nursery.start(simulated.run)
            exchanges[name] = _pointed_at(port, registry.get(name))
        config = Config(
            logger=LoggerConfig(data_path=str(root)),
            http=HttpConfig(port=0),  # beside a real recorder its usual port would be taken
            exchanges=exchanges,
        )
        code = await record(
            config,
            stop_after_secs=duration_secs,
            show=view.show,
            lines_left_out=view.lines_left_out,
        )
        nursery.cancel_scope.cancel("the recording has ended")
    if any(root.glob("*/*")):
        _say(f"Recorded into {root}.  To check every file of it:")
        command = as_typed(os.environ, sys.orig_argv[0], sys.argv[0])
        _say(f"  {command} verify {shlex.quote(str(root))}")
    return code


async def run_simulated(name: str, *, port: int, rate: float, symbols: Sequence[str] | None) -> int:
    """Run one simulated exchange on loopback until SIGINT or SIGTERM; returns the exit code.

    Raises `ConfigError` if there is no such exchange or the port is taken.
    """
    if name not in DIALECTS:
        known = f"available: {listed(tuple(DIALECTS))}{hint(name, DIALECTS)}"
        raise ConfigError([("simulate", f"no exchange named {name} can be simulated; {known}")])
    simulated = SimulatedExchange(
        name,
        symbols=symbols,
        messages_per_second=rate,
        clock=SystemClock(),
        settings=Settings(truth_trades_per_symbol=TRUTH_KEPT),
    )
    try:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async with trio.open_nursery() as nursery:
                bound = await nursery.start(partial(simulated.run, port=port))
                at = f"127.0.0.1:{bound}"
                _say(f"Simulating {name}: ws://{at} and http://{at}, until Ctrl-C.")
                await anext(aiter(signals))
                nursery.cancel_scope.cancel("told to end")
    except* OSError as group:
        reason: BaseException = group
        while isinstance(reason, BaseExceptionGroup):  # one for each nursery on its way
            reason = reason.exceptions[0]
        raise ConfigError([("--port", f"cannot be listened on: {words_of(reason)}")]) from None
    return exit_codes.CLEAN


def fresh_directory(where: Path) -> Path:
    """A new directory for one demo: `data-demo`, `data-demo-2` and so on, or a temporary one."""
    for number in itertools.islice(itertools.count(1), MOST_DIRECTORIES):
        path = where / (DIRECTORY if number == 1 else f"{DIRECTORY}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        except OSError:
            break
        return path
    return Path(tempfile.mkdtemp(prefix=f"{DIRECTORY}-"))


def _pointed_at(port: int, exchange: Exchange) -> ExchangeConfig:
    return ExchangeConfig(
        ws_endpoint=f"ws://127.0.0.1:{port}{urlsplit(exchange.ws_endpoint).path}",
        rest_endpoint=f"http://127.0.0.1:{port}",
        feeds=tuple(sorted(exchange.feeds)),
    )


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
