"""Watching a recorder: its vital signs, with or without HTTP, and never at its expense."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest
import structlog
import trio

from tests.ops.watched import Rig
from tests.ops.web.sockets import SOON_SECS, happens
from tick_logger.config.schema import HttpConfig
from tick_logger.errors import ConfigError
from tick_logger.ops.status.snapshot import Snapshot
from tick_logger.ops.watch import Watch

LINES_LEFT_OUT = 7


def watch(rig: Rig, config: HttpConfig, folder: Path, **fields: Any) -> Watch:  # noqa: ANN401 - those of the value
    return Watch(config, rig.watched(data_path=str(folder), **fields), lambda: LINES_LEFT_OUT)


async def looked_at(rig: Rig) -> None:
    """The vital signs are there."""
    await happens(lambda: rig.metrics.samples()["collector_open_files", ""] > 0)


async def test_without_http(tmp_path: Path) -> None:
    """The rest is watched all the same, and ends at once."""
    rig = Rig()
    watching = watch(rig, HttpConfig(enabled=False), tmp_path)
    async with trio.open_nursery() as nursery:
        await watching.listen()
        assert watching.address == ""
        nursery.start_soon(watching.run)
        await looked_at(rig)
        nursery.cancel_scope.cancel()
    watching.close()
    samples, disk = rig.metrics.samples(), os.statvfs(tmp_path)
    assert samples["collector_disk_size_bytes", ""] == disk.f_blocks * disk.f_frsize
    assert samples["collector_disk_free_bytes", ""] > 0
    assert samples["collector_log_lines_left_out_total", ""] == LINES_LEFT_OUT


async def test_with_http(tmp_path: Path) -> None:
    """Somebody may ask; afterwards the address is free."""
    rig = Rig()
    watching = watch(rig, HttpConfig(port=0), tmp_path)
    with structlog.testing.capture_logs() as logs:
        await watching.listen()
    assert logs == [{"event": "serving", "address": watching.address, "log_level": "info"}]
    port = int(watching.address.rpartition(":")[2])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watching.run)
        with trio.fail_after(SOON_SECS):
            stream = await trio.open_tcp_stream("127.0.0.1", port)
            async with stream:
                await stream.send_all(b"GET /health HTTP/1.0\r\n\r\n")
                assert (await stream.receive_some()).startswith(b"HTTP/1.1 200")
        nursery.cancel_scope.cancel()
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", port))


async def test_the_address_is_given_back_where_nothing_is_recorded(tmp_path: Path) -> None:
    """As when the directory is in use."""
    watching = watch(Rig(), HttpConfig(port=0), tmp_path)
    await watching.listen()
    port = int(watching.address.rpartition(":")[2])
    with pytest.raises(ConfigError):
        await watch(Rig(), HttpConfig(port=port), tmp_path).listen()
    watching.close()
    other = watch(Rig(), HttpConfig(port=port), tmp_path)
    await other.listen()
    other.close()


async def test_a_fault_ends_only_the_watching(tmp_path: Path) -> None:
    """Calmly, with a line in the log."""

    def broken() -> Snapshot:
        raise RuntimeError("a fault of ours")

    watching = watch(Rig(), HttpConfig(enabled=False), tmp_path, snapshot=broken)
    with structlog.testing.capture_logs() as logs:
        await watching.run()
    assert [line["event"] for line in logs] == ["watching_failed"]


async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """Nothing is said of its disk, and no fault comes of it."""
    rig = Rig()
    watching = watch(rig, HttpConfig(enabled=False), tmp_path / "missing")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watching.run)
        await looked_at(rig)
        nursery.cancel_scope.cancel()
    assert rig.metrics.samples()["collector_disk_size_bytes", ""] == 0
