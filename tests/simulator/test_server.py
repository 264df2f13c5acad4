"""Real sockets on loopback: WebSocket and REST on one port, with and without TLS."""

from __future__ import annotations

import json
import ssl

import pytest
import trio
import trustme
from trio_websocket import open_websocket_url

from tests.simulator.clients import connect, exchange, http_get, messages, send
from tick_logger.clock import SystemClock
from tick_logger.simulator.exchange import SimulatedExchange

ENOUGH = 20
LIMIT_SECS = 20.0


def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Server and client contexts of an authority made for the occasion."""
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client


@pytest.mark.parametrize("encrypted", [False, True])
async def test_websocket_and_rest_share_a_port(encrypted: bool, nursery: trio.Nursery) -> None:
    """Trades arrive on one connection while another asks for snapshots, twice."""
    server, client = contexts() if encrypted else (None, None)
    served = SimulatedExchange("binance", clock=SystemClock(), messages_per_second=2000.0)
    port = await nursery.start(
        lambda task_status: served.run(ssl_context=server, task_status=task_status)
    )
    scheme = "wss" if encrypted else "ws"
    url = f"{scheme}://localhost:{port}/stream?streams=btcusdt@trade"
    with trio.fail_after(LIMIT_SECS):
        async with open_websocket_url(url, ssl_context=client) as connection:
            trades = [json.loads(await connection.get_message()) for _ in range(ENOUGH)]
            target = "/api/v3/depth?symbol=BTCUSDT&limit=5"
            stream: trio.abc.Stream = await trio.open_tcp_stream("127.0.0.1", port)
            if client is not None:
                stream = trio.SSLStream(stream, client, server_hostname="localhost")
            answers = await http_get(stream, target, target)
            await trio.aclose_forcefully(stream)
    sent = [each.trade_id for each in served.truth.sent("BTCUSDT")]
    assert [each["data"]["t"] for each in trades] == sent[:ENOUGH]
    assert [status for status, _ in answers] == [200, 200]
    assert len(json.loads(answers[0][1])["bids"]) == 5
    assert served.violations == []


async def test_cancelling_ends_every_connection() -> None:
    """The clients see the end, and nothing keeps running."""
    served = SimulatedExchange("coinbase", clock=SystemClock())
    async with trio.open_nursery() as outer:
        async with trio.open_nursery() as nursery:
            await nursery.start(served.run_market)
            connection = await connect(outer, served)
            await send(connection, {"type": "subscribe", "channels": ["status"]})
            await messages(connection, 0.05)
            nursery.cancel_scope.cancel()
        assert served.live_sessions == 1
        outer.cancel_scope.cancel()
    assert served.live_sessions == 0


@pytest.mark.parametrize(
    "nonsense", [b"\x16\x03\x01 hello\r\n\r\n", b"", b"GET / HTTP/1.1\r\nHost: t\r\n"]
)
async def test_clients_that_do_not_speak_http_are_dropped(nonsense: bytes) -> None:
    """The server closes its side and goes on."""
    ours, theirs = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(exchange("coinbase").serve_stream, theirs)
        await ours.send_all(nonsense)
        await ours.send_eof()
        with trio.fail_after(LIMIT_SECS):
            assert await ours.receive_some() == b""
