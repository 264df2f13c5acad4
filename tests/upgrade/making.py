"""Makes the recordings that later versions must continue; not a test, and run by hand.

    git worktree add old eb81a3e            # the version that is to have written them
    cp -r tests/upgrade old/tests; cd old   # this folder, as it was when it fitted that version
    python -m tests.upgrade.making killed   # or: small, stopped

The real program records simulated exchanges over loopback: one life that ends in order, and, but
for `stopped`, a pause and another life that is killed (SIGKILL) more than a second after a
checkpoint, while messages come.  Each exchange has few symbols, and nonsense and repetitions among
its messages; some messages come seconds late, so that there are late rows, holes that heal, and
books that begin anew.

What is known of the files is what this same version's `verify` says of them, and what its
`recover` makes of a copy, described by `fixture`, which shares no code with the program.
"""

from __future__ import annotations

import json
import math
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

import attrs
import trio

from tests.upgrade import fixture, program

SEED = 20

SYMBOLS = {
    "binance": ("BTCUSDT", "ETHUSDT"),
    "bybit": ("BTCUSDT", "ETHUSDT"),
    "bybit_linear": ("BTCUSDT", "ETHUSDT"),
    "coinbase": ("BTC-USD", "ETH-USD"),
    "coinbase_advanced": ("BTC-USD", "ETH-USD"),
    "kraken": ("BTC/USD", "ETH/USD"),
    "okx": ("BTC-USDT", "ETH-USDT"),
    "upbit": ("KRW-BTC", "KRW-ETH"),
}
OTHER_IDS = {"bybit_linear"}
"""Venues whose trades have names, of which numbers are made."""

FIRST_LIFE_SECS, PAUSE_SECS, SECOND_LIFE_SECS = 8.0, 1.5, 9.0
CHECKPOINT_SECS = 3.0
AFTER_CHECKPOINT_SECS = (1.3, 2.2)  # when the second life may be killed
LATE_SHARE, LATE_SECS = 0.05, 3.5


@attrs.frozen(kw_only=True)
class Plan:
    """Which venues are recorded, with how many symbols each, and how many messages a second."""

    venues: tuple[str, ...]
    symbols: int
    rate: float
    killed: bool = True


PLANS = {
    "killed": Plan(venues=tuple(SYMBOLS), symbols=2, rate=14.0),
    "small": Plan(venues=("binance",), symbols=1, rate=8.0),
    "stopped": Plan(venues=("kraken",), symbols=1, rate=8.0, killed=False),
}


@attrs.define
class Slow:
    """A session's delivery that keeps some frames for seconds, and then sends them."""

    inner: Any
    rng: Random
    waiting: list[tuple[float, bytes]] = attrs.field(factory=list)

    def loses(self, faults: Any) -> bool:  # noqa: ANN401 - what the simulator has
        """As without this."""
        lost: bool = self.inner.loses(faults)
        return lost

    def frames(self, ready_frame: bytes, faults: Any) -> list[bytes]:  # noqa: ANN401 - as above
        """What is sent now."""
        now = trio.current_time()
        due = [frame for at, frame in self.waiting if at <= now]
        self.waiting = [each for each in self.waiting if each[0] > now]
        if self.rng.random() < LATE_SHARE:
            self.waiting.append((now + LATE_SECS, ready_frame))
            return due
        sent: list[bytes] = self.inner.frames(ready_frame, faults)
        return sent + due

    def held_frames(self) -> list[bytes]:
        """As without this."""
        held: list[bytes] = self.inner.held_frames()
        return held


async def slow_down(exchanges: list[program.SimulatedExchange]) -> None:
    """Let every session of the exchanges deliver so."""
    rng = Random(SEED)
    while True:
        for exchange in exchanges:
            for client in exchange._hub.clients:
                session: Any = client
                if not isinstance(session._delivery, Slow):
                    session._delivery = Slow(session._delivery, rng)
        await trio.sleep(0.05)


def config(ports: dict[str, int]) -> str:
    """The recorder's configuration."""
    lines = ["[logger]", f"checkpoint_interval_secs = {CHECKPOINT_SECS}", "[http]"]
    lines += ["enabled = false"]
    for name, port in ports.items():
        lines += [
            f"[exchanges.{name}]",
            f'ws_endpoint = "ws://127.0.0.1:{port}{program.path_of(name)}"',
            f'rest_endpoint = "http://127.0.0.1:{port}"',
            f"feeds = {json.dumps(program.feeds_of(name))}",
            "connects_per_second = 10.0",
        ]
    return "\n".join(lines)


