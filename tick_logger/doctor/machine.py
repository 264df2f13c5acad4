"""Looks at this machine: the data path, its disk, open files, memory, and the status page's port.

Nothing stays of it: what is written to measure the disk has no name.  Blocking, but for the port.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Iterator

from tick_logger.config.schema import Config, HttpConfig
from tick_logger.doctor.lines import Line, ok, warning, wrong
from tick_logger.errors import ConfigError, words_of
from tick_logger.ops.web.serving import listen
from tick_logger.recording.descriptors import OF_COLUMNS, needed_beside_columns
from tick_logger.storage.disk_files import is_locked, raise_open_file_limit
from tick_logger.storage.journal_layout import LOCK_PATH

WRITES, WRITE_BYTES = 10, 4096
"""So many small writes are made durable, one after the other, as a journal does once a second."""

SLOW_SYNC_SECS = 0.2
"""A sync that takes longer leaves little of the persist interval where other programs write too."""

LITTLE_BYTES, TOO_LITTLE_BYTES = 10 * 2**30, 2**30
"""About a day of everything that one large exchange sends; and what a start needs."""

FEW_FILES = 100_000
"""Names that a file system may still take: all symbols of one exchange make as many in two days."""

OWN_BYTES = 300 * 2**20
"""What a recorder needs beside the buffer for a slow disk."""


def machine_lines(config: Config) -> list[Line]:
    """Everything about the machine that needs no event loop."""
    where = _existing(config.logger.data_path)
    lines = [_data_path(config.logger.data_path, where)]
    lines += _space(where)
    lines += _speed(where, config.logger.persist_interval_secs)
    lines += [_open_files(config), *_memory(config.logger.buffer_limit_mib)]
    return lines


async def port_line(http: HttpConfig, *, recording: bool) -> Line:
    """Whether the status page has its port; `recording`: a recorder works in the data path now."""
    name = "status page"
    if not http.enabled:
        return ok(name, "switched off")
    try:
        listeners = await listen(http.host, http.port)
    except ConfigError as error:
        if recording:
            return ok(name, f"{http.host}:{http.port} is in use, by the recorder it seems")
        (_, why), *_ = error.problems
        return wrong(name, why, "end what listens there, or set another `port` in [http]")
    for listener in listeners:
        await listener.aclose()
    return ok(name, f"{http.host}:{http.port} is free")


def is_recorded(data_path: str) -> bool:
    """Whether a recorder works there now."""
    with contextlib.suppress(OSError):
        return is_locked(f"{data_path}/{LOCK_PATH}")
    return False


def _existing(path: str) -> str:
    """The path, or the first folder above it that there is."""
    where = os.path.abspath(path)
    while not os.path.lexists(where):
        where = os.path.dirname(where)
    return where


def _data_path(path: str, where: str) -> Line:
    name = "data path"
    if not os.path.isdir(where):
        return wrong(name, f"{where} is a file", "name a directory in `data_path`")
    if not os.access(where, os.W_OK | os.X_OK):
        return wrong(name, f"no permission to write in {where}", "let the recorder's user own it")
    if is_recorded(path):
        return ok(name, f"{path}; a recorder works there now")
    if where != os.path.abspath(path):
        return ok(name, f"{path} does not exist yet, and can be made")
    return ok(name, path)


def _space(where: str) -> Iterator[Line]:
    name = "disk space"
    try:
        found = os.statvfs(where)
    except OSError as error:
        yield wrong(name, f"{where}: {words_of(error)}", "see to the disk")
        return
    free, size = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
    said = f"{_gib(free)} of {_gib(size)} free"
    advice = "make room, or record fewer symbols and feeds; a full disk stops the recording"
    if free < TOO_LITTLE_BYTES:
        yield wrong(name, said, advice)
    elif free < LITTLE_BYTES:
        yield warning(name, said, advice)
    elif found.f_files and found.f_favail < FEW_FILES:
        few = f"{said}, but room for {found.f_favail:,} more files only"
        yield warning(name, few, "take a file system with more inodes, or record fewer symbols")
    else:
        yield ok(name, said)


def _speed(where: str, persist_interval_secs: float) -> Iterator[Line]:
    name = "disk speed"
    try:
        secs = list(_sync_secs(where))
    except OSError as error:
        yield wrong(name, f"cannot be written: {words_of(error)}", "see to the disk")
        return
    middle, longest = statistics.median(secs), max(secs)
    said = f"{WRITES} small writes made durable in {_ms(middle)} each, {_ms(longest)} at most"
    advice = "take a faster disk, or a longer `persist_interval_secs` (4.5 at most)"
    if middle > persist_interval_secs:
        yield wrong(name, said, advice)
    elif longest > SLOW_SYNC_SECS:
        yield warning(name, said, advice)
    else:
        yield ok(name, said)


def _sync_secs(where: str) -> Iterator[float]:
    with tempfile.TemporaryFile(dir=where) as file:  # without a name wherever that is possible
        for _ in range(WRITES):
            os.write(file.fileno(), bytes(WRITE_BYTES))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            yield time.perf_counter() - began


def _open_files(config: Config) -> Line:
    limit, needed = raise_open_file_limit(), needed_beside_columns(config) + OF_COLUMNS
    said = f"{limit:,} may be open, {needed:,} are needed at least"
    if limit >= needed:
        return ok("open files", said)
    advice = "raise it: ulimit -n, or LimitNOFILE of systemd"
    return warning("open files", said, advice)


def _memory(buffer_limit_mib: int) -> Iterator[Line]:
    available = _available_bytes()
    if available is None:
        return
    needed = buffer_limit_mib * 2**20 + OWN_BYTES
    said = f"{_gib(available)} available, {_gib(needed)} needed at most"
    if available >= needed:
        yield ok("memory", said)
    else:
        yield warning("memory", said, "end other programs, or lower `buffer_limit_mib`")


def _available_bytes() -> int | None:
    """What programs may still take; None where the system does not tell."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            sizes = dict(line.split(":", 1) for line in file)
        return int(sizes["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None


def _gib(size: int) -> str:
    return f"{size / 2**30:,.1f} GiB"


def _ms(secs: float) -> str:
    return f"{secs * 1000:.1f} ms"
