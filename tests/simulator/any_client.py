"""A client of any simulated venue, which asks as the venue's adapter does, and reads with it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from urllib.parse import urlsplit

import attrs
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection

from tests.exchanges.said import AnySymbol
from tests.simulator.clients import connect, exchange, texts
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import Decoded, Event, Exchange, Subscription
from tick_logger.simulator.exchange import SimulatedExchange
from tick_logger.simulator.faults import Faults
from tick_logger.simulator.registry import DIALECTS

VENUES = tuple(sorted(DIALECTS))


@attrs.define(eq=False)
class AnyClient:
    """One connection for one feed, and what came on it."""

    served: SimulatedExchange
    adapter: Exchange
    feed: str
    connection: WebSocketConnection
    symbols: AnySymbol = attrs.field(factory=AnySymbol)

    async def subscribe(self, *symbols: str, first_id: int = 1) -> None:
        """Ask for the feed of these symbols, in as many requests as the adapter makes."""
        wanted = [Subscription(symbol, self.feed) for symbol in symbols]
        for request in self.adapter.subscribe(wanted, first_id):
            await self.connection.send_message(request.text)
        asked = self.adapter.list_request(99)
        if asked is not None:
            await trio.sleep(1.0)
            with contextlib.suppress(ConnectionClosed):
                await self.connection.send_message(asked.text)

    async def hear(self, secs: float) -> list[bytes]:
        """The payloads of some seconds."""
        got = await texts(self.connection, secs)
        return [each if isinstance(each, bytes) else each.encode() for each in got]

    def decode(self, payloads: Sequence[bytes]) -> Decoded:
        """What they say."""
        return self.adapter.decode(payloads, self.symbols)

    def events(self, payloads: Sequence[bytes], *kinds: type[Event]) -> list[Event]:
        """What they say beside rows, of these kinds."""
        return [event for _, event in self.decode(payloads).events if isinstance(event, kinds)]


async def any_client(
    nursery: trio.Nursery, name: str, feed: str, faults: Faults, **options: object
) -> AnyClient:
    """A connected client of a venue with these faults, whose market runs."""
    served = exchange(name, faults=faults, **options)
    adapter = registry.get(name)
    url = urlsplit(adapter.ws_url(adapter.ws_endpoint, adapter.lane(feed)))
    await nursery.start(served.run_market)
    resource = f"{url.path or '/'}?{url.query}"
    return AnyClient(served, adapter, feed, await connect(nursery, served, resource))
