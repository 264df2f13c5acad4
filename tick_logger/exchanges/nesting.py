"""How deeply JSON may nest: a bound of our own, the same in every replay.

A decoder gives up at a depth that differs between versions of Python, and in some with the depth of
the calls around it.  So what nests deeper than `MAX_DEPTH` is rejected before, whoever decodes it.
Invariant: the verdict depends on the bytes alone, and whatever a decoder skips counts as well.
Whether the text is JSON at all is not looked at: up to its first error, the depth is right.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

MAX_DEPTH = 256
"""Objects and lists within each other.  Messages have 5.  Python 3.11 is the first to give up, at
1000 less the calls around it, of which there are about 50.  A smaller bound would cost more:
what has no more brackets than this needs no closer look."""

TOO_DEEP = f"nested more than {MAX_DEPTH} levels deep"
"""The reason for rejecting such a payload, in words."""

_AT_ONCE = 16
"""Payloads that are looked at together, because most have few brackets."""

_LONG = 64 * 1024
"""Bytes of so many payloads beyond which some of them are large books, which open often anyway."""

_STEP = np.zeros(256, np.int8)
_STEP[list(b"[{")] = 1
_STEP[list(b"]}")] = -1
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def too_deep(payloads: Sequence[bytes]) -> list[int]:
    """The numbers of those payloads that nest more than `MAX_DEPTH` levels."""
    found: list[int] = []
    if max(map(len, payloads), default=0) <= MAX_DEPTH:  # each level takes a byte
        return found
    for start in range(0, len(payloads), _AT_ONCE):
        some = payloads[start : start + _AT_ONCE]
        text = b"".join(some)
        if len(text) > _LONG or _opens_often(text):
            found += [start + n for n, payload in enumerate(some) if is_too_deep(payload)]
    return found


def is_too_deep(payload: bytes) -> bool:
    """Whether it nests more than `MAX_DEPTH` levels."""
    lists, objects = payload.count(b"["), payload.count(b"{")
    if lists + objects <= MAX_DEPTH:
        return False
    # A bracket that opens right after one that closes goes no deeper than that one did.  Both are
    # in a text or neither is, so texts need not be told apart.  This settles nearly every book.
    # The quotes are no part of it, but a longer pattern is found sooner.
    brothers = payload.count(b'"],["') if lists > objects else payload.count(b'},{"')
    if lists + objects - brothers <= MAX_DEPTH:
        return False
    return _depth(payload) > MAX_DEPTH


def _opens_often(text: bytes) -> bool:
    """Whether more than `MAX_DEPTH` brackets open.

    `replace` leaps from one to the next and stops after so many; `count` looks at each byte.
    """
    rest = text.replace(b"[", b"", MAX_DEPTH + 1).replace(b"{", b"", MAX_DEPTH + 1)
    return len(text) - len(rest) > MAX_DEPTH


def _depth(text: bytes) -> int:
    """The deepest level, brackets within texts aside."""
    without_escapes = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    outside_texts = b"".join(without_escapes.split(b'"')[::2])
    brackets = np.frombuffer(outside_texts.translate(None, _NO_BRACKETS), np.uint8)
    return int(_STEP[brackets].cumsum(dtype=np.int32).max(initial=0))
