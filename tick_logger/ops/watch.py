"""Watches a recorder while it runs: takes its vital signs, and serves them over HTTP.

A fault in here ends nothing but itself: recording goes on, and the log says that nobody watches.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence

import attrs
import trio

from tick_logger.config.schema import HttpConfig, TokenConfig
from tick_logger.config.tokens import token_of
from tick_logger.ops.alerts.alarm import Alarm
from tick_logger.ops.status.board import Board
from tick_logger.ops.status.disk_space import DiskSpace, Space
from tick_logger.ops.status.loop_watch import SPAN_SECS, LoopWatch
from tick_logger.ops.status.watched import Watched
from tick_logger.ops.web.host_names import HostNames
from tick_logger.ops.web.routes import application
from tick_logger.ops.web.scopes import Key, Scope
from tick_logger.ops.web.serving import address_of, listen, serve
from tick_logger.telemetry.logs import get_logger


class Watch:
    """Watches one recorder for as long as it runs.

    `lines_left_out` says how many log lines were written nowhere, and `alarm` tells somebody what
    is wrong.
    """

    def __init__(
        self,
        config: HttpConfig,
        watched: Watched,
        lines_left_out: Callable[[], int],
        alarm: Alarm | None = None,
    ) -> None:
        self._config = config
        self._alarm = alarm
        self._lines_left_out = lines_left_out
        self._watched = watched
        self._disk = DiskSpace()
        self._loop = LoopWatch()
        self._listeners: list[trio.SocketListener] = []
        self._log = get_logger()

    async def listen(self) -> None:
        """Take the address; raises `ConfigError` if that is not possible."""
        if self._config.enabled:
            self._listeners = await listen(self._config.host, self._config.port)
            self._log.info("serving", address=self.address)

    @property
    def address(self) -> str:
        """Where the status page is; empty if nothing is served."""
        return address_of(self._listeners[0]) if self._listeners else ""

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            with self._instrumented():
                await self._run()
        except Exception:  # noqa: BLE001 - recording is more important
            self._log.exception("watching_failed", explanation="recording goes on unwatched")

    def close(self) -> None:
        """Give back the address."""
        for listener in self._listeners:
            listener.socket.close()

    async def _run(self) -> None:
        board = Board(self._watched, self._disk, self._loop)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch_vital_signs)
            nursery.start_soon(board.run)
            if self._alarm is not None:
                nursery.start_soon(self._alarm.run, lambda: board.view)
            if self._listeners:
                addresses = [each.socket.getsockname()[0] for each in self._listeners]
                names = HostNames(addresses, self._config.host_names)
                token, keys = self._config.token, _keys(self._config.tokens)
                surface = application(self._watched, board, token=token, keys=keys, names=names)
                await serve(surface, self._listeners)

    async def _watch_vital_signs(self) -> None:
        counted = 0
        while True:
            look = await trio.to_thread.run_sync(
                _look, self._watched.data_path, abandon_on_cancel=True
            )
            metrics = self._watched.metrics
            if look.space is not None:
                self._disk.add(trio.current_time(), look.space)
                metrics.disk_free_bytes.set(look.space.free_bytes)
                metrics.disk_size_bytes.set(look.space.size_bytes)
            metrics.open_files.set(look.open_files)
            left_out = self._lines_left_out()
            metrics.log_lines_left_out.inc(left_out - counted)
            counted = left_out
            metrics.event_loop_lag_seconds.set(self._loop.longest.secs)
            await trio.sleep(SPAN_SECS)
            self._loop.end_span()

    @contextlib.contextmanager
    def _instrumented(self) -> Iterator[None]:
        trio.lowlevel.add_instrument(self._loop)
        try:
            yield
        finally:
            with contextlib.suppress(KeyError):  # trio takes one away that has failed
                trio.lowlevel.remove_instrument(self._loop)


def _keys(tokens: Sequence[TokenConfig]) -> list[Key]:
    """What each opens; their files were read before, when the configuration was loaded."""
    found = []
    for each in tokens:
        exchanges = None if each.exchanges == "all" else frozenset(each.exchanges)
        scope = Scope(exchanges, metrics=each.metrics, page=each.page)
        found.append(Key(token_of(each), scope))
    return found


@attrs.frozen
class _Look:
    space: Space | None
    open_files: int


def _look(path: str) -> _Look:
    """Called in a thread, because a disk that is gone may take minutes to say so."""
    try:
        found = os.statvfs(path)
        space = Space(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)
    except OSError:
        space = None
    try:
        open_files = len(os.listdir("/proc/self/fd")) - 1  # the folder itself
    except OSError:
        open_files = 0
    return _Look(space, open_files)
