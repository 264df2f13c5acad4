"""The command line: reads arguments, starts one thing, and returns its exit code.

Everything heavy is imported by the command that needs it, so that `--help` answers quickly.  What
is wrong with arguments or configuration is said in full, calmly, on standard error, with exit
code 2, before anything was touched.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cyclopts

from tick_logger import exit_codes
from tick_logger.cli import comparing, data, doctor
from tick_logger.cli.arguments import ConfigFile, load_config, positive, problem, require
from tick_logger.cli.backfilling import backfill_command
from tick_logger.cli.books import book_command
from tick_logger.cli.choosing import chosen
from tick_logger.cli.doubting import doubts_command
from tick_logger.cli.exporting import export_command
from tick_logger.cli.head import head_command
from tick_logger.cli.holes import gaps_command
from tick_logger.cli.inspecting import verify_archive_command
from tick_logger.cli.keeping import archive_command
from tick_logger.cli.keygen import keygen_command
from tick_logger.cli.listing import ls_command
from tick_logger.cli.reading import NotThereError, say
from tick_logger.cli.restoring import restore_command
from tick_logger.cli.viewing import view_command
from tick_logger.errors import ConfigError, StorageError, leaves
from tick_logger.version import __version__

if TYPE_CHECKING:
    from tick_logger.config.schema import Config

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
app.command(data.verify_command, name="verify")
app.command(data.symbols_command, name="symbols")
app.command(data.recover_command, name="recover")
app.command(backfill_command, name="backfill")
app.command(ls_command, name="ls")
app.command(gaps_command, name="gaps")
app.command(doubts_command, name="doubts")
app.command(view_command, name="view")
app.command(head_command, name="head")
app.command(export_command, name="export")
app.command(book_command, name="book")
app.command(comparing.compare_command, name="compare")
app.command(doctor.doctor_command, name="doctor")
archive_app = cyclopts.App(name="archive", help="Days that are over: certified and kept.")
archive_app.default(archive_command)
archive_app.command(keygen_command, name="keygen")
archive_app.command(verify_archive_command, name="verify")
archive_app.command(restore_command, name="restore")
app.command(archive_app)


DID_NOT_START = "tick_logger did not start:"
HEADLINES = {
    "check-config": "tick_logger would not start with this configuration:",
    "verify": "tick_logger has checked nothing:",
    "backfill": "tick_logger has asked for nothing:",
    "recover": "tick_logger has recovered nothing:",
    "compare": "tick_logger has compared nothing:",
    "doctor": "tick_logger has looked at nothing:",
    "symbols": "tick_logger cannot look that up:",
    "ls": "tick_logger cannot list that:",
    "gaps": "tick_logger cannot list that:",
    "doubts": "tick_logger cannot list that:",
    "view": "tick_logger cannot show that:",
    "head": "tick_logger cannot show that:",
    "book": "tick_logger cannot show that:",
    "export": "tick_logger has exported nothing:",
    "replay": "tick_logger cannot replay that:",
    "archive": "tick_logger has archived nothing:",
}
"""What stands above the problems, by command."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code.  `arguments` are those of the process if None."""
    words = sys.argv[1:] if arguments is None else arguments
    refuse = partial(_refuse, HEADLINES.get(words[0] if words else "", DID_NOT_START))
    try:
        code: int | None = app(words)
        sys.stdout.flush()
        return code or exit_codes.CLEAN
    except cyclopts.UnusedCliTokensError as error:
        return refuse([("usage", _unexpected(error)), ("help", "tick_logger --help")])
    except cyclopts.CycloptsError as error:
        return refuse([("usage", str(error)), ("help", "tick_logger --help")])
    except ConfigError as error:
        return refuse(error.problems)
    except NotThereError as error:
        say(str(error))
        return exit_codes.FOUND
    except StorageError as error:
        _complain(f"tick_logger: {error}")
        return exit_codes.STORAGE
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED
    except BaseExceptionGroup as group:
        problems = [each.problems for each in leaves(group) if isinstance(each, ConfigError)]
        if len(problems) == len(leaves(group)):
            return refuse([problem for some in problems for problem in some])
        if not all(isinstance(error, KeyboardInterrupt) for error in leaves(group)):
            raise
        return exit_codes.INTERRUPTED  # before the recording listens for signals, or after
    except BrokenPipeError:  # whoever read our output has had enough of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_codes.FOUND


