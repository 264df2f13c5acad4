"""Books as a plain reading of rows gives them, one row after the other, with dictionaries.

Follows the page on files, and shares nothing with the code under test.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

Row = dict[str, Any]
Sides = tuple[dict[float, float], dict[float, float]]  # asks, bids: size by price


class Rules(NamedTuple):
    """How a venue's books are cut."""

    depth: int | None = None
    depths: tuple[int, ...] = ()
    whole: bool = False


class Seen(NamedTuple):
    """A book, or None before there is one; and the row that was applied last."""

    book: Sides | None
    last: Row | None


def in_order(main: Sequence[Row], late: Iterable[Row]) -> list[Row]:
    """Main rows in file order, and late ones put in by (time, id)."""
    rows = list(main)
    for row in sorted(late, key=lambda each: (each["event_ns"], each["seq"])):
        key = row["event_ns"], row["seq"]
        behind = (
            n
            for n, other in enumerate(rows)
            if other["event_ns"] > key[0] or (other["event_ns"] == key[0] and other["seq"] > key[1])
        )
        rows.insert(next(behind, len(rows)), row)
    return rows


def seen(rows: Sequence[Row], at_ns: int, rules: Rules) -> Seen:
    """The book after all rows up to a moment."""
    book: Sides | None = None
    depth = rules.depth
    run: tuple[int, int] | None = None
    there = [row for row in rows if row["event_ns"] <= at_ns]
    for number, row in enumerate(there):
        of = row["seq"], row["recv_ns"]
        if row["flags"] & 1 or rules.whole:
            if run != of:
                book = {}, {}
                depth = _depth(rows[number:], of, rules)
            run = of
        else:
            run = None
        if book is None:
            continue
        if not math.isnan(row["price"]):
            if row["size"]:
                book[row["side"]][row["price"]] = row["size"]
            else:
                book[row["side"]].pop(row["price"], None)
        is_last = number + 1 == len(there) or _update(there[number + 1]) != _update(row)
        if is_last and depth is not None:
            for price in sorted(book[0])[depth:]:
                del book[0][price]
            for price in sorted(book[1], reverse=True)[depth:]:
                del book[1][price]
    return Seen(book, there[-1] if there and book is not None else None)


def cause(holes: Iterable[tuple[int, int | None, str]], at_ns: int, last: Row | None) -> str:
    """Why a book is broken; of holes inside each other the first one's cause."""
    if last is None:
        return "no snapshot"
    moment = at_ns + last["recv_ns"] - last["event_ns"]
    for begin, end, why in sorted(holes, key=lambda hole: hole[0]):
        if begin <= moment and (end is None or (moment < end and last["recv_ns"] < end)):
            return why
    return ""


def best(side: dict[float, float], depth: int, *, bids: bool) -> list[tuple[float, float]]:
    """The best levels, best first."""
    return sorted(side.items(), reverse=bids)[:depth]


def _update(row: Row) -> tuple[int, int, int]:
    return row["event_ns"], row["recv_ns"], row["seq"]


def _depth(rows: Sequence[Row], run: tuple[int, int], rules: Rules) -> int | None:
    counts = [0, 0]
    for row in rows:
        if not row["flags"] & 1 or (row["seq"], row["recv_ns"]) != run:
            break
        counts[row["side"]] += not math.isnan(row["price"])
    return counts[0] if counts[0] == counts[1] and counts[0] in rules.depths else rules.depth
