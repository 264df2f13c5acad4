"""Whole books of up to 4 MiB, sent faster than anybody can decode them, by several venues at once.

What the recorder cannot take it must give up and say so; its memory, the steps of its event loop
and the time that a stop takes must stay bounded whatever comes.  The books are sent on the
connections of simulated exchanges, between their own messages.  For some seconds the disk is
frozen, so that frames are received and nothing can be done with them.  In the end the recorder is
started once more, without books, and what it has recorded is verified.
"""

from __future__ import annotations

import functools
import itertools
import json
import math
import os
import re
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import trio

from scripts.torture_rig.disks import LoopDisk, frozen
from scripts.torture_rig.errors import Failed
from scripts.torture_rig.recorder import STOP_PATIENCE_SECS, Recorder, recording, verify
from scripts.torture_rig.trial import Trial
from tick_logger.clock import SystemClock
from tick_logger.errors import leaves
from tick_logger.simulator.exchange import SimulatedExchange

LIMIT_MIB = 256  # buffer_limit_mib
BESIDE_MIB = 512
"""What everything else may take: the program, its threads, and rows on their way to files."""

LONGEST_STEP_SECS = 1.0  # with one message of the largest kind, on a busy machine
LONGEST_STOP_SECS = 22.0  # shutdown_timeout_secs, and the last words
FLOOD_SECS, FROZEN_SECS = 8.0, 8.0  # the flood before the disk is frozen, and again after that
RECOVERY_PATIENCE_SECS = 120.0  # what a stop has left in the journal is derived first
LOOK_SECS = 0.05
DISK_MIB = 6 * 1024  # books are larger in columns than as text
SIZES = (64 * 1024, 4 * 1024 * 1024, 256 * 1024, 1024 * 1024)  # bytes of messages, in turn
START_SECS = 30.0

Book = Callable[[int, int], bytes]
"""The text of a whole book by its number, and of so many levels on each side."""


def _coinbase(number: int, levels: int) -> bytes:
    now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    if number % 2:
        head = '{"type":"snapshot","product_id":"BTC-USD","asks":[%s],"bids":[%s]}'
        return (head % (_pairs(levels, 1), _pairs(levels, -1))).encode()
    changes = ",".join((_changes(levels, "sell", 1), _changes(levels, "buy", -1)))
    head = '{"type":"l2update","product_id":"BTC-USD","time":"%s.%06dZ","changes":[%s]}'
    return (head % (now, number % 1_000_000, changes)).encode()


