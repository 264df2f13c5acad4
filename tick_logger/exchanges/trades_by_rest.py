"""The contract of back-fill: how a venue is asked for trades that were missed, and its answer.

An answer goes to the journal as it came, wrapped with what was wanted of it, and is decoded from
there, live and in every replay: the same payload gives the same rows.  So what is taken of a page
stands in the payload, and depends on nothing that is remembered elsewhere.

Invariant: of a page nothing is taken but what is wanted, and nothing of another symbol.  Not here:
when and how often a venue is asked (`net.rest`), and what becomes of the rows (`pipeline`).
"""

from __future__ import annotations

import abc
import enum
from collections.abc import Mapping
from typing import ClassVar

import attrs
import msgspec
import numpy as np
import numpy.typing as npt

from tick_logger.model import tables
from tick_logger.model.surroundings import KnownTrades

Ids = npt.NDArray[np.uint64]


class Paging(enum.Enum):
    """In which order a venue's pages follow each other."""

    FORWARD = "the oldest trades first"
    BACKWARD = "the newest trades first"
    NEWEST_ONLY = "one page of the newest trades, and no other"


class TradesWanted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which trades of one symbol are missing, as far as that is known.

    Between both ids, first and last, where there are some; and between both times, by the venue's
    clock, first and last; but none that is known: by its id in `known`, and its time in `known_ns`.
    Journals of earlier versions do not have these times, and the id alone decides.  Where both ids
    are told, they decide: the times then only say where to look, because they have other digits by
    REST than in the stream.

    A venue that is not asked `by_id` needs `from_ns` beside ids: the time of a trade before them.
    `asked_ns` is when they are asked for, by our clock: some venues count days from then.
    """

    symbol: str
    from_id: int | None = None
    to_id: int | None = None
    from_ns: int | None = None
    to_ns: int | None = None
    known: tuple[int, ...] = ()
    known_ns: tuple[int, ...] = ()
    asked_ns: int | None = None

    def of(self, page: TradesPage) -> npt.NDArray[np.bool_]:
        """Which trades of a page are wanted (shape `(n,)`)."""
        wanted = ~self._knows(page)
        if self.from_id is not None:
            wanted &= page.ids >= np.uint64(self.from_id)
        if self.to_id is not None:
            wanted &= page.ids <= np.uint64(self.to_id)
        if self.from_id is not None and self.to_id is not None:
            return wanted
        if self.from_ns is not None:
            wanted &= page.event_ns >= self.from_ns
        if self.to_ns is not None:
            wanted &= page.event_ns <= self.to_ns
        return wanted

    def but(self, known: KnownTrades, page: TradesPage) -> TradesWanted:
        """The same without those trades of a page that are known."""
        there = known.has(page.ids, page.event_ns)
        ids, times = page.ids[there].tolist(), page.event_ns[there].tolist()
        return msgspec.structs.replace(self, known=tuple(ids), known_ns=tuple(times))

    def _knows(self, page: TradesPage) -> npt.NDArray[np.bool_]:
        if self.known and not self.known_ns:
            return np.isin(page.ids, np.array(self.known, np.uint64))
        return KnownTrades.of(self.known, self.known_ns).has(page.ids, page.event_ns)


@attrs.frozen(eq=False)
class TradesPage:
    """The trades of one answer, in whatever order they were sent (each of shape `(n,)`).

    `sides` are takers' (`tables.SIDE_BUY`, ...).  `cursor` is what the venue says comes next, where
    it says so.  `asked` is the address that it answers, if that was told (`walk`).
    """

    ids: Ids
    event_ns: npt.NDArray[np.int64]
    prices: npt.NDArray[np.float64]
    sizes: npt.NDArray[np.float64]
    sides: npt.NDArray[np.uint32]
    cursor: str = ""
    asked: str = ""

    def __attrs_post_init__(self) -> None:
        columns = (self.event_ns, self.prices, self.sizes, self.sides)
        assert {len(each) for each in columns} == {len(self.ids)}, "one of each for every trade"

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def trades(self) -> KnownTrades:
        """Which trades they are."""
        return KnownTrades.of(self.ids, self.event_ns)

    def take(self, trades: npt.NDArray[np.intp]) -> TradesPage:
        """The trades named by an index array, in that order."""
        return TradesPage(
            self.ids[trades],
            self.event_ns[trades],
            self.prices[trades],
            self.sizes[trades],
            self.sides[trades],
            self.cursor,
            self.asked,
        )


class TradesByRest(abc.ABC):
    """How one venue is asked for its trades."""

    paging: ClassVar[Paging]
    weight: ClassVar[int] = 1
    """Of one request, as the profile counts them."""
    spacing_secs: ClassVar[float] = 0.0
    """Between the beginnings of two requests, where a venue counts by the second."""
    reach_secs: ClassVar[float | None] = None
    """How old a trade may be at most; None: as old as the venue."""
    by_id: ClassVar[bool] = True
    """Whether it can be asked by ids; if not, times must do."""
    headers: ClassVar[Mapping[str, str]] = {}
    """What is sent with each request, where a venue answers otherwise without."""
    joins: ClassVar[bool] = False
    """Whether each page must join the ids before it, and is else asked for from earlier on."""

    def endpoint(self, rest_endpoint: str) -> str:
        """Where trades are asked for, by the configured endpoint."""
        return rest_endpoint

    @abc.abstractmethod
    def first_url(self, endpoint: str, wanted: TradesWanted) -> str:
        """The address of the first page to be asked for."""

    @abc.abstractmethod
    def next_url(self, endpoint: str, wanted: TradesWanted, page: TradesPage) -> str | None:
        """The address of the page after this one; None if nothing that is wanted can be on it.

        It may be one that was asked for before, if a venue answers the same again: see `walk`.
        """

    @abc.abstractmethod
    def read(self, body: bytes, symbol: str) -> TradesPage:
        """The trades of an answer; raises `VenueError` if it is none, or of another symbol.

        One that cannot be read makes it none: what is not understood must not count as answered.
        """

    def columns(self, page: TradesPage, instrument: int) -> dict[str, npt.ArrayLike]:
        """The fields of `TRADES` that a page tells, but for `recv_ns`."""
        return {
            "instrument": np.full(len(page), instrument, np.int32),
            "event_ns": page.event_ns,
            "seq": page.ids,
            "price": page.prices,
            "size": page.sizes,
            "side": page.sides,
            "maker": tables.NO_UUID,
            "taker": tables.NO_UUID,
        }


class _Wrapped(msgspec.Struct):
    wanted: TradesWanted
    answer: msgspec.Raw


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Wrapped).decode


def wrap(wanted: TradesWanted, body: bytes) -> bytes:
    """The payload for an answer (JSON) to a request for these trades."""
    return _encode(_Wrapped(wanted, msgspec.Raw(body)))


def unwrap(payload: bytes) -> tuple[TradesWanted, bytes]:
    """What was wanted, and what was answered; raises `msgspec.MsgspecError`."""
    wrapped = _decode(payload)
    return wrapped.wanted, bytes(wrapped.answer)
