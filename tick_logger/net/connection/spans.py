"""Since when, and until when, one connection delivered what it did: for what is lost with it.

While two connections carry the same, the loss of one is none from the time on at which the other
has begun.  Before that, what was on its way on the one that is lost has come to nobody.

Times are ns of receipt.  Pure.  Not here: what follows for whole connections (`dialogue`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from tick_logger.exchanges.base import Subscription

Since: TypeAlias = Mapping[Subscription, int]
"""What is delivered, and since when."""


class Spans:
    """The spans of one connection's subscriptions."""

    def __init__(self) -> None:
        self._began: dict[Subscription, int] = {}
        self._ended: dict[Subscription, int] = {}  # those that were live, and wanted no longer

    def begin(self, subscriptions: Iterable[Subscription], at_ns: int) -> None:
        """These are delivered from now on."""
        self._began |= dict.fromkeys(subscriptions, at_ns)

    def end(self, subscriptions: Iterable[Subscription], at_ns: int) -> None:
        """These are not wanted any more, though they are delivered still."""
        self._ended |= dict.fromkeys(subscriptions, at_ns)

    def since(self, subscriptions: Iterable[Subscription]) -> dict[Subscription, int]:
        """These, which are delivered, and since when; as ever, where nobody has told."""
        return {sub: self._began.get(sub, 0) for sub in subscriptions}

    def lost(
        self, wanted: Iterable[Subscription], elsewhere: Since, since_ns: int
    ) -> Iterator[tuple[Subscription, int]]:
        """What nobody has delivered for a while since a connection fell silent, and until when.

        But for what is wanted and nobody delivers at all.
        """
        for sub in sorted(elsewhere.keys() & set(wanted)):
            if elsewhere[sub] > since_ns:
                yield sub, elsewhere[sub]
        for sub, ended_ns in sorted(self._ended.items()):
            until_ns = min(ended_ns, elsewhere.get(sub, ended_ns))
            if until_ns > since_ns:
                yield sub, until_ns


def earliest(each: Iterable[Since]) -> dict[Subscription, int]:
    """What any of these delivers, since when the first did."""
    found: dict[Subscription, int] = {}
    for since in each:
        for sub, at_ns in since.items():
            found[sub] = min(at_ns, found.get(sub, at_ns))
    return found
