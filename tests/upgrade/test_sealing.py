"""What an older version left is sealed and certified like any other day."""

from __future__ import annotations

from pathlib import Path

import pytest
from trio.testing import MockClock

from tests.archive.found_again import assert_found_again, bytes_of, certificates, newest
from tests.fakes.memory_files import MemoryFiles
from tests.service.world import Venue, running
from tests.upgrade.fixture import load, lost, write
from tests.upgrade.program import run

TWO_DAYS_NS = 2 * 86_400 * 10**9


@pytest.mark.parametrize("name", ["killed", "stopped"])
async def test_its_days_are_certified(name: str, tmp_path: Path, autojump_clock: MockClock) -> None:
    """Of all its exchanges, though one alone goes on; each figure is found again."""
    recorded, files = load(name), MemoryFiles()
    for path, content in recorded.files.items():
        files.contents[path] = bytearray(content)
    quiet = {"messages_per_second": 1.0, "step_secs": 1.0}
    symbols = tuple(recorded.venues["kraken"])
    going_on = Venue(name="kraken", symbols=symbols, feeds=("trades",), simulated=quiet)
    start_ns = recorded.ended_ns + TWO_DAYS_NS
    async with running(going_on, files=files, start_ns=start_ns, seed=recorded.seed) as world:
        await world.until(150.0)
    assert lost(recorded, files.contents) == []
    on_disk = bytes_of(files)
    found = certificates(on_disk)
    assert {path.split("/")[0] for path in newest(found).values()} == set(recorded.venues)
    for path in newest(found).values():
        assert_found_again(on_disk, path, found[path])
    verified = run("verify", str(write(files.contents, tmp_path)), "--deep")
    assert verified.returncode == 0, verified.stdout
