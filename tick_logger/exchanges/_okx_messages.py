"""The channels and messages of OKX v5, as far as they are used, and how each is decoded.

Fields have the venue's names, spelled in our way; numbers arrive as texts.  Not here: what becomes
of a message.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias, TypeVar

import msgspec

from tick_logger.exchanges import base
from tick_logger.exchanges.book_offers import BookOffer
from tick_logger.exchanges.columns import ABSENT, Level
from tick_logger.exchanges.listing import Entries
from tick_logger.exchanges.messages import Id, lenient
from tick_logger.model.instruments import Instrument

# -- channels --------------------------------------------------------------------------------------

# `trades` says the same as `trades-all`, but puts the fills of one order at one price together.
CHANNELS = {
    "ticker": "tickers",
    "trades": "trades-all",
    "quotes": "bbo-tbt",
    "orderbook": "books",
}
_NO_LOGIN = "is sent only to who logs in with a key of a high trading tier, which is not done here"
BOOKS = (
    BookOffer(400, 100, "books"),
    BookOffer(5, 100, "books5", whole=True),
    BookOffer(1, 10, "bbo-tbt", refused='is what the feed "quotes" records'),
    BookOffer(50, 10, "books50-l2-tbt", refused=_NO_LOGIN),
    BookOffer(400, 10, "books-l2-tbt", refused=_NO_LOGIN),
)
FEED_OF_CHANNEL = {channel: feed for feed, channel in CHANNELS.items()} | {
    "trades": "trades",
    **dict.fromkeys(("books5", "books-l2-tbt", "books50-l2-tbt"), "orderbook"),
}

_UNINTERESTING = {
    *("instruments", "status", "open-interest", "funding-rate", "price-limit", "opt-summary"),
    *("estimated-price", "mark-price", "index-tickers", "liquidation-orders", "adl-warning"),
    *("option-trades", "call-auction-details", "books-rpi", "books-elp", "block-tickers"),
    *("public-block-trades", "public-struc-block-trades", "economic-calendar"),
}
_UNINTERESTING_BEGINNINGS = ("candle", "mark-price-candle", "index-candle", "sprd-")


def is_uninteresting(channel: str) -> bool:
    """Whether a channel exists, but is never asked for."""
    return channel in _UNINTERESTING or channel.startswith(_UNINTERESTING_BEGINNINGS)


# -- data: lists of entries, nearly always of one --------------------------------------------------

# A level has a price, a size, a deprecated zero, and how many orders there are.


class TextLevel(msgspec.Struct, array_like=True, gc=False):
    """Price and size of a level as they were sent."""

    price: msgspec.Raw
    size: msgspec.Raw


class Entry(msgspec.Struct, rename="camel", gc=False):
    """One of the things that a message's `data` lists."""


E = TypeVar("E", bound=Entry)


class Trade(Entry):
    """A trade, or the trades that one order made at one price."""

    inst_id: str
    trade_id: Id
    px: float
    sz: float
    side: Literal["buy", "sell"]
    ts: Id = 0


class Ticker(Entry):
    """The last trade and the best prices; what there is none of is sent as an empty text."""

    inst_id: str
    ts: Id = 0
    last: float = ABSENT
    last_sz: float = ABSENT
    bid_px: float = ABSENT
    ask_px: float = ABSENT


class Best(Entry):
    """The best level of each side."""

    bids: list[Level] = []
    asks: list[Level] = []
    ts: Id = 0
    seq_id: Id = 0


class Book(Entry):
    """A whole book, or its levels that changed."""

    bids: list[Level] = []
    asks: list[Level] = []
    ts: Id = 0
    checksum: Annotated[int, msgspec.Meta(ge=-(2**31), lt=2**31)] | None = None  # or 0: none
    seq_id: Id | None = None
    prev_seq_id: Annotated[int, msgspec.Meta(ge=-1, le=2**63 - 1)] | None = None


class BookText(Entry):
    """A `Book` with its numbers as they were sent."""

    bids: list[TextLevel] = []
    asks: list[TextLevel] = []


class Arg(msgspec.Struct, rename="camel", gc=False):
    """What a message belongs to; some channels are not those of an instrument."""

    channel: str = ""
    inst_id: str = ""


