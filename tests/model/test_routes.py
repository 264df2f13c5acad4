"""On which route a row came, as the labels of connections in a journal tell it."""

from __future__ import annotations

import pytest

from tick_logger.model.routes import FIRST_LINE, REST, SECOND_LINE, route_of


@pytest.mark.parametrize(
    ("label", "route"),
    [
        ("3.1", FIRST_LINE),
        ("3-public.12", FIRST_LINE),
        ("listing.1", FIRST_LINE),
        ("3b.1", SECOND_LINE),
        ("12b-public.7", SECOND_LINE),
        ("web.1", FIRST_LINE),
        ("b.1", FIRST_LINE),
        ("backfill", REST),
        ("", FIRST_LINE),
    ],
)
def test_the_label_of_a_connection_tells_its_route(label: str, route: int) -> None:
    """What an earlier version wrote is of the first line, whatever its labels were."""
    assert route_of(label) == route
