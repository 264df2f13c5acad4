"""One WebSocket connection: the upgrade over any stream, and the link that results.

Invariant: however the connection ends, `Link.wait_closed` raises one `ConnectionLost` that says
why; a bug in a callback never passes for a lost connection but reaches the nursery.  trio-websocket
does handshake, pings, pongs and closing; its exceptions are translated here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import Protocol, cast
from urllib.parse import urlsplit

import attrs
import h11
import trio
import trio_websocket
import wsproto.utilities

from tick_logger.clock import WallClock
from tick_logger.errors import ConnectionLost, Ending, Step, Told
from tick_logger.net.wire.frames import FrameError
from tick_logger.net.wire.tap import FrameTap, OnFrames
from tick_logger.net.wire.wording import answered, excerpt, in_words

_READER_ENDINGS = (
    trio_websocket.ConnectionClosed,
    trio_websocket.HandshakeError,
    wsproto.utilities.ProtocolError,  # also when a ping arrives after our own close frame
    h11.ProtocolError,
    UnicodeError,  # an answer to the upgrade request whose headers are not ASCII
)
"""What the library's reader may raise because of what the other side did."""

_SWITCHING = 101
_DEFAULT_PORTS = {"ws": 80, "wss": 443}


class Link(Protocol):
    """An open connection to a venue."""

    async def send(self, text: str) -> None:
        """Send one text message; raises `ConnectionLost`.

        Cancellation: a half-sent message makes the connection useless.
        """
        ...

    async def ping(self) -> None:
        """Send a ping and return at its pong; the caller sets the deadline."""
        ...

    async def wait_closed(self) -> None:
        """Never return: raise `ConnectionLost` when the connection is over.

        Its ending is "closed" (by a close frame, whose code and reason are the detail, or by
        `aclose`), "eof", "reset" or "protocol".
        """
        ...

    async def aclose(self, timeout_secs: float) -> None:
        """Close, with a closing handshake if the other side answers in time; never raises."""
        ...


@attrs.frozen
class Address:
    """Where a ws:// or wss:// URL points."""

    secure: bool
    host: str
    port: int
    host_header: str
    resource: str

    @classmethod
    def of(cls, url: str) -> Address:
        """Parse; raises `ValueError` for anything that is not such a URL."""
        parts = urlsplit(url)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise ValueError(f"not a ws:// or wss:// address: {url}")
        default = _DEFAULT_PORTS[parts.scheme]
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        port = parts.port or default
        return cls(
            secure=parts.scheme == "wss",
            host=parts.hostname,
            port=port,
            host_header=host if port == default else f"{host}:{port}",
            resource=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        )

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


async def upgrade(
    nursery: trio.Nursery,
    stream: trio.abc.Stream,
    url: str,
    *,
    on_frames: OnFrames,
    on_ping: Callable[[], None],
    clock: WallClock,
    max_message_bytes: int,
    timeout_secs: float,
) -> Link:
    """Make a WebSocket connection of a stream, with its reader in `nursery`.

    Raises `ConnectionLost` with the ending "dial" if the other side refuses or does not answer; the
    stream is closed then.  `on_frames` may be called before this returns.

    Cancellation of the nursery closes the stream at once, without a closing handshake.
    """
    address = Address.of(url)
    tap = FrameTap(
        stream,
        on_frames=on_frames,
        on_ping=on_ping,
        clock=clock,
        max_message_bytes=max_message_bytes,
    )
    link = WebSocketLink(tap)
    try:
        with trio.fail_after(timeout_secs):
            await nursery.start(link.run, address)
    except trio.TooSlowError:
        detail = f"no answer to the upgrade request within {timeout_secs:g} s"
        raise ConnectionLost(Ending.DIAL, detail, place=str(address)) from None
    return link


