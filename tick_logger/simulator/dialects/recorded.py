"""The contract of what a dialect knows of its venue's own messages, for those that were recorded.

Pure, and without memory: a message in, names or another message out.  Nothing here raises for
anything that a venue may have sent.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence

from tick_logger.simulator.listing import Listing


class RecordedMessages(abc.ABC):
    """What one venue's recorded messages are about.

    A key names what a message says of itself.  It is the topic, but for what a subscription names
    and its messages do not.
    """

    @abc.abstractmethod
    def keys(self, payload: bytes) -> Sequence[str]:
        """What a message is about, each once; nothing for answers, signs of life and garbage."""

    def key(self, topic: str) -> str:
        """What the messages of a topic say of themselves."""
        return topic

    def merged(self, before: bytes | None, payload: bytes) -> bytes:
        """What tells a new subscriber all that was told, `before` being that until this message."""
        return payload

    def identity(self, payload: bytes) -> bytes:
        """What is the same of a message on all connections of the venue."""
        return payload

    def book(self, listing: Listing, topic: str, now_ns: int, variant: int) -> bytes:
        """The message with which a new subscriber's book begins; that of the listing."""
        raise NotImplementedError("this venue sends no books on the socket")
