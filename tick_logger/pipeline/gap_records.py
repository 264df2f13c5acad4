"""Gap records on their way out: with their times in order, and as plain data."""

from __future__ import annotations

import enum
from typing import Any

import attrs

from tick_logger.model.cause import Cause
from tick_logger.model.flush import HEALED, VOID, GapRecord
from tick_logger.model.marks import Healed
from tick_logger.model.tables import Table
from tick_logger.pipeline.id_line import BegunAgain, Stray

REST = "rest"
"""`healed` of a record whose rows were asked for, and came by REST."""


def in_order(record: GapRecord) -> GapRecord:
    """The record with the earlier time first: between the two the wall clock may have stepped.

    Where ids began again the times stay, for each is that of the row whose id stands beside it.  So
    they do in a record that heals another, which begins as that does.
    """
    if record.healed or None in (record.from_ns, record.to_ns):
        return record
    assert record.from_ns is not None
    assert record.to_ns is not None
    if record.from_ns <= record.to_ns:
        return record
    return attrs.evolve(record, from_ns=record.to_ns, to_ns=record.from_ns)


def as_by_earlier_versions(record: GapRecord) -> GapRecord:
    """Without the beginning, if it heals another: so a replay of their journals gives their files.

    What was taken back without ids is of this version alone.
    """
    if record.healed != HEALED or record.from_id is None:
        return record
    return attrs.evolve(record, from_ns=None, healed="late")


def as_record(mark: Healed) -> GapRecord:
    """What the venue has answered by REST about a hole."""
    ids = mark.instrument, mark.table, mark.from_id, mark.to_id
    return GapRecord(*ids, mark.from_ns, mark.at_ns, mark.cause, mark.how)


def begins_again(table: Table, found: BegunAgain) -> GapRecord:
    """That ids began again, which is about no hole."""
    ids = found.instrument, table, found.before_id, found.first_id
    return GapRecord(*ids, found.from_ns, found.to_ns, Cause.RENUMBERED, VOID)


def is_stray(table: Table, found: Stray) -> GapRecord:
    """That a row is a stray, which is about no hole either."""
    ids = found.instrument, table, found.before_id, found.id
    return GapRecord(*ids, found.from_ns, found.to_ns, Cause.STRAY, VOID)


def record_to_plain(record: GapRecord) -> list[Any]:
    """Its fields, words in place of enums."""
    return [each.value if isinstance(each, enum.Enum) else each for each in attrs.astuple(record)]


def record_from_plain(fields: list[Any]) -> GapRecord:
    """The record that `record_to_plain` was given."""
    instrument, table, from_id, to_id, from_ns, to_ns, cause, healed = fields
    return GapRecord(instrument, Table(table), from_id, to_id, from_ns, to_ns, Cause(cause), healed)
