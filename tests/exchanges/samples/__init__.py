"""One payload of every kind that each exchange sends, and the symbols that occur in them.

Each module here is named as its exchange.
"""

from __future__ import annotations

import importlib
import pkgutil

_OF = {
    module.name: importlib.import_module(f"{__name__}.{module.name}")
    for module in pkgutil.iter_modules(__path__)
}

SAMPLES: dict[str, dict[str, bytes]] = {name: module.SAMPLES for name, module in _OF.items()}

SYMBOLS: dict[str, int] = {
    symbol: number for module in _OF.values() for symbol, number in module.SYMBOLS.items()
}
