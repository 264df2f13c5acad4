"""Exchanges are found by being there."""

from __future__ import annotations

import pkgutil

import pytest

import tick_logger.exchanges
from tick_logger.exchanges import registry


def test_every_exchange_is_named_as_its_module() -> None:
    """The name that a configuration uses is the name of the file."""
    modules = {module.name for module in pkgutil.iter_modules(tick_logger.exchanges.__path__)}
    assert {"binance", "coinbase"} <= set(registry.available()) <= modules
    assert [registry.get(name).name for name in registry.available()] == [*registry.available()]


def test_modules_that_are_no_exchange_are_not_offered() -> None:
    """The contract and the building blocks live in the same package."""
    assert not {"base", "decode", "registry"} & set(registry.available())


def test_an_unknown_name_is_answered_with_what_there_is() -> None:
    """A typing error in a configuration is mended without reading the source."""
    with pytest.raises(LookupError, match=r"no exchange is named 'coinbas'; there are: binance, c"):
        registry.get("coinbas")
