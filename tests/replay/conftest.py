"""The recordings of these tests: each play recorded once in a width, all at the same time.

Prices as f8 are tried seldom: they differ from "f4+rest" in how numbers are written, and in nothing
that comes before.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.replay import captures
from tests.replay.running import Recorded, Recordings, replay_all

PLAYS = captures.find()
WIDTHS = [pytest.param("f4+rest"), pytest.param("f8", marks=pytest.mark.seldom)]
RUNS = [
    pytest.param((play, *width.values), marks=width.marks, id=f"{play}-{width.values[0]}")
    for play in PLAYS
    for width in WIDTHS
]


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Recordings:
    """Every play, recorded in a width when the first of that width is asked for."""
    return Recordings(PLAYS, lambda: tmp_path_factory.mktemp("replay"))


@pytest.fixture(scope="session")
def restarts(
    recordings: Recordings, tmp_path_factory: pytest.TempPathFactory
) -> list[tuple[Recorded, Recorded]]:
    """Recordings with trades, each before and after the same was recorded into a copy of it."""
    first = [recordings.of(play, "f4+rest") for play in PLAYS if captures.said(play).trades]
    if not first:
        pytest.skip("no capture has trades")
    jobs = []
    for recorded in first:
        folder = tmp_path_factory.mktemp("restart") / "data"
        shutil.copytree(recorded.folder, folder)
        jobs.append((recorded.play, folder, recorded.dtype))
    return list(zip(first, replay_all(jobs), strict=True))


@pytest.fixture(params=RUNS)
def recorded(request: pytest.FixtureRequest, recordings: Recordings) -> Recorded:
    """One recording."""
    play, width = request.param
    return recordings.of(play, width)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep these tests in one process, so that each capture is recorded once."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("replay"))
