"""A venue that is played by the test: what was sent to it and when, what it says, how it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import attrs
import trio

from tests.fakes.clock import VirtualClock
from tests.net.bench import Bench
from tick_logger.brake import Brake
from tick_logger.errors import ConnectionLost, Ending
from tick_logger.model.payloads import Payloads
from tick_logger.net.address import Address
from tick_logger.net.approach import Approach, Purpose
from tick_logger.net.connection.context import VenueContext
from tick_logger.net.reach import Reach
from tick_logger.net.rest.client import RestClient
from tick_logger.net.wire.dial import NO_HEADERS, Headers, HttpAnswer
from tick_logger.net.wire.link import Link
from tick_logger.net.wire.tap import OnFrames


@attrs.define(eq=False)
class PlayedLink:
    """One connection, from the venue's side."""

    url: str
    on_frames: OnFrames
    clock: VirtualClock
    answer: Callable[[PlayedLink, str], None]
    answers_pings: bool = True
    send_secs: float = 0.0  # how long it takes until a sender knows that it has sent
    sent: list[tuple[float, str]] = attrs.field(factory=list)
    pings: list[float] = attrs.field(factory=list)
    closed: trio.Event = attrs.field(factory=trio.Event)

    @property
    def texts(self) -> list[str]:
        """What was sent, without the times."""
        return [text for _, text in self.sent]

    def say(self, *words: str) -> None:
        """Send these messages in one go."""
        self.on_frames(self.clock.now_ns(), Payloads.of([each.encode() for each in words]))

    def end(self) -> None:
        """End the connection."""
        self.closed.set()

    async def send(self, text: str) -> None:
        """Take a message."""
        await trio.lowlevel.checkpoint()
        self.sent.append((trio.current_time(), text))
        self.answer(self, text)
        if self.send_secs:
            await trio.sleep(self.send_secs)

    async def ping(self) -> None:
        """Return at once, or never."""
        self.pings.append(trio.current_time())
        if not self.answers_pings:
            await trio.sleep_forever()
        await trio.lowlevel.checkpoint()

    async def wait_closed(self) -> None:
        """Raise when the venue ended it."""
        await self.closed.wait()
        raise ConnectionLost(Ending.EOF, "ended by the test")

    async def aclose(self, timeout_secs: float) -> None:
        """Be closed."""
        await trio.lowlevel.checkpoint()
        self.closed.set()


def grant(link: PlayedLink, text: str) -> None:
    """Grant what is asked for, and say nothing about what is ended."""
    verb, _, named = text.partition(" ")
    if verb == "subscribe":
        link.say(f"granted {named}")


def nothing(_link: PlayedLink, _text: str) -> None:
    """Answer nothing."""


@attrs.define(eq=False)
class PlayedDial:
    """Every dial succeeds, after `delay_secs`; `links` in order.

    The listing names these symbols, `per_page` a page.
    """

    clock: VirtualClock
    symbols: Sequence[str] = ("BTC", "ETH")
    answer: Callable[[PlayedLink, str], None] = grant
    links: list[PlayedLink] = attrs.field(factory=list)
    per_page: int = 100
    delay_secs: float = 0.0
    brake: Brake | None = None

    async def open(
        self,
        nursery: trio.Nursery,
        url: str,
        *,
        on_frames: OnFrames,
        on_ping: Callable[[], None],
        max_message_bytes: int,
    ) -> Link:
        """A new connection."""
        await trio.sleep(self.delay_secs)
        self.links.append(PlayedLink(url, on_frames, self.clock, self.answer))
        return self.links[-1]

    async def get(self, url: str, headers: Headers = NO_HEADERS) -> HttpAnswer:
        """A page of the listing; more are behind all but the last."""
        await trio.lowlevel.checkpoint()
        begin = int(url.partition("?from=")[2] or 0)
        end = begin + self.per_page
        more = [f"...{end}"] if end < len(self.symbols) else []
        return HttpAnswer(200, " ".join([*self.symbols[begin:end], *more]).encode())


def venue_on(bench: Bench, dial: PlayedDial, *, connects_per_second: float = 10.0) -> VenueContext:
    """What the connections share, around the bench's intake."""
    exchange, metrics = bench.exchange, bench.metrics.exchange(bench.exchange.name)
    address = Address(
        exchange.profile.rest_weight_per_minute, connects_per_second, exchange.profile.ban_secs
    )

    def approach(purpose: Purpose) -> Approach:
        return Approach(exchange.name, address, purpose, clock=dial.clock, metrics=metrics)

    reach = Reach(exchange.name, dial.clock)
    return VenueContext(
        exchange=exchange,
        ws_endpoint=exchange.ws_endpoint,
        rest=RestClient(exchange.rest_endpoint, dial, approach(Purpose.REST), reach),
        reach=reach,
        connects=approach(Purpose.CONNECTIONS),
        instruments=bench.instruments,
        dial=dial,
        clock=dial.clock,
        intake=bench.intake,
        metrics=metrics,
        rng=Random(0),
    )
