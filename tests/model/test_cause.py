"""Causes of holes: a closed list, and what a newer version adds to it."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest

from tick_logger.model.cause import Cause


def test_a_known_word_is_the_member() -> None:
    """However it was read."""
    assert Cause("crash") is Cause.CRASH
    assert msgspec.convert("crash", Cause) is Cause.CRASH
    assert msgspec.json.decode(b'"crash"', type=Cause) is Cause.CRASH
    assert Cause.CRASH.is_known


@pytest.mark.parametrize("word", ["eclipse", "", "CRASH", "Crash"])
def test_a_word_of_a_newer_version_is_kept_as_it_stands(word: str) -> None:
    """It can be told apart from all others, and be written again."""
    read = msgspec.json.decode(msgspec.json.encode(word), type=Cause)
    assert (read, read.value, str(read), f"{read}") == (word, word, word, word)
    assert not read.is_known
    assert read == Cause(word)
    assert hash(read) == hash(word)
    assert read not in {*Cause}
    assert msgspec.json.encode(read) == msgspec.json.encode(word)
    assert msgspec.msgpack.encode(read) == msgspec.msgpack.encode(word)
    assert copy.deepcopy(read) == read


def test_what_is_no_word_is_no_cause() -> None:
    """Only texts are kept."""
    number: Any = 7
    with pytest.raises(ValueError, match="7 is not a valid Cause"):
        Cause(number)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(7, Cause)
