"""cryptofeed writing CSV: `python -m scripts.benchmark.peer_cryptofeed OPTIONS`.

It runs with the Python of the peers' environment (see `peers`) and imports nothing of the recorder.
cryptofeed's own exchange, feed handler and objects are used as they are; only the address and the
listing of symbols are given.  It has no CSV backend, so a callback writes rows with Python's own
module.  Nothing is sorted, checked or synced.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import os
from typing import Any

import uvloop  # type: ignore[import-not-found,unused-ignore]
from cryptofeed import FeedHandler  # type: ignore[import-not-found,unused-ignore]
from cryptofeed.connection import WebsocketEndpoint  # type: ignore[import-not-found,unused-ignore]
from cryptofeed.defines import TRADES  # type: ignore[import-not-found,unused-ignore]
from cryptofeed.exchanges import Binance  # type: ignore[import-not-found,unused-ignore]
from cryptofeed.symbols import Symbols  # type: ignore[import-not-found,unused-ignore]
from cryptofeed.types import Trade  # type: ignore[import-not-found,unused-ignore]

from scripts.benchmark import frames
from scripts.benchmark.peer_account import Account, options_of


def listed(options: argparse.Namespace) -> dict[str, str]:
    """The exchange's spelling of each symbol by cryptofeed's."""
    total = options.connections * options.symbols
    names = (frames.symbol(options.kind, number) for number in range(total))
    return {f"{name.removesuffix('USDT')}-USDT": name for name in names}


class Plain(Binance):  # type: ignore[misc,unused-ignore]
    """Without TLS, which cryptofeed accepts no address for."""

    def connect(self) -> list[tuple[Any, ...]]:
        """Connections with what belongs to them."""
        made: list[tuple[Any, ...]] = super().connect()
        for connection, *_ in made:
            connection.address = connection.address.replace("wss:", "ws:", 1)
        return made


def record(options: argparse.Namespace) -> None:
    """A feed for each connection, until killed."""
    if options.certificate:
        os.environ["SSL_CERT_FILE"] = options.certificate
    Binance.websocket_endpoints = [WebsocketEndpoint(f"wss://localhost:{options.port}")]
    kind = Binance if options.certificate else Plain
    symbols = listed(options)
    Symbols.set(Binance.id, symbols, {})
    with open(options.file, "w", newline="") as file:
        account, write = Account(options.messages, file.flush), csv.writer(file).writerow

        async def trade(row: Trade, received: float) -> None:
            write((row.exchange, row.symbol, row.side, row.amount, row.price, row.id,
                   row.timestamp, received))  # fmt: skip
            account.took()

        asyncio.set_event_loop(uvloop.new_event_loop())
        handler = FeedHandler(config={"uvloop": False, "log": {"disabled": True}})
        names, size = list(symbols), options.symbols
        for first in range(0, len(names), size):
            wanted = names[first : first + size]
            handler.add_feed(kind(symbols=wanted, channels=[TRADES], callbacks={TRADES: trade}))
        handler.run()


if __name__ == "__main__":
    record(options_of(__doc__))
