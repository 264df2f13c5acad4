"""The recorder, over real sockets and on a real disk, against what is played of a recording."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import trio

from tests.fakes.memory_files import MemoryFiles
from tests.fakes.signals import FakeSignals
from tick_logger.app import Ports, Service, record
from tick_logger.clock import SystemClock
from tick_logger.config.schema import Config, ExchangeConfig, HttpConfig, LoggerConfig
from tick_logger.exchanges import registry
from tick_logger.offload import ThreadOffload
from tick_logger.playback.entries import Entries, JournalFrames
from tick_logger.playback.exchange import PlayedExchange, Playing
from tick_logger.reader.column_files import ColumnFiles
from tick_logger.reader.places import OwnPlaces
from tick_logger.reader.tree import DiskTree
from tick_logger.storage.disk_files import DiskFiles

DEADLINE_SECS = 300.0  # many times what it takes on a busy machine: something hangs
DECODED_SECS = 1.0  # after the last message was sent, it was decoded many times over
LOOK_SECS = 0.05


def to_disk(files: MemoryFiles, folder: Path) -> None:
    """Write a recording that was made in memory to a real folder."""
    for path, content in files.contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def from_disk(folder: Path) -> MemoryFiles:
    """The files of a real folder, in memory."""
    files = MemoryFiles()
    for path in folder.rglob("*"):
        if path.is_file():
            files.contents[path.relative_to(folder).as_posix()] = bytearray(path.read_bytes())
    return files


async def record_over_sockets(
    recordings: dict[str, Path], folder: Path, playing: Playing
) -> Sequence[PlayedExchange]:
    """Record into a folder what is played of each exchange's recording, all at the same time."""
    played = []
    async with trio.open_nursery() as nursery:
        configs = {}
        for name, recording in recordings.items():
            exchange = _played(name, recording, playing)
            port = await nursery.start(partial(exchange.run, port=0))
            configs[name] = _pointed_at(port, name)
            played.append(exchange)
        config = Config(
            logger=LoggerConfig(data_path=str(folder)),
            http=HttpConfig(enabled=False),
            exchanges=configs,
        )
        with trio.fail_after(DEADLINE_SECS):
            code = await record(
                config, ports=Ports(signals=FakeSignals()), show=partial(_stop_at_the_end, played)
            )
        assert code == 0
        nursery.cancel_scope.cancel("the recording has ended")
    return played


def _played(name: str, recording: Path, playing: Playing) -> PlayedExchange:
    tree = DiskTree(recording)
    rows = ColumnFiles(tree, OwnPlaces(tree))
    exchange = PlayedExchange(
        name,
        Entries(JournalFrames(DiskFiles(str(recording))), name),
        rows,
        clock=SystemClock(),
        offload=ThreadOffload(),
        playing=playing,
    )
    assert exchange.skip()
    return exchange


async def _stop_at_the_end(played: Sequence[PlayedExchange], service: Service) -> None:
    while not all(each.counts.is_over for each in played):  # noqa: ASYNC110 - real time
        await trio.sleep(LOOK_SECS)
    await trio.sleep(DECODED_SECS)
    service.stop("everything was played")


def _pointed_at(port: int, name: str) -> ExchangeConfig:
    exchange = registry.get(name)
    return ExchangeConfig(
        ws_endpoint=f"ws://127.0.0.1:{port}{urlsplit(exchange.ws_endpoint).path}",
        rest_endpoint=f"http://127.0.0.1:{port}",
        feeds=tuple(sorted(exchange.feeds)),
        connects_per_second=100.0,
    )