class WebSocketLink:
    """The `Link` over a `FrameTap`."""

    def __init__(self, tap: FrameTap) -> None:
        self._tap = tap
        self._library: trio_websocket.WebSocketConnection | None = None
        self._library_errors: list[BaseException] = []
        self._closing = False  # whether this side began to close
        self._closer: trio.CancelScope | None = None
        self._scope = trio.CancelScope()
        self._ended = trio.Event()

    async def send(self, text: str) -> None:
        """Send one text message; raises `ConnectionLost`."""
        try:
            await self._open.send_message(text)
        except _READER_ENDINGS:
            raise self._lost() from None

    async def ping(self) -> None:
        """Send a ping and return at its pong; does not notice the connection's end meanwhile."""
        try:
            await self._open.ping()
        except _READER_ENDINGS:
            raise self._lost() from None

    async def wait_closed(self) -> None:
        """Never return: raise `ConnectionLost` when the connection is over."""
        await self._ended.wait()
        raise self._lost()

    async def aclose(self, timeout_secs: float) -> None:
        """Close, with a closing handshake if the other side answers in time; never raises."""
        self._closing = self._closing or self._open.closed is None
        with trio.move_on_after(timeout_secs) as self._closer:
            if not self._ended.is_set():
                await self._open.aclose()
            await self._ended.wait()

    async def run(
        self, address: Address, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Shake hands, report that, and live until the connection is over."""
        try:
            await self._live(address, task_status)
        finally:
            if self._tap.crash is not None:
                # A bug of ours, which the library or a cancellation may have put out of sight.
                raise self._tap.crash from None
        if self._library is None:
            step, words = self._refusal()
            raise ConnectionLost(Ending.DIAL, words, self._told(), place=str(address), step=step)

    async def _live(self, address: Address, task_status: trio.TaskStatus[None]) -> None:
        try:
            async with trio.open_nursery() as nursery:
                reader = _ReaderNursery(nursery, self._scope)
                with self._scope:
                    self._library = await trio_websocket.wrap_client_stream(
                        # Both are narrower than the types it names, and all that it uses.
                        cast(trio.Nursery, reader),
                        cast(trio.SocketStream, self._tap),
                        address.host_header,
                        address.resource,
                        message_queue_size=1,  # no message comes this far
                        max_message_size=1,
                        receive_buffer_size=None,  # the transport reads as much as it likes
                    )
                    task_status.started()
                    await self._wait_for_the_end()
                nursery.cancel_scope.cancel(reason="the connection is over")
        except* _READER_ENDINGS as group:
            self._library_errors = list(group.exceptions)
        finally:
            self._ended.set()
            if self._closer is not None:
                self._closer.cancel(reason="the connection is over")
            await trio.aclose_forcefully(self._tap)

    async def _wait_for_the_end(self) -> None:
        with contextlib.suppress(trio_websocket.ConnectionClosed):
            await self._open.get_message()  # no message comes: this returns when all is over
        if self._closing:
            await trio.sleep_forever()  # the reader must stay for the closing handshake

    @property
    def _open(self) -> trio_websocket.WebSocketConnection:
        """The library's connection; nobody has a link before there is one."""
        assert self._library is not None
        return self._library

    def _lost(self) -> ConnectionLost:
        """How the connection ended, the most telling fact first."""
        tap, told = self._tap, self._open.closed
        if isinstance(tap.error, FrameError):
            return ConnectionLost(Ending.PROTOCOL, str(tap.error))
        if self._closing:
            return ConnectionLost(Ending.CLOSED, "closed by this side")
        if told is not None and told.code == tap.close_code:
            reason = f": {told.reason}" if told.reason else ""
            return ConnectionLost(
                Ending.CLOSED,
                f"close frame {told.code} {told.name}{reason}",
                Told(told.code, told.reason or ""),
            )
        if told is not None and told.reason:
            return ConnectionLost(
                Ending.PROTOCOL, f"the library refused a control frame: {told.reason}"
            )
        if tap.error is not None:
            return ConnectionLost(Ending.RESET, in_words(tap.error))
        if tap.ended:
            return ConnectionLost(Ending.EOF, "the other side ended it without a close frame")
        if self._library_errors:
            return ConnectionLost(Ending.PROTOCOL, self._objections())
        return ConnectionLost(Ending.CLOSED, "closed by this side")

    def _refusal(self) -> tuple[Step, str]:
        """Why there was no upgrade, the most telling fact first."""
        tap = self._tap
        if tap.status is not None and tap.status != _SWITCHING:
            location = tap.refusal[0].get("location", "")
            step, words = answered(tap.status, location, self._body())
            return step, words if step is Step.PAGE else f"upgrade refused with {words}"
        if tap.error is not None:
            return Step.ANSWER, f"upgrade: {in_words(tap.error)}"
        if self._library_errors:
            return Step.ANSWER, f"upgrade: {self._objections()}"
        ended = "the other side ended the connection without answering the upgrade request"
        return Step.ANSWER, ended

    def _body(self) -> bytes:
        """What a refusal says to explain itself."""
        bodies = [getattr(error, "body", None) for error in self._library_errors]
        return b"".join(body for body in bodies if body) or self._tap.refusal[1]

    def _told(self) -> Told | None:
        """What an answer said that was no upgrade; None where none came."""
        status = self._tap.status
        if status is None or status == _SWITCHING:
            return None
        headers, _ = self._tap.refusal
        retry_after, date = headers.get("retry-after", ""), headers.get("date", "")
        return Told(status, excerpt(self._body()), retry_after, date)

    def _objections(self) -> str:
        return ", ".join(_objection(error) for error in self._library_errors)


def _objection(error: BaseException) -> str:
    """The library's complaint about the other side, which may be the context of what it raises."""
    context: BaseException | None = error
    while context is not None:
        if isinstance(context, wsproto.utilities.RemoteProtocolError):
            return str(context)
        context = context.__context__
    return in_words(error)


class _ReaderNursery:
    """Stands in for the nursery that the library wants, to learn when its reader ends.

    The library does not tell: if its reader ends early, whoever waits for the handshake waits for
    ever.  It uses nothing of the nursery but `start_soon`.
    """

    def __init__(self, nursery: trio.Nursery, scope: trio.CancelScope) -> None:
        self._nursery = nursery
        self._scope = scope

    def start_soon(self, reader: Callable[[], Awaitable[None]]) -> None:
        """Run the reader, and cancel the scope when it is done."""
        self._nursery.start_soon(self._run, reader)

    async def _run(self, reader: Callable[[], Awaitable[None]]) -> None:
        await reader()
        self._scope.cancel(reason="the reader has ended")
