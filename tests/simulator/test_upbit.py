"""The Upbit dialect over memory streams on virtual time: its rules, and what it does to clients."""

from __future__ import annotations

import json
from random import Random

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from tests.exchanges.said import AnySymbol, events_of
from tests.simulator.clients import (
    VirtualWallClock,
    close_code,
    connect,
    exchange,
    memory_get,
    messages,
    texts,
    upgrade_status,
)
from tests.simulator.upbit_client import (
    BTC,
    ETH,
    LIST,
    NAME,
    PATH,
    TICKET,
    TYPES,
    ask,
    of,
    streamed,
    wish,
)
from tick_logger.exchanges.base import Confirmed, Heartbeat, Subscription
from tick_logger.exchanges.upbit import EXCHANGE
from tick_logger.net.wire.link import upgrade
from tick_logger.simulator.faults import GARBAGE_KINDS, Faults, garbage

# -- subscribing -----------------------------------------------------------------------------------


async def test_there_is_no_acknowledgement_but_a_greeting_of_each_stream(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """In binary frames, one SNAPSHOT of each type and code, and then nothing without a market."""
    connection = await connect(nursery, exchange(NAME), PATH)
    await ask(connection, *(wish(kind, BTC, ETH) for kind in TYPES))
    got = await texts(connection, 50.0)
    assert {type(each) for each in got} == {bytes}
    read = [json.loads(each) for each in got]
    assert [(m["type"], m["code"], m["stream_type"]) for m in read] == [
        (kind, code, "SNAPSHOT") for kind in TYPES for code in (BTC, ETH)
    ]


@pytest.mark.parametrize(
    ("options", "streams"),
    [
        ({}, {"SNAPSHOT", "REALTIME"}),
        ({"is_only_snapshot": True}, {"SNAPSHOT"}),
        ({"is_only_realtime": True}, {"REALTIME"}),
        ({"isOnlyRealtime": True}, {"REALTIME"}),
    ],
)
async def test_greeting_and_stream_may_be_had_alone(
    options: dict[str, bool], streams: set[str], autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """The older spelling of the options is understood as well."""
    got = await streamed(nursery, exchange(NAME), wish("trade", **options), secs=5.0)
    assert {m["stream_type"] for m in got} == streams


async def test_a_request_ends_what_it_does_not_name(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """What it names again is greeted again."""
    served = exchange(NAME)
    connection = await connect(nursery, served, PATH)
    await nursery.start(served.run_market)
    await ask(connection, wish("trade", BTC, ETH), wish("ticker"))
    assert {(m["type"], m["code"]) for m in await messages(connection, 5.0)} == {
        ("trade", BTC), ("trade", ETH), ("ticker", BTC),
    }  # fmt: skip
    await ask(connection, wish("trade", ETH))
    got = await messages(connection, 5.0)
    assert {(m["type"], m["code"]) for m in got} == {("trade", ETH)}
    assert len(of(got, "trade", "SNAPSHOT")) == 1


async def test_live_subscriptions_are_listed(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """By type, with the ticket of the request; a list without any is empty."""
    connection = await connect(nursery, exchange(NAME), PATH)
    await ask(connection, LIST)
    await ask(connection, wish("orderbook", ETH), wish("trade", BTC, ETH))
    await ask(connection, LIST)
    got = [m for m in await messages(connection, 1.0) if "method" in m]
    assert [m["result"] for m in got] == [
        [],
        [
            {"type": "trade", "codes": [BTC, ETH]},
            {"type": "orderbook", "codes": [ETH], "level": 0},
        ],
    ]
    assert {(m["method"], m["ticket"]) for m in got} == {("LIST_SUBSCRIPTIONS", "t")}


async def test_listing_in_another_format_changes_the_streams(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """As documented: a connection has one format."""
    served = exchange(NAME)
    await nursery.start(served.run_market)
    connection = await connect(nursery, served, PATH)
    await ask(connection, wish("trade"))
    await messages(connection, 2.0)
    await ask(connection, LIST, form="SIMPLE")
    listed, *rest = await messages(connection, 3.0)
    assert listed["rslt"] == [{"ty": "trade", "cds": [BTC]}]
    assert rest
    assert all(m["ty"] == "trade" for m in rest)


@pytest.mark.parametrize("code", ["KRW-NOPE", "krw-btc", "BTC-KRW"])
async def test_unknown_codes_are_passed_over_in_silence(
    code: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """No error, no message, no place in the list; the other codes are served."""
    served = exchange(NAME)
    connection = await connect(nursery, served, PATH)
    await ask(connection, wish("trade", code))
    assert await texts(connection, 2.0) == []
    await ask(connection, wish("trade", code, BTC))
    await ask(connection, LIST)
    greeting, listed = await messages(connection, 1.0)
    assert greeting["code"] == BTC
    assert listed["result"] == [{"type": "trade", "codes": [BTC]}]
    assert served.violations == []


# -- rules -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("hello", "WRONG_FORMAT"),
        ('{"ticket":"t"}', "WRONG_FORMAT"),
        ('[{"ticket":"t"},{"type":"trade","codes":"KRW-BTC"}]', "WRONG_FORMAT"),
        (json.dumps([wish("trade")]), "NO_TICKET"),
        (json.dumps([TICKET, {"format": "DEFAULT"}]), "NO_TYPE"),
        (json.dumps([TICKET, {"codes": [BTC]}]), "NO_TYPE"),
        (json.dumps([TICKET, {"type": "trade"}]), "NO_CODES"),
        (json.dumps([TICKET, {"type": "trade", "codes": []}]), "INVALID_PARAM"),
        (json.dumps([TICKET, wish("nope")]), "INVALID_PARAM"),
        (json.dumps([TICKET, wish("trade"), {"format": "NOPE"}]), "INVALID_PARAM"),
        (json.dumps([TICKET, {"method": "DANCE"}]), "INVALID_PARAM"),
    ],
)
async def test_wrong_requests_end_the_connection(
    text: str, name: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """After an error that names the fault."""
    served = exchange(NAME)
    connection = await connect(nursery, served, PATH)
    await connection.send_message(text)
    error = json.loads(await connection.get_message())["error"]
    assert (error["name"], bool(error["message"])) == (name, True)
    assert await close_code(connection) == 1000
    (violation,) = served.violations
    assert violation.startswith(f"connection 1: wrong request: {name}: ")


async def test_a_request_needs_no_format(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    """It is DEFAULT then."""
    connection = await connect(nursery, exchange(NAME), PATH)
    await connection.send_message(json.dumps([TICKET, wish("trade")]))
    assert [m["type"] for m in await messages(connection, 1.0)] == ["trade"]


async def test_more_than_five_messages_a_second_end_the_connection(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Pings count."""
    served = exchange(NAME)
    connection = await connect(nursery, served, PATH)
    for _ in range(4):
        await ask(connection, LIST)
    await connection.ping()
    assert len(await messages(connection, 0.5)) == 4
    await ask(connection, LIST)
    assert await close_code(connection) == 1000
    assert served.violations == ["connection 1: more than 5 messages in a second"]


async def test_more_than_a_hundred_messages_a_minute_end_the_connection(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """A hundred do not, and a minute later there may be a hundred more."""
    served = exchange(NAME, symbols=[BTC], messages_per_second=0.0, step_secs=0.1)
    await nursery.start(served.run_market)
    connection = await connect(nursery, served, PATH)
    for count in range(200):
        await ask(connection, LIST)
        await trio.sleep(30.0 if count == 99 else 0.31)
    assert served.violations == []
    await ask(connection, LIST)
    assert await close_code(connection) == 1000
    assert served.violations == ["connection 1: more than 100 messages in a minute"]


async def test_a_silent_client_is_cut_after_a_minute(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Protocol pings are enough to prevent that."""
    served = exchange(NAME)
    silent, lively = [await connect(nursery, served, PATH) for _ in range(2)]
    for _ in range(6):
        await trio.sleep(20.0)
        await lively.ping()
    assert served.live_sessions == 1
    assert served.violations == ["connection 1: nothing was sent for 60 s"]
    assert await close_code(silent) == 1008


async def test_ping_as_a_text_starts_signs_of_life(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Every ten seconds, whatever is subscribed meanwhile."""
    served = exchange(NAME, messages_per_second=0.0)
    await nursery.start(served.run_market)
    connection = await connect(nursery, served, PATH)
    await connection.send_message("PING")
    assert await texts(connection, 20.5) == [b'{"status":"UP"}'] * 2
    await ask(connection, wish("trade"))
    await ask(connection, LIST)
    _, listed, *rest = await messages(connection, 20.0)
    assert listed["result"] == [{"type": "trade", "codes": [BTC]}]
    assert rest == [{"status": "UP"}] * 2


async def test_an_origin_is_refused(autojump_clock: MockClock) -> None:
    """The venue allows such clients next to nothing."""
    served = exchange(NAME)
    assert await upgrade_status(served, PATH, "Origin: https://t") == 404
    assert served.violations == ["an upgrade was refused: an Origin header was sent"]


async def test_the_recorder_sends_no_origin(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Its own link is let in, and its requests are served."""
    served = exchange(NAME)
    ours, theirs = trio.testing.memory_stream_pair()
    nursery.start_soon(served.serve_stream, theirs)
    got: list[bytes] = []
    link = await upgrade(
        nursery,
        ours,
        EXCHANGE.ws_url("ws://test"),
        on_frames=lambda _recv_ns, payloads: got.extend(payloads),
        on_ping=lambda: None,
        clock=VirtualWallClock(),
        max_message_bytes=2**20,
        timeout_secs=1.0,
    )
    wanted = [Subscription(code, feed) for code in (BTC, ETH) for feed in sorted(EXCHANGE.feeds)]
    for request in (*EXCHANGE.subscribe(wanted, 1), EXCHANGE.list_request(2)):
        await link.send(request.text)
    await trio.sleep(1.0)
    decoded = EXCHANGE.decode(got, AnySymbol())
    assert decoded.bad == ()
    assert events_of(decoded)[-1] == Confirmed(frozenset(wanted))
    assert served.violations == []
    await link.aclose(1.0)


@pytest.mark.parametrize("target", ["/", "/websocket/v2", "/websocket/v1/private"])
async def test_other_paths_are_refused(target: str, autojump_clock: MockClock) -> None:
    """An upgrade elsewhere is answered by 404."""
    assert await upgrade_status(exchange(NAME), target) == 404


# -- REST and faults -------------------------------------------------------------------------------


async def test_rest_lists_what_is_traded(autojump_clock: MockClock) -> None:
    """With Korean names; a delisted market is gone, a new one is there."""
    served = exchange(NAME, symbols=[BTC, ETH])
    served.delist_symbol(ETH)
    served.list_symbol("USDT-XRP")
    target = EXCHANGE.listing_url("")
    (status, body), (other, _) = await memory_get(served, target, "/v1/nope")
    assert (status, other) == (200, 404)
    listed = EXCHANGE.parse_listing(body)
    assert [(each.base, each.quote) for each in listed] == [("BTC", "KRW"), ("XRP", "USDT")]
    assert set(json.loads(body)[0]) == {"market", "korean_name", "english_name", "market_event"}
    assert not body.isascii()


async def test_new_markets_can_be_subscribed_and_delisted_ones_fall_silent(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """At once."""
    served = exchange(NAME, symbols=[BTC, ETH])
    await nursery.start(served.run_market)
    connection = await connect(nursery, served, PATH)
    served.list_symbol("USDT-XRP")
    served.delist_symbol(ETH)
    await ask(connection, *(wish(kind, ETH, "USDT-XRP") for kind in TYPES))
    got = await messages(connection, 5.0)
    assert {(m["type"], m["code"]) for m in got} == {(kind, "USDT-XRP") for kind in TYPES}


async def test_refused_symbols_leave_all_as_it_was(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """An error, no violation, and the connection stays."""
    served = exchange(NAME, faults=Faults(refused_symbols=frozenset({ETH})))
    connection = await connect(nursery, served, PATH)
    await ask(connection, wish("trade"))
    await ask(connection, wish("trade", BTC, ETH))
    await ask(connection, LIST)
    _, error, listed = await messages(connection, 1.0)
    assert error["error"]["name"] == "INVALID_PARAM"
    assert listed["result"] == [{"type": "trade", "codes": [BTC]}]
    assert served.violations == []


async def test_never_acked_symbols_leave_all_as_it_was(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Without a word."""
    served = exchange(NAME, faults=Faults(never_acked_symbols=frozenset({ETH})))
    connection = await connect(nursery, served, PATH)
    await ask(connection, wish("trade", BTC, ETH))
    await ask(connection, LIST)
    assert [m["result"] for m in await messages(connection, 1.0)] == [[]]


@pytest.mark.parametrize("kind", GARBAGE_KINDS)
async def test_garbage_says_nothing_to_the_recorder(kind: str, autojump_clock: MockClock) -> None:
    """It is bad, of an unknown kind, or a sign of life beside something undecodable."""
    served = exchange(NAME, symbols=[BTC])
    for seed in range(20):
        _, payload = garbage(kind, served._dialect, Random(seed))
        decoded = EXCHANGE.decode([payload], {BTC: 0})
        assert decoded.rows == ()
        if kind == "unknown_type":
            assert [each.kind for each in decoded.unknown] == ["tomorrow"]
            continue
        assert decoded.bad or events_of(decoded) == [Heartbeat()]
        assert decoded.bad or kind == "invalid_utf8"
