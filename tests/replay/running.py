"""Runs the unchanged service against a replaying exchange: real sockets, threads, clock, disk.

Not real are signals: one process runs many services at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import attrs
import trio

from tests.fakes.signals import FakeSignals
from tests.replay.captures import Play, said
from tests.replay.server import ReplayExchange
from tick_logger.app import Ports, Service, record
from tick_logger.config.schema import Config, ExchangeConfig, HttpConfig, LoggerConfig
from tick_logger.exchanges import registry
from tick_logger.model.tables import Table
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.verify.report import Report
from tick_logger.verify.tree import verify

DEADLINE_SECS = 300.0  # many times what it takes on a busy machine: something hangs
POLL_SECS = 0.005
FEEDS = ("ticker", "trades", "quotes", "orderbook")


@attrs.frozen
class Recorded:
    """A recording that has ended."""

    play: Play
    folder: Path
    dtype: str  # of prices on disk: "f4+rest" or "f8"
    exit_code: int
    samples: dict[tuple[str, str], float]  # metrics by name and exchange

    def symbol(self, symbol: str) -> Path:
        """The folder of a symbol."""
        return self.folder / self.play.exchange / symbol.replace("/", "%2F")

    def count(self, name: str) -> float:
        """One of the exchange's metrics, named without the common prefix."""
        return self.samples[f"collector_{name}", self.play.exchange]


class Recordings:
    """Plays, each recorded once in a width; all of a width at the same time."""

    def __init__(self, plays: Sequence[Play], folder: Callable[[], Path]) -> None:
        self._plays = plays
        self._folder = folder
        self._done: dict[str, dict[Play, Recorded]] = {}

    def of(self, play: Play, width: str) -> Recorded:
        """A play, recorded with prices of this width."""
        if width not in self._done:
            done = replay_all([(each, self._folder(), width) for each in self._plays])
            self._done[width] = dict(zip(self._plays, done, strict=True))
        return self._done[width][play]

    def named(self, name: str, width: str) -> Recorded | None:
        """A play by its name; None if there is no such capture."""
        play = next((each for each in self._plays if str(each) == name), None)
        return None if play is None else self.of(play, width)


def checked(recorded: Recorded) -> Report:
    """What `tick_logger verify` finds."""

    def dense(exchange: str, table: Table) -> bool:
        return registry.has_dense_ids(exchange, table)

    return verify(DiskFiles(str(recorded.folder)), dense=dense, price_dtype=recorded.dtype)


async def replay(play: Play, folder: Path, dtype: str) -> Recorded:
    """Record one play into a folder, and stop when everything has been decoded."""
    taken = play.snapshots()
    by_rest = sum(symbol in taken for symbol in said(play).snapshots)
    exchange = ReplayExchange(play.venue(), play.frames(), Random(f"{play} {dtype}"))
    services: list[Service] = []

    async def stop_at_the_end(service: Service) -> None:
        services.append(service)
        await exchange.played.wait()
        # Nobody is told what was decoded; the snapshots come last, at the pace of the venue.
        while _received(service, play) < exchange.sent + by_rest:  # noqa: ASYNC110
            await trio.sleep(POLL_SECS)
        service.stop("everything was received")

    async with trio.open_nursery() as nursery:
        port = await nursery.start(exchange.run)
        with trio.fail_after(DEADLINE_SECS):
            # Listening for those of the machine, services that overlap would put back the handlers
            # of each other.
            ports = Ports(signals=FakeSignals())
            config = _config(play, port, folder, dtype)
            code = await record(config, ports=ports, show=stop_at_the_end)
        nursery.cancel_scope.cancel("the recording has ended")
    return Recorded(play, folder, dtype, code, services[0].metrics.samples())


def _received(service: Service, play: Play) -> float:
    return service.metrics.read("collector_messages_received_total", play.exchange)


def _config(play: Play, port: int, folder: Path, dtype: str) -> Config:
    exchange = ExchangeConfig(
        ws_endpoint=f"ws://127.0.0.1:{port}",
        rest_endpoint=f"http://127.0.0.1:{port}",
        symbols="all",
        feeds=FEEDS,
        symbols_per_connection=1000,  # a capture holds what came on one connection
        connects_per_second=100.0,
    )
    return Config(
        logger=LoggerConfig(data_path=str(folder), price_dtype=dtype),
        http=HttpConfig(enabled=False),
        exchanges={play.exchange: exchange},
    )


def replay_all(jobs: Sequence[tuple[Play, Path, str]]) -> list[Recorded]:
    """Record plays, each into its folder with its dtype, all at the same time."""
    done: dict[int, Recorded] = {}

    async def one(number: int, play: Play, folder: Path, dtype: str) -> None:
        done[number] = await replay(play, folder, dtype)

    async def every() -> None:
        async with trio.open_nursery() as nursery:
            for number, job in enumerate(jobs):
                nursery.start_soon(one, number, *job)

    trio.run(every)
    return [done[number] for number in range(len(jobs))]
