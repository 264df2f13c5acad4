"""Port: how connections to venues are made, and the real one, over the network.

Invariant: whatever keeps the other side from answering is raised as `ConnectionLost`, with the
cause "dial" from `Dial.open` and "http" from `Dial.get`, naming the host, the step and the reason;
a bad certificate fails at once with its own reason.

Not here: second attempts, and what the status of a REST answer means (`net.rest.client`).
"""

from __future__ import annotations

import contextlib
import logging
import ssl
from collections.abc import Callable, Mapping
from types import MappingProxyType, TracebackType
from typing import Final, Protocol, Self, TypeAlias

import attrs
import httpx2
import trio

from tick_logger.brake import Brake
from tick_logger.clock import SystemClock, WallClock
from tick_logger.errors import ConfigError, ConnectionLost, Ending, Step
from tick_logger.net.wire.body import ACCEPTED, BadBodyError, Body
from tick_logger.net.wire.link import Address, Link, upgrade
from tick_logger.net.wire.poller import Poller
from tick_logger.net.wire.receive_times import ReceiveTimes
from tick_logger.net.wire.sockets import TransportError, open_transport
from tick_logger.net.wire.tap import OnFrames
from tick_logger.net.wire.wording import in_words, step_of

__all__ = ["Dial", "DialTimeouts", "HttpAnswer", "Link", "NetworkDial", "trust", "upgrade"]

MAX_BODY_BYTES: Final = 64 * 1024 * 1024
"""Of one REST answer: several times the largest listing known."""

MAX_REST_CONNECTIONS: Final = 4
"""Requests are paced to a few per second, so more sockets would only look like a flood."""

_REST_CLOSE_SECS: Final = 1.0
_USER_AGENT: Final = "tick_logger"
TALKATIVE: Final = ("httpx2", "httpcore2", "trio-websocket")


@attrs.frozen(kw_only=True)
class DialTimeouts:
    """How long each step may take, in seconds."""

    tcp_secs: float = 10.0  # name look-up and TCP
    tls_secs: float = 10.0
    upgrade_secs: float = 10.0
    rest_secs: float = 30.0  # a whole REST request, body included


Headers: TypeAlias = Mapping[str, str]
NO_HEADERS: Headers = MappingProxyType({})
"""Of a request by REST, but those that each has."""


@attrs.frozen
class HttpAnswer:
    """A complete answer, whatever its status."""

    status: int
    body: bytes
    retry_after: str = ""  # the header of this name, as sent
    date: str = ""  # likewise: the venue's clock
    location: str = ""  # likewise: where it points to


class Dial(Protocol):
    """Makes connections to venues.

    `brake`, where there is one, says while what was opened is to be read slowly; it is given before
    anything is opened.
    """

    brake: Brake | None

    async def open(
        self,
        nursery: trio.Nursery,
        url: str,
        *,
        on_frames: OnFrames,
        on_ping: Callable[[], None],
        max_message_bytes: int,
    ) -> Link:
        """Connect to a ws:// or wss:// URL, reading in `nursery`; raises `ConnectionLost`."""
        ...

    async def get(self, url: str, headers: Headers = NO_HEADERS) -> HttpAnswer:
        """What an http:// or https:// URL answers; raises `ConnectionLost` if nothing comes."""
        ...


