"""The contract of exchange adapters: what one declares of its venue, and what decoding returns.

An adapter turns wishes (subscriptions) into request texts, and payloads into rows and events.  It
is pure: no socket, no clock, no trio, no logger, and no memory of earlier payloads, so decoding
the same payloads again gives the same rows.  What must be remembered (which request is still
unanswered, where a book's chain stands) is kept by `net`, which learns of it through the events.
"""

from __future__ import annotations

import abc
import enum
from collections.abc import Mapping, Sequence
from typing import ClassVar, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.exchanges.book_offers import Offering
from tick_logger.exchanges.candles_by_rest import CandlesByRest
from tick_logger.exchanges.entrances import Entered
from tick_logger.exchanges.profile import Profile as Profile
from tick_logger.exchanges.trades_by_rest import TradesByRest
from tick_logger.exchanges.venue_error import VenueError as VenueError
from tick_logger.model.instruments import Instrument
from tick_logger.model.proof import PROOF_OF_IDS, Ids, Proof
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import FEEDS, Table
from tick_logger.model.twins import Twins


@attrs.frozen(order=True, cache_hash=True)  # found in sets and dicts all the time
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


# -- what decoding says beside rows ---------------------------------------------------------------


@attrs.frozen
class Acknowledged:
    """The request with this id was accepted; None: the oldest one that is unanswered.

    Where answers name no request, only one request is sent at a time.  Then a request that ends
    subscriptions must be answered too, by this or by `Confirmed`, or no other would follow.
    """

    request_id: int | None


@attrs.frozen
class Granted:
    """These subscriptions are live from now on; others may be live as well.

    Where the answer names its request, only those of them are meant that it has asked for.
    """

    subscriptions: frozenset[Subscription]
    request_id: int | None = None


@attrs.frozen
class Confirmed:
    """The venue's complete list of this connection's live subscriptions."""

    subscriptions: frozenset[Subscription]


@attrs.frozen
class Wait:
    """How long a client is to wait: so many seconds, or until this time; 0: as it likes."""

    secs: float = 0.0
    until_ns: int = 0

    def after(self, now_ns: int) -> float:
        """The seconds from this moment on."""
        return max(self.secs, (self.until_ns - now_ns) / 1e9 if self.until_ns else 0.0)


@attrs.frozen
class Refused:
    """A request was refused; `request_id` is None where the venue does not say which.

    `subscriptions` are those refused, where the venue names them, as far as the request has asked
    for them; the others of the same request are still unanswered then.
    """

    request_id: int | None
    reason: str
    subscriptions: frozenset[Subscription] = frozenset()
    with_others: bool = False
    """Whether the others of the request were refused as well, and may be had without those named.
    One that is named and live already only stood in their way."""
    wait: Wait | None = None
    """Where the venue is only too busy: for how long; None: waiting will not help."""
    of_token: bool = False
    """Whether the request's token was refused (`Exchange.signed`), not what it asked for."""


@attrs.frozen
class TradeIdSeen:
    """The venue says that this is the newest trade id of the instrument (a heartbeat)."""

    instrument: int
    trade_id: int


@attrs.frozen
class BookLink:
    """A book update covers update ids `first_id` to `last_id` of the instrument.

    `previous_id`, where the venue sends one, is the id of the update before: ids need not be dense
    then, and may even begin again, as long as each update names the one before it.
    """

    instrument: int
    first_id: int
    last_id: int
    previous_id: int | None = None


@attrs.frozen
class BookSnapshot:
    """A book snapshot as of update id `last_id` (0 where the venue numbers nothing)."""

    instrument: int
    last_id: int


TextLevel: TypeAlias = tuple[str, str]
"""Price and size of one level of a book, each with every digit that was sent."""


@attrs.frozen
class BookTexts:
    """The levels of a book message as sent, and the checksum of the book after it.

    Only where the venue sends checksums; a message without one has None, and the next one judges
    what it has changed.  A size of zero deletes its level.
    """

    instrument: int
    snapshot: bool
    bids: tuple[TextLevel, ...]
    asks: tuple[TextLevel, ...]
    checksum: int | None


@attrs.frozen
class BookBroken:
    """A message of this book was not understood, or not all of it: the book is wrong from here on.

    No adapter says so; it follows from what a payload has lost (`Decoded.lost`).
    """

    instrument: int


@attrs.frozen
class GoingAway:
    """The venue announces that it will close this connection."""

    reason: str


@attrs.frozen
class Odd:
    """An entry of a listing that is not as it should be: its name, perhaps empty, and why."""

    name: str
    reason: str


@attrs.frozen
class Listed:
    """What a listing, or a page of one, says: instruments, and which entries are odd.

    An odd entry is among the instruments if it has a name.
    """

    instruments: tuple[Instrument, ...]
    odd: tuple[Odd, ...] = ()


@attrs.frozen
class Listing:
    """The venue's instruments, as sent on a channel of its own."""

    instruments: tuple[Instrument, ...]
    odd: tuple[Odd, ...] = ()


@attrs.frozen
class Heartbeat:
    """Proof of life that is not market data."""


@attrs.frozen
class Pong:
    """The answer to `Profile.ping_text`."""


