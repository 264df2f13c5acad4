"""The court knows when a row came, also where two lives have shown the same times."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.sim.court import Came, Court
from tests.sim.process import Process
from tests.sim.said import facts
from tests.sim.sockets import Arrival, Log, Span
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


TICKER = (
    '{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":%s,"bid_qty":1,'
    '"ask":3,"ask_qty":1,"last":2,"timestamp":"2026-09-22T12:00:%02d.000000Z"}]}'
)


@pytest.mark.parametrize(
    ("bid", "closed", "is_greeting"), [(1, 30.0, True), (2, 30.0, False), (1, 12.5, False)]
)
def test_a_greeting_says_what_the_other_line_has_said(
    bid: int, closed: float, is_greeting: bool
) -> None:
    """Another price is news, and a line that has ended brings none."""
    world = set_back()
    greeting = (TICKER % (1, 13)).encode()
    told = [(11.0, 0, TICKER % (3, 11)), (12.0, 0, TICKER % (bid, 12)), (14.0, 0, TICKER % (4, 14))]
    arrivals = [Arrival(at, int(at), (text.encode(),), line) for at, line, text in told]
    arrivals.insert(2, Arrival(13.0, 13, (greeting,), 1))
    world.logs["kraken"] = Log(arrivals, connections=[Span(5.0, closed), Span(12.0, 30.0)])
    court = Court(world)
    assert not court.what_came("kraken")  # nothing was wanted yet
    key = next(fact.key for fact in facts("kraken", greeting) if fact.table == "MD")
    came = Came(13.0, 13, world.processes[0], sound=True, connection=1)
    assert court.greets_alone("kraken", "BTC/USD", key, came) is is_greeting
