"""Messages of the feed side to the pipeline, beside rows: interruptions, holes and promises.

Marks travel in order with the rows, so that a replay of the same sequence gives the same files.
They name instruments by index and carry receive times.  Of connections they know nothing but the
line (`routes`) on which something was interrupted or is missing, where the same comes on two.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import TypeAlias

import attrs

from tick_logger.model.cause import Cause
from tick_logger.model.routes import FIRST_LINE
from tick_logger.model.tables import Table

BOOK_WAIT_SECS = 45.0
"""How long the rows of a book wait after `AwaitSnapshot`: longer than a REST request may take."""


class Doubt(enum.StrEnum):
    """Whether what is told to be missing may come late after all."""

    NONE = "none"
    """It is missing."""
    OPEN = "open"
    """It may come in a moment."""
    VOID = "void"
    """It was told with an open doubt, in the same words, and has come."""


@attrs.frozen
class Interrupted:
    """From `at_ns` on, rows of these streams may be missing, until `Resumed`.

    `at_ns` is when something of them could last be received; `cause` is for the gap record.
    """

    instruments: tuple[int, ...]
    tables: tuple[Table, ...]
    at_ns: int
    cause: Cause
    line: int = FIRST_LINE  # as in journals that do not say it


@attrs.frozen
class Resumed:
    """From `at_ns` on, these streams are subscribed again.

    `books_await`: the books among them were interrupted, and stay broken until a snapshot that came
    since has its place; without it they go on as they were.
    """

    instruments: tuple[int, ...]
    tables: tuple[Table, ...]
    at_ns: int
    books_await: bool = False  # as in journals that do not say it
    line: int = FIRST_LINE


@attrs.frozen
class MissingIds:
    """Ids `from_id` to `to_id` of one stream were skipped, as its own chain of ids says."""

    instrument: int
    table: Table
    from_id: int
    to_id: int
    from_ns: int  # receive times that bracket the hole
    to_ns: int
    cause: Cause
    doubt: Doubt = Doubt.NONE  # as in journals that do not say it
    line: int = FIRST_LINE


@attrs.frozen
class Lapse:
    """Rows of these streams may be missing between two times of receipt, even if their ids join.

    It neither begins nor ends an interruption.  If `ids_tell`, ids that are dense show themselves
    what is missing, and this says only why.
    """

    instruments: tuple[int, ...]
    tables: tuple[Table, ...]
    from_ns: int
    to_ns: int
    cause: Cause
    ids_tell: bool = False
    doubt: Doubt = Doubt.NONE  # as in journals that do not say it
    line: int = FIRST_LINE


@attrs.frozen
class LastTradeId:
    """The exchange says that `trade_id` is the newest trade of the instrument by now."""

    instrument: int
    trade_id: int
    at_ns: int


@attrs.frozen
class AwaitSnapshot:
    """Book rows of the instrument must wait: a snapshot, which belongs before some, was asked.

    It is to join the update that begins with `first_id`, so that an older one is of no use (0: any
    will do).  `broken`: from `at_ns` until it has its place, the book is wrong.
    """

    instrument: int
    at_ns: int
    first_id: int = 0  # as in journals that do not say it
    broken: bool = False


@attrs.frozen
class NoSnapshot:
    """The snapshot asked for did not come; book rows need not wait for another attempt."""

    instrument: int
    at_ns: int


@attrs.frozen
class Retired:
    """These streams are no longer to be recorded: rows missing from here on are no loss."""

    instruments: tuple[int, ...]
    at_ns: int
    tables: tuple[Table, ...] = tuple(Table)  # as in journals that do not name them


@attrs.frozen
class Healed:
    """The venue was asked by REST for what a record calls missing, and has answered whole.

    The hole is the one with this `table`, `cause` and `from_ns`; of it the ids, if it has any.
    `how` is `"rest"` where all that it lacks is here now, `"void"` where the venue has none of it.
    """

    instrument: int
    table: Table
    from_id: int | None
    to_id: int | None
    from_ns: int
    at_ns: int
    cause: Cause
    how: str


Mark: TypeAlias = (
    Interrupted
    | Resumed
    | MissingIds
    | Lapse
    | LastTradeId
    | AwaitSnapshot
    | NoSnapshot
    | Retired
    | Healed
)


def on_line(marks: Iterable[Mark], line: int) -> list[Mark]:
    """The marks of a connection on this line; those that are of none stay as they are."""
    if line == FIRST_LINE:
        return [*marks]
    kinds = Interrupted | Resumed | MissingIds | Lapse
    return [attrs.evolve(each, line=line) if isinstance(each, kinds) else each for each in marks]
