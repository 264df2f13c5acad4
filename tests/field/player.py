"""A venue that plays a dialogue (`rules`) on any stream, and notes what happened and when.

It takes part in HTTP and WebSocket as a server, on one port for both.  It goes by trio's clock, so
that it plays in virtual time as it does on sockets.  The dialogue begins when a client comes.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
import h11
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream

from tests.field.rules import Rule, Said, answer_rule, part, rest_rule
from tick_logger.clock import WallClock
from tick_logger.simulator.wire import Wire

_RECEIVE_BYTES = 16 * 1024


@attrs.frozen
class Note:
    """Something that was asked or said: what, on which connection (from 1; 0: by REST), at what
    age of the dialogue.  `kind` is "rest" (text: the target), "open", "refused" (an upgrade),
    "got", "sent" or "closed"."""

    secs: float
    kind: str
    text: str = ""
    connection: int = 0


class Player:
    """One venue, for one dialogue."""

    def __init__(self, rules: Sequence[Rule], clock: WallClock) -> None:
        self.notes: list[Note] = []
        self.clock = clock
        self.began_ns = clock.now_ns()
        self.begun = trio.Event()
        self._rules = rules
        self._began = trio.current_time()
        self._first: float | None = None  # when the first message came
        self._opened = 0

    @property
    def age_secs(self) -> float:
        """Of the dialogue."""
        return trio.current_time() - self._began

    async def serve_stream(self, stream: trio.abc.Stream) -> None:
        """Serve one client; closes the stream."""
        if not self.begun.is_set():
            self.begun.set()
            self.began_ns, self._began = self.clock.now_ns(), trio.current_time()
        try:
            connection, raw = h11.Connection(h11.SERVER), bytearray()
            while (request := await _request(stream, connection, raw)) is not None:
                target = request.target.decode("ascii")
                if any(value.lower() == b"websocket" for _, value in request.headers):
                    refusal = next((r for r in self._rules if r.get("on") == "upgrade"), None)
                    if refusal is None:
                        await self._talk(stream, bytes(raw), target)
                    else:
                        self.note("refused", target)
                        await _respond(stream, connection, refusal, b"")
                    return
                await self._answer_rest(stream, connection, target)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return  # the client has gone
        finally:
            await trio.aclose_forcefully(stream)

    async def _answer_rest(
        self, stream: trio.abc.Stream, connection: h11.Connection, target: str
    ) -> None:
        self.note("rest", target)
        rule = rest_rule(self._rules, target, self.age_secs) or {"status": 404}
        said = Said(now_ns=self.clock.now_ns(), numbers=itertools.count())
        await _respond(stream, connection, rule, said.fill(rule.get("body", "")).encode())

    async def _talk(self, stream: trio.abc.Stream, head: bytes, target: str) -> None:
        self._opened += 1
        number = self._opened
        self.note("open", target, number)
        wire = Wire(stream, head, lambda _opcode: None)
        with contextlib.suppress(*_ENDINGS):
            async with trio.open_nursery() as nursery:
                try:
                    request = await wrap_server_stream(nursery, wire)
                    socket = await request.accept()
                    await _Talk(self, socket, number, self._rules).run()
                except _ENDINGS:
                    pass
                nursery.cancel_scope.cancel(reason="the connection is over")
        self.note("closed", "", number)

    def note(self, kind: str, text: str = "", connection: int = 0) -> None:
        """Note what happens now."""
        self.notes.append(Note(self.age_secs, kind, text, connection))

    def first_age_secs(self) -> float:
        """How long ago the first message came, which may be now."""
        if self._first is None:
            self._first = trio.current_time()
        return trio.current_time() - self._first


_ENDINGS = (ConnectionClosed, trio.BrokenResourceError, trio.ClosedResourceError)


class _Talk:
    """One WebSocket connection of a player."""

    def __init__(
        self, player: Player, socket: WebSocketConnection, number: int, rules: Sequence[Rule]
    ) -> None:
        self._player = player
        self._socket = socket
        self._number = number
        self._rules = rules
        self._granted: list[str] = []
        self._numbers: Iterator[int] = itertools.count()

    async def run(self) -> None:
        """Talk until it is over; raises how it ended."""
        for rule in self._rules:
            if rule.get("on") == "open":
                await self._send(rule["send"])
        async with trio.open_nursery() as nursery:
            for rule in self._rules:
                if "every_secs" in rule:
                    nursery.start_soon(self._repeat, rule)
            nursery.start_soon(self._listen, nursery.cancel_scope)

    async def _listen(self, scope: trio.CancelScope) -> None:
        try:
            while True:
                text = await self._socket.get_message()
                text = text if isinstance(text, str) else text.decode()
                self._player.note("got", text, self._number)
                await self._answer(text)
        except _ENDINGS:
            scope.cancel(reason="the connection is over")

    async def _repeat(self, rule: Rule) -> None:
        turn = 0
        with contextlib.suppress(*_ENDINGS):
            while True:
                await trio.sleep(rule["every_secs"])
                if any(rule["asked"] in text for text in self._granted):
                    turn += 1
                    due = rule.get("from_n", 1) <= turn <= rule.get("until_n", turn)
                    if due and turn % rule.get("each_n", 1) == 0:
                        await self._send(rule["send"], turn=turn)

    async def _answer(self, text: str) -> None:
        age_secs = self._player.first_age_secs()
        rule = answer_rule(self._rules, text, age_secs)
        if rule is None:
            return
        request = _json(text)
        for each in part(request, rule["for_each"]) if "for_each" in rule else [""]:
            but: Mapping[str, Any] = rule.get("but", {})
            excepted = each in but.get("each", ()) and age_secs < but.get(
                "until_secs", age_secs + 1
            )
            if rule.get("accept") == "each" and not excepted:
                self._granted.append(each if isinstance(each, str) else json.dumps(each))
            await self._send(
                (but if excepted else rule).get("send", ()), each=each, request=request
            )
        if rule.get("accept") is True:
            self._granted.append(rule.get("only", text))
        if "ends" in rule:
            self._granted[:] = [each for each in self._granted if rule["ends"] not in each]
        if "close" in rule:
            await self._socket.aclose(*rule["close"])

    async def _send(self, texts: Sequence[Any], **given: Any) -> None:  # noqa: ANN401
        for text in texts:
            if isinstance(text, dict) and "sleep" in text:
                await trio.sleep(text["sleep"])
                continue
            said = Said(now_ns=self._player.clock.now_ns(), numbers=self._numbers, **given)
            filled = said.fill(text)
            self._player.note("sent", filled, self._number)
            await self._socket.send_message(filled)


def _json(text: str) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(text)
    except ValueError:
        return None


async def _request(
    stream: trio.abc.Stream, connection: h11.Connection, raw: bytearray
) -> h11.Request | None:
    """The head of the next request, or None at the end; `raw` gets all bytes read for it."""
    raw.clear()
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Request):
            return event
        if isinstance(event, h11.ConnectionClosed):
            return None
        if event is h11.PAUSED:
            connection.start_next_cycle()
        elif event is h11.NEED_DATA:
            data = await stream.receive_some(_RECEIVE_BYTES)
            raw += data
            connection.receive_data(bytes(data))


async def _respond(
    stream: trio.abc.Stream, connection: h11.Connection, rule: Rule, body: bytes
) -> None:
    headers = {"Content-Length": str(len(body)), **rule.get("headers", {})}
    head = h11.Response(
        status_code=rule.get("status", 200), headers=list(headers.items()), reason=b"As Told"
    )
    parts = [connection.send(head), connection.send(h11.Data(data=body))]
    parts.append(connection.send(h11.EndOfMessage()))
    await stream.send_all(b"".join(each for each in parts if each))
