"""Requests are sent in turn, and their answers may come at odd moments."""

from __future__ import annotations

from trio.testing import MockClock

from tests.net.one_connection import PATIENT, WANTED, connected
from tests.net.played import PlayedLink
from tests.net.small_venue import TinyVenue
from tick_logger.exchanges.base import Subscription


def acknowledge(link: PlayedLink, _text: str) -> None:
    """Accept a request by its number, which is that of the message here."""
    link.say(f"ack {len(link.sent)}")


async def test_an_answer_may_come_before_the_sending_is_over(autojump_clock: MockClock) -> None:
    """On a busy machine, the reader may run before the sender does again: the answer counts."""
    async with connected(TinyVenue()) as scene:
        scene.link.send_secs, scene.link.answer = 1.0, acknowledge
        scene.connection.retarget([*WANTED, Subscription("ETH", "trades")], PATIENT)
        await scene.until(60.0)
        assert scene.link.texts == ["subscribe BTC/trades", "subscribe ETH/trades"]
        assert scene.connection.state().live == 2
    assert scene.bench.count("ack_retries") == 0
