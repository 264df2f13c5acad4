"""The command line: reads arguments, starts one thing, and returns its exit code.

Everything heavy is imported by the command that needs it, so that `--help` answers quickly.  What
is wrong with arguments or configuration is said in full, calmly, on standard error, with exit
code 2, before anything was touched.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cyclopts

from tick_logger import __version__
from tick_logger.errors import ConfigError, StorageError, leaves

if TYPE_CHECKING:
    from tick_logger.config.schema import Config
    from tick_logger.verify.report import Report

EXIT_CLEAN, EXIT_FOUND, EXIT_USAGE, EXIT_STORAGE, EXIT_INTERRUPTED = 0, 1, 2, 3, 130

app = cyclopts.App(
    name="tick_logger",
    help="Record live crypto-market data into column files, with every hole written down.",
    help_format="plaintext",
    version=__version__,
    exit_on_error=False,
    print_error=False,
    suppress_keyboard_interrupt=False,
    result_action="return_value",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code.  `arguments` are those of the process if None."""
    try:
        code: int | None = app(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
        return code or EXIT_CLEAN
    except cyclopts.UnusedCliTokensError as error:
        extra = " ".join(error.unused_tokens or ())
        return _refuse([("usage", f"unexpected: {extra}"), ("help", "tick_logger --help")])
    except cyclopts.CycloptsError as error:
        return _refuse([("usage", str(error)), ("help", "tick_logger --help")])
    except ConfigError as error:
        return _refuse(error.problems)
    except StorageError as error:
        _complain(f"tick_logger: {error}")
        return EXIT_STORAGE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BaseExceptionGroup as group:
        problems = [each.problems for each in leaves(group) if isinstance(each, ConfigError)]
        if len(problems) == len(leaves(group)):
            return _refuse([problem for some in problems for problem in some])
        if not all(isinstance(error, KeyboardInterrupt) for error in leaves(group)):
            raise
        return EXIT_INTERRUPTED  # before the recording listens for signals, or after
    except BrokenPipeError:  # whoever read our output has had enough of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FOUND


@app.default
def record_command(
    *, config: Path | None = None, data_path: str | None = None, accept_damage: bool = False
) -> int:
    """Record until SIGINT or SIGTERM, then flush everything.

    Parameters
    ----------
    config
        TOML file; only the exchanges that it names are recorded. Without it, the default ones.
    data_path
        Directory to record into, instead of the configured one.
    accept_damage
        Go on although something that was safe on disk is damaged; copies are kept.
    """
    load = partial(_load, config, data_path)
    return _record(load, accept_damage=accept_damage)


@app.command(name="demo")
def demo_command(
    *, data_path: str | None = None, duration: float | None = None, rate: float = 200.0
) -> int:
    """Record from simulated exchanges on this machine; no network is needed.

    Parameters
    ----------
    data_path
        Directory to record into; a new one is made if it is left out.
    duration
        Seconds to record; until Ctrl-C if it is left out.
    rate
        Messages per second, all exchanges together.
    """
    from tick_logger.config.rules import text

    _require(
        _positive("--duration", duration),
        _positive("--rate", rate),
        None if data_path is None else _problem("--data-path", text(data_path)),
    )
    import trio

    from tick_logger.cli.demo import run_demo
    from tick_logger.cli.presenter import presenter
    from tick_logger.config.schema import LoggerConfig

    with presenter(LoggerConfig()) as show:
        return trio.run(
            partial(run_demo, data_path=data_path, duration_secs=duration, rate=rate, show=show)
        )


@app.command(name="simulate")
def simulate_command(
    exchange: str,
    /,
    *,
    port: int = 0,
    rate: float = 200.0,
    symbols: Annotated[list[str] | None, cyclopts.Parameter(negative="")] = None,
) -> int:
    """Run one simulated exchange on this machine, until Ctrl-C.

    Parameters
    ----------
    exchange
        Its name.
    port
        Port of 127.0.0.1 to listen on; any free one if it is 0.
    rate
        Messages per second, if everything is subscribed.
    symbols
        What it lists, one symbol for each time the option is given.
    """
    in_range = 0 <= port <= 65_535
    _require(
        None if in_range else ("--port", f"must be between 0 and 65535, not {port}"),
        _positive("--rate", rate),
    )
    import trio

    from tick_logger.cli.demo import run_simulated

    return trio.run(partial(run_simulated, exchange, port=port, rate=rate, symbols=symbols))


@app.command(name="check-config")
def check_config_command(file: Path, /) -> int:
    """Print the effective configuration, with the environment applied, or all its errors.

    Parameters
    ----------
    file
        TOML file.
    """
    from tick_logger.config.printing import render

    sys.stdout.write(render(_load(file, None)))
    return EXIT_CLEAN


@app.command(name="verify")
def verify_command(directory: Path, /, *, json: bool = False, deep: bool = False) -> int:
    """Check every promise about the files in a directory; exit code 0 only if all hold.

    Parameters
    ----------
    directory
        What was recorded into.
    json
        Print one JSON object instead of lines.
    deep
        Also replay the journal, and compare every byte that it gives with the files.
    """
    _require_directory(directory)
    from tick_logger.storage.files import DiskFiles
    from tick_logger.telemetry.logs import harmless
    from tick_logger.verify.recording import verify_recording

    try:
        report = verify_recording(DiskFiles(str(directory)), deep=deep, on_progress=_progress)
    except OSError as error:
        raise StorageError(f"{directory} cannot be checked: {error}") from error
    finally:
        _progress_is_over()
    if json:
        sys.stdout.write(report.to_json() + "\n")
    else:
        lines = [*map(str, report.findings), *(f"note: {note}" for note in report.notes)]
        sys.stdout.writelines(f"{harmless(line)}\n" for line in lines)
        sys.stdout.write(_totals(report) + "\n")
    return EXIT_CLEAN if report.ok and report.table_days else EXIT_FOUND


@app.command(name="symbols")
def symbols_command(
    name: str = "",
    /,
    *,
    related: str = "",
    data_path: str | None = None,
    config: Path | None = None,
    json: bool = False,
) -> int:
    """Show what a name such as BTC-USD is called on each exchange, as recorded.

    Parameters
    ----------
    name
        A normal name, or a symbol as an exchange spells it.
    related
        Instead of a name: a base such as BTC, of which everything is shown.
    data_path
        Directory that was recorded into, instead of the configured one.
    config
        TOML file.
    json
        Print one JSON object instead of tables.
    """
    one = bool(name) != bool(related)
    _require(None if one else ("symbols", "give either a name or --related, and not both"))
    from tick_logger.cli.symbols import show_symbols
    from tick_logger.config.symbols import load_symbol_rules
    from tick_logger.exchanges import registry
    from tick_logger.storage.files import DiskFiles

    logger = _load(config, data_path).logger
    rules = load_symbol_rules(logger.symbol_mappings, registry.available())
    files = DiskFiles(logger.data_path)
    return show_symbols(files, logger.data_path, rules, name, related, as_json=json)


@app.command(name="recover")
def recover_command(directory: Path, /, *, accept_damage: bool = False) -> int:
    """Bring a directory up to date after a crash, without recording; a start does the same.

    Parameters
    ----------
    directory
        What was recorded into.
    accept_damage
        Go on although something that was safe on disk is damaged; copies are kept.
    """
    _require_directory(directory)
    from tick_logger.clock import SystemClock
    from tick_logger.derive.recovery import recover_directory
    from tick_logger.storage.files import DiskFiles

    try:
        found = recover_directory(
            DiskFiles(str(directory)),
            str(directory),
            SystemClock().now_ns(),
            accept_damage=accept_damage,
            on_progress=lambda messages, _share: _progress(messages),
        )
    finally:
        _progress_is_over()
    sys.stdout.writelines(f"{finding}\n" for finding in found.findings)
    derivation = found.derivation
    if derivation.failures:
        what = "batches cannot be decoded any more, and stay in the journal"
        sys.stdout.write(f"{derivation.failures:,} {what}: {derivation.first_failure}\n")
    sys.stdout.write(
        f"recovered {found.rows:,} rows from {found.messages:,} messages in the journal; "
        f"{found.torn_bytes:,} bytes at its end were torn\n"
    )
    return EXIT_CLEAN


# -- what the commands share ----------------------------------------------------------------------


def _record(load: Callable[[], Config], *, accept_damage: bool) -> int:
    import trio

    from tick_logger.app import record
    from tick_logger.cli.presenter import presenter
    from tick_logger.cli.tuning import tune_interpreter

    config = load()
    tune_interpreter()
    with presenter(config.logger, load) as show:
        return trio.run(partial(record, config, accept_damage=accept_damage, show=show))


def _load(path: Path | None, data_path: str | None) -> Config:
    from tick_logger.config.load import load
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
    return load(path, os.environ, venues, data_path)


def _totals(report: Report) -> str:
    if report.ok and not report.table_days:
        return "nothing is recorded here"
    count = len(report.findings)
    outcome = "all promises hold" if report.ok else f"{count:,} finding{'s' if count > 1 else ''}"
    return (
        f"{outcome}: {report.rows:,} rows in {report.table_days:,} table-days"
        f" of {report.symbols:,} symbols and {report.exchanges:,} exchanges"
    )


def _require_directory(directory: Path) -> None:
    if not directory.is_dir():
        raise ConfigError([(str(directory), "there is no such directory")])


def _progress(messages: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{messages:,} messages replayed\x1b[K")


def _progress_is_over() -> None:
    """Leave the line to what is said next."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")


def _positive(name: str, value: float | None) -> tuple[str, str] | None:
    if value is None or (math.isfinite(value) and value > 0):
        return None
    return name, f"must be a number above zero, not {value:g}"


def _problem(name: str, reason: str | None) -> tuple[str, str] | None:
    return None if reason is None else (name, reason)


def _require(*problems: tuple[str, str] | None) -> None:
    found = [problem for problem in problems if problem is not None]
    if found:
        raise ConfigError(found)


def _refuse(problems: Sequence[tuple[str, str]]) -> int:
    _complain("tick_logger did not start:")
    for path, reason in problems:
        _complain(f"  {path}: {reason}")
    return EXIT_USAGE


def _complain(line: str) -> None:
    sys.stderr.write(line + "\n")
