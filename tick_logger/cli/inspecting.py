"""The command `archive verify`: looks whether an archive is what it says.

Imports what it needs when it is called.
"""

from __future__ import annotations

import json as json_format
import sys
from pathlib import Path

import attrs

from tick_logger import exit_codes
from tick_logger.cli.kinds import Flag
from tick_logger.cli.reading import reading
from tick_logger.errors import ConfigError


def verify_archive_command(root: str, /, *, key: Path | None = None, json: Flag = False) -> int:
    """Read everything of an archive, and compare it with what is said of it; 1 if it differs.

    Parameters
    ----------
    root
        Its folder, or s3://bucket/prefix.
    key
        File with the key that is to have signed each certificate, private or public.
    json
        Print one JSON object instead of lines.
    """
    from tick_logger.archive.inspecting import verify
    from tick_logger.archive.signing import load_public_key
    from tick_logger.reader.errors import NotRecordedError
    from tick_logger.reader.opening import archive_tree

    public = None if key is None else load_public_key(str(key))
    with reading(Path(root)):
        try:
            tree = archive_tree(root)
        except (NotRecordedError, ValueError, PermissionError) as error:
            raise ConfigError([(root, str(error))]) from None
        done = verify(tree, public)
    if json:
        sys.stdout.write(json_format.dumps(attrs.asdict(done), indent=2) + "\n")
    else:
        sys.stdout.writelines(f"{each}\n" for each in done.findings)
        sys.stdout.write(
            f"{done.objects:,} objects of {done.size:,} bytes, {done.certificates:,} certificates: "
            f"{len(done.findings):,} findings\n"
        )
    return exit_codes.FOUND if done.findings else exit_codes.CLEAN
