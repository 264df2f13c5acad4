"""Instruments as they are saved, for tests."""

from __future__ import annotations

from typing import Any

from tick_logger.model.proof import Proof
from tick_logger.model.symbol_rules import AssetClass, QuoteType
from tick_logger.model.symbols import MappedInstrument
from tick_logger.model.tables import Table
from tick_logger.storage.instruments_file import SavedInstruments


def mapped(symbol: str, **changes: Any) -> MappedInstrument:  # noqa: ANN401
    """An instrument of the exchange "venue", with some facts changed."""
    base, _, quote = symbol.partition("/")
    facts: dict[str, Any] = {
        "exchange": "venue",
        "symbol": symbol,
        "name": f"{base}-{quote}",
        "base": base,
        "quote": quote,
        "quote_type": QuoteType.FIAT,
        "asset_class": AssetClass.CRYPTO,
        "kind": "spot",
        "tick_size": "0.1",
        "lot_size": "0.001",
        "active": True,
    }
    return MappedInstrument(**(facts | changes))


def saved(*instruments: MappedInstrument, read_ns: int = 1_790_078_400 * 10**9) -> SavedInstruments:
    """What the exchange "venue" listed."""
    return SavedInstruments(
        exchange="venue",
        read_ns=read_ns,
        proofs={Table.TRADES: Proof.PROVEN, Table.MD: Proof.UNPROVABLE},
        instruments=instruments,
    )
