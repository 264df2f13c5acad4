"""TLS over a stream, read in batches.

Invariant: all records that have arrived are returned by one read, and before whatever follows them:
the end, a reset or a spoilt record.  A cancelled read loses nothing.

`trio.SSLStream` returns one record per read, and venues put each message into a record of its own;
with it a message costs 20 µs at ordinary rates, here 10.  In exchange this class is for clients
only, refuses renegotiation, and takes an end without TLS's own closing message for an end, as
browsers do: the protocol above has a closing message of its own.
"""

from __future__ import annotations

import ssl
from typing import Final

import trio

from tick_logger.net.wire.push import PushStream, Take, push

RECORD_BYTES: Final = 16 * 1024
"""The largest plaintext of one TLS record, which is the most that one decryption returns."""

BYTES_PER_READ: Final = 1024 * 1024
"""After so much plaintext the other tasks get their turn."""


class TlsStream(PushStream):
    """The client's side of TLS; `do_handshake` comes first."""

    def __init__(self, transport: trio.abc.Stream, context: ssl.SSLContext, host: str) -> None:
        self._transport = transport
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._sending = trio.StrictFIFOLock()
        self._cut_short = False  # a send was interrupted, so the next byte would make no sense
        self._closed = False
        self._ended = False
        self._failure: ssl.SSLError | None = None
        # Whether records may wait in memory: the last read was full, or the handshake brought some.
        self._may_hold_more = True
        self._recv_ns: int | None = None  # of what was stored last

    async def do_handshake(self) -> None:
        """Shake hands; `trio.BrokenResourceError` with the reason as its cause if that fails."""
        done = False
        while not done:
            try:
                self._tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as failure:
                raise trio.BrokenResourceError(str(failure)) from failure
            await self._flush()
            if not done:
                await self._receive_encrypted()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """All plaintext that has arrived, up to `max_bytes` or else `BYTES_PER_READ`."""
        limit = BYTES_PER_READ if max_bytes is None else max_bytes
        while True:
            if await self._has_ended():
                return b""
            if self._may_hold_more:
                await trio.lowlevel.checkpoint()
            else:
                await self._receive_encrypted()
            if plaintext := self._decrypt(limit):
                return plaintext

    async def push_into(self, take: Take) -> None:
        """Let the transport call `take` by way of decryption; see `PushStream`."""
        satisfied = False

        def take_encrypted(data: bytes, recv_ns: int | None) -> bool:
            self._store(data, recv_ns)
            return take_plaintext() or self._needs_attention

        def take_plaintext() -> bool:
            nonlocal satisfied
            plaintext = self._decrypt(BYTES_PER_READ)
            satisfied = bool(plaintext) and take(plaintext, self._recv_ns)
            return satisfied

        while not satisfied:
            if await self._has_ended():
                take(b"", None)
                return
            if self._may_hold_more:
                await trio.lowlevel.checkpoint()
                take_plaintext()
            else:
                await push(self._transport, take_encrypted)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt and send everything."""
        self._check_open()
        if data:  # older OpenSSLs take an empty write for an end
            try:
                self._tls.write(data)
            except ssl.SSLError as failure:
                raise trio.BrokenResourceError(str(failure)) from failure
        await self._flush()

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the transport takes data."""
        self._check_open()
        await self._transport.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the transport."""
        self._closed = True
        await self._transport.aclose()

    def _decrypt(self, limit: int) -> bytes:
        """The plaintext of the records in memory; what follows them is noted for the next read."""
        read = self._tls.read
        records: list[bytes] = []
        room = limit
        self._may_hold_more = False
        try:
            while room > 0:
                record = read(min(room, RECORD_BYTES))
                if not record:
                    self._ended = True
                    break
                records.append(record)
                room -= len(record)
            else:
                self._may_hold_more = True
        except ssl.SSLWantReadError:
            pass  # all that has arrived is decrypted
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            self._ended = True
        except ssl.SSLError as failure:
            self._failure = failure
        return b"".join(records)

    async def _has_ended(self) -> bool:
        """Whether the end was reached; raises a failure, and sends what TLS itself has to say."""
        self._check_open()
        if self._failure is not None:
            raise trio.BrokenResourceError(str(self._failure)) from self._failure
        if self._ended:
            await trio.lowlevel.checkpoint()
        elif self._outgoing.pending:  # TLS has to say something of its own, such as new keys
            await self._flush()
        return self._ended

    @property
    def _needs_attention(self) -> bool:
        """Whether the next thing to do is something else than to wait for more data."""
        return bool(self._ended or self._failure or self._may_hold_more or self._outgoing.pending)

    async def _receive_encrypted(self) -> None:
        """Take one read of the transport into memory."""
        self._store(await self._transport.receive_some(), None)

    def _store(self, data: bytes | bytearray, recv_ns: int | None) -> None:
        self._recv_ns = recv_ns
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    async def _flush(self) -> None:
        """Send what TLS has encrypted, in the order in which it did."""
        async with self._sending:
            if self._cut_short:
                raise trio.BrokenResourceError("an earlier send was cut short")
            if data := self._outgoing.read():
                self._cut_short = True
                await self._transport.send_all(data)
                self._cut_short = False

    def _check_open(self) -> None:
        if self._closed:
            raise trio.ClosedResourceError("this stream was already closed")
