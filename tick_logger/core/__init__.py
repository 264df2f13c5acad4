"""What costs the most for each message, compiled: splitting frames, and reading plain messages.

`compiled` is the extension module, or None where there is none: it was never built, is of another
version, or `TICK_LOGGER_PURE=1` switches it off.  Invariant: with it and without it, the same
messages give the same rows; it takes only what it is sure of, and leaves the rest.

Not here: what messages look like (`exchanges`), and what is done with those that are left.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from typing import Any, Protocol, cast

VERSION = 1
"""Of what the two halves expect of each other; that of `_core.c` is `CORE_VERSION`."""

MODULE = "_tick_logger_core"
"""Beside the package, so that a checkout finds that of its environment."""


class Compiled(Protocol):
    """The functions of `_core.c`, which describes them."""

    VERSION: int

    def plan(self, scopes: tuple[Any, ...], nodes: tuple[Any, ...]) -> object:
        """A shape in the form that `scan` takes; ValueError if it could do harm."""
        ...

    def scan(
        self, plans: tuple[object, ...], block: bytes, packed: bytes, left: bytes | None
    ) -> tuple[bytes, tuple[str, ...], tuple[tuple[bytes, ...], ...]]:
        """Which plan took each message, the names in them, and the rows of each plan's scopes."""
        ...

    def split(self, data: bytes, begin: int, limit: int) -> tuple[bytes, bytes, int]:
        """The messages in whole frames, their lengths, and where the next other frame begins."""
        ...


def found(environment: Mapping[str, str]) -> Compiled | None:
    """The compiled module, if it is there, of this version, and not switched off."""
    if environment.get("TICK_LOGGER_PURE") == "1":
        return None
    try:
        module = cast(Compiled, importlib.import_module(MODULE))
    except ImportError:  # of another platform, too
        return None
    return module if getattr(module, "VERSION", None) == VERSION else None


compiled = found(os.environ)
