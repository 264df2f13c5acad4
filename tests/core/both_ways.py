"""The adapters with the compiled core and without it: one mark, and one way to switch."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tick_logger import core
from tick_logger.exchanges.base import Exchange
from tick_logger.exchanges.hot import HotShapes

needs_core = pytest.mark.skipif(
    core.compiled is None, reason="no compiled core: there is no compiler, or it is switched off"
)


@contextmanager
def without_core() -> Iterator[None]:
    """As where there is none."""
    compiled, core.compiled = core.compiled, None
    try:
        yield
    finally:
        core.compiled = compiled


def shapes_of(exchange: Exchange) -> HotShapes:
    """What the core reads of an exchange."""
    own = getattr(exchange, "_shapes", None) or sys.modules[type(exchange).__module__].SHAPES
    assert isinstance(own, HotShapes)
    return own
