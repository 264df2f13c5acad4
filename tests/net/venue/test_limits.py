"""What connections may carry, by configuration and by the venue's own word."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from tests.net.small_venue import TinyVenue
from tests.net.venue.test_lanes import TwoLanes
from tick_logger.config.schema import ExchangeConfig, MarketConfig
from tick_logger.exchanges import registry
from tick_logger.net.connection.accesses import Lane
from tick_logger.net.venue.limits import explained, limits_of, weights_of
from tick_logger.net.venue.plan import Limits, plan

PROFILE = TinyVenue.profile


def config(**changes: Any) -> ExchangeConfig:  # noqa: ANN401 - those of the value
    return ExchangeConfig(ws_endpoint="ws://tiny", rest_endpoint="http://tiny", **changes)


def test_by_default_twenty_each_and_then_more() -> None:
    """As many as can be asked for in fifteen seconds: here 75 requests of 3."""
    assert limits_of(config(), PROFILE, 1) == Limits(
        shares=10, usual=20, most=1000, subscriptions=225
    )


@pytest.mark.parametrize("most", [1, 20, 1000])
def test_a_number_that_is_configured_is_never_exceeded(most: int) -> None:
    """And the venue's own limit holds all the same."""
    profile = attrs.evolve(PROFILE, subscriptions_per_connection=12, requests_per_hour=10)
    assert limits_of(config(symbols_per_connection=most), profile, 1) == Limits(
        shares=10, usual=most, most=most, subscriptions=12
    )


@pytest.mark.parametrize(
    ("limits", "subscriptions"),
    [
        ({"subscriptions_per_connection": 100}, 100),
        ({"subscriptions_per_connection": 1024}, 225),
        ({"requests_per_hour": 60}, 90),
        ({"requests_per_hour": 1}, 3),
        ({"requests_per_second": 0.01}, 3),
        ({"requests_per_hour": 60, "subscriptions_per_connection": 80}, 80),
    ],
)
def test_what_the_venue_allows_is_not_exceeded(limits: dict[str, Any], subscriptions: int) -> None:
    """Of subscriptions on a connection, and of requests; twice an hour all can be asked for."""
    found = limits_of(config(), attrs.evolve(PROFILE, **limits), 1)
    assert found.subscriptions == subscriptions


@pytest.mark.parametrize(("lanes", "shares"), [(0, 10), (1, 10), (2, 5), (3, 3), (11, 1)])
def test_lanes_share_the_connections(lanes: int, shares: int) -> None:
    """There is one share at least."""
    assert limits_of(config(), PROFILE, lanes).shares == shares


@pytest.mark.parametrize(("lanes", "shares"), [(1, 5), (2, 2), (6, 1)])
@pytest.mark.parametrize(
    "settings",
    [{"redundancy": 2}, {"markets": (MarketConfig(symbols=("A*",), redundancy=2),)}],
)
def test_lines_share_the_connections_too(settings: dict[str, Any], lanes: int, shares: int) -> None:
    """All connections count, and if there is no room for a symbol, that is said."""
    limits = limits_of(config(**settings), PROFILE, lanes)
    assert limits.shares == shares
    assert "two lines count twice" in explained(config(**settings), limits)


def test_each_lane_carries_what_it_serves() -> None:
    """By the feeds of each symbol."""
    quoted = MarketConfig(symbols=("A*",), feeds=("trades", "quotes"))
    found = weights_of(TwoLanes(), config(feeds=("trades",), markets=(quoted,)), ["A1", "A2", "B"])
    both = {Lane("deals"): 1, Lane("prices"): 1}
    assert found == {"A1": both, "A2": both, "B": {Lane("deals"): 1}}


def test_what_to_do_is_said() -> None:
    """By what is configured."""
    for settings, word in ((config(), "takes no more"), (config(symbols_per_connection=3), "be 0")):
        assert word in explained(settings, limits_of(settings, PROFILE, 1))


@pytest.mark.parametrize("name", registry.available())
def test_every_exchange_has_room_for_thousands(name: str) -> None:
    """By default, in all of its feeds."""
    exchange = registry.get(name)
    settings = config(feeds=tuple(sorted(exchange.feeds)))
    lanes = len({exchange.lane(feed) for feed in exchange.feeds})
    symbols = [f"S{number}" for number in range(990)]
    limits = limits_of(settings, exchange.profile, lanes)
    found = plan({}, symbols, limits, weights_of(exchange, settings, symbols))
    assert found.left_out == ()
    assert len(found.shares) * lanes <= settings.max_connections
