"""What an exchange adapter declares and says: the contract between a venue and the rest.

An adapter turns wishes (subscriptions) into request texts, and payloads into rows and events.  It
is pure: no socket, no clock, no trio, no logger, and no memory of earlier payloads, so decoding
the same payloads again gives the same rows.  What must be remembered (which request is still
unanswered, where a book's chain stands) is kept by `net`, which learns of it through the events.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import ClassVar, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.model.instruments import Instrument
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import Table


@attrs.frozen(order=True)
class Subscription:
    """One feed ("ticker", "trades", "quotes", "orderbook") of one symbol."""

    symbol: str
    feed: str


@attrs.frozen
class Request:
    """A text to send, and the subscriptions that its acknowledgement will settle."""

    text: str
    subscriptions: frozenset[Subscription] = frozenset()
    request_id: int | None = None  # None where the venue's answer names no request


@attrs.frozen(kw_only=True)
class Profile:
    """The numbers of a venue that the connection code must respect, each with its unit."""

    max_message_bytes: int = 16 * 1024 * 1024
    client_messages_per_second: float  # pings, pongs and requests together
    requests_per_second: float  # of these, how many may be requests: leaves room for pongs
    subscriptions_per_request: int
    ack_timeout_secs: float = 10.0
    ping_interval_secs: float = 20.0
    ping_timeout_secs: float = 10.0
    heartbeat_silence_secs: float | None = None  # None: the venue sends no heartbeat of its own
    lifetime_secs: tuple[float, float] | None = None  # replace a connection at a random age within
    listing_interval_secs: float = 300.0  # how often a REST listing is read again


# -- what decoding says beside rows ---------------------------------------------------------------


@attrs.frozen
class Acknowledged:
    """The request with this id was accepted."""

    request_id: int


@attrs.frozen
class Confirmed:
    """The venue's complete list of this connection's live subscriptions."""

    subscriptions: frozenset[Subscription]


@attrs.frozen
class Refused:
    """A request was refused; `request_id` is None where the venue does not say which."""

    request_id: int | None
    reason: str


@attrs.frozen
class TradeIdSeen:
    """The venue says that this is the newest trade id of the instrument (a heartbeat)."""

    instrument: int
    trade_id: int


@attrs.frozen
class BookLink:
    """A book update covers update ids `first_id` to `last_id` of the instrument."""

    instrument: int
    first_id: int
    last_id: int


@attrs.frozen
class BookSnapshot:
    """A book snapshot as of update id `last_id` (0 where the venue numbers nothing)."""

    instrument: int
    last_id: int


@attrs.frozen
class GoingAway:
    """The venue announces that it will close this connection."""

    reason: str


@attrs.frozen
class Listing:
    """The venue's instruments, as sent on a channel of its own."""

    instruments: tuple[Instrument, ...]


@attrs.frozen
class Heartbeat:
    """Proof of life that is not market data."""


Event: TypeAlias = (
    Acknowledged
    | Confirmed
    | Refused
    | TradeIdSeen
    | BookLink
    | BookSnapshot
    | GoingAway
    | Listing
    | Heartbeat
)


@attrs.frozen
class BadFrame:
    """Payload number `frame` of a decode call could not be understood; `reason` is for humans."""

    frame: int
    reason: str


@attrs.frozen(eq=False)
class DecodedRows:
    """Rows of one table without receive times, and the payload each came from.

    `columns` has every field of the table's spec except `recv_ns`; `frame` (int32, shape `(n,)`)
    is the number of the payload within the decode call, and never decreases.
    """

    table: Table
    columns: Mapping[str, npt.NDArray[np.generic]]
    frame: npt.NDArray[np.int32]

    def received(self, recv_ns: npt.NDArray[np.int64]) -> RowBatch:
        """The rows with the receive time (int64 ns, one per payload) of their payload."""
        return RowBatch(self.table, {**self.columns, "recv_ns": recv_ns[self.frame]})


@attrs.frozen(eq=False)
class Decoded:
    """Everything that a list of payloads says."""

    rows: tuple[DecodedRows, ...] = ()
    events: tuple[tuple[int, Event], ...] = ()  # (payload number, event), in order
    bad: tuple[BadFrame, ...] = ()


class Exchange(abc.ABC):
    """One venue.  Stateless: one instance serves every connection."""

    name: ClassVar[str]
    profile: ClassVar[Profile]
    ws_endpoint: ClassVar[str]
    rest_endpoint: ClassVar[str]
    feeds: ClassVar[frozenset[str]]
    dense_ids: ClassVar[frozenset[Table]]
    """Tables whose ids rise by one from row to row, so that a hole in them proves a loss."""
    names_requests: ClassVar[bool] = True
    """Whether answers carry the id of their request; if not, one is outstanding at a time."""
    book_ids_chained: ClassVar[bool] = False
    """Whether `BookLink` events form a chain, whose break must lead to a new snapshot."""

    @abc.abstractmethod
    def ws_url(self, endpoint: str) -> str:
        """The URL to connect to, from the configured endpoint."""

    @abc.abstractmethod
    def subscribe(self, wanted: Sequence[Subscription], first_id: int) -> list[Request]:
        """Requests that subscribe, each within the venue's limits, ids counting from `first_id`."""

    @abc.abstractmethod
    def unsubscribe(self, unwanted: Sequence[Subscription], first_id: int) -> list[Request]:
        """Requests that end subscriptions."""

    @abc.abstractmethod
    def decode(self, payloads: Sequence[bytes], instruments: Mapping[str, int]) -> Decoded:
        """What the payloads say; a payload that cannot be understood goes into `bad`.

        `instruments` maps the symbols that may occur to their indices; a row of any other symbol
        makes its payload a bad one.  Never raises for anything that a venue may send.
        """

    @abc.abstractmethod
    def listing_url(self, rest_endpoint: str) -> str:
        """The REST address that lists the instruments."""

    @abc.abstractmethod
    def parse_listing(self, body: bytes) -> tuple[Instrument, ...]:
        """The instruments in a REST listing; raises `VenueError` if the body is not one."""

    def listing_request(self) -> Request | None:
        """The request for a channel that keeps the listing up to date, where there is one."""
        return None

    def snapshots_per_minute(self, symbols: int) -> float:
        """How many snapshots may be fetched when `symbols` books are wanted in all."""
        raise NotImplementedError(f"{self.name} sends book snapshots on the socket")

    def snapshot_url(self, rest_endpoint: str, symbol: str, symbols: int) -> str:
        """The REST address of a book snapshot, when `symbols` books are wanted in all."""
        raise NotImplementedError(f"{self.name} sends book snapshots on the socket")

    def snapshot_payload(self, symbol: str, body: bytes) -> bytes:
        """A REST snapshot wrapped as a payload that `decode` understands."""
        raise NotImplementedError(f"{self.name} sends book snapshots on the socket")


class VenueError(Exception):
    """What a venue sent is not what it promised; the message says what and where."""
