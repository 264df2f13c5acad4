"""What the load understands of its clients, over a real socket."""

from __future__ import annotations

import json
import socket

from scripts.benchmark import frames
from scripts.benchmark.clients import masked
from scripts.benchmark.load import Peer, requests


def test_requests_are_told_apart_however_they_arrive() -> None:
    """Two at once, one in halves, a short one."""
    long = frames.subscription("trades", frames.names_of("trades", 0, 200))
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
    with ours, theirs:
        ours.sendall(masked(long) + masked(long)[:100])
        told = requests(Peer(theirs, None))
        assert next(told) == long
        ours.sendall(masked(long)[100:] + b"\x81\x82\0\0\0\0{}")
        assert [next(told), next(told)] == [long, "{}"]


def test_each_dialect_of_trades_is_subscribed_as_it_is_sent() -> None:
    for kind, channel in (("trades", "trade"), ("aggregates", "aggTrade")):
        (stream,) = json.loads(frames.subscription(kind, ["BENCH7USDT"]))["params"]
        sent = json.loads(frames.payload(kind, 7, 1_005, 1_000_000))
        assert sent["stream"] == stream == f"bench7usdt@{channel}"
        assert sent["data"]["e"] == channel
        assert sent["data"]["t" if kind == "trades" else "a"] == 1_005
