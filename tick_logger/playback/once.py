"""Each message once, although several connections of the recorder may have received it.

While a successor takes over from a connection, both are sent the same.  A message that another
living connection has had already is passed over; what a venue really says twice comes twice on one
connection, and stays.
"""

from __future__ import annotations

from collections import OrderedDict

from tick_logger.model.entries import Received

MOST_REMEMBERED = 64
"""Messages of one stream: seconds of a busy one, more than two connections are apart."""


class Once:
    """Who received what; connections are known by their labels in the journal."""

    def __init__(self) -> None:
        self._live: set[str] = set()
        self._had: dict[str, OrderedDict[int, set[str]]] = {}  # by key and hash: who had it
        self._leads: dict[str, str] = {}  # by key: the connection whose book it is

    def restarted(self) -> None:
        """Another process records from here on: no connection goes on."""
        self._live.clear()

    def follow(self, entry: Received) -> None:
        """See which connections end and begin before the payloads of an entry."""
        for note in entry.notes:
            if note.what == "connected":
                self._live.add(note.connection)
            elif note.what == "ended":
                self._live.discard(note.connection)

    def is_news(self, connection: str, key: str, identity: bytes) -> bool:
        """Whether no other living connection has had this message."""
        self._live.add(connection)  # it was there before the journal begins
        had = self._had.setdefault(key, OrderedDict())
        who = had.setdefault(hash(identity), set())
        repeated = connection not in who and not self._live.isdisjoint(who)
        who.add(connection)
        if len(had) > MOST_REMEMBERED:
            had.popitem(last=False)
        return not repeated

    def leads(self, connection: str, key: str) -> bool:
        """Whether a book is that of this connection, and not of another that still lives."""
        leader = self._leads.get(key)
        if leader is None or leader not in self._live:
            self._leads[key] = connection
            return True
        return leader == connection
