"""One port for both: WebSocket upgrades become sessions, other HTTP/1.1 requests get REST answers.

The head of the first request is read here to tell them apart; the bytes of an upgrade are then
handed to the session unchanged.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import attrs
import h11
import trio

_RECEIVE_BYTES = 16 * 1024
_IDLE_SECS = 75.0  # how long a connection may wait for its next request
_REASONS = {200: b"OK", 400: b"Bad Request", 404: b"Not Found", 429: b"Too Many Requests"}


@attrs.frozen
class Refusal:
    """What a client gets instead of what it asked for."""

    status: int
    body: bytes
    retry_after: str = ""


def _nobody(target: str, *, upgrade: bool) -> Refusal | None:
    return None


Answer = Callable[[str], Awaitable[tuple[int, bytes]]]
Upgrade = Callable[[trio.abc.Stream, str, bytes], Awaitable[None]]


async def serve_http(
    stream: trio.abc.Stream,
    *,
    accepts: Callable[[str, Mapping[str, str]], bool],
    upgrade: Upgrade,
    answer: Answer,
    refuses: Callable[..., Refusal | None] = _nobody,
) -> None:
    """Serve one client until it closes, misbehaves or stays idle; closes the stream.

    `upgrade` gets the stream, the request target and the bytes already read.  `refuses` is asked
    first, with the request target and the keyword `upgrade`: whether one is asked for.
    """
    try:
        connection, raw = h11.Connection(h11.SERVER), bytearray()
        request = await _next_request(stream, connection, raw)
        if request is not None and _wants_upgrade(request):
            target = request.target.decode("ascii", errors="replace")
            headers = {
                name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers
            }
            if (refusal := refuses(target, upgrade=True)) is not None:
                await _refuse(stream, connection, refusal)
            elif accepts(target, headers):
                await upgrade(stream, target, bytes(raw))
            else:
                await _respond(stream, connection, 404, b'{"message":"no feed here"}')
            return
        while request is not None:
            target = request.target.decode("ascii", errors="replace")
            if (refusal := refuses(target, upgrade=False)) is not None:
                await _refuse(stream, connection, refusal)
            else:
                await _respond(stream, connection, *await answer(target))
            request = await _next_request(stream, connection, raw)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        return  # the client has gone
    finally:
        await trio.aclose_forcefully(stream)


async def _next_request(
    stream: trio.abc.Stream, connection: h11.Connection, raw: bytearray
) -> h11.Request | None:
    """The head of the next request, or None at the end; `raw` gets all bytes read for it."""
    raw.clear()
    with trio.move_on_after(_IDLE_SECS):
        try:
            while True:
                event = connection.next_event()
                if isinstance(event, h11.Request):
                    return event
                if isinstance(event, h11.ConnectionClosed):
                    return None
                if event is h11.PAUSED:
                    if connection.our_state is not h11.DONE:
                        return None
                    connection.start_next_cycle()
                elif event is h11.NEED_DATA:
                    data = await stream.receive_some(_RECEIVE_BYTES)
                    raw += data
                    connection.receive_data(bytes(data))
        except h11.ProtocolError:
            return None
    return None


def _wants_upgrade(request: h11.Request) -> bool:
    return any(
        name == b"upgrade" and value.lower() == b"websocket" for name, value in request.headers
    )


async def _refuse(stream: trio.abc.Stream, connection: h11.Connection, refusal: Refusal) -> None:
    headers = [("Retry-After", refusal.retry_after)] if refusal.retry_after else []
    await _respond(stream, connection, refusal.status, refusal.body, headers)


async def _respond(
    stream: trio.abc.Stream,
    connection: h11.Connection,
    status: int,
    body: bytes,
    more: Sequence[tuple[str, str]] = (),
) -> None:
    head = h11.Response(
        status_code=status,
        reason=_REASONS.get(status, b"Status"),
        headers=[
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            *more,
        ],
    )
    parts = [connection.send(head), connection.send(h11.Data(data=body))]
    parts.append(connection.send(h11.EndOfMessage()))
    await stream.send_all(b"".join(part for part in parts if part))
