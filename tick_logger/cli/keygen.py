"""The command `archive keygen`: makes the key that certificates are signed with."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tick_logger import exit_codes
from tick_logger.errors import ConfigError, StorageError, words_of

PRIVATE_MODE = 0o600
"""Whoever can read the private half can sign in the recorder's name."""


def keygen_command(file: Path, /) -> int:
    """Make a key that certificates are signed with.

    Parameters
    ----------
    file
        Where the private half is to lie; the public one lies beside it, with .pub behind the name.
    """
    from tick_logger.archive.signing import load_key, new_key

    public_file = file.with_name(f"{file.name}.pub")
    there = [each for each in (file, public_file) if os.path.lexists(each)]
    if there:
        what = "is there already, and a key is never overwritten"
        raise ConfigError([(str(each), what) for each in there])
    secret, public = new_key()
    try:
        _write(file, secret, PRIVATE_MODE)
        _write(public_file, public, 0o644)
    except OSError as error:
        raise StorageError(f"{file} cannot be written: {words_of(error)}") from error
    sys.stdout.write(
        f"{file}: the private half, of key {load_key(str(file)).id}. Name it as key_file in "
        "[archive], keep a copy apart from the recordings, and give it to nobody.\n"
        f"{public_file}: the public half. Give it to whoever reads your recordings: "
        f"verify DIR --key {public_file}\n"
    )
    return exit_codes.CLEAN


def _write(path: Path, data: bytes, mode: int) -> None:
    """Make a file that was not there, durably, and with these rights from the beginning."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