Event: TypeAlias = (
    Acknowledged
    | Granted
    | Confirmed
    | Refused
    | TradeIdSeen
    | BookLink
    | BookSnapshot
    | BookTexts
    | BookBroken
    | GoingAway
    | Listing
    | Heartbeat
    | Pong
)


class BookCheck(enum.Enum):
    """How the messages of a book show that one of them is missing.

    A break leads to a new snapshot of that book alone, except where it is only counted.
    """

    NONE = "nothing shows it"
    RANGES = "ranges of ids that join (`BookLink`); snapshots are fetched by REST"
    CHAIN = "each names the one before it (`BookLink.previous_id`)"
    COUNTED_ONLY = "ids seem to join (`BookLink`), which nobody promises: breaks are counted"
    CHECKSUM = "a checksum of the whole book (`BookTexts`)"


@attrs.frozen
class BadFrame:
    """Payload number `frame` of a decode call could not be understood; `reason` is for humans."""

    frame: int
    reason: str
    in_part: bool = False  # the rest of it was understood


@attrs.frozen
class Lost:
    """Rows of this table of this instrument were in payload `frame`, and nobody understood them."""

    frame: int
    instrument: int
    table: Table
    trade_id: int | None = None  # where it is a trade, and its id can be read


@attrs.frozen
class UnknownKind:
    """Payload number `frame` is a well-formed message of a kind that nobody has told us of."""

    frame: int
    kind: str


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
class Counted:
    """The numbers of messages among all of their connection, which rise by one.

    `frame` (int32) and `number` (int64), both of shape `(n,)`: payloads in order, and theirs.
    """

    frame: npt.NDArray[np.int32]
    number: npt.NDArray[np.int64]


@attrs.frozen(eq=False)
class Decoded:
    """Everything that a list of payloads says."""

    rows: tuple[DecodedRows, ...] = ()
    events: tuple[tuple[int, Event], ...] = ()  # (payload number, event), in order
    bad: tuple[BadFrame, ...] = ()
    counted: Counted | None = None  # of the payloads that have a number
    lost: tuple[Lost, ...] = ()  # in the bad payloads, as far as they tell; in order
    unknown: tuple[UnknownKind, ...] = ()
    untimed: int = 0  # times that were owed, and not sent or not possible

    def moved(self, frames: Sequence[int]) -> Decoded:
        """The same of payloads under other numbers."""
        number, counted = np.array(frames, np.int32), self.counted
        return attrs.evolve(
            self,
            rows=tuple(attrs.evolve(rows, frame=number[rows.frame]) for rows in self.rows),
            events=tuple((frames[frame], event) for frame, event in self.events),
            bad=tuple(attrs.evolve(each, frame=frames[each.frame]) for each in self.bad),
            counted=counted and Counted(number[counted.frame], counted.number),
            lost=tuple(attrs.evolve(each, frame=frames[each.frame]) for each in self.lost),
            unknown=tuple(attrs.evolve(each, frame=frames[each.frame]) for each in self.unknown),
        )


