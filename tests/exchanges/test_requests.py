"""Putting subscriptions into requests: nothing is lost or asked for twice, in whatever order."""

from __future__ import annotations

import random

import pytest

from tick_logger.exchanges.base import Request, Subscription
from tick_logger.exchanges.requests import batches, feeds_by_symbol, in_order, request

WANTED = [Subscription(f"S{number}", feed) for number in range(5) for feed in ("quotes", "trades")]


def test_the_order_of_wishes_does_not_matter() -> None:
    """Nor that one is named twice."""
    shuffled = random.Random(3).sample(WANTED, len(WANTED)) + WANTED[:3]
    assert in_order(shuffled) == WANTED
    assert list(feeds_by_symbol(shuffled).items()) == [
        (f"S{number}", {"quotes", "trades"}) for number in range(5)
    ]


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, []), (1, [1]), (3, [3]), (4, [3, 1]), (6, [3, 3])]
)
def test_batches_are_full_but_for_the_last(count: int, sizes: list[int]) -> None:
    """And hold everything once."""
    found = list(batches(list(range(count)), 3))
    assert [len(batch) for batch in found] == sizes
    assert [item for batch in found for item in batch] == list(range(count))


def test_a_request_is_json_and_knows_what_it_settles() -> None:
    """Without an id where the venue's answers name none."""
    made = request({"op": "subscribe", "args": ["a"]}, WANTED[:2], 4)
    assert made == Request('{"op":"subscribe","args":["a"]}', frozenset(WANTED[:2]), 4)
    assert request([]) == Request("[]", frozenset(), None)
