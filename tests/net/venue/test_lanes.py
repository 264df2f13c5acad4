"""A venue that serves its feeds at two addresses: who connects where, and how often."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests.net.running_venue import running
from tests.net.small_venue import Sharing, TinyVenue
from tick_logger.config.schema import MarketConfig
from tick_logger.net.venue.leaving import GRACE_SECS


class TwoLanes(TinyVenue):
    """Trades at one address, quotes at another."""

    def lane(self, feed: str) -> str:
        return {"trades": "deals", "quotes": "prices"}[feed]

    def ws_url(self, endpoint: str, lane: str = "") -> str:
        return f"{endpoint}/{lane}"


BOTH = ("trades", "quotes")


async def test_a_share_has_a_connection_for_each_lane(autojump_clock: MockClock) -> None:
    """Each carries the feeds of its lane, and its label says which it is."""
    async with running(TwoLanes(), "A", "B", feeds=BOTH) as scene:
        assert scene.asked() == [
            ("ws://tiny/deals", ["subscribe A/trades B/trades"]),
            ("ws://tiny/prices", ["subscribe A/quotes B/quotes"]),
        ]
        assert scene.labels() == ["1-deals.1", "1-prices.1"]


async def test_one_lane_in_use_is_one_connection(autojump_clock: MockClock) -> None:
    """What the other serves is not wanted."""
    async with running(TwoLanes(), "A", "B", feeds=("quotes",)) as scene:
        assert scene.asked() == [("ws://tiny/prices", ["subscribe A/quotes B/quotes"])]
        assert scene.labels() == ["1-prices.1"]


async def test_a_venue_without_lanes_has_plain_labels(autojump_clock: MockClock) -> None:
    """And one connection for all feeds."""
    async with running(TinyVenue(), "A", feeds=BOTH) as scene:
        assert scene.asked() == [("ws://tiny", ["subscribe A/quotes A/trades"])]
        assert scene.labels() == ["1.1"]


@pytest.mark.parametrize(("most", "connections", "left_out"), [(5, 4, 1), (2, 2, 3), (6, 6, 0)])
async def test_there_are_never_more_connections_than_configured(
    most: int, connections: int, left_out: int, autojump_clock: MockClock
) -> None:
    """Five symbols, two on a connection: what finds no room is left out, and counted."""
    limits = {"symbols_per_connection": 2, "max_connections": most}
    async with running(TwoLanes(), *"ABCDE", feeds=BOTH, **limits) as scene:
        assert len(scene.dial.links) == connections
        read = scene.bench.metrics.read
        assert read("collector_connections_wanted", "tiny") == connections
        assert read("collector_connections_up", "tiny") == connections
        assert read("collector_symbols_left_out", "tiny") == left_out


async def test_one_share_may_need_more_than_is_configured(autojump_clock: MockClock) -> None:
    """Otherwise a venue with lanes could not be recorded on one connection at all."""
    async with running(TwoLanes(), "A", feeds=BOTH, max_connections=1) as scene:
        assert len(scene.dial.links) == 2


async def test_a_lane_that_only_some_symbols_use(autojump_clock: MockClock) -> None:
    """Carries those, and a share without any of them has no connection for it."""
    quoted = MarketConfig(symbols=("A",), feeds=("trades", "quotes"))
    several: dict[str, Any] = {"markets": (quoted,), "symbols_per_connection": 1}
    async with running(TwoLanes(), "A", "B", feeds=("trades",), **several) as scene:
        assert scene.asked() == [
            ("ws://tiny/deals", ["subscribe A/trades"]),
            ("ws://tiny/deals", ["subscribe B/trades"]),
            ("ws://tiny/prices", ["subscribe A/quotes"]),
        ]
        assert scene.labels() == ["1-deals.1", "1-prices.1", "2-deals.1"]


async def test_lanes_end_and_begin_with_their_symbols(autojump_clock: MockClock) -> None:
    """A symbol that is delisted is ended on both; the last one ends the connections."""
    async with running(TwoLanes(), "A", "B", feeds=BOTH) as scene:
        scene.dial.symbols = ("A",)
        await trio.sleep(TinyVenue.profile.listing_interval_secs + GRACE_SECS)
        assert [texts[1:] for _, texts in scene.asked()] == [
            ["unsubscribe B/trades"],
            ["unsubscribe B/quotes"],
        ]
        scene.dial.symbols = ()
        await trio.sleep(4 * TinyVenue.profile.listing_interval_secs + GRACE_SECS)
        assert [link.closed.is_set() for link in scene.dial.links] == [True, True]
        assert scene.bench.metrics.read("collector_connections_wanted", "tiny") == 0


@pytest.mark.parametrize("feeds", [BOTH, ("trades",)])
async def test_feeds_that_are_apart_have_lanes_of_their_own(
    feeds: tuple[str, ...], autojump_clock: MockClock
) -> None:
    """Whether or not the venue has addresses for them; they are labelled by what they carry."""
    for venue in (TinyVenue(), TwoLanes()):
        async with running(venue, "A", feeds=feeds, feeds_per_connection="apart") as scene:
            assert scene.labels() == sorted(f"1-{feed}.1" for feed in feeds)
            assert sorted(texts[0] for _, texts in scene.asked()) == sorted(
                f"subscribe A/{feed}" for feed in feeds
            )


async def test_feeds_of_one_channel_are_never_apart(autojump_clock: MockClock) -> None:
    """They begin and end together."""
    async with running(Sharing(), "A", feeds=BOTH, feeds_per_connection="apart") as scene:
        assert scene.labels() == ["1-quotes+trades.1"]


async def test_feeds_that_are_apart_share_the_connections(autojump_clock: MockClock) -> None:
    """Two of five symbols find no room where each of them needs a connection for each feed."""
    limits: dict[str, Any] = {"symbols_per_connection": 1, "max_connections": 6}
    limits["feeds_per_connection"] = "apart"
    async with running(TinyVenue(), *"ABCDE", feeds=BOTH, **limits) as scene:
        assert len(scene.dial.links) == 6
        assert scene.bench.metrics.read("collector_symbols_left_out", "tiny") == 2


async def test_each_lane_reconnects_on_its_own(autojump_clock: MockClock) -> None:
    """The other does not notice."""
    async with running(TwoLanes(), "A", feeds=BOTH) as scene:
        (prices,) = (link for link in scene.dial.links if link.url.endswith("prices"))
        prices.end()
        await trio.sleep(10.0)
        assert scene.labels() == ["1-deals.1", "1-prices.1", "1-prices.2"]
        assert [url for url, _ in scene.asked()] == [
            "ws://tiny/deals",
            "ws://tiny/prices",
            "ws://tiny/prices",
        ]
