"""A venue small enough to be read at a glance, for tests of what surrounds an adapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import numpy as np

from tick_logger.exchanges.base import (
    Acknowledged,
    BadFrame,
    BookLink,
    BookSnapshot,
    Decoded,
    DecodedRows,
    Event,
    Exchange,
    Granted,
    Heartbeat,
    Listed,
    Odd,
    Pong,
    Profile,
    Refused,
    Request,
    Subscription,
)
from tick_logger.model.instruments import Instrument
from tick_logger.model.proof import Ids
from tick_logger.model.tables import SPECS, Table

ACK_TIMEOUT_SECS = 10.0


class TinyVenue(Exchange):
    """Speaks in words: "trade SYMBOL ID", "granted SYMBOL/FEED"...; others are nonsense."""

    name = "tiny"
    ws_endpoint = "ws://localhost"
    rest_endpoint = "http://localhost"
    feeds = frozenset({"trades", "quotes"})
    trade_ids = Ids.DENSE
    profile = Profile(
        client_messages_per_second=10.0,
        requests_per_second=5.0,
        subscriptions_per_request=3,
        ack_timeout_secs=ACK_TIMEOUT_SECS,
    )

    def ws_url(self, endpoint: str, lane: str = "") -> str:
        return endpoint

    def subscribe(self, wanted: Sequence[Subscription], first_id: int) -> list[Request]:
        return self._requests("subscribe", wanted, first_id)

    def unsubscribe(self, unwanted: Sequence[Subscription], first_id: int) -> list[Request]:
        return self._requests("unsubscribe", unwanted, first_id)

    def _requests(self, verb: str, subs: Sequence[Subscription], first_id: int) -> list[Request]:
        size = self.profile.subscriptions_per_request
        parts = [subs[start : start + size] for start in range(0, len(subs), size)]
        return [
            Request(
                f"{verb} {' '.join(f'{sub.symbol}/{sub.feed}' for sub in part)}",
                frozenset(part),
                number if self.names_requests else None,
            )
            for number, part in enumerate(parts, first_id)
        ]

    def decode(self, payloads: Sequence[bytes], instruments: Mapping[str, int]) -> Decoded:
        trades: list[tuple[int, int, int]] = []  # frame, instrument, id
        events: list[tuple[int, Event]] = []
        bad: list[BadFrame] = []
        for frame, payload in enumerate(payloads):
            match payload.decode().split():
                case ["trade", symbol, number] if symbol in instruments:
                    trades.append((frame, instruments[symbol], int(number)))
                case ["ack", number]:
                    events.append((frame, Acknowledged(int(number))))
                case ["alive"]:
                    events.append((frame, Heartbeat()))
                case ["pong"]:
                    events.append((frame, Pong()))
                case ["granted", *named]:
                    events.append((frame, Granted(frozenset(map(subscription, named)))))
                case ["refused", *named]:
                    events.append((frame, Refused(None, "no", frozenset(map(subscription, named)))))
                case ["snapshot", symbol, last]:
                    events.append((frame, BookSnapshot(instruments[symbol], int(last))))
                case ["update", symbol, last, before]:
                    found = BookLink(instruments[symbol], int(last), int(last), int(before))
                    events.append((frame, found))
                case words:
                    bad.append(BadFrame(frame, f"{len(words)} words without sense"))
        return Decoded((_trades(trades),) if trades else (), tuple(events), tuple(bad))

    def listing_url(self, rest_endpoint: str) -> str:
        return rest_endpoint

    def read_listing(self, body: bytes) -> Listed:
        """Words are symbols, "SYMBOL!" one that is halted, "?NAME" an odd entry."""
        words = [word for word in body.decode().split() if "." not in word]
        return Listed(
            tuple(
                Instrument(word.rstrip("!"), active=not word.endswith("!"))
                for word in words
                if word[0] != "?"
            ),
            tuple(Odd(word[1:], "it is odd") for word in words if word[0] == "?"),
        )

    def next_page(self, url: str, body: bytes) -> str | None:
        _, more, begin = body.decode().partition("...")
        return f"{url.partition('?')[0]}?from={begin}" if more else None


def subscription(named: str) -> Subscription:
    """What "SYMBOL/FEED" stands for."""
    return Subscription(*named.split("/"))


class OneAtATime(TinyVenue):
    """Its answers name no request."""

    names_requests = False


class Replacing(TinyVenue):
    """Each request replaces the one before; what came of it must be asked for."""

    names_requests = False
    requests_replace = True
    profile = attrs.evolve(TinyVenue.profile, subscriptions_per_request=100)

    def list_request(self, request_id: int) -> Request | None:
        return Request("list")


class Sharing(TinyVenue):
    """One channel serves trades and quotes."""

    shared_channels = (frozenset({"trades", "quotes"}),)


def _trades(found: Sequence[tuple[int, int, int]]) -> DecodedRows:
    frame, instrument, number = (list(column) for column in zip(*found, strict=True))
    dtypes = SPECS[Table.TRADES].all_fields
    columns = {
        name: np.zeros(len(found), dtype) for name, dtype in dtypes.items() if name != "recv_ns"
    }
    columns["instrument"] = np.array(instrument, np.int32)
    columns["seq"] = np.array(number, np.uint64)
    return DecodedRows(Table.TRADES, columns, np.array(frame, np.int32))
