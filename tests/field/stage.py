"""Performs a dialogue in virtual time: the whole service, and the player behind memory streams."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from urllib.parse import urlsplit

import h11
import structlog
import trio
from trio.testing import memory_stream_pair

from tests.fakes.clock import NOON_NS, VirtualClock
from tests.fakes.memory_files import MemoryFiles
from tests.fakes.scheduling import schedule_by
from tests.fakes.signals import FakeSignals
from tests.field.dialogue import Dialogue
from tests.field.player import Player
from tests.field.rules import rules_of
from tests.field.seen import Seen
from tests.service.world import LONGEST_END_SECS, Collector, Line, in_virtual_time
from tick_logger.app import Ports, Service, record
from tick_logger.brake import Brake
from tick_logger.clock import MachineClock, WallClock
from tick_logger.config.schema import Config, HttpConfig, LoggerConfig
from tick_logger.errors import ConnectionLost, Ending
from tick_logger.net.wire.dial import NO_HEADERS, DialTimeouts, Headers, HttpAnswer
from tick_logger.net.wire.link import Link, upgrade
from tick_logger.net.wire.tap import OnFrames
from tick_logger.offload import InlineOffload

TIMEOUTS = DialTimeouts()
ADDRESS = "venue.test"
SECOND_LIFE_SECS = 10.0


def perform(dialogue: Dialogue, secs: float | None = None) -> Seen:
    """What is left of a dialogue after so long, or after as long as it takes."""
    return in_virtual_time(_perform, dialogue, dialogue.virtual_secs if secs is None else secs)


async def _perform(dialogue: Dialogue, secs: float) -> Seen:
    schedule_by(0)
    clock, files, lines = VirtualClock(NOON_NS), MemoryFiles(), list[Line]()
    player = Player(rules_of(dialogue.path), clock)
    structlog.configure(processors=[Collector(lines)])
    try:
        codes = [await _live(dialogue, player, clock, files, secs)]
        while len(codes) < dialogue.lives:
            files.close()
            codes.append(await _live(dialogue, player, clock, files, SECOND_LIFE_SECS))
    finally:
        structlog.reset_defaults()
    return Seen(
        venue=dialogue.venue,
        began_ns=player.began_ns,
        secs=player.age_secs,
        notes=player.notes,
        files={path: bytes(content) for path, content in files.contents.items()},
        lines=lines,
        codes=codes,
    )


async def _live(
    dialogue: Dialogue, player: Player, clock: MachineClock, files: MemoryFiles, secs: float
) -> int:
    """The exit code of the service, which is stopped after so long."""
    running: list[Service] = []
    ended = trio.Event()
    codes: list[int] = []

    async def show(service: Service) -> None:
        running.append(service)

    async with trio.open_nursery() as nursery:
        config = Config(
            logger=LoggerConfig(data_path="nowhere"),
            http=HttpConfig(enabled=False),
            exchanges={dialogue.venue: dialogue.configure(f"ws://{ADDRESS}", f"http://{ADDRESS}")},
        )
        ports = Ports(
            dial=lambda _name, clock: PlayerDial(player, clock, nursery),
            clock=clock,
            offload=InlineOffload(),
            files=files,
            rng=Random(0),
            signals=FakeSignals(),
        )

        async def live() -> None:
            codes.append(await record(config, ports=ports, show=show))
            ended.set()

        nursery.start_soon(live)
        with trio.move_on_after(secs):
            await ended.wait()
        for service in running:
            service.stop("the dialogue is over")
        try:
            with trio.fail_after(LONGEST_END_SECS):
                await ended.wait()
        finally:
            for scope in (each for service in running for each in service._survivors):
                scope.shield = False
        nursery.cancel_scope.cancel()
    return codes[0]


class PlayerDial:
    """A test implementation of `Dial` that leads to a player, whatever the address."""

    def __init__(self, player: Player, clock: WallClock, nursery: trio.Nursery) -> None:
        self.brake: Brake | None = None
        self._player = player
        self._clock = clock
        self._nursery = nursery

    async def open(
        self,
        nursery: trio.Nursery,
        url: str,
        *,
        on_frames: OnFrames,
        on_ping: Callable[[], None],
        max_message_bytes: int,
    ) -> Link:
        """Connect, reading in `nursery`; raises `ConnectionLost`."""
        return await upgrade(
            nursery,
            self._stream(),
            url,
            on_frames=on_frames,
            on_ping=on_ping,
            clock=self._clock,
            max_message_bytes=max_message_bytes,
            timeout_secs=TIMEOUTS.upgrade_secs,
        )

    async def get(self, url: str, headers: Headers = NO_HEADERS) -> HttpAnswer:
        """What a URL answers; raises `ConnectionLost`."""
        parts = urlsplit(url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        try:
            with trio.fail_after(TIMEOUTS.rest_secs):
                return await _get(self._stream(), target)
        except trio.TooSlowError:
            raise ConnectionLost(Ending.HTTP, f"{url}: no answer") from None

    def _stream(self) -> trio.abc.Stream:
        ours, theirs = memory_stream_pair()
        self._nursery.start_soon(self._player.serve_stream, theirs)
        return ours


async def _get(stream: trio.abc.Stream, target: str) -> HttpAnswer:
    """The answer to one request over a stream, which is closed then."""
    connection = h11.Connection(h11.CLIENT)
    head = h11.Request(method="GET", target=target, headers=[("Host", ADDRESS)])
    async with stream:
        await stream.send_all((connection.send(head) or b"") + (connection.send(_END) or b""))
        status, wait, body = 0, "", bytearray()
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(bytes(await stream.receive_some()))
            elif isinstance(event, h11.Response):
                status = event.status_code
                headers = {name.decode(): value.decode() for name, value in event.headers}
                wait = headers.get("retry-after", "")
            elif isinstance(event, h11.Data):
                body += event.data
            else:
                return HttpAnswer(status, bytes(body), wait)


_END = h11.EndOfMessage()
