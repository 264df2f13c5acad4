"""The entrances of one venue: the usual one, and those of markets that are entered elsewhere.

A symbol goes one way for as long as the process runs, for its connections and for REST alike.
Pure.  Not here: what was configured (`venues`), and which symbols share a connection (`net.venue`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from tick_logger.net.approach import Approach
from tick_logger.net.rest.client import RestClient

USUAL = 0
"""The number of the usual entrance."""


@attrs.frozen(eq=False)
class Access:
    """One entrance: where connections lead, who asks by REST, and how connections are begun."""

    ws_endpoint: str
    rest: RestClient
    connects: Approach


@attrs.frozen(eq=False)
class Elsewhere:
    """The entrances of markets: the first has number 1; `number_of` is that of a symbol's."""

    accesses: Sequence[Access] = ()
    number_of: Callable[[str], int] = lambda _: USUAL


@attrs.frozen(order=True)
class Lane:
    """What is on one connection must have in common: the venue's address for a feed, the entrance.

    `feed` is what the adapter calls that address (`Exchange.lane`).  `apart` names the feeds that
    it is for alone; empty: all that the address serves share a connection.
    """

    feed: str = ""
    entrance: int = USUAL
    apart: str = ""

    def label(self, number: int | str) -> str:
        """What the labels of its connections begin with, for a share of this number."""
        own = [each for each in (self.apart or self.feed,) if each]
        own += [f"market{self.entrance}"] if self.entrance else []
        return "-".join([str(number), *own])


USUAL_LANE = Lane()
