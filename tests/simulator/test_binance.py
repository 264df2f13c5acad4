"""The Binance dialect over memory streams on virtual time, seen by a plain WebSocket client."""

from __future__ import annotations

import itertools
import json
from decimal import Decimal
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests.simulator.books import levels
from tests.simulator.clients import (
    EPOCH_NS,
    close_code,
    connect,
    exchange,
    memory_get,
    messages,
    rounded,
    send,
    upgrade_status,
)
from tick_logger.simulator.exchange import SimulatedExchange

NAME = "binance"
BTC, ETH = "BTCUSDT", "ETHUSDT"


def request(method: str, *params: str, number: int | None = 1) -> dict[str, Any]:
    """A request of a client."""
    return {"method": method, "params": list(params), "id": number}


async def streamed(
    nursery: trio.Nursery, served: SimulatedExchange, stream: str, secs: float, query: str = ""
) -> list[dict[str, Any]]:
    """The data of one stream while the market runs."""
    connection = await connect(nursery, served, f"/stream?streams={stream}{query}")
    await nursery.start(served.run_market)
    got = await messages(connection, secs)
    assert {each["stream"] for each in got} <= {stream}
    return [each["data"] for each in got]


async def test_requests_are_acknowledged_by_id(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Subscribing, to what does not exist too, unsubscribing, and listing what is left."""
    served = exchange(NAME)
    connection = await connect(nursery, served, "/stream")
    await send(connection, request("SUBSCRIBE", "btcusdt@trade", "nope@trade", number=7))
    await send(connection, request("UNSUBSCRIBE", "btcusdt@trade", number=8))
    await send(connection, request("LIST_SUBSCRIPTIONS", number=9))
    assert await messages(connection, 1.0) == [
        {"result": None, "id": 7},
        {"result": None, "id": 8},
        {"result": ["nope@trade"], "id": 9},
    ]
    assert served.violations == []


@pytest.mark.parametrize("stream", ["nope@trade", "BTCUSDT@trade", "btcusdt@depth7"])
async def test_streams_that_do_not_exist_deliver_nothing(
    stream: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """They are accepted silently; names are in lower case."""
    assert await streamed(nursery, exchange(NAME), stream, 3.0) == []


@pytest.mark.parametrize(
    ("resource", "wrapped", "unit_ns"),
    [
        ("/ws/btcusdt@trade", False, 10**6),
        ("/ws/btcusdt@trade?timeUnit=MICROSECOND", False, 10**3),
        ("/stream?streams=btcusdt@trade", True, 10**6),
        ("/stream?streams=btcusdt@trade&timeUnit=microsecond", True, 10**3),
    ],
)
async def test_endpoints_decide_wrapping_and_time_unit(
    resource: str, wrapped: bool, unit_ns: int, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """The trade is the truth's, in the unit that was asked for."""
    served = exchange(NAME)
    connection = await connect(nursery, served, resource)
    await nursery.start(served.run_market)
    first = (await messages(connection, 3.0))[0]
    assert ("stream" in first) == wrapped
    trade = first["data"] if wrapped else first
    true = served.truth.sent(BTC)[0]
    assert trade == {
        "e": "trade",
        "E": (true.event_ns + 200_000) // unit_ns,
        "s": BTC,
        "t": true.trade_id,
        "p": true.price,
        "q": true.size,
        "T": true.event_ns // unit_ns,
        "m": true.side == "sell",
        "M": True,
    }
    assert true.event_ns > EPOCH_NS


async def test_other_paths_are_refused(autojump_clock: MockClock) -> None:
    """An upgrade at the root is answered by 404."""
    assert await upgrade_status(exchange(NAME), "/") == 404


async def test_a_connection_has_at_most_1024_streams(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """1024 are fine, repeated ones do not count, one more is an error with the request's id."""
    served = exchange(NAME)
    connection = await connect(nursery, served, "/stream")
    names = [f"s{n}@trade" for n in range(1025)]
    await send(connection, request("SUBSCRIBE", *names[:1024], number=1))
    await send(connection, request("SUBSCRIBE", *names[:1024], number=2))
    await send(connection, request("SUBSCRIBE", names[1024], number=3))
    one, two, three = await messages(connection, 1.0)
    assert (one, two) == ({"result": None, "id": 1}, {"result": None, "id": 2})
    assert (three["error"]["code"], three["id"]) == (2, 3)
    assert served.violations == ["connection 1: more than 1024 streams"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("{", None),
        ('{"method":"DANCE","id":5}', 5),
        ('{"id":6}', 6),
        ('{"method":"SUBSCRIBE","params":"btcusdt@trade","id":8}', 8),
    ],
)
async def test_malformed_requests_get_an_error(
    text: str, number: int | None, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Code 2, the id where it can be read, and a violation."""
    served = exchange(NAME)
    connection = await connect(nursery, served, "/stream")
    await connection.send_message(text)
    (reply,) = await messages(connection, 1.0)
    assert (reply["error"]["code"], reply["id"]) == (2, number)
    assert len(served.violations) == 1


async def test_five_messages_a_second_are_fine(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Requests and pings together, for ever."""
    served = exchange(NAME)
    connection = await connect(nursery, served, "/stream")
    for _ in range(10):
        await send(connection, request("LIST_SUBSCRIPTIONS"))
        await send(connection, request("LIST_SUBSCRIPTIONS"))
        for _ in range(3):
            await connection.ping()
        await trio.sleep(1.0)
    assert served.violations == []
    assert served.live_sessions == 1


async def test_the_sixth_message_in_a_second_ends_the_connection(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Pings and unasked pongs count; the close code is 1008."""
    served = exchange(NAME)
    connection = await connect(nursery, served, "/stream")
    for _ in range(3):
        await send(connection, request("LIST_SUBSCRIPTIONS"))
    await connection.ping()
    await connection.pong(b"hello")
    assert served.violations == []
    await connection.pong(b"hello")
    assert await close_code(connection) == 1008
    assert served.violations == ["connection 1: more than 5 messages in a second"]


async def test_a_client_that_answers_pings_stays(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """For many pings."""
    served = exchange(NAME)
    await connect(nursery, served, "/stream")
    await trio.sleep(600.0)
    assert (served.violations, served.live_sessions) == ([], 1)


async def test_a_client_that_does_not_answer_pings_is_cut(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """60 s after the first ping, which comes after 20 s."""
    served = exchange(NAME)
    await connect(nursery, served, "/ws/btcusdt@bookTicker", queue=0)  # never read, so stuck
    await nursery.start(served.run_market)
    with trio.move_on_after(79.9):
        await trio.sleep_forever()
    assert served.live_sessions == 1
    await trio.sleep(0.2)
    assert served.live_sessions == 0
    assert served.violations == ["connection 1: no pong within 60 s"]


async def test_a_connection_lives_a_day(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    """Or as long as the simulation was told; then it is closed in order."""
    served = exchange(NAME, ping_interval_secs=40_000.0)
    connection = await connect(nursery, served, "/stream")
    assert await close_code(connection) == 1001
    assert rounded(trio.current_time()) == 86_400.0
    shorter = await connect(nursery, exchange(NAME, lifetime_secs=50.0), "/stream")
    assert await close_code(shorter) == 1001
    assert rounded(trio.current_time()) == 86_450.0


async def test_depth_events_chain(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    """Each U is the u before plus one, ten a second at most, sometimes with one side empty."""
    got = await streamed(nursery, exchange(NAME), "btcusdt@depth@100ms", 20.0)
    assert 100 < len(got) <= 200
    assert all(two["U"] == one["u"] + 1 for one, two in itertools.pairwise(got))
    assert all(two["E"] - one["E"] >= 99 for one, two in itertools.pairwise(got))
    assert any(each["a"] == [] and each["b"] for each in got)
    assert any(each["b"] == [] and each["a"] for each in got)


async def test_rest_snapshot_and_depth_events_add_up_to_the_book(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """By the venue's own recipe: drop what is old, the first event that is kept must bridge."""
    served = exchange(NAME)
    connection = await connect(nursery, served, "/ws/btcusdt@depth@100ms")
    await nursery.start(served.run_market)
    got = await messages(connection, 2.057)
    status, body = served.rest(f"/api/v3/depth?symbol={BTC}&limit=5000")
    got += await messages(connection, 6.105 - 2.057)  # just after a depth event
    assert status == 200
    snapshot = json.loads(body)
    last_id = snapshot["lastUpdateId"]
    rebuilt = {"b": dict(snapshot["bids"]), "a": dict(snapshot["asks"])}
    newer = [each for each in got if each["u"] > last_id]
    assert newer[0]["U"] <= last_id + 1 <= newer[0]["u"]
    assert 10 < len(newer) < len(got)
    for event, side in itertools.product(newer, ("b", "a")):
        rebuilt[side].update(event[side])
    listing = served.market.listings[BTC]
    assert newer[-1]["u"] == listing.book.update_id
    for side, is_bid in (("b", True), ("a", False)):
        said = {Decimal(p): Decimal(s) for p, s in rebuilt[side].items() if Decimal(s)}
        assert said == levels(listing, bids=is_bid)


async def test_book_tickers_follow_the_best_prices(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Without a time, with growing update ids, never crossed, never twice the same."""
    got = await streamed(nursery, exchange(NAME), "btcusdt@bookTicker", 5.0)
    assert len(got) > 20
    assert all(list(each) == ["u", "s", "b", "B", "a", "A"] for each in got)
    assert all(Decimal(each["b"]) < Decimal(each["a"]) for each in got)
    for one, two in itertools.pairwise(got):
        assert one["u"] < two["u"]
        assert {**one, "u": 0} != {**two, "u": 0}


async def test_day_tickers_come_each_second_if_there_were_trades(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """With the price and size of the newest trade."""
    served = exchange(NAME)
    got = await streamed(nursery, served, "btcusdt@ticker", 10.0, "&timeUnit=MICROSECOND")
    trades = {each.trade_id: each for each in served.truth.trades(BTC)}
    assert 5 <= len(got) <= 10
    for ticker in got:
        last = trades[ticker["L"]]
        assert (ticker["c"], ticker["Q"]) == (last.price, last.size)
        assert last.event_ns // 1000 <= ticker["E"]
        following = trades.get(last.trade_id + 1)
        assert following is None or following.event_ns // 1000 >= ticker["E"] - 10_000
    served.delist_symbol(BTC)
    connection = await connect(nursery, served, "/ws/btcusdt@ticker")
    assert len(await messages(connection, 5.0)) <= 1


async def test_a_shutdown_is_announced_to_all(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """An event of its own, outside of streams, with the time in the connection's unit."""
    served = exchange(NAME)
    raw = await connect(nursery, served, "/ws")
    combined = await connect(nursery, served, "/stream?timeUnit=MICROSECOND")
    assert served.announce_shutdown() == 2
    assert await messages(raw, 0.1) == [{"e": "serverShutdown", "E": EPOCH_NS // 10**6}]
    assert await messages(combined, 0.1) == [{"e": "serverShutdown", "E": EPOCH_NS // 10**3}]


async def test_exchange_info_tells_which_symbols_trade(autojump_clock: MockClock) -> None:
    """A delisted symbol is in a BREAK; a new one is there at once."""
    served = exchange(NAME, symbols=[BTC, ETH])
    served.delist_symbol(ETH)
    served.list_symbol("NEWUSDT")
    ((status, body), (_, filtered)) = await memory_get(
        served, "/api/v3/exchangeInfo", "/api/v3/exchangeInfo?symbolStatus=TRADING"
    )
    symbols = json.loads(body)["symbols"]
    assert status == 200
    assert [(each["symbol"], each["status"], each["baseAsset"]) for each in symbols] == [
        (BTC, "TRADING", "BTC"),
        (ETH, "BREAK", "ETH"),
        ("NEWUSDT", "TRADING", "NEW"),
    ]
    assert all(each["isSpotTradingAllowed"] for each in symbols)
    assert [each["symbol"] for each in json.loads(filtered)["symbols"]] == [BTC, "NEWUSDT"]


async def test_depth_over_rest_respects_its_limit(autojump_clock: MockClock) -> None:
    """Best levels first; the venue's errors for what it does not know."""
    served = exchange(NAME)
    answers = await memory_get(
        served,
        f"/api/v3/depth?symbol={BTC}&limit=5",
        f"/api/v3/depth?symbol={BTC}",
        "/api/v3/depth?symbol=NOPE",
        f"/api/v3/depth?symbol={BTC}&limit=x",
        "/api/v3/other",
    )
    assert [status for status, _ in answers] == [200, 200, 400, 400, 404]
    few, many, unknown = (json.loads(body) for _, body in answers[:3])
    assert (len(few["bids"]), len(few["asks"])) == (5, 5)
    assert few["bids"] == many["bids"][:5]
    bids = [Decimal(price) for price, _ in many["bids"]]
    asks = [Decimal(price) for price, _ in many["asks"]]
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert unknown["code"] == -1121
