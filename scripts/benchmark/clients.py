"""What the recorder is compared with: `python -m scripts.benchmark.clients floor|loop ...`.

`floor` is the least that any Python recorder must do: read the sockets, split the frames, one
compiled decode per message; nothing is kept.  `loop` is how such clients are usually written:
`await ws.get_message()` per message, nothing decoded.  Both print one JSON line at the end with
the CPU time that they used after the first message.
"""

from __future__ import annotations

import argparse
import json
import selectors
import socket
import ssl
import time

import msgspec
import trio
import trio_websocket

from scripts.benchmark import frames
from scripts.benchmark.peer_account import parser_of
from tick_logger.net.wire.frames import FrameSplitter

READ_BYTES = 64 * 1024
RECORDS_PER_WAKE = 256


class Trade(msgspec.Struct, gc=False):
    """The fields of a trade that a recorder needs."""

    s: str
    t: int
    p: float
    q: float
    T: int
    m: bool


class TradeEnvelope(msgspec.Struct, gc=False):
    """The combined-stream wrapper around a trade."""

    stream: str
    data: Trade


class Ticker(msgspec.Struct, gc=False):
    """The fields of a ticker that a recorder needs."""

    product_id: str
    price: float
    best_bid: float
    best_ask: float
    last_size: float
    time: str
    side: str
    sequence: int


def asked(options: argparse.Namespace, connection: int) -> str:
    """The request that subscribes the symbols of one connection."""
    names = frames.names_of(options.kind, connection, options.symbols)
    return frames.subscription(options.kind, names)


def masked(text: str) -> bytes:
    """A client text frame, masked with zeros."""
    data = text.encode()
    head = b"\x81\xfe" + len(data).to_bytes(2, "big")
    return head + b"\0\0\0\0" + data


def connect(options: argparse.Namespace, connection: int) -> socket.socket:
    """A blocking connection that has subscribed and was acknowledged."""
    sock = socket.create_connection(("127.0.0.1", options.port))
    if options.certificate:
        context = ssl.create_default_context(cafile=options.certificate)
        sock = context.wrap_socket(sock, server_hostname="localhost")
    sock.sendall(
        b"GET /stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += exactly(sock, 1)
    sock.sendall(masked(asked(options, connection)))
    size = exactly(sock, 2)[1]
    exactly(sock, int.from_bytes(exactly(sock, 2), "big") if size == 126 else size)
    return sock


def exactly(sock: socket.socket, size: int) -> bytes:
    """So many bytes, not one more: what follows is measured."""
    data = b""
    while len(data) < size:
        data += sock.recv(size - len(data))
    return data


def floor(options: argparse.Namespace) -> None:
    """Read, split, decode once; nothing else."""
    model = TradeEnvelope if options.kind == "trades" else Ticker
    decode = msgspec.json.Decoder(model, strict=False).decode
    selector = selectors.DefaultSelector()
    sockets, splitters = {}, {}
    for connection in range(options.connections):
        sock = connect(options, connection)
        sock.setblocking(False)
        selector.register(sock, selectors.EVENT_READ)
        sockets[sock.fileno()] = sock
        splitters[sock.fileno()] = FrameSplitter(1 << 20)
    seen, begun = 0, 0.0
    while seen < options.messages:
        for key, _ in selector.select():
            sock = sockets[key.fd]
            for _ in range(RECORDS_PER_WAKE):
                try:
                    data = sock.recv(READ_BYTES)
                except (BlockingIOError, ssl.SSLWantReadError):
                    break
                if not begun:
                    begun = time.process_time()
                batch = [decode(each) for each in splitters[key.fd].push(data)]
                seen += len(batch)
                if not options.certificate:
                    break
    report(seen, begun)


async def loop(options: argparse.Namespace) -> None:
    """One `get_message` per message."""
    seen, begun = 0, 0.0
    scheme, context = "ws", None
    if options.certificate:
        scheme, context = "wss", ssl.create_default_context(cafile=options.certificate)

    async def one(connection: int) -> None:
        nonlocal seen, begun
        url = f"{scheme}://localhost:{options.port}/stream"
        async with trio_websocket.open_websocket_url(url, ssl_context=context) as socket_:
            await socket_.send_message(asked(options, connection))
            await socket_.get_message()
            while True:
                await socket_.get_message()
                begun = begun or time.process_time()
                seen += 1
                if seen >= options.messages:
                    nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        for connection in range(options.connections):
            nursery.start_soon(one, connection)
    report(seen, begun)


def report(seen: int, begun: float) -> None:
    """One line: messages and CPU seconds."""
    cpu_secs = time.process_time() - begun
    print(json.dumps({"messages": seen, "cpu_secs": cpu_secs}), flush=True)  # noqa: T201


def main() -> None:
    """Run one of the clients."""
    parser = parser_of(__doc__)
    parser.add_argument("client", choices=("floor", "loop"))
    options = parser.parse_args()
    if options.client == "floor":
        floor(options)
    else:
        trio.run(loop, options)


if __name__ == "__main__":
    main()
