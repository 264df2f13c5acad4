"""What the commands that read a recording share: opening it, and saying calmly what is wrong.

A directory that is none, or a part of a recording, is wrong usage (exit code 2), and so is a time
or a table that is none.  A symbol that is not recorded is an answer (exit code 1).
"""

from __future__ import annotations

import contextlib
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tick_logger.errors import ConfigError, StorageError, words_of

if TYPE_CHECKING:
    from tick_logger.model.tables import Table
    from tick_logger.reader import Recording

_AGO = re.compile(r"\d+(\.\d+)?\s*(s|m|min|h|d)", re.ASCII)


class NotThereError(Exception):
    """What was asked for is not recorded; the text says what is near."""


def opened(directory: Path) -> Recording:
    """The recording in a directory; raises `ConfigError` if it is none."""
    from tick_logger.cli.places import require_recording
    from tick_logger.reader.errors import NotRecordedError
    from tick_logger.reader.opening import open

    require_recording(directory)
    try:
        return open(directory)
    except NotRecordedError as error:
        raise ConfigError([(str(directory), str(error))]) from None


@contextlib.contextmanager
def reading(directory: Path) -> Iterator[None]:
    """Within this, errors of the reading interface become what a user is told."""
    from tick_logger.reader.errors import MissingExtraError, NotRecordedError, OverlapError

    try:
        yield
    except NotRecordedError as error:
        raise NotThereError(str(error)) from None
    except MissingExtraError as error:
        raise ConfigError([("usage", str(error))]) from None
    except OverlapError as error:
        raise StorageError(str(error)) from None
    except BrokenPipeError:
        raise
    except OSError as error:
        where = error.filename or directory
        raise StorageError(f"{where} cannot be read: {words_of(error)}") from error


def names(words: Sequence[str] | None, otherwise: str | None = None) -> list[str]:
    """Names that were given one by one, or with commas between them."""
    given = [name.strip() for word in words or () for name in word.split(",")]
    found = [name for name in given if name]
    return found or ([] if otherwise is None else [otherwise])


def tables(option: str, words: Sequence[str] | None) -> tuple[Table, ...]:
    """The tables of some words, all of them if there are none; raises `ConfigError`."""
    from tick_logger.reader.tables import tables_named

    try:
        return tables_named(names(words) or None)
    except ValueError as error:
        raise ConfigError([(option, str(error))]) from None


def moment(option: str, text: str) -> int:
    """A time in ns since 1970-01-01 UTC, or how long ago it is, such as 7d; `ConfigError`."""
    from tick_logger.reader.times import instant, period

    try:
        if _AGO.fullmatch(text.strip()):
            return time.time_ns() - period(text)
        return instant(text)
    except ValueError as error:
        what = f'{error}, or how long ago, such as "7d"'
        raise ConfigError([(option, what)]) from None


def say(line: str) -> None:
    """A line for people, beside what is put out for machines."""
    from tick_logger.telemetry.logs import harmless

    sys.stderr.write(f"tick_logger: {harmless(line)}\n")
