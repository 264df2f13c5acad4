"""Adapters with a bug that shows when it is time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import trio

from tick_logger.exchanges.base import Decoded, Exchange, Request, Subscription
from tick_logger.model.tables import Table


class Bugs:
    """When an adapter's bug shows, and what the adapter had decoded before."""

    def __init__(self, at: float, where: str) -> None:
        self.at = at
        self.where = where
        self.decoded: dict[int, set[int]] = defaultdict(set)  # trade ids by instrument

    def show(self, where: str) -> None:
        """Raise what nobody expects, in the place chosen and once it is time."""
        if where == self.where and trio.current_time() >= self.at:
            raise KeyError("a bug")

    def note(self, decoded: Decoded) -> Decoded:
        """Remember the trades."""
        for found in decoded.rows:
            if found.table is Table.TRADES:
                pairs = zip(found.columns["instrument"], found.columns["seq"], strict=True)
                for instrument, number in pairs:
                    self.decoded[int(instrument)].add(int(number))
        return decoded


def with_bugs(sound: type[Exchange], bugs: Bugs) -> Exchange:
    """The adapter with a bug in decoding, or in what its connections' tasks call."""

    class Buggy(sound):  # type: ignore[misc, valid-type]
        def decode(self, payloads: Sequence[bytes], instruments: Mapping[str, int]) -> Decoded:
            bugs.show("decode")
            return bugs.note(super().decode(payloads, instruments))

        def subscribe(self, wanted: Sequence[Subscription], first_id: int) -> list[Request]:
            bugs.show("subscribe")
            return list(super().subscribe(wanted, first_id))

    return Buggy()
