"""Subscriptions put into requests: the steps that the adapters share.

Invariant: the same subscriptions, in any order, give the same requests.  Not here: a venue's words
and limits, and when requests are sent (`net.connection`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import msgspec

from tick_logger.exchanges.base import Request, Subscription

T = TypeVar("T")


def in_order(subscriptions: Iterable[Subscription]) -> list[Subscription]:
    """Each subscription once, by symbol and feed."""
    return sorted(set(subscriptions))


def feeds_by_symbol(subscriptions: Iterable[Subscription]) -> dict[str, set[str]]:
    """The feeds of each symbol, the symbols in alphabetical order."""
    feeds_of: dict[str, set[str]] = {}
    for each in in_order(subscriptions):
        feeds_of.setdefault(each.symbol, set()).add(each.feed)
    return feeds_of


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items in order, `size` at a time; fewer in the last batch."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def request(
    content: object, settles: Iterable[Subscription] = (), request_id: int | None = None
) -> Request:
    """A request whose text is `content` as JSON; its answer settles these subscriptions."""
    return Request(msgspec.json.encode(content).decode(), frozenset(settles), request_id)
