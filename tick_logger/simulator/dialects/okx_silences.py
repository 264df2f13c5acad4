"""When OKX clients and topics were last sent something: who has been silent for too long."""

from __future__ import annotations

from collections.abc import Iterable

from tick_logger.simulator.hub import Client

_SILENCE_US = 30_000_000


class Silences:
    """In the market's microseconds; time moves by `move`."""

    def __init__(self) -> None:
        self._before_us = self._now_us = 0
        self._pushed_us: dict[str, int] = {}  # by topic, whether or not anybody listened
        self._answered_us: dict[Client, int] = {}

    def move(self, now_us: int) -> None:
        """Let it be so late."""
        self._before_us, self._now_us = self._now_us, now_us

    def answered(self, client: Client) -> None:
        """A client was sent something of its own, or has just connected."""
        self._answered_us[client] = self._now_us

    def pushed(self, topic: str) -> None:
        """A topic had a message."""
        self._pushed_us[topic] = self._now_us

    def of_topic(self, topic: str) -> int:
        """How long it had none."""
        return self._now_us - self._pushed_us.setdefault(topic, 0)

    def forget_all_but(self, live: Iterable[Client]) -> None:
        """The other clients are gone."""
        self._answered_us = {each: self._answered_us[each] for each in live}

    def silent(self, client: Client) -> bool:
        """Whether it was sent nothing for too long."""
        pushed_us = (self._pushed_us.get(topic, 0) for topic in client.topics)
        # An answer counts from the step before it, which was up to a step too early.
        return self._before_us - max([self._answered_us[client], *pushed_us]) >= _SILENCE_US
