"""What a look at an exchange says, step by step, with servers that fail in each."""

from __future__ import annotations

import datetime
import json
import ssl
from email.utils import format_datetime
from pathlib import Path

import attrs
import pytest
import trio
import trustme

from tests.doctor.looked import (
    answering,
    configured,
    look,
    said,
    say_nothing,
    server,
    simulator,
    states,
)
from tick_logger.config.schema import MarketConfig
from tick_logger.doctor.venue import HASTY
from tick_logger.errors import Step
from tick_logger.net.reach import WHAT_TO_DO

HURRIED = attrs.evolve(HASTY, tls_secs=0.2, upgrade_secs=0.2, rest_secs=0.2)
NAME = "coinbase"


async def test_a_simulated_exchange_is_fine() -> None:
    """Each step a line, in order, and each feed."""
    async with simulator(NAME) as (_, place):
        lines = await look(NAME, configured(NAME, place))
    assert [line.name for line in lines] == [
        *("DNS", "TCP", "WebSocket", "REST", "listing", "symbols", "clock"),
        *("orderbook", "quotes", "ticker", "trades"),
    ]
    assert set(states(lines).values()) == {"ok"}
    assert not any(line.advice for line in lines)


async def test_a_name_that_nobody_knows() -> None:
    """No later step is tried, but REST for itself."""
    lines = await look(NAME, configured(NAME, "ws://nowhere.invalid", "http://nowhere.invalid"))
    assert states(lines) == {"DNS": "wrong", "REST": "wrong"}
    assert "nowhere.invalid: " in said(lines, "DNS")
    assert {line.advice for line in lines} == {WHAT_TO_DO[Step.DNS]}  # as in the log and the page


async def test_a_port_where_nobody_listens() -> None:
    """The name is fine."""
    lines = await look(NAME, configured(NAME, "ws://127.0.0.1:1"))
    assert states(lines) == {"DNS": "ok", "TCP": "wrong", "REST": "wrong"}
    assert "127.0.0.1:1: TCP: Connection refused" in said(lines, "TCP")
    assert WHAT_TO_DO[Step.TCP] in said(lines, "TCP")


async def test_a_server_that_says_nothing() -> None:
    """Over TLS it is that step which fails, without TLS the upgrade; REST has its own end."""
    async with server(say_nothing) as place:
        tls = configured(NAME, f"wss://{place}", f"http://{place}")
        lines = await look(NAME, tls, timeouts=HURRIED)
        assert states(lines) == {"DNS": "ok", "TCP": "ok", "TLS": "wrong", "REST": "wrong"}
        assert "TLS: no answer within 0.2 s" in said(lines, "TLS")
        lines = await look(NAME, configured(NAME, f"ws://{place}"), timeouts=HURRIED)
        assert states(lines) == {"DNS": "ok", "TCP": "ok", "WebSocket": "wrong", "REST": "wrong"}
        assert "no answer to the upgrade request within 0.2 s" in said(lines, "WebSocket")
        assert "no complete answer within 0.2 s" in said(lines, "REST")


async def test_all_steps_together_take_less_than_ten_seconds() -> None:
    """Whatever the other side does."""
    assert 2.5 + HASTY.tcp_secs + HASTY.tls_secs + HASTY.upgrade_secs < 10
    assert HASTY.rest_secs < 10


async def test_a_certificate_that_is_not_trusted(tmp_path: Path) -> None:
    """And one that is, by `ca_file`: then the upgrade comes next."""
    ca, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    async with server(answering("404 Not Found", b"nothing here"), context) as place:
        lines = await look(NAME, configured(NAME, f"wss://{place}"))
        assert states(lines)["TLS"] == "wrong"
        assert "certificate verify failed" in said(lines, "TLS")
        trusting = configured(NAME, f"wss://{place}", ca_file=str(tmp_path / "ca.pem"))
        lines = await look(NAME, trusting)
        assert states(lines)["TLS"] == "ok"
        assert "HTTP 404 Not Found" in said(lines, "WebSocket")


async def test_a_region_that_is_refused() -> None:
    """In the venue's words."""
    async with server(answering("451 No", b'{"msg":"Service unavailable here"}')) as place:
        lines = await look(NAME, configured(NAME, f"ws://{place}"))
    assert states(lines) == {"DNS": "ok", "TCP": "ok", "WebSocket": "wrong", "REST": "wrong"}
    assert "HTTP 451" in said(lines, "WebSocket")
    advice = said(lines, "WebSocket")
    assert "this machine, or its region, may be refused there" in advice
    assert "wss://ws-feed.exchange.coinbase.com with https://api.exchange.coinbase.com" in advice
    assert "region" in said(lines, "REST")
    assert "Service unavailable here" in said(lines, "REST")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{}", ""),
        (b"[]", "0 of 0 symbols are traded"),
        (b"[1, 2]", ""),
        (b"\xff" * 100, ""),
    ],
)
async def test_an_answer_that_is_no_listing(body: bytes, words: str) -> None:
    """REST works, the listing does not; nothing is listened to."""
    async with simulator(NAME) as (_, ws), server(answering("200 OK", body)) as rest:
        lines = await look(NAME, configured(NAME, ws, f"http://{rest}"))
    assert states(lines) == {
        **dict.fromkeys(("DNS", "TCP", "WebSocket", "REST"), "ok"),
        "listing": "wrong",
    }
    assert words in said(lines, "listing")


