"""The messages of Binance, as far as they are used, under the venue's own one-letter names.

Other fields may come and go.  Not here: what becomes of a message (`binance`), and the listing.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from tick_logger.exchanges.columns import ABSENT, Level
from tick_logger.exchanges.messages import Id, lenient


class Envelope(msgspec.Struct, gc=False):
    """The wrapping of every message of a stream, and our own of a REST answer."""

    stream: str = ""
    data: msgspec.Raw = msgspec.Raw()
    snapshot: str = ""  # a symbol: this is our own wrapping of a REST answer


class Trade(msgspec.Struct, gc=False):
    """A trade; `m`: the buyer is the maker."""

    s: str
    t: Id
    p: float
    q: float
    m: bool
    T: Id = 0


class BookTicker(msgspec.Struct, gc=False):
    """The best prices."""

    s: str
    u: Id
    b: float = ABSENT
    B: float = ABSENT
    a: float = ABSENT
    A: float = ABSENT


class Ticker(msgspec.Struct, gc=False):
    """The last trade and the best prices; `L` is the id of that trade."""

    s: str
    E: Id = 0
    c: float = ABSENT
    Q: float = ABSENT
    b: float = ABSENT
    a: float = ABSENT
    L: Annotated[int, msgspec.Meta(ge=-1, le=2**63 - 1)] = -1  # no trade in the last 24 hours


class Depth(msgspec.Struct, gc=False):
    """Levels of a book that changed, by the update ids `U` to `u`."""

    s: str
    U: Id
    u: Id
    E: Id = 0
    b: list[Level] = []
    a: list[Level] = []


class Snapshot(msgspec.Struct, gc=False):
    """A book, as REST answers."""

    lastUpdateId: Id  # noqa: N815 (the venue's name)
    bids: list[Level]
    asks: list[Level]


class Error(msgspec.Struct, gc=False):
    """Why a request was refused."""

    code: int = 0
    msg: str = ""


class Control(Error, gc=False):
    """Everything that is no message of a stream.  Errors are documented bare, and seen wrapped."""

    id: Id | None = None
    result: msgspec.Raw = msgspec.Raw()
    error: Error | None = None
    e: str = ""


decode_envelope = msgspec.json.Decoder(Envelope).decode
decode_control = lenient(Control)