async def record(plan: Plan, root: Path, config_file: Path) -> dict[str, Any]:
    """All lives; what is known of them and of the exchanges."""
    async with trio.open_nursery() as nursery:
        exchanges, ports = {}, {}
        for name in plan.venues:
            exchange = exchanges[name] = program.SimulatedExchange(
                name,
                symbols=SYMBOLS[name][: plan.symbols],
                messages_per_second=plan.rate * plan.symbols,
                clock=program.SystemClock(),
                seed=SEED,
                faults=program.Faults(garbage_probability=0.025, duplicate_probability=0.02),
                settings=program.Settings(step_secs=0.05, book_levels=10),
            )
            ports[name] = await nursery.start(exchange.run)
        nursery.start_soon(slow_down, list(exchanges.values()))
        await trio.Path(config_file).write_text(config(ports))
        recorder = program.command("--config", str(config_file), "--data-path", str(root))
        await live(recorder, None)
        if plan.killed:
            await trio.sleep(PAUSE_SECS)
            await live(recorder, root)
        ended_ns = time.time_ns()
        nursery.cancel_scope.cancel()
    return {
        "seed": SEED,
        "ended_ns": ended_ns,
        "venues": {name: SYMBOLS[name][: plan.symbols] for name in plan.venues},
        "trades": {
            f"{name}/{symbol}": {trade.trade_id: float(trade.price) for trade in trades}
            for name, exchange in exchanges.items()
            for symbol in exchange.truth.symbols()
            if (trades := exchange.truth.trades(symbol))
        },
    }


async def live(recorder: list[str], killed_in: Path | None) -> None:
    """One life of the recorder: to its orderly end, or killed while it writes there."""
    process = await trio.lowlevel.open_process(recorder, stderr=subprocess.DEVNULL)
    if killed_in is None:
        await trio.sleep(FIRST_LIFE_SECS)
        process.send_signal(signal.SIGINT)
    else:
        await trio.sleep(SECOND_LIFE_SECS)
        await wait_for_the_moment(killed_in)
        process.kill()
    code = await process.wait()
    assert code == (0 if killed_in is None else -signal.SIGKILL)


async def wait_for_the_moment(root: Path) -> None:
    """Between checkpoints, so that the journal goes on behind the newest one."""
    while True:
        newest = max(path.stat().st_mtime for path in (root / "journal").glob("checkpoint.*"))
        if AFTER_CHECKPOINT_SECS[0] < time.time() - newest < AFTER_CHECKPOINT_SECS[1]:
            return
        await trio.sleep(0.02)


def look_at(root: Path, copy: Path) -> dict[str, Any]:
    """What is known of the files, and what becomes of a copy of them."""
    shutil.copytree(root, copy)
    verified = program.run("verify", str(root), "--json")
    recovered = program.run("recover", str(copy))
    assert recovered.returncode == 0, recovered.stderr
    deep = program.run("verify", str(copy), "--deep")
    assert deep.returncode == 0, deep.stdout
    before, after = fixture.read(root), fixture.read(copy)
    return {
        "verify": {
            "exit_code": verified.returncode,
            "kinds": sorted({each["kind"] for each in json.loads(verified.stdout)["findings"]}),
        },
        "recover": recovered.stdout.strip(),
        "tables": fixture.tables(after),
        "added_lines": fixture.added_lines(before, after),
    }


def check_trades(trades: dict[str, dict[int, float]], files: fixture.Contents) -> None:
    """The exchanges made every trade that was recorded, and at that price."""
    for where, columns in fixture.column_files(files).items():
        venue, symbol, *_, table = where.split()[0].split("/")
        if table == "TRADES" and venue not in OTHER_IDS:
            ids = struct.unpack(f"<{len(columns['trade_id']) // 8}Q", columns["trade_id"])
            prices = struct.unpack(f"<{len(ids)}f", columns["trade_price"])
            made = trades[f"{venue}/{symbol.replace('%2F', '/')}"]
            assert ids, where
            for number, price in zip(ids, prices, strict=True):
                assert math.isclose(made[number], price, rel_tol=1e-6), (where, number)


def main(name: str) -> None:
    """Make one recording."""
    last = ["git", "log", "-1", "--format=%H", "--", "tick_logger"]
    commit = subprocess.run(last, capture_output=True, text=True, check=True).stdout.strip()
    with tempfile.TemporaryDirectory() as folder:
        root, copy = Path(folder, "data"), Path(folder, "copy")
        about = trio.run(record, PLANS[name], root, Path(folder, "config.toml"))
        trades = about.pop("trades")
        known = {"made_with_commit": commit, **about, **look_at(root, copy)}
        check_trades(trades, fixture.read(copy))
        fixture.pack(fixture.read(root), name)
    fixture.known_path(name).write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
