"""Rough handling of one recorder, which must cost no more than what was handled.

Names that no disk takes, a crowd at the status page, answers that swell a thousandfold, and files
that are taken away: each is done to the real program, and the figure is printed that tells what it
cost.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import resource
import shutil
import signal
import socket
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import trio

from scripts.torture_rig.errors import Failed
from scripts.torture_rig.recorder import STOP_PATIENCE_SECS, Recorder, recording
from scripts.torture_rig.trial import Trial
from tick_logger.clock import SystemClock
from tick_logger.simulator.exchange import SimulatedExchange

GOOD = ("BTC-USD", "ETH-USD", "SOL-USD")
IDLE, UNREAD = 2_000, 100  # connections on which nothing is asked for, and streams nobody reads
BOMB_MIB = 63  # just within what is taken of an answer
HEALTH_SECS, STEP_SECS = 2.0, 0.5  # the longest that is allowed
PATIENCE_SECS = 20.0
LOOK_SECS = 0.1

Serve = Callable[[trio.SocketStream], Any]


async def names(trial: Trial) -> None:
    """A venue lists what no disk takes, and files are in the way of two of its symbols."""
    today = time.strftime("%d.%m.%y", time.gmtime())
    bad = ("X" * 300 + "-USD", "/" * 100 + "-USD", f"instruments.{today}.json")
    stray = ("ADA-USD", "DOT-USD")
    for symbol in stray:
        path = trial.data / "coinbase" / symbol
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"here first")
    exchange = _exchange("coinbase", (*GOOD, *bad, *stray))
    async with _life(trial, {"coinbase": exchange.serve_stream}, exchange) as recorder:
        await _recorded(trial, recorder, "coinbase", GOOD)
        code = await _ended(recorder)
    folders = {path.name for path in (trial.data / "coinbase").iterdir() if path.is_dir()}
    trial.figures.append(
        f"of {len(GOOD + bad + stray)} symbols {len(folders)} are recorded, {len(bad)} have no "
        f"name on a disk and {len(stray)} no place; exit code {code}"
    )
    if code or not folders >= set(GOOD):
        trial.troubles.append(f"other symbols were harmed: {sorted(folders)}, exit code {code}")


async def crowd(trial: Trial) -> None:
    """Whoever watches the recorder is answered beside those who only hold connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    exchange = _exchange("coinbase", GOOD)
    try:
        async with _life(trial, {"coinbase": exchange.serve_stream}, exchange) as recorder:
            await _recorded(trial, recorder, "coinbase", GOOD)
            address = _address(recorder)
            with contextlib.ExitStack() as held:
                opened = await trio.to_thread.run_sync(_crowd, address, held)
                waits = [await trio.to_thread.run_sync(_health_secs, address) for _ in range(10)]
            code = await _ended(recorder)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    trial.figures.append(
        f"beside {opened:,} connections /health took {max(waits):.3f} s at most; exit code {code}"
    )
    if max(waits) > HEALTH_SECS or code:
        trial.troubles.append("a crowd kept others from being answered, or harmed the recorder")


async def bomb(trial: Trial) -> None:
    """One venue's listings swell a thousandfold: the loop goes on, and so does the other venue."""
    swollen = gzip.compress(b'{"symbols":[]}' + bytes(BOMB_MIB * 2**20))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(swollen)

    async def answer(stream: trio.SocketStream) -> None:
        with contextlib.suppress(trio.BrokenResourceError):
            await stream.receive_some()
            await stream.send_all(head + swollen)

    exchange = _exchange("coinbase", GOOD)
    venues = {"coinbase": exchange.serve_stream, "binance": answer}
    async with _life(trial, venues, exchange) as recorder:
        await _recorded(trial, recorder, "coinbase", GOOD)
        await trio.sleep(6.0)  # a span of the loop's watch
        status = await trio.to_thread.run_sync(_asked, _address(recorder), "/api/status")
        code = await _ended(recorder)
    step = status["loop"]["lag_secs"]
    trial.figures.append(
        f"answers of {len(swollen) / 1024:,.0f} KiB that swell to {BOMB_MIB} MiB: longest step "
        f"{step:.3f} s ({status['loop']['task']}), 1 of 2 venues affected; exit code {code}"
    )
    if step > STEP_SECS or code:
        trial.troubles.append("answers that swell blocked the loop, or harmed the recorder")


