"""Sends the payloads of the journal at the times of their receipt, to those who want them.

Answers, signs of life and garbage that is about nothing stay behind: the dialect makes the first
two anew.  Nothing is sent before clients have subscribed, so that none misses the beginning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs
import trio

from tick_logger.exchanges.base import BookCheck, Exchange
from tick_logger.model.entries import Received, Started
from tick_logger.offload import Offload
from tick_logger.playback.books import BookMessage
from tick_logger.playback.entries import Entries
from tick_logger.playback.offer import Offer
from tick_logger.playback.once import Once
from tick_logger.playback.told import Told
from tick_logger.simulator.dialects.base import Dialect
from tick_logger.simulator.hub import Hub

SETTLE_SECS = 5.0
"""So long after the last new subscription clients count as ready, unless they have everything: a
recorder opens its connections and makes its requests within seconds of each other."""

LOOK_SECS = 0.05
MOST_WAITING_BYTES = 2**20
"""Of a client, when all goes as fast as possible: then its reading sets the pace."""

IDLE_SECS = 2.0
"""Pauses of the recording that are longer count as idle: clients need signs of life then."""


@attrs.frozen
class _Message:
    """A payload to play: its topics, what it says of books, and a snapshot that came by REST."""

    payload: bytes
    topics: Sequence[str] = ()
    books: dict[str, BookMessage] = attrs.field(factory=dict)
    body: bytes = b""


@attrs.define
class Counts:
    """What was sent: messages to clients, all together, and until which time of receipt."""

    sent: int = 0
    until_ns: int = 0
    is_over: bool = False


class Player:
    """Plays what is left of some entries.  `speed` None: as fast as clients read."""

    def __init__(
        self,
        entries: Entries,
        exchange: Exchange,
        dialect: Dialect,
        hub: Hub,
        told: Told,
        offer: Offer,
    ) -> None:
        self.counts = Counts()
        self._entries = entries
        self._exchange = exchange
        self._dialect = dialect
        self._hub = hub
        self._told = told
        self._offer = offer
        self._once = Once()
        self._damages = 0
        self._ready: list[tuple[int, list[_Message]]] = []
        self._book_keys = {dialect.recorded.key(topic) for topic in offer.books}

    def skip_to(self, from_ns: int) -> bool:
        """Pass over what was received before; False if nothing comes after it.

        Takes as long as it takes to read all that.  Raises as `Entries.take`.
        """
        while not self._ready:
            entries = self._entries.take()
            self._look_for_damage()
            if entries is None:
                return False
            for at_ns, messages in self._arrivals(entries):
                if at_ns >= from_ns or self._ready:
                    self._ready.append((at_ns, messages))
                    continue
                self._told.now_ns = at_ns
                for message in messages:
                    self._hear(message)
        return True

    async def play(self, *, speed: float | None, from_ns: int | None, offload: Offload) -> None:
        """Wait for clients, then send everything; returns when the journal is at its end."""
        await self._clients_are_ready()
        begun_secs, begun_ns = trio.current_time(), from_ns
        while True:
            if not self._ready:
                entries = await offload.run(self._entries.take)
                self._look_for_damage()
                if entries is None:
                    break
                self._ready += self._arrivals(entries)
            for at_ns, messages in self._ready:
                begun_ns = at_ns if begun_ns is None else begun_ns
                if speed is None:
                    await self._clients_have_read()
                else:
                    await self._sleep_until(begun_secs + (at_ns - begun_ns) / 1e9 / speed)
                self._send(at_ns, messages)
            self._ready.clear()
        self._told.idle = True
        self.counts.is_over = True

    # -- waiting ----------------------------------------------------------------------------------

    async def _clients_are_ready(self) -> None:
        seen, since = 0, 0.0
        while True:
            wanted, now = self._hub.topics_wanted, trio.current_time()
            if wanted != seen:
                seen, since = wanted, now
            everything = all(map(self._hub.wanted, self._offer.topics))
            if seen and (everything or now - since >= SETTLE_SECS):
                return
            await trio.sleep(LOOK_SECS)

    async def _clients_have_read(self) -> None:
        await trio.lowlevel.checkpoint()
        full = MOST_WAITING_BYTES
        while any(each.waiting_bytes > full for each in self._hub.clients):  # noqa: ASYNC110
            await trio.sleep(LOOK_SECS / 10)

    async def _sleep_until(self, secs: float) -> None:
        self._told.idle = secs - trio.current_time() > IDLE_SECS
        await trio.sleep_until(secs)
        self._told.idle = False

    def _look_for_damage(self) -> None:
        """Behind frames that cannot be read no book is known until its next snapshot."""
        if self._entries.damages != self._damages:
            self._damages = self._entries.damages
            self._told.books.forget()

    # -- playing ----------------------------------------------------------------------------------

    def _send(self, at_ns: int, messages: Sequence[_Message]) -> None:
        self._told.now_ns = self.counts.until_ns = at_ns
        for message in messages:
            self._hear(message)
            if message.topics:
                self.counts.sent += self._dialect.play(message.topics, message.payload)
            elif message.body:
                self._keep_snapshot(message)

    def _hear(self, message: _Message) -> None:
        self._told.hear(message.topics, message.payload)
        self._told.hear_books(message.books)

    def _keep_snapshot(self, message: _Message) -> None:
        for topic, symbol in self._offer.books.items():
            if symbol in message.books and self._hub.wanted(topic):
                self._told.keep_snapshot(symbol, message.body)

    def _arrivals(
        self, entries: Sequence[Received | Started]
    ) -> Iterator[tuple[int, list[_Message]]]:
        """Time of receipt, and messages to play."""
        for entry in entries:
            if isinstance(entry, Started):
                self._once.restarted()
                continue
            self._once.follow(entry)
            messages = self._messages(entry)
            for at_ns, count in zip(entry.recv_ns.tolist(), entry.counts.tolist(), strict=True):
                found = [next(messages) for _ in range(count)]
                yield at_ns, [each for each in found if each is not None]

    def _messages(self, entry: Received) -> Iterator[_Message | None]:
        """Each payload of an entry; None instead of those that are not played."""
        payloads = entry.split()
        keys = [self._dialect.recorded.keys(payload) for payload in payloads]
        of_books = self._books_of(payloads, keys) if entry.decodable else self._broken(keys)
        connections = (
            connection
            for connection, count in zip(entry.connections, entry.counts.tolist(), strict=True)
            for _ in range(count)
        )
        for number, (payload, about, connection) in enumerate(
            zip(payloads, keys, connections, strict=True)
        ):
            books = of_books.get(number, {})
            if about:
                played = self._is_played(payload, about, connection, books)
                topics = self._offer.of(about) if played else []
                yield _Message(payload, topics, books) if topics else None
            elif body := self._body(payload, books):
                yield _Message(payload, books=books, body=body)
            else:
                yield None

    def _books_of(
        self, payloads: Sequence[bytes], keys: Sequence[Sequence[str]]
    ) -> dict[int, dict[str, BookMessage]]:
        """By number of the payload, what those say of books that may say something of them."""
        if not self._told.keeps_books:
            return {}
        by_rest = self._exchange.book_check is BookCheck.RANGES
        chosen = [
            number
            for number, about in enumerate(keys)
            if any(key in self._book_keys for key in about) or (by_rest and not about)
        ]
        read = self._told.books.read([payloads[number] for number in chosen])
        return dict(zip(chosen, read, strict=True))

    def _broken(self, keys: Sequence[Sequence[str]]) -> dict[int, dict[str, BookMessage]]:
        """As `_books_of`, where the adapter has failed on the payloads, and would again."""
        found: dict[int, dict[str, BookMessage]] = {}
        for number, about in enumerate(keys):
            for topic in self._offer.of(about):
                if topic in self._offer.books:
                    symbol = self._offer.books[topic]
                    found.setdefault(number, {})[symbol] = BookMessage(broken=True)
        return found

    def _is_played(
        self,
        payload: bytes,
        about: Sequence[str],
        connection: str,
        books: dict[str, BookMessage],
    ) -> bool:
        identity = self._dialect.recorded.identity(payload)
        if not self._once.is_news(connection, about[0], identity):
            return False
        leads = not books or self._once.leads(connection, about[0])
        begins = any(each.is_whole for each in books.values())
        return leads or not begins or not all(map(self._told.books.has, books))

    def _body(self, payload: bytes, books: dict[str, BookMessage]) -> bytes:
        """The answer of REST in a payload that the adapter has wrapped; empty if it is none."""
        for symbol, message in books.items():
            if message.is_whole:
                before, after = self._exchange.snapshot_payload(symbol, b"\0").split(b"\0")
                if payload.startswith(before) and payload.endswith(after):
                    return payload[len(before) : len(payload) - len(after)]
        return b""
