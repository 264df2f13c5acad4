"""What a comparison has found, as data.  Pure; how it looks is decided where it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import msgspec

from tick_logger.reader.times import iso


@attrs.define
class Tally:
    """Rows that were judged, and those outside the common time."""

    both: int = 0
    only_old: int = 0
    only_new: int = 0
    in_holes_of_new: int = 0
    """Of `only_old`: the gaps files of NEW tell of them."""
    in_holes_of_old: int = 0
    """Of `only_new`: the gaps files of OLD tell of them."""
    different: int = 0
    """Trades with the same id and other values."""
    snapshots: int = 0
    """Rows of snapshots of books that only one has: of its own subscriptions, and no difference."""
    outside_old: int = 0
    outside_new: int = 0

    @property
    def differs(self) -> bool:
        """Whether anything but `both` was found, explained or not."""
        return bool(self.only_old or self.only_new or self.different)

    @property
    def in_holes(self) -> int:
        """What the gaps files of either explain."""
        return self.in_holes_of_old + self.in_holes_of_new

    @property
    def unexplained(self) -> int:
        """What no gaps file explains."""
        return self.only_old + self.only_new + self.different - self.in_holes

    def add(self, other: Tally) -> None:
        """Count all that the other has."""
        for name, value in attrs.asdict(other).items():
            setattr(self, name, getattr(self, name) + value)


@attrs.frozen
class Example:
    """One difference: the row in OLD, the row in NEW, or both; by public names of columns."""

    old: dict[str, Any] | None
    new: dict[str, Any] | None


@attrs.frozen
class Judged:
    """The common time of one exchange in both, from its first to its last moment."""

    exchange: str
    first_ns: int
    last_ns: int

    def __str__(self) -> str:
        """For people."""
        return f"{self.exchange}: {iso(self.first_ns)} to {iso(self.last_ns)}"


@attrs.frozen
class StreamFound:
    """What was found of one stream."""

    exchange: str
    symbol: str
    table: str
    tally: Tally
    examples: Sequence[Example] = ()

    @property
    def name(self) -> str:
        """As in the data path."""
        return f"{self.exchange}/{self.symbol}/{self.table}"


@attrs.frozen
class Comparison:
    """What was found of two recordings; `streams` are those that differ."""

    old: str
    new: str
    judged: Sequence[Judged]
    streams: Sequence[StreamFound]
    compared: int
    """Streams that were compared, those without a difference too."""
    total: Tally
    notes: Sequence[str]

    @property
    def equal(self) -> bool:
        """Whether there was something to compare, and no difference."""
        return bool(self.compared) and not self.total.differs

    def to_json(self) -> str:
        """One JSON object; see the page on configuration and operating for its keys."""
        document = attrs.asdict(self) | {"equal": self.equal, "unexplained": self.total.unexplained}
        return msgspec.json.encode(document).decode()
