"""A seed is all that a story depends on: what failed once fails again, alone and elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache

import pytest

from tests.fakes.scheduling import schedule_by
from tests.service.processes import ENVIRONMENT, ROOT
from tests.sim import world
from tests.sim.plan import VENUES, draw
from tests.sim.traces import ANOTHER_SEED, parting, trace

SEEDS = (1, 5, 28, 33)
"""Seeds whose stories have every venue between them, and are the shortest that do."""

OTHER_HASHES = "1"
"""In place of a random number, from which the order of strings in sets follows."""


LONGEST_SECS = 600
"""For a slow machine; it takes some ten seconds."""


@cache
def told(seed: int) -> list[str]:
    """The trace of this seed, after whatever ran before in this process."""
    return trace(seed)


def test_the_stories_have_every_venue() -> None:
    """Between them."""
    assert {venue.kind for seed in SEEDS for venue in draw(seed).venues} == {*VENUES}


@pytest.mark.parametrize("seed", SEEDS)
def test_equal_seeds_give_equal_bytes(seed: int) -> None:
    """Every file, the journal's segments and checkpoints among them, and the way to them."""
    first = told(seed)
    trace(ANOTHER_SEED + seed)
    assert parting(first, trace(seed)) is None


def test_nothing_around_a_story_changes_it() -> None:
    """Not what ran before, other hashes, a busy machine, or when garbage is collected."""
    other = subprocess.run(
        [sys.executable, "-m", "tests.sim.traces", *map(str, SEEDS)],
        cwd=ROOT,
        env={**ENVIRONMENT, "PYTHONHASHSEED": OTHER_HASHES},
        capture_output=True,
        check=True,
        timeout=LONGEST_SECS,
    )
    traces = json.loads(other.stdout)
    partings = {seed: parting(told(seed), traces[str(seed)]) for seed in SEEDS}
    assert partings == dict.fromkeys(SEEDS)


def test_another_order_of_tasks_shows_in_the_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least that can differ."""
    usual = told(SEEDS[0])  # before the change, whichever test of this file a process runs first
    monkeypatch.setattr(world, "schedule_by", lambda seed: schedule_by(seed + 1))
    assert parting(usual, trace(SEEDS[0])) is not None
