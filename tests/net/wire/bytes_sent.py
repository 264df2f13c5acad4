"""The server's side of the wire, for tests: frames and upgrades written byte by byte."""

from __future__ import annotations

import trio
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection


def data_frame(payload: bytes, opcode: int = 0x1, final: bool = True) -> bytes:
    """One unmasked frame, written from RFC 6455 section 5.2."""
    first = bytes([final << 7 | opcode])
    if len(payload) < 126:
        return first + bytes([len(payload)]) + payload
    if len(payload) < 1 << 16:
        return first + b"\x7e" + len(payload).to_bytes(2, "big") + payload
    return first + b"\x7f" + len(payload).to_bytes(8, "big") + payload


async def read_request(stream: trio.abc.Stream) -> bytes:
    """The client's upgrade request."""
    request = b""
    while b"\r\n\r\n" not in request:
        data = await stream.receive_some()
        assert data, f"the client went away after {request!r}"
        request += data
    return request


def acceptance(request: bytes) -> bytes:
    """The answer that accepts an upgrade request."""
    server = WSConnection(ConnectionType.SERVER)
    server.receive_data(request)
    assert list(server.events())
    return server.send(AcceptConnection())


async def accept(stream: trio.abc.Stream, then: bytes = b"") -> None:
    """Read the request and accept it, with more bytes in the same packet."""
    await stream.send_all(acceptance(await read_request(stream)) + then)
