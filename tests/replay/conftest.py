"""The recordings of these tests: each play recorded once in either width, all at the same time."""

from __future__ import annotations

import shutil

import pytest

from tests.replay import captures
from tests.replay.captures import Play
from tests.replay.running import Recorded, replay_all

PLAYS = captures.find()
DTYPES = ("f4", "f8")


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[Play, str], Recorded]:
    """Every play, recorded in every width."""
    keys = [(play, dtype) for play in PLAYS for dtype in DTYPES]
    done = replay_all([(play, tmp_path_factory.mktemp("replay"), dtype) for play, dtype in keys])
    return dict(zip(keys, done, strict=True))


@pytest.fixture(scope="session")
def again(
    recordings: dict[tuple[Play, str], Recorded], tmp_path_factory: pytest.TempPathFactory
) -> dict[Play, Recorded]:
    """Every play with trades, recorded a second time into a copy of its first recording."""
    first = {play: recordings[play, "f4"] for play in PLAYS if captures.said(play).trades}
    jobs = []
    for play, recorded in first.items():
        folder = tmp_path_factory.mktemp("again") / "data"
        shutil.copytree(recorded.folder, folder)
        jobs.append((play, folder, recorded.dtype))
    return dict(zip(first, replay_all(jobs), strict=True))


@pytest.fixture(params=[(play, dtype) for play in PLAYS for dtype in DTYPES], ids=lambda p: f"{p[0]}-{p[1]}")
def recorded(
    request: pytest.FixtureRequest, recordings: dict[tuple[Play, str], Recorded]
) -> Recorded:
    """One recording."""
    return recordings[request.param]
