"""The width of recorded prices is known from whatever is left of a recording."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeAlias

import attrs
import pytest

from tests.derive.derived import NOW_NS
from tests.derive.story import Frames, story
from tests.fakes.memory_files import MemoryFiles
from tests.recording.lives import live, recovery
from tick_logger.errors import ConfigError
from tick_logger.model.entries import Started
from tick_logger.model.schemas import Schemas
from tick_logger.model.tables import EXACT, PRICE_DTYPES

WIDTHS = list(PRICE_DTYPES)

Left: TypeAlias = Callable[[str], MemoryFiles]
"""A damaged recording of some width."""


def told(price_dtype: str) -> Frames:
    """A story whose processes record with this width."""
    columns = Schemas.written(price_dtype).to_plain()
    return [
        [
            attrs.evolve(entry, price_dtype=price_dtype, columns=columns)
            if isinstance(entry, Started)
            else entry
            for entry in frame
        ]
        for frame in story(0, rounds=2)
    ]


def recorded_as(price_dtype: str, *checkpoints: int) -> MemoryFiles:
    files = MemoryFiles()
    live(files, told(price_dtype), checkpoints=checkpoints)
    return files


def without_journal(price_dtype: str) -> MemoryFiles:
    """Column files alone."""
    files = recorded_as(price_dtype)
    for path in [path for path in files.contents if path.startswith("journal/")]:
        files.remove(path)
    return files


def without_its_beginning(price_dtype: str) -> MemoryFiles:
    """The frame that says what the first process records is damaged."""
    files = recorded_as(price_dtype)
    files.contents["journal/00000001.tlj"][80] ^= 1
    return files


def without_checkpoints(price_dtype: str) -> MemoryFiles:
    """Two were saved, and neither holds."""
    files = recorded_as(price_dtype, 3, 6)
    for number in (0, 1):
        files.contents[f"journal/checkpoint.{number}"][60] ^= 1
    return files


LEFT: list[Left] = [without_journal, without_its_beginning, without_checkpoints]


def widths(files: MemoryFiles) -> list[tuple[str, int | None]]:
    """Since when each width, as the directory describes itself."""
    described: list[dict[str, Any]] = json.loads(files.contents["format.json"])["price_dtypes"]
    return [(each["price_dtype"], each["since_ns"]) for each in described]


@pytest.mark.parametrize("left", LEFT)
@pytest.mark.parametrize("price_dtype", WIDTHS)
def test_who_only_recovers_keeps_the_width(price_dtype: str, left: Left) -> None:
    """So that it can be recorded on with the same one."""
    files = left(price_dtype)
    process = recovery(files, price_dtype=None, accept_damage=True)
    found = process.run(NOW_NS)
    assert found.derivation.price_dtype == price_dtype
    process.checkpoints.save(found.derivation, NOW_NS)
    again = recovery(files, price_dtype=price_dtype).run(NOW_NS)
    assert again.derivation.price_dtype == price_dtype


@pytest.mark.parametrize("left", LEFT)
def test_another_width_is_refused_whatever_is_left(left: Left) -> None:
    """Before a day holds both."""
    for recorded, wanted in (("f8", EXACT), ("f8", "f4"), (EXACT, "f4"), ("f4", "f8")):
        process = recovery(left(recorded), price_dtype=wanted, accept_damage=True)
        with pytest.raises(ConfigError, match="prices here are recorded as"):
            process.run(NOW_NS)


@pytest.mark.parametrize("left", LEFT)
def test_the_directory_says_since_when_it_has_the_rest(left: Left) -> None:
    """And what prices were before; a directory that keeps its width says nothing of a change."""
    for wanted, described in (("f4", [("f4", None)]), (EXACT, [("f4", None), (EXACT, NOW_NS)])):
        files = left("f4")
        process = recovery(files, price_dtype=wanted, accept_damage=True)
        process.prepare(process.run(NOW_NS).derivation, NOW_NS)
        assert widths(files) == described


def test_the_journal_knows_better_than_an_older_checkpoint() -> None:
    """A process that began to keep the rest died before its first one: no other may go back."""
    files = recorded_as("f4", 3, 6)
    start = Started(NOW_NS, "1.0", EXACT, 1, Schemas.written(EXACT).to_plain())
    begun: Frames = [*told("f4"), [start]]
    live(files, begun)
    with pytest.raises(ConfigError, match=r'recorded as "f4\+rest"'):
        recovery(files, price_dtype="f4").run(NOW_NS)
    process = recovery(files)
    process.prepare(process.run(NOW_NS).derivation, NOW_NS)
    assert widths(files) == [(EXACT, None)]


def test_without_a_whole_row_there_is_no_width() -> None:
    """Any may be chosen then."""
    files = MemoryFiles()
    files.append("okx/BTC-USDT/MD/price.29.11.26.bin", b"1234")
    for wanted in WIDTHS:
        assert recovery(files, price_dtype=wanted).run(NOW_NS).derivation.price_dtype == wanted
