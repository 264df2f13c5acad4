"""Which exchange a name stands for: an adapter's own, or that of an entrance of it.

    alpha          the adapter itself
    alpha_us       an entrance of it, under a name of its own

What is recorded goes by the name alone, for as long as there are files: so the name itself says
whose messages they are, and nothing that lies beside them can be lost.

Invariant: what a name stands for never changes, so the name of a new adapter must not be that of an
older one with "_" behind it.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_OWN = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*")

MOST_LETTERS = 64
"""Of a name: it is a folder, a label of metrics and a part of variables."""


def adapter_of(name: str, adapters: Collection[str]) -> str | None:
    """The adapter that an exchange of this name has: of several, the one with the longest name."""
    if name in adapters:
        return name
    fitting = [each for each in adapters if is_entrance(name, each)]
    return max(fitting, key=len, default=None)


def is_entrance(name: str, adapter: str) -> bool:
    """Whether an entrance of this adapter may be called so: its name, "_" and a word or more."""
    own = name.removeprefix(f"{adapter}_")
    return own != name and _OWN.fullmatch(own) is not None and len(name) <= MOST_LETTERS
