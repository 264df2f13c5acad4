"""Reads requests of Advanced Trade clients, by the venue's own rules of what is valid."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import attrs
import msgspec

HEARTBEATS = "heartbeats"
PRODUCT_CHANNELS = ("level2", "market_trades", "ticker")  # those that are simulated


class RefusedRequestError(Exception):
    """A request that the venue refuses; the message is what it says.

    `breach` names the rule that no client of ours would break; it is empty for a mere refusal.
    """

    def __init__(self, message: str, breach: str = "") -> None:
        self.breach = breach
        super().__init__(message)


@attrs.frozen
class Request:
    """A valid request; `products` is empty for heartbeats, which are those of the connection."""

    subscribe: bool
    channel: str
    products: tuple[str, ...]
    signed: bool = False

    @property
    def topics(self) -> tuple[str, ...]:
        """The subscriptions asked for, one name per product."""
        return tuple(topic(self.channel, product) for product in self.products or ("",))


class _Message(msgspec.Struct):
    type: str = ""
    channel: str = ""
    product_ids: list[str] = []
    jwt: str | None = None


def parse(text: str, valid: Collection[str]) -> Request:
    """The request in a text; `valid` are the products that may be subscribed.

    Raises `RefusedRequestError`.  Who misses the form is told what others were told; a channel
    that does not exist is, misleadingly, a failure to authenticate.
    """
    try:
        message = msgspec.json.decode(text, type=_Message)
    except (msgspec.DecodeError, RecursionError) as error:
        raise RefusedRequestError("failed to read", f"malformed request: {error}") from None
    if message.type not in ("subscribe", "unsubscribe"):
        breach = f"malformed request: {message.type!r} is not a type"
        raise RefusedRequestError("subscribe or unsubscribe required", breach)
    if message.channel not in (HEARTBEATS, *PRODUCT_CHANNELS):
        breach = f"malformed request: {message.channel!r} is not a channel"
        raise RefusedRequestError("authentication failure", breach)
    if message.jwt is not None and message.jwt.count(".") != 2:
        raise RefusedRequestError("authentication failure", "malformed request: jwt is not a token")
    if message.channel == HEARTBEATS:
        return Request(message.type == "subscribe", HEARTBEATS, (), message.jwt is not None)
    if not message.product_ids:
        raise RefusedRequestError("no products", "malformed request: no product_ids")
    if message.type == "subscribe":
        for product in message.product_ids:
            if product not in valid:
                raise RefusedRequestError(f"{product} is not a valid product")
    products, signed = tuple(message.product_ids), message.jwt is not None
    return Request(message.type == "subscribe", message.channel, products, signed)


def topic(channel: str, product: str) -> str:
    """The hub's name for one channel of one product; heartbeats have no product."""
    return f"{channel}:{product}"


def by_channel(topics: Iterable[str]) -> dict[str, list[str]]:
    """Products by channel, as the venue lists them."""
    products: dict[str, list[str]] = {}
    for each in topics:
        channel, _, product = each.partition(":")
        products.setdefault(channel, []).append(product or HEARTBEATS)
    return products
