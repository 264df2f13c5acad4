"""The load generator, run as a process of its own: `python -m scripts.benchmark.load OPTIONS`.

It plays just enough of an exchange for the recorder to list symbols and subscribe.  Frames, and for
TLS the records too, are made before the clock starts.  It speaks JSON lines on its standard output
(`port`, `subscribed`, `prepared`, saturated also `warmed`, `started`, `finished`) and goes on from
`subscribed`, `prepared` and `warmed` when it reads a line.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import random
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator

from scripts.benchmark import frames
from scripts.benchmark.processes import say

WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CHUNK_BYTES = 64 * 1024
PACE_SECS = 0.001
"""The paced load wakes this often and sends what is due: each message belongs to a random
connection, and each connection that has any gets them in one write."""


class Peer:
    """One client connection, plain or TLS with one record per written piece."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext | None) -> None:
        self.sock = sock
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls: ssl.SSLObject | None = None
        if context is not None:
            self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
            self._handshake()

    def _handshake(self) -> None:
        assert self._tls is not None
        while True:
            try:
                self._tls.do_handshake()
                self.sock.sendall(self._outgoing.read())
                return
            except ssl.SSLWantReadError:
                self.sock.sendall(self._outgoing.read())
                self._incoming.write(self.sock.recv(CHUNK_BYTES))

    def recv(self) -> bytes:
        """The next plain bytes; empty at the end."""
        while self._tls is not None:
            try:
                return self._tls.read(CHUNK_BYTES)
            except ssl.SSLWantReadError:
                data = self.sock.recv(CHUNK_BYTES)
                if not data:
                    return b""
                self._incoming.write(data)
            except ssl.SSLError:
                return b""
        return self.sock.recv(CHUNK_BYTES)

    def wire(self, piece: bytes) -> bytes:
        """What goes over the wire for a piece: itself, or one TLS record."""
        if self._tls is None:
            return piece
        self._tls.write(piece)
        return self._outgoing.read()


