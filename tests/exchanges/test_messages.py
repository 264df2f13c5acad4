"""Decoding payloads: those that are bad keep none of the others from being decoded."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from tick_logger.exchanges.base import VenueError
from tick_logger.exchanges.messages import (
    UNDECODABLE,
    Id,
    decode_each,
    decode_listing,
    explained,
    grouped,
    lenient,
)


class Message(msgspec.Struct):
    """A message of a number, and perhaps a text."""

    n: Id
    s: str = ""


DECODE = lenient(Message)


def test_numbers_may_be_sent_as_texts() -> None:
    """Within an int64, and not below zero."""
    assert DECODE(b'{"n":"7"}') == DECODE(b'{"n":7}') == Message(7)
    for text in (b'{"n":"-1"}', b'{"n":9223372036854775808}', b'{"n":"x"}'):
        with pytest.raises(UNDECODABLE):
            DECODE(text)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{", "truncated"),
        (b'{"n":1,"s":"\xff"}', "not UTF-8"),
    ],
)
def test_only_the_bad_payload_is_given_up(payload: bytes, reason: str) -> None:
    """Its frame and its error are told; the frames of the others stay theirs."""
    told: list[tuple[int, str]] = []
    payloads = [b'{"n":1}', payload, b'{"n":3}']
    kept, messages = decode_each(
        DECODE, [4, 6, 9], payloads, lambda frame, error: told.append((frame, explained(error)))
    )
    assert list(kept) == [4, 9]
    assert messages == [Message(1), Message(3)]
    ((frame, words),) = told
    assert frame == 6
    assert reason in words


def test_a_message_can_be_given_in_the_place_of_a_bad_one() -> None:
    """At its place among the others."""
    kept, messages = decode_each(
        DECODE, [0, 1, 2], [b"{}", b'{"n":2}', b"{"], lambda frame, _: Message(100 + frame)
    )
    assert list(kept) == [0, 1, 2]
    assert messages == [Message(100), Message(2), Message(102)]


@pytest.mark.parametrize("keys", ["aaaa", "abab", "aabb", "abcd", ""])
def test_groups_keep_the_order_of_their_items(keys: str) -> None:
    """Each item is in the group of its key, with its frame."""
    frames = [number * 3 for number in range(len(keys))]
    items = [f"{key}{frame}" for key, frame in zip(keys, frames, strict=True)]
    groups = grouped(list(keys), frames, items)
    assert [key for key, _, _ in groups] == list(dict.fromkeys(keys))
    for key, frame, members in groups:
        assert frame.dtype == np.int32
        assert members == [f"{key}{number}" for number in frame.tolist()]
        assert members == [item for item in items if item[0] == key]


def test_a_listing_that_is_none_names_its_request() -> None:
    """As an error of the venue."""
    assert decode_listing(DECODE, b'{"n":1}', "products") == Message(1)
    with pytest.raises(VenueError, match=r"^products: "):
        decode_listing(DECODE, b"<html>", "products")
