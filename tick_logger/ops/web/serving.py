"""An ASGI application on Trio: hypercorn's connections over our guarded sockets.

A crowd of connections never keeps anybody from asking for health: those on which nothing is asked
for go first when others come, and health is answered whoever else waits.

Its own server would bind when recording has begun already, has no bound on connections, and sends
to a client that does not read until the end of time, shielded from cancellation.  It also waits
without end for an application to read what it was sent: ours reads nothing, and is not asked to.
"""

from __future__ import annotations

from typing import Any, cast

import trio
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState
from hypercorn.utils import wrap_app
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tick_logger.errors import ConfigError, words_of
from tick_logger.ops.web.guarded import (
    MOST_BESIDE,
    MOST_CONNECTIONS,
    Connections,
    GuardedListener,
    GuardedStream,
    Use,
)
from tick_logger.telemetry.logs import get_logger

IDLE_SECS = 5.0
"""Without a whole request for so long a connection is closed."""

MOST_HEADER_BYTES = 16 * 1024

TIDY_SECS = 1.0
"""How often connections are looked at on which nothing moves."""

AT_ONCE = frozenset({"/health", "/ready"})
"""Paths whose small answers wait for nobody: a supervisor ends what does not say that it lives."""

NO_STATE: Any = {}


async def listen(host: str, port: int) -> list[trio.SocketListener]:
    """Sockets that listen; raises `ConfigError` if that is not possible."""
    try:
        return await trio.open_tcp_listeners(port, host=host)
    except (OSError, OverflowError, UnicodeError) as error:
        why = (
            f"{host}:{port} cannot be listened on: {words_of(error)}; enabled = false does without"
        )
        raise ConfigError([("http.port", why)]) from None


def address_of(listener: trio.SocketListener) -> str:
    """As a browser takes it."""
    host, port, *_ = listener.socket.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(app: ASGIApp, listeners: list[trio.SocketListener]) -> None:
    """Answer until cancelled; then every connection is cut at once, and the sockets are closed."""
    config, room = _config(), trio.CapacityLimiter(MOST_CONNECTIONS)
    connections = Connections(MOST_CONNECTIONS + MOST_BESIDE)
    guarded = [GuardedListener(each, connections) for each in listeners]
    context = WorkerContext(None)

    async def handle(stream: GuardedStream) -> None:
        state = ConnectionState(NO_STATE)
        try:
            with stream.scope:
                # Most of those who come in crowds say nothing: they cost a task, and no server.
                if await stream.wait_begun(IDLE_SECS):
                    of_it = _without_bodies(_in_turn(app, stream, room))
                    wrapped = wrap_app(cast(Any, of_it), 0, "asgi")
                    await TCPServer(wrapped, config, context, state, cast(Any, stream))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # it has left, or was let go
        except Exception as error:  # noqa: BLE001 - of one client; the others must not notice
            get_logger().warning(
                "http_connection_failed", reason=f"{type(error).__name__}: {words_of(error)}"
            )
        finally:
            stream.cut()
            with trio.CancelScope(shield=True):  # closed already: only the place is given back
                await stream.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(_tidy, connections)
        await trio.serve_listeners(handle, guarded, handler_nursery=nursery)


async def _tidy(connections: Connections) -> None:
    """Cut what does not move, and at the end everything: a shielded send waits for that."""
    try:
        while True:
            await trio.sleep(TIDY_SECS)
            connections.cut_still()
    finally:
        connections.cut_all()


def _in_turn(app: ASGIApp, stream: GuardedStream, room: trio.CapacityLimiter) -> ASGIApp:
    """The application for one connection, which waits while too many others are answered."""

    async def in_turn(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["type"] != "http" or scope["path"] in AT_ONCE:
                stream.use = Use.ANSWERED
                await app(scope, receive, send)
                return
            stream.use, token = Use.WAITING, object()
            await room.acquire_on_behalf_of(token)
            try:
                stream.use = Use.ANSWERED
                await app(scope, receive, send)
            finally:
                room.release_on_behalf_of(token)
        finally:
            stream.use = Use.IDLE

    return in_turn


def _without_bodies(app: ASGIApp) -> ASGIApp:
    """The application, which hears of the end of a client but not of what it sends."""

    async def deaf(scope: Scope, receive: Receive, send: Send) -> None:
        gone = trio.Event()

        async def drain() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            gone.set()

        async def hear() -> Message:
            await gone.wait()
            return {"type": "http.disconnect"}

        async with trio.open_nursery() as nursery:
            nursery.start_soon(drain)
            await app(scope, hear, send)
            nursery.cancel_scope.cancel("answered")

    async def without_bodies(scope: Scope, receive: Receive, send: Send) -> None:
        await (deaf if scope["type"] == "http" else app)(scope, receive, send)

    return without_bodies


def _config() -> Config:
    config = Config()
    config.accesslog = config.errorlog = None
    config.logger_class = cast(Any, _Quiet)
    config.keep_alive_timeout = IDLE_SECS
    config.h11_max_incomplete_size = MOST_HEADER_BYTES
    # HTTP/2 is refused stream by stream, and each is kept until its client takes the refusal.
    config.h2_max_concurrent_streams = 4
    config.include_server_header = False
    return config


class _Quiet:
    """Hypercorn's logger: faults in our log, nothing else."""

    def __init__(self, config: Config) -> None:
        self._log = get_logger()

    async def access(self, *_: object) -> None: ...

    async def info(self, *_: object, **__: object) -> None: ...

    debug = info

    async def exception(self, message: str, *_: object, **__: object) -> None:
        self._log.exception("http_failed", reason=message)

    async def error(self, message: str, *_: object, **__: object) -> None:
        self._log.error("http_failed", reason=message)

    critical = warning = error
