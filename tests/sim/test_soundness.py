"""The judge of what no recording may have finds it, where it is put in afterwards."""

from __future__ import annotations

import json

import pytest

from tests.sim.oracle import judge
from tests.sim.plan import draw
from tests.sim.world import World, tell

SEED = 48
"""Of a story in which no clock is set, and the first venue numbers its trades."""


@pytest.fixture
def world() -> World:
    """A story in which all is as it should be."""
    told = tell(draw(SEED))
    assert judge(told).violations == []
    return told


def folder_and_day(world: World) -> tuple[str, str]:
    """A folder of trades, of which a file is not empty, and the day of that."""
    path = next(
        p
        for p, d in world.disk.contents.items()
        if p.startswith("binance/") and "/TRADES/trade_id." in p and d
    )
    folder, _, name = path.rpartition("/")
    return folder, name.removeprefix("trade_id.").removesuffix(".bin")


def complaints(world: World, having: str) -> list[str]:
    return [each for each in judge(world).violations if having in each]


def test_a_file_of_another_day_is_found_out(world: World) -> None:
    folder, day = folder_and_day(world)
    for path in [path for path in world.disk.contents if path.startswith(f"{folder}/")]:
        if day in path:
            world.disk.contents[path.replace(day, "01.01.20")] = bytearray()
    assert complaints(world, "there are files of 01.01.20")


def test_a_row_of_the_future_is_found_out(world: World) -> None:
    folder, day = folder_and_day(world)
    times = world.disk.contents[f"{folder}/trade_time.{day}.bin"]
    last = int.from_bytes(times[-4:], "little")
    times[-4:] = (last + 600).to_bytes(4, "little")
    assert complaints(world, "s ahead of its receipt")


@pytest.mark.parametrize("never_made", [False, True])
def test_a_hole_of_nothing_is_found_out(world: World, never_made: bool) -> None:
    """Of a trade that is there, or of one that never was."""
    folder, day = folder_and_day(world)
    there = int.from_bytes(world.disk.contents[f"{folder}/trade_id.{day}.bin"][-8:], "little")
    number = there + 1_000_000 if never_made else there
    ids = {"from_id": number, "to_id": number, "from_ns": 1, "to_ns": 2}
    line = {"table": "TRADES", **ids, "cause": "sequence", "healed": False}
    path = f"{folder.removesuffix('/TRADES')}/gaps.{day}.jsonl"
    world.disk.contents.setdefault(path, bytearray()).extend(json.dumps(line).encode() + b"\n")
    assert complaints(world, "are called missing" if never_made else "are told as missing")
    world.disk.contents[path].extend(json.dumps(line | {"healed": "stream"}).encode() + b"\n")
    assert not complaints(world, "are told as missing")
