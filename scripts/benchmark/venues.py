"""A simulated venue as a load: `python -m scripts.benchmark.venues EXCHANGE OPTIONS`, a process.

The market runs until the recorder is subscribed and greeted, then stops.  What it sends next is
made while every session holds it back, so that the market's own work is over when the release
comes; after it nothing happens but sending, as fast as the client reads.  It speaks JSON lines on
its standard output: `port`, `subscribed`, then `prepared` and `released` as often as it is told to
go on, then `finished`.  Each of the last three follows a line on its standard input.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from random import Random

import trio

from scripts.benchmark.processes import say
from tick_logger.model.tables import FEEDS
from tick_logger.simulator.dialects.base import Dialect
from tick_logger.simulator.exchange import Settings, SimulatedExchange
from tick_logger.simulator.registry import DIALECTS
from tick_logger.simulator.session import Session
from tick_logger.simulator.symbols import SymbolSpec

SETTLED_SECS = 3.0
"""When nobody connected, subscribed or asked by REST for so long, all is subscribed and greeted."""
PATIENCE_SECS = 90.0
LAG_SECS = 10.0
"""The market's clock is late by so much, and catches up while messages are being made."""
CLOCK_STEP_SECS = 0.01
STEP_SECS, LONGEST_STEP_SECS = 0.1, 1.0
"""Time in the market per step: no venue sends books less often than the one.  The other is for
feeds of one message a second."""
MOST_SECS = 40.0
"""Messages are made no longer than this at once.  Few at once would not show a saturated recorder:
each release ends with one or two flushes that open and write every file."""
SIGN_OF_LIFE_SECS = 4.0
"""Each session sends its oldest message so often while more are made: a recorder gives up a venue
that promises heartbeats when it hears nothing for as little as 12 s."""
END = "end"
"""The line that asks for `finished`."""
MOST_BYTES = 384 * 1024 * 1024
"""Of messages in memory, which hold them twice while they are being sent."""
EVENTS = {"ticker": 3.0, "trades": 3.0, "quotes": 3.0, "orderbook": 6.0}
"""Of the market's budget, per symbol and step.  Books get more, so that their messages have a
plausible number of levels."""


class MarketClock:
    """A wall clock that is late, until it is stopped and steps only when told."""

    def __init__(self) -> None:
        self._stopped_ns: int | None = None

    def now_ns(self) -> int:
        """Nanoseconds since 1970-01-01 UTC."""
        if self._stopped_ns is not None:
            return self._stopped_ns
        return time.time_ns() - int(LAG_SECS * 1e9)

    def step(self) -> None:
        """Show the time of one step later, from now on."""
        self._stopped_ns = self.now_ns() + int(CLOCK_STEP_SECS * 1e9)


class HeldSession(Session):
    """A session whose market data can be held back; answers and pongs are not."""

    held: list[bytes] | None = None
    held_bytes = 0  # of their payloads

    def deliver(self, ready_frame: bytes) -> None:
        """Queue a frame of market data, now or at the release."""
        if self.held is None:
            super().deliver(ready_frame)
        else:
            self.held.append(ready_frame)
            self.held_bytes += payload_bytes(ready_frame)

    def sign_of_life(self) -> None:
        """Queue the oldest message that is held back."""
        if self.held:
            oldest = self.held.pop(0)
            self.held_bytes -= payload_bytes(oldest)
            super().deliver(oldest)

    def release(self) -> None:
        """Queue what was held back."""
        held, self.held, self.held_bytes = self.held or [], None, 0
        for ready_frame in held:
            super().deliver(ready_frame)


