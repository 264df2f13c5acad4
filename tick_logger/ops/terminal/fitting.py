"""A log line on a screen that may be too narrow for it: whole words, and what matters most.

Not here: what is logged.
"""

from __future__ import annotations

import re

FIRST = ("exchange", "component", "cause", "reason")
"""Keys that say where something is wrong, and why: these are left out last."""

_BETWEEN_KEYS = re.compile(r" (?=[a-z_]+=)")
_LEFT_OUT = "…"
_CAUSE, _REASON = "cause=", "reason="
_PLACE = re.compile(r"^reason=\S*[./]\S*: (?=\S)")


def in_one_line(line: str, columns: int) -> str:
    """The line, without its less important keys, and then without the middle of the longest value.

    It begins with the time and what happened.
    """
    if len(line) <= columns:
        return line
    head, *keys = _BETWEEN_KEYS.split(line)
    if any(key.startswith(_REASON) for key in keys):  # it says more than the one word of a cause
        keys = [_without_place(key) for key in keys if not key.startswith(_CAUSE)]
    order = sorted(keys, key=lambda each: each.split("=")[0] not in FIRST)
    kept: list[str] = []
    for key in order:
        is_important = key.split("=")[0] in FIRST
        if is_important or _length([head, *kept, key]) <= columns - len(_LEFT_OUT) - 1:
            kept.append(key)
    parts = [head, *(key for key in keys if key in kept)]
    if len(kept) < len(keys) and _length(parts) <= columns - len(_LEFT_OUT) - 1:
        parts.append(_LEFT_OUT)
    if len(parts) > 1 and (excess := _length(parts) - columns) > 0:
        at = max(range(1, len(parts)), key=lambda place: len(parts[place]))
        name, sign, value = parts[at].partition("=")
        room = len(value) - excess
        parts[at] = f"{name}{sign}{_without_middle(value, room)}"
    text = " ".join(parts)
    return text if len(text) <= columns else _without_middle(text, columns)


def _without_place(key: str) -> str:
    """A reason without the address before it, which is long, and known by its exchange."""
    return _PLACE.sub(_REASON, key)


def _length(parts: list[str]) -> int:
    return sum(map(len, parts)) + len(parts) - 1


def _without_middle(text: str, columns: int) -> str:
    """Whole words from both ends, the last one first; a single word loses its own middle."""
    words = text.split(" ")
    head: list[str] = []
    tail: list[str] = []
    while words:
        word = words[-1] if len(tail) <= len(head) else words[0]
        if _length([*head, _LEFT_OUT, *tail, word]) > columns:
            break
        if len(tail) <= len(head):
            tail.insert(0, words.pop())
        else:
            head.append(words.pop(0))
    if tail:
        return " ".join([*head, _LEFT_OUT, *tail])
    room = columns - len(_LEFT_OUT) - 2
    if room < 2 or " " in text:
        return _LEFT_OUT[: max(columns, 0)]
    return f"{text[: room - room // 2]} {_LEFT_OUT} {text[len(text) - room // 2 :]}"
