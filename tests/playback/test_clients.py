"""Clients of a played exchange beside the recorder: what they may have, and when they hear it."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import urlsplit

import pytest
import trio
from trio.testing import MockClock
from trio_websocket import wrap_client_stream

from tests.fakes.clock import NOON_NS, VirtualClock
from tests.fakes.memory_files import MemoryFiles
from tests.playback.recorded import DAY_NS, played, record_simulated, streams_of
from tests.simulator.any_client import AnyClient
from tests.simulator.clients import connect
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import BookSnapshot, Refused
from tick_logger.model.tables import Table
from tick_logger.playback.exchange import PlayedExchange, Playing
from tick_logger.playback.player import MOST_WAITING_BYTES, SETTLE_SECS
from tick_logger.simulator.registry import DIALECTS

SECS = 10.123
SILENT = {"binance", "upbit"}  # where nothing is said about what does not exist


async def client_of(nursery: trio.Nursery, exchange: PlayedExchange, feed: str) -> AnyClient:
    """A connected client for one feed."""
    adapter = registry.get(exchange.name)
    url = urlsplit(adapter.ws_url(adapter.ws_endpoint, adapter.lane(feed)))
    served = cast(Any, exchange)
    connection = await connect(nursery, served, f"{url.path or '/'}?{url.query}")
    return AnyClient(served, adapter, feed, connection)


def played_now(name: str, recording: MemoryFiles, playing: Playing) -> PlayedExchange:
    """An exchange that is played a day later."""
    return played(name, recording, VirtualClock(NOON_NS + DAY_NS), playing)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(DIALECTS))
async def test_what_was_not_recorded_is_not_to_be_had(
    name: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """A feed that was left out, and a symbol: refused, or nothing comes of it, as at the venue."""
    recording = await record_simulated(name, SECS, feeds=("trades",))
    exchange = played_now(name, recording, Playing())
    await nursery.start(exchange.run_market)
    (symbol, tables), other = next(iter(streams_of(recording, name).items())), "NO-SUCH"
    assert tables == {Table.TRADES}
    for feed, asked in (("orderbook", symbol), ("trades", other)):
        client = await client_of(nursery, exchange, feed)
        await client.subscribe(asked)
        said = await client.hear(3.0)
        assert client.decode(said).rows == ()
        assert name in SILENT or client.events(said, Refused), f"{feed} of {asked}"
    client = await client_of(nursery, exchange, "trades")
    await client.subscribe(symbol)
    assert client.decode(await client.hear(SETTLE_SECS + SECS)).rows != ()


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(DIALECTS.keys() - {"binance"}))
async def test_who_subscribes_later_is_told_the_book_of_that_moment(
    name: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Two clients: what the second is told goes on as the first one's does."""
    recording = await record_simulated(name, SECS)
    exchange = played_now(name, recording, Playing())
    await nursery.start(exchange.run_market)
    symbol = next(iter(streams_of(recording, name)))
    first = await client_of(nursery, exchange, "orderbook")
    await first.subscribe(symbol)
    heard = await first.hear(SETTLE_SECS + SECS / 2)
    second = await client_of(nursery, exchange, "orderbook")
    await second.subscribe(symbol)
    told = second.decode(await second.hear(1.0))
    events = [event for _, event in told.events if isinstance(event, BookSnapshot)]
    newest = [rows.columns["seq"][-1] for rows in first.decode(heard).rows if len(rows.frame)]
    assert events
    assert events[0].last_id >= int(newest[-1]) or not events[0].last_id


@pytest.mark.slow
async def test_nothing_is_sent_before_clients_are_ready(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Five seconds after the last subscription, or at once when everything is subscribed."""
    recording = await record_simulated("okx", SECS)
    exchange = played_now("okx", recording, Playing())
    await nursery.start(exchange.run_market)
    await trio.sleep(3600.0)
    first, second = streams_of(recording, "okx")
    client = await client_of(nursery, exchange, "trades")
    await client.subscribe(first)
    await trio.sleep(SETTLE_SECS - 0.5)
    await client.subscribe(second)
    await trio.sleep(SETTLE_SECS - 0.2)
    assert exchange.counts.sent == 0
    assert client.decode(await client.hear(SECS)).rows != ()


@pytest.mark.slow
@pytest.mark.parametrize("speed", [0.5, 4.0])
async def test_times_between_messages_are_divided_by_the_speed(
    speed: float, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """From the first to the last."""
    recording = await record_simulated("okx", SECS)
    exchange = played_now("okx", recording, Playing(speed=speed))
    begun, over = trio.current_time(), trio.Event()
    await nursery.start(_playing(exchange, over))
    client = await client_of(nursery, exchange, "trades")
    await client.subscribe(*streams_of(recording, "okx"))
    await over.wait()
    took = trio.current_time() - begun - SETTLE_SECS
    ends_ns, begins_ns = exchange.counts.until_ns, NOON_NS
    assert took == pytest.approx((ends_ns - begins_ns) / 1e9 / speed, abs=0.5)


@pytest.mark.slow
@pytest.mark.seldom
async def test_as_fast_as_possible_waits_for_the_slowest(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Who reads slowly misses nothing, and bounds what waits for it."""
    # Whole books are large messages.
    options: dict[str, Any] = {"symbols": 6, "feeds": ("quotes",), "messages_per_second": 120.0}
    recording = await record_simulated("upbit", 40.123, **options)
    exchange = played_now("upbit", recording, Playing(speed=None))
    await nursery.start(exchange.run_market)
    ours: Any
    ours, theirs = trio.testing.lockstep_stream_pair()  # sending waits until it is read
    nursery.start_soon(exchange.serve_stream, theirs)
    connection = await wrap_client_stream(
        nursery, ours, "test", "/websocket/v1", message_queue_size=1
    )
    client = AnyClient(cast(Any, exchange), registry.get("upbit"), "quotes", connection)
    await client.subscribe(*streams_of(recording, "upbit"))
    (session,) = exchange._hub.clients
    waited = heard = data = 0
    while not exchange.counts.is_over or session.waiting_bytes or heard < exchange.counts.sent:
        message = await connection.get_message()
        heard += b'"stream_type"' in cast(bytes, message)
        data += len(message)
        waited = max(waited, session.waiting_bytes)
        await trio.sleep(0.01)
    assert heard == exchange.counts.sent
    assert MOST_WAITING_BYTES < waited < 1.1 * MOST_WAITING_BYTES < data / 2


def _playing(exchange: PlayedExchange, over: trio.Event) -> Any:  # noqa: ANN401 - a task
    async def run(*, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        await exchange.run_market(when_over=over.set, task_status=task_status)

    return run
