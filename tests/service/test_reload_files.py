"""A configuration file that is read again, for every venue: applied, refused, or partly applied."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs
from trio.testing import MockClock

from tests.service.each_venue import at_each_venue
from tests.service.reloads import Reloads, reloading, wish
from tests.service.world import Line, Venue, venue
from tick_logger.config.load import load
from tick_logger.config.schema import Config, VenueDefaults
from tick_logger.exchanges import registry
from tick_logger.simulator.faults import Faults
from tick_logger.simulator.registry import DIALECTS

TOML = """
[logger]
data_path = "nowhere"
log_level = "{log_level}"
linger_ms = {linger_ms}
[http]
enabled = false
[exchanges.{name}]
ws_endpoint = "ws://venue.test"
rest_endpoint = "http://venue.test"
backfill = false
symbols = {symbols}
feeds = {feeds}
connects_per_second = 10.0
{more}
"""


def write(path: Path, name: str, feeds: tuple[str, ...], **changes: object) -> None:
    """The file, with other values where they are named."""
    symbols = list(DIALECTS[name].symbols[:2])
    usual = {"log_level": "info", "linger_ms": 200, "symbols": symbols, "more": ""}
    path.write_text(TOML.format(name=name, feeds=list(feeds), **usual | changes))


def reader(path: Path) -> Callable[[], Config]:
    """Reads the file as the command does."""
    venues = {
        each: VenueDefaults("ws://x", "http://x", registry.get(each).feeds)
        for each in registry.available()
    }
    return lambda: load(path, {}, venues)


def of(name: str, **simulated: object) -> tuple[Venue, tuple[str, ...]]:
    """A venue with all its feeds of two symbols, and these feeds."""
    feeds = tuple(sorted(registry.get(name).feeds))
    return venue(name, 2, feeds=feeds, simulated=simulated), feeds


@at_each_venue(1)
async def test_a_file_is_applied_refused_and_applied_in_part(
    name: str, tmp_path: Path, autojump_clock: MockClock
) -> None:
    """Mistakes change nothing and are all told; what takes a restart is named, the rest is done."""
    path = tmp_path / "tick_logger.toml"
    what, feeds = of(name)
    first, second = DIALECTS[name].symbols[:2]
    async with reloading(what) as reloads:
        reloads.reloader.load = reader(path)
        await reloads.world.until(6.05)
        before = reloads.opened()
        write(path, name, feeds, log_level="debug", more="data_timeout_secs = 30.0")
        told(reloads, "reloaded", changed=[
            "logger.log_level", f"exchanges.{name}.symbols", f"exchanges.{name}.data_timeout_secs",
        ])  # fmt: skip

        write(
            path, name, ("trades", "rumours"), log_level="loud", symbols="7", more="[exchanges.x]"
        )
        (refused,) = told(reloads, "reload_refused", level="error")
        paths = [problem.partition(":")[0] for problem in refused["problems"]]
        assert sorted(paths) == sorted(
            [
                "logger.log_level",
                f"exchanges.{name}.symbols",
                f"exchanges.{name}.feeds[1]",
                "exchanges.x",
            ]
        )
        await reloads.world.until(12.05)
        assert reloads.world.metric("symbols") == 2

        other = next(each for each in sorted(DIALECTS) if each != name)
        write(
            path, name, feeds, log_level="debug", linger_ms=40, symbols=[second],
            more=f"data_timeout_secs = 30.0\n[exchanges.{other}]",
        )  # fmt: skip
        told(reloads, "reloaded", changed=[f"exchanges.{name}.symbols"])
        (line,) = reloads.world.said("reload_needs_restart", level="warning")
        assert line["keys"] == ["logger.linger_ms", f"exchanges.{other}"]
        assert line["explanation"] == "these hold from the next start on"
        await reloads.world.until(20.05)
        assert reloads.opened() == before
        assert reloads.topics(first) == []
    assert reloads.levels == ["debug", "debug"]
    assert reloads.check() > 100
    assert reloads.causes() == {}
    assert {symbol for symbol, _ in reloads.retired()} == {first}


def told(reloads: Reloads, event: str, **values: object) -> list[Line]:
    """Reload; the lines of this event that it adds, which must have these values."""
    before = len(reloads.world.said(event))
    reloads.reloader.reload()
    for each in reloads.world.exchanges:
        reloads.note_wish(each)
    lines = reloads.world.said(event)[before:]
    assert [values.items() <= line.items() for line in lines] == [True], lines
    return lines


@at_each_venue(2)
async def test_an_exchange_more_and_an_exchange_less(name: str, autojump_clock: MockClock) -> None:
    """Both take a restart, which is said; those that are recorded go on undisturbed."""
    what, _ = of(name)
    other = next(each for each in sorted(DIALECTS) if each != name)
    beside = venue(other, 1, feeds=("trades",))
    async with reloading(what, beside) as reloads:
        await reloads.world.until(6.05)
        config = reloads.config
        off = attrs.evolve(config.exchanges[name], enabled=False, feeds=("trades",))
        reloads.reload_all(exchanges={name: off, "new": config.exchanges[name]})
        (line,) = reloads.world.said("reload_needs_restart")
        keys = {f"exchanges.{other}", "exchanges.new", f"exchanges.{name}.enabled"}
        assert keys <= set(line["keys"])
        assert reloads.world.said("reloaded")[0]["changed"] == []
        await reloads.world.until(15.05)
    assert reloads.check() > 100
    assert (reloads.retired(), reloads.causes()) == ([], {})


@at_each_venue(3)
async def test_shorter_patience(name: str, autojump_clock: MockClock) -> None:
    """Counts at once, also for a silence that has begun."""
    what, _ = of(name)
    async with reloading(what) as reloads:
        await reloads.world.until(10.05)
        reloads.world.exchange.set_faults(Faults(half_open_after_secs=(0.0, 0.1)))
        await reloads.world.until(20.05)
        assert reloads.world.said("connection_lost") == []
        reloads.reload(data_timeout_secs=5.0, reconnect_initial_secs=0.01, reconnect_max_secs=0.01)
        reloads.world.exchange.set_faults(Faults())
        await reloads.world.until(23.05)
        lost = reloads.world.said("connection_lost", cause="silent")
        assert {round(line["at"] - reloads.world.began - 20.05, 3) for line in lost} == {0.0}
        up, wanted = map(reloads.world.metric, ("connections_up", "connections_wanted"))
        assert up == wanted
    assert reloads.check() > 100


@at_each_venue(4)
async def test_fewer_places(name: str, autojump_clock: MockClock) -> None:
    """What is beyond the new limits moves to where there is room, with a record of the time.

    What has none is left out by intent, which is told loudly.
    """
    feeds = tuple(sorted(registry.get(name).feeds))
    symbols = tuple(DIALECTS[name].symbols[:3])
    config = {"symbols_per_connection": 1, "max_connections": 10}
    async with reloading(venue(name, 3, feeds=feeds, config=config)) as reloads:
        await reloads.world.until(8.05)
        places = len({registry.get(name).lane(feed) for feed in feeds})
        assert reloads.world.metric("connections_up") == 3 * places
        reloads.reload(max_connections=places, symbols_per_connection=2)
        reloads.wishes[name][-1] = (reloads.wishes[name][-1][0], wish(symbols[:2], feeds))
        await reloads.world.until(20.05)
        assert reloads.world.metric("connections_up") == places
        assert reloads.world.metric("symbols_left_out") == 1
        assert reloads.topics(symbols[2]) == []
    assert reloads.check() > 100
    assert reloads.world.said("connection_lost") == []
    assert {symbol for symbol, _ in reloads.retired()} == {symbols[2]}
    interrupted = reloads.causes().pop("moved")
    assert interrupted >= wish((symbols[1],), set(feeds) - {"trades"})
    assert reloads.symbols_with_gaps() == {symbols[1]}
    assert reloads.recorded_since(15.0) == wish(symbols[:2], feeds)


@at_each_venue(5)
async def test_as_many_as_there_are_and_back(name: str, autojump_clock: MockClock) -> None:
    """What found no room joins a connection that is open, and leaves it again.

    Nothing is connected anew, and no other symbol has a gap.
    """
    feeds = tuple(sorted(registry.get(name).feeds))
    symbols = tuple(DIALECTS[name].symbols[:3])
    places = len({registry.get(name).lane(feed) for feed in feeds})
    config = {"symbols_per_connection": 1, "max_connections": 2 * places}
    async with reloading(venue(name, 3, feeds=feeds, config=config)) as reloads:
        wishes = reloads.wishes[name]
        few, every = wish(symbols[:2], feeds), wish(symbols, feeds)
        wishes[0] = (wishes[0][0], few)
        recorder = reloads.world.service.venues[name]
        await reloads.world.until(8.05)
        opened = reloads.opened()
        assert recorder.absent.left_out == (symbols[2],)
        reloads.reload(symbols_per_connection=0)
        assert reloads.world.metric("symbols_left_out") == 0
        await reloads.world.until(20.05)
        assert reloads.world.metric("symbols_left_out") == 0
        reloads.reload(symbols_per_connection=1)
        wishes[-1] = (wishes[-1][0], few)
        await reloads.world.until(30.05)
        assert recorder.absent.left_out == (symbols[2],)
        assert reloads.topics(symbols[2]) == []
        assert reloads.opened() == opened
    assert reloads.check() > 100
    assert {symbol for symbol, _ in reloads.retired()} == {symbols[2]}
    assert reloads.symbols_with_gaps() == set()
    assert reloads.recorded_since(25.0) == few
    assert {symbol for symbol, _ in reloads.recorded_since(10.0)} == {each for each, _ in every}


async def test_no_more_connections_than_allowed_when_an_address_is_added(
    autojump_clock: MockClock,
) -> None:
    """Where feeds are served at two addresses, half as many shares are left."""
    config = {"symbols_per_connection": 2, "max_connections": 2}
    async with reloading(venue("okx", 2, feeds=("ticker",), config=config)) as reloads:
        reloads.reload(symbols_per_connection=1)
        await reloads.world.until(8.05)
        assert reloads.world.metric("connections_up") == 2
        reloads.reload(feeds=("ticker", "trades"), symbols_per_connection=2)
        await reloads.world.until(20.05)
        assert reloads.world.metric("connections_up") == 2
    assert reloads.check() > 50


async def test_a_book_is_not_waited_for_any_more(autojump_clock: MockClock) -> None:
    """Its snapshot was asked for by REST: nobody asks again, and nothing is missing."""
    what, feeds = of("binance", faults=Faults(rest_hang_secs=3.0))
    async with reloading(what) as reloads:
        await reloads.world.until(4.55)  # the first of two snapshots is on its way
        reloads.reload(feeds=tuple(feed for feed in feeds if feed != "orderbook"))
        await reloads.world.until(90.05)
        asked = [at for at, path in reloads.world.dial.requests if path.endswith("/depth")]
        assert len(asked) == 1
        assert reloads.world.said("snapshot_failed") == []
    assert reloads.check() > 100
    assert reloads.causes() == {}


async def test_what_came_before_is_recorded_as_it_was_wanted(autojump_clock: MockClock) -> None:
    """However late it is decoded."""
    what, feeds = of("okx")
    async with reloading(what, logger={"linger_ms": 400}) as reloads:
        await reloads.world.until(8.05)
        reloads.reload(feeds=("quotes",))
        await reloads.world.until(8.25)
        reloads.reload(feeds=feeds)
        await reloads.world.until(20.05)
    assert reloads.check() > 40


async def test_the_time_in_which_nothing_was_wanted_is_no_usual_silence(
    autojump_clock: MockClock,
) -> None:
    """Or a fault after it would not be noticed for four times as long."""
    what, _ = of("okx")
    first, second = DIALECTS["okx"].symbols[:2]
    async with reloading(what) as reloads:
        await reloads.world.until(20.05)
        reloads.reload(symbols=(first,), data_timeout_secs=10.0)
        await reloads.world.until(120.05)
        reloads.reload(symbols=(first, second))
        await reloads.world.until(140.05)
        reloads.world.exchange.set_faults(Faults(silent_symbols=frozenset({second})))
        await reloads.world.until(200.05)
        line = reloads.world.said("subscriptions_silent")[0]
        assert line["at"] - reloads.world.began < 170.0
    assert reloads.check() > 100


@at_each_venue(6)
async def test_a_connection_that_was_dead_already(name: str, autojump_clock: MockClock) -> None:
    """What ended on it was lost before that, and has a record of it."""
    what, feeds = of(name)
    first, second = DIALECTS[name].symbols[:2]
    what = attrs.evolve(what, config={"data_timeout_secs": 12.0})
    async with reloading(what) as reloads:
        await reloads.world.until(10.05)
        reloads.world.exchange.set_faults(Faults(half_open_after_secs=(0.0, 0.1)))
        await reloads.world.until(16.05)
        reloads.reload(symbols=(second,))
        await reloads.world.until(30.05)
        reloads.world.exchange.set_faults(Faults())
        await reloads.world.until(60.05)
    assert reloads.check() > 50
    assert reloads.causes().pop("disconnect") >= wish((first,), feeds)
