"""What a message can say, and how values are read that all venues write alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeAlias

import attrs

MOST_ID = 2**64
SIDES = {"buy": 1, "sell": 0}
UNKNOWN_SIDE = 2
EMPTY = None, 0.0
"""Price and size of the row that says that a side of a whole book has no levels."""
UNSOUND = "unsound "
"""Before the table of what makes no sense, in a message that otherwise does."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND_CHARS = len("2026-09-22T12:00:00")
MILLISECOND_NS = 10**6

Said: TypeAlias = Iterator[tuple[Any, ...]]
"""Table, symbol, and the values of the row's key, None for a number that was not sent."""

Reader: TypeAlias = Callable[[Any], Said]
"""Of a message as JSON; raises if the message is not as it should be."""


@attrs.frozen
class Known:
    """What stories must know of a venue, beside what its adapter declares."""

    read: Reader
    depth: int | None = None
    """Levels of a side of the books that the recorder is sent; None: all."""
    whole_books: bool = False
    """Whether each message of a book has all of it, and its time."""
    most_connects: tuple[int, float] = (10, 1.0)
    """How often to connect within so many seconds at most, with some room, lest it bans us."""


def trades(price: object) -> str:
    """The table of a trade; one without a price is no sound one."""
    return "TRADES" if price else UNSOUND + "TRADES"


def whole(value: object) -> int:
    """An id that was sent as a number."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < MOST_ID:
        raise ValueError(f"{value!r} is no id")
    return value


def digits(value: object) -> int:
    """An id that was sent as a text of digits."""
    if not isinstance(value, str) or not value.isdecimal():
        raise ValueError(f"{value!r} is no id")
    return whole(int(value))


def time_ns(text: str) -> int:
    """A time in UTC with up to nine decimals."""
    seconds = datetime.fromisoformat(text[:SECOND_CHARS] + "+00:00") - EPOCH
    fraction = text[SECOND_CHARS:].removeprefix(".").removesuffix("Z")
    return (seconds.days * 86_400 + seconds.seconds) * 10**9 + int(fraction.ljust(9, "0"))


def number(value: str | float | None) -> float | None:
    """A price or a size; None or an empty text is none."""
    return None if value is None or value == "" else float(value)
