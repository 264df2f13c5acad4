"""One real case of the faults: processes, sockets and files, for the recorder and for another."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from trio_websocket import ConnectionClosed, wrap_client_stream

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "scripts.faults_rig.run", "--seconds", "3", "--json"]
RATE = 300
ENOUGH_SECS = 240.0  # for a slow machine; it ends much sooner

pytestmark = pytest.mark.seldom


def test_a_reset_is_measured() -> None:
    """What it has cost is known, and all of it is in a gap record."""
    asked = ["--venues", "kraken,upbit", "--faults", "reset,clock", "--rate", str(RATE)]
    done = subprocess.run(
        [*COMMAND, *asked], cwd=ROOT, capture_output=True, text=True, timeout=ENOUGH_SECS,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    kraken, upbit, clock = json.loads(done.stdout)
    assert (clock["fault"], clock["venue"], clock["failed"]) == ("clock", "", False)
    assert "library" in clock["why_not"]
    for row, venue in ((kraken, "kraken"), (upbit, "upbit")):
        assert (row["fault"], row["venue"], row["lines"], row["backfill"]) == (
            "reset", venue, 1, False,
        )  # fmt: skip
        assert row["sent"] > 6 * RATE / 2
        assert row["sent"] == row["recorded"] + row["missing"]
        assert row["missing"] == row["proven"]
        assert (row["untold"], row["wrong"], row["healed"]) == (0, 0, 0)


def test_another_recorder_in_the_same_table() -> None:
    """It tells the ids on standard input, and comes back a second after the reset."""
    with subprocess.Popen(
        [*COMMAND, "--peer", "binance", "reset", "--after", "4", "--rate", str(RATE)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as bench:  # fmt: skip
        try:
            told = "".join(_until_it_is_over(bench))
            out, _ = bench.communicate(told, timeout=ENOUGH_SECS)
        finally:
            bench.kill()
    (row,) = json.loads(out)
    assert (row["venue"], row["recorder"]) == ("binance", "peer")
    assert row["sent"] == row["recorded"] + row["missing"]
    assert row["recorded"] > RATE
    assert row["missing"] > RATE / 4  # of a second that it was away
    assert (row["proven"], row["false"], row["wrong"]) == (0, 0, 0)


def _until_it_is_over(bench: subprocess.Popen[str]) -> list[str]:
    """Record at the address that it tells; returns the ids, one a line."""
    assert bench.stderr is not None
    address = re.search(r"ws://127\.0\.0\.1:(\d+)", bench.stderr.readline())
    assert address is not None
    ids: list[str] = []
    over = trio.Event()

    async def record() -> None:
        token = trio.lowlevel.current_trio_token()
        watcher = partial(_watch, bench, lambda: token.run_sync_soon(over.set))
        threading.Thread(target=watcher, daemon=True).start()
        with trio.fail_after(ENOUGH_SECS):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_peer, int(address[1]), ids)
                await over.wait()
                nursery.cancel_scope.cancel()

    trio.run(record)
    return ids


def _watch(bench: subprocess.Popen[str], over: Any) -> None:  # noqa: ANN401 - a callback
    assert bench.stderr is not None
    for line in bench.stderr:
        if line.startswith("it is over"):
            over()


async def _peer(port: int, ids: list[str]) -> None:
    """A recorder as many are: it waits for a second before it connects again."""
    wanted = json.dumps({"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": 1})
    while True:
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        try:
            async with trio.open_nursery() as nursery:
                socket = await wrap_client_stream(nursery, stream, "127.0.0.1", "/stream")
                await socket.send_message(wanted)
                while True:
                    message = json.loads(await socket.get_message())
                    if "data" in message:
                        ids.append(f"{message['data']['t']}\n")
        except* ConnectionClosed:
            pass
        finally:
            await trio.aclose_forcefully(stream)
        await trio.sleep(1.0)
