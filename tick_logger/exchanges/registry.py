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
from tick_logger.model.venue_names import adapter_of


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
    """The names of all adapters, in alphabetical order."""
    return tuple(_all())


def adapter(name: str) -> str | None:
    """The adapter of an exchange that is recorded under this name; None if there is none."""
    return adapter_of(name, _all())


def knows(name: str) -> bool:
    """Whether there is an adapter of an exchange that is recorded under this name."""
    return adapter(name) is not None


@functools.lru_cache(maxsize=256)  # of more names than anybody gives entrances
def get(name: str) -> Exchange:
    """The exchange of this name, that of an adapter or of an entrance (`model.venue_names`).

    LookupError, whose message lists what exists, if there is none.
    """
    found = adapter(name)
    if found is None:
        raise LookupError(f"no exchange is named {name!r}; there are: {', '.join(available())}")
    return _all()[found] if name == found else _all()[found].called(name)


def ids_of(exchange: str) -> Ids:
    """What the ids of an exchange's trades are; of one that is not known, they are just ids."""
    return get(exchange).trade_ids if knows(exchange) else Ids.OPAQUE


def twins_of(exchange: str, table: Table) -> Twins:
    """How rows of two lines are known to be one; of an exchange not known, by all that they say."""
    return get(exchange).twins.get(table, Twins.SAID) if knows(exchange) else Twins.SAID


def proofs_of(exchange: str) -> Mapping[Table, Proof]:
    """How far the completeness of an exchange's tables can be shown; empty if it is not known."""
    return get(exchange).proofs if knows(exchange) else {}


def has_dense_ids(exchange: str, table: Table) -> bool:
    """Whether the ids of that table rise by one; of an exchange that is not known, nothing is."""
    return table is Table.TRADES and ids_of(exchange) is Ids.DENSE