class BookArg(msgspec.Struct, rename="camel", gc=False):
    """What a message of a book belongs to."""

    channel: Literal["books", "books5", "books-l2-tbt", "books50-l2-tbt"]
    inst_id: str


class Trades(msgspec.Struct, gc=False):
    """A message of `trades` or `trades-all`."""

    data: list[Trade]


class Tickers(msgspec.Struct, gc=False):
    """A message of `tickers`."""

    data: list[Ticker]


class Bests(msgspec.Struct, gc=False):
    """A message of `bbo-tbt`."""

    arg: Arg
    data: list[Best]


class Books(msgspec.Struct, gc=False):
    """A message of one of the channels of books."""

    arg: BookArg
    data: list[Book]
    action: Literal["snapshot", "update"] | None = None


class _BookTexts(msgspec.Struct, gc=False):
    data: list[BookText]


# -- everything else -------------------------------------------------------------------------------


_NAMED_IN_ERROR = re.compile(r"channel:([^\s,]+),\s*instId:([^\s,]+)")
_MOST_ID_DIGITS = 18


class Head(msgspec.Struct, gc=False):
    """What any message may have, and all there is to an event."""

    arg: Arg | None = None
    event: str = ""
    code: str | int = ""
    msg: str = ""
    id: str | int = ""

    def request_id(self) -> int | None:
        """The id of the request that this answers, if it is one that we give."""
        if isinstance(self.id, int):
            return self.id
        given = self.id.isascii() and self.id.isdecimal() and len(self.id) <= _MOST_ID_DIGITS
        return int(self.id) if given else None

    def about(self) -> Arg | None:
        """What an error is about, where it says so: in some of its texts, that is."""
        named = _NAMED_IN_ERROR.search(self.msg)
        return self.arg or (Arg(*named.groups()) if named else None)


class Listed(Entry):
    """An instrument in the answer to a REST request."""

    inst_id: str = ""
    state: str = ""
    inst_type: str = ""
    base_ccy: str = ""
    quote_ccy: str = ""
    tick_sz: str = ""
    lot_sz: str = ""
    min_sz: str = ""
    ct_type: str = ""  # "linear" or "inverse", of futures and swaps

    def instrument(self) -> Instrument:
        """The instrument; active is what can be traded."""
        return Instrument(
            symbol=self.inst_id,
            base=self.base_ccy,
            quote=self.quote_ccy,
            active=self.state == "live",
            tick_size=self.tick_sz,
            lot_size=self.lot_sz,
            min_size=self.min_sz,
            kind=self.ct_type or self.inst_type.lower(),
        )


class Answer(msgspec.Struct, gc=False):
    """The answer to a REST request for instruments."""

    code: str
    data: list[msgspec.Raw]
    msg: str | None = None


LISTED = Entries(Listed, "instId")


# -- decoders --------------------------------------------------------------------------------------


decode_trades = lenient(Trades)
decode_tickers = lenient(Tickers)
decode_bests = lenient(Bests)
decode_head = msgspec.json.Decoder(Head).decode
decode_answer = msgspec.json.Decoder(Answer).decode

_decode_levels = lenient(Books)
_decode_texts = msgspec.json.Decoder(_BookTexts).decode

SentBooks: TypeAlias = tuple[Books, Sequence[BookText | None]]
"""A message of books and the texts of each entry, which are None if no checksum needs them."""


def decode_books(payload: bytes | msgspec.Raw) -> SentBooks:
    """Decode it, once more for its texts only if they are needed; raises what decoders raise.

    They are needed for a checksum, of this message or a later one.  Where there are ids, these tell
    whether all is there, so that what lacks a checksum may keep the next from judging.

    What is a whole book each time had no ids once: then its time tells two of one read apart.
    """
    message = _decode_levels(payload)
    if message.action is None:
        for book in message.data:
            book.seq_id = book.ts if book.seq_id is None else book.seq_id
    for book in message.data:
        if book.checksum or book.seq_id is None:
            return message, _decode_texts(payload).data
    return message, [None] * len(message.data)


def price_and_size(levels: Sequence[TextLevel]) -> tuple[base.TextLevel, ...]:
    """Of each level what a checksum is made of."""
    return tuple((_text(level.price), _text(level.size)) for level in levels)


def _text(sent: msgspec.Raw) -> str:
    return bytes(sent).decode().strip('"')
