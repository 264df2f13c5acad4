"""The command `archive restore`: makes the column files of a day again.

Imports what it needs when it is called.
"""

from __future__ import annotations

import json as json_format
import sys
from pathlib import Path

from tick_logger import exit_codes
from tick_logger.cli.kinds import Flag
from tick_logger.cli.reading import reading
from tick_logger.errors import ConfigError


def restore_command(
    root: str, directory: Path, /, *, day: str, exchange: str | None = None, json: Flag = False
) -> int:
    """Make the column files of a day again; 1 if the archive has none.

    Parameters
    ----------
    root
        Folder of the archive, or s3://bucket/prefix.
    directory
        Where to; files that are there are never written over.
    day
        The UTC day, such as 2026-11-29.
    exchange
        Only of this one.
    json
        Print one JSON object instead of lines.
    """
    from tick_logger.archive.restoring import restore, restore_marks
    from tick_logger.cli.reading import moment
    from tick_logger.model.tables import EXACT
    from tick_logger.model.times import day_of
    from tick_logger.reader.archived import Archived
    from tick_logger.reader.errors import NotRecordedError
    from tick_logger.reader.opening import archive_tree
    from tick_logger.storage.disk_files import DiskFiles
    from tick_logger.storage.format_file import Width, read_widths, write_format

    number, done, marked = day_of(moment("--day", day)), {}, []
    with reading(Path(root)):
        try:
            source = Archived(archive_tree(root))
        except (NotRecordedError, ValueError, PermissionError) as error:
            raise ConfigError([(root, str(error))]) from None
        files = DiskFiles(str(directory))
        files.prepare()
        widths = read_widths(files)
        if not widths:
            write_format(files, [Width(EXACT)])
        width = widths[-1].price_dtype if widths else EXACT
        for each in source.exchanges():
            if exchange in (None, each):
                done[each] = restore(source, files, each, number, width)
                if restore_marks(source.marks(each, number), files, each, number):
                    marked.append(each)
        files.close()
    if json:
        sys.stdout.write(json_format.dumps(done, indent=2) + "\n")
    else:
        lines = (f"{name}: {sum(rows.values()):,} rows restored\n" for name, rows in done.items())
        sys.stdout.writelines(lines)
        sys.stdout.writelines(f"{name}: what looked wrong in them restored\n" for name in marked)
    return exit_codes.CLEAN if any(done.values()) else exit_codes.FOUND
