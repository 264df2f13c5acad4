"""Reads requests of Kraken clients, by the venue's own rules of what is valid.

Where the venue's wording is known from recorded frames or reports, it is used; where only the rule
is documented, the wording is ours.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import attrs
import msgspec

DEPTHS = (10, 25, 100, 500, 1000)
TRIGGERS = ("trades", "bbo")

_OUTSIDE = {"method", "params", "req_id"}


@attrs.frozen
class _Channel:
    """The parameter by which a channel's subscriptions differ; its usual value comes first."""

    own: str = ""
    values: tuple[int | str, ...] = ()
    snapshot: bool = True


_CHANNELS = {
    "book": _Channel("depth", DEPTHS),
    "ticker": _Channel("event_trigger", TRIGGERS),
    "trade": _Channel(snapshot=False),
}


@attrs.frozen
class RefusedRequestError(Exception):
    """A request that cannot be obeyed: what is wrong, and whose answer it is as far as known."""

    error: str
    method: str = ""
    req_id: int | None = None


@attrs.frozen
class Request:
    """A valid request; `own` is the parameter of its channel that answers repeat."""

    method: str
    req_id: int | None = None
    channel: str = ""
    own: Mapping[str, int | str] = attrs.field(factory=dict)
    symbols: tuple[str, ...] = ()
    snapshot: bool = False

    def topic(self, symbol: str) -> str:
        """The name of this subscription of a symbol."""
        return topic_of(self.channel, next(iter(self.own.values()), ""), symbol)


def topic_of(channel: str, own: int | str, symbol: str) -> str:
    """The name of a subscription."""
    return f"{channel}:{own}:{symbol}"


def parse(text: str) -> Request:
    """The request in a text.  Raises `RefusedRequestError`."""
    try:
        message = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise RefusedRequestError("Malformed request") from None
    if not isinstance(message, dict):
        raise RefusedRequestError("Malformed request")
    method, req_id = message.get("method"), message.get("req_id")
    method = method if isinstance(method, str) else ""
    if "req_id" in message and (not isinstance(req_id, int) or not 0 <= req_id < 2**63):
        raise RefusedRequestError("Invalid req_id", method)
    try:
        return _parsed(message, method, req_id)
    except _Refused as refused:
        raise RefusedRequestError(refused.args[0], method, req_id) from None


class _Refused(Exception):
    pass


def _parsed(message: dict[str, Any], method: str, req_id: int | None) -> Request:
    if method not in ("subscribe", "unsubscribe", "ping"):
        raise _Refused("Unsupported event")
    _only(_OUTSIDE if method != "ping" else _OUTSIDE - {"params"}, message, method)
    if method == "ping":
        return Request(method, req_id)
    params = message.get("params")
    if not isinstance(params, dict) or params.get("channel") not in _CHANNELS:
        raise _Refused("Unsupported event")
    channel = _CHANNELS[params["channel"]]
    known = {"channel", "symbol", "snapshot", channel.own} - {""}
    _only(known - ({"snapshot"} if method == "unsubscribe" else set()), params, method)
    symbols, snapshot = params.get("symbol"), params.get("snapshot", channel.snapshot)
    if not isinstance(symbols, list):
        raise _Refused("Symbol field must be an array")
    if not symbols or not all(isinstance(symbol, str) for symbol in symbols):
        raise _Refused("Symbol field must be an array of pairs")
    if not isinstance(snapshot, bool):
        raise _Refused("Snapshot field must be a boolean")
    own = {}
    if channel.own:
        own = {channel.own: params.get(channel.own, channel.values[0])}
        if own[channel.own] not in channel.values:
            raise _Refused(f"Subscription {channel.own} not supported")
    return Request(method, req_id, params["channel"], own, tuple(symbols), snapshot)


def _only(allowed: Collection[str], given: Collection[str], method: str) -> None:
    for field in given:
        if field not in allowed:
            raise _Refused(f"Unsupported field: '{field}' for the given msg type: {method}")
