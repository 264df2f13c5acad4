"""The HTTP surface of a real process: found by its log, answering, never in the way of the end."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from pathlib import Path

import httpx2
import pytest

from tests.service.processes import ENOUGH_SECS, ENVIRONMENT, command, demo, verify
from tick_logger.simulator.registry import DIALECTS

pytestmark = pytest.mark.slow

SOON_SECS = 20.0
"""An end at once, on a slow machine; less than a shutdown deadline."""
SLOW_MACHINE = {"connection_lost", "gaps", "loop_blocked"}
"""What a machine that is too busy has to be told; each hole has its record, which is verified."""


def stuck_client(address: str) -> socket.socket:
    """Wants events, and reads none of them."""
    host, _, port = address.removeprefix("http://").partition(":")
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect((host, int(port)))
    client.sendall(b"GET /api/events HTTP/1.1\r\nHost: here\r\n\r\n")
    return client


def see_everything(address: str) -> None:
    """Each path of a recorder that records."""
    with httpx2.Client(base_url=address, timeout=ENOUGH_SECS) as client:
        with client.stream("GET", "/api/events") as events:
            for line in events.iter_lines():
                if line.startswith("data: ") and json.loads(line[6:])["status"] == "healthy":
                    break
        health = client.get("/health").json()
        assert health["exchanges"].keys() == DIALECTS.keys()
        assert client.get("/ready").status_code == 200
        status = client.get("/api/status").json()
        assert {each["name"] for each in status["exchanges"]} == DIALECTS.keys()
        for exchange in status["exchanges"]:
            assert {"open"} <= {each["state"] for each in exchange["connections"]}
        assert "\ncollector_build_info{" in client.get("/metrics").text
        (symbol,) = client.get("/api/symbols", params={"limit": 1}).json()["symbols"]
        assert client.get("/api/symbol", params=symbol).json()["symbol"] == symbol["symbol"]
        assert client.get("/").headers["content-type"].startswith("text/html")


def refused(folder: Path, address: str) -> None:
    """A second recorder for whom the port is taken does not begin."""
    port = address.rpartition(":")[2]
    config, data = folder / "second.toml", folder / "second"
    name = min(DIALECTS)
    config.write_text(
        f'[logger]\ndata_path = "{data}"\n[http]\nport = {port}\n'
        f'[exchanges.{name}]\nsymbols = ["X"]\n'
    )
    second = subprocess.run(
        command("--config", str(config)),
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=ENOUGH_SECS,
    )
    assert second.returncode == 2, second.stderr
    title, reason = second.stderr.splitlines()
    assert title == "tick_logger did not start:"
    assert reason == (
        f"  http.port: 127.0.0.1:{port} cannot be listened on: Address already in use; "
        "enabled = false does without"
    )
    assert not data.exists()


def test_a_demo_is_watched_over_http(tmp_path: Path) -> None:
    """All paths answer; clients that are stuck keep it neither from recording nor from its end."""
    with demo(tmp_path / "data") as running:
        running.wait_until_it_receives()
        address = running.address
        clients = [stuck_client(address) for _ in range(3)]
        see_everything(address)
        refused(tmp_path, address)
        began = time.monotonic()
        last = running.interrupt()
        assert time.monotonic() - began < SOON_SECS
        for client in clients:
            client.close()
    assert (last["event"], last["exit_code"]) == ("stopped", 0)
    told = [line for line in running.lines if line["level"] in ("error", "warning")]
    assert {line["event"] for line in told} <= SLOW_MACHINE, told
    verify(tmp_path / "data")
