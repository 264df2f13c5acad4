"""Entries of the journal as bytes: what comes back is what went in, and nothing else is taken."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import msgspec
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.model.marks import ENTRIES
from tick_logger.errors import StorageError
from tick_logger.journal.entry_codec import decode_entries, encode_entries
from tick_logger.model.entries import (
    Closed,
    Defined,
    Entry,
    Note,
    Received,
    Started,
    Ticked,
)
from tick_logger.model.tables import Table

ONE_OF_EACH: list[Entry] = [
    Started(1, "1.0", "f4", 45),
    Received(
        exchange="venue",
        connections=("1.1", "2.1"),
        recv_ns=np.array([7, 8], np.int64),
        counts=np.array([1, 2], np.uint32),
        lengths=np.array([1, 0, 2], np.uint32),
        payloads=b"abc",
    ),
    Ticked(8),
    Closed(9),
]


def comparable(entry: Entry) -> object:
    """Every field with its type, arrays as their items."""
    fields = attrs.asdict(entry, recurse=False)
    values = [
        (value.dtype.str, value.tolist()) if isinstance(value, np.ndarray) else value
        for value in fields.values()
    ]
    return type(entry), list(map(type, fields.values())), values


@given(st.lists(ENTRIES, max_size=5))
def test_entries_come_back_equal_and_in_order(entries: Sequence[Entry]) -> None:
    """Every kind, with marks, notes, definitions and payloads of every kind."""
    again = decode_entries(encode_entries(entries))
    assert [comparable(each) for each in again] == [comparable(each) for each in entries]


@given(ENTRIES)
def test_equal_entries_give_equal_bytes(entry: Entry) -> None:
    """Also those that were decoded before."""
    body = encode_entries([entry])
    assert encode_entries(decode_entries(body)) == body


def test_numbers_are_little_endian_whatever_the_machine_has() -> None:
    """A journal may be read elsewhere."""
    (_, entry, _, _) = ONE_OF_EACH
    assert isinstance(entry, Received)
    foreign = attrs.evolve(
        entry, recv_ns=entry.recv_ns.astype(">i8"), lengths=entry.lengths.astype(">u4")
    )
    assert encode_entries([foreign]) == encode_entries([entry])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"garbage",
        msgspec.msgpack.encode({"ticked": []}),
        msgspec.msgpack.encode([[]]),
        msgspec.msgpack.encode([[["ticked"]]]),
        msgspec.msgpack.encode([["closed"]]),
        msgspec.msgpack.encode([["started", 1, "1.0", "f4"]]),
        encode_entries(ONE_OF_EACH)[:-1],
        encode_entries(ONE_OF_EACH) + b"\0",
    ],
)
def test_what_is_no_entry_of_this_version_is_refused(body: bytes) -> None:
    """With an error that stops the recorder, before anything is derived from it."""
    with pytest.raises(StorageError, match="the journal holds an entry that cannot be read"):
        decode_entries(body)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (3, b"1234567"),  # receive times of seven bytes
        (5, "text"),
        (7, [[1, "BTC", ["NO_TABLE"]]]),
        (7, [[1, "BTC"]]),
        (8, [["Unheard", 1]]),
        (8, [["Retired", [1]]]),
        (8, [5]),
        (9, [[1]]),
    ],
)
def test_a_received_entry_with_a_wrong_field_is_refused(field: int, value: object) -> None:
    """Unknown kinds within are as wrong as unknown kinds of entries."""
    plain = msgspec.msgpack.decode(encode_entries([ONE_OF_EACH[1]]))
    plain[0][field] = value
    with pytest.raises(StorageError):
        decode_entries(msgspec.msgpack.encode(plain))


def test_ticks_of_earlier_versions_did_not_say_when_it_was() -> None:
    """They are read all the same."""
    assert decode_entries(msgspec.msgpack.encode([["ticked"]])) == [Ticked()]


def test_fields_that_a_later_version_has_added_are_passed_over() -> None:
    """Of entries, and of what they name; the others are what they would be without them."""
    (started, received, *others) = ONE_OF_EACH
    assert isinstance(started, Started)
    assert isinstance(received, Received)
    wish = Defined(1, "BTC", (Table.MD, Table.BOOK), unproven=(Table.BOOK,))
    note = Note(7, "1.1", "opened", "")
    whole = attrs.evolve(received, defined=(wish,), notes=(note,), taken=3, heard=False)
    entries = [attrs.evolve(started, buffer="name"), whole, *others]
    plain = msgspec.msgpack.decode(encode_entries(entries))
    for fields in plain:
        fields.append("more")
    for each in (plain[1][7], plain[1][9]):
        each[0].append("more")
    again = decode_entries(msgspec.msgpack.encode(plain))
    assert [comparable(each) for each in again] == [comparable(each) for each in entries]


@given(st.integers(0), st.integers(1, 255))
@example(0, 0x40)
def test_a_changed_byte_never_gives_another_error(place: int, change: int) -> None:
    """Entries, or a `StorageError`: nothing that would be taken for a bug."""
    body = bytearray(encode_entries(ONE_OF_EACH))
    body[place % len(body)] ^= change
    try:
        found = decode_entries(bytes(body))
    except StorageError:
        return
    assert isinstance(found, list)
