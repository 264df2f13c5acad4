"""The command `archive`: seals and keeps what lies in a directory, while nothing records there."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cyclopts

from tick_logger import exit_codes
from tick_logger.cli.arguments import ConfigFile, load_config, require

if TYPE_CHECKING:
    from tick_logger.archive.archiver import Archiver
    from tick_logger.config.schema import Config


def archive_command(
    directory: Path,
    /,
    *,
    config: ConfigFile = None,
    once: Annotated[bool, cyclopts.Parameter(negative="")] = False,
    dry_run: Annotated[bool, cyclopts.Parameter(negative="")] = False,
) -> int:
    """Seal, certify, pack, send and let go of days in a directory in which nothing records.

    What is done is what a recorder does whose configuration has [archive]; where one records, this
    refuses.  Exit code 1 if something is not verified where it is to be.

    Parameters
    ----------
    directory
        What was recorded into.
    config
        TOML file, with a section [archive].
    once
        End when all is done that can be done now, as for cron; else at Ctrl-C.
    dry_run
        Say what would be sent and what would go, and do nothing.
    """
    from tick_logger.cli.places import require_recording

    require_recording(directory)
    chosen = load_config(config, str(directory))
    is_on = chosen.archive.mode != "off"
    require(None if is_on else ("archive.mode", 'is "off": name a file with another one'))
    import os

    import trio

    from tick_logger.archiving import check
    from tick_logger.telemetry.levels import Levels
    from tick_logger.telemetry.logs import configure

    if dry_run:
        return _dry_run(chosen)
    check(chosen.archive, os.environ)
    logs = configure(Levels())
    try:
        return trio.run(_keep_once if once else _keep_on, chosen)
    finally:
        logs.close()


async def _keep_once(chosen: Config) -> int:
    """Seal what is due, as a recorder does, and then let the archive do all that it can now."""
    from tick_logger.app import Ports
    from tick_logger.archiving import Written, open_archiver
    from tick_logger.cli.sealing_at_rest import is_due, seal
    from tick_logger.clock import SystemClock
    from tick_logger.derive.directory import take_directory
    from tick_logger.offload import ThreadOffload
    from tick_logger.storage.disk_files import DiskFiles
    from tick_logger.telemetry.archive_metrics import ArchiveMetrics

    clock, path = SystemClock(), chosen.logger.data_path
    code = exit_codes.CLEAN
    with closing(DiskFiles(path)) as files:
        take_directory(files, path)  # before anything is looked at: somebody may record there
        due = is_due(chosen, files, clock.now_ns())
    if due:
        code = (await seal(chosen, Ports(), once=True)).exit_code
    metrics = ArchiveMetrics.unserved()
    with closing(DiskFiles(path)) as files:
        take_directory(files, path)
        written = Written(files, ThreadOffload())
        async with open_archiver(chosen, written, clock, metrics) as archiver:
            assert archiver is not None, "the mode was looked at before"
            await archiver.cycle()
            return code or _told(archiver)


async def _keep_on(chosen: Config) -> int:
    """The same, day after day, until a signal."""
    from tick_logger.app import Ports
    from tick_logger.cli.sealing_at_rest import seal

    done = await seal(chosen, Ports(), once=False)
    archiver = done.keeping.archiver
    assert archiver is not None, "the mode was looked at before"
    return done.exit_code or _told(archiver)


def _told(archiver: Archiver) -> int:
    """Say how far it is."""
    progress = archiver.progress
    for place, size in sorted(progress.kept_bytes.items()):
        sys.stdout.write(f"{place}: {size:,} bytes verified\n")
    for about, reason in sorted(progress.troubles.items()):
        sys.stdout.write(f"{about}: {reason}\n")
    waiting = f"{progress.waiting:,} objects wait ({progress.waiting_bytes:,} bytes)"
    sys.stdout.write(f"{waiting if progress.waiting else 'everything is verified'}\n")
    bad = progress.waiting or progress.troubles
    return exit_codes.FOUND if bad else exit_codes.CLEAN


def _dry_run(chosen: Config) -> int:
    from tick_logger.archive.ledger import Ledger
    from tick_logger.archive.retention import Retention
    from tick_logger.archive.transfer import due
    from tick_logger.archiving import MODES
    from tick_logger.clock import SystemClock
    from tick_logger.model.times import day_of
    from tick_logger.storage.disk_files import DiskFiles

    wanted = MODES[chosen.archive.mode]
    ledger = Ledger(DiskFiles(chosen.archive.local_path, max_open=1))
    for errand in due(ledger, wanted):
        sys.stdout.write(f"would be sent ({errand.where}): {errand.packed.key}\n")
    if not chosen.archive.keep_days:
        sys.stdout.write("keep_days is 0: no day would go\n")
        return exit_codes.CLEAN
    files = DiskFiles(chosen.logger.data_path, max_open=1)
    today = day_of(SystemClock().now_ns())
    outlook = Retention(files, ledger, wanted).outlook(today, chosen.archive.keep_days)
    sys.stdout.writelines(f"would go: {day}\n" for day in outlook.goes)
    sys.stdout.writelines(f"{day}\n" for day in outlook.stays)
    if not outlook.goes and not outlook.stays:
        sys.stdout.write("no day is old enough to go\n")
    return exit_codes.CLEAN
