"""A start that takes long: whoever asks over HTTP is told so, from the first moment on."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog
import trio

from tests.fakes.offload import StallingOffload
from tests.ops.web.sockets import SOON_SECS, happens
from tick_logger.app import Ports, Service, record
from tick_logger.clock import SystemClock
from tick_logger.config.schema import Config, ExchangeConfig, HttpConfig, LoggerConfig
from tick_logger.errors import ConfigError
from tick_logger.simulator.registry import DIALECTS

NAME = min(DIALECTS)


def config(folder: Path) -> Config:
    """One exchange, at which nobody answers."""
    nobody = ExchangeConfig(ws_endpoint="ws://127.0.0.1:1", rest_endpoint="http://127.0.0.1:1")
    return Config(
        logger=LoggerConfig(data_path=str(folder)),
        http=HttpConfig(port=0),
        exchanges={NAME: nobody},
    )


async def show(service: Service) -> None:
    """To nobody."""


async def test_a_recovery_is_told_of_over_http(tmp_path: Path, nursery: trio.Nursery) -> None:
    """Alive but degraded, not ready, for that reason alone; when it is over, recording begins."""
    before_ns = SystemClock().now_ns()
    offload = StallingOffload()
    offload.stall()
    with structlog.testing.capture_logs() as logs:
        nursery.start_soon(
            partial(record, config(tmp_path), ports=Ports(offload=offload), show=show)
        )
        await happens(lambda: bool(logs))
        (address,) = [line["address"] for line in logs if line["event"] == "serving"]
        async with httpx2.AsyncClient(base_url=address, timeout=SOON_SECS) as client:
            health, ready = await client.get("/health"), await client.get("/ready")
            status, metrics = await client.get("/api/status"), await client.get("/metrics")
            asked_ns = SystemClock().now_ns()
            page = await client.get("/")
            offload.resume()
            after: list[dict[str, Any]] = []
            with trio.fail_after(SOON_SECS):
                while not after or "recovering" in str(after[-1]["reasons"]):
                    after.append((await client.get("/ready")).json())
                    await trio.sleep(0.05)
            healthy_later = (await client.get("/metrics")).text
    nursery.cancel_scope.cancel()
    (reason,) = health.json()["reasons"]
    assert reason.startswith("recovering ")
    assert (health.status_code, health.json()["status"]) == (200, "degraded")
    assert (ready.status_code, ready.json()) == (503, {"ready": False, "reasons": [reason]})
    assert (status.json()["reasons"], status.json()["not_ready"]) == ([reason], [reason])
    assert status.json()["ready"] is False
    assert "\ncollector_ready 0.0\n" in metrics.text
    assert "\ncollector_ready 1.0\n" in healthy_later
    assert page.status_code == 200
    (began,) = re.findall("collector_start_timestamp_seconds ([0-9.e+]+)", metrics.text)
    for started in (float(began), status.json()["started"]):
        assert before_ns / 1e9 <= started <= asked_ns / 1e9
    (unconnected,) = after[-1]["reasons"]
    assert unconnected.startswith(f"{NAME}: not connected")


async def test_what_is_refused_at_the_start_is_raised_as_it_is(tmp_path: Path) -> None:
    """Although it happens beside the HTTP surface; the address is free again."""
    ports = Ports(offload=StallingOffload())
    async with trio.open_nursery() as nursery:
        with structlog.testing.capture_logs() as logs:
            nursery.start_soon(partial(record, config(tmp_path), ports=ports, show=show))
            await happens(lambda: any(line["event"] == "connecting" for line in logs))
            with pytest.raises(ConfigError, match="another process records into"):
                await record(config(tmp_path), ports=ports, show=show)
        nursery.cancel_scope.cancel()
