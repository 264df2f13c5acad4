"""The command `archive`: keeps what is recorded in a directory, while nothing records there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cyclopts

from tick_logger import exit_codes
from tick_logger.cli.arguments import load_config, require

if TYPE_CHECKING:
    from tick_logger.archive.archiver import Archiver
    from tick_logger.config.schema import Config
    from tick_logger.storage.disk_files import DiskFiles


def archive_command(
    directory: Path,
    /,
    *,
    config: Path | None = None,
    once: Annotated[bool, cyclopts.Parameter(negative="")] = False,
    dry_run: Annotated[bool, cyclopts.Parameter(negative="")] = False,
) -> int:
    """Pack, send and let go of what is recorded in a directory in which nothing records.

    Exit code 1 if something is not verified where it is to be.

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
    from tick_logger.derive.directory import take_directory
    from tick_logger.storage.disk_files import DiskFiles

    if dry_run:
        return _dry_run(chosen)
    check(chosen.archive, os.environ)
    with closing(DiskFiles(str(directory))) as files:
        take_directory(files, str(directory))
        return trio.run(_keep, chosen, files, once)


async def _keep(chosen: Config, files: DiskFiles, once: bool) -> int:
    import signal

    import trio

    from tick_logger.archiving import Written, open_archiver
    from tick_logger.clock import SystemClock
    from tick_logger.offload import ThreadOffload
    from tick_logger.telemetry.archive_metrics import ArchiveMetrics

    metrics = ArchiveMetrics.unserved()
    written = Written(files, ThreadOffload())
    async with open_archiver(chosen, written, SystemClock(), metrics) as archiver:
        assert archiver is not None, "the mode was looked at before"
        if once:
            await archiver.cycle()
        else:
            async with trio.open_nursery() as nursery:
                with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
                    nursery.start_soon(archiver.run)
                    stop: Callable[[], object] = archiver.end
                    async for _ in signals:
                        stop()
                        if stop == archiver.skip:
                            break
                        stop = archiver.skip
        return _told(archiver)


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
