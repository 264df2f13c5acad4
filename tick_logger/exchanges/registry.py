"""The exchanges that exist: every module of this package that exposes an `EXCHANGE`.

There is no list to edit: a new file is a new exchange, named as its module.  A venue that is
several exchanges exposes `EXCHANGES` instead, each under its own name.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

import tick_logger.exchanges as package
from tick_logger.exchanges.base import Exchange
from tick_logger.model.proof import Ids, Proof
from tick_logger.model.tables import Table
from tick_logger.model.twins import Twins


@functools.cache
def _all() -> Mapping[str, Exchange]:
    found: dict[str, Exchange] = {}
    for module in pkgutil.iter_modules(package.__path__):
        imported = importlib.import_module(f"{package.__name__}.{module.name}")
        exchange = getattr(imported, "EXCHANGE", None)
        if exchange is not None:
            found[module.name] = exchange
        found |= {each.name: each for each in getattr(imported, "EXCHANGES", ())}
    return MappingProxyType(dict(sorted(found.items())))


def available() -> tuple[str, ...]:
    """The names of all exchanges, in alphabetical order."""
    return tuple(_all())


def get(name: str) -> Exchange:
    """The exchange of this name; LookupError, whose message lists what exists, if there is none."""
    exchange = _all().get(name)
    if exchange is None:
        raise LookupError(f"no exchange is named {name!r}; there are: {', '.join(available())}")
    return exchange


def ids_of(exchange: str) -> Ids:
    """What the ids of an exchange's trades are; of one that is not known, they are just ids."""
    return _all()[exchange].trade_ids if exchange in _all() else Ids.OPAQUE


def twins_of(exchange: str, table: Table) -> Twins:
    """How rows of two lines are known to be one; of an exchange not known, by all that they say."""
    known = _all()[exchange].twins if exchange in _all() else {}
    return known.get(table, Twins.SAID)


def proofs_of(exchange: str) -> Mapping[Table, Proof]:
    """How far the completeness of an exchange's tables can be shown; empty if it is not known."""
    return _all()[exchange].proofs if exchange in _all() else {}


def has_dense_ids(exchange: str, table: Table) -> bool:
    """Whether the ids of that table rise by one; of an exchange that is not known, nothing is."""
    return table is Table.TRADES and ids_of(exchange) is Ids.DENSE
