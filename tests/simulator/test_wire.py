"""Frames out and frames counted in, with wsproto as the oracle; client rate limits."""

from __future__ import annotations

import pytest
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from tick_logger.simulator.rates import RateLimit
from tick_logger.simulator.wire import FrameCounter, close_frame, frame


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 70000])
def test_a_frame_is_read_by_others_as_it_was_meant(size: int) -> None:
    """Every width of the length field."""
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(frame(1, b"x" * size))
    parts = [event.data for event in client.events() if isinstance(event, TextMessage)]
    assert "".join(parts) == "x" * size


def test_a_close_frame_carries_code_and_reason() -> None:
    """As the other side sees it."""
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(close_frame(1008, "Too many"))
    (event,) = client.events()
    assert event == CloseConnection(code=1008, reason="Too many")


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 64, 1_000_000])
def test_frames_are_counted_however_they_are_split(chunk: int) -> None:
    """One opcode for every message and control frame; a fragmented message counts once."""
    client = Connection(ConnectionType.CLIENT)
    sent = b"".join(
        (
            client.send(TextMessage(data="hello")),
            client.send(Ping(payload=b"p" * 125)),
            client.send(TextMessage(data="part", message_finished=False)),
            client.send(TextMessage(data="rest")),
            client.send(BytesMessage(data=b"b" * 300)),
            client.send(Pong(payload=b"")),
            client.send(TextMessage(data="l" * 70000)),
            client.send(CloseConnection(code=1000)),
        )
    )
    counter = FrameCounter()
    opcodes = []
    for start in range(0, len(sent), chunk):
        opcodes += counter.feed(sent[start : start + chunk])
    assert opcodes == [1, 9, 1, 2, 10, 1, 8]


def test_the_limit_itself_is_allowed() -> None:
    """Five within a second are fine, the sixth is one too many."""
    limit = RateLimit(5)
    assert [limit.exceeded(0.1 * n) for n in range(6)] == [False] * 5 + [True]


def test_the_window_slides() -> None:
    """Exactly one second later there is room again."""
    limit = RateLimit(5)
    assert not any(limit.exceeded(0.2 * n) for n in range(50))
    assert limit.exceeded(9.9)
