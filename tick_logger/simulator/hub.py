"""The connected clients, the topics that they want, and the rules that they broke.

A topic is a name of the dialect's own choosing for one kind of message about one symbol.  It
contains the symbol, in whatever case, with no letter or digit right before or after it.  A message
is encoded once, and only if somebody wants it, however many sessions it goes to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Protocol

from tick_logger.simulator.faults import TEXT, FaultCounts, Faults
from tick_logger.simulator.wire import frame

_MOST_VIOLATIONS = 1000  # a client that keeps breaking rules must not fill the memory
_MOST_LOST = 100_000  # messages kept from sessions that are remembered, the oldest ones


class Client(Protocol):
    """A session, as dialects see it."""

    name: str
    topics: dict[str, None]  # in the order of subscribing
    variant: int  # which form of messages it gets, in the dialect's own numbering

    @property
    def waiting_bytes(self) -> int:
        """What is queued for it and not sent yet."""
        ...

    def deliver(self, ready_frame: bytes) -> None:
        """Queue a frame of market data, to which faults apply."""
        ...

    def reply(self, payload: bytes) -> None:
        """Queue an answer, to which no faults apply."""
        ...

    def end(self, code: int | None, reason: str) -> None:
        """Close with this code, or drop the connection if it is None."""
        ...

    def apply_faults(self) -> None:
        """Plan anew what will happen to the connection, from the hub's faults."""
        ...


class Recorded(Protocol):
    """What was recorded of the venue, where that takes the place of the market."""

    idle: bool
    """Whether nothing of it is sent at the moment, so that somebody may take the venue for dead."""

    def offers(self, topic: str) -> bool:
        """Whether there is anything of a topic."""
        ...

    def greeting(self, topic: str, variant: int) -> Sequence[bytes]:
        """What a new subscriber is sent first: what was told of the topic until now."""
        ...


class Hub:
    """The meeting point of one exchange's market, dialect and sessions."""

    def __init__(self, faults: Faults, seed: int) -> None:
        self.faults = faults
        self.counts = FaultCounts()
        self.clients: dict[Client, None] = {}
        self.violations: list[str] = []
        self.lost: list[tuple[str, bytes]] = []  # name of the session, frame
        self.opcode = TEXT
        self.recorded: Recorded | None = None  # None: there is a market
        self._topics: dict[str, dict[Client, None]] = {}
        self._silent: set[tuple[Client, str]] = set()  # subscribed, but nothing is delivered
        self._hole_rng = Random(f"{seed}:holes")
        self._ack_rng = Random(f"{seed}:acknowledgements")
        self._book_rng = Random(f"{seed}:books")
        self._page_rng = Random(f"{seed}:pages")

    def subscribe(self, client: Client, topic: str) -> None:
        """Send a topic's messages to a client from now on."""
        client.topics[topic] = None
        self._topics.setdefault(topic, {})[client] = None
        self._silence(client, topic)

    def unsubscribe(self, client: Client, topic: str) -> None:
        """Send no more of a topic to a client; nothing happens if it was not subscribed."""
        client.topics.pop(topic, None)
        self._silent.discard((client, topic))
        subscribers = self._topics.get(topic, {})
        subscribers.pop(client, None)
        if not subscribers:
            self._topics.pop(topic, None)

    def remove(self, client: Client) -> None:
        """Forget a client."""
        self.clients.pop(client, None)
        for topic in list(client.topics):
            self.unsubscribe(client, topic)

    @property
    def topics_wanted(self) -> int:
        """How many topics have a subscriber."""
        return len(self._topics)

    def wanted(self, topic: str) -> bool:
        """Whether any client is subscribed to a topic."""
        return topic in self._topics

    def delivers(self, topic: str, client: Client | None = None) -> bool:
        """Whether a subscribed client, or any, is really sent the messages of a topic."""
        clients = self._topics.get(topic, {}) if client is None else (client,)
        return any((each, topic) not in self._silent for each in clients)

    def publish(self, topic: str, encode: Callable[[int], bytes]) -> None:
        """Send a message to a topic's subscribers; `encode` makes the payload for a variant."""
        subscribers = self._topics.get(topic)
        if subscribers:
            self._deliver(
                [each for each in subscribers if (each, topic) not in self._silent], encode
            )

    def publish_once(self, topics: Iterable[str], encode: Callable[[int], bytes]) -> int:
        """As `publish`, once to whoever has any of these topics; returns how many that are."""
        clients = dict.fromkeys(
            client
            for topic in topics
            for client in self._topics.get(topic, ())
            if (client, topic) not in self._silent
        )
        self._deliver(list(clients), encode)
        return len(clients)

    def _deliver(self, clients: Sequence[Client], encode: Callable[[int], bytes]) -> None:
        ready: dict[int, bytes] = {}
        for client in clients:  # delivering may end a session
            if client.variant not in ready:
                ready[client.variant] = frame(self.opcode, encode(client.variant))
            client.deliver(ready[client.variant])

    def breach(self, client: Client, rule: str) -> None:
        """Write down that a client broke a rule of the venue."""
        if len(self.violations) < _MOST_VIOLATIONS:
            self.violations.append(f"{client.name}: {rule}")

    def lose(self, client: Client, ready_frame: bytes) -> None:
        """Write down a frame that is kept from a client."""
        if len(self.lost) < _MOST_LOST:
            self.lost.append((client.name, ready_frame))

    def withholds_next_trade(self) -> bool:
        """Whether the next trade's message is to be kept from everybody."""
        probability = self.faults.id_hole_probability
        return probability > 0 and self._hole_rng.random() < probability

    def loses_next_acknowledgement(self) -> bool:
        """Whether the next acknowledgement is not sent."""
        probability = self.faults.lost_ack_probability
        return probability > 0 and self._ack_rng.random() < probability

    def next_hollow_sides(self) -> tuple[bool, bool] | None:
        """Which sides the next snapshot of a book lacks, bids and asks; None if it is whole."""
        probability = self.faults.hollow_snapshot_probability
        if probability == 0 or self._book_rng.random() >= probability:
            return None
        return self._book_rng.choice([(True, False), (False, True), (True, True)])

    def omits_next_checksum(self) -> bool:
        """Whether the next message of a book has no checksum."""
        probability = self.faults.no_checksum_probability
        return probability > 0 and self._book_rng.random() < probability

    def misses_page(self, name: str) -> bool:
        """Whether the next page of trades goes wrong by the probability of this name."""
        probability: float = getattr(self.faults.pages, name)
        return probability > 0 and self._page_rng.random() < probability

    def set_faults(self, faults: Faults) -> None:
        """Misbehave differently from now on, on the live connections too."""
        self.faults = faults
        for topic, clients in self._topics.items():
            for client in clients:
                self._silence(client, topic)
        for client in list(self.clients):
            client.apply_faults()

    def _silence(self, client: Client, topic: str) -> None:
        if any(_names(topic, symbol) for symbol in self.faults.silent_symbols):
            self._silent.add((client, topic))


def _names(topic: str, symbol: str) -> bool:
    """Whether a topic is about a symbol."""
    found = re.search(f"(?<![0-9A-Z]){re.escape(symbol.upper())}(?![0-9A-Z])", topic.upper())
    return found is not None
