"""Marks and entries of every kind, drawn at random, for whoever has to bring them through."""

from __future__ import annotations

from typing import get_args

import numpy as np
from hypothesis import strategies as st

from tick_logger.model.cause import Cause
from tick_logger.model.entries import (
    Closed,
    Defined,
    Entry,
    Note,
    Received,
    Sealed,
    Started,
    Ticked,
)
from tick_logger.model.marks import (
    AwaitSnapshot,
    Doubt,
    Healed,
    Interrupted,
    Lapse,
    LastTradeId,
    Mark,
    MissingIds,
    NoSnapshot,
    Resumed,
    Retired,
)
from tick_logger.model.schemas import Schemas
from tick_logger.model.tables import EXACT, Table

COLUMNS = Schemas.written(EXACT).to_plain()

NUMBERS = st.integers(0, 2**31 - 1)
IDS = st.integers(0, 2**64 - 1)
TIMES = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(max_size=20)
TABLES = st.sampled_from(Table)
CAUSES = st.one_of(st.sampled_from(Cause), TEXTS.map(Cause))

_many = st.lists(NUMBERS, max_size=4).map(tuple)
_tables = st.lists(TABLES, max_size=4).map(tuple)
_lines = st.integers(0, 1)

KINDS: dict[type[Mark], st.SearchStrategy[Mark]] = {
    Interrupted: st.builds(Interrupted, _many, _tables, TIMES, CAUSES, _lines),
    Resumed: st.builds(Resumed, _many, _tables, TIMES, st.booleans(), _lines),
    MissingIds: st.builds(
        MissingIds, NUMBERS, TABLES, IDS, IDS, TIMES, TIMES, CAUSES, st.sampled_from(Doubt), _lines
    ),
    Lapse: st.builds(
        Lapse, _many, _tables, TIMES, TIMES, CAUSES, st.booleans(), st.sampled_from(Doubt), _lines
    ),
    LastTradeId: st.builds(LastTradeId, NUMBERS, IDS, TIMES),
    AwaitSnapshot: st.builds(AwaitSnapshot, NUMBERS, TIMES),
    NoSnapshot: st.builds(NoSnapshot, NUMBERS, TIMES),
    Retired: st.builds(Retired, _many, TIMES, _tables),
    Healed: st.builds(
        Healed, NUMBERS, TABLES, st.none() | IDS, st.none() | IDS, TIMES, TIMES, CAUSES, TEXTS
    ),
}
"""How to draw each kind of mark; a kind that is not here makes the tests fail."""

assert set(KINDS) == set(get_args(Mark))

MARKS: st.SearchStrategy[Mark] = st.one_of(*KINDS.values())


def _received(
    exchange: str,
    reads: list[tuple[str, int, list[bytes]]],
    defined: list[Defined],
    marks: list[Mark],
    notes: list[Note],
    decodable: bool,
    of_buffer: tuple[int, bool],
) -> Received:
    payloads = [payload for _, _, read in reads for payload in read]
    return Received(
        exchange=exchange,
        connections=tuple(connection for connection, _, _ in reads),
        recv_ns=np.array([recv_ns for _, recv_ns, _ in reads], np.int64),
        counts=np.array([len(read) for _, _, read in reads], np.uint32),
        lengths=np.array([len(payload) for payload in payloads], np.uint32),
        payloads=b"".join(payloads),
        defined=tuple(defined),
        marks=tuple(marks),
        notes=tuple(notes),
        decodable=decodable,
        taken=of_buffer[0],
        heard=of_buffer[1],
    )


RECEIVED = st.builds(
    _received,
    TEXTS,
    st.lists(st.tuples(TEXTS, TIMES, st.lists(st.binary(max_size=40), max_size=3)), max_size=3),
    st.lists(st.builds(Defined, NUMBERS, TEXTS, _tables), max_size=3),
    st.lists(MARKS, max_size=4),
    st.lists(st.builds(Note, TIMES, TEXTS, TEXTS, TEXTS), max_size=2),
    st.booleans(),
    st.tuples(st.just(0) | NUMBERS, st.booleans()),
)

ENTRIES: st.SearchStrategy[Entry] = st.one_of(
    RECEIVED,
    st.builds(Started, TIMES, TEXTS, st.sampled_from(["f4", "f8"]), NUMBERS),
    st.builds(Started, TIMES, TEXTS, st.just(EXACT), NUMBERS, st.just(COLUMNS), TEXTS),
    st.builds(Ticked, st.none() | TIMES),
    st.builds(Closed, TIMES),
    st.builds(Sealed, TEXTS, st.integers(0, 40_000), TIMES),
)
