"""Reads requests of OKX clients, by the venue's own rules of what is valid."""

from __future__ import annotations

from collections.abc import Collection

import attrs
import msgspec

PUBLIC, BUSINESS = 0, 1  # addresses, as variants of clients

CHANNELS = {
    "tickers": PUBLIC,
    "trades": PUBLIC,
    "bbo-tbt": PUBLIC,
    "books": PUBLIC,
    "books5": PUBLIC,
    "trades-all": BUSINESS,
}
_LOGIN_CHANNELS = frozenset({"books-l2-tbt", "books50-l2-tbt"})

MOST_BYTES = 64 * 1024  # of all arguments; the frame around them hardly counts
_MOST_ID_CHARS = 32
_MOST_QUOTED_CHARS = 500


class RefusedRequestError(Exception):
    """A request that the venue refuses as a whole: its error code, and the venue's reason."""

    def __init__(self, code: int, reason: str, request_id: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.request_id = request_id


@attrs.frozen
class Topic:
    """A channel of one instrument."""

    channel: str
    symbol: str

    def __str__(self) -> str:
        return f"{self.channel}:{self.symbol}"

    @property
    def arg(self) -> dict[str, str]:
        """As it is in requests and answers."""
        return {"channel": self.channel, "instId": self.symbol}


@attrs.frozen
class Request:
    """A request that can be understood; `request_id` is "" where it has none."""

    op: str
    topics: tuple[Topic, ...]
    request_id: str


class _Arg(msgspec.Struct):
    channel: str
    instId: str  # noqa: N815 (the venue's name)


class _Message(msgspec.Struct):
    op: str
    args: list[_Arg]
    id: str = ""


def parse(text: str) -> Request:
    """The request in a text; raises `RefusedRequestError`."""
    try:
        message = msgspec.json.decode(text, type=_Message)
    except (msgspec.DecodeError, RecursionError):
        raise RefusedRequestError(60012, f"Illegal request: {text[:_MOST_QUOTED_CHARS]}") from None
    plain_id = message.id.isascii() and message.id.isalnum() and len(message.id) <= _MOST_ID_CHARS
    if message.id and not plain_id:
        raise RefusedRequestError(60033, "Parameter id error.")
    if message.op not in ("subscribe", "unsubscribe"):
        raise RefusedRequestError(60019, f"Invalid op: {message.op}", message.id)
    if not message.args:
        raise RefusedRequestError(60013, "Invalid args", message.id)
    topics = tuple(Topic(arg.channel, arg.instId) for arg in message.args)
    return Request(message.op, topics, message.id)


@attrs.frozen
class Refusal:
    """Why an argument is refused; `breach` names the rule that a client broke, if it did."""

    code: int
    reason: str
    breach: str = ""


def objection(topic: Topic, valid: Collection[str], address: int) -> Refusal | None:
    """The reason to refuse a subscription at an address, or None; `valid` are its symbols."""
    if topic.channel in _LOGIN_CHANNELS:
        return Refusal(60011, "Please log in")
    wrong_channel = CHANNELS.get(topic.channel) != address
    if not wrong_channel and topic.symbol in valid:
        return None
    reason = (
        f"Wrong URL or channel:{topic.channel},instId:{topic.symbol} doesn't exist. "
        "Please use the correct URL, channel and parameters referring to API document."
    )
    breach = f"no channel {topic.channel} at this address" if wrong_channel else ""
    return Refusal(60018, reason, breach)
