"""Reads requests of Coinbase clients, by the venue's own rules of what is valid."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import attrs
import msgspec

_PRODUCT_CHANNELS = frozenset({"ticker", "matches", "heartbeat", "level2_batch"})
_LOGIN_CHANNELS = frozenset({"level2", "level3", "full", "user"})
_LOGIN_REASON = "level2, level3, and full channels now require authentication."
_ALIASES = {"level2_50": "level2_batch"}
_ACKNOWLEDGED_AS = {"level2_batch": "level2_50"}  # the venue's own name for what it delivers


class MalformedRequestError(Exception):
    """A request that no well-behaved client sends."""


class RefusedRequestError(Exception):
    """A request that the venue understands and refuses; the message is its `reason`."""


@attrs.frozen
class Topic:
    """A channel of one product; the status channel has none."""

    channel: str
    product: str

    def __str__(self) -> str:
        return f"{self.channel}:{self.product}"


@attrs.frozen
class Request:
    """A valid request."""

    subscribe: bool
    topics: tuple[Topic, ...]


class _Channel(msgspec.Struct):
    name: str
    product_ids: list[str] | None = None


class _Message(msgspec.Struct):
    type: str
    channels: list[str | _Channel] = msgspec.field(default_factory=list)
    product_ids: list[str] | None = None


def parse(text: str, valid: Collection[str], subscribed: Iterable[str]) -> Request:
    """The request in a text; `valid` are the products that may be subscribed.

    Raises `MalformedRequestError`, or `RefusedRequestError` with the venue's reason.
    """
    try:
        message = msgspec.json.decode(text, type=_Message)
    except (msgspec.DecodeError, RecursionError) as error:
        raise MalformedRequestError(str(error)) from None
    if message.type not in ("subscribe", "unsubscribe"):
        raise MalformedRequestError(f"{message.type} is not a valid type")
    if not message.channels:
        raise RefusedRequestError("No channels provided")
    topics: list[Topic] = []
    for entry in message.channels:
        own = entry.product_ids if isinstance(entry, _Channel) else None
        name = entry.name if isinstance(entry, _Channel) else entry
        products = own if own is not None else message.product_ids
        if message.type == "unsubscribe":
            topics += _named(_ALIASES.get(name, name), products, subscribed)
        else:
            topics += _checked(_ALIASES.get(name, name), products or [], valid)
    return Request(message.type == "subscribe", tuple(topics))


def reply_products(topics: Iterable[str]) -> dict[str, list[str]]:
    """Products by channel, under the names that the venue's acknowledgement uses."""
    products: dict[str, list[str]] = {}
    for topic in topics:
        channel, _, product = topic.partition(":")
        ids = products.setdefault(_ACKNOWLEDGED_AS.get(channel, channel), [])
        if product:
            ids.append(product)
    return products


def _checked(channel: str, products: list[str], valid: Collection[str]) -> list[Topic]:
    if channel in _LOGIN_CHANNELS:
        raise RefusedRequestError(_LOGIN_REASON)
    if channel == "status":
        return [Topic(channel, "")]
    if channel not in _PRODUCT_CHANNELS:
        raise MalformedRequestError(f"{channel} is not a valid channel")
    for product in products or [""]:
        if product not in valid:
            raise RefusedRequestError(f"{product} is not a valid product")
    return [Topic(channel, product) for product in products]


def _named(channel: str, products: list[str] | None, subscribed: Iterable[str]) -> list[Topic]:
    if products:
        return [Topic(channel, product) for product in products]
    of_channel = [topic.partition(":") for topic in subscribed]
    return [Topic(name, product) for name, _, product in of_channel if name == channel]
