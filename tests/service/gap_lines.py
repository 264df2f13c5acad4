"""What the lines of gaps files say together, by the words of the page on files alone.

Shares no code with what it checks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Line = dict[str, Any]

NO_HOLES = ("renumbered", "stray")


def missing(lines: Iterable[Line]) -> list[Line]:
    """The holes of one table that are left; one without `to_ns` is open."""
    left: list[Line] = []
    for line in lines:
        if line["cause"] in NO_HOLES:
            continue
        left = [each for each in left if each["to_ns"] is not None or not _same(each, line)]
        if not line["healed"]:
            left.append(line)
        elif line["from_id"] is None:
            left = [
                each
                for each in left
                if each["from_id"] is not None
                or each["to_ns"] != line["to_ns"]
                or not _same(each, line)
            ]
        else:
            left = [part for each in left for part in _less(each, line)]
    return left


def _same(one: Line, other: Line) -> bool:
    return (one["cause"], one["from_ns"]) == (other["cause"], other["from_ns"])


def _less(hole: Line, healing: Line) -> list[Line]:
    of_it = healing["from_ns"] is None or healing["from_ns"] == hole["from_ns"]
    if hole["from_id"] is None or not of_it:
        return [hole]
    parts = (
        (hole["from_id"], min(hole["to_id"], healing["from_id"] - 1)),
        (max(hole["from_id"], healing["to_id"] + 1), hole["to_id"]),
    )
    return [hole | {"from_id": first, "to_id": last} for first, last in parts if first <= last]
