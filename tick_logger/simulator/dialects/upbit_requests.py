"""Reads requests of Upbit clients, by the venue's own rules of what is valid.

A request is an array of objects: a ticket, then types with codes or a method, then a format.
"""

from __future__ import annotations

import attrs
import msgspec

BOOK = "orderbook"
TYPES = ("ticker", "trade", BOOK)
DEPTHS = (30, 15, 5, 1)
"""Levels of a side that a book may have; the usual one first."""
FORMATS = ("DEFAULT", "SIMPLE", "JSON_LIST", "SIMPLE_LIST")

_WRONG_FORMAT = "Format 이 맞지 않습니다."
_NO_TICKET = "티켓이 존재하지 않거나, 유효하지 않습니다."
_NO_TYPE = "type 필드가 존재하지 않습니다."
_NO_CODES = "codes 필드가 존재하지 않습니다."
_EMPTY_CODES = "codes 필드가 비어 있습니다."


def topic_of(kind: str, code: str, depth: int = DEPTHS[0]) -> str:
    """The topic of a code; of a book with fewer levels than usual it names them."""
    return f"{kind}:{code}" if depth == DEPTHS[0] else f"{kind}:{code}.{depth}"


class WrongRequestError(Exception):
    """A request that no well-behaved client sends; with the name and the message of the answer."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message


@attrs.frozen
class Wish:
    """One type of messages of one code, and which of them are wanted."""

    kind: str
    code: str
    snapshot: bool
    realtime: bool
    depth: int = DEPTHS[0]

    @property
    def topic(self) -> str:
        """What a client is subscribed to by it."""
        return topic_of(self.kind, self.code, self.depth)


@attrs.frozen
class Request:
    """A valid request; `lists` says that it asks for the subscriptions and has no wishes."""

    ticket: str
    lists: bool
    wishes: tuple[Wish, ...]
    format: str


class _Part(msgspec.Struct):
    ticket: str | None = None
    type: str | None = None
    codes: list[str] | None = None
    method: str | None = None
    format: str | None = None
    is_only_snapshot: bool = False
    is_only_realtime: bool = False
    isOnlySnapshot: bool = False  # noqa: N815 (the older spelling)
    isOnlyRealtime: bool = False  # noqa: N815


def parse(text: str) -> Request:
    """The request in a text; raises `WrongRequestError`."""
    try:
        parts = msgspec.json.decode(text, type=list[_Part])
    except (msgspec.MsgspecError, RecursionError):
        raise WrongRequestError("WRONG_FORMAT", _WRONG_FORMAT) from None
    tickets = [part.ticket for part in parts if part.ticket]
    if not tickets:
        raise WrongRequestError("NO_TICKET", _NO_TICKET)
    methods = [part.method for part in parts if part.method is not None]
    if methods not in ([], ["LIST_SUBSCRIPTIONS"]):
        raise WrongRequestError("INVALID_PARAM", f"{methods[0]} 은 지원하지 않는 메서드입니다.")
    formats = [part.format for part in parts if part.format is not None]
    for name in formats:
        if name not in FORMATS:
            raise WrongRequestError("INVALID_PARAM", f"{name} 은 지원하지 않는 포맷입니다.")
    wishes = [wish for part in parts for wish in _wishes(part)]
    if not wishes and not methods:
        raise WrongRequestError("NO_TYPE", _NO_TYPE)
    return Request(tickets[0], bool(methods), tuple(wishes), formats[0] if formats else FORMATS[0])


def _wishes(part: _Part) -> list[Wish]:
    if part.type is None:
        if part.codes is not None:
            raise WrongRequestError("NO_TYPE", _NO_TYPE)
        return []
    if part.type not in TYPES:
        raise WrongRequestError("INVALID_PARAM", f"{part.type} 은 지원하지 않는 타입입니다.")
    if part.codes is None:
        raise WrongRequestError("NO_CODES", _NO_CODES)
    if not part.codes:
        raise WrongRequestError("INVALID_PARAM", _EMPTY_CODES)
    snapshot = not (part.is_only_realtime or part.isOnlyRealtime)
    realtime = not (part.is_only_snapshot or part.isOnlySnapshot)
    return [_wish(part.type, code, snapshot=snapshot, realtime=realtime) for code in part.codes]


def _wish(kind: str, text: str, *, snapshot: bool, realtime: bool) -> Wish:
    """A code of a book may say how many levels are wanted: KRW-BTC.15."""
    code, dot, depth = text.partition(".")
    if not dot:
        return Wish(kind, code, snapshot, realtime)
    if kind != BOOK or depth not in map(str, DEPTHS):
        raise WrongRequestError("INVALID_PARAM", f"{text} 은 지원하지 않는 코드입니다.")
    return Wish(kind, code, snapshot, realtime, int(depth))