class NetworkDial:
    """The real thing; `async with` closes what REST requests left open.

    `ca_file` names certificates (PEM) to trust beside the system's; raises `ConfigError` if it
    cannot be used.  `poller` is one that several dials share, and whoever gives it runs it; None:
    one of its own, which `async with` runs.
    """

    def __init__(
        self,
        clock: WallClock,
        *,
        ca_file: str = "",
        poller: Poller | None = None,
        timeouts: DialTimeouts | None = None,
    ) -> None:
        self.brake: Brake | None = None
        self._clock = clock
        self._poller = poller or Poller(ReceiveTimes(clock, SystemClock()))
        self._runs_poller = poller is None
        self._running = contextlib.AsyncExitStack()
        self._timeouts = timeouts or DialTimeouts()
        self._trust = trust(ca_file)
        for name in TALKATIVE:  # a line per request would drown the log
            logging.getLogger(name).setLevel(logging.WARNING)
        self._rest = httpx2.AsyncClient(
            verify=self._trust,
            timeout=None,  # one deadline over the whole request instead of one per read
            trust_env=False,  # proxies are not used for the sockets either
            # Some venues refuse requests that name no program.
            headers={"user-agent": _USER_AGENT, "accept-encoding": ACCEPTED},
            limits=httpx2.Limits(max_connections=MAX_REST_CONNECTIONS),
        )

    async def __aenter__(self) -> Self:
        nursery = await self._running.enter_async_context(trio.open_nursery())
        if self._runs_poller:
            nursery.start_soon(self._poller.run)
        self._running.callback(nursery.cancel_scope.cancel, "the dial is closed")
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Shielded, or a cancelled exit would leave sockets to the garbage collector.
        with trio.move_on_after(_REST_CLOSE_SECS, shield=True):
            await self._rest.aclose()
        await self._running.__aexit__(exc_type, exc, traceback)

    async def open(
        self,
        nursery: trio.Nursery,
        url: str,
        *,
        on_frames: OnFrames,
        on_ping: Callable[[], None],
        max_message_bytes: int,
    ) -> Link:
        """Connect to a ws:// or wss:// URL, reading in `nursery`; raises `ConnectionLost`."""
        address = Address.of(url)
        try:
            stream = await open_transport(
                address.host,
                address.port,
                ssl_context=self._trust if address.secure else None,
                tcp_timeout_secs=self._timeouts.tcp_secs,
                tls_timeout_secs=self._timeouts.tls_secs,
                poller=self._poller,
                brake=self.brake,
            )
        except TransportError as failure:
            words = f"{failure.step}: {self._why(failure)}"
            raise ConnectionLost(
                Ending.DIAL, words, place=str(address), step=failure.step
            ) from failure
        return await upgrade(
            nursery,
            stream,
            url,
            on_frames=on_frames,
            on_ping=on_ping,
            clock=self._clock,
            max_message_bytes=max_message_bytes,
            timeout_secs=self._timeouts.upgrade_secs,
        )

    async def get(self, url: str, headers: Headers = NO_HEADERS) -> HttpAnswer:
        """What an http:// or https:// URL answers, `MAX_BODY_BYTES` at most.

        Redirections are answers like any other, and are not followed.
        """
        place = url.partition("?")[0]
        try:
            with trio.fail_after(self._timeouts.rest_secs):
                return await self._fetch(url, place, headers)
        except trio.TooSlowError:
            detail = f"no complete answer within {self._timeouts.rest_secs:g} s"
            raise ConnectionLost(Ending.HTTP, detail, place=place) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:
            step, words = step_of(error), in_words(error)
            detail = words if step is Step.ANSWER else f"{step}: {words}"
            raise ConnectionLost(Ending.HTTP, detail, place=place, step=step) from error

    async def _fetch(self, url: str, place: str, headers: Headers) -> HttpAnswer:
        complaint, whole = "", b""
        with trio.CancelScope() as refusal:
            async with self._rest.stream("GET", url, headers=dict(headers)) as response:
                try:
                    body = Body(response.headers.get("content-encoding", ""), MAX_BODY_BYTES)
                except BadBodyError as error:
                    complaint = str(error)
                else:
                    async for chunk in response.aiter_raw():
                        try:
                            for _ in () if complaint else body.take(chunk):
                                await trio.lowlevel.checkpoint()  # the deadline, and all others
                        except BadBodyError as error:
                            complaint = str(error)
                            # Only a cancellation closes the generators inside the library.
                            refusal.cancel(reason="the body cannot be taken")
                    complaint, whole = complaint or body.complaint, body.whole
        if complaint:
            raise ConnectionLost(Ending.HTTP, complaint, place=place)
        wait, date, location = map(response.headers.get, ("retry-after", "date", "location"))
        return HttpAnswer(response.status_code, whole, wait or "", date or "", location or "")

    def _why(self, failure: TransportError) -> str:
        """Why a step of connecting failed."""
        if isinstance(failure.__cause__, trio.TooSlowError):
            is_tls = failure.step is Step.TLS
            secs = self._timeouts.tls_secs if is_tls else self._timeouts.tcp_secs
            return f"no answer within {secs:g} s"
        return in_words(failure)


def trust(ca_file: str = "") -> ssl.SSLContext:
    """A client's TLS context that trusts the system's authorities and those in `ca_file`."""
    context = ssl.create_default_context()
    context.options |= ssl.OP_NO_RENEGOTIATION  # `TlsStream` does not know it
    context.set_alpn_protocols(["http/1.1"])  # WebSocket upgrades and our REST client speak it
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as error:  # ssl.SSLError is one
            raise ConfigError([("ca_file", f"{ca_file}: {in_words(error)}")]) from error
    return context
