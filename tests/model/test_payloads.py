"""Messages in one block and messages taken apart are the same sequence."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tick_logger.model.payloads import NO_PAYLOADS, Payloads

texts = st.lists(st.binary(max_size=5), max_size=5)


def in_block(messages: list[bytes]) -> Payloads:
    """As a splitter in one piece gives them."""
    lengths = np.array([len(each) for each in messages], np.uint32)
    return Payloads(b"".join(messages), lengths.tobytes())


def check(payloads: Payloads, messages: list[bytes]) -> None:
    """All that may be asked of them."""
    some = list(range(len(messages)))[::-2]
    assert payloads.at(some) == [messages[place] for place in some]
    assert [payloads[place] for place in some] == [messages[place] for place in some]
    assert payloads == messages
    assert len(payloads) == len(messages)
    assert bool(payloads) == bool(messages)
    assert [payloads[n] for n in range(len(messages))] == messages
    assert payloads[1:] == messages[1:]
    assert payloads.block == b"".join(messages)
    assert payloads.nbytes == len(payloads.block)
    assert payloads.lengths.tolist() == [len(each) for each in messages]
    assert payloads.lengths.dtype == np.uint32


@given(texts)
def test_both_ways_hold_the_same_messages(messages: list[bytes]) -> None:
    """Empty ones included, whatever is asked first."""
    check(in_block(messages), messages)
    check(Payloads.of(messages), messages)
    assert in_block(messages) == Payloads.of(messages)
    assert Payloads.of(messages).packed == in_block(messages).packed
    assert Payloads.of(messages).nbytes == sum(map(len, messages))


@given(st.lists(st.tuples(texts, st.booleans()), max_size=4))
def test_parts_are_joined_in_order(parts: list[tuple[list[bytes], bool]]) -> None:
    """However each part is held."""
    made = [in_block(messages) if block else Payloads.of(messages) for messages, block in parts]
    check(Payloads.joined(made), [each for messages, _ in parts for each in messages])


def test_what_are_payloads_already_stays_as_it_is() -> None:
    """Nothing is copied; and what a list held is not changed with the list."""
    messages = [b"a"]
    payloads = Payloads.of(messages)
    messages.append(b"b")
    assert Payloads.of(payloads) is payloads
    assert payloads == [b"a"]
    assert NO_PAYLOADS == []
    assert payloads != "a"
