"""The compiled floor: picows splits frames, msgspec decodes, and the raw line goes to a file.

`python -m scripts.benchmark.peer_floor OPTIONS` runs with the Python of the peers' environment (see
`peers`) and imports nothing of the recorder.  Nothing is sorted, checked, synced or kept apart.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import BinaryIO

import msgspec
import uvloop  # type: ignore[import-not-found,unused-ignore]
from picows import (  # type: ignore[import-not-found,unused-ignore]
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    ws_connect,
)

from scripts.benchmark import frames
from scripts.benchmark.peer_account import Account, options_of, secure_context

BUFFER_BYTES = 64 * 1024


class Trade(msgspec.Struct, gc=False):
    """The fields of a trade that a recorder needs."""

    s: str
    t: int
    p: str
    q: str
    T: int
    m: bool


class Envelope(msgspec.Struct, gc=False):
    """The combined-stream wrapper around a trade."""

    data: Trade


DECODE = msgspec.json.Decoder(Envelope).decode


class Floor(WSListener):  # type: ignore[misc,unused-ignore]
    """One connection."""

    def __init__(self, request: str, account: Account, file: BinaryIO) -> None:
        super().__init__()
        self._request, self._account, self._write = request, account, file.write
        self._acknowledged = False

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Subscribe."""
        transport.send(WSMsgType.TEXT, self._request.encode())

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Decode a message and append it."""
        line = frame.get_payload_as_bytes()
        if not self._acknowledged:
            self._acknowledged = True
            return
        DECODE(line)
        self._write(line + b"\n")
        self._account.took()


async def record(options: argparse.Namespace, file: BinaryIO) -> None:
    """All connections, until killed."""
    account = Account(options.messages, file.flush)
    secure = "s" if options.certificate else ""
    for connection in range(options.connections):
        names = frames.names_of(options.kind, connection, options.symbols)
        request = frames.subscription(options.kind, names)
        await ws_connect(
            lambda request=request: Floor(request, account, file),
            f"ws{secure}://localhost:{options.port}/stream",
            ssl_context=secure_context(options.certificate),
        )
    await asyncio.Event().wait()


def main() -> None:
    """Record what is sent."""
    options = options_of(__doc__)
    with open(options.file, "wb", buffering=BUFFER_BYTES) as file:
        uvloop.run(record(options, file))


if __name__ == "__main__":
    main()
