"""The player keeps to the rules of a dialogue, in the words of the head of `rules`."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
import trio
from trio.testing import MockClock, memory_stream_pair
from trio_websocket import (
    ConnectionClosed,
    HandshakeError,
    WebSocketConnection,
    wrap_client_stream,
)

from tests.fakes.clock import VirtualClock
from tests.field.player import Player
from tests.field.rules import Rule
from tests.field.stage import PlayerDial

START_NS = 1_790_078_400_123_456_000


async def told(rules: list[Rule], *asked: tuple[float, str], until: float) -> list[Any]:
    """When something came, and what, on one connection on which these texts are sent."""
    player = Player(rules, VirtualClock(START_NS))
    ours, theirs = memory_stream_pair()
    came: list[Any] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(player.serve_stream, theirs)
        socket = await _client(nursery, ours)

        async def listen() -> None:
            try:
                while True:
                    text = await socket.get_message()
                    came.append((round(trio.current_time(), 3), text))
            except ConnectionClosed as closed:
                code = closed.reason and closed.reason.code
                came.append((round(trio.current_time(), 3), code))

        nursery.start_soon(listen)
        for secs, text in asked:
            await trio.sleep_until(secs)
            await socket.send_message(text)
        await trio.sleep_until(until)
        nursery.cancel_scope.cancel()
    return came


def on(has: str, *send: object, **more: object) -> Rule:
    return {"on": "message", "has": has, "send": send, **more}


async def test_the_first_rule_that_fits_answers(autojump_clock: MockClock) -> None:
    """With parts of the request, and after a while if it says so."""
    rules = [
        on("a", "early <<id>>", until_secs=5),
        on("a", {"sleep": 2}, "late <<args.0>>", lacks="b"),
        on("b", "b", close=[1008, "enough"]),
    ]
    asked = [(float(at), json.dumps(request)) for at, request in [
        (1, {"a": 0, "id": 7}), (6, {"a": 1, "args": ["x"]}), (9, {"a": 1, "b": 2})]]  # fmt: skip
    assert await told(rules, *asked, until=10.0) == [
        (1.0, "early 7"),
        (8.0, 'late "x"'),
        (9.0, "b"),
        (9.0, 1008),
    ]


async def test_what_was_granted_is_said_again_and_again(autojump_clock: MockClock) -> None:
    """Counted from the grant, and no more when it is taken back."""
    rules: list[Rule] = [
        {"on": "open", "send": ["<<seq>> hello <<now_ms>>"]},
        on("end", ends="one"),
        on("", accept="each", for_each="of", but={"each": ["two"], "send": ["not <<each>>"]}),
        {"every_secs": 1, "asked": "one", "from_n": 2, "until_n": 4, "send": ["<<seq>> <<n+10>>"]},
        {"every_secs": 1, "asked": "one", "each_n": 3, "send": ["third"]},
        {"every_secs": 1, "asked": "two", "send": ["never"]},
    ]
    asked = [(1.5, '{"of": ["one", "two"]}'), (6.5, '"end"')]
    assert sorted(await told(rules, *asked, until=20.0)) == [
        (0.0, "0 hello 1790078400123"),
        (1.5, "not two"),
        (3.0, "1 12"),
        (4.0, "2 13"),
        (4.0, "third"),
        (5.0, "3 14"),
    ]


async def test_times_can_lie_ahead(autojump_clock: MockClock) -> None:
    rules = [on("x", "<<now_us+-1>> <<now_ms+0.5>> <<iso+86400>>")]
    (answer,) = await told(rules, (0.0, "x"), until=1.0)
    assert answer[1] == "1790078399123456 1790078400623 2026-09-23T12:00:00.123456Z"


async def test_rest_goes_by_prefix_and_age(autojump_clock: MockClock) -> None:
    rules: list[Rule] = [
        {"http": "/a", "status": 429, "headers": {"Retry-After": "9"}, "body": "", "until_secs": 5},
        {"http": "/a", "body": "<<now_ms>>"},
    ]
    clock = VirtualClock(START_NS)
    player = Player(rules, clock)
    async with trio.open_nursery() as nursery:
        dial = PlayerDial(player, clock, nursery)
        refused = await dial.get("http://x/a?b=c")
        assert (refused.status, refused.retry_after) == (429, "9")
        assert (await dial.get("http://x/b")).status == 404
        await trio.sleep(5.0)
        answer = await dial.get("http://x/a")
        assert (answer.status, answer.body) == (200, b"1790078405123")
    assert [(note.secs, note.kind, note.text) for note in player.notes] == [
        (0.0, "rest", "/a?b=c"),
        (0.0, "rest", "/b"),
        (5.0, "rest", "/a"),
    ]


async def test_an_upgrade_can_be_refused(autojump_clock: MockClock) -> None:
    player = Player([{"on": "upgrade", "status": 429}], VirtualClock(START_NS))
    ours, theirs = memory_stream_pair()
    with pytest.RaisesGroup(HandshakeError, flatten_subgroups=True) as caught:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(player.serve_stream, theirs)
            await _client(nursery, ours)
    assert "429" in repr(caught.value)
    assert [(note.kind, note.text) for note in player.notes] == [("refused", "/feed")]


async def _client(nursery: trio.Nursery, stream: trio.abc.Stream) -> WebSocketConnection:
    # Any stream will do, whatever type it names.
    return await wrap_client_stream(nursery, cast(trio.SocketStream, stream), "x", "/feed")
