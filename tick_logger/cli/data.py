"""The commands that work on what was recorded: verify, symbols, recover.

Each returns its exit code, and imports what it needs when it is called.  None of them records.
"""

from __future__ import annotations

import sys
import time
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cyclopts

from tick_logger import exit_codes
from tick_logger.cli.arguments import ConfigFile, load_config, require
from tick_logger.errors import StorageError, words_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tick_logger.archive.released import Released
    from tick_logger.verify.report import Report


def verify_command(
    directory: Path,
    /,
    *,
    json: bool = False,
    deep: bool = False,
    key: Path | None = None,
    config: ConfigFile = None,
) -> int:
    """Check every promise about the files in a directory; exit code 0 only if all hold.

    While it is recorded, what is promised at each moment is checked. Every figure of the newest
    certificate of each day is found again in the files.

    Parameters
    ----------
    directory
        What was recorded into.
    json
        Print one JSON object instead of lines.
    deep
        Also replay the journal, and compare every byte that it gives with the files.
    key
        Each certificate must be signed with this key: a file with its public half, or with both.
    config
        TOML file, of which the key is taken if --key names none, and where the archive is; else it
        is looked for in the folder "archive" beside the directory.
    """
    from tick_logger.cli.certificates import add_certificates, ledger_of, public_key, released_by
    from tick_logger.cli.places import require_recording
    from tick_logger.telemetry.logs import harmless

    require_recording(directory)
    public, archive = public_key(key, config), ledger_of(directory, config)
    try:
        report = _verified(directory, lambda: released_by(directory, archive), deep=deep)
        add_certificates(report, directory, public, archive)
    except OSError as error:
        where = error.filename or directory
        raise StorageError(f"{where} cannot be checked: {words_of(error)}") from error
    finally:
        _progress_is_over()
    if json:
        sys.stdout.write(report.to_json() + "\n")
    else:
        lines = [*map(str, report.findings), *(f"note: {note}" for note in report.notes)]
        sys.stdout.writelines(f"{harmless(line)}\n" for line in lines)
        sys.stdout.write(_totals(report) + "\n")
    holds = report.ok and report.table_days and not report.not_compared
    return exit_codes.CLEAN if holds else exit_codes.FOUND


def _verified(directory: Path, released: Callable[[], Released], *, deep: bool) -> Report:
    """The report; made once more if somebody began to record meanwhile."""
    from tick_logger.storage.disk_files import DiskFiles, is_locked
    from tick_logger.storage.journal_layout import LOCK_PATH
    from tick_logger.verify.looks import WAIT_SECS
    from tick_logger.verify.recording import verify_recording

    files, lock = DiskFiles(str(directory)), directory / LOCK_PATH
    wait = partial(time.sleep, WAIT_SECS)

    released = cache(released)  # asked for each file that is gone

    def is_released(exchange: str, day: int) -> bool:
        return day in released().get(exchange, ())

    verify = partial(
        verify_recording, files, deep=deep, on_progress=_progress, is_released=is_released
    )
    if not is_locked(lock):
        report = verify()
        if report.ok or not is_locked(lock):
            return report
    return verify(wait=wait)


def symbols_command(
    name: str = "",
    /,
    *,
    related: str = "",
    data_path: str | None = None,
    config: ConfigFile = None,
    json: bool = False,
    online: Annotated[bool, cyclopts.Parameter(negative="")] = False,
) -> int:
    """Show what a name such as BTC-USD is called on each exchange, as recorded or as listed now.

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
    online
        Ask the exchanges now: all, or those of the TOML file.
    """
    one = bool(name) != bool(related)
    require(None if one else ("symbols", "give either a name or --related, and not both"))
    from tick_logger.cli.symbols import show_listed, show_symbols
    from tick_logger.config.symbols import load_symbol_rules
    from tick_logger.exchanges import registry
    from tick_logger.storage.disk_files import DiskFiles

    logger = load_config(config, data_path).logger
    rules = load_symbol_rules(logger.symbol_mappings, registry.available())
    if online:
        from tick_logger.cli.online import listed_now

        asked = listed_now(config, rules)
        return show_listed(asked.instruments, asked.failures, rules, name, related, as_json=json)
    files = DiskFiles(logger.data_path)
    return show_symbols(files, logger.data_path, rules, name, related, as_json=json)


def recover_command(
    directory: Path, /, *, accept_damage: bool = False, config: Path | None = None
) -> int:
    """Bring a directory up to date after a crash, without recording; a start does the same.

    Parameters
    ----------
    directory
        What was recorded into.
    accept_damage
        Go on although something that was safe on disk is damaged; copies are kept.
    config
        TOML file whose [archive] may have days of this recording.
    """
    from tick_logger.archive.keys import date_text
    from tick_logger.archiving import is_released
    from tick_logger.cli.places import require_recording
    from tick_logger.clock import SystemClock
    from tick_logger.derive.recovery import recover_directory
    from tick_logger.storage.disk_files import DiskFiles
    from tick_logger.storage.shared_memory import SharedMemory

    require_recording(directory)
    archive = load_config(config, str(directory)).archive
    try:
        found = recover_directory(
            DiskFiles(str(directory)),
            str(directory),
            SystemClock().now_ns(),
            accept_damage=accept_damage,
            on_progress=lambda messages, _share: _progress(messages),
            is_released=is_released(str(directory), archive),
            memory=SharedMemory(),
        )
    finally:
        _progress_is_over()
    sys.stdout.writelines(f"{finding}\n" for finding in found.findings)
    sys.stdout.writelines(
        f"{exchange} {date_text(day)}: released; the archive has it\n"
        for exchange, day in found.released
    )
    derivation = found.derivation
    decoder = derivation.decoder
    if decoder.failures:
        what = "batches cannot be decoded any more, and stay in the journal"
        sys.stdout.write(f"{decoder.failures:,} {what}: {decoder.first_failure}\n")
    sys.stdout.write(
        f"recovered {found.rows:,} rows from {found.messages:,} messages in the journal; "
        f"{found.torn_bytes:,} bytes at its end were torn\n"
    )
    return exit_codes.CLEAN


def _totals(report: Report) -> str:
    if report.ok and not report.table_days:
        return "nothing is recorded here" + (" yet" if report.live else "")
    count = len(report.findings)
    if not report.ok:
        outcome = f"{count:,} finding{'s' if count > 1 else ''}"
    elif report.not_compared:
        outcome = f"nothing was compared with the journal ({report.not_compared}); all else holds"
    else:
        outcome = "all promises hold"
    from tick_logger.model.stops import in_words

    holes = report.holes
    gaps = f"{holes.holes:,} gaps are recorded" if holes.holes else ""
    stops = in_words(holes.stopped_symbols, holes.stopped_secs, "up to ")
    meanwhile = "; it is being recorded, and was checked as far as it was then"
    return (
        f"{outcome}: {report.rows:,} rows in {report.table_days:,} table-days"
        f" of {report.symbols:,} symbols and {report.exchanges:,} exchanges"
        f"{''.join(f'; {each}' for each in (gaps, stops) if each)}"
        f"{meanwhile if report.live else ''}"
    )


def _progress(messages: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{messages:,} messages replayed\x1b[K")


def _progress_is_over() -> None:
    """Leave the line to what is said next."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
