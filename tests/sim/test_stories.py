"""Whole lives of a recorder, drawn from seeds: whatever happens, every promise is kept.

A seed that fails is told again, alone, by the command in the failure's text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from tests.service.world import Venue
from tests.sim.disk import StoryDisk
from tests.sim.oracle import judge
from tests.sim.plan import (
    DISK_TROUBLES,
    EXCHANGE_TROUBLES,
    ODDITIES,
    OTHER_TROUBLES,
    VENUES,
    draw,
)
from tests.sim.said import KNOWN
from tests.sim.world import tell
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import BookCheck
from tick_logger.reload import LIVE_EXCHANGE_KEYS

SEEDS = [range(start, start + 25) for start in range(0, 300, 25)]
"""Of each run of the tests: those of each change, and those that are told seldom."""

AT_EACH_CHANGE = 1
"""Of these parts: twenty-five stories."""

FEWEST_STORIES = 100
"""Of each venue."""

FEWEST_OF_A_KIND = 10
"""Stories, of what concerns one venue only."""


@pytest.mark.parametrize(
    "seeds",
    [
        pytest.param(seeds, marks=[pytest.mark.seldom] if number >= AT_EACH_CHANGE else [])
        for number, seeds in enumerate(SEEDS)
    ],
    ids=lambda seeds: f"from{seeds[0]}",
)
def test_every_promise_is_kept(seeds: Sequence[int]) -> None:
    """What was received is on disk once, or its loss has an excuse and a gap record."""
    for seed in seeds:
        verdict = judge(tell(draw(seed)))
        again = f"scripts/soak --short --seed {seed} --stories 1"
        assert verdict.violations == [], f"seed {seed}; to see it again: {again}"


def test_stories_know_every_venue() -> None:
    """Whatever can be simulated has a reader of its messages, in a file of `said`."""
    assert KNOWN.keys() == set(VENUES)


def test_the_stories_have_every_trouble() -> None:
    """None of the kinds is left out in all of the stories."""
    kinds = Counter(trouble.kind for seeds in SEEDS for s in seeds for trouble in draw(s).troubles)
    groups = (EXCHANGE_TROUBLES, ODDITIES, DISK_TROUBLES, OTHER_TROUBLES)
    assert kinds.keys() == {kind for group in groups for kind in group}


def test_the_stories_have_every_reload() -> None:
    """Each key that can change without a restart changes at every venue."""
    found = {
        (reload.exchange, key)
        for seeds in SEEDS
        for seed in seeds
        for reload in draw(seed).reloads
        for key in reload.settings
    }
    assert found >= {(name, key) for name in VENUES for key in LIVE_EXCHANGE_KEYS}


def test_the_stories_have_every_venue() -> None:
    """And all that each of them can be asked for."""
    drawn = [venue for seeds in SEEDS for seed in seeds for venue in draw(seed).venues]
    stories = Counter(venue.kind for venue in drawn)
    assert stories.keys() == {*registry.available()} == {*VENUES}
    assert min(stories.values()) >= FEWEST_STORIES
    for name in VENUES:
        feeds = {feed for venue in drawn if venue.kind == name for feed in venue.feeds}
        assert feeds == registry.get(name).feeds


def test_the_stories_have_several_entrances_of_a_venue() -> None:
    """Side by side with the usual one, in one process."""
    drawn = [draw(seed) for seeds in SEEDS for seed in seeds]
    twice = [s for s in drawn if len({v.kind for v in s.venues}) < len(s.venues)]
    assert len(twice) >= FEWEST_OF_A_KIND
    assert all(len({v.name for v in s.venues}) == len(s.venues) for s in twice)


def test_the_stories_have_feeds_apart_and_symbols_that_move() -> None:
    """The one at each venue, alone and on two lines; the other in stories of both kinds."""
    drawn = [draw(seed) for seeds in SEEDS for seed in seeds]
    apart = [v for s in drawn for v in s.venues if v.config.get("feeds_per_connection") == "apart"]
    kinds = Counter((venue.kind, venue.config.get("redundancy", 1)) for venue in apart)
    assert kinds.keys() == {(name, lines) for name in VENUES for lines in (1, 2)}
    assert min(kinds.values()) >= FEWEST_OF_A_KIND
    moving = [story for story in drawn if story.moves_every_secs is not None]
    assert FEWEST_STORIES <= len(moving) <= len(drawn) - FEWEST_STORIES
    assert sum(any(v in apart for v in story.venues) for story in moving) >= FEWEST_OF_A_KIND


def test_the_stories_have_every_kind_of_key() -> None:
    """None, one that is accepted, and one that is rejected from the start or from then on."""
    drawn = [draw(seed) for seeds in SEEDS for seed in seeds]
    signing = [s for s in drawn if any(registry.get(v.name).key_prefix for v in s.venues)]
    kinds = Counter(
        (story.has_key, story.key_rejected_at and story.key_rejected_at > 0) for story in signing
    )
    assert kinds.keys() == {(False, None), (True, None), (True, 0.0), (True, True)}
    assert min(kinds.values()) >= FEWEST_OF_A_KIND


def test_the_stories_have_books_that_are_fetched_ahead_of_their_stream() -> None:
    """And behind it."""
    kinds = Counter(
        trouble.kind
        for seeds in SEEDS
        for seed in seeds
        for trouble in draw(seed).troubles
        if any(_fetches_books(venue) for venue in draw(seed).venues)
    )
    assert kinds["early_answers"] >= FEWEST_OF_A_KIND
    assert kinds["old_answers"]


def _fetches_books(venue: Venue) -> bool:
    is_fetched = registry.get(venue.name).book_check is BookCheck.RANGES
    return is_fetched and "orderbook" in venue.feeds


# -- the oracle itself ----------------------------------------------------------------------------


def test_a_disk_that_lies_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where syncs do nothing at all, stories with a power cut break promises."""
    for name in ("sync", "sync_file", "sync_folder"):
        monkeypatch.setattr(StoryDisk, name, lambda *_: None)
    assert any(judge(tell(draw(seed))).violations for seed in range(10))


def test_a_row_too_many_or_too_few_is_found_out() -> None:
    """Files that were changed afterwards are no longer what they must be."""
    world = tell(draw(0))
    assert judge(world).violations == []
    trades = {p: data for p, data in world.disk.contents.items() if "/TRADES/" in p}
    for path, data in trades.items():
        folder, _, name = path.rpartition("/")
        rows = len(trades[f"{folder}/trade_time.{name.partition('.')[2]}"]) // 4
        del data[-(len(data) // rows) :]
    assert judge(world).violations != []
