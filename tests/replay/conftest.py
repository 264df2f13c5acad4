"""The recordings of these tests: each play recorded once in either width, all at the same time."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.replay import captures
from tests.replay.captures import Play
from tests.replay.running import Recorded, replay_all

PLAYS = captures.find()
RUNS = [(play, dtype) for play in PLAYS for dtype in ("f4+rest", "f8")]


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[Play, str], Recorded]:
    """Every play, recorded in every width."""
    done = replay_all([(play, tmp_path_factory.mktemp("replay"), dtype) for play, dtype in RUNS])
    return dict(zip(RUNS, done, strict=True))


@pytest.fixture(scope="session")
def restarts(
    recordings: dict[tuple[Play, str], Recorded], tmp_path_factory: pytest.TempPathFactory
) -> list[tuple[Recorded, Recorded]]:
    """Recordings with trades, each before and after the same was recorded into a copy of it."""
    first = [recordings[play, "f4+rest"] for play in PLAYS if captures.said(play).trades]
    if not first:
        pytest.skip("no capture has trades")
    jobs = []
    for recorded in first:
        folder = tmp_path_factory.mktemp("restart") / "data"
        shutil.copytree(recorded.folder, folder)
        jobs.append((recorded.play, folder, recorded.dtype))
    return list(zip(first, replay_all(jobs), strict=True))


@pytest.fixture(params=RUNS, ids=[f"{play}-{dtype}" for play, dtype in RUNS])
def recorded(
    request: pytest.FixtureRequest, recordings: dict[tuple[Play, str], Recorded]
) -> Recorded:
    """One recording."""
    return recordings[request.param]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep these tests in one process, so that each capture is recorded once."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("replay"))