class Exchange(Entered, Offering, abc.ABC):
    """One venue.  Stateless: one instance serves every connection."""

    profile: ClassVar[Profile]
    feeds: ClassVar[frozenset[str]]
    recorded_by_default: ClassVar[bool] = False  # where the configuration names no exchange
    trade_ids: ClassVar[Ids]
    """What the ids of trades say about what is missing."""
    twins: ClassVar[Mapping[Table, Twins]] = {}
    """How rows of two lines are known to be one, of each table that the venue has but `TRADES`."""
    book_check: ClassVar[BookCheck] = BookCheck.NONE
    book_depth: ClassVar[int | None] = None
    """Levels a side that a book is cut to after each update, where its checksum needs that."""
    book_depths: ClassVar[tuple[int, ...]] = ()
    """The depths that the venue offers: a book that begins with so many levels on both sides is cut
    to as many."""
    whole_books: ClassVar[bool] = False
    """Whether every message of a book is all of it, so that the next mends whatever was lost."""
    quotes_in_part: ClassVar[bool] = False
    """Whether a side that a quote lacks has not changed; elsewhere there is no such side."""
    counts_messages: ClassVar[bool] = False  # whether each message has a number (`Counted`)
    shared_channels: ClassVar[tuple[frozenset[str], ...]] = ()
    """Feeds that one channel serves, so that they begin and end together."""
    greets: ClassVar[frozenset[str]] = frozenset()
    """Feeds whose new subscribers get a message at once, however quiet the market is."""
    key_prefix: ClassVar[str] = ""
    """Of the variables with the user's key (`net.wire.signing`), where the venue takes one."""
    names_requests: ClassVar[bool] = True
    """Whether answers carry the id of their request; if not, one is outstanding at a time."""
    answers_ends: ClassVar[bool] = True
    """Whether a request that ends subscriptions has an answer that is told."""
    requests_replace: ClassVar[bool] = False
    """Whether a request ends what was subscribed before, so that each must name everything."""
    trades_by_rest: ClassVar[TradesByRest | None] = None
    """How trades that were missed are asked for, where they can be."""
    candles_by_rest: ClassVar[CandlesByRest | None] = None  # and how minute candles are

    @property
    def led_feeds(self) -> frozenset[str]:
        """Feeds that one of two lines carries, because rows of both could not be told to be one."""
        return frozenset(feed for feed in self.feeds if self.twins.get(FEEDS[feed]) is Twins.LED)

    @property
    def proofs(self) -> Mapping[Table, Proof]:
        """By table that can be recorded, how far its completeness can be shown."""
        check = BookCheck.NONE if self.any_whole else self.book_check
        of = {
            Table.TRADES: PROOF_OF_IDS[self.trade_ids],
            Table.BOOK: _PROOF_OF_BOOKS[check],
        }
        least = Proof.CONSISTENT if self.counts_messages else Proof.UNPROVABLE
        tables = sorted(FEEDS[feed] for feed in self.feeds)
        return {table: max(of.get(table, least), least) for table in tables}

    def unproven(self, symbol: str) -> tuple[Table, ...]:
        """The tables of a symbol of which nothing shows what is missing, whatever `proofs` say."""
        return (Table.BOOK,) if self.book_of(symbol).whole else ()

    def together(self, subscription: Subscription) -> frozenset[Subscription]:
        """The subscription, and those that begin and end with it."""
        feeds = next((each for each in self.shared_channels if subscription.feed in each), None)
        return frozenset(
            Subscription(subscription.symbol, feed) for feed in feeds or (subscription.feed,)
        )

    def lane(self, feed: str) -> str:
        """Which of the venue's addresses serves a feed; those of one lane share a connection."""
        return ""

    @abc.abstractmethod
    def ws_url(self, endpoint: str, lane: str = "") -> str:
        """The URL to connect to for a lane, from the configured endpoint."""

    @abc.abstractmethod
    def subscribe(self, wanted: Sequence[Subscription], first_id: int) -> list[Request]:
        """Requests that subscribe, each within the venue's limits, ids counting from `first_id`."""

    @abc.abstractmethod
    def unsubscribe(self, unwanted: Sequence[Subscription], first_id: int) -> list[Request]:
        """Requests that end subscriptions."""

    @abc.abstractmethod
    def decode(self, payloads: Sequence[bytes], instruments: Mapping[str, int]) -> Decoded:
        """What the payloads say; one that is not understood, or not all of it, goes into `bad`.

        `instruments` maps the symbols that may occur to their indices; a row of any other symbol
        is not understood.  Never raises for anything that a venue may send.
        """

    @abc.abstractmethod
    def listing_url(self, rest_endpoint: str) -> str:
        """The REST address that lists the instruments."""

    @abc.abstractmethod
    def read_listing(self, body: bytes) -> Listed:
        """What a page of a listing says, entry by entry (`exchanges.listing`).

        Raises `VenueError` if the body is no listing, or if none of its entries can be read.
        Active are instruments of which there may be trades; those that a halt keeps from it are
        listed, and not active.
        """

    def parse_listing(self, body: bytes) -> tuple[Instrument, ...]:
        """The instruments in a page of a listing; raises `VenueError` if the body is none."""
        return self.read_listing(body).instruments

    def next_page(self, url: str, body: bytes) -> str | None:
        """The REST address of the page after this one, which could be parsed; None after the last.

        A venue that lists everything at once need not define it.
        """
        return None

    def opening_request(self) -> Request | None:
        """The first request on each connection, whatever is subscribed; it gets no answer."""
        return None

    def list_request(self, request_id: int) -> Request | None:
        """The request for the list of live subscriptions, where requests are not acknowledged."""
        return None

    def signed(self, text: str, token: str) -> str:
        """A request with a token of `net.wire.signing`, where the venue takes one."""
        return text

    def book_checksum(self, bids: Sequence[TextLevel], asks: Sequence[TextLevel]) -> int:
        """The checksum of a book, both sides best first; see `BookTexts`."""
        raise NotImplementedError(f"{self.name} sends no checksums")

    def listing_request(self) -> Request | None:
        """The request for a channel that keeps the listing up to date, where there is one."""
        return None

    def snapshot_weight(self, symbols: int) -> int:
        """What one snapshot weighs as a request when `symbols` books are wanted in all."""
        raise NotImplementedError(f"{self.name} sends book snapshots on the socket")

    def snapshot_url(self, rest_endpoint: str, symbol: str, symbols: int) -> str:
        """The REST address of a book snapshot, when `symbols` books are wanted in all."""
        raise NotImplementedError(f"{self.name} sends book snapshots on the socket")

    def snapshot_payload(self, symbol: str, body: bytes) -> bytes:
        """A REST snapshot wrapped as a payload that `decode` understands."""
        raise NotImplementedError(f"{self.name} sends book snapshots on the socket")


_PROOF_OF_BOOKS = {
    BookCheck.NONE: Proof.UNPROVABLE,
    BookCheck.RANGES: Proof.PROVEN,
    BookCheck.CHAIN: Proof.PROVEN,
    BookCheck.COUNTED_ONLY: Proof.CONSISTENT,
    BookCheck.CHECKSUM: Proof.CONSISTENT,
}
