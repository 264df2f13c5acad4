"""Marks as plain data (lists, numbers, texts, truths, nulls), for journal and checkpoint.

A mark is the name of its kind, then its fields in order.  What comes back is equal to what went in,
also by way of an encoding that knows nothing of tuples.  Marks grow as entries of the journal do:
by fields at the end, which an earlier version passes over; a new kind is refused.
"""

from __future__ import annotations

import enum
from typing import Any, get_args

import attrs
import msgspec

from tick_logger.model.marks import Mark
from tick_logger.model.schemas import NewerVersionError

_MARKS: dict[str, type[Mark]] = {each.__name__: each for each in get_args(Mark)}
_FIELDS = {name: [field.name for field in attrs.fields(kind)] for name, kind in _MARKS.items()}
"""In order; those with a default, which older journals lack, are last."""


def mark_to_plain(mark: Mark) -> list[Any]:
    """The name of its kind, then its fields."""
    return [type(mark).__name__, *map(_plain, attrs.astuple(mark, recurse=False))]


def mark_from_plain(plain: list[Any]) -> Mark:
    """The mark; raises `NewerVersionError` if its kind is not known, `ValueError` if it is none."""
    name, *values = plain
    if name not in _MARKS:
        raise NewerVersionError(f"the kind of mark {name!r} is not known")
    fields = dict(zip(_FIELDS[name], values, strict=False))
    return msgspec.convert(fields, _MARKS[name])


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value.value if isinstance(value, enum.Enum) else value
