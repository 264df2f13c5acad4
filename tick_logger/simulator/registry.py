"""The dialects by the name of their venue: every one that lies in `dialects`."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

from tick_logger.simulator import dialects
from tick_logger.simulator.dialects.base import Dialect


def _dialects() -> dict[str, type[Dialect]]:
    found: dict[str, type[Dialect]] = {}
    for info in pkgutil.iter_modules(dialects.__path__, f"{dialects.__name__}."):
        for value in vars(importlib.import_module(info.name)).values():
            concrete = inspect.isclass(value) and not inspect.isabstract(value)
            if concrete and issubclass(value, Dialect):
                found[value.name] = value
    return found


DIALECTS = _dialects()
