"""Fetches order-book snapshots by REST, one after the other.

While REST fails, each pause between two attempts is longer than the one before.  A snapshot enters
the stream as a payload of the connection that asked for it, so everything after it (decoding,
ordering, the journal) treats it like any other message.

Not here: how often the venue may be asked, and what its statuses mean (`client`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import attrs
import trio

from tick_logger.errors import ConnectionLost
from tick_logger.exchanges.base import BookSnapshot, Exchange
from tick_logger.net.rest.client import RestClient
from tick_logger.net.wire.wording import excerpt
from tick_logger.telemetry.logs import get_logger

MAX_ATTEMPTS = 20
"""Of one snapshot; they outlast an outage of a quarter of an hour.  After the last the book waits
for its next break or reconnect, and a log line says so."""

FIRST_PAUSE_SECS, MAX_PAUSE_SECS = 3.0, 60.0
"""The pause after an attempt that failed doubles each time, from the one to the other."""

MAX_WISHES = 10_000
"""Far more than the books of one exchange.  A wish that does not fit is given up."""


class Asker(Protocol):
    """The connection that needs a snapshot."""

    def awaits_snapshot(self, instrument: int) -> bool:
        """Whether it still runs, and still needs the snapshot."""
        ...

    def expect_snapshot(self, instrument: int) -> None:
        """Its request begins now, however long it has waited in the queue."""
        ...

    def accepts_snapshot(self, instrument: int, snapshot_id: int) -> bool:
        """Whether a snapshot as of this id joins the updates received."""
        ...

    def take_snapshot(self, instrument: int, snapshot_id: int, payload: bytes) -> bool:
        """Put the snapshot into the stream, as received now; False if there is no room."""
        ...

    def no_snapshot(self, instrument: int, *, for_good: bool) -> None:
        """The snapshot has not come; `for_good`: it will not be asked for again."""
        ...


@attrs.frozen(eq=False)
class _Wish:
    asker: Asker
    symbol: str
    instrument: int
    attempt: int = 1

    @property
    def is_current(self) -> bool:
        return self.asker.awaits_snapshot(self.instrument)


class SnapshotFetcher:
    """The queue of snapshots that one exchange's books need."""

    def __init__(
        self,
        exchange: Exchange,
        rest_of: Callable[[str], RestClient],
        symbols: Mapping[str, int],
    ) -> None:
        self._exchange = exchange
        self._rest_of = rest_of
        self._symbols = symbols
        self.books = 0
        """How many books are wanted in all, as whoever plans them says."""
        self._log = get_logger().bind(exchange=exchange.name)
        self._send, self._receive = trio.open_memory_channel[_Wish](MAX_WISHES)

    def ask(self, asker: Asker, symbol: str, instrument: int) -> None:
        """Fetch a snapshot for this book when its turn comes."""
        self._enqueue(_Wish(asker, symbol, instrument))

    async def run(self) -> None:
        """Fetch until cancelled."""
        pause_secs = 0.0
        async for wish in self._receive:
            if not wish.is_current:
                continue
            books = self.books
            rest = self._rest_of(wish.symbol)
            turn = await rest.turn(self._exchange.snapshot_weight(books))
            if not wish.is_current:
                continue  # it ended while this waited
            url = self._exchange.snapshot_url(rest.endpoint, wish.symbol, books)
            wish.asker.expect_snapshot(wish.instrument)
            try:
                body = await turn.get(url)
            except ConnectionLost as lost:
                self._again(wish, str(lost))
                pause_secs = min(max(2 * pause_secs, FIRST_PAUSE_SECS), MAX_PAUSE_SECS)
                await trio.sleep(pause_secs)
            else:
                pause_secs = 0.0
                self._deliver(wish, body)

    def _deliver(self, wish: _Wish, body: bytes) -> None:
        most_bytes = self._exchange.profile.max_answer_bytes
        if len(body) > most_bytes:  # as by WebSocket: the journal takes no payload of any size
            reason = f"{len(body):,} bytes in an answer, {most_bytes:,} are allowed"
            self._again(wish, reason)
            return
        payload = self._exchange.snapshot_payload(wish.symbol, body)
        decoded = self._exchange.decode([payload], self._symbols)
        found = [event for _, event in decoded.events if isinstance(event, BookSnapshot)]
        if not found:
            self._rest_of(wish.symbol).objected(excerpt(body))
            reason = decoded.bad[0].reason if decoded.bad else "no snapshot in the answer"
            self._again(wish, reason)
        elif not wish.asker.accepts_snapshot(wish.instrument, found[0].last_id):
            self._again(wish, "it is older than the updates that it is to join", waits=True)
        elif not wish.asker.take_snapshot(wish.instrument, found[0].last_id, payload):
            self._again(wish, "there is no room for it")

    def _again(self, wish: _Wish, reason: str, *, waits: bool = False) -> None:
        """Ask once more; `waits`: rows go on waiting, so that the next one will not be too old."""
        if not wish.is_current:
            return
        self._log.warning("snapshot_failed", symbol=wish.symbol, reason=reason, tries=wish.attempt)
        if not waits:
            wish.asker.no_snapshot(wish.instrument, for_good=False)
        if wish.attempt < MAX_ATTEMPTS:
            self._enqueue(attrs.evolve(wish, attempt=wish.attempt + 1))
        else:
            self._give_up(wish, "it failed too often")

    def _enqueue(self, wish: _Wish) -> None:
        try:
            self._send.send_nowait(wish)
        except trio.WouldBlock:
            self._give_up(wish, "too many are waiting")

    def _give_up(self, wish: _Wish, reason: str) -> None:
        self._log.error(
            "snapshot_given_up",
            symbol=wish.symbol,
            reason=reason,
            explanation="updates are recorded, but the book cannot be rebuilt until its next break",
        )
        wish.asker.no_snapshot(wish.instrument, for_good=True)
