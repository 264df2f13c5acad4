"""The court knows when a row came, also where two lives have shown the same times."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from tests.sim.court import Court
from tests.sim.process import Process
from tests.sim.sockets import Arrival, Log
from tests.sim.world import World

SECOND_NS = 10**9


def set_back() -> World:
    """Two lives of 10 s each; before the second one the clock is set back by 8 s.

    In each something came at second 13.
    """
    lives = [Process(0, 10.0, 20.0), Process(1, 20.0, 30.0)]
    for life in lives:
        life.showed = life.began, 10 * SECOND_NS
    arrivals = [Arrival(13.0, 13 * SECOND_NS, (), 0), Arrival(26.0, 13 * SECOND_NS + 5, (), 1)]
    given: dict[str, Any] = {
        "story": SimpleNamespace(logger={"price_dtype": "f8", "persist_interval_secs": 1.0}),
        "wishes": [],
        "processes": lives,
        "clock_steps": [(0.0, 0), (20.0, -8 * SECOND_NS)],
        "logs": {"okx": Log(arrivals)},
    }
    return cast(World, SimpleNamespace(**given))


def test_a_row_came_when_its_socket_says() -> None:
    """Though both lives have shown the time; of what no socket brought each may be meant."""
    court = Court(set_back())
    assert len(court.moments(13 * SECOND_NS)) == 2
    first, second, fetched = 13 * SECOND_NS, 13 * SECOND_NS + 5, 14 * SECOND_NS
    assert [*court.moments_of_rows("okx", [first, second])] == [13.0, 26.0]
    assert [*court.moments_of_rows("okx", [fetched])] == court.moments(fetched)