def _binance(number: int, levels: int) -> bytes:
    first = 10**9 + 10 * number
    head = (
        '{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":%d,"s":"BTCUSDT",'
        '"U":%d,"u":%d,"b":[%s],"a":[%s]}}'
    )
    ends = first, first + 9
    return (head % (time.time_ns() // 1000, *ends, _pairs(levels, -1), _pairs(levels, 1))).encode()


def _bybit(number: int, levels: int) -> bytes:
    now_ms = time.time_ns() // 1_000_000
    head = (
        '{"topic":"orderbook.200.BTCUSDT","ts":%d,"type":"snapshot","data":{"s":"BTCUSDT",'
        '"b":[%s],"a":[%s],"u":%d,"seq":%d},"cts":%d}'
    )
    ids = 10**9 + number, 10**9 + number
    return (head % (now_ms, _pairs(levels, -1), _pairs(levels, 1), *ids, now_ms)).encode()


def _upbit(number: int, levels: int) -> bytes:
    head = (
        '{"type":"orderbook","code":"KRW-BTC","timestamp":%d,"total_ask_size":1.0,'
        '"total_bid_size":1.0,"orderbook_units":[%s],"stream_type":"REALTIME","level":0}'
    )
    return (head % (time.time_ns() // 1_000_000, _units(levels))).encode()


VENUES: dict[str, tuple[str, Book, int]] = {
    "coinbase": ("BTC-USD", _coinbase, 44),
    "binance": ("BTCUSDT", _binance, 44),
    "bybit": ("BTCUSDT", _bybit, 44),
    "upbit": ("KRW-BTC", _upbit, 80),
}
"""By name the symbol, its books, and about how many bytes a level of both sides takes."""


@functools.cache  # of a few sizes: to send is to take less time than to decode
def _pairs(levels: int, step: int) -> str:
    return ",".join(f'["{84_000 + step * n / 100:.2f}","0.5"]' for n in range(levels))


@functools.cache
def _changes(levels: int, side: str, step: int) -> str:
    return _pairs(levels, step).replace("[", f'["{side}",')


@functools.cache
def _units(levels: int) -> str:
    unit = '{"ask_price":%d.0,"bid_price":%d.0,"ask_size":0.5,"bid_size":0.25}'
    return ",".join(unit % (10**8 + n, 10**8 - 1 - n) for n in range(levels))


@attrs.define
class Flood:
    """What one run has sent, and what was seen of the recorder meanwhile."""

    sent: int = 0
    sent_bytes: int = 0
    resident_mib: float = 0.0
    longest_step_secs: float = 0.0
    longest_task: str = ""
    stop_secs: float = math.nan
    left: int = 0  # frames of the journal that the next start has to derive
    over: bool = False  # nothing more is sent
    received: float = 0.0
    given_up: float = 0.0

    def figures(self) -> str:
        """One line for people."""
        return (
            f"{self.sent:,} books of {self.sent_bytes / 2**20:,.0f} MiB sent, "
            f"{self.received:,.0f} messages decoded and {self.given_up:,.0f} given up, "
            f"{self.resident_mib:,.0f} MiB resident at most, "
            f"longest step {self.longest_step_secs:.2f} s ({self.longest_task}), "
            f"stop {self.stop_secs:.1f} s, after which {self.left:,} frames of the journal are left"
        )


class _Flooded(trio.abc.Stream):
    """A client's connection into which books are sent between the exchange's own messages."""

    def __init__(self, inner: trio.SocketStream, start: Callable[[_Flooded], object]) -> None:
        self._inner = inner
        self._start = start
        self._sending = trio.Lock()
        self._upgraded = self._started = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send, when no book is on its way."""
        async with self._sending:
            await self._inner.send_all(data)
        if self._upgraded and not self._started:
            self._started = True
            self._start(self)
        self._upgraded = self._upgraded or bytes(data[:12]) == b"HTTP/1.1 101"

    async def send_book(self, payload: bytes) -> None:
        """One message in one frame."""
        async with self._sending:
            head = b"\x81\x7f" + len(payload).to_bytes(8, "big")
            await self._inner.send_all(head + payload)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the connection takes more bytes."""
        await self._inner.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """What the client says."""
        return await self._inner.receive_some(max_bytes)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._inner.aclose()


async def flood(trial: Trial, disk: LoopDisk) -> None:
    """Send for a while, stop the recorder meanwhile, and compare what was seen with the bounds."""
    trial.rounds += 1
    seen = Flood()
    try:
        async with trio.open_nursery() as nursery:
            ports = {name: await _open(nursery, name, seen) for name in VENUES}
            configuration = trial.folder / "large.toml"
            configuration.write_text(_configuration(ports))
            life = partial(
                recording, configuration, trial.data, trial.ledger, log=trial.folder / "log"
            )
            async with life() as recorder:
                await _watch(recorder, seen, trial, disk)
            seen.over = True
            async with life() as recorder:
                await _recover(recorder, trial)
            nursery.cancel_scope.cancel("everything was sent")
    except* Failed as failures:
        trial.troubles += map(str, leaves(failures))
    trial.say(seen.figures())
    trial.figures.append(seen.figures())
    trial.troubles += _amiss(seen)
    if complaint := await verify(trial.data, deep=trial.rig.settings.deep):
        trial.troubles.append(complaint)


def _amiss(seen: Flood) -> Iterator[str]:
    if seen.resident_mib > LIMIT_MIB + BESIDE_MIB:
        yield f"{seen.resident_mib:,.0f} MiB were resident, with buffer_limit_mib = {LIMIT_MIB}"
    if seen.longest_step_secs > LONGEST_STEP_SECS:
        yield f"the event loop did nothing else for {seen.longest_step_secs:.2f} s"
    if not seen.stop_secs <= LONGEST_STOP_SECS:
        yield f"a stop took {seen.stop_secs:.1f} s"
    if not seen.given_up:
        yield "nothing had to be given up, so nothing was tried"


async def _watch(recorder: Recorder, seen: Flood, trial: Trial, disk: LoopDisk) -> None:
    with trio.fail_after(START_SECS):
        while not seen.sent:
            recorder.check_alive()
            await trio.sleep(LOOK_SECS)
    said = re.findall(r"http://127\.0\.0\.1:\d+", recorder.log.read_text())
    if not said:
        raise Failed("it serves no status")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_look_at_memory, recorder, seen)
        nursery.start_soon(_look_at_loop, said[-1], seen, trial)
        await trio.sleep(FLOOD_SECS)
        async with frozen(disk.folder):
            trial.say("the disk is frozen")
            await trio.sleep(FROZEN_SECS)
        await trio.sleep(FLOOD_SECS)
        await _stop(recorder, seen)
        nursery.cancel_scope.cancel("it has ended")


async def _stop(recorder: Recorder, seen: Flood) -> None:
    """SIGTERM; what is not derived in time may be left to the next start, and nothing else."""
    began = trio.current_time()
    os.kill(recorder.pid, signal.SIGTERM)
    with trio.move_on_after(STOP_PATIENCE_SECS):
        code = await recorder.process.wait()
        seen.stop_secs = trio.current_time() - began
        last = json.loads(recorder.log.read_text().splitlines()[-1])
        seen.left = last["frames_not_derived"]
        if code not in (0, 4) or last["bytes_not_written"]:
            raise Failed(f"it ended with {code}: {last}")
        return
    raise Failed(f"{STOP_PATIENCE_SECS:g} s after SIGTERM it still runs")


async def _recover(recorder: Recorder, trial: Trial) -> None:
    """A start derives what was left, and goes on."""
    began = trio.current_time()
    with trio.move_on_after(RECOVERY_PATIENCE_SECS):
        while recorder.log.read_text().count('"event": "recording"') < 2:
            recorder.check_alive()
            await trio.sleep(LOOK_SECS)
        trial.figures.append(f"the next start took {trio.current_time() - began:.1f} s")
        await trio.sleep(2.0)
        await recorder.terminate()
        return
    raise Failed(f"it did not recover within {RECOVERY_PATIENCE_SECS:g} s")


async def _look_at_memory(recorder: Recorder, seen: Flood) -> None:
    while True:
        await trio.sleep(LOOK_SECS)
        seen.resident_mib = max(seen.resident_mib, _resident_mib(recorder.pid))


def _resident_mib(pid: int) -> float:
    """The most that was ever resident; 0 for a process that has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


async def _look_at_loop(address: str, seen: Flood, trial: Trial) -> None:
    while True:
        await trio.sleep(2.0)
        await _ask(address, seen)
        trial.say(seen.figures())


async def _ask(address: str, seen: Flood) -> None:
    def ask() -> dict[str, Any]:
        with urllib.request.urlopen(f"{address}/api/status", timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    try:
        status = await trio.to_thread.run_sync(ask, abandon_on_cancel=True)
    except OSError:
        return
    loop = status["loop"]
    if loop["lag_secs"] > seen.longest_step_secs:
        seen.longest_step_secs, seen.longest_task = loop["lag_secs"], loop["task"]
    seen.given_up = status["messages_dropped"]
    seen.received = sum(each["messages"] for each in status["exchanges"])


async def _open(nursery: trio.Nursery, name: str, seen: Flood) -> int:
    """An exchange that floods each connection with books; returns its port."""
    _, book, level_bytes = VENUES[name]
    exchange = SimulatedExchange(name, messages_per_second=100.0, clock=SystemClock())
    books = _books(book, level_bytes)

    async def pour(stream: _Flooded) -> None:
        try:
            while not seen.over:
                payload = next(books)
                await stream.send_book(payload)
                seen.sent += 1
                seen.sent_bytes += len(payload)
                await trio.lowlevel.checkpoint()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return

    async def serve(stream: trio.SocketStream) -> None:
        flooded = _Flooded(stream, lambda each: nursery.start_soon(pour, each))
        await exchange.serve_stream(flooded)

    listeners = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
    nursery.start_soon(exchange.run_market)
    port: int = listeners[0].socket.getsockname()[1]
    return port


def _books(book: Book, level_bytes: int) -> Iterator[bytes]:
    for number, size in enumerate(itertools.cycle(SIZES)):
        yield book(number, size // level_bytes)


def _configuration(ports: dict[str, int]) -> str:
    logger = f"[logger]\nbuffer_limit_mib = {LIMIT_MIB}\n[http]\nport = 0\n"
    return logger + "\n".join(
        f"""
[exchanges.{name}]
ws_endpoint = "ws://127.0.0.1:{port}"
rest_endpoint = "http://127.0.0.1:{port}"
symbols = ["{VENUES[name][0]}"]
feeds = ["trades", "orderbook"]
connects_per_second = 100.0
reconnect_initial_secs = 0.1
reconnect_max_secs = 1.0
"""
        for name, port in ports.items()
    )