class Load:
    """The server side of one measurement."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.peers: list[tuple[Peer, int]] = []  # with the number of its first symbol
        self._lock = threading.Lock()

    def listing(self) -> bytes:
        """The REST answer that lists the symbols."""
        kind, total = self.options.kind, self.options.connections * self.options.symbols
        names = [frames.symbol(kind, number) for number in range(total)]
        if kind in frames.CHANNELS:
            listed = [
                {"symbol": n, "status": "TRADING", "isSpotTradingAllowed": True} for n in names
            ]
            return json.dumps({"symbols": listed}).encode()
        return json.dumps([{"id": n, "status": "online"} for n in names]).encode()

    def serve(self, sock: socket.socket, context: ssl.SSLContext | None) -> None:
        """One client: a REST request, or a WebSocket that subscribes."""
        try:
            peer = Peer(sock, context)
            head = b""
            while b"\r\n\r\n" not in head:
                if not (data := peer.recv()):
                    return
                head += data
            if b"upgrade: websocket" in head.lower():
                self._websocket(peer, head)
            else:
                body = self.listing()
                answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                answer += b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
                sock.sendall(peer.wire(answer + body))
                sock.close()
        except OSError:
            return

    def _websocket(self, peer: Peer, head: bytes) -> None:
        key = next(
            line.split(b":", 1)[1].strip()
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"sec-websocket-key")
        )
        accept = base64.b64encode(hashlib.sha1(key + WEBSOCKET_GUID).digest())
        peer.sock.sendall(
            peer.wire(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
            )
        )
        target = head.split(b"\r\n", 1)[0].decode()
        asked = target.lower() if "streams=" in target else self._subscribed(peer)
        if not asked:
            return  # the listing channel: REST answers instead
        known = [frames.symbol(self.options.kind, n).lower() for n in range(self._total)]
        first = min(i for i, name in enumerate(known) if name in asked)
        with self._lock:
            self.peers.append((peer, first))
            if len(self.peers) == self.options.connections:
                say(subscribed=True)

    def _subscribed(self, peer: Peer) -> str:
        """Acknowledge requests until all symbols of a connection are asked for; which they are."""
        names: set[str] = set()
        for text in requests(peer):
            if "status" in text:
                return ""
            request = json.loads(text)
            names.update(request.get("params") or request["product_ids"])
            peer.sock.sendall(peer.wire(frames.framed(self._acknowledgement(request))))
            if len(names) >= self.options.symbols:
                break
        return " ".join(names).lower()

    @property
    def _total(self) -> int:
        return int(self.options.connections * self.options.symbols)

    def _acknowledgement(self, request: dict[str, object]) -> bytes:
        if "id" in request:
            return json.dumps({"result": None, "id": request["id"]}).encode()
        products = request["product_ids"]
        channels = [{"name": name, "product_ids": products} for name in ("ticker", "heartbeat")]
        return json.dumps({"type": "subscriptions", "channels": channels}).encode()

    # -- sending ----------------------------------------------------------------------------------

    def saturate(self) -> None:
        """One message of each symbol; then, when told, the rest as fast as the client reads."""
        per_peer = self.options.messages // len(self.peers)
        start_us = time.time_ns() // 1000
        buffers: list[tuple[Peer, memoryview]] = []
        ones: list[tuple[Peer, bytes]] = []
        payload_bytes = 0
        for peer, first in self.peers:
            stream = frames.stream(
                self.options.kind, first, self.options.symbols, per_peer, start_us, 50
            )
            first_bytes = 0
            made = []
            for number, frame in enumerate(stream):
                payload_bytes += len(frame)
                made.append(peer.wire(frame))
                if number < self.options.symbols:
                    first_bytes += len(made[-1])
            ones.append((peer, b"".join(made[: self.options.symbols])))
            buffers.append((peer, memoryview(b"".join(made))[first_bytes:]))
        say(prepared=True, bytes=sum(len(data) for _, data in buffers))
        sys.stdin.readline()
        for peer, data in ones:
            peer.sock.sendall(data)
        say(warmed=sum(min(self.options.symbols, per_peer) for _ in ones))
        sys.stdin.readline()
        say(started=time.time())
        threads = [threading.Thread(target=p.sock.sendall, args=(data,)) for p, data in buffers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        messages = per_peer * len(self.peers)
        say(finished=time.time(), messages=messages, payload_bytes=payload_bytes)

    def paced(self) -> None:
        """`rate` messages a second, each to a random connection; event time is the send time."""
        say(prepared=True)
        sys.stdin.readline()
        say(started=time.time())
        chooser = random.Random(1)
        counts = [0] * len(self.peers)
        begun, sent, payload_bytes = time.perf_counter(), 0, 0
        total = int(self.options.rate * self.options.seconds)
        while sent < total:
            due = min(total, int((time.perf_counter() - begun) * self.options.rate)) - sent
            now_us = time.time_ns() // 1000
            writes: dict[int, list[bytes]] = {}
            for _ in range(due):
                which = chooser.randrange(len(self.peers))
                peer, first = self.peers[which]
                index, counts[which] = counts[which], counts[which] + 1
                number, trade_id = index % self.options.symbols, index // self.options.symbols
                data = frames.payload(self.options.kind, first + number, 1_000 + trade_id, now_us)
                payload_bytes += len(data)
                writes.setdefault(which, []).append(peer.wire(frames.framed(data)))
            for which, pieces in writes.items():
                self.peers[which][0].sock.sendall(b"".join(pieces))
            sent += due
            time.sleep(PACE_SECS)
        say(finished=time.time(), messages=sent, payload_bytes=payload_bytes)


def requests(peer: Peer) -> Iterator[str]:
    """The texts of the frames that the client sends, one by one."""
    data = b""
    while True:
        while len(data) < (end := _end(data)):
            if not (more := peer.recv()):
                return
            data += more
        size = data[1] & 0x7F
        at = 4 if size == 126 else 2
        mask, body = data[at : at + 4], data[at + 4 : end]
        data = data[end:]
        yield bytes(byte ^ mask[i % 4] for i, byte in enumerate(body)).decode()


def _end(data: bytes) -> int:
    """How many bytes there must be before the first frame is whole, as far as is known."""
    if len(data) < 4:
        return 4
    size = data[1] & 0x7F
    if size == 126:
        return 8 + int.from_bytes(data[2:4], "big")
    return 6 + size


def main() -> None:
    """Serve one measurement, then wait for the end of standard input."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=frames.KINDS, default="trades")
    parser.add_argument("--connections", type=int, default=10)
    parser.add_argument("--symbols", type=int, default=20, help="per connection")
    parser.add_argument("--messages", type=int, default=600_000)
    parser.add_argument("--rate", type=float, default=0, help="0: saturate")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--certificate", default="", help="PEM with key; enables TLS")
    load = Load(parser.parse_args())
    context = None
    if load.options.certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(load.options.certificate)
    server = socket.create_server(("127.0.0.1", 0), backlog=64)
    say(port=server.getsockname()[1])

    def accept() -> None:
        while True:
            sock, _ = server.accept()
            threading.Thread(target=load.serve, args=(sock, context), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.readline()  # everyone has subscribed
    if load.options.rate:
        load.paced()
    else:
        load.saturate()
    sys.stdin.readline()  # everything was measured


if __name__ == "__main__":
    main()