async def removed(trial: Trial) -> None:
    """What is written is taken away: a venue's folder, the newest segment, everything."""
    for what, take in (("a venue", _venue), ("the newest segment", _segment), ("all", _all)):
        exchange = _exchange("coinbase", GOOD)
        async with _life(trial, {"coinbase": exchange.serve_stream}, exchange) as recorder:
            await _recorded(trial, recorder, "coinbase", GOOD)
            take(trial.data)
            await trio.sleep(3.0)
            code = await _ended(recorder)
        last = recorder.log.read_text().splitlines()[-1]
        trial.figures.append(f"{what} was removed: exit code {code}")
        if code != 3 or "nothing was lost" in last:
            trial.troubles.append(f"{what} was removed, and it ended with {code}: {last[:300]}")
        shutil.rmtree(trial.data, ignore_errors=True)


def _venue(data: Path) -> None:
    shutil.rmtree(data / "coinbase", ignore_errors=True)


def _segment(data: Path) -> None:
    max((data / "journal").glob("*.tlj")).unlink()


def _all(data: Path) -> None:
    moved = data.with_name("elsewhere")
    data.rename(moved)
    shutil.rmtree(moved)


# -- one life --------------------------------------------------------------------------------------


def _exchange(name: str, symbols: tuple[str, ...]) -> SimulatedExchange:
    return SimulatedExchange(name, symbols=symbols, messages_per_second=200.0, clock=SystemClock())


@contextlib.asynccontextmanager
async def _life(
    trial: Trial, venues: Mapping[str, Serve], exchange: SimulatedExchange
) -> AsyncIterator[Recorder]:
    """A recorder of these venues, of which one is this exchange, killed at the end."""
    trial.rounds += 1
    async with trio.open_nursery() as nursery:
        text = f'[logger]\ndata_path = "{trial.data}"\n[http]\nport = 0\n'
        for name, serve in venues.items():
            listeners = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
            at = f"127.0.0.1:{listeners[0].socket.getsockname()[1]}"
            text += (
                f'[exchanges.{name}]\nws_endpoint = "ws://{at}"\nrest_endpoint = "http://{at}"\n'
            )
        await nursery.start(exchange.run_market)
        configuration, log = trial.folder / "rough.toml", trial.folder / f"log{trial.rounds}"
        configuration.write_text(text)
        async with recording(configuration, trial.data, trial.ledger, log=log) as recorder:
            yield recorder
        nursery.cancel_scope.cancel("the life is over")


async def _recorded(
    trial: Trial, recorder: Recorder, exchange: str, symbols: tuple[str, ...]
) -> None:
    """Return when each of these symbols has rows on disk."""
    with trio.move_on_after(PATIENCE_SECS):
        for symbol in symbols:
            folder = trial.data / exchange / symbol / "TRADES"
            while not any(folder.glob("trade_time.*.bin")):
                recorder.check_alive()
                await trio.sleep(LOOK_SECS)
        return
    raise Failed(f"within {PATIENCE_SECS:g} s nothing was recorded of {symbol}")


async def _ended(recorder: Recorder) -> int:
    """SIGTERM; the exit code."""
    recorder.process.send_signal(signal.SIGTERM)
    with trio.move_on_after(STOP_PATIENCE_SECS):
        return await recorder.process.wait()
    raise Failed(f"{STOP_PATIENCE_SECS:g} s after SIGTERM it still runs")


def _address(recorder: Recorder) -> str:
    said = re.findall(r"http://127\.0\.0\.1:\d+", recorder.log.read_text())
    if not said:
        raise Failed("it serves no status")
    address: str = said[-1]
    return address


def _crowd(address: str, held: contextlib.ExitStack) -> int:
    host, _, port = address.removeprefix("http://").partition(":")
    opened = 0
    for number in range(IDLE + UNREAD):
        try:
            client = held.enter_context(socket.create_connection((host, int(port)), timeout=5.0))
            if number >= IDLE:
                client.sendall(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            opened += 1
        except OSError:  # one that is let go, or not let in
            continue
    return opened


def _asked(address: str, path: str) -> Any:  # noqa: ANN401 - what JSON says
    with urllib.request.urlopen(address + path, timeout=60) as answer:
        return json.load(answer)


def _health_secs(address: str) -> float:
    began = time.perf_counter()
    _asked(address, "/health")
    return time.perf_counter() - began
