"""Requests to the OKX dialect and its rules, over memory streams on virtual time."""

from __future__ import annotations

import re

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from tests.simulator.clients import (
    close_code,
    connect,
    exchange,
    messages,
    rounded,
    send,
    texts,
    upgrade_status,
)
from tests.simulator.okx_clients import (
    BTC,
    BUSINESS,
    ETH,
    NAME,
    PUBLIC,
    PUBLIC_CHANNELS,
    request,
    slow,
    subscribed,
)
from tick_logger.simulator.faults import Faults

# -- requests --------------------------------------------------------------------------------------


async def test_each_argument_is_acknowledged(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """With the request's id, before anything of its channel; again if it is repeated."""
    served = exchange(NAME)
    connection = await connect(nursery, served, BUSINESS)
    wanted = ("trades-all", BTC), ("trades-all", ETH)
    await send(connection, request("subscribe", *wanted, number="a7"))
    await send(connection, {"op": "subscribe", "args": [{"channel": "trades-all", "instId": BTC}]})
    await send(connection, request("unsubscribe", ("trades-all", BTC), number="8"))
    one, two, three, four = await messages(connection, 1.0)
    arg = {"channel": "trades-all", "instId": BTC}
    assert one == {"id": "a7", "event": "subscribe", "arg": arg, "connId": one["connId"]}
    assert (two["id"], two["arg"]["instId"]) == ("a7", ETH)
    assert three == {"event": "subscribe", "arg": arg, "connId": one["connId"]}
    assert (four["id"], four["event"], four["arg"]) == ("8", "unsubscribe", arg)
    assert re.fullmatch("[0-9a-f]{8}", one["connId"])
    assert served.violations == []


async def test_after_unsubscribing_nothing_comes(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Of that channel; the others go on."""
    connection = await subscribed(nursery, exchange(NAME), "tickers", "bbo-tbt")
    await messages(connection, 1.0)
    await send(connection, request("unsubscribe", ("tickers", BTC)))
    got = await messages(connection, 5.0)
    (at,) = (n for n, each in enumerate(got) if "event" in each)
    assert {each["arg"]["channel"] for each in got[at + 1 :]} == {"bbo-tbt"}


@pytest.mark.parametrize(
    ("path", "channel"),
    [
        *((BUSINESS, channel) for channel in PUBLIC_CHANNELS),
        (PUBLIC, "trades-all"),
        (PUBLIC, "nope"),
    ],
)
async def test_a_channel_has_one_address(
    path: str, channel: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """At the other it is an error, which is nobody's fault but the client's."""
    served = exchange(NAME)
    connection = await connect(nursery, served, path)
    await send(connection, request("subscribe", (channel, BTC), number="3"))
    (reply,) = await messages(connection, 1.0)
    assert list(reply) == ["id", "event", "msg", "code", "connId"]
    assert (reply["id"], reply["event"], reply["code"]) == ("3", "error", "60018")
    assert reply["msg"].startswith(f"Wrong URL or channel:{channel},instId:{BTC} doesn't exist. ")
    assert served.violations == [f"connection 1: no channel {channel} at this address"]


async def test_unknown_instruments_are_refused_alone(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Delisted ones and those refused by a fault too; the rest of the request is granted."""
    served = exchange(NAME, faults=Faults(refused_symbols=frozenset({"SOL-USDT"})))
    served.delist_symbol(ETH)
    connection = await connect(nursery, served, PUBLIC)
    symbols = ("NOPE-USDT", ETH, BTC, "SOL-USDT")
    await send(connection, request("subscribe", *(("books", symbol) for symbol in symbols)))
    got = await messages(connection, 1.0)
    assert [each.get("code") or each["event"] for each in got[:4]] == [
        "60018",
        "60018",
        "subscribe",
        "60018",
    ]
    assert got[4]["action"] == "snapshot"
    assert served.violations == []


async def test_channels_for_important_clients_need_a_login(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """They exist, but not for us."""
    connection = await connect(nursery, exchange(NAME), PUBLIC)
    await send(connection, request("subscribe", ("books-l2-tbt", BTC)))
    (reply,) = await messages(connection, 1.0)
    assert (reply["code"], reply["msg"]) == ("60011", "Please log in")


@pytest.mark.parametrize(
    ("text", "code", "number"),
    [
        ("{", "60012", None),
        ('{"id":"5","op":"subscribe","args":"books"}', "60012", None),
        ('{"id":"5","op":"subscribe","argss":[]}', "60012", None),
        ('{"id":"5","op":"subscribe","args":[{"channel":"books"}]}', "60012", None),
        ('{"id":"6","op":"dance","args":[]}', "60019", "6"),
        ('{"id":"7","op":"subscribe","args":[]}', "60013", "7"),
        ('{"id":"not-plain","op":"subscribe","args":[]}', "60033", None),
        ('{"op":"ping"}', "60012", None),
    ],
)
async def test_malformed_requests_get_an_error(
    text: str, code: str, number: str | None, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """And are written down; the connection lives on."""
    served = exchange(NAME)
    connection = await connect(nursery, served, PUBLIC)
    await connection.send_message(text)
    (reply,) = await messages(connection, 1.0)
    assert (reply["event"], reply["code"], reply.get("id")) == ("error", code, number)
    assert len(served.violations) == 1
    assert served.live_sessions == 1


async def test_requests_with_never_acked_symbols_are_ignored(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """No answer and no effect; the next request is answered as if alone."""
    served = exchange(NAME, faults=Faults(never_acked_symbols=frozenset({BTC})))
    connection = await connect(nursery, served, BUSINESS)
    await send(connection, request("subscribe", ("trades-all", BTC), ("trades-all", ETH)))
    await send(connection, request("subscribe", ("trades-all", ETH), number="2"))
    (reply,) = await messages(connection, 1.0)
    assert (reply["id"], reply["arg"]["instId"]) == ("2", ETH)


# -- limits ----------------------------------------------------------------------------------------


async def test_a_request_has_at_most_64_kilobytes(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """A larger one ends the connection."""
    served = exchange(NAME)
    connection = await connect(nursery, served, PUBLIC)
    many = request("subscribe", *[("books", f"{n:040}") for n in range(500)])
    await send(connection, many)
    assert len(await messages(connection, 1.0)) == 500
    await send(connection, request("subscribe", *[("books", f"{n:040}") for n in range(900)]))
    assert await close_code(connection) == 1009
    assert served.violations == ["connection 1: a request of more than 65536 bytes"]


async def test_480_requests_an_hour_are_fine(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Pings do not count; the next one is refused, until the hour is over."""
    served = slow(step_secs=1.0)
    await nursery.start(served.run_market)
    connection = await connect(nursery, served, BUSINESS)
    for number in range(1, 481):
        await send(connection, request("unsubscribe", ("trades-all", BTC), number=str(number)))
        await connection.send_message("ping")
    got = await texts(connection, 1.0)
    assert got.count("pong") == 480
    assert served.violations == []
    await send(connection, request("subscribe", ("trades-all", BTC), number="481"))
    (reply,) = await messages(connection, 1.0)
    assert (reply["id"], reply["code"]) == ("481", "60014")
    assert served.violations == ["connection 1: refused request: Requests too frequent"]
    for _ in range(3600 // 20 + 1):
        await connection.send_message("ping")
        await trio.sleep(20.0)
    await texts(connection, 1.0)
    await send(connection, request("subscribe", ("trades-all", BTC), number="482"))
    assert (await messages(connection, 0.5))[0]["event"] == "subscribe"
    assert len(served.violations) == 1


async def test_a_ping_is_a_text_and_so_is_its_answer(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Four bytes each, no JSON; the answer keeps a quiet connection alive."""
    served = slow()
    await nursery.start(served.run_market)
    connection = await connect(nursery, served, BUSINESS)
    for _ in range(5):
        await trio.sleep(29.0)
        await connection.send_message("ping")
    assert await texts(connection, 0.5) == ["pong"] * 5
    assert (served.violations, served.live_sessions) == ([], 1)


async def test_a_connection_without_any_message_is_cut(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """After 30 s, that is; protocol pings are not what the venue asks for."""
    served = slow()
    await nursery.start(served.run_market)
    idle = await connect(nursery, served, PUBLIC)
    pinging = await connect(nursery, served, BUSINESS)
    for _ in range(5):
        await trio.sleep(5.9)
        await pinging.ping()
    assert served.live_sessions == 2
    assert await close_code(idle) == 4004
    assert await close_code(pinging) == 4004
    assert 30.0 <= rounded(trio.current_time()) <= 31.1
    expected = [f"connection {n}: no ping within 30 s of silence" for n in (1, 2)]
    assert served.violations == expected


async def test_market_data_keeps_a_connection_alive(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """It is what is pushed that counts, not what the client sends."""
    served = slow(messages_per_second=10.0, symbols=[BTC])
    connection = await subscribed(nursery, served, "bbo-tbt")
    assert len(await messages(connection, 100.0)) > 100
    assert (served.violations, served.live_sessions) == ([], 1)


async def test_who_is_half_open_by_a_fault_breaks_no_rule(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Neither side hears of the other for as long as the fault says."""
    faults = Faults(half_open_after_secs=(1.0, 1.0), half_open_secs=100.0)
    connection = await subscribed(nursery, served := slow(faults=faults), "trades-all")
    assert await close_code(connection) == 1006
    assert rounded(trio.current_time()) == 101.0
    assert served.violations == []


@pytest.mark.parametrize("path", ["/", "/ws/v5", "/ws/v5/private", "/x/public", "/stream"])
async def test_other_paths_are_refused(path: str, autojump_clock: MockClock) -> None:
    """The upgrade is answered by 404."""
    assert await upgrade_status(exchange(NAME), path) == 404


@pytest.mark.parametrize("path", ["/public", "/business/", "/ws/v5/public?brokerId=9999"])
async def test_addresses_may_lie_at_the_root(
    path: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """As a gateway may have it."""
    await connect(nursery, exchange(NAME), path)
