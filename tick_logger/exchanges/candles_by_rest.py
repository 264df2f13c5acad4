"""The contract of candle checks: how a venue is asked for its minute candles, and its answer.

A candle tells how much was traded in a minute by the venue's own books.  It knows of trades whose
messages were lost, however they were lost, and is the one check that does not rest on the stream.

An answer goes to the journal as it came, wrapped with what was asked; nothing is recorded of it.
Invariant: what is taken of an answer stands in the payload: the same payload says the same.

Not here: when a venue is asked (`net.rest`), and what follows (`archive.candle_checks`).
"""

from __future__ import annotations

import abc
from typing import ClassVar

import msgspec
import numpy as np

from tick_logger.model.candles import Candles, Measure, Minutes, Values


class CandlesWanted(msgspec.Struct, frozen=True, kw_only=True):
    """Minutes (since 1970-01-01 UTC) of one symbol, from the first up to the last (exclusive)."""

    symbol: str
    from_minute: int
    to_minute: int

    @property
    def minutes(self) -> Minutes:
        """All of them."""
        return np.arange(self.from_minute, self.to_minute, dtype=np.int64)


class CandlesByRest(abc.ABC):
    """How one venue is asked for its candles."""

    measure: ClassVar[Measure] = Measure.VOLUME
    """What of a candle is compared: the number of trades says more, where there is one."""
    most_minutes: ClassVar[int]
    """Of one answer."""
    reach_minutes: ClassVar[int | None] = None
    """How far back the venue answers; None: as far as anybody asks."""
    weight: ClassVar[int] = 1
    """Of one request, as the profile counts them."""
    leaves_out: ClassVar[bool] = False
    """Whether a minute without trades has no candle; elsewhere such a minute is not known."""

    def endpoint(self, rest_endpoint: str) -> str:
        """Where candles are asked for, by the configured endpoint."""
        return rest_endpoint

    @abc.abstractmethod
    def url(self, endpoint: str, wanted: CandlesWanted) -> str:
        """The address of the answer about at most `most_minutes`, which are over."""

    @abc.abstractmethod
    def read(self, body: bytes, symbol: str) -> tuple[Minutes, Values]:
        """The minutes in an answer, in any order, and what was traded in each.

        Raises `VenueError` if it is none, or of another symbol.
        """

    def of(self, body: bytes, wanted: CandlesWanted, at_ns: int) -> Candles:
        """What an answer that was received then says of the wanted minutes; raises as `read`."""
        minutes, values = self.read(body, wanted.symbol)
        minutes, where = np.unique(minutes, return_index=True)
        values = values[where]
        mine = (minutes >= wanted.from_minute) & (minutes < wanted.to_minute)
        minutes, values = minutes[mine], values[mine]
        if self.leaves_out:
            every = np.zeros(wanted.to_minute - wanted.from_minute, np.float64)
            every[minutes - wanted.from_minute] = values
            minutes, values = wanted.minutes, every
        return Candles(wanted.symbol, self.measure, at_ns, minutes, values)


class _Wrapped(msgspec.Struct):
    candles: CandlesWanted
    answer: msgspec.Raw


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Wrapped).decode
_BEGINNING = b'{"candles":'


def wrap_candles(wanted: CandlesWanted, body: bytes) -> bytes:
    """The payload for an answer (JSON) to a request for these minutes."""
    return _encode(_Wrapped(wanted, msgspec.Raw(body)))


def has_candles(payload: bytes) -> bool:
    """Whether a payload that came by REST is one of these."""
    return payload.startswith(_BEGINNING)


def unwrap_candles(payload: bytes) -> tuple[CandlesWanted, bytes]:
    """What was wanted, and what was answered; raises `msgspec.MsgspecError`."""
    wrapped = _decode(payload)
    return wrapped.candles, bytes(wrapped.answer)
