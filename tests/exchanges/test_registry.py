"""Exchanges are found by being there."""

from __future__ import annotations

import pkgutil

import pytest

import tick_logger.exchanges
from tick_logger.exchanges import registry


def test_every_exchange_is_named_as_its_module() -> None:
    """The name that a configuration uses is that of the file, or begins with it."""
    modules = [module.name for module in pkgutil.iter_modules(tick_logger.exchanges.__path__)]
    names = registry.available()
    assert {"binance", "coinbase"} <= set(names)
    assert all(any(name in (m, f"{m}_linear") for m in modules) for name in names)
    assert [registry.get(name).name for name in names] == [*names]


def test_modules_that_are_no_exchange_are_not_offered() -> None:
    """The contract and the building blocks live in the same package."""
    assert not {"base", "decode", "registry"} & set(registry.available())


def test_an_unknown_name_is_answered_with_what_there_is() -> None:
    """A typing error in a configuration is mended without reading the source."""
    with pytest.raises(LookupError, match=r"no exchange is named 'coinbas'; there are: binance, b"):
        registry.get("coinbas")
