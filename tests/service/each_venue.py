"""Which venues a test of all venues meets at each change, and which seldom.

Invariant: every venue is met by some tests of an area at each change, and by all of them in the
slow part.  Not here: tests of what differs by venue, which meet each of them every time.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tick_logger.exchanges import registry
from tick_logger.simulator.registry import DIALECTS

VENUES = sorted(DIALECTS)

AT_EACH_CHANGE = 2
"""Of the eight venues: what a change breaks at all of them is seen at two."""


def at_each_venue(turn: int, names: Sequence[str] = VENUES) -> pytest.MarkDecorator:
    """A test with the argument `name`; give the tests of a file one turn after the other."""
    return pytest.mark.parametrize(
        "name", [pytest.param(each, marks=_marks(turn, names, each)) for each in names]
    )


def at_each_feed(turn: int) -> pytest.MarkDecorator:
    """A test with the arguments `name` and `feed`, for all feeds that a venue has."""
    return pytest.mark.parametrize(
        ("name", "feed"),
        [
            pytest.param(name, feed, marks=_marks(turn, VENUES, name))
            for name in VENUES
            for feed in sorted(registry.get(name).feeds)
        ],
    )


def _marks(turn: int, names: Sequence[str], name: str) -> Sequence[pytest.MarkDecorator]:
    """Seldom, where it is not this one's turn."""
    place = (names.index(name) - turn * AT_EACH_CHANGE) % len(names)
    return [] if place < AT_EACH_CHANGE else [pytest.mark.seldom]
