"""Looks at an exchange over real sockets: at simulators, and at servers that mean no good."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import attrs
import trio

from tests.fakes.simulated import simulated
from tick_logger.clock import SystemClock
from tick_logger.config.schema import ExchangeConfig
from tick_logger.doctor.lines import Line
from tick_logger.doctor.venue import HASTY, VenueLook
from tick_logger.exchanges import registry
from tick_logger.net.wire.dial import DialTimeouts, NetworkDial
from tick_logger.simulator.exchange import SimulatedExchange

Handler = Callable[[trio.abc.Stream], Awaitable[None]]


def configured(name: str, ws_place: str, rest_place: str = "", **changes: object) -> ExchangeConfig:
    """Everything that an exchange has, at addresses such as "ws://127.0.0.1:1234"."""
    exchange = registry.get(name)
    path = urlsplit(exchange.ws_endpoint).path
    rest = rest_place or ws_place.replace("ws", "http", 1)
    config = ExchangeConfig(
        ws_endpoint=ws_place + path, rest_endpoint=rest, feeds=tuple(sorted(exchange.feeds))
    )
    return attrs.evolve(config, connects_per_second=50.0, **changes)  # type: ignore[arg-type]


@asynccontextmanager
async def simulator(name: str, **options: object) -> AsyncIterator[tuple[SimulatedExchange, str]]:
    """A simulated exchange on loopback, and its address."""
    given = {"messages_per_second": 400.0, **options}
    exchange = simulated(name, clock=SystemClock(), seed=0, **given)
    async with trio.open_nursery() as nursery:
        port = await nursery.start(exchange.run)
        yield exchange, f"ws://127.0.0.1:{port}"
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def server(handler: Handler, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server on loopback; gives its host and port."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")

    async def serve(stream: trio.abc.Stream) -> None:
        if context is not None:
            stream = trio.SSLStream(stream, context, server_side=True, https_compatible=True)
        try:
            await handler(stream)
        except trio.BrokenResourceError:
            pass  # the client has left
        finally:
            await trio.aclose_forcefully(stream)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, serve, [listener])
        yield f"127.0.0.1:{listener.socket.getsockname()[1]}"
        nursery.cancel_scope.cancel()


def answering(status: str, body: bytes = b"", *headers: str) -> Handler:
    """A server that answers each request, upgrades too, with this."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]

    async def handle(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        await stream.send_all("\r\n".join([*head, "", ""]).encode() + body)

    return handle


async def say_nothing(stream: trio.abc.Stream) -> None:
    """A server that accepts and reads, no more."""
    while await stream.receive_some():
        pass


async def look(
    name: str, config: ExchangeConfig, *, secs: float = 8.0, timeouts: DialTimeouts = HASTY
) -> list[Line]:
    """What a look finds."""
    clock = SystemClock()
    async with NetworkDial(clock, ca_file=config.ca_file, timeouts=timeouts) as dial:
        return await VenueLook(registry.get(name), config, dial, clock).lines(secs)


def states(lines: Sequence[Line]) -> dict[str, str]:
    """How each thing is, by its name."""
    return {line.name: line.state.value for line in lines}


def said(lines: Sequence[Line], name: str) -> str:
    """What is said of one thing, with the advice."""
    (line,) = (each for each in lines if each.name == name)
    return f"{line.said}: {line.advice}"