@app.default
@app.command(name="record")
def record_command(
    *,
    config: ConfigFile = None,
    data_path: str | None = None,
    symbols: Annotated[list[str] | None, cyclopts.Parameter(negative="")] = None,
    feeds: Annotated[list[str] | None, cyclopts.Parameter(negative="")] = None,
    accept_damage: bool = False,
) -> int:
    """Record until SIGINT or SIGTERM, then flush everything.

    Parameters
    ----------
    config
        TOML file; only the exchanges that it names are recorded. Without one, the default ones.
    data_path
        Directory to record into, instead of the configured one.
    symbols
        Record these and no others: coinbase:BTC-USD,kraken:BTC/* or BTC-USD, wherever it is listed.
    feeds
        Record these, instead of the configured ones: ticker,trades,quotes,orderbook.
    accept_damage
        Go on although something that was safe on disk is damaged; copies are kept.
    """
    choice = chosen(config, symbols, feeds)
    load = partial(load_config, config, data_path, choice)
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

    require(
        positive("--duration", duration),
        positive("--rate", rate),
        None if data_path is None else problem("--data-path", text(data_path)),
    )
    import trio

    from tick_logger.cli.demo import run_demo
    from tick_logger.cli.presenter import presenter
    from tick_logger.config.schema import LoggerConfig

    with presenter(LoggerConfig()) as view:
        return trio.run(
            partial(run_demo, data_path=data_path, duration_secs=duration, rate=rate, view=view)
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
    require(_in_range(port), positive("--rate", rate))
    import trio

    from tick_logger.cli.demo import run_simulated

    return trio.run(partial(run_simulated, exchange, port=port, rate=rate, symbols=symbols))


@app.command(name="replay")
def replay_command(
    directory: str,
    exchange: str,
    /,
    *,
    port: int = 0,
    speed: str = "1",
    from_: Annotated[str, cyclopts.Parameter(name="--from")] = "",
) -> int:
    """Say again what an exchange said, to programs on this machine, until Ctrl-C.

    Parameters
    ----------
    directory
        What was recorded into; its journal is played. Or an archive, here or s3://bucket/prefix.
    exchange
        Its name.
    port
        Port of 127.0.0.1 to listen on; any free one if it is 0.
    speed
        How many times as fast as it was received; "max": as fast as clients read.
    from_
        From this moment on, such as 2026-11-29T10:00:00Z; from the beginning if it is left out.
    """
    from tick_logger.cli.places import is_archive_at, require_recording

    require(_in_range(port))
    if not is_archive_at(directory):
        require_recording(Path(directory))
    import trio

    from tick_logger.cli.replay import run_replay

    return trio.run(
        partial(run_replay, directory, exchange, port=port, speed=speed, from_time=from_)
    )


@app.command(name="check-config")
def check_config_command(file: ConfigFile = None, /, *, data_path: str | None = None) -> int:
    """Print the effective configuration, with the environment applied, or all its errors.

    Comments below it say which exchanges are asked with an API key, and which feeds cannot be on
    connections of their own.

    Parameters
    ----------
    file
        TOML file.
    data_path
        Directory to record into; whether this version can go on with it is looked at, too.
    """
    require(None if file else ("check-config", "give the TOML file, or name it in CONFIG_PATH"))
    from tick_logger.api_keys import in_words
    from tick_logger.config.printing import render
    from tick_logger.exchanges import registry
    from tick_logger.net.venue.lanes import kept_together

    config = load_config(file, data_path)
    if data_path is not None:
        _require_continuable(config)
    recorded = [name for name, exchange in config.exchanges.items() if exchange.enabled]
    said = [*in_words(recorded, os.environ)]
    for name in recorded:
        said += kept_together(registry.get(name), config.exchanges[name])
    sys.stdout.write(render(config) + "".join(f"\n# {each}\n" for each in said))
    return exit_codes.CLEAN


def _require_continuable(config: Config) -> None:
    from tick_logger.derive.directory import require_continuable
    from tick_logger.storage.disk_files import DiskFiles

    files = DiskFiles(config.logger.data_path, max_open=1)
    try:
        require_continuable(files, config.logger.price_dtype)
    except StorageError as error:
        raise ConfigError([("logger.data_path", str(error))]) from None
    finally:
        files.close()


def _in_range(port: int) -> tuple[str, str] | None:
    is_port = 0 <= port <= 65_535
    return None if is_port else ("--port", f"must be between 0 and 65535, not {port}")


def _record(load: Callable[[], Config], *, accept_damage: bool) -> int:
    import trio

    from tick_logger.app import record
    from tick_logger.cli.presenter import presenter
    from tick_logger.cli.tuning import tune_interpreter

    config = load()
    tune_interpreter()
    with presenter(config.logger, load) as view:
        return trio.run(
            partial(
                record,
                config,
                accept_damage=accept_damage,
                show=view.show,
                lines_left_out=view.lines_left_out,
            )
        )


def _unexpected(error: cyclopts.UnusedCliTokensError) -> str:
    """Words that no command takes; where one should be the command itself, the nearest ones."""
    words = error.unused_tokens or ()
    said = f"unexpected: {' '.join(words)}"
    if error.command_chain or not words:
        return said
    commands = sorted(name for name in app if not name.startswith("-"))
    begun = [name for name in commands if name.startswith(words[0])]
    near = begun or difflib.get_close_matches(words[0], commands)
    if near:
        return f"{said}; did you mean {' or '.join(near)}?"
    return f"{said}; there are the commands {', '.join(commands)}"


def _refuse(headline: str, problems: Sequence[tuple[str, str]]) -> int:
    _complain(headline)
    for path, reason in problems:
        _complain(f"  {path}: {reason}")
    return exit_codes.USAGE


def _complain(line: str) -> None:
    sys.stderr.write(line + "\n")