async def test_a_page_instead_of_an_answer() -> None:
    """Of a firewall, or of a log-in: it is REST that does not work."""
    page = answering("200 OK", b"<html>maintenance</html>", "Content-Type: text/html")
    async with simulator(NAME) as (_, ws), server(page) as rest:
        lines = await look(NAME, configured(NAME, ws, f"http://{rest}"))
    assert states(lines)["REST"] == "wrong"
    assert WHAT_TO_DO[Step.PAGE] in said(lines, "REST")


@pytest.mark.parametrize(
    ("off_secs", "state"), [(0, "ok"), (-10, "warning"), (10, "warning"), (3600, "wrong")]
)
async def test_a_clock_that_differs(off_secs: int, state: str) -> None:
    """By the `Date` of the listing's answer."""
    product = {
        **{"id": "BTC-USD", "base_currency": "BTC", "quote_currency": "USD", "status": "online"},
        **{"quote_increment": "0.01", "base_increment": "0.00000001", "trading_disabled": False},
    }
    async with simulator(NAME, symbols=("BTC-USD",)) as (_, ws):

        async def dated(stream: trio.abc.Stream) -> None:
            date = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=off_secs)
            header = f"Date: {format_datetime(date, usegmt=True)}"
            await answering("200 OK", json.dumps([product]).encode(), header)(stream)

        async with server(dated) as rest:
            config = configured(NAME, ws, f"http://{rest}", feeds=("trades",))
            lines = await look(NAME, config)
    assert states(lines)["clock"] == state
    ahead = float(said(lines, "clock").split()[3])
    assert abs(ahead - off_secs) < 1.9
    assert ("NTP" in said(lines, "clock")) == (state != "ok")


async def test_symbols_that_are_not_traded() -> None:
    """Each is named, with one that is near; the others are listened to."""
    async with simulator(NAME, symbols=("BTC-USD", "ETH-USD")) as (_, place):
        symbols = ("BTC-*", "ETC-USD", "X", "BTC-USD")
        lines = await look(NAME, configured(NAME, place, symbols=symbols))
    assert states(lines)["symbols"] == "wrong"
    assert "not traded: ETC-USD (near is ETH-USD), X: mend" in said(lines, "symbols")
    assert states(lines)["trades"] == "ok"
    assert " of BTC-USD in " in said(lines, "trades")


async def test_another_name_of_what_is_traded() -> None:
    """An exchange is asked for symbols in its own spelling, which is told."""
    async with simulator("kraken", symbols=("BTC/USD",)) as (_, place):
        lines = await look("kraken", configured("kraken", place, symbols=("BTC-USD", "BTC/*")))
    assert "not traded: BTC-USD (here it is BTC/USD): mend" in said(lines, "symbols")
    assert " of BTC/USD (BTC-USD) in " in said(lines, "trades")


async def test_no_symbol_at_all() -> None:
    """Then there is nothing to listen to."""
    async with simulator(NAME, symbols=("BTC-USD",)) as (_, place):
        lines = await look(NAME, configured(NAME, place, symbols=("EUR-*",)))
    assert states(lines)["symbols"] == "wrong"
    assert "trades" not in states(lines)


async def test_a_feed_of_which_nothing_comes() -> None:
    """What came by the end of the time is told, and what did not."""
    async with simulator(NAME, messages_per_second=0.001) as (_, place):
        lines = await look(NAME, configured(NAME, place, feeds=("trades",)), secs=1.0)
    assert states(lines)["trades"] in ("wrong", "warning")
    assert "--seconds 60" in said(lines, "trades") or "only " in said(lines, "trades")


async def test_feeds_of_markets_are_listened_to_where_they_apply() -> None:
    """As a recording would subscribe."""
    async with simulator(NAME, symbols=("BTC-USD", "ETH-USD")) as (_, place):
        market = MarketConfig(symbols=("ETH-USD",), feeds=("trades", "orderbook"))
        config = configured(NAME, place, feeds=("trades",), markets=(market,))
        lines = await look(NAME, config)
    assert " of ETH-USD in " in said(lines, "orderbook")
    assert " of 2 symbols in " in said(lines, "trades")


async def test_a_key_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a venue takes one, nothing is asked with a broken one."""
    monkeypatch.setenv("COINBASE_API_KEY", "name")
    monkeypatch.setenv("COINBASE_API_SECRET", "secret")
    lines = await look("coinbase_advanced", configured("coinbase_advanced", "ws://127.0.0.1:1"))
    assert states(lines) == {"key": "wrong"}
    assert "COINBASE_API_SECRET" in said(lines, "key")
    assert "secret:" not in said(lines, "key").lower().replace("coinbase_api_secret", "")


async def test_both_addresses_of_a_venue_are_reached() -> None:
    """Feeds at two addresses have a connection each."""
    async with simulator("okx") as (_, place):
        lines = await look("okx", configured("okx", place))
    assert set(states(lines).values()) == {"ok"}
    assert {"orderbook", "quotes", "ticker", "trades"} <= states(lines).keys()
