"""The command that says again what an exchange said, for somebody else's program or this one.

It serves on loopback until Ctrl-C, and speaks of itself on standard output.
"""

from __future__ import annotations

import math
import signal
import sys
from functools import partial
from urllib.parse import urlsplit

import trio

from tick_logger import exit_codes
from tick_logger.clock import SystemClock
from tick_logger.config.rules import hint, listed
from tick_logger.errors import ConfigError, StorageError, leaves, words_of
from tick_logger.exchanges import registry
from tick_logger.offload import ThreadOffload
from tick_logger.playback.entries import (
    Entries,
    Frames,
    JournalFrames,
    NoJournalError,
    NothingOfItError,
)
from tick_logger.playback.exchange import NothingRecordedError, PlayedExchange, Playing
from tick_logger.playback.packed_frames import PackedFrames
from tick_logger.reader.archived import Archived
from tick_logger.reader.errors import NotRecordedError, OverlapError
from tick_logger.reader.opening import archive_tree, source_at
from tick_logger.reader.source import Source
from tick_logger.reader.times import instant, iso
from tick_logger.simulator.registry import DIALECTS
from tick_logger.storage.disk_files import DiskFiles

FASTEST = "max"


async def run_replay(directory: str, name: str, *, port: int, speed: str, from_time: str) -> int:
    """Serve one exchange of a recording until SIGINT or SIGTERM; returns the exit code.

    Raises `ConfigError` with what is wrong with the arguments, and `StorageError` where the
    journal cannot be read.
    """
    playing = Playing(speed=_speed(speed), from_ns=_moment(from_time))
    try:
        entries, exchange = _opened(directory, name, playing)
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async with trio.open_nursery() as nursery:
                bound = await nursery.start(partial(_served, exchange, port))
                _say_where(name, bound, entries, playing)
                await nursery.start(_played, exchange, entries)
                await anext(aiter(signals))
                nursery.cancel_scope.cancel("told to end")
    except OSError as error:
        raise _unreadable(directory, error) from error
    except BaseExceptionGroup as group:  # what reading raised while it was played
        reasons = leaves(group)
        if isinstance(reasons[0], OSError):
            raise _unreadable(directory, reasons[0]) from group
        raise reasons[0] from group
    _say_summary(exchange, entries)
    return exit_codes.CLEAN


def _unreadable(directory: str, error: OSError) -> StorageError:
    return StorageError(f"{error.filename or directory} cannot be read: {words_of(error)}")


def _opened(directory: str, name: str, playing: Playing) -> tuple[Entries, PlayedExchange]:
    if registry.adapter(name) not in DIALECTS:
        known = f"available: {listed(tuple(DIALECTS))}{hint(name, DIALECTS)}"
        raise ConfigError([("replay", f"no exchange is named {name}; {known}")])
    try:
        source = source_at(directory)
        entries = Entries(_frames(directory, name, source), name)
    except (NotRecordedError, OverlapError, PermissionError) as error:
        raise ConfigError([(directory, str(error))]) from None
    except NoJournalError:
        raise ConfigError([(f"{directory}/journal", _NO_JOURNAL)]) from None
    except NothingOfItError as nothing:
        there = f"it has {listed(nothing.others)}" if nothing.others else "nothing was received yet"
        what = f"the journal has nothing of {name}; {there}"
        raise ConfigError([("replay", what)]) from None
    if playing.from_ns is not None and playing.from_ns < entries.begins_ns:
        begins = f"the journal has {name} from {iso(entries.begins_ns)} on; what came before"
        raise ConfigError([("--from", f"{begins} was pruned, or never received")])
    try:
        exchange = PlayedExchange(
            name,
            entries,
            source,
            clock=SystemClock(),
            offload=ThreadOffload(),
            playing=playing,
        )
    except NothingRecordedError:
        what = f"there are no rows of {name} beside the journal, which tell what was subscribed to"
        raise ConfigError([("replay", what)]) from None
    if playing.from_ns is not None:
        _say(f"Reading the journal until {iso(playing.from_ns)}.")
    if not exchange.skip():
        raise ConfigError([("--from", f"the journal has {name} until {iso(entries.ends_ns)} only")])
    return entries, exchange


def _frames(directory: str, name: str, source: Source) -> Frames:
    """The journal of a directory, or what an archive has of it."""
    if isinstance(source, Archived):
        return PackedFrames(archive_tree(directory), name)
    return JournalFrames(DiskFiles(directory))


_NO_JOURNAL = (
    "there is no journal: it was pruned or removed, and nothing else has the messages themselves"
    " (journal_keep_hours and journal_keep_mib say how long it is kept)"
)


async def _served(
    exchange: PlayedExchange,
    port: int,
    *,
    task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
) -> None:
    try:
        await exchange.serve(port=port, task_status=task_status)
    except* OSError as group:
        reason: BaseException = group
        while isinstance(reason, BaseExceptionGroup):  # one for each nursery on its way
            reason = reason.exceptions[0]
        raise ConfigError([("--port", f"cannot be listened on: {words_of(reason)}")]) from None


async def _played(
    exchange: PlayedExchange,
    entries: Entries,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    await exchange.run_market(
        task_status=task_status,
        when_over=lambda: _say(
            f"The journal ends here, at {iso(entries.ends_ns)}. Connections stay open until Ctrl-C."
        ),
    )


def _say_where(name: str, port: int, entries: Entries, playing: Playing) -> None:
    exchange, at = registry.get(name), f"127.0.0.1:{port}"
    lanes = sorted({exchange.lane(feed) for feed in exchange.feeds})
    endpoint = f"ws://{at}{urlsplit(exchange.ws_endpoint).path}"
    urls = [exchange.ws_url(endpoint, lane) for lane in lanes]
    since = entries.begins_ns if playing.from_ns is None else playing.from_ns
    pace = "as fast as clients read" if playing.speed is None else f"at {playing.speed:g}x"
    _say(f"Replaying {name} from {iso(since)} on, {pace}: {' and '.join(urls)} and http://{at}.")
    _say("It begins when clients have subscribed. Ctrl-C ends it.")


def _say_summary(exchange: PlayedExchange, entries: Entries) -> None:
    counts = exchange.counts
    opened = exchange.connections_opened
    until = f", until {iso(counts.until_ns)}" if counts.until_ns else ""
    _say(
        f"Sent {counts.sent:,} message{'' if counts.sent == 1 else 's'} on {opened:,}"
        f" connection{'' if opened == 1 else 's'}{until}."
    )
    if entries.damages:
        _say(f"The journal is damaged at {entries.damages:,} places, which were passed over.")


def _speed(text: str) -> float | None:
    if text == FASTEST:
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not math.isfinite(speed) or speed <= 0:
        what = f'must be a number above zero, or "{FASTEST}" for as fast as possible, not {text}'
        raise ConfigError([("--speed", what)])
    return speed


def _moment(text: str) -> int | None:
    try:
        return instant(text) if text else None
    except ValueError as error:
        raise ConfigError([("--from", str(error))]) from None


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