class HeldExchange(SimulatedExchange):
    """A simulated venue that makes its messages first and sends them afterwards."""

    def __init__(self, name: str, feed: str, symbols: Sequence[str]) -> None:
        self._budget = EVENTS[feed] * len(symbols)  # of a step
        self._market_clock = MarketClock()
        super().__init__(
            name,
            symbols=symbols,
            messages_per_second=self._budget / STEP_SECS,
            clock=self._market_clock,
            settings=Settings(
                ping_interval_secs=PATIENCE_SECS,  # none of them in what is measured
                queue_bytes=2 * MOST_BYTES,
                truth_trades_per_symbol=1,
            ),
        )
        self._symbols = len(symbols)
        self._step_length_secs = STEP_SECS
        self._sessions: list[HeldSession] = []
        self._rest_requests = 0

    async def _upgrade(self, stream: trio.abc.Stream, target: str, head: bytes) -> None:
        self.connections_opened += 1
        name = f"connection {self.connections_opened}"
        session = HeldSession(self._hub, self._dialect, self._settings, name, Random(name))
        self._sessions.append(session)
        await session.run(stream, target, head)

    def rest(self, target: str) -> tuple[int, bytes]:
        """Status and body of a GET, which is counted."""
        self._rest_requests += 1
        return super().rest(target)

    async def settle(self) -> None:
        """Run the market until all symbols are subscribed and nothing new comes; then stop it."""
        async with trio.open_nursery() as nursery:
            await nursery.start(self.run_market)
            with trio.move_on_after(PATIENCE_SECS) as patience:
                await self._nothing_new()
            nursery.cancel_scope.cancel(reason="the market stops")
        if patience.cancelled_caught:
            raise SystemExit(f"{self.name}: not all was subscribed; topics: {self._topics()}")

    async def _nothing_new(self) -> None:
        before, since = (0, 0, 0), trio.current_time()
        while self._topics() < self._symbols or trio.current_time() < since + SETTLED_SECS:
            await trio.sleep(0.1)
            state = self.connections_opened, self._topics(), self._rest_requests
            if state != before:
                before, since = state, trio.current_time()

    def _topics(self) -> int:
        return sum(len(client.topics) for client in self._hub.clients)

    async def fill(self, messages: int) -> tuple[int, int]:
        """Hold so many messages, or fewer if that takes too long; how many, and payload bytes."""
        for session in self._sessions:
            session.held = []
        began = heard = time.monotonic()
        made = size = 0
        while made < messages and size < MOST_BYTES and time.monotonic() < began + MOST_SECS:
            before = made
            self._market_clock.step()
            self.step_once(self._step_length_secs)
            if time.monotonic() > heard + SIGN_OF_LIFE_SECS:
                heard = time.monotonic()
                for session in self._sessions:
                    session.sign_of_life()
            made = sum(len(session.held or []) for session in self._sessions)
            size = sum(session.held_bytes for session in self._sessions)
            if made - before < self._symbols / 2:  # the feed is slow
                self._step_length_secs = min(2 * self._step_length_secs, LONGEST_STEP_SECS)
                self._rate = self._budget / self._step_length_secs
            await trio.lowlevel.checkpoint()  # answers and pongs are sent
        return made, size

    def release(self) -> None:
        """Let all sessions send what they hold."""
        for session in self._sessions:
            session.release()


def payload_bytes(frame: bytes) -> int:
    """Of an unmasked, whole frame."""
    return len(frame) - {126: 4, 127: 10}.get(frame[1], 2)


def symbols_of(kind: type[Dialect], count: int) -> list[str]:
    """So many symbols in the venue's spelling: its own first, then others made from its first."""
    spec = kind.spec(kind.symbols[0])
    made = (_renamed(spec, f"BENCH{number}") for number in range(count))
    return [*kind.symbols, *made][:count]


def _renamed(spec: SymbolSpec, base: str) -> str:
    """The symbol with another base, in lower case where the venue writes it so."""
    if spec.base in spec.symbol:
        return spec.symbol.replace(spec.base, base, 1)
    return spec.symbol.replace(spec.base.lower(), base.lower(), 1)


async def hear() -> str:
    """A line from whoever started this process; ends the process if there are no more."""
    line: str = await trio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True)
    if not line:
        raise SystemExit("nobody listens")
    return line.strip()


async def serve(options: argparse.Namespace) -> None:
    """One measurement, from listening to its end."""
    symbols = symbols_of(DIALECTS[options.exchange], options.symbols)
    exchange = HeldExchange(options.exchange, options.feed, symbols)
    async with trio.open_nursery() as nursery:
        say(port=await nursery.start(exchange.serve))
        await exchange.settle()
        opened = exchange.connections_opened
        say(subscribed=True)
        while await hear() != END:
            made, size = await exchange.fill(options.messages)
            say(prepared=True, messages=made, payload_bytes=size)
            await hear()
            exchange.release()
            say(released=time.time())
        say(
            finished=True,
            reconnects=exchange.connections_opened - opened,
            violations=exchange.violations,
        )
        await hear()  # until killed: the recorder stops first


def main() -> None:
    """Serve one measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("exchange", choices=sorted(DIALECTS))
    parser.add_argument("--feed", choices=FEEDS, required=True)
    parser.add_argument("--symbols", type=int, default=100, help="in all")
    parser.add_argument("--messages", type=int, default=100_000, help="at once")
    trio.run(serve, parser.parse_args())


if __name__ == "__main__":
    main()
