"""The judge of books finds what is wrong for a moment only, where it is put in afterwards."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.service.oracle import folder_of
from tests.service.oracle import rows as stored_rows
from tests.sim.book_steps import wrong_books
from tests.sim.court import Court
from tests.sim.oracle import judge
from tests.sim.plan import draw
from tests.sim.said import KNOWN
from tests.sim.streams import SNAPSHOT, Stream
from tests.sim.world import World, tell

SEEDS = {
    "binance": 130, "bybit": 145, "bybit_linear": 130, "coinbase": 35, "coinbase_advanced": 93,
    "kraken": 149, "okx": 194, "upbit": 177,
}  # fmt: skip
"""Of stories with a book, in which no message is lost unseen and no clock is set."""


@pytest.fixture(params=sorted(SEEDS))
def told(request: pytest.FixtureRequest) -> tuple[World, str]:
    """A story in which all is as it should be, and the venue that it is chosen for."""
    world = tell(draw(SEEDS[request.param]))
    verdict = judge(world)
    assert verdict.violations == []
    assert verdict.counts["book updates compared"] > 0
    return world, request.param


def test_every_venue_has_a_story() -> None:
    assert SEEDS.keys() == KNOWN.keys()


def columns(world: World, name: str) -> tuple[str, str]:
    """The folder of a venue's first book, and the day of its last file."""
    symbol = world.exchanges[name].truth.symbols()[0]
    part = stored_rows(
        world.disk, name, symbol, "BOOK", price_dtype=world.story.logger["price_dtype"]
    )
    return f"{folder_of(name, symbol)}/BOOK", part.days[-1]


def complaints(world: World, name: str) -> list[str]:
    """About the books of a venue."""
    court = Court(world)
    streams = (
        Stream(court, name, symbol, "BOOK") for symbol in world.exchanges[name].truth.symbols()
    )
    return [each for stream in streams for each in wrong_books(stream, lost_unseen=False)]


def test_a_size_that_is_wrong_until_the_next_update_is_found_out(told: tuple[World, str]) -> None:
    """Each venue's, in the middle of what was recorded."""
    world, name = told
    folder, day = columns(world, name)
    sizes = world.disk.contents[f"{folder}/size.{day}.bin"]
    width = world.story.logger["price_dtype"].partition("+")[0]
    values = np.frombuffer(sizes, f"<{width}").copy()
    assert len(values) > 20
    values[len(values) // 2 :][values[len(values) // 2 :] > 0] *= 2
    sizes[:] = values.tobytes()
    assert complaints(world, name)


def test_a_snapshot_that_is_not_marked_is_found_out(told: tuple[World, str]) -> None:
    """What is there before the first is of no use."""
    world, name = told
    folder, _ = columns(world, name)
    for path in world.disk.contents:
        if path.startswith(f"{folder}/flags."):
            flags = np.frombuffer(world.disk.contents[path], "<u4") & ~np.uint32(SNAPSHOT)
            world.disk.contents[path][:] = flags.tobytes()
    found = complaints(world, name)
    assert KNOWN[name].whole_books or "no snapshot" in found[0]


def test_a_record_that_is_missing_is_found_out() -> None:
    """Of the time between the subscription and the snapshot, where that is fetched."""
    world = tell(draw(20037))
    assert judge(world).violations == []
    for path, content in world.disk.contents.items():
        if path.startswith("binance/") and "/gaps." in path:
            lines = [json.loads(line) for line in content.splitlines()]
            kept = [line for line in lines if line["cause"] != "resync"]
            content[:] = b"".join(json.dumps(line).encode() + b"\n" for line in kept)
    assert complaints(world, "binance")
